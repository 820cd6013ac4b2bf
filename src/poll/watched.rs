//! What the loop keeps of each source, each host and each poll under way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::quota::Quota;
use crate::model::{Moment, Source, SourceId, Visit};

/// A poll under way.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) source: SourceId,
    pub(super) host: String,
    pub(super) doubt: Doubt,
}

/// How likely a source is to keep its slot as long as a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// Its last poll went well.
    None,
    /// It was never read.
    Untried,
    /// Its last poll failed.
    Failed,
}

impl Doubt {
    pub(super) const fn of(visit: &Visit) -> Self {
        if visit.failures > 0 {
            Self::Failed
        } else if visit.is_first() {
            Self::Untried
        } else {
            Self::None
        }
    }

    /// How many slots such sources and worse ones may take, so that tarpits keep nobody else waiting.
    pub(super) const fn share(self, slots: usize) -> usize {
        match self {
            Self::None => slots,
            Self::Untried => (slots * 3).div_ceil(4),
            Self::Failed => slots.div_ceil(2),
        }
    }
}

#[derive(Debug)]
pub(super) struct Watched {
    pub(super) source: Arc<Source>,
    pub(super) visit: Visit,
    pub(super) quota: Quota,
    pub(super) is_running: bool,
    /// When it is to be polled, by this process.
    pub(super) planned: Moment,
    /// Is the time after that one safe on disk already? Then a request may go out.
    pub(super) is_marked: bool,
    /// The hours and days in which it does not want to be asked.
    pub(super) skip: (u32, u32),
}

#[derive(Debug, Default)]
pub(super) struct Host {
    pub(super) is_busy: bool,
    /// Does another source wait for the one that is at it?
    pub(super) is_wanted: Arc<AtomicBool>,
    /// Not before this: the gap, or a Retry-After.
    pub(super) free: Moment,
    pub(super) waiting: VecDeque<SourceId>,
}
