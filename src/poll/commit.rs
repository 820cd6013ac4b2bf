//! The single writer of the log and the view, so that both have the same order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::command::Command;
use crate::cluster::{self, EngineError, Node};
use crate::log::{Control, Line, Log, LogError, Record, encode};
use crate::model::{Moment, RegionId, with_causes};
use crate::view::View;

/// Records after which a group is closed, and their size in bytes; a group is written with one sync.
const MAX_GROUP: usize = 2000;
const MAX_GROUP_BYTES: usize = 4 * 1024 * 1024;

/// Why records were not written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// The log could not write them; none of them counts.
    #[error("cannot write the reports to the log: {}", with_causes(.0.as_ref()))]
    Log(Arc<LogError>),
    /// The log that several machines share did not take them; if it is away, it is unknown whether they count.
    #[error("cannot write the reports to the log: {}", with_causes(.0.as_ref()))]
    Shared(Arc<EngineError>),
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Stopping,
}

/// Records to be written to the log.
#[derive(Debug)]
pub struct Commit {
    records: Vec<Record>,
    at: Moment,
    done: oneshot::Sender<Result<(), CommitError>>,
}

impl Commit {
    /// Returns the size of what is reported, in bytes.
    fn size(&self) -> usize {
        let report = |record: &Record| if let Record::Report(report) = record { report.draft.size() } else { 0 };
        self.records.iter().map(report).sum()
    }
}

/// Handle to the writer.
#[derive(Clone, Debug)]
pub struct LogWriter(mpsc::Sender<Commit>);

impl LogWriter {
    /// Creates a handle to the writer at the other end of the channel.
    pub const fn new(sender: mpsc::Sender<Commit>) -> Self {
        Self(sender)
    }

    /// Takes in what other machines wrote to a shared log; returns when it is in the view.
    ///
    /// # Errors
    /// Returns an error if the shared log is away or does not fit, or if the daemon is stopping.
    pub async fn follow(&self) -> Result<(), CommitError> {
        self.send(Vec::new(), Moment::default()).await
    }

    /// Writes records; returns when they are safely on disk and in the view.
    ///
    /// # Errors
    /// Returns an error if the log could not write them, or if the daemon is stopping.
    pub async fn commit(&self, records: Vec<Record>, at: Moment) -> Result<(), CommitError> {
        if records.is_empty() {
            return Ok(());
        }
        self.send(records, at).await
    }

    async fn send(&self, records: Vec<Record>, at: Moment) -> Result<(), CommitError> {
        let (done, answer) = oneshot::channel();
        self.0.send(Commit { records, at, done }).await.map_err(|_closed| CommitError::Stopping)?;
        answer.await.map_err(|_closed| CommitError::Stopping)?
    }
}

/// A log that several machines share, as the writer sees it.
#[derive(Debug)]
pub struct SharedLog {
    node: Node,
    commands: mpsc::Sender<Command>,
    /// Whether the own log is known to be the beginning of the shared one.
    is_checked: AtomicBool,
}

impl SharedLog {
    /// Creates it for this node. `commands` tells the poll loop of sources that another machine paused or resumed.
    pub const fn new(node: Node, commands: mpsc::Sender<Command>) -> Self {
        Self { node, commands, is_checked: AtomicBool::new(false) }
    }
}

/// The writer.
#[derive(Debug)]
pub struct Committer {
    log: Arc<Log>,
    view: Arc<View>,
    changed: mpsc::Sender<Vec<RegionId>>,
    shared: Option<SharedLog>,
}

/// How often an append is tried again because another machine came first.
const MAX_TRIES: usize = 20;

impl Committer {
    /// Creates a writer that sends changed tagged regions to `changed`. With a shared log, records get their place there
    /// first.
    pub const fn new(
        log: Arc<Log>,
        view: Arc<View>,
        changed: mpsc::Sender<Vec<RegionId>>,
        shared: Option<SharedLog>,
    ) -> Self {
        Self { log, view, changed, shared }
    }

    /// Writes incoming records, in groups with one sync each, until all senders are dropped. It blocks, so it needs a
    /// thread of its own.
    pub fn run(&self, mut commits: mpsc::Receiver<Commit>) {
        while let Some(first) = commits.blocking_recv() {
            let (mut count, mut bytes) = (first.records.len(), first.size());
            let mut group = vec![first];
            while count < MAX_GROUP
                && bytes < MAX_GROUP_BYTES
                && let Ok(next) = commits.try_recv()
            {
                count += next.records.len();
                bytes += next.size();
                group.push(next);
            }
            self.write(group);
        }
    }

    fn write(&self, group: Vec<Commit>) {
        let at = group.iter().map(|commit| commit.at).max().unwrap_or_default();
        let mut waiting = Vec::with_capacity(group.len());
        let (mut records, mut of_polls) = (Vec::new(), Vec::new());
        for commit in group {
            // One that may not write any more must not keep an admin's decision away.
            let is_of_polls = self.shared.is_some() && commit.records.iter().any(Record::is_of_polls);
            let records = if is_of_polls { &mut of_polls } else { &mut records };
            records.extend(commit.records);
            waiting.push((is_of_polls, commit.done));
        }
        let outcome =
            if waiting.iter().all(|(is_of_polls, _)| *is_of_polls) { Ok(()) } else { self.append(&records, at) };
        let of_polls = if of_polls.is_empty() { Ok(()) } else { self.append(&of_polls, at) };
        // Nothing is lost: the view in memory is correct, and its store is rewritten as soon as possible.
        if let Err(error) = self.view.persist() {
            tracing::error!(
                event = "view_unsaved",
                error = &error as &dyn std::error::Error,
                "cannot write the view; it is behind the log until it can be written"
            );
        }
        let dirty = self.view.dirty();
        if !dirty.is_empty() {
            // If the receiver is gone, nobody publishes any more.
            drop(self.changed.blocking_send(dirty));
        }
        for (is_of_polls, done) in waiting {
            // A caller that stopped waiting does not need the answer.
            drop(done.send(if is_of_polls { of_polls.clone() } else { outcome.clone() }));
        }
    }

    /// Writes records to the log and applies them in memory.
    fn append(&self, records: &[Record], at: Moment) -> Result<(), CommitError> {
        if let Some(shared) = &self.shared {
            let outcome = self.append_shared(shared, records, at);
            // What was away may come back as another one, for example as a standby that lacks records.
            if outcome.is_err() {
                shared.is_checked.store(false, Ordering::Release);
            }
            return outcome.map_err(|error| CommitError::Shared(Arc::new(error)));
        }
        let appended = self.log.append(records, at).map_err(|error| CommitError::Log(Arc::new(error)))?;
        self.view.apply_in_memory(&appended, records);
        Ok(())
    }

    /// Takes in what others wrote, then appends records behind it; without records it only follows.
    fn append_shared(&self, shared: &SharedLog, records: &[Record], at: Moment) -> Result<(), EngineError> {
        let Node { engine, lease, .. } = &shared.node;
        let token = match records.iter().any(Record::is_of_polls) {
            true => Some(lease.token().ok_or(EngineError::Displaced)?),
            false => None,
        };
        let today = u32::try_from(at.seconds().div_euclid(86_400)).unwrap_or(0);
        let mut lines = Vec::new();
        let mut last = EngineError::Behind;
        for _ in 0..MAX_TRIES {
            // After an answer that was lost, our own lines may be among those of others.
            if self.follow(shared, &lines)? || records.is_empty() {
                return Ok(());
            }
            lines = encode(records, self.log.last_seq(), today.max(self.log.newest_day()))?;
            match engine.append(&lines, token) {
                Ok(()) => return self.take(shared, &lines),
                // What was on its way when an answer was lost may have arrived just now.
                Err(error @ (EngineError::Behind | EngineError::Away(_))) => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Takes in what the shared log has and this one lacks; returns whether `expected` was there.
    fn follow(&self, shared: &SharedLog, expected: &[Line]) -> Result<bool, EngineError> {
        let engine = &*shared.node.engine;
        if !shared.is_checked.load(Ordering::Acquire) {
            cluster::compare(&self.log, engine)?;
            cluster::is_behind(&self.log, engine)?;
            shared.is_checked.store(true, Ordering::Release);
        }
        let mut is_there = false;
        loop {
            let lines = engine.lines(self.log.last_seq(), cluster::CHUNK)?;
            if lines.is_empty() {
                break;
            }
            is_there |= expected.first().is_some_and(|first| lines.contains(first));
            self.take(shared, &lines)?;
        }
        Ok(is_there)
    }

    /// Takes in lines of the shared log, and does what follows from them on every machine.
    fn take(&self, shared: &SharedLog, lines: &[Line]) -> Result<(), EngineError> {
        let replayed = cluster::take_in(&self.log, lines)?;
        self.view.apply_replayed(&replayed);
        for replayed in &replayed {
            match &replayed.record {
                Record::Expire { day, .. } => self.log.drop_day(day)?,
                Record::Control { source, state: Control::Paused | Control::Resumed, .. } => {
                    // The poll loop reads the view at its next start if it is too busy to be told.
                    drop(shared.commands.try_send(Command::Control(source.clone())));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
