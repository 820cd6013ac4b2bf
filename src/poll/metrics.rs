//! The counters of polling.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::model::{Health, SourceId};

/// Counters and gauges of polling.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    polls: Family<PollLabels, Counter>,
    items: Counter,
    changes: Counter,
    bytes: Counter,
    sources: Family<HealthLabels, Gauge>,
    /// What the rules of each source left out of its newest listing.
    left_out: Arc<Mutex<HashMap<SourceId, LeftOut>>>,
}

/// What the rules of a source left out of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many items.
    pub count: usize,
    /// The rule that left out the last of them.
    pub reason: String,
}

impl LeftOut {
    pub(super) fn add(&mut self, reason: String) {
        self.count += 1;
        self.reason = reason;
    }

    /// Counts an item that was left out before.
    pub(super) fn add_again(&mut self) {
        self.count += 1;
        if self.reason.is_empty() {
            "what its page said at an earlier poll".clone_into(&mut self.reason);
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PollLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HealthLabels {
    health: &'static str,
}

impl Metrics {
    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("dayuan_polls", "Polls of sources, by outcome", self.polls.clone());
        registry.register("dayuan_items_new", "Items that were not known before", self.items.clone());
        registry.register("dayuan_items_changed", "Known items whose text changed", self.changes.clone());
        registry.register("dayuan_sources", "Sources, by health", self.sources.clone());
        registry.register("dayuan_fetched_bytes", "Bytes of bodies, after decoding", self.bytes.clone());
    }

    /// Sets the number of sources per health state.
    pub(super) fn count(&self, healths: impl Iterator<Item = Health>) {
        let mut counts = HashMap::<_, i64>::new();
        healths.for_each(|health| *counts.entry(health.word()).or_default() += 1);
        for health in Health::ALL.map(Health::word) {
            self.sources.get_or_create(&HealthLabels { health }).set(counts.get(health).copied().unwrap_or(0));
        }
    }

    pub(super) fn left_out(&self, source: &SourceId, left_out: LeftOut) {
        let mut known = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        if left_out.count == 0 {
            known.remove(source);
        } else {
            known.insert(source.clone(), left_out);
        }
    }

    /// Returns what the rules of a source left out of its newest listing since the start; `None` if nothing.
    pub fn left_out_of(&self, source: &SourceId) -> Option<LeftOut> {
        self.left_out.lock().unwrap_or_else(PoisonError::into_inner).get(source).cloned()
    }

    /// Records that a source's health changed.
    pub(super) fn changed(&self, before: Health, after: Health) {
        let gauge = |health: Health| self.sources.get_or_create_owned(&HealthLabels { health: health.word() });
        gauge(before).dec();
        gauge(after).inc();
    }

    pub(super) fn polled(&self, outcome: &'static str) {
        self.polls.get_or_create(&PollLabels { outcome }).inc();
    }

    pub(super) fn found(&self, new: usize, changed: usize) {
        self.items.inc_by(u64::try_from(new).unwrap_or(0));
        self.changes.inc_by(u64::try_from(changed).unwrap_or(0));
    }

    pub(super) fn fetched(&self, bytes: usize) {
        self.bytes.inc_by(u64::try_from(bytes).unwrap_or(0));
    }
}
