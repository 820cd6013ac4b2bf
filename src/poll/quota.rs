//! Limits what is taken from each source per day, so that no single one fills the store.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

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
    /// Hashes of the other hosts that its articles led to.
    hosts: Vec<u64>,
    /// Number of article pages requested there.
    pages: u16,
}

/// Maximum number of other hosts that a source may make us contact per day.
const MAX_HOSTS: usize = 20;
/// Maximum number of article pages at other hosts that a source may make us request per day.
const MAX_PAGES: u16 = 500;

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

    /// Returns whether an article page at a host other than the source's own may be requested.
    pub(super) fn has_page(&mut self, now: Moment, host: &str) -> bool {
        self.begin(now);
        self.pages < MAX_PAGES && (self.hosts.len() < MAX_HOSTS || self.hosts.contains(&xxh3_64(host.as_bytes())))
    }

    /// Counts an article page at a host other than the source's own; returns whether it may be requested.
    pub(super) fn take_host(&mut self, now: Moment, host: &str) -> bool {
        if !self.has_page(now, host) {
            return false;
        }
        let host = xxh3_64(host.as_bytes());
        self.pages += 1;
        if !self.hosts.contains(&host) {
            self.hosts.push(host);
        }
        true
    }

    /// Returns whether an article may lead to another host that no article led to today.
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
