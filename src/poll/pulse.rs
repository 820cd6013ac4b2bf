//! A sign of life of the poll loop.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use crate::model::Moment;

/// A sign of life of the loop, for the watchdog and for `status`.
#[derive(Debug, Default)]
pub struct Pulse {
    pub(super) beat: AtomicI64,
    pub(super) running: AtomicUsize,
}

impl Pulse {
    /// When the loop last went round.
    pub fn last(&self) -> Moment {
        Moment::from_millis(self.beat.load(Ordering::Relaxed))
    }

    /// How many polls are under way.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}
