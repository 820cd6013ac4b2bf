//! One poll of one source, from the request to the saved poll state.
//!
//! The order is fixed: reports are safely in the log, then applied to the view, and only then is the poll state saved with
//! its validators. If validators are saved too early, a crash silently loses items for ever, because the next answer is
//! a 304.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::abroad::{Abroad, Allowance, Errand};
use super::busy_hosts::BusyHosts;
use super::context::PollContext;
use super::moved::{is_of_site, start};
use super::outcome::{Accepted, failed, log, unsaved, word};
use super::permission::{Refusal, permit};
use super::quota::Quota;
use super::revisits;
use super::schedule::{self, Pace};
use crate::fetch::{Answer, PollPlace, Request, RobotsScope};
use crate::log::{Control, Record};
use crate::model::{Link, Listing, Moment, Outcome, PollState, Revisit, Source, Validators};

/// If a source's items are at another address, its own address is requested again after this time.
const PAGE_AGAIN: Duration = Duration::from_secs(86_400);
/// Maximum wait that a document or its headers may ask for.
pub(super) const MAX_HINT: Duration = Duration::from_secs(86_400);

/// Result of one poll.
#[derive(Debug)]
pub(super) struct PollResult {
    /// The poll state before this poll, in case that nothing answered and the poll must not count.
    pub(super) before: PollState,
    /// Whether anything answered; `None` if nothing was requested.
    pub(super) is_reached: Option<bool>,
    pub(super) state: PollState,
    /// If the whole host must be left alone, until when.
    pub(super) host_until: Option<Moment>,
    pub(super) quota: Quota,
}

/// The limits within which a source is polled.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) pace: Pace,
    /// Minimum time between two requests to its host.
    pub(super) gap: Duration,
    pub(super) quota: Quota,
    pub(super) abroad: Arc<Abroad>,
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
    cycle.place = Some(context.fetcher.reserve(source, &cycle.link, cycle.now).await?);
    let answered = cycle.ask().await.unwrap_or_else(|early| early);
    let (outcome, state) = cycle.schedule(answered, pace);
    cycle.save(&outcome, &state);
    Some(cycle.end(state))
}

impl PollCycle<'_> {
    /// Does everything for which sites are asked. An error is the outcome of a poll that ends early.
    async fn ask(&mut self) -> Result<Outcome, Outcome> {
        self.recall()?;
        self.permit().await?;
        let answer = self.fetch().await?;
        let outcome = match self.accept(answer).await? {
            Accepted::Unchanged(wait) => Outcome::Unchanged { wait },
            Accepted::Document(answer) => {
                let mut document = self.read(*answer).await?;
                self.check_drift(&document.reading)?;
                self.read_further(&mut document).await;
                self.tell_hub(&document);
                let reports = self.identify(&document.reading).await?;
                self.take_over(reports, document).await?
            }
        };
        self.read_again().await?;
        self.resume().await?;
        Ok(outcome)
    }
}

/// One poll of a source while it is under way.
pub(super) struct PollCycle<'a> {
    pub(super) context: &'a PollContext,
    pub(super) source: &'a Source,
    pub(super) state: PollState,
    /// The articles to read again. Like everything that follows from records, they change once these are in the log.
    revisits: Vec<Revisit>,
    /// Whether they differ from those in the store.
    has_new_revisits: bool,
    /// Whether the source has another address than at the poll before.
    is_elsewhere: bool,
    /// The address to ask.
    link: Link,
    /// Whether that is the address to which the source's page led.
    is_followed: bool,
    /// Whether anything answered; `None` while nothing was requested.
    is_reached: Option<bool>,
    /// Minimum time between two requests to one host.
    pub(super) gap: Duration,
    /// The same before any site said what it wants.
    pub(super) least_gap: Duration,
    pub(super) quota: Quota,
    /// What the list may make us ask of other hosts.
    pub(super) allowance: Allowance,
    /// Set while another source waits for its host.
    is_wanted: Arc<AtomicBool>,
    /// Its permit for the IP address of its host.
    place: Option<PollPlace>,
    pub(super) now: Moment,
    /// The hosts that asked us not to contact them.
    pub(super) busy: BusyHosts,
    /// Whether the source's own host is among them since this poll asked for the list.
    is_host_busy: bool,
    /// The addresses of all sources.
    pub(super) taken: &'a HashSet<String>,
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
        let is_elsewhere = state.listing.page.as_ref().is_some_and(|page| *page != source.url);
        if is_elsewhere {
            // What is known of another address does not count.
            state.validators = Validators::default();
            state.listing = Listing::default();
        }
        state.listing.page = Some(source.url.clone());
        // What was read by other rules is read again: an unchanged document answers for the rules of its time only.
        if state.url.is_some() && !state.listing.hashes.contains(&source.reading()) {
            state.validators = Validators::default();
        }
        // If the source's page leads elsewhere, the page itself is asked once a day: it may hold the list again.
        let is_page_due = state.listing.page_asked.is_none_or(|at| now.duration_since(at) >= PAGE_AGAIN || at > now);
        let start = start(source, &state, now, taken);
        let follow = state.listing.follow.clone().filter(|follow| !is_page_due && is_of_site(source, follow));
        if follow.is_none() && start == source.url {
            state.listing.page_asked = Some(now);
        }
        Self {
            context,
            source,
            busy: BusyHosts::new(state.busy_hosts.clone()),
            state,
            revisits: Vec::new(),
            has_new_revisits: false,
            is_elsewhere,
            is_followed: follow.is_some(),
            link: follow.unwrap_or(start),
            is_reached: None,
            gap: terms.gap,
            least_gap: terms.gap,
            quota: terms.quota,
            allowance: Allowance::new(source, terms.abroad, Errand::List),
            is_wanted: terms.is_wanted,
            place: None,
            now,
            is_host_busy: false,
            taken,
        }
    }

    /// Looks up the articles to read again.
    fn recall(&mut self) -> Result<(), Outcome> {
        let stored = self.context.poll_states.revisits(&self.source.id).map_err(|error| {
            tracing::error!(event = "poll_state_unread", source = %self.source.id, error = &error as &dyn std::error::Error, "cannot read which articles to read again; the source is polled once they can be read");
            Outcome::Unsaved
        })?;
        self.has_new_revisits = self.is_elsewhere && !stored.is_empty();
        self.revisits = if self.is_elsewhere { Vec::new() } else { revisits::trusted(stored, self.now) };
        Ok(())
    }

    /// The articles to read again, as far as the log knows.
    pub(super) fn revisits(&self) -> &[Revisit] {
        &self.revisits
    }

    /// Writes records. Only once they are safe, the articles to read again are `revisits`.
    ///
    /// # Errors
    /// Returns the outcome of the poll if they cannot be written.
    pub(super) async fn commit(&mut self, records: Vec<Record>, revisits: Vec<Revisit>) -> Result<(), Outcome> {
        let written = self.context.log_writer.commit(records, self.now).await;
        written.map_err(|error| unsaved(self.source, &error))?;
        self.has_new_revisits |= self.revisits != revisits;
        self.revisits = revisits;
        Ok(())
    }

    /// Takes in that a host wants to be left alone, if an answer to a request for the list says so.
    pub(super) fn hear(&mut self, answer: &Answer) {
        self.busy.hear(answer, &self.source.url, self.now);
        self.is_host_busy |= self.busy.until(self.source.url.host_text(), self.now).is_some();
    }

    fn request(&self) -> Request<'_> {
        Request {
            validators: &self.state.validators,
            given_by: self.state.url.as_ref(),
            robots: if self.is_page() { RobotsScope::Everywhere } else { RobotsScope::OtherSites },
            budget: Some(&self.allowance),
            post: self.source.post.as_deref().filter(|_| !self.is_followed),
            place: self.place.as_ref(),
            ..Request::page(self.source, &self.link)
        }
    }

    /// Returns whether its document is a page, as far as is known: feeds are made for programs.
    fn is_page(&self) -> bool {
        self.source.kind.is_page() || self.state.listing.format.is_list()
    }

    /// Returns flags that are set while another source waits for its host, or for its IP address.
    pub(super) fn wanted(&self) -> Vec<Arc<AtomicBool>> {
        std::iter::once(Arc::clone(&self.is_wanted)).chain(self.place.as_ref().map(PollPlace::wanted)).collect()
    }

    /// Asks whether the site permits programs to read its page. Feeds need no permission.
    async fn permit(&mut self) -> Result<(), Outcome> {
        if !self.is_page() {
            return Ok(());
        }
        let request = self.request();
        let mut gap = self.gap;
        let permission = permit(self.context, &request, &mut gap).await;
        self.gap = gap;
        self.now = (self.context.clock)();
        if let Err(Refusal::Fetch(error)) = &permission {
            self.is_reached = Some(!error.is_silence());
        }
        permission.map_err(|refusal| refusal.outcome())
    }

    async fn fetch(&mut self) -> Result<Answer, Outcome> {
        let answer = self.context.fetcher.get(self.request(), self.now).await;
        self.now = (self.context.clock)();
        self.is_reached = Some(answer.as_ref().err().is_none_or(|error| !error.is_silence()));
        answer.map_err(|error| failed(&error))
    }

    pub(super) fn is_gone(&self) -> bool {
        self.context.view.control(&self.source.id) == Some(Control::Gone)
    }

    /// Decides what the answer means, and when the next poll is.
    fn schedule(&mut self, answered: Outcome, pace: Pace) -> (Outcome, PollState) {
        let busy = match &answered {
            Outcome::Busy { wait, .. } => Some(self.now + schedule::busy_wait(&self.state, *wait).max(pace.min)),
            _ => None,
        };
        let outcome = match answered {
            // A source that is gone is polled seldom, whatever it answers instead.
            Outcome::Failed { .. } | Outcome::Busy { .. } if self.is_gone() => Outcome::Gone,
            answered => answered,
        };
        let mut state = schedule::next(&self.source.id, &self.state, &outcome, self.now, pace);
        if !matches!(outcome, Outcome::Read { .. } | Outcome::Unchanged { .. }) {
            // The next poll asks the page again where its list is.
            state.listing.follow = None;
        }
        if let Some(until) = busy {
            state.not_before = until;
            if self.is_host_busy {
                self.busy.note(self.source.url.host_text(), until, &self.source.url, self.now);
            }
        }
        state.busy_hosts = self.busy.left(self.now);
        if self.is_announced(&outcome) {
            state.due = state.due.max(self.now + pace.max);
        }
        state.due = schedule::outside(state.due, &state.listing);
        (outcome, state)
    }

    /// Returns whether the next poll may wait until the source's hub announces something.
    fn is_announced(&self, outcome: &Outcome) -> bool {
        let found = match outcome {
            Outcome::Read { new: 1.., .. } => self.state.succeeded,
            Outcome::Read { .. } | Outcome::Unchanged { .. } => None,
            _ => return false,
        };
        self.context.announcements.as_ref().is_some_and(|announcements| announcements.covers(&self.source.id, found))
    }

    fn save(&self, outcome: &Outcome, state: &PollState) {
        let (context, source) = (self.context, self.source);
        if self.has_new_revisits
            && let Err(error) = context.poll_states.put_revisits(&source.id, &self.revisits)
        {
            tracing::error!(event = "poll_state_unsaved", source = %source.id, error = &error as &dyn std::error::Error, "cannot save which articles to read again; some will not be");
        }
        context.metrics.polled(word(outcome));
        log(source, outcome);
        if let Err(error) = context.poll_states.put(&source.id, state) {
            tracing::error!(event = "poll_state_unsaved", source = %source.id, error = &error as &dyn std::error::Error, "cannot save the poll state; after a restart the source is polled without validators");
        }
        if let Some(node) =
            context.node.as_ref().filter(|_| !state.busy_hosts.is_empty() || state.not_before > self.now)
        {
            node.hurry();
        }
    }

    fn end(self, state: PollState) -> PollResult {
        let host_until = self.busy.until(self.source.url.host_text(), self.now);
        PollResult { before: self.state, state, host_until, quota: self.quota, is_reached: self.is_reached }
    }
}
