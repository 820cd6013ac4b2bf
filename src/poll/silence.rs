//! Tells whether our own network is down: then one host after the other is silent, and no source is to blame.

use std::collections::{HashMap, HashSet};

use crate::model::{PollState, SourceId};

/// If this many hosts in a row do not answer, our own network is down.
const OFFLINE_HOSTS: usize = 3;

/// The sources that got no answer since anything answered last.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// Their poll states before.
    before: HashMap<SourceId, PollState>,
    hosts: HashSet<String>,
    /// Those whose last failure has not been forgiven.
    counted: Vec<SourceId>,
}

impl Silence {
    /// Records that something answered.
    pub(super) fn end(&mut self) {
        self.before.clear();
        self.hosts.clear();
        self.counted.clear();
    }

    /// Records that a source at a host got no answer; `before` is its poll state before that poll.
    pub(super) fn add(&mut self, source: SourceId, host: String, before: PollState) {
        self.before.entry(source.clone()).or_insert(before);
        self.hosts.insert(host);
        self.counted.push(source);
    }

    /// Returns whether our own network seems to be down.
    pub(super) fn is_ours(&self) -> bool {
        self.hosts.len() >= OFFLINE_HOSTS
    }

    /// Takes the sources whose last failure is to be forgiven, except those that `is_running`.
    pub(super) fn take_counted(&mut self, is_running: impl Fn(&SourceId) -> bool) -> Vec<SourceId> {
        let (later, now) = std::mem::take(&mut self.counted).into_iter().partition(is_running);
        self.counted = later;
        now
    }

    /// Returns the poll state of a source before the silence.
    pub(super) fn before(&self, source: &SourceId) -> Option<&PollState> {
        self.before.get(source)
    }
}
