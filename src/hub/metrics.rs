//! The counters of the hub.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counters of the hub.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    subscriptions: Gauge,
    verifications: Family<OutcomeLabels, Counter>,
    deliveries: Family<OutcomeLabels, Counter>,
    bytes: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

impl Metrics {
    /// Registers the metrics.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("dayuan_hub_subscriptions", "Subscriptions of the hub", self.subscriptions.clone());
        registry.register(
            "dayuan_hub_verifications",
            "Verifications of intent, by outcome",
            self.verifications.clone(),
        );
        registry.register("dayuan_hub_deliveries", "Feeds sent to subscribers, by outcome", self.deliveries.clone());
        registry.register("dayuan_hub_sent_bytes", "Bytes of feeds that subscribers took", self.bytes.clone());
    }

    pub(super) fn count(&self, subscriptions: usize) {
        self.subscriptions.set(i64::try_from(subscriptions).unwrap_or(i64::MAX));
    }

    pub(super) fn verified(&self, outcome: &'static str) {
        self.verifications.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    pub(super) fn delivered(&self, outcome: &'static str, bytes: usize) {
        self.deliveries.get_or_create(&OutcomeLabels { outcome }).inc();
        self.bytes.inc_by(u64::try_from(bytes).unwrap_or(0));
    }
}
