//! Reads articles again: corrections, what is gone, and items that wait for their page.

use std::time::Duration;

use super::articles::{self, Articles, Gaps, Unread};
use super::poll_source::PollCycle;
use crate::dedup::Verdict;
use crate::log::Record;
use crate::model::{Draft, Moment, Outcome, Revisit};

/// Longest wait for which an article is scheduled.
const MAX_WAIT: Duration = Duration::from_secs(7 * 86_400);
/// Maximum number of a source's articles scheduled to be read again.
const MAX_REVISITS: usize = 300;
/// Maximum number of articles read again per poll.
const MAX_PER_POLL: usize = 10;

/// Returns stored revisits with the times that they can have: one that was scheduled while our clock was ahead is due within
/// a week of today.
pub(super) fn trusted(mut stored: Vec<Revisit>, now: Moment) -> Vec<Revisit> {
    for revisit in &mut stored {
        revisit.due = revisit.due.min(now + MAX_WAIT);
    }
    stored
}

/// Schedules a further reading; `false` if there is no room. One that brings a text that readers do not have yet takes the
/// place of one that only looks for corrections.
pub(super) fn add(revisits: &mut Vec<Revisit>, revisit: Revisit) -> bool {
    if let Some(known) = revisits.iter_mut().find(|known| known.item == revisit.item) {
        known.due = known.due.min(revisit.due);
        known.listed = revisit.listed;
        return true;
    }
    match room(revisits, &revisit) {
        Room::Free => {}
        Room::Instead(of) => drop(revisits.swap_remove(of)),
        Room::None => return false,
    }
    revisits.push(revisit);
    true
}

/// Returns whether a further reading can be scheduled.
pub(super) fn has_room(revisits: &[Revisit], revisit: &Revisit) -> bool {
    revisits.iter().any(|known| known.item == revisit.item) || !matches!(room(revisits, revisit), Room::None)
}

/// Where there is room for a further reading.
enum Room {
    Free,
    /// In the place of another one.
    Instead(usize),
    None,
}

fn room(revisits: &[Revisit], revisit: &Revisit) -> Room {
    if revisits.len() < MAX_REVISITS {
        return Room::Free;
    }
    if revisit.is_well() {
        return Room::None;
    }
    let well = revisits.iter().enumerate().filter(|(_, known)| known.is_well());
    well.max_by_key(|(_, known)| known.step).map_or(Room::None, |(at, _)| Room::Instead(at))
}

impl<'a> PollCycle<'a> {
    /// Rereads the articles that are due: a correction becomes a new report, an article that is gone is taken out, and an
    /// item that waited for its page is reported.
    ///
    /// # Errors
    /// Returns the outcome of the poll if what was found cannot be written.
    pub(super) async fn read_again(&mut self) -> Result<(), Outcome> {
        if self.revisits().iter().all(|revisit| revisit.due > self.now) {
            return Ok(());
        }
        let (due, mut revisits): (Vec<Revisit>, Vec<Revisit>) =
            self.revisits().iter().cloned().partition(|revisit| revisit.due <= self.now);
        let mut articles = self.articles();
        let mut records = Vec::new();
        for (revisit, number) in due.into_iter().zip(0..) {
            let has_room = number < MAX_PER_POLL && articles.has_room();
            if !has_room || !articles.quota().has_room(self.now, self.context.limits) {
                revisits.push(revisit);
                continue;
            }
            match articles.read(&revisit.listed).await {
                Ok(draft) => revisits.extend(self.read_anew(&mut articles, revisit, draft, &mut records)),
                Err(Unread::Gone { is_meant }) => revisits.extend(self.miss(revisit, is_meant, &mut records)),
                Err(Unread::Later(reason) | Unread::NoRoom(reason)) => {
                    tracing::debug!(source = %self.source.id, link = revisit.listed.link, reason, "an article cannot be read again now");
                    revisits.push(articles::retry(revisit, self.now));
                }
                // An article that is gone stays so until it can be read again.
                Err(Unread::NoArticle) if revisit.is_gone => {
                    revisits.extend(articles::look_again(revisit, self.now));
                }
                Err(Unread::NoArticle) => revisits.extend(articles::again(revisit, self.now)),
            }
        }
        (self.busy, self.quota) = articles.end();
        self.commit(records, revisits).await
    }

    /// Takes in an article that could be read; returns when it is read again.
    fn read_anew(
        &self,
        articles: &mut Articles<'_>,
        revisit: Revisit,
        draft: Draft,
        records: &mut Vec<Record>,
    ) -> Option<Revisit> {
        let found = self.identity(&draft, &[]);
        let is_back = revisit.is_gone || self.context.view.is_gone(revisit.item);
        let news = found.filter(|found| match found.verdict {
            // It waited for its page. A page that is no article is no item.
            Verdict::New => !draft.title.is_empty() && self.source.filter.refusal(&draft, self.now, true).is_none(),
            Verdict::Changed => {
                found.item == revisit.item && self.source.filter.refusal_by_words(&draft, true).is_none()
            }
            Verdict::Same | Verdict::Restless => false,
        });
        if news.is_some() && !articles.quota().take(self.now, &draft, self.context.limits) {
            return Some(articles::retry(revisit, self.now));
        }
        if is_back {
            tracing::warn!(event = "article_back", source = %self.source.id, link = revisit.listed.link, "an article that was gone at the source is back");
            records.push(Record::Back { item: revisit.item, at: self.now });
        }
        records.extend(news.map(|found| self.report(found, draft, false)));
        articles::again(revisit, self.now)
    }

    /// Takes in that an article is missing; returns when to look for it again.
    fn miss(&self, revisit: Revisit, is_meant: bool, records: &mut Vec<Record>) -> Option<Revisit> {
        let missed = revisit.missed.or(Some(self.now));
        let mut revisit = Revisit { misses: revisit.misses.saturating_add(1), missed, ..revisit };
        if !revisit.is_gone && articles::is_gone(&revisit, is_meant, self.now) {
            // One that was never reported leaves nothing to take out.
            self.context.view.newest(revisit.item)?;
            tracing::warn!(event = "article_gone", source = %self.source.id, link = revisit.listed.link, "an article is gone at the source; its report is taken out");
            records.push(Record::Gone { item: revisit.item, at: self.now });
            revisit.is_gone = true;
        }
        articles::look_again(revisit, self.now)
    }

    /// Creates the reader for article pages; it takes the quota until it ends.
    pub(super) fn articles(&mut self) -> Articles<'a> {
        let (busy, quota) = (self.busy.clone(), std::mem::take(&mut self.quota));
        let gaps = Gaps { own: self.gap, least: self.least_gap, others: Vec::new() };
        Articles::new(self.context, self.source, gaps, busy, quota, self.allowance.for_articles(), self.wanted())
    }
}
