//! What an answer means: its status, its clock, and whether it came from where it was asked.

use std::time::Duration;

use super::commit::CommitError;
use super::moved::is_of_site;
use super::outcome::{Accepted, least_wait, refused, unsaved};
use super::poll_source::{MAX_HINT, PollCycle};
use crate::fetch::Answer;
use crate::log::{Control, Record};
use crate::model::{Outcome, Reason, Trouble, Validators};

/// Maximum length, in bytes, of a new address that is reported to the admin.
const MAX_MOVED: usize = 2048;
/// How often, and for how long, a source must answer 410 before it counts as gone.
const GONE_POLLS: u32 = 3;
const GONE_AFTER: Duration = Duration::from_secs(3 * 86_400);

impl PollCycle<'_> {
    /// Judges an answer: by our clock, by where it came from, by its status.
    ///
    /// # Errors
    /// Returns the outcome of the poll if the answer says nothing of what the source holds.
    pub(super) async fn accept(&mut self, answer: Answer) -> Result<Accepted, Outcome> {
        self.context.metrics.fetched(answer.body.len());
        self.compare_clocks(&answer);
        if self.context.clock_check.contradict() {
            tracing::error!(event = "clock_wrong", source = %self.source.id, "our clock differs by more than a day from the servers' clocks; nothing is accepted until our clock is set");
            return Err(Outcome::Unsaved);
        }
        self.follow_move(&answer);
        if answer.downgraded {
            tracing::warn!(event = "redirect_downgraded", source = %self.source.id, url = %answer.url, "a redirect leads from https to http");
        }
        let is_own_answer = answer.url == self.source.url.without_fragment();
        // What was doubtful of an unchanged document still is.
        let is_redirect = |doubt: &Reason| doubt.kind == Trouble::RedirectsElsewhere;
        self.state.doubts.retain(|doubt| answer.status == 304 && !is_redirect(doubt));
        if answer.status < 400 && !is_of_site(self.source, &answer.url) {
            let site = answer.url.registrable_domain();
            self.state.doubts.push(Reason::new(Trouble::RedirectsElsewhere, [&answer.url, &site]));
        }
        if answer.status != 410 {
            self.state.gone = None;
        }
        match answer.status {
            200 => Ok(Accepted::Document(Box::new(answer))),
            304 if !answer.is_conditional => {
                Err(Outcome::Failed { blocked: false, reason: Reason::new(Trouble::Unasked304, []) })
            }
            304 => {
                merge(&mut self.state.validators, &answer);
                Ok(Accepted::Unchanged(least_wait(&answer).max(self.state.listing.wait).min(MAX_HINT)))
            }
            410 if is_own_answer => Err(self.take_gone().await),
            status => {
                self.hear(&answer);
                Err(refused(status, &answer))
            }
        }
    }

    /// Handles a 410 from the source's own address: the source is gone once it has answered so for days.
    async fn take_gone(&mut self) -> Outcome {
        if self.is_gone() {
            return Outcome::Gone;
        }
        let (since, times) = self.state.gone.map_or((self.now, 1), |(since, times)| (since, times + 1));
        self.state.gone = Some((since, times));
        if times < GONE_POLLS || self.now.duration_since(since) < GONE_AFTER {
            return Outcome::Failed { blocked: false, reason: Reason::new(Trouble::GoneSoFar, []) };
        }
        match self.control(Control::Gone).await {
            Ok(()) => Outcome::Gone,
            Err(error) => unsaved(self.source, &error),
        }
    }

    /// Resumes a source that was gone and is back.
    pub(super) async fn resume(&self) -> Result<(), Outcome> {
        if !self.is_gone() {
            return Ok(());
        }
        tracing::warn!(event = "source_back", source = %self.source.id, "a source that was gone is back");
        self.control(Control::Resumed).await.map_err(|error| unsaved(self.source, &error))
    }

    async fn control(&self, state: Control) -> Result<(), CommitError> {
        let record = Record::Control { source: self.source.id.clone(), state, at: self.now };
        self.context.log_writer.commit(vec![record], self.now).await
    }

    fn compare_clocks(&self, answer: &Answer) {
        if let Some(date) = answer.date {
            self.context.clock_check.note(self.source.url.host_text(), date.since(self.now) / 1000);
        }
    }

    /// Remembers where a source says it has moved permanently, and since when.
    fn follow_move(&mut self, answer: &Answer) {
        if answer.status >= 400 {
            return;
        }
        match (answer.moved.as_ref().filter(|to| to.as_str().len() <= MAX_MOVED), &self.state.moved) {
            (Some(to), _) if self.taken.contains(to.as_str()) => {
                tracing::warn!(event = "redirect_to_other_source", source = %self.source.id, to = %to, "the source redirects to the address of another source; the redirect is ignored; check whether one of the two can be removed");
                self.state.moved = None;
            }
            (Some(to), Some((known, _))) if to == known => {}
            (Some(to), _) => {
                tracing::warn!(event = "source_moved", source = %self.source.id, from = %self.source.url, to = %to, "the source says it has moved; change its url");
                self.state.moved = Some((to.clone(), self.now));
            }
            // The redirect's target was requested directly, so there is no redirect to see.
            (None, Some((known, _))) if &answer.url == known => {}
            (None, _) => self.state.moved = None,
        }
    }
}

/// Updates the stored validators with those of a 304 (RFC 9111, section 4.3.4).
fn merge(held: &mut Validators, answer: &Answer) {
    if answer.validators.etag.is_some() {
        held.etag.clone_from(&answer.validators.etag);
    }
    if answer.validators.last_modified.is_some() {
        held.last_modified.clone_from(&answer.validators.last_modified);
    }
}
