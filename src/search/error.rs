//! Why the index could not be used.

use std::path::PathBuf;

use crate::log::LogError;

/// Why the index could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A file of the index cannot be read or written.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A part of the index is damaged; it is made anew.
    #[error("a part of the search index is damaged and is made anew: {0}")]
    Damaged(&'static str),
    /// The index is not complete yet.
    #[error("the search index is being made")]
    NotReady,
    /// A text cannot be read from the log for now.
    #[error("a text cannot be read from the log")]
    Log(#[source] LogError),
    /// What was being done was stopped.
    #[error("stopped")]
    Stopped,
}
