//! The commands to the poll loop, and why it refuses one.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::options::Options;
use crate::model::{Moment, Source, SourceId};

/// A command to the running poll loop.
#[derive(Debug)]
pub enum Command {
    /// Poll a source as soon as its host allows.
    Poll(SourceId, oneshot::Sender<Result<(), PollRefused>>),
    /// Poll a source soon, because its hub has announced something new.
    Announced(SourceId),
    /// The paused state of a source changed; the log has the new state.
    Control(SourceId),
    /// Replace the list of sources and the options.
    /// The answer has warnings for the admin.
    Sources(Vec<Arc<Source>>, Options, oneshot::Sender<Result<Vec<String>, String>>),
}

/// Why a source is not polled now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollRefused {
    /// The config has no such source.
    #[error("there is no source `{0}`")]
    Unknown(SourceId),
    /// The saved poll state of the sources cannot be read yet, with the reason.
    #[error("nothing is polled yet: {0}")]
    NotYet(String),
    /// Another machine that shares the log polls.
    #[error("the node {0} polls now; ask there")]
    Elsewhere(String),
    /// The source is paused.
    #[error("source `{0}` is {1}")]
    Off(SourceId, &'static str),
    /// The site asked us to wait.
    #[error("the site of `{source_id}` asked us to wait until {}", until.rfc3339())]
    Wait {
        /// Id of the source.
        source_id: SourceId,
        /// End of the wait.
        until: Moment,
    },
}
