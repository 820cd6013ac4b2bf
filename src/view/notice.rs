//! What happened when a view was opened, for the admin.

use std::fmt;
use std::path::PathBuf;

use crate::log::Damage;

/// An event during the opening of a view, for the admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The store was damaged or did not fit the log; it was set aside and rebuilt.
    SetAside {
        /// Why it could not be used.
        reason: String,
        /// Where the old store is now.
        path: PathBuf,
    },
    /// The view contained records that the log lacks: part of the log is lost.
    Lost {
        /// The last record of the log.
        log: u64,
        /// Number of the last record the view contained.
        view: u64,
        /// Where the old view is now.
        path: PathBuf,
    },
    /// The view had more items than the log gives: part of the log is lost.
    Fewer {
        /// How many the view had.
        had: usize,
        /// How many there are now.
        has: usize,
    },
    /// A store that was set aside earlier could not be removed.
    Kept(String),
    /// The rules changed; the view was rebuilt.
    NewRules,
    /// The view was this many records behind the log and caught up.
    CaughtUp(u64),
    /// The disk is too full to open the view; it was rebuilt in memory.
    NoRoom {
        /// Error of the engine.
        reason: String,
    },
    /// A line of the log could not be used.
    Damage(Damage),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetAside { reason, path } => {
                write!(
                    f,
                    "the view was unusable ({reason}); it was moved to {} and rebuilt from the log",
                    path.display()
                )
            }
            Self::NoRoom { reason } => {
                write!(
                    f,
                    "cannot open the view on a full disk ({reason}); it was rebuilt in memory; free some disk space"
                )
            }
            Self::Lost { log, view, path } => write!(
                f,
                "the log ends with record {log}, but the view had record {view}: the records in between are lost; stop dayuan and restore a backup (the old view is in {})",
                path.display()
            ),
            Self::Fewer { had, has } => write!(
                f,
                "the log gives {has} items, but the view had {had}: the others are lost; stop dayuan and restore a backup"
            ),
            Self::Kept(told) => f.write_str(told),
            Self::NewRules => f.write_str("the rules changed; the view was rebuilt from the log"),
            Self::CaughtUp(records) => write!(f, "the view was {records} records behind the log and caught up"),
            Self::Damage(damage) => write!(f, "left out of the view: {damage}"),
        }
    }
}
