//! Reads what a source answered: its list or feed, where it leads, and whether it is still what it was.

use std::collections::HashSet;

use super::context::wait;
use super::outcome::{least_wait, unsaved};
use super::permission::permitted;
use super::poll_source::{MAX_HINT, PollCycle, is_of_site};
use super::reports::Reports;
use crate::fetch::{Answer, Permission, Request};
use crate::model::{Draft, Kind, Link, Outcome, Page, Validators};
use crate::read::{self, Fault, FaultKind, Reading, Rules};

impl PollCycle<'_> {
    pub(super) async fn read(&mut self, answer: Answer) -> Outcome {
        let rules = Rules::of(self.source);
        let asked_wait = least_wait(&answer);
        let page = Page { url: answer.url.clone(), content_type: answer.content_type.clone(), body: answer.body };
        let mut reading = self.read_page(page, &rules).await;
        // Validators are only sent to the address that gave them.
        let (mut given_by, mut validators) = (answer.url.clone(), answer.validators);
        let follow = reading.follow.take().filter(|_| reading.drafts.is_empty());
        if let Some(follow) = follow.as_ref().filter(|follow| !is_of_site(self.source, follow)) {
            let site = follow.registrable_domain();
            let reason = format!(
                "the page leads to {follow}, on another site; where that is meant, write leads_to = [\"{site}\"] or give that address as url"
            );
            return Outcome::Failed { blocked: false, reason };
        }
        if given_by == self.source.url.without_fragment() {
            self.listing_state.follow = None;
        }
        if let Some(follow) = follow {
            match self.read_followed(&follow, &rules).await {
                Ok(followed) => {
                    (reading, given_by, validators) = followed;
                    self.listing_state.follow = Some(follow);
                }
                Err(reason) => return Outcome::Failed { blocked: false, reason },
            }
        }
        if reading.wait > MAX_HINT {
            self.state.doubt =
                format!("the source asks to be polled only every {} days; it is polled daily", reading.wait / 86_400);
        }
        let asked_wait = asked_wait.min(MAX_HINT);
        let wait = asked_wait.max(reading.wait.min(MAX_HINT));
        self.listing_state.wait = reading.wait.min(MAX_HINT);
        self.listing_state.skip_hours = reading.skip.hours.iter().fold(0, |bits, hour| bits | 1 << (hour % 24));
        self.listing_state.skip_days = reading.skip.days.iter().fold(0, |bits, day| bits | 1 << (day % 7));
        for fault in &reading.faults {
            tracing::debug!(source = %self.source.id, fault = fault.kind.word(), place = fault.place, detail = fault.detail, "fault in a document");
        }
        if let Some(fault) = reading.faults.iter().find(|fault| fault.kind.is_fatal()) {
            return Outcome::Failed { blocked: fault.kind == FaultKind::Challenge, reason: fault.detail.clone() };
        }
        if let Some(reason) = self.drift(&reading) {
            return Outcome::Failed { blocked: false, reason };
        }
        if self.state.is_first() {
            self.read_further(&mut reading, &rules).await;
        }
        let Reports { records, listed, is_deferred } = self.reports(&reading).await;
        let new = records.len();
        if let Err(error) = self.context.log_writer.commit(records, self.now).await {
            return unsaved(self.source, &error);
        }
        self.state.listed = listed;
        // Replace both: validators that this answer lacks are dropped. With none, the next answer is not 304, so that what
        // was left for later is seen.
        self.state.validators = if is_deferred { Validators::default() } else { validators };
        self.state.url = Some(given_by);
        Outcome::Read { new, wait }
    }

    pub(super) async fn read_page(&self, page: Page, rules: &Rules) -> Reading {
        let now = self.now;
        if page.body.len() > LARGE {
            let rules = rules.clone();
            tokio::task::spawn_blocking(move || read::read(&page, &rules, now))
                .await
                .unwrap_or_else(|_panic| fell_over())
        } else {
            read::read(&page, rules, now)
        }
    }

    /// Reads further pages at the first import: a source's recent items do not all fit on the first one.
    pub(super) async fn read_further(&self, reading: &mut Reading, rules: &Rules) {
        let mut next = reading.next.take();
        let oldest = self.now.plus_seconds(-86_400 * i64::from(self.context.limits.keep_days));
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
    pub(super) async fn read_followed(
        &self,
        link: &Link,
        rules: &Rules,
    ) -> Result<(Reading, Link, Validators), String> {
        let request = Request::page(self.source, link);
        // The robots.txt of the target's site applies as well.
        let mut gap = self.gap;
        match permitted(self.context, &request, &mut gap).await {
            Ok(Permission::Allowed(_)) => {}
            Ok(Permission::Forbidden) => {
                return Err(format!("the page leads to {link}, which robots.txt disallows"));
            }
            Ok(Permission::Unknown) => {
                return Err(format!("the page leads to {link}; cannot fetch the robots.txt there"));
            }
            Err(error) => return Err(error.to_string()),
        }
        wait(self.context, gap).await;
        let answer = self.context.fetcher.get(request, self.now).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("the page leads to {link}, which answered {}", answer.status));
        }
        if !is_of_site(self.source, &answer.url) {
            return Err(format!(
                "the page leads to {}, on another site; write leads_to = [\"{}\"] into the source if that is right",
                answer.url,
                answer.url.registrable_domain()
            ));
        }
        let page = Page { url: answer.url.clone(), content_type: answer.content_type, body: answer.body };
        Ok((self.read_page(page, rules).await, answer.url, answer.validators))
    }

    /// Returns why a document must not be trusted, if it has changed its kind or lost most of its rows; the last good
    /// items then stay.
    pub(super) fn drift(&mut self, reading: &Reading) -> Option<String> {
        const PATIENCE: u32 = 3;
        let is_list = reading.detection.is_some();
        let was_feed = self.listing_state.format.is_feed();
        if is_list && was_feed && self.source.kind == Kind::Auto {
            return Some(format!(
                "the feed ({}) has become a page; if that is meant to be, set as = \"list\"",
                self.listing_state.format.word()
            ));
        }
        let count = u32::try_from(reading.drafts.len()).unwrap_or(u32::MAX);
        if is_list {
            let usual = self.listing_state.usual;
            // If it stays so for several polls, the page has really changed.
            if usual >= 8 && count.saturating_mul(4) <= usual && self.state.failures < PATIENCE {
                return Some(format!(
                    "the list has {count} rows instead of about {usual}; the page may have changed (see dayuan inspect)"
                ));
            }
            let first = reading.drafts.first().map(|draft| &draft.title);
            if count >= 3 && reading.drafts.iter().all(|draft| Some(&draft.title) == first) {
                return Some(
                    "all rows of the list have the same title; the page may have changed (see dayuan inspect)"
                        .to_owned(),
                );
            }
            self.listing_state.usual = count.max(usual - usual / 8);
        }
        self.listing_state.format = reading.format;
        None
    }
}

fn fell_over() -> Reading {
    let detail = "internal error: the parser panicked on this document; please report its URL".to_owned();
    Reading {
        faults: vec![Fault { kind: FaultKind::NotAFeed, place: "document".to_owned(), detail }],
        ..Reading::default()
    }
}

/// Larger documents are parsed on a blocking thread, in bytes.
const LARGE: usize = 64 * 1024;

/// Maximum number of pages of a list read at the first import.
const MAX_PAGES: usize = 4;
