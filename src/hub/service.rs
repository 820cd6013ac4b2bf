//! The hub at work: takes in requests, and runs verifications and deliveries side by side within their limits.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::book::{Book, Change, Delivery, Outcome};
use super::content::{Found, Topics};
use super::delivery::{deliver, verify};
use super::metrics::Metrics;
use super::options::{MAKING, MAX_PENDING, MAX_PENDING_PER_HOST, MAX_VERIFICATION_DELAY, OVERTIME, PROMPT, VERIFYING};
use super::rate::Rate;
use super::wish::{Mode, Wish};
use crate::fetch::Fetcher;
use crate::model::{Link, Moment};
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

/// The hub.
#[derive(Debug)]
pub struct Hub {
    fetcher: Fetcher,
    topics: Arc<dyn Topics>,
    store: Arc<Subscriptions>,
    clock: fn() -> Moment,
    metrics: Metrics,
    inner: Mutex<Inner>,
    wake: Notify,
    verifying: Semaphore,
    overtime: Semaphore,
}

#[derive(Debug)]
struct Inner {
    book: Book,
    rate: Rate,
    /// Requests that wait for their verification, and their number per callback host, running ones included.
    pending: VecDeque<Wish>,
    pending_per_host: HashMap<String, usize>,
}

/// A piece of work that ended.
enum Done {
    Found(String, Found),
    Delivered(Box<Delivery>, Outcome),
    Verified(Box<Wish>, bool),
    Flushed(Result<(), ViewError>),
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
        let inner = Inner { book, rate: Rate::default(), pending: VecDeque::new(), pending_per_host: HashMap::new() };
        Ok(Self {
            fetcher,
            topics,
            store,
            clock,
            metrics,
            inner: Mutex::new(inner),
            wake: Notify::new(),
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
        if !inner.enqueue(wish) {
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
        let mut tasks = JoinSet::new();
        let mut sweep = tokio::time::interval(SWEEP);
        let (mut making, mut is_unflushed, mut is_flushing) = (0, false, false);
        loop {
            let wait = self.begin(&mut tasks, &mut making);
            if is_unflushed && !is_flushing {
                (is_unflushed, is_flushing) = (false, true);
                let store = Arc::clone(&self.store);
                tasks.spawn(async move {
                    tokio::time::sleep(FLUSH).await;
                    let flushed = tokio::task::spawn_blocking(move || store.flush()).await;
                    Done::Flushed(flushed.unwrap_or(Ok(())))
                });
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
                _ = sweep.tick() => is_unflushed |= self.sweep(),
                Some(ended) = tasks.join_next() => match ended {
                    Ok(Done::Found(topic, found)) => {
                        making -= 1;
                        is_unflushed |= self.found(&topic, found);
                    }
                    Ok(Done::Delivered(delivery, outcome)) => self.delivered(&delivery, outcome),
                    Ok(Done::Verified(wish, agreed)) => is_unflushed |= self.verified(&wish, agreed),
                    Ok(Done::Flushed(flushed)) => {
                        is_flushing = false;
                        told(flushed);
                    }
                    Err(error) => tracing::error!(event = "task_panicked", error = &error as &dyn std::error::Error, "a task of the hub panicked"),
                },
            }
        }
        tasks.shutdown().await;
        let store = Arc::clone(&self.store);
        told(tokio::task::spawn_blocking(move || store.flush()).await.unwrap_or(Ok(())));
    }

    /// Begins all work that has room, and returns how long there is nothing to begin.
    fn begin(self: &Arc<Self>, tasks: &mut JoinSet<Done>, making: &mut usize) -> Duration {
        let now = (self.clock)();
        let mut inner = self.lock();
        let next = inner.book.try_again(now);
        while *making < MAKING
            && let Some(topic) = inner.book.next_stale()
        {
            *making += 1;
            let hub = Arc::clone(self);
            tasks.spawn(async move {
                let found = hub.topics.content(&topic).await;
                Done::Found(topic, found)
            });
        }
        while let Some(delivery) = inner.book.next_delivery() {
            let hub = Arc::clone(self);
            tasks.spawn(async move { hub.deliver(delivery).await });
        }
        while let Some(wish) = inner.pending.pop_front() {
            let hub = Arc::clone(self);
            tasks.spawn(async move { hub.verify(wish).await });
        }
        next.map_or(MAX_SLEEP, |next| next.duration_since(now).clamp(Duration::from_millis(1), MAX_SLEEP))
    }

    async fn verify(&self, wish: Wish) -> Done {
        let turn = self.fetcher.receiver_address(&wish.callback).await.and_then(|address| {
            let wait = self.lock().rate.turn(address, (self.clock)(), MAX_VERIFICATION_DELAY)?;
            Some((address, u64::try_from(wait).ok()?))
        });
        let agreed = match turn {
            None => {
                self.metrics.verified("dropped");
                false
            }
            Some((address, wait)) => {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                let _place = self.verifying.acquire().await;
                let agreed = verify(&self.fetcher, &wish, address).await;
                self.metrics.verified(match (&wish.mode, agreed) {
                    (Mode::Deny(_), _) => "denied",
                    (_, true) => "confirmed",
                    (_, false) => "refused",
                });
                agreed
            }
        };
        Done::Verified(Box::new(wish), agreed)
    }

    /// Delivers a feed. After a second its place is given to another one, so that however many subscribers are dead, the
    /// others wait for seconds at most.
    async fn deliver(&self, delivery: Delivery) -> Done {
        let hub_url = self.topics.hub_url();
        let outcome = {
            let answer = deliver(&self.fetcher, &delivery, &hub_url);
            tokio::pin!(answer);
            tokio::select! {
                status = &mut answer => {
                    self.lock().book.release(delivery.lane);
                    outcome(status)
                }
                () = tokio::time::sleep(PROMPT) => {
                    self.lock().book.release(delivery.lane);
                    self.wake.notify_one();
                    match self.overtime.try_acquire() {
                        Ok(_overtime) => outcome(answer.await),
                        Err(_full) => Outcome::Failed,
                    }
                }
            }
        };
        Done::Delivered(Box::new(delivery), outcome)
    }

    fn found(&self, topic: &str, found: Found) -> bool {
        let changes = {
            let mut inner = self.lock();
            let changes = inner.book.found(topic, found, (self.clock)());
            for change in &changes {
                if let Change::Remove(topic, callback) = change {
                    let (topic, callback) = (topic.clone(), callback.clone());
                    // If too many wait already, the subscriber is not told.
                    inner.enqueue(Wish {
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
            let change = inner.book.delivered(delivery, outcome, (self.clock)());
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
            inner.leave(&wish.callback);
            let change = match wish.mode {
                Mode::Subscribe if agreed => inner.book.subscribe(wish, (self.clock)()),
                Mode::Unsubscribe if agreed => inner.book.unsubscribe(&wish.topic, &wish.callback),
                _ => None,
            };
            self.metrics.count(inner.book.count());
            change
        };
        self.keep(change.into_iter().collect())
    }

    /// Ends leases that are over, and reopens a store that refused to write; returns whether something is to be flushed.
    fn sweep(&self) -> bool {
        let ended = self.lock().book.expire((self.clock)());
        let mut is_changed = self.keep(ended);
        if self.store.is_broken() {
            let healed = self.store.heal();
            if healed.is_ok() {
                // The most recent writes may be missing.
                let all: Vec<Change> = self.lock().book.all().cloned().map(Change::Put).collect();
                is_changed |= self.keep(all);
            }
            told(healed);
        }
        self.metrics.count(self.lock().book.count());
        is_changed
    }

    fn keep(&self, changes: Vec<Change>) -> bool {
        let is_changed = !changes.is_empty();
        for change in changes {
            told(match &change {
                Change::Put(subscription) => self.store.put(subscription),
                Change::Remove(topic, callback) => self.store.remove(topic, callback),
            });
        }
        is_changed
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Lets a request wait for its verification; `false` if too many do.
    fn enqueue(&mut self, wish: Wish) -> bool {
        let all: usize = self.pending_per_host.values().sum();
        let of_host = self.pending_per_host.entry(wish.callback.host_text().to_owned()).or_default();
        if all >= MAX_PENDING || *of_host >= MAX_PENDING_PER_HOST {
            self.leave_empty(&wish.callback);
            return false;
        }
        *of_host += 1;
        self.pending.push_back(wish);
        true
    }

    fn leave(&mut self, callback: &Link) {
        if let Some(count) = self.pending_per_host.get_mut(callback.host_text()) {
            *count = count.saturating_sub(1);
        }
        self.leave_empty(callback);
    }

    fn leave_empty(&mut self, callback: &Link) {
        if self.pending_per_host.get(callback.host_text()) == Some(&0) {
            self.pending_per_host.remove(callback.host_text());
        }
    }
}

fn outcome(status: Option<u16>) -> Outcome {
    match status {
        Some(200..=299) => Outcome::Taken,
        Some(410) => Outcome::Gone,
        _ => Outcome::Failed,
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
