//! What the loop keeps of each source, each host and each poll under way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::abroad::Abroad;
use super::quota::Quota;
use crate::model::{Moment, PollState, Source, SourceId};

/// A poll in progress.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) source: SourceId,
    pub(super) host: String,
    pub(super) doubt: Reliability,
}

/// How likely a poll is to occupy its slot for as long as a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reliability {
    /// The last poll succeeded.
    Proven,
    /// The source was never read.
    Untried,
    /// The last poll failed.
    Failed,
}

impl Reliability {
    pub(super) const fn of(state: &PollState) -> Self {
        if state.failures > 0 {
            Self::Failed
        } else if state.is_first() {
            Self::Untried
        } else {
            Self::Proven
        }
    }

    /// Returns how many slots sources with at least this doubt may use, so that tarpits do not block the others.
    pub(super) const fn share(self, slots: usize) -> usize {
        match self {
            Self::Proven => slots,
            Self::Untried => (slots * 3).div_ceil(4),
            Self::Failed => slots.div_ceil(2),
        }
    }
}

#[derive(Debug)]
pub(super) struct Watched {
    pub(super) source: Arc<Source>,
    pub(super) state: PollState,
    pub(super) quota: Quota,
    pub(super) abroad: Arc<Abroad>,
    pub(super) is_running: bool,
    /// Time of the next poll in this process.
    pub(super) planned: Moment,
    /// When it is to be polled because its hub announced something new since the last poll began.
    pub(super) announced: Option<Moment>,
    /// Whether the time of the poll after that one is saved; only then may a request be sent.
    pub(super) is_marked: bool,
}

#[derive(Debug, Default)]
pub(super) struct Host {
    pub(super) is_busy: bool,
    /// Set while another source waits for the one being polled at this host.
    pub(super) is_wanted: Arc<AtomicBool>,
    /// No request before this: because of the gap, or of Retry-After.
    pub(super) free: Moment,
    pub(super) waiting: VecDeque<SourceId>,
}
