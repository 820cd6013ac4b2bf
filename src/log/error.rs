//! Why an operation on the log failed.

use std::io;
use std::path::PathBuf;

/// Why a log operation failed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file of the log cannot be read or written.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// The operation: `read`, `write`, `sync`, …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another process holds the lock of the log.
    #[error("the store {} is in use by {}; stop that dayuan first, or use its admin socket", path.display(), pid.map_or_else(|| "another process".to_owned(), |pid| format!("pid {pid}")))]
    Held {
        /// The folder of the log.
        path: PathBuf,
        /// Process id of the holder, if it could be read from the lock file.
        pid: Option<u32>,
    },
    /// A line does not match its checksum, or is not a valid record.
    #[error("line at byte {offset} of {} is damaged: {detail}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Offset of the line, in bytes.
        offset: u64,
        /// What is wrong with it.
        detail: String,
    },
    /// The log holds records of a newer dayuan.
    #[error("{} holds records of a newer dayuan (byte {offset}: {detail}); start that version again, or restore a backup of this one", path.display())]
    Newer {
        /// The segment.
        path: PathBuf,
        /// Offset of the first such record, in bytes.
        offset: u64,
        /// What this version does not know about the record.
        detail: String,
    },
    /// A record cannot be written as a line.
    #[error("record {seq} cannot be written as a line; please report this")]
    Encode {
        /// Its number.
        seq: u64,
        /// Why.
        source: serde_json::Error,
    },
    /// A line of another log cannot follow in this one.
    #[error("record {seq} was not taken in: {detail}")]
    Strange {
        /// The number of the record.
        seq: u64,
        /// Why, and what to do.
        detail: String,
    },
    /// The folder holds no log.
    #[error("there is no log in {}", .0.display())]
    Missing(PathBuf),
    /// A file is not a valid archive.
    #[error("{} is not a valid dayuan backup: {detail}", path.display())]
    Archive {
        /// The path of the archive.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The target folder of a restore already holds a log.
    #[error("{} already holds a log; move it away before you restore into it", .0.display())]
    Occupied(PathBuf),
}

impl LogError {
    /// Returns whether a retry may succeed, for example when the process had run out of file descriptors.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() != io::ErrorKind::NotFound && source.kind() != io::ErrorKind::UnexpectedEof)
    }
}
