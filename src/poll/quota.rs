//! How much of a source is taken, so that none fills the store alone.

use crate::model::{Draft, Moment};

/// How much of a source is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Items older than this are not born, in days.
    pub keep_days: u32,
    /// The most reports of a source and day.
    pub reports: u32,
    /// The most bytes of text of a source and day.
    pub bytes: u64,
}

/// What a source gave on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quota {
    day: i64,
    reports: u32,
    bytes: u64,
}

impl Quota {
    /// Takes room for a draft; `false` where the day's is used up.
    pub(super) fn take(&mut self, now: Moment, draft: &Draft, limits: Limits) -> bool {
        let day = now.seconds().div_euclid(86_400);
        if self.day != day {
            *self = Self { day, ..Self::default() };
        }
        let bytes =
            u64::try_from(draft.content_html.len() + draft.text.len() + draft.summary.len()).unwrap_or(u64::MAX);
        if self.reports >= limits.reports || self.bytes + bytes > limits.bytes {
            return false;
        }
        self.reports += 1;
        self.bytes += bytes;
        true
    }
}
