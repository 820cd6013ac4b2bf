//! dayuan as a subscriber: listens to the hubs that sources name (WebSub, sections 5 and 7).
//!
//! What a hub delivers is not read: it only makes the source be polled now, over the same way and with the same checks as
//! at any other time. So a hub can say nothing in a source's name, and a lost delivery costs time only.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::options::{ASK_AGAIN, ASKING, LEASE, MAX_LEASE, MAX_LISTENED, MIN_WAIT};
use super::signature::Check;
use super::token;
use crate::fetch::{FetchError, Fetcher, Push};
use crate::model::{Link, Moment, SourceId, SourceSubscription, form_pairs, form_text, one_line};
use crate::view::{Subscriptions, ViewError};

/// Longest sleep of the loop.
const SWEEP: Duration = Duration::from_secs(60);
/// Minimum time between two deliveries of one hub that are taken in.
const BETWEEN: Duration = Duration::from_secs(1);
/// How many answers of a hub to one request are taken in: it may think better of the first, but not for ever.
const MAX_ANSWERS: u8 = 8;
/// Maximum length of a topic, in bytes.
const MAX_TOPIC: usize = 2048;

/// Makes a source be polled now; `false` if that cannot be taken in now.
pub type Call = Box<dyn Fn(&SourceId) -> bool + Send + Sync>;

/// Our subscriptions at the hubs of sources.
pub struct Listener {
    fetcher: Fetcher,
    store: Arc<Subscriptions>,
    clock: fn() -> Moment,
    /// What callbacks begin with.
    base: String,
    call: Call,
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    of_source: HashMap<SourceId, Kept>,
    /// The sources by the ends of their callbacks.
    by_token: HashMap<String, SourceId>,
    /// Sources whose hubs may have to be asked.
    due: VecDeque<SourceId>,
    /// How often the store had been reopened when all subscriptions were last written to it.
    healed: u64,
}

#[derive(Clone, Debug)]
struct Kept {
    subscription: SourceSubscription,
    /// Whether the source has been read since the last request to the hub: for one that is polled no more, nothing is
    /// renewed.
    is_named: bool,
    is_asking: bool,
    /// How often a hub has confirmed it, and which of these would survive a crash.
    confirmed: u64,
    saved: u64,
    /// How often its hub has answered the last request.
    answers: u8,
    /// When a delivery last made the source be polled.
    called: Option<Instant>,
    /// When the log was last told of a delivery without a right signature.
    warned: Option<Instant>,
}

impl Kept {
    fn new(subscription: SourceSubscription) -> Self {
        Self {
            subscription,
            is_named: false,
            is_asking: false,
            confirmed: 0,
            saved: 0,
            answers: 0,
            called: None,
            warned: None,
        }
    }

    /// Returns whether its hub must be asked: for a new one, or one of which two thirds are over. A hub that did not agree is
    /// asked again a day later.
    fn is_due(&self, now: Moment) -> bool {
        let own = &self.subscription;
        let lease = own.until.since(own.asked);
        let wait = if lease > 0 { (lease / 3 * 2).max(MIN_WAIT) } else { ASK_AGAIN };
        let at = own.asked.plus_millis(wait);
        self.is_named && !self.is_asking && (at <= now || own.asked > now)
    }
}

/// A delivery that is arriving.
pub struct Arrival {
    listener: Arc<Listener>,
    source: SourceId,
    /// What is checked; `None` if the hub was given no secret, `Some(None)` if the signature is missing or unknown.
    check: Option<Option<Check>>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Listener {
    /// Opens the listener with the subscriptions of its store. `base` is the address below which hubs reach it. Those that
    /// were made with another one are forgotten: sources name their hubs again.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn new(
        fetcher: Fetcher,
        store: Arc<Subscriptions>,
        clock: fn() -> Moment,
        base: String,
        call: Call,
    ) -> Result<Self, ViewError> {
        let mut inner = Inner { healed: store.heal()?, ..Inner::default() };
        for subscription in store.all_own()? {
            match subscription.callback.strip_prefix(&base) {
                Some(token) => inner.by_token.insert(token.to_owned(), subscription.source.clone()),
                None => {
                    store.remove_own(&subscription.source)?;
                    continue;
                }
            };
            inner.of_source.insert(subscription.source.clone(), Kept::new(subscription));
        }
        Ok(Self { fetcher, store, clock, base, call, inner: Mutex::new(inner), wake: Notify::new() })
    }

    /// Returns how many hubs have confirmed a subscription.
    pub fn count(&self) -> usize {
        let now = (self.clock)();
        self.lock().of_source.values().filter(|kept| kept.subscription.until > now).count()
    }

    /// Takes in which hub and topic a source names.
    pub fn named(&self, source: &SourceId, hub: Option<(Link, String)>) {
        let mut inner = self.lock();
        let own = inner.of_source.get(source).map(|kept| &kept.subscription);
        let Some((hub, topic)) = hub.filter(|(_, topic)| topic.len() <= MAX_TOPIC) else {
            if own.is_some() {
                inner.forget(source, &self.base);
                told(self.store.remove_own(source));
            }
            return;
        };
        if own.is_some_and(|own| own.hub == hub && own.topic == topic) {
            return;
        }
        if inner.of_source.len() >= MAX_LISTENED && !inner.of_source.contains_key(source) {
            return;
        }
        let Some(token) = token::random() else { return };
        inner.forget(source, &self.base);
        let secret = if hub.is_https() { token::random() } else { None };
        let subscription = SourceSubscription {
            source: source.clone(),
            callback: format!("{}{token}", self.base),
            hub,
            topic,
            secret,
            asked: Moment::default(),
            until: Moment::default(),
            pushed: None,
        };
        inner.by_token.insert(token, source.clone());
        // It survives a crash once it is flushed.
        inner.of_source.insert(source.clone(), Kept { is_named: true, confirmed: 1, ..Kept::new(subscription) });
        inner.due.push_back(source.clone());
        drop(inner);
        self.wake.notify_one();
    }

    /// Forgets the subscriptions of sources that are not listed any more: they would take the room of others.
    pub fn forget_others(&self, is_listed: &dyn Fn(&SourceId) -> bool) {
        let mut inner = self.lock();
        let gone: Vec<SourceId> = inner.of_source.keys().filter(|source| !is_listed(source)).cloned().collect();
        for source in gone {
            inner.forget(&source, &self.base);
            told(self.store.remove_own(&source));
        }
    }

    /// Returns whether a hub announces what is new at a source. `found` is the time of the poll before, if one has just
    /// found something new.
    pub fn covers(&self, source: &SourceId, found: Option<Moment>) -> bool {
        let now = (self.clock)();
        let mut inner = self.lock();
        let Some(kept) = inner.of_source.get_mut(source) else { return false };
        kept.is_named = true;
        let own = &mut kept.subscription;
        if found.is_some_and(|before| own.pushed.is_some_and(|pushed| pushed < before)) {
            tracing::info!(event = "hub_missed", %source, hub = %own.hub, "the hub did not announce what is new; the source is polled as before");
            own.pushed = None;
            self.keep(own);
        }
        // Without its callback, nothing would be announced after a crash.
        own.until > now && own.pushed.is_some() && kept.saved == kept.confirmed
    }

    /// Answers a hub that asks whether we want what was asked for in our name (section 5.3): returns its challenge, or
    /// `None` if we do not.
    pub fn confirm(&self, token: &str, query: &str) -> Option<String> {
        let pairs = form_pairs(query.as_bytes());
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let mut inner = self.lock();
        let source = inner.by_token.get(token)?.clone();
        let Kept { subscription: own, confirmed, answers, .. } = inner.of_source.get_mut(&source)?;
        if value("hub.topic") != Some(&own.topic) || *answers >= MAX_ANSWERS {
            return None;
        }
        *answers += 1;
        match value("hub.mode")? {
            "subscribe" => {
                let lease = value("hub.lease_seconds").and_then(|lease| lease.parse().ok()).unwrap_or(LEASE);
                own.until = (self.clock)().plus_seconds(lease.clamp(0, MAX_LEASE));
                tracing::info!(event = "hub_confirmed", %source, hub = %own.hub, seconds = lease, "the hub has confirmed our subscription");
                self.keep(own);
                *confirmed += 1;
                self.wake.notify_one();
                value("hub.challenge").map(str::to_owned)
            }
            "denied" => {
                tracing::info!(event = "hub_denied", %source, hub = %own.hub, reason = one_line(value("hub.reason").unwrap_or("")), "the hub has denied our subscription");
                (own.until, own.pushed) = (Moment::default(), None);
                self.keep(own);
                Some(String::new())
            }
            _ => None,
        }
    }

    /// Prepares for a delivery; `None` if nothing is expected at this callback.
    pub fn expect(self: &Arc<Self>, token: &str, signature: Option<&str>) -> Option<Arrival> {
        let inner = self.lock();
        let source = inner.by_token.get(token)?.clone();
        let own = &inner.of_source.get(&source)?.subscription;
        let check = own.secret.as_ref().map(|secret| signature.and_then(|signature| Check::new(secret, signature)));
        drop(inner);
        Some(Arrival { listener: Arc::clone(self), source, check })
    }

    /// Subscribes at the hubs of sources, and renews, until `stop` is cancelled.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let (mut asking, mut asked) = (JoinSet::new(), HashMap::new());
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            while asking.len() < ASKING
                && let Some(own) = self.next()
            {
                let (listener, source) = (Arc::clone(&self), own.source.clone());
                asked.insert(asking.spawn(async move { listener.ask(own).await }).id(), source);
            }
            self.save().await;
            let ended = tokio::select! {
                () = stop.cancelled() => break,
                () = self.wake.notified() => continue,
                _ = sweep.tick() => {
                    self.look();
                    continue;
                }
                Some(ended) = asking.join_next_with_id() => ended,
            };
            let task = match ended {
                Ok((task, ())) => task,
                Err(error) => {
                    tracing::error!(
                        event = "task_panicked",
                        error = &error as &dyn std::error::Error,
                        "internal error: asking a hub panicked; please report it"
                    );
                    error.id()
                }
            };
            if let Some(source) = asked.remove(&task) {
                self.asked(&source);
            }
        }
        asking.shutdown().await;
    }

    /// Lists the sources whose hubs must be asked.
    fn look(&self) {
        let now = (self.clock)();
        let Inner { of_source, due, .. } = &mut *self.lock();
        due.clear();
        due.extend(of_source.iter().filter(|(_, kept)| kept.is_due(now)).map(|(source, _)| source.clone()));
    }

    /// Returns a listed subscription that its hub must be asked for. That it is asked is saved first: the hub may ask back
    /// before it has answered.
    fn next(&self) -> Option<SourceSubscription> {
        let now = (self.clock)();
        let mut inner = self.lock();
        while let Some(source) = inner.due.pop_front() {
            let Some(kept) = inner.of_source.get_mut(&source).filter(|kept| kept.is_due(now)) else { continue };
            (kept.is_asking, kept.is_named, kept.answers) = (true, false, 0);
            kept.subscription.asked = now;
            self.keep(&kept.subscription);
            return Some(kept.subscription.clone());
        }
        None
    }

    async fn ask(&self, own: SourceSubscription) {
        let mut pairs =
            vec![("hub.mode", "subscribe"), ("hub.topic", own.topic.as_str()), ("hub.callback", own.callback.as_str())];
        pairs.extend(own.secret.as_deref().map(|secret| ("hub.secret", secret)));
        let push = Push {
            content_type: "application/x-www-form-urlencoded".to_owned(),
            headers: Vec::new(),
            body: Bytes::from(form_text(&pairs)),
        };
        let reason = match self.fetcher.push(&own.hub, push).await {
            Ok(200..=299) => None,
            Ok(status) => Some(format!("it answered {status}")),
            Err(FetchError::Blocked(reason)) => Some(reason),
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = reason {
            tracing::info!(event = "hub_refused", source = %own.source, hub = %own.hub, reason, "the hub takes no subscription; the source is polled as before");
        }
    }

    /// Makes what hubs have confirmed safe from a crash, and reopens a store that refused to write.
    async fn save(&self) {
        let unsaved: Vec<(SourceId, u64)> = {
            let mut inner = self.lock();
            match self.store.heal() {
                Ok(healed) => {
                    if std::mem::replace(&mut inner.healed, healed) != healed {
                        inner.of_source.values().for_each(|kept| self.keep(&kept.subscription));
                    }
                }
                Err(error) => told(Err(error)),
            }
            let unsaved = inner.of_source.iter().filter(|(_, kept)| kept.saved != kept.confirmed);
            unsaved.map(|(source, kept)| (source.clone(), kept.confirmed)).collect()
        };
        if unsaved.is_empty() {
            return;
        }
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || store.flush()).await {
            Ok(Ok(())) => {
                let mut inner = self.lock();
                for (source, confirmed) in unsaved {
                    // What was confirmed meanwhile may have come too late for this flush.
                    if let Some(kept) = inner.of_source.get_mut(&source) {
                        kept.saved = confirmed;
                    }
                }
            }
            Ok(Err(error)) => told(Err(error)),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(event = "task_panicked", error, "saving our subscriptions panicked");
            }
        }
    }

    /// Tells of a delivery without a right signature, once in a while: whoever knows the callback can send any number.
    fn warn(&self, source: &SourceId) {
        let here = Instant::now();
        let mut inner = self.lock();
        let Some(kept) = inner.of_source.get_mut(source) else { return };
        if kept.warned.is_none_or(|warned| here.saturating_duration_since(warned) >= SWEEP) {
            kept.warned = Some(here);
            tracing::warn!(event = "hub_unsigned", %source, "a delivery of the source's hub has no right signature and is ignored");
        }
    }

    fn asked(&self, source: &SourceId) {
        if let Some(kept) = self.lock().of_source.get_mut(source) {
            kept.is_asking = false;
        }
    }

    fn keep(&self, own: &SourceSubscription) {
        told(self.store.put_own(own));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(outcome: Result<(), ViewError>) {
    if let Err(error) = outcome {
        tracing::error!(
            event = "subscriptions_unsaved",
            error = &error as &dyn std::error::Error,
            "our subscriptions at hubs cannot be saved; after a restart they are asked for anew"
        );
    }
}

impl Inner {
    fn forget(&mut self, source: &SourceId, base: &str) {
        let gone = self.of_source.remove(source);
        if let Some(token) = gone.as_ref().and_then(|kept| kept.subscription.callback.strip_prefix(base)) {
            self.by_token.remove(token);
        }
    }
}

impl Arrival {
    /// Takes a piece of the body.
    pub fn take(&mut self, piece: &[u8]) {
        if let Some(Some(check)) = &mut self.check {
            check.take(piece);
        }
    }

    /// Ends the delivery: if its signature is right, the source is polled now. Returns `false` if that cannot be taken in
    /// now. A wrong signature is no reason to tell the sender so (section 8).
    pub fn end(self) -> bool {
        let Self { listener, source, check } = self;
        if check.is_some_and(|check| !check.is_some_and(Check::matches)) {
            listener.warn(&source);
            return true;
        }
        let (now, here) = ((listener.clock)(), Instant::now());
        let mut inner = listener.lock();
        let Some(kept) = inner.of_source.get_mut(&source) else { return true };
        if kept.called.is_some_and(|called| here.saturating_duration_since(called) < BETWEEN) {
            return false;
        }
        kept.called = Some(here);
        let before = kept.subscription.pushed.replace(now);
        // That is what counts after a restart; the exact time is not needed.
        if before.is_none_or(|before| now.duration_since(before) > SWEEP) {
            listener.keep(&kept.subscription);
        }
        drop(inner);
        (listener.call)(&source)
    }
}

#[cfg(test)]
mod tests;
