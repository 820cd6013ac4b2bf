//! How much of a source is taken, so that none fills the store alone.

use xxhash_rust::xxh3::xxh3_64;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Quota {
    day: i64,
    reports: u32,
    bytes: u64,
    /// The hosts of others that its articles led to, as hashes.
    hosts: Vec<u64>,
    /// The pages of articles asked there.
    pages: u16,
}

/// The most hosts of others that a source may make us ask a day.
const MAX_HOSTS: usize = 20;
/// The most pages of articles at hosts of others that a source may make us ask for a day.
const MAX_PAGES: u16 = 500;

impl Quota {
    /// Takes room for a draft; `false` where the day's is used up.
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

    /// May an article be asked for at a host that is not the source's own?
    pub(super) fn take_host(&mut self, now: Moment, host: &str) -> bool {
        self.begin(now);
        let host = xxh3_64(host.as_bytes());
        let is_known = self.hosts.contains(&host);
        let has_room = self.pages < MAX_PAGES && (is_known || self.hosts.len() < MAX_HOSTS);
        if has_room {
            self.pages += 1;
            if !is_known {
                self.hosts.push(host);
            }
        }
        has_room
    }

    /// May an article lead to a host of others that it has not led to today?
    pub(super) fn has_hosts(&mut self, now: Moment) -> bool {
        self.begin(now);
        self.hosts.len() < MAX_HOSTS && self.pages < MAX_PAGES
    }

    fn begin(&mut self, now: Moment) {
        let day = now.seconds().div_euclid(86_400);
        if self.day != day {
            *self = Self { day, ..Self::default() };
        }
    }
}
