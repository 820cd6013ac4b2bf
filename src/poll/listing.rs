//! Reads what a source answered: its list or feed, where it leads, and whether it is still what it was.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::context::wait;
use super::moved::is_of_site;
use super::outcome::{at, failed, least_wait, refused};
use super::parse::parse;
use super::permission::permit;
use super::poll_source::{MAX_HINT, PollCycle};
use super::reports::Reports;
use crate::fetch::{Answer, Request};
use crate::model::{Draft, Kind, Link, Outcome, Page, Reason, Trouble, Validators};
use crate::read::{self, Fault, FaultKind, Reading, Rules};

/// Maximum number of pages of a list read at the first import.
const MAX_PAGES: usize = 4;
/// How many documents in a row may have too few rows before the page counts as changed.
const MAX_DRIFTS: u32 = 3;

/// What a source listed.
pub(super) struct Document {
    pub(super) reading: Reading,
    rules: Arc<Rules>,
    /// Validators are only sent to the address that gave them.
    given_by: Link,
    validators: Validators,
    /// How long the answer and the document want us to wait.
    wait: Duration,
    /// The hub and the topic that the answer's headers name, as they are written.
    hub: Option<(String, String)>,
}

impl Document {
    /// Returns the hub and the topic that the source names, in its headers or in the document.
    pub(super) fn hub(&self) -> Option<(Link, String)> {
        let (hub, topic) = self.hub.as_ref().or(self.reading.hub.as_ref())?;
        let topic = self.given_by.join(topic).ok()?;
        Some((self.given_by.join(hub).ok()?.without_fragment(), topic.as_str().to_owned()))
    }
}

impl PollCycle<'_> {
    /// Reads an answer, and the page or frame that it leads to if it lists nothing itself.
    ///
    /// # Errors
    /// Returns the outcome of the poll if the document cannot be read.
    pub(super) async fn read(&mut self, answer: Answer) -> Result<Document, Outcome> {
        let rules = Arc::new(Rules::of(self.source));
        let asked_wait = least_wait(&answer);
        let hub = answer.hub;
        let page = Page { url: answer.url.clone(), content_type: answer.content_type.clone(), body: answer.body };
        let mut reading = self.read_page(page, &rules).await;
        let (mut given_by, mut validators) = (answer.url.clone(), answer.validators);
        let follow = reading.follow.take().filter(|_| reading.drafts.is_empty());
        if let Some(follow) = follow.as_ref().filter(|follow| !is_of_site(self.source, follow)) {
            return Err(failure(leads_elsewhere(follow)));
        }
        if given_by == self.source.url.without_fragment() {
            self.state.listing.follow = None;
        }
        if let Some(follow) = follow {
            let found = self.read_followed(&follow, &rules).await;
            (reading, given_by, validators) = found.map_err(|outcome| at(&follow, outcome))?;
            self.state.listing.follow = Some(follow);
        }
        for fault in &reading.faults {
            tracing::debug!(source = %self.source.id, fault = fault.kind.word(), place = fault.place, detail = fault.detail, "fault in a document");
        }
        if let Some(fault) = reading.faults.iter().find(|fault| fault.kind.is_fatal()) {
            let blocked = fault.kind == FaultKind::Challenge;
            return Err(Outcome::Failed {
                blocked,
                reason: Reason::new(Trouble::Unreadable, [&fault.kind.word(), &fault.detail]),
            });
        }
        // A page that is not the document has no wishes.
        let wait = self.take_wishes(&reading, asked_wait);
        Ok(Document { reading, rules, given_by, validators, wait, hub })
    }

    /// Tells which hub the source names.
    pub(super) fn tell_hub(&self, document: &Document) {
        if let Some(announcements) = &self.context.announcements {
            announcements.named(&self.source.id, document.hub());
        }
    }

    /// Takes over when the document wants to be polled; returns for how long not.
    fn take_wishes(&mut self, reading: &Reading, asked_wait: Duration) -> Duration {
        let document_wait = Duration::from_secs(reading.wait);
        if document_wait > MAX_HINT {
            let days = document_wait.as_secs() / 86_400;
            self.state.doubts.push(Reason::new(Trouble::SeldomWished, [&days]));
        }
        if let Some(cut) = reading.faults.iter().find(|fault| fault.kind == FaultKind::TooMany) {
            self.state.doubts.push(Reason::new(Trouble::TooMany, [&cut.detail]));
        }
        self.state.listing.wait = document_wait.min(MAX_HINT);
        self.state.listing.skip_hours = reading.skip.hours.iter().fold(0, |bits, hour| bits | 1 << (hour % 24));
        self.state.listing.skip_days = reading.skip.days.iter().fold(0, |bits, day| bits | 1 << (day % 7));
        asked_wait.max(document_wait).min(MAX_HINT)
    }

    /// Writes the reports of a document; only then takes over its validators.
    ///
    /// # Errors
    /// Returns the outcome of the poll if they cannot be written.
    pub(super) async fn take_over(&mut self, reports: Reports, document: Document) -> Result<Outcome, Outcome> {
        let Reports { records, count, new, changed, listed, revisits, is_deferred } = reports;
        self.commit(records, revisits).await?;
        self.context.metrics.found(new, changed);
        self.state.listing.hashes = listed;
        // Replace both: validators that this answer lacks are dropped. With none, the next answer is not 304, so that what
        // was left for later is seen.
        self.state.validators = if is_deferred { Validators::default() } else { document.validators };
        self.state.url = Some(document.given_by);
        Ok(Outcome::Read { new: count, wait: document.wait })
    }

    async fn read_page(&self, page: Page, rules: &Arc<Rules>) -> Reading {
        parse(read::read, page, rules, self.now).await.unwrap_or_else(fell_over)
    }

    /// Reads further pages at the first import: a source's recent items do not all fit on the first one.
    pub(super) async fn read_further(&mut self, document: &mut Document) {
        if !self.state.is_first() {
            return;
        }
        let Document { reading, rules, .. } = document;
        let mut next = reading.next.take();
        let oldest = self.now - self.context.limits.keep;
        for _ in 1..MAX_PAGES {
            let Some(link) = next.take().filter(|link| is_of_site(self.source, link)) else { return };
            // Items older than the retention period need not be read.
            let is_old = reading.drafts.last().and_then(|draft| draft.published).is_some_and(|stamp| stamp.at < oldest);
            if is_old || reading.drafts.len() >= read::MAX_DRAFTS {
                return;
            }
            let Ok((further, ..)) = self.read_followed(&link, rules).await else { return };
            let known: HashSet<Option<String>> = reading.drafts.iter().map(|draft| draft.link.clone()).collect();
            let room = read::MAX_DRAFTS - reading.drafts.len();
            let fresh: Vec<Draft> =
                further.drafts.into_iter().filter(|draft| !known.contains(&draft.link)).take(room).collect();
            if fresh.is_empty() {
                return;
            }
            reading.drafts.extend(fresh);
            next = further.next;
        }
    }

    /// Reads the address that a page without a list of its own leads to, one hop only.
    async fn read_followed(&mut self, link: &Link, rules: &Arc<Rules>) -> Result<(Reading, Link, Validators), Outcome> {
        let request = Request { budget: Some(&self.allowance), ..Request::page(self.source, link) };
        // The robots.txt of the target's site applies as well.
        let mut gap = self.gap;
        permit(self.context, &request, &mut gap).await.map_err(|refusal| refusal.outcome())?;
        wait(self.context, gap).await;
        let answer = self.context.fetcher.get(request, self.now).await.map_err(|error| failed(&error))?;
        self.context.metrics.fetched(answer.body.len());
        if answer.status != 200 {
            self.hear(&answer);
            return Err(refused(answer.status, &answer));
        }
        if !is_of_site(self.source, &answer.url) {
            return Err(failure(leads_elsewhere(&answer.url)));
        }
        let page = Page { url: answer.url.clone(), content_type: answer.content_type, body: answer.body };
        Ok((self.read_page(page, rules).await, answer.url, answer.validators))
    }

    /// Checks that a document has neither changed its kind nor lost most of its rows; otherwise the last good items stay.
    ///
    /// # Errors
    /// Returns the outcome of the poll if the document must not be trusted.
    pub(super) fn check_drift(&mut self, reading: &Reading) -> Result<(), Outcome> {
        self.drift(reading).map_or(Ok(()), |reason| Err(failure(reason)))
    }

    /// Returns why a document must not be trusted.
    fn drift(&mut self, reading: &Reading) -> Option<Reason> {
        let is_list = reading.detection.is_some();
        let was_feed = self.state.listing.format.is_feed();
        if is_list && was_feed && self.source.kind == Kind::Auto {
            return Some(Reason::new(Trouble::BecamePage, [&self.state.listing.format.word()]));
        }
        let count = u32::try_from(reading.drafts.len()).unwrap_or(u32::MAX);
        if is_list {
            let usual = self.state.listing.usual;
            // If it stays so for several polls, the page has really changed.
            if usual >= 8 && count.saturating_mul(4) <= usual && self.state.listing.drifts < MAX_DRIFTS {
                self.state.listing.drifts += 1;
                return Some(Reason::new(Trouble::FewRows, [&count, &usual]));
            }
            let first = reading.drafts.first().map(|draft| &draft.title);
            if count >= 3 && reading.drafts.iter().all(|draft| Some(&draft.title) == first) {
                return Some(Reason::new(Trouble::SameTitles, []));
            }
            self.state.listing.usual = count.max(usual - usual / 8);
            self.state.listing.drifts = 0;
        }
        self.state.listing.format = reading.format;
        None
    }
}

fn failure(reason: Reason) -> Outcome {
    Outcome::Failed { blocked: false, reason }
}

fn leads_elsewhere(link: &Link) -> Reason {
    Reason::new(Trouble::LeadsElsewhere, [link, &link.registrable_domain()])
}

fn fell_over() -> Reading {
    let detail = "internal error: the parser panicked on this document; please report its URL".to_owned();
    Reading {
        faults: vec![Fault { kind: FaultKind::NotAFeed, place: "document".to_owned(), detail }],
        ..Reading::default()
    }
}
