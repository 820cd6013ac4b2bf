//! The single writer of the log and the view, so that both have the same order.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::log::{Log, LogError, Record};
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

    /// Writes records; returns when they are safely on disk and in the view.
    ///
    /// # Errors
    /// Returns an error if the log could not write them, or if the daemon is stopping.
    pub async fn commit(&self, records: Vec<Record>, at: Moment) -> Result<(), CommitError> {
        if records.is_empty() {
            return Ok(());
        }
        let (done, answer) = oneshot::channel();
        self.0.send(Commit { records, at, done }).await.map_err(|_closed| CommitError::Stopping)?;
        answer.await.map_err(|_closed| CommitError::Stopping)?
    }
}

/// The writer.
#[derive(Debug)]
pub struct Committer {
    log: Arc<Log>,
    view: Arc<View>,
    changed: mpsc::Sender<Vec<RegionId>>,
}

impl Committer {
    /// Creates a writer that sends changed tagged regions to `changed`.
    pub const fn new(log: Arc<Log>, view: Arc<View>, changed: mpsc::Sender<Vec<RegionId>>) -> Self {
        Self { log, view, changed }
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
        let mut records = Vec::new();
        for commit in group {
            records.extend(commit.records);
            waiting.push(commit.done);
        }
        let outcome = match self.log.append(&records, at) {
            Ok(appended) => {
                self.view.apply_in_memory(&appended, &records);
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
                Ok(())
            }
            Err(error) => Err(CommitError::Log(Arc::new(error))),
        };
        for done in waiting {
            // A caller that stopped waiting does not need the answer.
            drop(done.send(outcome.clone()));
        }
    }
}
