//! The hub at work: takes in requests, and runs verifications and deliveries side by side within their limits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::book::{Book, Change, Delivery, Lane, Outcome};
use super::content::{Found, Topics};
use super::delivery::{deliver, verify};
use super::metrics::Metrics;
use super::options::{MAKING, MAX_VERIFICATION_DELAY, OVERTIME, PROMPT, RESOLVING, RESOLVING_PER_DOMAIN, VERIFYING};
use super::places::PlacesOf;
use super::rate::Rate;
use super::waiting::Waiting;
use super::wish::{Mode, Wish};
use super::work::{Done, Work, Works};
use crate::fetch::Fetcher;
use crate::model::Moment;
use crate::view::{Subscriptions, ViewError};

/// Interval between two looks at the leases and the store.
const SWEEP: Duration = Duration::from_secs(15);
/// How long changes may wait until they are flushed; they are flushed together.
const FLUSH: Duration = Duration::from_millis(100);
/// Maximum sleep of the loop.
const MAX_SLEEP: Duration = Duration::from_secs(5);

/// Answer to a request to the hub: a status with a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Status of the answer.
    pub status: u16,
    /// What it says.
    pub text: String,
}

/// Returns whether the system clock can be trusted so far that what depends on it may be removed for good.
pub type ClockTrust = Box<dyn Fn() -> bool + Send + Sync>;

/// The hub.
pub struct Hub {
    fetcher: Fetcher,
    topics: Arc<dyn Topics>,
    store: Arc<Subscriptions>,
    clock: fn() -> Moment,
    is_clock_trusted: ClockTrust,
    metrics: Metrics,
    inner: Mutex<Inner>,
    wake: Notify,
    resolving: Semaphore,
    looking_up: PlacesOf,
    verifying: Semaphore,
    overtime: Semaphore,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Inner {
    book: Book,
    rate: Rate,
    waiting: Waiting,
    /// How often the store had been reopened when all subscriptions were last written to it.
    healed: u64,
    /// Whether a change could not be written since.
    is_unsaved: bool,
}

/// A place in a lane, which is given back when it is dropped.
struct Place<'a>(&'a Hub, Lane);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().book.release(self.1);
        self.0.wake.notify_one();
    }
}

impl Hub {
    /// Opens the hub with the subscriptions of its store.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn new(
        fetcher: Fetcher,
        topics: Arc<dyn Topics>,
        store: Arc<Subscriptions>,
        clock: fn() -> Moment,
        is_clock_trusted: ClockTrust,
        metrics: Metrics,
    ) -> Result<Self, ViewError> {
        let (subscriptions, damaged) = store.all()?;
        if damaged > 0 {
            tracing::error!(
                event = "subscriptions_damaged",
                damaged,
                "subscriptions of the hub are damaged and were left out"
            );
        }
        let book = Book::new(subscriptions);
        metrics.count(book.count());
        let inner = Inner {
            book,
            rate: Rate::default(),
            waiting: Waiting::default(),
            healed: store.heal()?,
            is_unsaved: false,
        };
        Ok(Self {
            fetcher,
            topics,
            store,
            clock,
            is_clock_trusted,
            metrics,
            inner: Mutex::new(inner),
            wake: Notify::new(),
            resolving: Semaphore::new(RESOLVING),
            looking_up: PlacesOf::new(RESOLVING_PER_DOMAIN),
            verifying: Semaphore::new(VERIFYING),
            overtime: Semaphore::new(OVERTIME),
        })
    }

    /// Takes in a request of a subscriber. What it asks for is done after its callback has agreed.
    pub fn ask(&self, form: &[u8]) -> Reply {
        let reply = |status, text: &str| Reply { status, text: format!("{text}\n") };
        let mut wish = match Wish::read(form) {
            Ok(wish) => wish,
            Err(reason) => return reply(400, &reason),
        };
        if let Err(refused) = self.fetcher.check_receiver(&wish.callback) {
            tracing::debug!(callback = %wish.callback, reason = %refused, "a callback is refused");
            return reply(400, "hub.callback is an address that is not called");
        }
        if !self.topics.is_known(&wish.topic) {
            wish.mode = Mode::Deny("there is no such feed here");
        }
        let mut inner = self.lock();
        if wish.mode == Mode::Subscribe && !inner.book.has_room(&wish.topic, &wish.callback) {
            return reply(503, "there are too many subscriptions, or too many at this host");
        }
        if !inner.waiting.push(wish) {
            return reply(503, "too many requests wait for their verification; try again later");
        }
        drop(inner);
        self.wake.notify_one();
        reply(202, "accepted; the callback is asked")
    }

    /// Notes that the feeds under these URLs may have changed.
    pub fn touch(&self, topics: impl Iterator<Item = String>) {
        self.lock().book.touch(topics);
        self.wake.notify_one();
    }

    /// Notes that every feed may have changed, or be no more, as after a change of the config.
    pub fn touch_all(&self) {
        self.lock().book.touch_all();
        self.wake.notify_one();
    }

    /// Returns the number of subscriptions, and how many of them failed last.
    pub fn counts(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.book.count(), inner.book.failing())
    }

    /// Verifies and delivers until `stop` is cancelled.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut works = Works::default();
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            let wait = self.begin(&mut works);
            if works.is_unflushed && !works.is_flushing {
                let store = Arc::clone(&self.store);
                works.begin(Work::Flush, async move {
                    tokio::time::sleep(FLUSH).await;
                    Done::Flushed(flush(store).await)
                });
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
                _ = sweep.tick() => works.is_unflushed |= self.sweep(),
                Some(ended) = works.tasks.join_next_with_id() => {
                    if let Some((work, done)) = works.end(ended) {
                        works.is_unflushed |= self.take(work, done);
                    }
                }
            }
        }
        works.tasks.shutdown().await;
        self.make_up();
        told(flush(Arc::clone(&self.store)).await);
    }

    /// Begins all work that has room, and returns how long there is nothing to begin.
    fn begin(self: &Arc<Self>, works: &mut Works) -> Duration {
        let now = Instant::now();
        let mut inner = self.lock();
        let next = inner.book.try_again(now);
        while works.making < MAKING
            && let Some(topic) = inner.book.next_stale()
        {
            let hub = Arc::clone(self);
            works.begin(Work::Make(topic.clone()), async move { Done::Made(hub.topics.content(&topic).await) });
        }
        while let Some(delivery) = inner.book.next_delivery() {
            let hub = Arc::clone(self);
            let work = Work::Deliver(Box::new(delivery.clone()));
            works.begin(work, async move { Done::Delivered(hub.deliver(delivery).await) });
        }
        while let Some(wish) = inner.waiting.pop() {
            let hub = Arc::clone(self);
            let work = Work::Verify(Box::new(wish.clone()));
            works.begin(work, async move { Done::Verified(hub.verify(wish).await) });
        }
        next.map_or(MAX_SLEEP, |next| next.saturating_duration_since(now).clamp(Duration::from_millis(1), MAX_SLEEP))
    }

    /// Takes in how a piece of work ended; returns whether something is to be flushed.
    fn take(&self, work: Work, done: Option<Done>) -> bool {
        match (work, done) {
            (Work::Make(topic), Some(Done::Made(found))) => self.found(&topic, found),
            (Work::Make(topic), _) => self.found(&topic, Found::Later),
            (Work::Deliver(delivery), Some(Done::Delivered(outcome))) => {
                self.delivered(&delivery, outcome);
                false
            }
            (Work::Deliver(delivery), _) => {
                self.delivered(&delivery, Outcome::Failed);
                false
            }
            (Work::Verify(wish), Some(Done::Verified(agreed))) => self.verified(&wish, agreed),
            (Work::Verify(wish), _) => self.verified(&wish, false),
            (Work::Flush, Some(Done::Flushed(flushed))) => {
                told(flushed);
                false
            }
            (Work::Flush, _) => true,
        }
    }

    /// Returns whether a callback agrees to what was asked for in its name.
    async fn verify(&self, wish: Wish) -> bool {
        let address = {
            // Anybody can make us look up any name, and a server of names may be slow: others do not wait for one.
            let found = async {
                let _place_of_domain = self.looking_up.place(wish.callback.registrable_domain()).await;
                let _place = self.resolving.acquire().await;
                self.fetcher.receiver_address(&wish.callback).await
            };
            tokio::time::timeout(MAX_VERIFICATION_DELAY, found).await.ok().flatten()
        };
        let turn = address.and_then(|address| {
            let wait = self.lock().rate.turn(address, Instant::now(), MAX_VERIFICATION_DELAY)?;
            Some((address, wait))
        });
        let Some((address, wait)) = turn else {
            self.metrics.verified("dropped");
            return false;
        };
        tokio::time::sleep(wait).await;
        let _place = self.verifying.acquire().await;
        let agreed = verify(&self.fetcher, &wish, address).await;
        self.metrics.verified(match (&wish.mode, agreed) {
            (Mode::Deny(_), _) => "denied",
            (_, true) => "confirmed",
            (_, false) => "refused",
        });
        agreed
    }

    /// Delivers a feed. After a second its place is given to another one, so that however many subscribers are dead, the
    /// others wait for seconds at most.
    async fn deliver(&self, delivery: Delivery) -> Outcome {
        let hub_url = self.topics.hub_url();
        let place = Place(self, delivery.lane);
        let answer = deliver(&self.fetcher, &delivery, &hub_url);
        tokio::pin!(answer);
        tokio::select! {
            status = &mut answer => return outcome(status),
            () = tokio::time::sleep(PROMPT) => {}
        }
        drop(place);
        match self.overtime.try_acquire() {
            Ok(_overtime) => outcome(answer.await),
            Err(_full) => Outcome::Failed,
        }
    }

    fn found(&self, topic: &str, found: Found) -> bool {
        let changes = {
            let mut inner = self.lock();
            let changes = inner.book.found(topic, found, Instant::now());
            for change in &changes {
                if let Change::Remove(topic, callback) = change {
                    let (topic, callback) = (topic.clone(), callback.clone());
                    // If too many wait already, the subscriber is not told.
                    inner.waiting.push(Wish {
                        mode: Mode::Deny("the feed has ended"),
                        topic,
                        callback,
                        lease: 0,
                        secret: None,
                    });
                }
            }
            self.metrics.count(inner.book.count());
            changes
        };
        self.keep(changes)
    }

    fn delivered(&self, delivery: &Delivery, outcome: Outcome) {
        let change = {
            let mut inner = self.lock();
            let change = inner.book.delivered(delivery, outcome, Instant::now());
            self.metrics.count(inner.book.count());
            change
        };
        match outcome {
            Outcome::Taken => self.metrics.delivered("taken", delivery.content.bytes.len()),
            Outcome::Failed => self.metrics.delivered("failed", 0),
            Outcome::Gone => self.metrics.delivered("gone", 0),
        }
        // That a feed was delivered need not survive a crash: it would be delivered once more.
        self.keep(change.into_iter().collect());
    }

    /// Does what a verified request asks for; returns whether something is to be flushed.
    fn verified(&self, wish: &Wish, agreed: bool) -> bool {
        let change = {
            let mut inner = self.lock();
            inner.waiting.done(&wish.callback);
            let change = match wish.mode {
                Mode::Subscribe if agreed => {
                    let change = inner.book.subscribe(wish, (self.clock)());
                    if change.is_none() {
                        // Others took the room meanwhile.
                        tracing::warn!(event = "subscriptions_full", callback = %wish.callback, topic = wish.topic, "there is no room for another subscription of the hub; the subscriber is told so");
                        let mode = Mode::Deny("there are too many subscriptions, or too many at this host");
                        inner.waiting.push(Wish { mode, ..wish.clone() });
                        self.wake.notify_one();
                    }
                    change
                }
                Mode::Unsubscribe if agreed => inner.book.unsubscribe(&wish.topic, &wish.callback),
                _ => None,
            };
            self.metrics.count(inner.book.count());
            change
        };
        self.keep(change.into_iter().collect())
    }

    /// Ends leases that are over, unless our clock may be wrong, and reopens a store that refused to write; returns whether
    /// something is to be flushed.
    fn sweep(&self) -> bool {
        let mut is_changed = false;
        if (self.is_clock_trusted)() {
            let ended = self.lock().book.expire((self.clock)());
            is_changed |= self.keep(ended);
        }
        is_changed |= self.make_up();
        self.metrics.count(self.lock().book.count());
        is_changed
    }

    /// Writes everything anew if something could not be written: else whoever unsubscribed meanwhile would be subscribed
    /// again after a restart. Returns whether something is to be flushed.
    fn make_up(&self) -> bool {
        let written = self.store.heal().and_then(|healed| {
            let all: Option<Vec<_>> = {
                let inner = self.lock();
                (inner.is_unsaved || inner.healed != healed).then(|| inner.book.all().cloned().collect())
            };
            if let Some(all) = &all {
                // Only this task writes; whoever asks meanwhile does not wait for a slow disk.
                self.store.keep_only(all.iter())?;
                let mut inner = self.lock();
                (inner.healed, inner.is_unsaved) = (healed, false);
            }
            Ok(all.is_some())
        });
        written.unwrap_or_else(|error| {
            told(Err(error));
            false
        })
    }

    fn keep(&self, changes: Vec<Change>) -> bool {
        let is_changed = !changes.is_empty();
        for change in changes {
            let kept = match &change {
                Change::Put(subscription) => self.store.put(subscription),
                Change::Remove(topic, callback) => self.store.remove(topic, callback),
            };
            if kept.is_err() {
                self.lock().is_unsaved = true;
            }
            told(kept);
        }
        is_changed
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn outcome(status: Option<u16>) -> Outcome {
    match status {
        Some(200..=299) => Outcome::Taken,
        Some(410) => Outcome::Gone,
        _ => Outcome::Failed,
    }
}

/// Flushes the store on a blocking thread.
async fn flush(store: Arc<Subscriptions>) -> Result<(), ViewError> {
    match tokio::task::spawn_blocking(move || store.flush()).await {
        Ok(flushed) => flushed,
        // The task that waits for it panics, too, so that it does not count as flushed.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_cancelled) => Ok(()),
        },
    }
}

fn told(outcome: Result<(), ViewError>) {
    if let Err(error) = outcome {
        tracing::error!(
            event = "subscriptions_unsaved",
            error = &error as &dyn std::error::Error,
            "the subscriptions of the hub cannot be written"
        );
    }
}

#[cfg(test)]
mod tests;
