//! The counters of the search index.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What is counted of the index.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    documents: Gauge,
    bytes: Gauge,
    segments: Gauge,
    lag: Gauge,
    indexed: Counter,
}

impl Metrics {
    /// Adds the counters to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("dayuan_search_documents", "Documents in the search index", self.documents.clone());
        registry.register("dayuan_search_bytes", "Size of the search index in bytes", self.bytes.clone());
        registry.register("dayuan_search_segments", "Parts that the search index consists of", self.segments.clone());
        registry.register("dayuan_search_lag", "Items that are still to be indexed", self.lag.clone());
        registry.register("dayuan_search_indexed", "Items indexed since the start", self.indexed.clone());
    }

    pub(super) fn measure(&self, documents: usize, bytes: u64, segments: usize) {
        self.documents.set(i64::try_from(documents).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.segments.set(i64::try_from(segments).unwrap_or(i64::MAX));
    }

    pub(super) fn lag(&self, items: usize) {
        self.lag.set(i64::try_from(items).unwrap_or(i64::MAX));
    }

    pub(super) fn index(&self, items: usize) {
        self.indexed.inc_by(u64::try_from(items).unwrap_or(0));
    }
}
