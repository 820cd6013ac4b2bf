use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::command::Command;
use super::house::House;
use super::options::Options;
use super::poll_source::{PollResult, Terms, poll_source};
use super::pulse::Pulse;
use super::schedule::{self, Pace};
use super::skews::EARLIEST;
use super::watched::{Doubt, Host, Running, Watched};
use crate::log::Control;
use crate::model::{Health, Moment, Outcome, Source, SourceId, Visit};

/// The longest sleep of the loop, so that a watchdog sees it live and a clock that jumps is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// The least seconds between two requests to one address of a stranger.
const LEAST_INTERVAL: u32 = 300;
/// A host that is free later than this asked to be left alone, in milliseconds.
pub(super) const LONGEST_GAP: i64 = 120_000;
/// The least milliseconds between two requests to one host of a stranger.
const LEAST_GAP: i64 = 1000;

/// How many sources' next times are stored with one flush.
const MARKED_AT_ONCE: usize = 1024;
/// How far ahead next times are stored, in milliseconds; and no further than a quarter of the least interval.
const AHEAD: i64 = 30_000;

/// From how many hosts on that are silent one after the other it is our own network.
const OFFLINE: usize = 3;

/// When a source is tried again whose address is crowded, in milliseconds.
const CROWDED: i64 = 1000;

/// How far the clock must be ahead of or behind the time that passed to count as set, in milliseconds.
pub(super) const JUMP: i64 = 60_000;

/// How long nothing is asked after the visits could not be saved, in seconds.
const HOLD: i64 = 10;

/// The loop that asks every source in its time.
#[derive(Debug)]
pub struct Poller {
    pub(super) house: House,
    pub(super) options: Options,
    pub(super) pulse: Arc<Pulse>,
    pub(super) sources: HashMap<SourceId, Watched>,
    /// The addresses of all sources.
    pub(super) taken: Arc<HashSet<String>>,
    pub(super) queue: BinaryHeap<Reverse<(Moment, SourceId)>>,
    pub(super) hosts: HashMap<String, Host>,
    pub(super) turns: JoinSet<Option<PollResult>>,
    /// Whose polls are under way, at which host, and whether the one before failed.
    pub(super) running: HashMap<tokio::task::Id, Running>,
    /// Nothing is asked before this, because the visits cannot be saved.
    pub(super) hold: Moment,
    /// The sources that nothing answered for since anything answered last, each with its host and its visit before.
    pub(super) silent: Vec<(SourceId, String, Visit)>,
}

impl Poller {
    /// A loop without sources yet; [`Command::Sources`] or [`Poller::load`] brings them.
    pub fn new(house: House, options: Options, pulse: Arc<Pulse>) -> Self {
        let poller = Self {
            house,
            options,
            pulse,
            sources: HashMap::new(),
            taken: Arc::default(),
            queue: BinaryHeap::new(),
            hosts: HashMap::new(),
            turns: JoinSet::new(),
            running: HashMap::new(),
            hold: Moment::default(),
            silent: Vec::new(),
        };
        poller.live();
        poller
    }

    /// Says that the loop lives, while it cannot run yet.
    pub fn live(&self) {
        self.beat();
    }

    /// Says that the loop lives, in the middle of long work.
    pub(super) fn beat(&self) {
        self.pulse.beat.store((self.house.clock)().millis(), Ordering::Relaxed);
    }

    /// Polls until it is told to stop; then it waits for the polls under way, up to `grace`.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>, stop: CancellationToken, grace: Duration) {
        let mut last = ((self.house.clock)(), Instant::now());
        loop {
            let here = ((self.house.clock)(), Instant::now());
            let passed = i64::try_from(here.1.duration_since(last.1).as_millis()).unwrap_or(i64::MAX);
            let jump = here.0.since(last.0) - passed;
            if jump.abs() > JUMP {
                self.house.skews.set(jump / 1000);
                self.shift(jump);
            }
            last = here;
            self.pulse.beat.store(here.0.millis(), Ordering::Relaxed);
            self.pulse.running.store(self.turns.len(), Ordering::Relaxed);
            self.start_due();
            let sleep = self.until_next();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(done) = self.turns.join_next_with_id() => self.finish(done),
                Some(command) = commands.recv() => self.obey(command).await,
                () = tokio::time::sleep(sleep) => {}
            }
        }
        let finish = async {
            while let Some(done) = self.turns.join_next_with_id().await {
                self.finish(done);
            }
        };
        // What is not done by then is done again after the start: nothing of it was saved.
        drop(tokio::time::timeout(grace, finish).await);
    }

    /// The clock was set: what was to be done in an hour is still to be done in an hour, not at once and not in years.
    fn shift(&mut self, jump: i64) {
        tracing::warn!(seconds = jump / 1000, "the clock was set; all polls are shifted with it");
        let shifted = |at: Moment| if at.millis() == i64::MAX { at } else { at.plus_millis(jump) };
        for watched in self.sources.values_mut() {
            watched.planned = shifted(watched.planned);
            watched.visit.due = shifted(watched.visit.due);
            watched.visit.not_before = shifted(watched.visit.not_before);
        }
        for host in self.hosts.values_mut() {
            host.free = shifted(host.free);
        }
        self.hold = shifted(self.hold);
        self.queue =
            std::mem::take(&mut self.queue).into_iter().map(|Reverse((due, id))| Reverse((shifted(due), id))).collect();
    }

    fn until_next(&self) -> Duration {
        if self.turns.len() >= self.options.concurrency {
            return LONGEST_SLEEP;
        }
        let now = (self.house.clock)();
        if self.is_held(now) {
            return LONGEST_SLEEP;
        }
        let next = self.queue.peek().map_or(i64::MAX, |Reverse((due, _))| due.since(now));
        Duration::from_millis(u64::try_from(next).unwrap_or(0).max(1)).min(LONGEST_SLEEP)
    }

    /// Is nothing asked for now, because what came could not be saved, or would be saved under a wrong date?
    fn is_held(&self, now: Moment) -> bool {
        self.hold > now || now < EARLIEST || self.house.full.load(Ordering::Acquire)
    }

    /// Starts what is due, as far as hosts are free and there is room.
    pub(super) fn start_due(&mut self) {
        let now = (self.house.clock)();
        if self.is_held(now) {
            return;
        }
        while self.turns.len() < self.options.concurrency
            && let Some(Reverse((due, _))) = self.queue.peek()
            && *due <= now
        {
            let Some(Reverse((_, id))) = self.queue.pop() else { break };
            let Some(watched) = self.sources.get_mut(&id) else { continue };
            // A source may stand in the queue twice after it was hurried; only its own time counts.
            if watched.is_running || watched.planned > now || watched.visit.health == Health::Paused {
                continue;
            }
            // What was due before may have been kept waiting into an hour that the source keeps free.
            let free = schedule::outside(now, watched.skip.0, watched.skip.1);
            if free > now {
                watched.planned = free;
                self.queue.push(Reverse((free, id)));
                continue;
            }
            let host_name = watched.source.url.host_text().to_owned();
            let host = self.hosts.entry(host_name.clone()).or_default();
            if host.is_busy {
                host.waiting.push_back(id);
                host.is_wanted.store(true, Ordering::Relaxed);
                continue;
            }
            if host.free > now {
                self.queue.push(Reverse((host.free, id)));
                continue;
            }
            let doubt = Doubt::of(&watched.visit);
            let running = |least: Doubt| self.running.values().filter(|running| running.doubt >= least).count();
            let is_full = [Doubt::Untried, Doubt::Failed]
                .into_iter()
                .any(|least| doubt >= least && running(least) >= least.share(self.options.concurrency));
            if is_full {
                watched.planned = now.plus_millis(CROWDED);
                self.queue.push(Reverse((watched.planned, id)));
                continue;
            }
            if !watched.is_marked {
                self.queue.push(Reverse((watched.planned, id)));
                if !self.mark_due(now) {
                    return;
                }
                continue;
            }
            host.is_busy = true;
            host.is_wanted.store(!host.waiting.is_empty(), Ordering::Relaxed);
            watched.is_running = true;
            watched.is_marked = false;
            let (house, source, visit) = (self.house.clone(), Arc::clone(&watched.source), watched.visit.clone());
            let taken = Arc::clone(&self.taken);
            let terms = Terms {
                pace: pace_of(&source, self.options.pace),
                gap: gap_of(&source, self.options.host_gap),
                quota: watched.quota.clone(),
                is_wanted: Arc::clone(&host.is_wanted),
            };
            let task = self.turns.spawn(async move { poll_source(&house, &source, visit, terms, &taken).await });
            self.running.insert(task.id(), Running { source: id, host: host_name, doubt });
        }
    }

    /// Stores the next time of every source that is due, before any request goes out: a crash then shortens nothing.
    /// One flush serves them all. `false` where that failed; then nothing is asked for a while.
    fn mark_due(&mut self, now: Moment) -> bool {
        // Those that are due soon are marked along: a flush costs more than a poll.
        let soon = now.plus_millis((i64::from(self.options.pace.min) * 250).min(AHEAD));
        let due: HashSet<&SourceId> = self
            .queue
            .iter()
            .filter(|Reverse((due, _))| *due <= soon)
            .map(|Reverse((_, id))| id)
            .take(MARKED_AT_ONCE)
            .collect();
        let mut outcome = Ok(());
        for id in due {
            let Some(watched) = self.sources.get_mut(id).filter(|watched| !watched.is_running && !watched.is_marked)
            else {
                continue;
            };
            let pace = pace_of(&watched.source, self.options.pace);
            let at = watched.planned.max(now);
            let next = schedule::next(id, &watched.visit, &Outcome::Unchanged { wait: 0 }, at, pace);
            watched.visit.asked = Some(at);
            watched.visit.due = next.due;
            watched.is_marked = true;
            outcome = outcome.and_then(|()| self.house.visits.put(id, &watched.visit));
        }
        let visits = &self.house.visits;
        match outcome.and_then(|()| tokio::task::block_in_place(|| visits.flush())) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the visits cannot be saved; nothing is polled meanwhile"
                );
                self.sources.values_mut().for_each(|watched| watched.is_marked = false);
                self.hold = now.plus_seconds(HOLD);
                false
            }
        }
    }

    pub(super) fn finish(&mut self, ended: Result<(tokio::task::Id, Option<PollResult>), tokio::task::JoinError>) {
        let now = (self.house.clock)();
        let (task, done) = match ended {
            Ok((task, None)) => return self.put_off(task, now),
            Ok((task, done)) => (task, done),
            // A turn that falls over costs its source one poll, and nobody else anything.
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a poll fell over");
                (error.id(), None)
            }
        };
        let Some(Running { source: id, host: host_name, .. }) = self.running.remove(&task) else { return };
        let host = self.hosts.entry(host_name.clone()).or_default();
        host.is_busy = false;
        let gap = self.sources.get(&id).map_or(LEAST_GAP, |watched| gap_of(&watched.source, self.options.host_gap));
        host.free = now.plus_millis(gap).max(done.as_ref().and_then(|done| done.host_until).unwrap_or_default());
        if let Some(next) = host.waiting.pop_front() {
            self.queue.push(Reverse((host.free, next)));
        }
        // The source may have left the list while it was polled.
        if let Some(watched) = self.sources.get_mut(&id) {
            watched.is_running = false;
            match done {
                Some(done) => {
                    self.house.metrics.changed(watched.visit.health, done.visit.health);
                    watched.visit = done.visit;
                    // It may have been paused meanwhile.
                    if self.house.view.control(&id) == Some(Control::Paused) {
                        watched.visit.health = Health::Paused;
                    }
                    watched.quota = done.quota;
                    watched.skip = done.skip;
                    match done.is_reached {
                        Some(true) => self.silent.clear(),
                        Some(false) if !self.silent.iter().any(|(known, ..)| *known == id) => {
                            self.silent.push((id.clone(), host_name, done.before));
                        }
                        _ => {}
                    }
                }
                None => watched.visit.due = now.plus_seconds(i64::from(self.options.pace.max)),
            }
            watched.planned = watched.visit.due;
            self.queue.push(Reverse((watched.planned, id)));
        }
        self.forgive(now);
        // A host that nobody waits for is forgotten when its gap is over.
        if self.hosts.len() > 2 * self.sources.len() + 64 {
            self.hosts.retain(|_, host| host.is_busy || host.free > now || !host.waiting.is_empty());
        }
    }

    /// Tries a source again that was not asked, because its address is crowded.
    fn put_off(&mut self, task: tokio::task::Id, now: Moment) {
        let Some(Running { source: id, host: host_name, .. }) = self.running.remove(&task) else { return };
        let again = now.plus_millis(CROWDED);
        if let Some(host) = self.hosts.get_mut(&host_name) {
            host.is_busy = false;
            if let Some(next) = host.waiting.pop_front() {
                self.queue.push(Reverse((again, next)));
            }
        }
        if let Some(watched) = self.sources.get_mut(&id) {
            watched.is_running = false;
            watched.is_marked = true;
            watched.planned = again;
            self.queue.push(Reverse((again, id)));
        }
    }

    /// Where every host is silent, it is our own network: that counts against no source.
    fn forgive(&mut self, now: Moment) {
        let hosts: HashSet<&String> = self.silent.iter().map(|(_, host, _)| host).collect();
        if hosts.len() < OFFLINE {
            return;
        }
        for (id, _, before) in &self.silent {
            let Some(watched) = self.sources.get_mut(id).filter(|watched| !watched.is_running) else { continue };
            if watched.visit.failures <= before.failures {
                continue;
            }
            let pace = pace_of(&watched.source, self.options.pace);
            let forgiven = schedule::next(id, before, &Outcome::Offline, now, pace);
            self.house.metrics.changed(watched.visit.health, forgiven.health);
            watched.visit = forgiven;
            watched.planned = watched.visit.due;
            self.queue.retain(|Reverse((_, queued))| queued != id);
            self.queue.push(Reverse((watched.planned, id.clone())));
            if let Err(error) = self.house.visits.put(id, &watched.visit) {
                tracing::error!(source = %id, error = &error as &dyn std::error::Error, "the visit cannot be saved");
            }
            tracing::warn!(source = %id, "no host answers: it is our own network, and counts against nobody");
        }
    }
}

/// Milliseconds between two requests to the host of a source.
fn gap_of(source: &Source, gap: i64) -> i64 {
    if source.is_own { gap } else { gap.max(LEAST_GAP) }
}

/// How fast this source may be polled: its own bound, and that of strangers.
fn pace_of(source: &Source, pace: Pace) -> Pace {
    let least = if source.is_own { 1 } else { LEAST_INTERVAL };
    Pace { min: pace.min.max(source.interval.unwrap_or(0)).max(least), ..pace }
}
