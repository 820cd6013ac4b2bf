//! A sign of life of the poll loop.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use crate::model::Moment;

/// Heartbeat of the loop, for the watchdog and for `status`.
#[derive(Debug, Default)]
pub struct Heartbeat {
    pub(super) beat: AtomicI64,
    pub(super) running: AtomicUsize,
}

impl Heartbeat {
    /// Returns the time of the loop's last heartbeat.
    pub fn last(&self) -> Moment {
        Moment::from_millis(self.beat.load(Ordering::Relaxed))
    }

    /// Gives a sign of life in place of the loop, where it is not this machine's turn to poll.
    pub fn beat_at(&self, now: Moment) {
        self.beat.store(now.millis(), Ordering::Relaxed);
    }

    /// Returns the number of polls in progress.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}
