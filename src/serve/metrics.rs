//! The counters of the HTTP server, and the text of `/metrics`.

use hyper::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counters of the HTTP server. Labels come from a fixed list, never from a request.
#[derive(Clone, Debug)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    /// The two most frequent statuses, counted without a look-up.
    ok: Counter,
    not_modified: Counter,
    connections: Gauge,
    evicted: Counter,
    made: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    status: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::<RequestLabels, Counter>::default();
        let of = |status| requests.get_or_create(&RequestLabels { status }).clone();
        // A series that is there from the beginning can be compared with others before its first request.
        for status in ["206", "301", "404", "4xx", "503", "other"] {
            drop(of(status));
        }
        Self {
            ok: of("200"),
            not_modified: of("304"),
            requests,
            connections: Gauge::default(),
            evicted: Counter::default(),
            made: Counter::default(),
        }
    }
}

impl Metrics {
    /// Adds the counters to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("dayuan_requests", "Requests answered, by status", self.requests.clone());
        registry.register("dayuan_connections", "Connections open now", self.connections.clone());
        registry.register("dayuan_connections_evicted", "Connections closed to admit new ones", self.evicted.clone());
        registry.register("dayuan_documents_made", "Feeds and pages rendered", self.made.clone());
    }

    pub(super) fn answered(&self, status: StatusCode) {
        let status = match status.as_u16() {
            200 => {
                self.ok.inc();
                return;
            }
            304 => {
                self.not_modified.inc();
                return;
            }
            206 => "206",
            301 => "301",
            404 => "404",
            400..=499 => "4xx",
            503 => "503",
            _ => "other",
        };
        self.requests.get_or_create(&RequestLabels { status }).inc();
    }

    pub(super) fn open(&self, connections: usize) {
        self.connections.set(i64::try_from(connections).unwrap_or(i64::MAX));
    }

    pub(super) fn evict(&self) {
        self.evicted.inc();
    }

    pub(super) fn make(&self) {
        self.made.inc();
    }
}
