//! Why an operation on the view or the poll states failed.

use std::path::PathBuf;

use crate::log::LogError;

/// Why an operation on the view or the poll states failed.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The store returned an error.
    #[error("cannot {doing} the store {}", path.display())]
    Store {
        /// The failed operation: `open`, `read` or `write`.
        doing: &'static str,
        /// Its directory.
        path: PathBuf,
        /// Error returned by sled.
        source: sled::Error,
    },
    /// The store panicked while it was being opened.
    #[error("the store {} is damaged so badly that it cannot be opened", .0.display())]
    Broken(PathBuf),
    /// The store refused to write and cannot be reopened yet.
    #[error("the store {} is closed until it can be written again", .0.display())]
    Closed(PathBuf),
    /// A directory or file could not be created, copied, moved or removed.
    #[error("cannot create, copy, move or remove {}", path.display())]
    Move {
        /// Path of the directory or file.
        path: PathBuf,
        /// Error returned by the system.
        source: std::io::Error,
    },
    /// The log could not be read.
    #[error("cannot read the log")]
    Log(#[from] LogError),
}
