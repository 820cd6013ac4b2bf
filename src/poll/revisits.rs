//! Reads articles again: corrections, and what is gone.

use super::articles::{self, Articles, Gaps, Unread};
use super::outcome::unsaved;
use super::poll_source::PollCycle;
use crate::dedup::Verdict;
use crate::log::Record;
use crate::model::{Outcome, Revisit};

impl<'a> PollCycle<'a> {
    /// Rereads the articles that are due: a correction becomes a new report, an article that is gone is taken out.
    ///
    /// # Errors
    /// Returns the outcome of the poll if what was found cannot be written.
    pub(super) async fn read_again(&mut self) -> Result<(), Outcome> {
        const MAX_PER_POLL: usize = 10;
        if self.revisits.iter().all(|revisit| revisit.due > self.now) {
            return Ok(());
        }
        let (due, later): (Vec<Revisit>, Vec<Revisit>) =
            std::mem::take(&mut self.revisits).into_iter().partition(|revisit| revisit.due <= self.now);
        self.revisits = later;
        self.has_new_revisits = true;
        let mut articles = self.articles();
        let mut records = Vec::new();
        for (revisit, number) in due.into_iter().zip(0..) {
            if number >= MAX_PER_POLL || !articles.has_room() {
                self.revisits.push(revisit);
                continue;
            }
            match articles.read(&revisit.listed).await {
                Ok(draft) => {
                    let found = self.identity(&draft, &[]);
                    if revisit.is_gone || self.context.view.is_gone(revisit.item) {
                        tracing::warn!(event = "article_back", source = %self.source.id, link = revisit.listed.link, "an article that was gone at the source is back");
                        records.push(Record::Back { item: revisit.item, at: self.now });
                    }
                    if let Some(found) =
                        found.filter(|found| found.verdict == Verdict::Changed && found.item == revisit.item)
                        && self.source.filter.refusal_by_words(&draft, true).is_none()
                        && articles.quota().take(self.now, &draft, self.context.limits)
                    {
                        records.push(self.report(found, draft, false));
                    }
                    self.revisits.extend(articles::again(revisit, self.now));
                }
                Err(Unread::Gone { is_meant }) => {
                    let missed = revisit.missed.or(Some(self.now));
                    let mut revisit = Revisit { misses: revisit.misses.saturating_add(1), missed, ..revisit };
                    if !revisit.is_gone && articles::is_gone(&revisit, is_meant, self.now) {
                        tracing::warn!(event = "article_gone", source = %self.source.id, link = revisit.listed.link, "an article is gone at the source; its report is taken out");
                        records.push(Record::Gone { item: revisit.item, at: self.now });
                        revisit.is_gone = true;
                    }
                    self.revisits.extend(articles::look_again(revisit, self.now));
                }
                Err(Unread::Later(reason)) => {
                    tracing::debug!(source = %self.source.id, link = revisit.listed.link, reason, "an article cannot be read again now");
                    self.revisits.push(articles::retry(revisit, self.now));
                }
                // An article that is gone stays so until it can be read again.
                Err(Unread::NoArticle) if revisit.is_gone => {
                    self.revisits.extend(articles::look_again(revisit, self.now));
                }
                Err(Unread::NoArticle) => self.revisits.extend(articles::again(revisit, self.now)),
            }
        }
        self.busy = self.busy.max(articles.busy());
        (self.state.busy_hosts, self.quota) = articles.end();
        let written = self.context.log_writer.commit(records, self.now).await;
        written.map_err(|error| unsaved(self.source, &error))
    }

    /// Creates the reader for article pages; it takes the quota until it ends.
    pub(super) fn articles(&mut self) -> Articles<'a> {
        let (busy, quota) = (self.state.busy_hosts.clone(), std::mem::take(&mut self.quota));
        let gaps = Gaps { own: self.gap, least: self.least_gap, others: Vec::new() };
        Articles::new(self.context, self.source, gaps, busy, quota, self.wanted())
    }
}
