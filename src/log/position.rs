//! Where records lie in the log, and what is wrong with a line of it.

use std::fmt;
use std::path::PathBuf;

use super::record::Record;

/// Position of a record in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The segment, as days since 1970-01-01.
    pub day: u32,
    /// Length of the line in bytes, without the line end.
    pub length: u32,
    /// Offset of the line in the segment, in bytes.
    pub offset: u64,
}

/// A record that has been synced to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Sequence number; the first is 1.
    pub seq: u64,
    /// Position of the record.
    pub position: Position,
}

/// A record read back from the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Sequence number.
    pub seq: u64,
    /// Position of the record.
    pub position: Position,
    /// The record itself.
    pub record: Record,
}

/// A damaged place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub path: PathBuf,
    /// Offset of the line, in bytes.
    pub offset: u64,
    /// What is wrong, as a sentence.
    pub detail: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: byte {}: {}", self.path.display(), self.offset, self.detail)
    }
}
