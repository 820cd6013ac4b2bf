//! One poll of one source, from the request to the saved poll state.
//!
//! The order is fixed: reports are safely in the log, then applied to the view, and only then is the poll state saved with
//! its validators. If validators are saved too early, a crash silently loses items for ever, because the next answer is
//! a 304.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::commit::CommitError;
use super::context::PollContext;
use super::outcome::{failed, forbidden, least_wait, log, refused, unknown, unsaved, word};
use super::permission::permitted;
use super::quota::Quota;
use super::schedule::{self, Pace};
use crate::fetch::{Answer, Permission, Request};
use crate::log::{Control, Record};
use crate::model::{Link, ListingState, Moment, Outcome, PollState, Source, Validators};

/// Maximum length, in bytes, of a new address that is reported to the admin.
const MAX_MOVED: usize = 2048;
/// Days for which a permanent redirect must stay the same before requests start at its target.
const MOVED_FOR: i64 = 7;
/// If a source's items are at another address, its own address is requested again after this time, in milliseconds.
const PAGE_AGAIN: i64 = 86_400_000;
/// How often, and for how long in milliseconds, a source must answer 410 before it counts as gone.
const GONE_POLLS: u32 = 3;
const GONE_AFTER: i64 = 3 * 86_400_000;
/// Maximum wait that a document or its headers may ask for, in seconds.
pub(super) const MAX_HINT: u64 = 86_400;

/// Result of one poll.
#[derive(Debug)]
pub(super) struct PollResult {
    /// The poll state before this poll, in case the poll must not count.
    pub(super) before: PollState,
    /// Whether anything answered; `None` if nothing was requested.
    pub(super) is_reached: Option<bool>,
    pub(super) state: PollState,
    /// If the whole host must be left alone, until when.
    pub(super) host_until: Option<Moment>,
    pub(super) quota: Quota,
    /// The hours and days in which the source does not want to be polled.
    pub(super) skip: (u32, u32),
}

/// The limits within which a source is polled.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) pace: Pace,
    /// Minimum time between two requests to its host, in milliseconds.
    pub(super) gap: i64,
    pub(super) quota: Quota,
    /// Set while another source waits for its host.
    pub(super) is_wanted: Arc<AtomicBool>,
}

/// Polls a source once. Its next time was stored before, so that a crash shortens no interval. Returns `None` if nothing
/// was requested because the limit of requests at its address is reached. `taken` are the addresses of all sources.
pub(super) async fn poll_source(
    context: &PollContext,
    source: &Source,
    state: PollState,
    terms: Terms,
    taken: &HashSet<String>,
) -> Option<PollResult> {
    let pace = terms.pace;
    let mut cycle = PollCycle::plan(context, source, state, terms, taken);
    let _permit = context.fetcher.reserve(&cycle.link, source.is_inside).await?;
    let answer = match cycle.permit().await {
        Ok(()) => cycle.fetch().await,
        Err(refused) => Err(refused),
    };
    cycle.now = (context.clock)();
    let before = cycle.state.clone();
    let mut outcome = match answer {
        Ok(answer) => cycle.take(answer).await,
        Err(outcome) => outcome,
    };
    cycle.settle(&mut outcome).await;
    let outcome = cycle.believed(outcome.cleaned());
    let state = cycle.schedule(&outcome, pace);
    cycle.save(&outcome, &state);
    Some(cycle.end(before, state))
}

/// Returns the address to request: the target of a permanent redirect once it has stayed the same for a week, while it
/// works (at once if only http becomes https); otherwise the source's own.
fn start(source: &Source, state: &PollState, now: Moment, taken: &HashSet<String>) -> Link {
    let settled = |since: &Moment| now.since(*since) >= MOVED_FOR * 86_400_000;
    match &state.moved {
        // The address of another source is never used, even if that source was added after the move.
        Some((to, _)) if taken.contains(to.as_str()) => source.url.clone(),
        Some((to, _)) if is_https_twin(&source.url, to) => to.clone(),
        // Another site is followed for good only if an admin allows it.
        Some((to, since)) if settled(since) && state.failures == 0 && is_of_site(source, to) => to.clone(),
        _ => source.url.clone(),
    }
}

/// Returns whether an address is on the source's own site, or on one that an admin allowed it to lead to.
pub(super) fn is_of_site(source: &Source, link: &Link) -> bool {
    let domain = link.registrable_domain();
    domain == source.url.registrable_domain()
        || source.leads_to.iter().any(|site| site == domain || site == link.host_text())
}

fn is_https_twin(from: &Link, to: &Link) -> bool {
    !from.is_https() && to.is_https() && from.as_str().strip_prefix("http:") == to.as_str().strip_prefix("https:")
}

/// One poll of a source while it is under way.
pub(super) struct PollCycle<'a> {
    pub(super) context: &'a PollContext,
    pub(super) source: &'a Source,
    pub(super) state: PollState,
    pub(super) listing_state: ListingState,
    /// The state of the list as it is stored.
    stored: ListingState,
    /// The address to ask.
    link: Link,
    /// Whether that is the address to which the source's page led.
    is_followed: bool,
    /// Whether anything answered; `None` while nothing was requested.
    is_reached: Option<bool>,
    /// Minimum time between two requests to one host, in milliseconds.
    pub(super) gap: i64,
    pub(super) quota: Quota,
    pub(super) is_wanted: Arc<AtomicBool>,
    pub(super) now: Moment,
    /// Time until which the host asked us not to contact it, according to one of its article pages.
    pub(super) busy: Option<Moment>,
    /// Whether the list itself said so, for its whole host.
    is_host_busy: bool,
    /// The addresses of all sources.
    taken: &'a HashSet<String>,
    /// Whether the request is conditional.
    is_conditional: bool,
}

impl<'a> PollCycle<'a> {
    /// Decides which address to ask.
    fn plan(
        context: &'a PollContext,
        source: &'a Source,
        mut state: PollState,
        terms: Terms,
        taken: &'a HashSet<String>,
    ) -> Self {
        let now = (context.clock)();
        // A lost state costs one request for the page that leads to the list.
        let stored = context.poll_states.listing_state(&source.id).unwrap_or_default();
        let mut listing_state = stored.clone();
        if listing_state.page.as_ref() != Some(&source.url) {
            // What is known of another address does not count.
            if listing_state.page.is_some() {
                state.validators = Validators::default();
                state.listed.clear();
            }
            listing_state = ListingState { page: Some(source.url.clone()), ..ListingState::default() };
        }
        // If the source's page leads elsewhere, the page itself is asked once a day: it may hold the list again.
        let is_page_due = listing_state.page_asked.is_none_or(|at| now.since(at) >= PAGE_AGAIN || at > now);
        let start = start(source, &state, now, taken);
        let follow = listing_state.follow.clone().filter(|follow| !is_page_due && is_of_site(source, follow));
        if follow.is_none() && start == source.url {
            listing_state.page_asked = Some(now);
        }
        Self {
            context,
            source,
            is_conditional: state.url.is_some() && state.validators != Validators::default(),
            state,
            listing_state,
            stored,
            is_followed: follow.is_some(),
            link: follow.unwrap_or(start),
            is_reached: None,
            gap: terms.gap,
            quota: terms.quota,
            is_wanted: terms.is_wanted,
            now,
            busy: None,
            is_host_busy: false,
            taken,
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            validators: &self.state.validators,
            given_by: self.state.url.as_ref(),
            is_page: self.source.kind.is_page() || self.listing_state.format.is_list(),
            post: self.source.post.as_deref().filter(|_| !self.is_followed),
            ..Request::page(self.source, &self.link)
        }
    }

    /// Asks whether the site permits programs to read its page. Feeds need no permission.
    async fn permit(&mut self) -> Result<(), Outcome> {
        let request = self.request();
        if !request.is_page {
            return Ok(());
        }
        let mut gap = self.gap;
        let permission = permitted(self.context, &request, &mut gap).await;
        self.gap = gap;
        match permission {
            Ok(Permission::Allowed(_)) => Ok(()),
            Ok(Permission::Forbidden) => Err(forbidden(&self.link)),
            Ok(Permission::Unknown) => Err(unknown(&self.link)),
            Err(error) => {
                self.is_reached = Some(!error.is_silence());
                Err(failed(&error))
            }
        }
    }

    async fn fetch(&mut self) -> Result<Answer, Outcome> {
        let answer = self.context.fetcher.get(self.request(), (self.context.clock)()).await;
        self.is_reached = Some(answer.as_ref().err().is_none_or(|error| !error.is_silence()));
        answer.map_err(|error| failed(&error))
    }

    /// After the list was read: reads articles again, and notes that a source is back which was gone.
    async fn settle(&mut self, outcome: &mut Outcome) {
        if matches!(outcome, Outcome::Read { .. } | Outcome::Unchanged { .. }) {
            self.read_again(outcome).await;
            if let Err(error) = self.resume().await {
                *outcome = unsaved(self.source, &error);
            }
        } else if self.listing_state.follow.is_some() {
            // The next poll asks the page again where its list is.
            self.listing_state.follow = None;
        }
    }

    /// A source that is gone is polled seldom, whatever it answers instead.
    fn believed(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Failed { .. } | Outcome::Busy { .. } if self.is_gone() => Outcome::Gone,
            outcome => outcome,
        }
    }

    fn is_gone(&self) -> bool {
        self.context.view.control(&self.source.id) == Some(Control::Gone)
    }

    /// Decides when the next poll is.
    fn schedule(&mut self, outcome: &Outcome, pace: Pace) -> PollState {
        let mut state = schedule::next(&self.source.id, &self.state, outcome, self.now, pace);
        if self.is_host_busy {
            self.busy = Some(state.not_before);
            let host = self.source.url.host_text();
            self.listing_state.busy_hosts.retain(|(busy, _)| busy != host);
            self.listing_state.busy_hosts.push((host.to_owned(), state.not_before));
        }
        state.due = schedule::outside(state.due, self.listing_state.skip_hours, self.listing_state.skip_days);
        state
    }

    fn save(&self, outcome: &Outcome, state: &PollState) {
        let (context, source) = (self.context, self.source);
        if self.listing_state != self.stored
            && let Err(error) = context.poll_states.put_listing_state(&source.id, &self.listing_state)
        {
            tracing::error!(source = %source.id, error = &error as &dyn std::error::Error, "cannot save the state of the list; its articles will not be reread");
        }
        context.metrics.polled(word(outcome));
        log(source, outcome);
        if let Err(error) = context.poll_states.put(&source.id, state) {
            tracing::error!(source = %source.id, error = &error as &dyn std::error::Error, "cannot save the poll state; after a restart the source is polled without validators");
        }
    }

    fn end(self, before: PollState, state: PollState) -> PollResult {
        PollResult {
            before,
            state,
            host_until: self.busy,
            quota: self.quota,
            is_reached: self.is_reached,
            skip: (self.listing_state.skip_hours, self.listing_state.skip_days),
        }
    }

    /// Processes an answer, up to the validators.
    async fn take(&mut self, answer: Answer) -> Outcome {
        self.context.metrics.fetched(answer.body.len());
        self.compare_clocks(&answer);
        if self.context.clock_check.contradict() {
            tracing::error!(source = %self.source.id, "our clock differs by more than a day from the servers' clocks; nothing is accepted until our clock is set");
            return Outcome::Unsaved;
        }
        self.follow_move(&answer);
        if answer.downgraded {
            tracing::warn!(source = %self.source.id, url = %answer.url, "a redirect leads from https to http");
        }
        let is_own_answer = answer.url == self.source.url.without_fragment();
        self.state.doubt.clear();
        if answer.status < 400 && !is_of_site(self.source, &answer.url) {
            self.state.doubt = format!(
                "its address redirects to {}, on another site; change its url, or write leads_to = [\"{}\"]",
                answer.url,
                answer.url.registrable_domain()
            );
        }
        if answer.status != 410 {
            self.state.gone = None;
        }
        match answer.status {
            200 => self.read(answer).await,
            304 if !self.is_conditional => Outcome::Failed {
                blocked: false,
                reason: "the site answered 304 (not modified) to an unconditional request".to_owned(),
            },
            304 => {
                merge(&mut self.state.validators, &answer);
                Outcome::Unchanged { wait: least_wait(&answer).max(self.listing_state.wait).min(MAX_HINT) }
            }
            410 if is_own_answer => self.take_gone().await,
            status => {
                // These apply to the whole host, if the answer came from the source's own host.
                self.is_host_busy =
                    matches!(status, 429 | 503) && answer.url.host_text() == self.source.url.host_text();
                refused(status, &answer)
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
        if times < GONE_POLLS || self.now.since(since) < GONE_AFTER {
            let reason = "the site answered 410 (gone); the source counts as gone after three days of this".to_owned();
            return Outcome::Failed { blocked: false, reason };
        }
        match self.control(Control::Gone).await {
            Ok(()) => Outcome::Gone,
            Err(error) => unsaved(self.source, &error),
        }
    }

    /// Resumes a source that was gone and is back.
    async fn resume(&self) -> Result<(), CommitError> {
        if !self.is_gone() {
            return Ok(());
        }
        tracing::warn!(source = %self.source.id, "a source that was gone is back");
        self.control(Control::Resumed).await
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
                tracing::warn!(source = %self.source.id, to = %to, "the source redirects to the address of another source; the redirect is ignored; check whether one of the two can be removed");
                self.state.moved = None;
            }
            (Some(to), Some((known, _))) if to == known => {}
            (Some(to), _) => {
                tracing::warn!(source = %self.source.id, from = %self.source.url, to = %to, "the source says it has moved; change its url");
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
