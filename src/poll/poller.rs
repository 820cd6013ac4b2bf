//! The loop: which sources are due, whether their hosts and slots are free, and what is written before they are asked.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::clock_check::EARLIEST;
use super::command::Command;
use super::context::PollContext;
use super::heartbeat::Heartbeat;
use super::options::Options;
use super::poll_source::{PollResult, Terms, poll_source};
use super::schedule::{self, Pace};
use super::shared_states::{ShareError, share};
use super::silence::Silence;
use super::watched::{Host, Reliability, Running, Watched};
use crate::model::{Moment, Outcome, Source, SourceId};

/// Maximum sleep of the loop, so that the watchdog sees it alive and clock jumps are noticed.
const MAX_SLEEP: Duration = Duration::from_secs(5);

/// Polls that become due within this time of each other start together: they then share the wake-ups of the thread and of
/// its timer, which cost more than what is done between two of them.
const TOGETHER: Duration = Duration::from_millis(250);

/// Minimum time between two polls of a source outside our own networks.
const MIN_INTERVAL: Duration = Duration::from_secs(300);
/// The same of a source in our own networks.
pub(super) const MIN_OWN_INTERVAL: Duration = Duration::from_secs(1);
/// The same of a source outside of them whose hub has announced something new.
pub(super) const MIN_ANNOUNCED_INTERVAL: Duration = Duration::from_secs(60);
/// A host that is not free for longer than this asked to be left alone.
pub(super) const MAX_GAP: Duration = Duration::from_secs(120);
/// Minimum time between two requests to a host outside our own networks.
pub(super) const MIN_GAP: Duration = Duration::from_secs(1);

/// Maximum number of sources whose next poll times are saved with one flush.
const MARKED_AT_ONCE: usize = 1024;
/// How far ahead next poll times are saved; at most a quarter of the minimum interval.
const MARK_AHEAD: Duration = Duration::from_secs(30);

/// Delay before a source is tried again if its IP address or its share of slots is at the limit.
pub(super) const CROWDED_DELAY: Duration = Duration::from_secs(1);

/// Difference between clock and elapsed time from which on the clock counts as set.
pub(super) const CLOCK_JUMP: Duration = Duration::from_secs(60);

/// How long polling pauses after the poll states could not be saved.
const UNSAVED_PAUSE: Duration = Duration::from_secs(10);

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
    pub(super) context: Arc<PollContext>,
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
    /// Which sources got no answer lately.
    pub(super) silence: Silence,
    /// Returns how long the machine has been running.
    uptime: fn() -> Duration,
    /// The clock and the uptime when the clock was last compared with it.
    compared: (Moment, Duration),
}

impl Poller {
    /// Creates a loop without sources; [`Command::Sources`] or [`Poller::load`] adds them.
    pub fn new(context: PollContext, options: Options, heartbeat: Arc<Heartbeat>) -> Self {
        let poller = Self {
            context: Arc::new(context),
            options,
            heartbeat,
            sources: HashMap::new(),
            taken: Arc::default(),
            queue: BinaryHeap::new(),
            hosts: HashMap::new(),
            turns: JoinSet::new(),
            running: HashMap::new(),
            hold: Moment::default(),
            silence: Silence::default(),
            uptime: running_time,
            compared: Default::default(),
        };
        poller.beat();
        poller
    }

    /// Sets what tells how long the machine has been running. It must go on while the machine is suspended, or every resume is
    /// taken for a clock that was set.
    #[must_use]
    pub fn with_uptime(mut self, uptime: fn() -> Duration) -> Self {
        self.uptime = uptime;
        self.compared = ((self.context.clock)(), uptime());
        self
    }

    /// Signals that the loop is alive: during long work, and while it does not run yet.
    pub fn beat(&self) {
        self.heartbeat.beat.store((self.context.clock)().millis(), Ordering::Relaxed);
    }

    /// Polls until it is told to stop, then waits for the polls in progress, for at most `grace`.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>, stop: CancellationToken, grace: Duration) {
        let began = Instant::now();
        self.compared = ((self.context.clock)(), (self.uptime)());
        let wake = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(wake);
        // While a timer is set that ends before those of the requests, setting these does not wake the thread.
        let mut beat = tokio::time::interval(MAX_SLEEP);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            self.compare_clock();
            self.beat();
            self.heartbeat.running.store(self.turns.len(), Ordering::Relaxed);
            self.start_due();
            let next = next_start(began, Instant::now() + self.until_next());
            if wake.deadline() != next {
                wake.as_mut().reset(next);
            }
            tokio::select! {
                () = stop.cancelled() => break,
                Some(done) = self.turns.join_next_with_id() => {
                    self.finish(done);
                    while let Some(done) = self.turns.try_join_next_with_id() {
                        self.finish(done);
                    }
                }
                Some(command) = commands.recv() => self.obey(command).await,
                () = wake.as_mut() => {}
                _ = beat.tick() => {}
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

    /// Notices that the clock was set, if it went on by another time than has passed.
    pub(super) fn compare_clock(&mut self) {
        let here = ((self.context.clock)(), (self.uptime)());
        let last = std::mem::replace(&mut self.compared, here);
        let passed = i64::try_from(here.1.saturating_sub(last.1).as_millis()).unwrap_or(i64::MAX);
        let jump = here.0.since(last.0).saturating_sub(passed);
        if u128::from(jump.unsigned_abs()) > CLOCK_JUMP.as_millis() {
            self.context.clock_check.set(jump / 1000);
            self.shift(jump, here.0);
        }
    }

    /// Shifts all times after the clock was set: a poll due in an hour is still due in an hour, not at once or in
    /// years. When something was found last cannot be told any more, only that it was not in the future.
    fn shift(&mut self, jump: i64, now: Moment) {
        tracing::warn!(event = "clock_set", seconds = jump / 1000, "the clock was set; all polls are shifted with it");
        let shifted = |at: Moment| if at.millis() == i64::MAX { at } else { at.plus_millis(jump) };
        for watched in self.sources.values_mut() {
            watched.planned = shifted(watched.planned);
            watched.state.due = shifted(watched.state.due);
            watched.state.not_before = shifted(watched.state.not_before);
            watched.state.asked = watched.state.asked.map(shifted);
            watched.state.busy_hosts.iter_mut().for_each(|(_, until)| *until = shifted(*until));
            watched.state.forget_future(now);
            watched.announced = watched.announced.map(shifted);
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
        let next = self.queue.peek().map_or(MAX_SLEEP, |Reverse((due, _))| due.duration_since(now));
        next.min(MAX_SLEEP)
    }

    /// Returns whether polling is on hold because results could not be saved, or would be saved with a wrong date.
    fn is_held(&self, now: Moment) -> bool {
        self.hold > now || now < EARLIEST || self.context.full.load(Ordering::Acquire) || !self.context.may_poll()
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
        let is_paused = self.is_paused(id);
        let Some(watched) = self.sources.get_mut(id) else { return Readiness::Waits };
        let host_name = watched.source.url.host_text().to_owned();
        // A source polled on request may be in the queue twice; only its planned time counts.
        if watched.is_running || watched.planned > now || is_paused {
            self.call_next(&host_name, now);
            return Readiness::Waits;
        }
        // A poll that had to wait may have slipped into hours that the source excludes.
        let free = schedule::outside(now, &watched.state.listing);
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
            watched.planned = now + CROWDED_DELAY;
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
        watched.announced = None;
        watched.is_marked = false;
        let (context, source, state) = (Arc::clone(&self.context), Arc::clone(&watched.source), watched.state.clone());
        let taken = Arc::clone(&self.taken);
        let terms = Terms {
            pace: pace_of(&source, self.options.pace),
            gap: gap_of(&source, self.options.host_gap),
            quota: watched.quota.clone(),
            abroad: Arc::clone(&watched.abroad),
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
        let soon = now + (self.options.pace.min / 4).min(MARK_AHEAD);
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
            let next = schedule::next(id, &watched.state, &Outcome::Unchanged { wait: Duration::ZERO }, at, pace);
            watched.state.asked = Some(at);
            watched.state.due = next.due;
            watched.is_marked = true;
            outcome = outcome.and_then(|()| self.context.poll_states.put(id, &watched.state));
        }
        let outcome =
            outcome.map_err(ShareError::from).and_then(|()| tokio::task::block_in_place(|| self.save_marks()));
        match outcome {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(
                    event = "poll_state_unsaved",
                    error = &error as &dyn std::error::Error,
                    "cannot save the poll state; polling pauses until it can be saved"
                );
                self.sources.values_mut().for_each(|watched| watched.is_marked = false);
                self.hold = now + UNSAVED_PAUSE;
                false
            }
        }
    }
}

impl Poller {
    /// Makes sure that the next poll times outlive this process, and this machine where others may go on. It blocks.
    fn save_marks(&self) -> Result<(), ShareError> {
        let poll_states = &self.context.poll_states;
        poll_states.flush()?;
        self.context.node.as_ref().map_or(Ok(()), |node| share(poll_states, node))
    }
}

/// Returns how long this process has been running, as far as the machine was not suspended.
fn running_time() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed()
}

/// Returns the time from `at` on at which polls start: these times are [`TOGETHER`] apart.
fn next_start(began: Instant, at: Instant) -> tokio::time::Instant {
    let (since, step) = (at.duration_since(began).as_micros(), TOGETHER.as_micros());
    let steps = u32::try_from(since / step + 1).unwrap_or(u32::MAX);
    (began + TOGETHER.saturating_mul(steps)).into()
}

/// Returns the minimum time between two requests to a source's host.
pub fn gap_of(source: &Source, gap: Duration) -> Duration {
    if source.is_own { gap } else { gap.max(MIN_GAP) }
}

/// Returns the limits for this source: its own minimum interval, and the one for sources outside our own networks.
pub(super) fn pace_of(source: &Source, pace: Pace) -> Pace {
    let least = if source.is_own { MIN_OWN_INTERVAL } else { MIN_INTERVAL };
    Pace { min: pace.min.max(source.interval.unwrap_or_default()).max(least), ..pace }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_that_are_due_within_a_quarter_of_a_second_start_together() {
        let began = Instant::now();
        let start = |millis| next_start(began, began + Duration::from_millis(millis)).duration_since(began.into());
        assert_eq!([0, 100, 249].map(start), [TOGETHER; 3]);
        assert_eq!(start(250), TOGETHER * 2, "never at the time that has just passed");
        assert_eq!(start(86_400_000), Duration::from_secs(86_400) + TOGETHER);
    }
}
