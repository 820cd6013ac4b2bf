use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::clock_check::EARLIEST;
use super::command::Command;
use super::context::PollContext;
use super::heartbeat::Heartbeat;
use super::options::Options;
use super::poll_source::{PollResult, Terms, poll_source};
use super::schedule::{self, Pace};
use super::watched::{Host, Reliability, Running, Watched};
use crate::log::Control;
use crate::model::{Health, Moment, Outcome, PollState, Source, SourceId};

/// Maximum sleep of the loop, so that the watchdog sees it alive and clock jumps are noticed.
const MAX_SLEEP: Duration = Duration::from_secs(5);

/// Minimum time between two polls of a source outside our own networks, in seconds.
const MIN_INTERVAL: u32 = 300;
/// A host that is not free for longer than this asked to be left alone, in milliseconds.
pub(super) const MAX_GAP: i64 = 120_000;
/// Minimum time between two requests to a host outside our own networks, in milliseconds.
const MIN_GAP: i64 = 1000;

/// Maximum number of sources whose next poll times are saved with one flush.
const MARKED_AT_ONCE: usize = 1024;
/// How far ahead next poll times are saved, in milliseconds; at most a quarter of the minimum interval.
const MARK_AHEAD: i64 = 30_000;

/// If this many hosts in a row do not answer, our own network is down.
const OFFLINE_HOSTS: usize = 3;

/// Delay before a source is tried again if its IP address or its share of slots is at the limit, in milliseconds.
const CROWDED_DELAY: i64 = 1000;

/// Difference between clock and elapsed time from which on the clock counts as set, in milliseconds.
pub(super) const CLOCK_JUMP: i64 = 60_000;

/// How long polling pauses after the poll states could not be saved, in seconds.
const UNSAVED_PAUSE: i64 = 10;

/// Whether a source that is due can be polled.
enum Readiness {
    /// It can.
    Ready(Reliability),
    /// It is queued elsewhere: it waits for its host or is planned for another time.
    Waits,
    /// It can at this time.
    At(Moment),
    /// Its next poll time, after this one, must be saved first.
    Unmarked(Moment),
}

/// The loop that polls every source when it is due.
#[derive(Debug)]
pub struct Poller {
    pub(super) context: PollContext,
    pub(super) options: Options,
    pub(super) heartbeat: Arc<Heartbeat>,
    pub(super) sources: HashMap<SourceId, Watched>,
    /// The addresses of all sources.
    pub(super) taken: Arc<HashSet<String>>,
    pub(super) queue: BinaryHeap<Reverse<(Moment, SourceId)>>,
    pub(super) hosts: HashMap<String, Host>,
    pub(super) turns: JoinSet<Option<PollResult>>,
    /// The source, host and doubt of each poll in progress.
    pub(super) running: HashMap<tokio::task::Id, Running>,
    /// Nothing is polled before this, because the poll states could not be saved.
    pub(super) hold: Moment,
    /// The sources that got no answer since anything answered last, each with its poll state before.
    pub(super) silent: HashMap<SourceId, PollState>,
    /// Their hosts.
    pub(super) silent_hosts: HashSet<String>,
    /// The silent sources whose last failure has not been forgiven.
    pub(super) counted: Vec<SourceId>,
}

impl Poller {
    /// Creates a loop without sources; [`Command::Sources`] or [`Poller::load`] adds them.
    pub fn new(context: PollContext, options: Options, heartbeat: Arc<Heartbeat>) -> Self {
        let poller = Self {
            context,
            options,
            heartbeat,
            sources: HashMap::new(),
            taken: Arc::default(),
            queue: BinaryHeap::new(),
            hosts: HashMap::new(),
            turns: JoinSet::new(),
            running: HashMap::new(),
            hold: Moment::default(),
            silent: HashMap::new(),
            silent_hosts: HashSet::new(),
            counted: Vec::new(),
        };
        poller.live();
        poller
    }

    /// Signals that the loop is alive while it is not running yet.
    pub fn live(&self) {
        self.beat();
    }

    /// Signals that the loop is alive during long work.
    pub(super) fn beat(&self) {
        self.heartbeat.beat.store((self.context.clock)().millis(), Ordering::Relaxed);
    }

    /// Polls until it is told to stop, then waits for the polls in progress, for at most `grace`.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>, stop: CancellationToken, grace: Duration) {
        let mut last = ((self.context.clock)(), Instant::now());
        loop {
            let here = ((self.context.clock)(), Instant::now());
            let passed = i64::try_from(here.1.duration_since(last.1).as_millis()).unwrap_or(i64::MAX);
            let jump = here.0.since(last.0) - passed;
            if jump.abs() > CLOCK_JUMP {
                self.context.clock_check.set(jump / 1000);
                self.shift(jump);
            }
            last = here;
            self.heartbeat.beat.store(here.0.millis(), Ordering::Relaxed);
            self.heartbeat.running.store(self.turns.len(), Ordering::Relaxed);
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
        // Polls that do not finish are repeated after a restart, because their poll states were not saved.
        drop(tokio::time::timeout(grace, finish).await);
    }

    /// Shifts all times after the clock was set: a poll due in an hour is still due in an hour, not at once or in
    /// years.
    fn shift(&mut self, jump: i64) {
        tracing::warn!(seconds = jump / 1000, "the clock was set; all polls are shifted with it");
        let shifted = |at: Moment| if at.millis() == i64::MAX { at } else { at.plus_millis(jump) };
        for watched in self.sources.values_mut() {
            watched.planned = shifted(watched.planned);
            watched.state.due = shifted(watched.state.due);
            watched.state.not_before = shifted(watched.state.not_before);
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
            return MAX_SLEEP;
        }
        let now = (self.context.clock)();
        if self.is_held(now) {
            return MAX_SLEEP;
        }
        let next = self.queue.peek().map_or(i64::MAX, |Reverse((due, _))| due.since(now));
        Duration::from_millis(u64::try_from(next).unwrap_or(0).max(1)).min(MAX_SLEEP)
    }

    /// Returns whether polling is on hold because results could not be saved, or would be saved with a wrong date.
    fn is_held(&self, now: Moment) -> bool {
        self.hold > now || now < EARLIEST || self.context.full.load(Ordering::Acquire)
    }

    /// Starts the polls that are due, as far as hosts and slots are free.
    pub(super) fn start_due(&mut self) {
        let now = (self.context.clock)();
        if self.is_held(now) {
            return;
        }
        while self.turns.len() < self.options.concurrency
            && let Some(Reverse((due, _))) = self.queue.peek()
            && *due <= now
        {
            let Some(Reverse((_, id))) = self.queue.pop() else { break };
            match self.readiness(&id, now) {
                Readiness::Ready(doubt) => self.start(id, doubt),
                Readiness::Waits => {}
                Readiness::At(at) => self.queue.push(Reverse((at, id))),
                Readiness::Unmarked(planned) => {
                    self.queue.push(Reverse((planned, id)));
                    if !self.mark_due(now) {
                        return;
                    }
                }
            }
        }
    }

    /// Returns whether a source whose entry in the queue is due can be polled now.
    fn readiness(&mut self, id: &SourceId, now: Moment) -> Readiness {
        let Some(watched) = self.sources.get_mut(id) else { return Readiness::Waits };
        let host_name = watched.source.url.host_text().to_owned();
        // A source polled on request may be in the queue twice; only its planned time counts.
        if watched.is_running || watched.planned > now || watched.state.health == Health::Paused {
            self.call_next(&host_name, now);
            return Readiness::Waits;
        }
        // A poll that had to wait may have slipped into hours that the source excludes.
        let free = schedule::outside(now, watched.skip.0, watched.skip.1);
        if free > now {
            watched.planned = free;
            self.call_next(&host_name, now);
            return Readiness::At(free);
        }
        let host = self.hosts.entry(host_name).or_default();
        if host.is_busy {
            host.waiting.push_back(id.clone());
            host.is_wanted.store(true, Ordering::Relaxed);
            return Readiness::Waits;
        }
        if host.free > now {
            return Readiness::At(host.free);
        }
        let doubt = Reliability::of(&watched.state);
        let running = |least: Reliability| self.running.values().filter(|running| running.doubt >= least).count();
        let is_full = [Reliability::Untried, Reliability::Failed]
            .into_iter()
            .any(|least| doubt >= least && running(least) >= least.share(self.options.concurrency));
        if is_full {
            watched.planned = now.plus_millis(CROWDED_DELAY);
            return Readiness::At(watched.planned);
        }
        if watched.is_marked { Readiness::Ready(doubt) } else { Readiness::Unmarked(watched.planned) }
    }

    /// Starts the poll of a source whose host is free.
    fn start(&mut self, id: SourceId, doubt: Reliability) {
        let Some(watched) = self.sources.get_mut(&id) else { return };
        let host_name = watched.source.url.host_text().to_owned();
        let host = self.hosts.entry(host_name.clone()).or_default();
        host.is_busy = true;
        host.is_wanted.store(!host.waiting.is_empty(), Ordering::Relaxed);
        watched.is_running = true;
        watched.is_marked = false;
        let (context, source, state) = (self.context.clone(), Arc::clone(&watched.source), watched.state.clone());
        let taken = Arc::clone(&self.taken);
        let terms = Terms {
            pace: pace_of(&source, self.options.pace),
            gap: gap_of(&source, self.options.host_gap),
            quota: watched.quota.clone(),
            is_wanted: Arc::clone(&host.is_wanted),
        };
        let task = self.turns.spawn(async move { poll_source(&context, &source, state, terms, &taken).await });
        self.running.insert(task.id(), Running { source: id, host: host_name, doubt });
    }

    /// Lets the next source that waits for a host go on, since the one before it does not ask there now.
    fn call_next(&mut self, host: &str, now: Moment) {
        if let Some(host) = self.hosts.get_mut(host).filter(|host| !host.is_busy)
            && let Some(next) = host.waiting.pop_front()
        {
            self.queue.push(Reverse((host.free.max(now), next)));
        }
    }

    /// Saves the next poll time of every source that is due before any request is sent, so that a crash does not cause
    /// earlier polls. One flush covers them all. Returns `false` if that failed; polling then pauses for a while.
    fn mark_due(&mut self, now: Moment) -> bool {
        // Include sources that are due soon: a flush costs more than a poll.
        let soon = now.plus_millis((i64::from(self.options.pace.min) * 250).min(MARK_AHEAD));
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
            let next = schedule::next(id, &watched.state, &Outcome::Unchanged { wait: 0 }, at, pace);
            watched.state.asked = Some(at);
            watched.state.due = next.due;
            watched.is_marked = true;
            outcome = outcome.and_then(|()| self.context.poll_states.put(id, &watched.state));
        }
        let poll_states = &self.context.poll_states;
        match outcome.and_then(|()| tokio::task::block_in_place(|| poll_states.flush())) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot save the poll state; polling pauses until it can be saved"
                );
                self.sources.values_mut().for_each(|watched| watched.is_marked = false);
                self.hold = now.plus_seconds(UNSAVED_PAUSE);
                false
            }
        }
    }

    pub(super) fn finish(&mut self, ended: Result<(tokio::task::Id, Option<PollResult>), tokio::task::JoinError>) {
        let now = (self.context.clock)();
        let (task, done) = match ended {
            Ok((task, None)) => return self.put_off(task, now),
            Ok((task, done)) => (task, done),
            // If a poll task panics, only that source misses this poll.
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "internal error: a poll panicked; please report it"
                );
                (error.id(), None)
            }
        };
        let Some(Running { source: id, host: host_name, .. }) = self.running.remove(&task) else { return };
        let host = self.hosts.entry(host_name.clone()).or_default();
        host.is_busy = false;
        let gap = self.sources.get(&id).map_or(MIN_GAP, |watched| gap_of(&watched.source, self.options.host_gap));
        host.free = now.plus_millis(gap).max(done.as_ref().and_then(|done| done.host_until).unwrap_or_default());
        if let Some(next) = host.waiting.pop_front() {
            self.queue.push(Reverse((host.free, next)));
        }
        // The source may have been removed from the list during the poll.
        if let Some(watched) = self.sources.get_mut(&id) {
            watched.is_running = false;
            match done {
                Some(done) => {
                    self.context.metrics.changed(watched.state.health, done.state.health);
                    watched.state = done.state;
                    // The source may have been paused during the poll.
                    if self.context.view.control(&id) == Some(Control::Paused) {
                        watched.state.health = Health::Paused;
                    }
                    watched.quota = done.quota;
                    watched.skip = done.skip;
                    match done.is_reached {
                        Some(true) => {
                            self.silent.clear();
                            self.silent_hosts.clear();
                            self.counted.clear();
                        }
                        Some(false) => {
                            self.silent.entry(id.clone()).or_insert(done.before);
                            self.silent_hosts.insert(host_name);
                            self.counted.push(id.clone());
                        }
                        None => {}
                    }
                }
                None => watched.state.due = now.plus_seconds(i64::from(self.options.pace.max)),
            }
            watched.planned = watched.state.due;
            self.queue.push(Reverse((watched.planned, id)));
        }
        self.forgive(now);
        // Drop idle hosts whose gap is over, so that the map stays bounded.
        if self.hosts.len() > 2 * self.sources.len() + 64 {
            self.hosts.retain(|_, host| host.is_busy || host.free > now || !host.waiting.is_empty());
        }
    }

    /// Reschedules a source that was not polled because too many polls are at its IP address.
    fn put_off(&mut self, task: tokio::task::Id, now: Moment) {
        let Some(Running { source: id, host: host_name, .. }) = self.running.remove(&task) else { return };
        let again = now.plus_millis(CROWDED_DELAY);
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

    /// If several hosts in a row do not answer, our own network is down, and no source is to blame.
    fn forgive(&mut self, now: Moment) {
        if self.silent_hosts.len() < OFFLINE_HOSTS {
            return;
        }
        for id in std::mem::take(&mut self.counted) {
            let (Some(watched), Some(before)) = (self.sources.get_mut(&id), self.silent.get(&id)) else { continue };
            if watched.is_running {
                self.counted.push(id);
                continue;
            }
            if watched.state.failures <= before.failures {
                continue;
            }
            let pace = pace_of(&watched.source, self.options.pace);
            let forgiven = schedule::next(&id, before, &Outcome::Offline, now, pace);
            self.context.metrics.changed(watched.state.health, forgiven.health);
            watched.state = forgiven;
            watched.planned = watched.state.due;
            // The stale entry of the queue is ignored when it is popped: only the planned time counts.
            self.queue.push(Reverse((watched.planned, id.clone())));
            if let Err(error) = self.context.poll_states.put(&id, &watched.state) {
                tracing::error!(source = %id, error = &error as &dyn std::error::Error, "the visit cannot be saved");
            }
            tracing::warn!(source = %id, "no host answers: our own network seems to be down; the failure is not counted");
        }
    }
}

/// Returns the minimum time between two requests to a source's host, in milliseconds.
fn gap_of(source: &Source, gap: i64) -> i64 {
    if source.is_own { gap } else { gap.max(MIN_GAP) }
}

/// Returns the limits for this source: its own minimum interval, and the one for sources outside our own networks.
fn pace_of(source: &Source, pace: Pace) -> Pace {
    let least = if source.is_own { 1 } else { MIN_INTERVAL };
    Pace { min: pace.min.max(source.interval.unwrap_or(0)).max(least), ..pace }
}
