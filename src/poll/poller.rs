use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::house::House;
use super::options::Options;
use super::order::{Command, PollRefused};
use super::permission::forget_unknown;
use super::poll_source::{PollResult, Terms, poll_source};
use super::quota::Quota;
use super::schedule::{self, Pace};
use super::skews::EARLIEST;
use crate::log::{Control, Record, SourceFacts};
use crate::model::{Health, Moment, Outcome, Source, SourceId, Visit};

/// The longest sleep of the loop, so that a watchdog sees it live and a clock that jumps is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// The least seconds between two requests to one address of a stranger.
const LEAST_INTERVAL: u32 = 300;
/// A host that is free later than this asked to be left alone, in milliseconds.
const LONGEST_GAP: i64 = 120_000;
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
const JUMP: i64 = 60_000;

/// So many sources of a list are taken between two signs of life.
const BETWEEN_BEATS: usize = 1000;
/// How long nothing is asked after the visits could not be saved, in seconds.
const HOLD: i64 = 10;

/// A sign of life of the loop, for the watchdog and for `status`.
#[derive(Debug, Default)]
pub struct Pulse {
    beat: AtomicI64,
    running: AtomicUsize,
}

impl Pulse {
    /// When the loop last went round.
    pub fn last(&self) -> Moment {
        Moment::from_millis(self.beat.load(Ordering::Relaxed))
    }

    /// How many polls are under way.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

/// The loop that asks every source in its time.
#[derive(Debug)]
pub struct Poller {
    house: House,
    options: Options,
    pulse: Arc<Pulse>,
    sources: HashMap<SourceId, Watched>,
    /// The addresses of all sources.
    taken: Arc<HashSet<String>>,
    queue: BinaryHeap<Reverse<(Moment, SourceId)>>,
    hosts: HashMap<String, Host>,
    turns: JoinSet<Option<PollResult>>,
    /// Whose polls are under way, at which host, and whether the one before failed.
    running: HashMap<tokio::task::Id, Running>,
    /// Nothing is asked before this, because the visits cannot be saved.
    hold: Moment,
    /// The sources that nothing answered for since anything answered last, each with its host and its visit before.
    silent: Vec<(SourceId, String, Visit)>,
}

/// A poll under way.
#[derive(Debug)]
struct Running {
    source: SourceId,
    host: String,
    doubt: Doubt,
}

/// How likely a source is to keep its slot as long as a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doubt {
    /// Its last poll went well.
    None,
    /// It was never read.
    Untried,
    /// Its last poll failed.
    Failed,
}

impl Doubt {
    const fn of(visit: &Visit) -> Self {
        if visit.failures > 0 {
            Self::Failed
        } else if visit.is_first() {
            Self::Untried
        } else {
            Self::None
        }
    }

    /// How many slots such sources and worse ones may take, so that tarpits keep nobody else waiting.
    const fn share(self, slots: usize) -> usize {
        match self {
            Self::None => slots,
            Self::Untried => (slots * 3).div_ceil(4),
            Self::Failed => slots.div_ceil(2),
        }
    }
}

#[derive(Debug)]
struct Watched {
    source: Arc<Source>,
    visit: Visit,
    quota: Quota,
    is_running: bool,
    /// When it is to be polled, by this process.
    planned: Moment,
    /// Is the time after that one safe on disk already? Then a request may go out.
    is_marked: bool,
    /// The hours and days in which it does not want to be asked.
    skip: (u32, u32),
}

#[derive(Debug, Default)]
struct Host {
    is_busy: bool,
    /// Does another source wait for the one that is at it?
    is_wanted: Arc<AtomicBool>,
    /// Not before this: the gap, or a Retry-After.
    free: Moment,
    waiting: VecDeque<SourceId>,
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

    /// Takes a list of sources: tells the log of those that are new or changed, and plans their polls. What is
    /// remembered of the others stays.
    ///
    /// # Errors
    /// Where the log does not take the facts, or the visits cannot be read; then the old list stays.
    pub async fn load(&mut self, list: Vec<Arc<Source>>) -> Result<(), String> {
        let now = (self.house.clock)();
        let facts: Vec<Record> =
            list.iter().filter_map(|source| self.news_of(source, now)).map(Record::Source).collect();
        self.warn_of_renames(&list);
        for facts in facts.chunks(BETWEEN_BEATS) {
            self.beat();
            self.house.ledger.commit(facts.to_vec(), now).await.map_err(|error| error.to_string())?;
        }

        let mut visits = Vec::with_capacity(list.len());
        for (source, number) in list.iter().zip(0_usize..) {
            if number.is_multiple_of(BETWEEN_BEATS) {
                self.beat();
            }
            // What is watched already is not read again.
            if self.sources.contains_key(&source.id) {
                visits.push(None);
                continue;
            }
            // A source with a new id goes on where it was under its former one.
            let ids = std::iter::once(&source.id).chain(&source.was);
            let found = ids.map(|id| self.house.visits.get(id)).find(|visit| !matches!(visit, Ok(None)));
            visits.push(found.transpose().map_err(|error| error.to_string())?.flatten());
        }
        let is_fresh = |(source, visit): &(&Arc<Source>, &Option<Visit>)| {
            visit.is_none() && !self.sources.contains_key(&source.id)
        };
        let fresh = list.iter().zip(&visits).filter(is_fresh).count();
        let names: HashSet<SourceId> = list.iter().map(|source| source.id.clone()).collect();
        self.sources.retain(|id, _| names.contains(id));
        self.taken = Arc::new(list.iter().map(|source| source.url.as_str().to_owned()).collect());
        self.queue.clear();
        for host in self.hosts.values_mut() {
            host.waiting.clear();
        }
        for ((source, visit), number) in list.into_iter().zip(visits).zip(0_usize..) {
            if number.is_multiple_of(BETWEEN_BEATS) {
                self.beat();
            }
            let known = self.sources.remove(&source.id);
            let is_running = known.as_ref().is_some_and(|watched| watched.is_running);
            let is_marked = known.as_ref().is_some_and(|watched| watched.is_marked);
            let quota = known.as_ref().map(|watched| watched.quota.clone()).unwrap_or_default();
            let known_skip = known.as_ref().map(|watched| watched.skip);
            // One that was marked but not asked yet keeps its place.
            let marked = known.as_ref().filter(|watched| watched.is_marked).map(|watched| watched.planned);
            let mut visit = known.map(|watched| watched.visit).or(visit).unwrap_or_else(|| Visit {
                due: schedule::spread(&source.id, fresh, now),
                interval: self.options.pace.min,
                ..Visit::default()
            });
            match self.house.view.control(&source.id) {
                Some(Control::Paused) => visit.health = Health::Paused,
                Some(Control::Gone) => visit.health = Health::Gone,
                _ if matches!(visit.health, Health::Paused | Health::Gone) => {
                    visit.health = Health::New;
                    visit.due = now;
                }
                _ => {}
            }
            // A clock that was ahead when the time was stored must not keep a source silent for years.
            let latest = now.plus_seconds(8 * 86_400);
            if visit.due > latest {
                visit.due = latest;
            }
            // What was asked in the future was asked by a clock that was wrong: nothing that it planned holds.
            if visit.asked.is_some_and(|asked| asked > now.plus_millis(JUMP)) {
                visit.due = schedule::spread(&source.id, fresh.max(64), now);
                visit.not_before = Moment::default();
                visit.asked = None;
                visit.succeeded = visit.succeeded.map(|at| at.min(now));
                visit.last_new = visit.last_new.map(|at| at.min(now));
                visit.since = visit.since.map(|at| at.min(now));
            }
            // What a host asked of us holds for all of it, over restarts.
            if visit.not_before > now {
                let memory = self.house.visits.memory(&source.id).unwrap_or_default();
                let host = source.url.host_text();
                if let Some((_, until)) = memory.busy_hosts.iter().find(|(busy, _)| busy == host) {
                    let host = self.hosts.entry(host.to_owned()).or_default();
                    host.free = host.free.max((*until).min(latest));
                }
            }
            let (id, planned) = (source.id.clone(), marked.unwrap_or(visit.due));
            let skip = known_skip.unwrap_or_else(|| {
                let memory = self.house.visits.memory(&id).unwrap_or_default();
                (memory.skip_hours, memory.skip_days)
            });
            self.sources.insert(id.clone(), Watched { source, visit, quota, is_running, planned, is_marked, skip });
            if !is_running {
                self.queue.push(Reverse((planned, id)));
            }
        }
        self.house.metrics.count(self.sources.values().map(|watched| watched.visit.health));
        Ok(())
    }

    /// Says that the loop lives, while it cannot run yet.
    pub fn live(&self) {
        self.beat();
    }

    /// Says that the loop lives, in the middle of long work.
    fn beat(&self) {
        self.pulse.beat.store((self.house.clock)().millis(), Ordering::Relaxed);
    }

    /// A source that is new here with the address of one that the log knows and the list does not: mostly that one, renamed.
    fn warn_of_renames(&self, list: &[Arc<Source>]) {
        let fresh: Vec<&Arc<Source>> =
            list.iter().filter(|source| self.house.view.source(&source.id).is_none()).collect();
        if fresh.is_empty() {
            return;
        }
        let ids: HashSet<&SourceId> =
            list.iter().flat_map(|source| std::iter::once(&source.id).chain(&source.was)).collect();
        let known: HashMap<String, SourceId> = self
            .house
            .view
            .sources()
            .into_iter()
            .filter(|facts| !ids.contains(&facts.id))
            .map(|facts| (facts.link, facts.id))
            .collect();
        for source in fresh {
            if let Some(before) = known.get(source.url.as_str()) {
                tracing::warn!(
                    source = %source.id,
                    "`{before}` went and `{}` came with the same address: write was = [\"{before}\"] into it, or corrections of what `{before}` told are lost",
                    source.id
                );
            }
        }
    }

    /// The facts of a source, where the log has none or others.
    fn news_of(&self, source: &Source, now: Moment) -> Option<SourceFacts> {
        let facts = SourceFacts {
            id: source.id.clone(),
            title: source.title.clone(),
            link: source.url.as_str().to_owned(),
            region: source.region.clone(),
            authority: source.authority,
            zone: source.zone.clone(),
            rights: source.rights.clone(),
            was: source.was.clone(),
            alerts_for: source.alerts_for.clone(),
            at: now,
        };
        let known = self.house.view.source(&source.id);
        known.is_none_or(|known| SourceFacts { at: now, ..known } != facts).then_some(facts)
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
    fn start_due(&mut self) {
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

    fn finish(&mut self, ended: Result<(tokio::task::Id, Option<PollResult>), tokio::task::JoinError>) {
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

    /// Starts what is due, waits until nothing is under way, and returns when the next poll is due; for those who keep the
    /// time themselves.
    pub async fn step(&mut self) -> Option<Moment> {
        loop {
            self.start_due();
            match self.turns.join_next_with_id().await {
                Some(done) => self.finish(done),
                None => break,
            }
        }
        self.queue.peek().map(|Reverse((due, _))| (*due).max(self.hold))
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Poll(id, answer) => drop(answer.send(self.hurry(&id))),
            Command::Control(id) => self.control(&id),
            Command::Sources(list, options, answer) => {
                let before = std::mem::replace(&mut self.options, options);
                let outcome = self.load(list).await;
                if outcome.is_err() {
                    self.options = before;
                }
                drop(answer.send(outcome));
            }
        }
    }

    /// Takes over what the log says of a source: is it paused?
    fn control(&mut self, id: &SourceId) {
        let now = (self.house.clock)();
        let is_paused = self.house.view.control(id) == Some(Control::Paused);
        let Some(watched) = self.sources.get_mut(id) else { return };
        let before = watched.visit.health;
        match (is_paused, before) {
            (true, _) => watched.visit.health = Health::Paused,
            (false, Health::Paused) => {
                watched.visit.health = Health::New;
                watched.visit.due = now;
                watched.planned = now;
                if !watched.is_running {
                    self.queue.push(Reverse((now, id.clone())));
                }
            }
            (false, _) => {}
        }
        self.house.metrics.changed(before, watched.visit.health);
    }

    /// Puts a source to the front: its next poll is as soon as its host allows, even inside the minimum interval. An admin who
    /// asks for it may have mended something: where a robots.txt could not be had, it is asked for anew.
    fn hurry(&mut self, id: &SourceId) -> Result<(), PollRefused> {
        let now = (self.house.clock)();
        let watched = self.sources.get_mut(id).ok_or_else(|| PollRefused::Unknown(id.clone()))?;
        if watched.visit.health == Health::Paused {
            return Err(PollRefused::Off(id.clone(), watched.visit.health.word()));
        }
        if watched.visit.not_before > now {
            return Err(PollRefused::Wait { source_id: id.clone(), until: watched.visit.not_before });
        }
        let host = self.hosts.get(watched.source.url.host_text());
        if let Some(until) = host.map(|host| host.free).filter(|free| free.since(now) > LONGEST_GAP) {
            return Err(PollRefused::Wait { source_id: id.clone(), until });
        }
        for link in std::iter::once(&watched.source.url).chain(&watched.visit.url) {
            forget_unknown(&self.house, link, now);
        }
        if !watched.is_running {
            watched.planned = now;
            self.queue.retain(|Reverse((_, queued))| queued != id);
            self.queue.push(Reverse((now, id.clone())));
        }
        Ok(())
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
