use std::io;
use std::path::PathBuf;

/// Why the log could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file of the log cannot be used.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// `read`, `write`, `sync`, …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process holds the log.
    #[error("the store {} is held by {}; stop that dayuan first, or use its admin socket", path.display(), pid.map_or_else(|| "another one".to_owned(), |pid| format!("pid {pid}")))]
    Held {
        /// The folder.
        path: PathBuf,
        /// Its pid, where it could be read.
        pid: Option<u32>,
    },
    /// A line does not match its checksum, or is no record.
    #[error("line at byte {offset} of {} is damaged: {detail}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the line begins.
        offset: u64,
        /// What is wrong with it.
        detail: String,
    },
    /// A newer version wrote into it.
    #[error("{} holds records of a newer dayuan (byte {offset}: {detail}); start that version again, or restore a backup of this one", path.display())]
    Newer {
        /// The segment.
        path: PathBuf,
        /// Where the first of them begins.
        offset: u64,
        /// What is not known of it.
        detail: String,
    },
    /// There is none.
    #[error("there is no log in {}", .0.display())]
    Missing(PathBuf),
    /// An archive cannot be used.
    #[error("{} is no backup of dayuan: {detail}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A store is in the way.
    #[error("{} already holds a log; move it away before you restore into it", .0.display())]
    Occupied(PathBuf),
}

impl LogError {
    /// May it be otherwise soon, as where the process has no descriptor left?
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() != io::ErrorKind::NotFound && source.kind() != io::ErrorKind::UnexpectedEof)
    }
}
