use std::sync::Arc;

use tokio::sync::oneshot;

use super::options::Options;
use crate::model::{Moment, Source, SourceId};

/// What the loop is told while it runs.
#[derive(Debug)]
pub enum Command {
    /// Poll a source as soon as its host allows.
    Poll(SourceId, oneshot::Sender<Result<(), PollRefused>>),
    /// Whether a source is paused was decided anew; the log says how.
    Control(SourceId),
    /// The list of sources is another one.
    Sources(Vec<Arc<Source>>, Options, oneshot::Sender<Result<(), String>>),
}

/// Why a source is not polled now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollRefused {
    /// The config has no such source.
    #[error("there is no source `{0}`")]
    Unknown(SourceId),
    /// What is remembered of the sources cannot be read yet, and why.
    #[error("nothing is polled yet: {0}")]
    NotYet(String),
    /// It is paused.
    #[error("source `{0}` is {1}")]
    Off(SourceId, &'static str),
    /// The site asked us to wait.
    #[error("the site of `{source_id}` asked us to wait until {}", until.rfc3339())]
    Wait {
        /// The source.
        source_id: SourceId,
        /// Until when.
        until: Moment,
    },
}
