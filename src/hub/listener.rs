//! dayuan as a subscriber: listens to the hubs that sources name (WebSub, sections 5 and 7).
//!
//! What a hub delivers is not read: it only makes the source be polled now, over the same way and with the same checks as
//! at any other time. So a hub can say nothing in a source's name, and a lost delivery costs time only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::options::{ASK_AGAIN, ASKING, LEASE, MAX_LEASE, MAX_LISTENED, MIN_WAIT};
use super::signature::Check;
use super::token;
use crate::fetch::{FetchError, Fetcher, Push};
use crate::model::{Link, Moment, SourceId, SourceSubscription, form_pairs, form_text};
use crate::view::{Subscriptions, ViewError};

/// Longest sleep of the loop.
const SWEEP: Duration = Duration::from_secs(60);
/// Minimum time between two deliveries of one hub that are taken in.
const BETWEEN: Duration = Duration::from_secs(1);
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
}

#[derive(Clone, Debug)]
struct Kept {
    subscription: SourceSubscription,
    /// Whether the source has been read since the last request to the hub: for one that is polled no more, nothing is
    /// renewed.
    is_named: bool,
    is_asking: bool,
    /// Whether it would survive a crash.
    is_saved: bool,
    /// When a delivery last made the source be polled.
    called: Moment,
}

impl Kept {
    fn new(subscription: SourceSubscription) -> Self {
        Self { subscription, is_named: false, is_asking: false, is_saved: true, called: Moment::default() }
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
        let mut inner = Inner::default();
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
        inner.of_source.insert(source.clone(), Kept { is_named: true, is_saved: false, ..Kept::new(subscription) });
        drop(inner);
        self.wake.notify_one();
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
        own.until > now && own.pushed.is_some() && kept.is_saved
    }

    /// Answers a hub that asks whether we want what was asked for in our name (section 5.3): returns its challenge, or
    /// `None` if we do not.
    pub fn confirm(&self, token: &str, query: &str) -> Option<String> {
        let pairs = form_pairs(query.as_bytes());
        let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let mut inner = self.lock();
        let source = inner.by_token.get(token)?.clone();
        let Kept { subscription: own, is_saved, .. } = inner.of_source.get_mut(&source)?;
        if value("hub.topic") != Some(&own.topic) {
            return None;
        }
        match value("hub.mode")? {
            "subscribe" => {
                let lease = value("hub.lease_seconds").and_then(|lease| lease.parse().ok()).unwrap_or(LEASE);
                own.until = (self.clock)().plus_seconds(lease.clamp(0, MAX_LEASE));
                tracing::info!(event = "hub_confirmed", %source, hub = %own.hub, seconds = lease, "the hub has confirmed our subscription");
                self.keep(own);
                *is_saved = false;
                self.wake.notify_one();
                value("hub.challenge").map(str::to_owned)
            }
            "denied" => {
                tracing::info!(event = "hub_denied", %source, hub = %own.hub, reason = value("hub.reason").unwrap_or(""), "the hub has denied our subscription");
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
        let mut asking = JoinSet::new();
        loop {
            while asking.len() < ASKING
                && let Some(own) = self.next()
            {
                let listener = Arc::clone(&self);
                asking.spawn(async move { listener.ask(own).await });
            }
            self.save().await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(SWEEP) => {}
                Some(_asked) = asking.join_next() => {}
            }
        }
        asking.shutdown().await;
    }

    /// Returns a subscription that its hub must be asked for: a new one, or one of which two thirds are over. A hub that did
    /// not agree is asked again a day later.
    fn next(&self) -> Option<SourceSubscription> {
        let now = (self.clock)();
        let mut inner = self.lock();
        let is_due = |kept: &&mut Kept| {
            let own = &kept.subscription;
            let lease = own.until.since(own.asked);
            let wait = if lease > 0 { (lease / 3 * 2).max(MIN_WAIT) } else { ASK_AGAIN };
            let at = own.asked.plus_millis(wait);
            kept.is_named && !kept.is_asking && (at <= now || own.asked > now)
        };
        let kept = inner.of_source.values_mut().find(is_due)?;
        (kept.is_asking, kept.is_named) = (true, false);
        kept.subscription.asked = now;
        Some(kept.subscription.clone())
    }

    async fn ask(&self, own: SourceSubscription) {
        // The hub may ask back before it has answered.
        self.keep(&own);
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
        self.asked(&own.source);
    }

    /// Makes what hubs have confirmed safe from a crash, and reopens a store that refused to write.
    async fn save(&self) {
        if self.store.is_broken() {
            let healed = self.store.heal();
            if healed.is_ok() {
                // The most recent writes may be missing.
                self.lock().of_source.values().for_each(|kept| self.keep(&kept.subscription));
            }
            told(healed);
        }
        let unsaved: Vec<SourceId> = {
            let inner = self.lock();
            let unsaved = inner.of_source.iter().filter(|(_, kept)| !kept.is_saved);
            unsaved.map(|(source, _)| source.clone()).collect()
        };
        if unsaved.is_empty() {
            return;
        }
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || store.flush()).await {
            Ok(Ok(())) => {
                let mut inner = self.lock();
                for source in unsaved {
                    if let Some(kept) = inner.of_source.get_mut(&source) {
                        kept.is_saved = true;
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
            tracing::warn!(event = "hub_unsigned", %source, "a delivery of the source's hub has no right signature and is ignored");
            return true;
        }
        let now = (listener.clock)();
        let mut inner = listener.lock();
        let Some(kept) = inner.of_source.get_mut(&source) else { return true };
        if now.duration_since(kept.called) < BETWEEN {
            return false;
        }
        kept.called = now;
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
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::fetch::{Guard, Options, install_crypto};

    thread_local!(static NOW: Cell<i64> = const { Cell::new(1_678_328_822) });

    fn now() -> Moment {
        Moment::from_seconds(NOW.get())
    }

    struct Fixture {
        store: Arc<Subscriptions>,
        calls: Arc<AtomicUsize>,
        source: SourceId,
        _folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            install_crypto();
            let folder = tempfile::tempdir().unwrap();
            let store = Arc::new(Subscriptions::open(&folder.path().join("hub")).unwrap().0);
            Self { store, calls: Arc::default(), source: SourceId::new("gov").unwrap(), _folder: folder }
        }

        fn listener(&self, base: &str) -> Arc<Listener> {
            let guard = Guard { allow: Vec::new(), ports: Vec::new() };
            let timeout = Duration::from_secs(1);
            let options = Options { guard, timeout, max_body: 1 << 20, public_url: None, contact: None };
            let calls = Arc::clone(&self.calls);
            let call = Box::new(move |_: &SourceId| calls.fetch_add(1, Ordering::SeqCst) < usize::MAX);
            let fetcher = Fetcher::new(options).unwrap();
            Arc::new(Listener::new(fetcher, Arc::clone(&self.store), now, base.to_owned(), call).unwrap())
        }

        fn name(&self, listener: &Listener) {
            let hub = Link::parse("https://hub.example/").unwrap();
            listener.named(&self.source, Some((hub, "https://a.example/feed".to_owned())));
        }

        fn token(&self) -> String {
            self.store.all_own().unwrap()[0].callback.rsplit('/').next().unwrap().to_owned()
        }
    }

    const BASE: &str = "https://b.example/hub/in/";
    const QUERY: &str = "hub.mode=subscribe&hub.topic=https://a.example/feed&hub.challenge=x&hub.lease_seconds=1000";

    #[test]
    fn a_hub_is_relied_on_from_its_first_delivery_until_it_misses_something() {
        let fixture = Fixture::new();
        let listener = fixture.listener(BASE);
        let source = &fixture.source;
        assert!(!listener.covers(source, None), "no hub is known");
        fixture.name(&listener);
        let asked = listener.next().unwrap();
        assert!(listener.next().is_none(), "asked once");
        listener.keep(&asked);
        let token = fixture.token();
        assert_eq!(listener.confirm(&token, &QUERY.replace("a.example", "c.example")), None);
        assert_eq!(listener.confirm("0", QUERY), None);
        assert_eq!(listener.confirm(&token, QUERY).as_deref(), Some("x"));
        assert!(!listener.covers(source, None), "it has not announced anything yet");
        let save = || tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(listener.save());
        save();
        let secret = asked.secret.unwrap();
        let deliver = |signature: Option<&str>| {
            let mut arrival = listener.expect(&token, signature).unwrap();
            arrival.take(b"<feed/>");
            arrival.end()
        };
        assert!(deliver(None) && deliver(Some("sha256=00")) && deliver(Some("md9=00")));
        assert_eq!(fixture.calls.load(Ordering::SeqCst), 0, "nobody can announce without the secret");
        let right = super::super::signature::sign(secret.as_bytes(), b"<feed/>");
        assert!(deliver(Some(&right)));
        assert!(!deliver(Some(&right)), "at most one a second");
        assert_eq!(fixture.calls.load(Ordering::SeqCst), 1);
        assert!(listener.covers(source, Some(now().plus_seconds(-60))), "what it announced was found");
        NOW.set(NOW.get() + 100);
        assert!(!listener.covers(source, Some(now().plus_seconds(-50))), "something new came unannounced");
        assert!(deliver(Some(&right)) && listener.covers(source, None), "it announces again");
        NOW.set(NOW.get() + 2000);
        assert!(!listener.covers(source, None), "the lease is over");
    }

    #[test]
    fn subscriptions_are_renewed_before_they_end_and_only_while_the_source_is_read() {
        let fixture = Fixture::new();
        let listener = fixture.listener(BASE);
        fixture.name(&listener);
        let lease = QUERY.replace("1000", "864000");
        let own = listener.next().unwrap();
        listener.keep(&own);
        listener.confirm(&fixture.token(), &lease).unwrap();
        listener.asked(&own.source);
        let is_due = |after: i64| {
            NOW.set(NOW.get() + after);
            listener.covers(&fixture.source, None);
            listener.next().is_some()
        };
        assert!(!is_due(500_000));
        drop(listener);
        let listener = fixture.listener(BASE);
        NOW.set(NOW.get() + 100_000);
        assert!(listener.next().is_none(), "the source is not read any more");
        listener.covers(&fixture.source, None);
        assert!(listener.next().is_some());
        assert_eq!(fixture.listener("https://c.example/hub/in/").count(), 0, "another address: asked for anew");
    }

    #[test]
    fn a_source_that_names_no_hub_any_more_is_not_listened_to() {
        let fixture = Fixture::new();
        let listener = fixture.listener(BASE);
        fixture.name(&listener);
        listener.keep(&listener.next().unwrap());
        let token = fixture.token();
        listener.named(&fixture.source, None);
        assert!(listener.expect(&token, None).is_none() && fixture.store.all_own().unwrap().is_empty());
    }
}
