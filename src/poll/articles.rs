//! Reads the article pages of a list's items: when an item is new, and again after an hour, a day and a week.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::abroad::Allowance;
use super::busy_hosts::BusyHosts;
use super::context::PollContext;
use super::parse::parse;
use super::permission::{Refusal, permit};
use super::quota::Quota;
use crate::fetch::{Answer, FetchError, Request};
use crate::model::{Draft, Enclosure, Link, Moment, Page, Revisit, Source};
use crate::read::{self, Rules};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Maximum number of article pages read per poll; the rest is read in later polls.
const MAX_ARTICLES: usize = 60;
/// Maximum time that one poll spends on article pages.
const MAX_TIME: Duration = Duration::from_secs(180);
/// The same if another source is waiting for the host.
const MAX_TIME_IF_WANTED: Duration = Duration::from_secs(10);
/// Longest wait for a turn at a host that other sources read from, too.
const MAX_TURN: Duration = Duration::from_secs(10);
/// Maximum number of pages per article.
const MAX_PAGES: usize = 10;
/// When an article is read again, after the previous reading.
const REREAD_AFTER: [Duration; 3] = [HOUR, DAY, WEEK];
/// Interval between checks for a missing article.
const MISSING_CHECK_INTERVAL: Duration = Duration::from_secs(20 * 3600);
/// Number of misses after which a missing article is given up.
const MAX_MISSES: u8 = 12;
/// Once an article has this many bytes of text or of HTML, no further page of it is read.
const MAX_TEXT: usize = 256 * 1024;
/// Maximum number of other hosts whose gap is remembered.
const MAX_GAPS: usize = 32;

/// Why no article was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    /// The page does not exist: 404, or 410 if the site says so on purpose.
    #[error("the page does not exist")]
    Gone {
        /// Whether the status was 410.
        is_meant: bool,
    },
    /// The page was requested and cannot be read now; with the reason.
    #[error("{0}")]
    Later(String),
    /// It was not requested: this poll, or today, has no room for it. With the reason.
    #[error("{0}")]
    NoRoom(String),
    /// The page is not an article, or may not be read.
    #[error("the page is not an article, or may not be read")]
    NoArticle,
}

/// Reads articles of one source during one poll, with the pauses that its host wants.
pub(super) struct Articles<'a> {
    context: &'a PollContext,
    source: &'a Source,
    rules: Arc<Rules>,
    gaps: Gaps,
    began: Moment,
    asked: usize,
    /// The hosts that asked to be left alone; what other hosts than the source's own say applies only to its articles.
    busy: BusyHosts,
    quota: Quota,
    /// What it may make us ask of other hosts.
    allowance: Allowance,
    is_wanted: Vec<Arc<AtomicBool>>,
}

/// Minimum time between two requests, by host: what a source's own site wants is no matter of others.
#[derive(Debug)]
pub(super) struct Gaps {
    /// At the source's own host.
    pub(super) own: Duration,
    /// At any host, before it says what it wants.
    pub(super) least: Duration,
    /// At other hosts that want more.
    pub(super) others: Vec<(String, Duration)>,
}

impl Gaps {
    fn of(&self, host: &str, is_own: bool) -> Duration {
        let other = || self.others.iter().find(|(other, _)| other == host).map_or(self.least, |(_, gap)| *gap);
        if is_own { self.own } else { other() }
    }

    fn learn(&mut self, host: &str, is_own: bool, gap: Duration) {
        if is_own {
            self.own = gap;
        } else if gap > self.of(host, false) && self.others.len() < MAX_GAPS {
            self.others.retain(|(other, _)| other != host);
            self.others.push((host.to_owned(), gap));
        }
    }
}

impl<'a> Articles<'a> {
    pub(super) fn new(
        context: &'a PollContext,
        source: &'a Source,
        gaps: Gaps,
        busy: BusyHosts,
        quota: Quota,
        allowance: Allowance,
        is_wanted: Vec<Arc<AtomicBool>>,
    ) -> Self {
        let (rules, began) = (Arc::new(Rules::of(source)), (context.clock)());
        Self { context, source, rules, gaps, began, asked: 0, busy, quota, allowance, is_wanted }
    }

    /// Returns the source's quota.
    pub(super) const fn quota(&mut self) -> &mut Quota {
        &mut self.quota
    }

    /// Returns the busy hosts and the source's quota.
    pub(super) fn end(self) -> (BusyHosts, Quota) {
        (self.busy, self.quota)
    }

    /// Returns whether this poll may read more pages.
    pub(super) fn has_room(&self) -> bool {
        // If other sources are waiting for the host or its machine, leave the rest to later polls.
        let is_wanted = self.is_wanted.iter().any(|flag| flag.load(Ordering::Relaxed));
        let longest = if is_wanted { MAX_TIME_IF_WANTED } else { MAX_TIME };
        let now = (self.context.clock)();
        let is_busy = self.busy.until(self.source.url.host_text(), now).is_some();
        !is_busy && self.asked < MAX_ARTICLES && now.duration_since(self.began) < longest
    }

    /// Completes a list's entry for an item from its page.
    pub(super) async fn read(&mut self, listed: &Draft) -> Result<Draft, Unread> {
        let Some(link) = listed.checked_link() else { return Err(Unread::NoArticle) };
        if let Some(kind) = read::file_kind(link.as_str()) {
            let file = Enclosure { url: link.as_str().to_owned(), kind: Some(kind.to_owned()), length: None };
            return Ok(Draft { enclosures: vec![file], ..listed.clone() });
        }
        let (article, mut next) = self.page(&link).await?;
        let mut whole = article;
        for _ in 1..MAX_PAGES {
            let has_room = self.has_room() && whole.text.len() < MAX_TEXT && whole.content_html.len() < MAX_TEXT;
            let Some(link) = next.take().filter(|_| has_room) else { break };
            // If a further page cannot be read, the article is kept without it.
            let Ok((part, after)) = self.page(&link).await else { break };
            if whole.text.ends_with(&part.text) {
                break;
            }
            whole.text.push('\n');
            whole.text.push_str(&part.text);
            whole.content_html.push_str(&part.content_html);
            whole.enclosures.extend(part.enclosures);
            if whole.authors.is_empty() {
                whole.authors = part.authors;
            }
            if whole.editors.is_empty() {
                whole.editors = part.editors;
            }
            next = after.filter(|after| *after != link);
        }
        Ok(read::complete(listed, whole).bounded())
    }

    /// Returns how long to wait before the next request at a host: the gap, and at a host that is not the source's own,
    /// until all other sources that read there have had theirs. `None` if that is too long.
    fn turn(&self, host: &str) -> Option<Duration> {
        let is_own = self.is_own(host);
        let gap = self.gaps.of(host, is_own);
        if is_own || gap.is_zero() {
            return Some(gap);
        }
        let wait = self.context.host_clock.reserve(host, (self.context.clock)(), gap, MAX_TURN)?;
        Some(wait.max(self.gaps.least))
    }

    fn is_own(&self, host: &str) -> bool {
        host == self.source.url.host_text()
    }

    /// Waits for the turn of a page at its host.
    async fn wait_for(&mut self, host: &str) -> Result<(), Unread> {
        let now = (self.context.clock)();
        if self.busy.until(host, now).is_some() {
            return Err(Unread::NoRoom(format!("{host} asked to be left alone")));
        }
        if !self.allowance.has_room(host, now) {
            let reason = "the source's articles lead to too many pages on other hosts today";
            return Err(Unread::NoRoom(reason.to_owned()));
        }
        let wait =
            self.turn(host).ok_or_else(|| Unread::NoRoom(format!("other sources are reading articles of {host}")))?;
        self.asked += 1;
        if !wait.is_zero() {
            (self.context.pause)(wait).await;
        }
        Ok(())
    }

    /// Judges an answer by its status: whether it is the page, or why not.
    fn judge(&mut self, answer: &Answer, link: &Link, now: Moment) -> Result<(), Unread> {
        let is_own_answer = answer.url == link.without_fragment();
        match answer.status {
            200 => Ok(()),
            404 | 410 if is_own_answer => Err(Unread::Gone { is_meant: answer.status == 410 }),
            status @ (429 | 503) => {
                self.busy.hear(answer, &self.source.url, now);
                Err(Unread::Later(format!("{} asks us to come less often ({status})", answer.url.host_text())))
            }
            status => Err(Unread::Later(format!("the site answered {status}"))),
        }
    }

    async fn page(&mut self, link: &Link) -> Result<(Draft, Option<Link>), Unread> {
        if !self.has_room() {
            return Err(Unread::NoRoom("this poll has read enough".to_owned()));
        }
        self.wait_for(link.host_text()).await?;
        let request = Request { budget: Some(&self.allowance), ..Request::page(self.source, link) };
        let is_own = self.is_own(link.host_text());
        let mut gap = self.gaps.of(link.host_text(), is_own);
        let permission = permit(self.context, &request, &mut gap).await;
        self.gaps.learn(link.host_text(), is_own, gap);
        match permission {
            Ok(()) => {}
            Err(Refusal::Forbidden(_)) => {
                tracing::info!(event = "article_disallowed", source = %self.source.id, url = %link, "robots.txt disallows this article; its item appears without text");
                return Err(Unread::NoArticle);
            }
            Err(Refusal::Fetch(error)) => return Err(unread(&error)),
            Err(refusal) => return Err(Unread::Later(refusal.to_string())),
        }
        let now = (self.context.clock)();
        let answer = self.context.fetcher.get(request, now).await.map_err(|error| unread(&error))?;
        self.context.metrics.fetched(answer.body.len());
        self.judge(&answer, link, now)?;
        let page = Page { url: answer.url, content_type: answer.content_type, body: answer.body };
        let article = parse(read::read_article, page, &self.rules, now).await.ok_or_else(|| {
            Unread::Later("internal error: the parser panicked on this page; please report its URL".to_owned())
        })?;
        for fault in &article.faults {
            tracing::warn!(event = "article_fault", source = %self.source.id, url = %link, fault = fault.kind.word(), place = fault.place, detail = fault.detail, "fault in an article");
        }
        article.draft.map(|draft| (draft, article.next)).ok_or(Unread::NoArticle)
    }
}

/// Returns what a failed request means for its article. What is too large today will be too large in an hour.
fn unread(error: &FetchError) -> Unread {
    match error {
        FetchError::Spent(why) => Unread::NoRoom(why.clone()),
        FetchError::TooLarge(_) => Unread::NoArticle,
        error => Unread::Later(error.to_string()),
    }
}

/// Schedules the next reading of an article that was just read; `None` after the last one.
pub(super) fn again(revisit: Revisit, now: Moment) -> Option<Revisit> {
    let wait = *REREAD_AFTER.get(usize::from(revisit.step))?;
    Some(Revisit { due: now + wait, step: revisit.step + 1, misses: 0, missed: None, is_gone: false, ..revisit })
}

/// Schedules the next check for a missing article: soon if the site may be under repair, then about once a day, and
/// once a week if the article is gone. Returns `None` after enough checks.
pub(super) fn look_again(revisit: Revisit, now: Moment) -> Option<Revisit> {
    let wait = match (revisit.is_gone, revisit.misses) {
        (false, ..=1) => HOUR,
        (false, _) => MISSING_CHECK_INTERVAL,
        (true, ..MAX_MISSES) => WEEK,
        (true, _) => return None,
    };
    Some(Revisit { due: now + wait, ..revisit })
}

/// Returns whether a missing article is gone: after two misses an hour apart if the last was a 410, or three over two
/// days if it was a 404, since a site under repair may answer 404 for everything.
pub(super) fn is_gone(revisit: &Revisit, is_meant: bool, now: Moment) -> bool {
    let Some(missed) = revisit.missed else { return false };
    let (times, length) = if is_meant { (2, HOUR) } else { (3, DAY * 2) };
    revisit.misses >= times && now.duration_since(missed) >= length
}

/// Schedules a retry for a page that could not be read now.
pub(super) fn retry(revisit: Revisit, now: Moment) -> Revisit {
    Revisit { due: now + HOUR, ..revisit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Draft, ItemId};

    const NOON: Moment = Moment::from_seconds(1_678_330_000);

    /// Returns after how many hours an article counts as gone, and how often it is requested in total.
    fn life(is_meant: bool) -> (i64, usize) {
        let listed = Draft::default();
        let item = ItemId::from_u128(1);
        let mut revisit = Revisit { item, listed, due: NOON, step: 0, misses: 0, missed: None, is_gone: false };
        let (mut gone, mut asked) = (0, 0);
        loop {
            let now = revisit.due;
            asked += 1;
            revisit.missed = revisit.missed.or(Some(now));
            revisit.misses = revisit.misses.saturating_add(1);
            if !revisit.is_gone && is_gone(&revisit, is_meant, now) {
                revisit.is_gone = true;
                gone = now.since(NOON) / 3_600_000;
            }
            match look_again(revisit.clone(), now) {
                Some(next) => revisit = next,
                None => return (gone, asked),
            }
        }
    }

    #[test]
    fn i20_a_site_that_is_being_repaired_loses_no_article() {
        let (hours, asked) = life(false);
        assert!((48..=96).contains(&hours), "404: gone after {hours} hours");
        assert!(asked <= 16, "{asked}");
        let (hours, _) = life(true);
        assert!((1..=24).contains(&hours), "410: gone after {hours} hours");
    }
}
