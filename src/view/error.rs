use std::path::PathBuf;

use crate::log::LogError;

/// Why the view could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The store refused.
    #[error("cannot {doing} the store {}", path.display())]
    Store {
        /// `open`, `write`, …
        doing: &'static str,
        /// Its directory.
        path: PathBuf,
        /// What it said.
        source: sled::Error,
    },
    /// The store fell over while it was opened.
    #[error("the store {} is damaged so badly that it cannot be opened", .0.display())]
    Broken(PathBuf),
    /// It refused to write and cannot be opened again yet.
    #[error("the store {} is closed until it can be written again", .0.display())]
    Closed(PathBuf),
    /// A record cannot be read.
    #[error("the store {} holds a record that cannot be read", .0.display())]
    Record(PathBuf),
    /// A directory or a file cannot be made or moved.
    #[error("cannot make or move {}", path.display())]
    Move {
        /// It.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The log could not be read.
    #[error("cannot read the log")]
    Log(#[from] LogError),
}
