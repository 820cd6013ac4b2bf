//! Limits what is taken from each source per day, so that no single one fills the store.

use std::time::Duration;

use crate::model::{Draft, Moment};

/// Limits on what is taken from a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Items older than this are not added.
    pub keep: Duration,
    /// Maximum number of reports per source and day.
    pub reports: u32,
    /// Maximum bytes of text per source and day.
    pub bytes: u64,
}

/// What a source has used on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Quota {
    day: i64,
    reports: u32,
    bytes: u64,
}

impl Quota {
    /// Counts a draft against the day's limits; returns `false` if they are used up.
    pub(super) fn take(&mut self, now: Moment, draft: &Draft, limits: Limits) -> bool {
        self.begin(now);
        let bytes = u64::try_from(draft.size()).unwrap_or(u64::MAX);
        if self.reports >= limits.reports || self.bytes + bytes > limits.bytes {
            return false;
        }
        self.reports += 1;
        self.bytes += bytes;
        true
    }

    /// Returns whether a further draft may fit into the day's limits.
    pub(super) fn has_room(&mut self, now: Moment, limits: Limits) -> bool {
        self.begin(now);
        self.reports < limits.reports && self.bytes < limits.bytes
    }

    fn begin(&mut self, now: Moment) {
        let day = now.seconds().div_euclid(86_400);
        if self.day != day {
            *self = Self { day, ..Self::default() };
        }
    }
}
