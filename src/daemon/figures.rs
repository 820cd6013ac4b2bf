//! The metrics that are looked up when somebody asks for them: build, process, disk, items, alarms and sources.
//!
//! Only so many sources as the config allows have series of their own, those that fare badly first; the rest is counted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use super::clock::now;
use super::disk::{FOLDERS, size_of};
use super::store_monitor::{Alarms, PARTS};
use crate::model::{Health, Moment, Source};
use crate::view::{PollStates, View};
use crate::{hub, poll, search, serve};

/// The counters of the parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    pub(super) poll: poll::Metrics,
    pub(super) serve: serve::Metrics,
    pub(super) hub: hub::Metrics,
    pub(super) search: search::Metrics,
}

impl Counters {
    pub(super) fn register(&self, registry: &mut Registry, has_search: bool) {
        self.poll.register(registry);
        if has_search {
            self.search.register(registry);
        }
        self.serve.register(registry);
        self.hub.register(registry);
    }
}

/// How long what was read of the store and the sources is shown again; both take a look at every file or source.
const MAX_AGE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PartLabels {
    part: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SourceLabels {
    source: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SourceHealthLabels {
    source: String,
    health: &'static str,
}

/// What is shown of a source.
#[derive(Clone, Debug)]
struct SourceFigures {
    id: String,
    health: Health,
    failures: u32,
    asked: Option<Moment>,
    succeeded: Option<Moment>,
    last_new: Option<Moment>,
    due: Moment,
}

impl SourceFigures {
    /// Returns whether polls of the source are expected.
    const fn is_watched(&self) -> bool {
        !matches!(self.health, Health::Paused | Health::Gone)
    }

    const fn is_ill(&self) -> bool {
        matches!(self.health, Health::Degraded | Health::Blocked | Health::Gone | Health::Stale)
    }
}

/// What was read at one time.
#[derive(Debug, Default)]
struct Reading {
    at: Moment,
    sources: Vec<SourceFigures>,
    /// Bytes of the parts of the store.
    bytes: Vec<(&'static str, u64)>,
}

/// Where the figures come from.
#[derive(Debug)]
pub(super) struct Figures {
    store: PathBuf,
    since: Moment,
    /// Maximum number of sources with series of their own.
    most: usize,
    alarms: Alarms,
    sources: RwLock<Vec<Arc<Source>>>,
    opened: OnceLock<(Arc<View>, Arc<PollStates>)>,
    reading: Mutex<Reading>,
}

impl Figures {
    pub(super) fn new(store: &Path, most: usize, alarms: Alarms, since: Moment) -> Self {
        Self {
            store: store.to_owned(),
            since,
            most,
            alarms,
            sources: RwLock::default(),
            opened: OnceLock::new(),
            reading: Mutex::default(),
        }
    }

    /// Passes in the sources of the config.
    pub(super) fn set_sources(&self, sources: &[Arc<Source>]) {
        *self.sources.write().unwrap_or_else(PoisonError::into_inner) = sources.to_vec();
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).at = Moment::default();
    }

    /// Returns the sources of the config.
    pub(super) fn sources(&self) -> Vec<Arc<Source>> {
        self.sources.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Passes in the store, once it is open.
    pub(super) fn open(&self, view: &Arc<View>, poll_states: &Arc<PollStates>) {
        // A second call would pass in the same store.
        drop(self.opened.set((Arc::clone(view), Arc::clone(poll_states))));
    }

    fn read(&self, at: Moment) -> Reading {
        let sources = self.sources();
        let of_sources = self.opened.get().map(|(view, poll_states)| {
            // A state that cannot be read is an alarm of its own.
            let figures = sources.iter().filter_map(|source| {
                let state = poll_states.health_of(view, &source.id).ok()?;
                Some(SourceFigures {
                    id: source.id.to_string(),
                    health: state.health,
                    failures: state.failures,
                    asked: state.asked,
                    succeeded: state.succeeded,
                    last_new: state.last_new,
                    due: state.due,
                })
            });
            let mut figures: Vec<_> = figures.collect();
            figures.sort_by_key(|figures| !figures.is_ill());
            figures
        });
        let bytes =
            FOLDERS.iter().map(|(folder, _)| (*folder, size_of(&self.store.join(folder)).unwrap_or(0))).collect();
        Reading { at, sources: of_sources.unwrap_or_default(), bytes }
    }

    fn encode_process(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let build = Family::<BuildLabels, Gauge>::default();
        build.get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION") }).set(1);
        family(encoder, "dayuan_build", "The version that runs", &build)?;
        gauge(
            encoder,
            "process_start_time_seconds",
            "When it was started, in seconds since 1970",
            self.since.seconds(),
        )?;
        if let Some(bytes) = resident_bytes() {
            gauge(encoder, "process_resident_memory_bytes", "Memory in use", bytes)?;
        }
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        #[expect(clippy::cast_precision_loss, reason = "a processor time has 15 digits at most")]
        let seconds = used.tv_sec as f64 + used.tv_nsec as f64 / 1e9;
        let counter = ConstCounter::new(seconds);
        counter.encode(encoder.encode_descriptor(
            "process_cpu_seconds",
            "Processor time used",
            None,
            counter.metric_type(),
        )?)
    }

    fn encode_store(&self, encoder: &mut DescriptorEncoder<'_>, reading: &Reading) -> fmt::Result {
        let alarms = Family::<PartLabels, Gauge>::default();
        let raised = self.alarms.parts();
        for part in PARTS {
            alarms.get_or_create(&PartLabels { part }).set(i64::from(raised.contains(&part)));
        }
        family(
            encoder,
            "dayuan_alarm",
            "Whether something is wrong with this part; `dayuan status` says what",
            &alarms,
        )?;
        let bytes = Family::<PartLabels, Gauge>::default();
        for (part, size) in &reading.bytes {
            bytes.get_or_create(&PartLabels { part }).set(signed(*size));
        }
        family(encoder, "dayuan_store_bytes", "Size of the parts of the store", &bytes)?;
        if let Ok(disk) = rustix::fs::statvfs(&self.store) {
            let size = |blocks: u64| signed(blocks.saturating_mul(disk.f_frsize));
            gauge(encoder, "dayuan_disk_free_bytes", "What is free on the disk of the store", size(disk.f_bavail))?;
            gauge(encoder, "dayuan_disk_size_bytes", "Size of that disk", size(disk.f_blocks))?;
        }
        let (items, stories) = self.opened.get().map(|(view, _)| view.counts()).unwrap_or_default();
        gauge(encoder, "dayuan_items", "Items in the store", count(items))?;
        gauge(encoder, "dayuan_stories", "Stories in the store", count(stories))
    }

    fn encode_sources(&self, encoder: &mut DescriptorEncoder<'_>, reading: &Reading) -> fmt::Result {
        let watched = || reading.sources.iter().filter(|source| source.is_watched());
        let oldest = watched().filter_map(|source| source.asked).min().unwrap_or(self.since);
        let help = "When the source was polled that has waited longest, in seconds since 1970; without paused ones";
        gauge(encoder, "dayuan_oldest_poll_timestamp_seconds", help, oldest.seconds())?;
        let planned = watched().map(|source| source.due).filter(|due| *due > Moment::default());
        let late = planned.map(|due| reading.at.duration_since(due).as_secs()).max().unwrap_or(0);
        gauge(encoder, "dayuan_poll_overdue_seconds", "How long the latest poll has been due", signed(late))?;
        let shown = || reading.sources.iter().take(self.most);
        let health = Family::<SourceHealthLabels, Gauge>::default();
        for source in shown() {
            let labels = SourceHealthLabels { source: source.id.clone(), health: source.health.word() };
            health.get_or_create(&labels).set(1);
        }
        family(encoder, "dayuan_source_health", "How a source fares", &health)?;
        let failures = of(shown(), |source| Some(i64::from(source.failures)));
        family(encoder, "dayuan_source_failures", "Failures in a row", &failures)?;
        let read = of(shown(), |source| source.succeeded.map(Moment::seconds));
        let help = "When a source was last read, in seconds since 1970";
        family(encoder, "dayuan_source_read_timestamp_seconds", help, &read)?;
        let new = of(shown(), |source| source.last_new.map(Moment::seconds));
        let help = "When a source last had something new, in seconds since 1970";
        family(encoder, "dayuan_source_new_timestamp_seconds", help, &new)?;
        let left_out = reading.sources.len().saturating_sub(self.most);
        let help = "Sources without series of their own; see [http] metrics_sources";
        gauge(encoder, "dayuan_sources_left_out", help, count(left_out))
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let at = now();
        if at.duration_since(reading.at) >= MAX_AGE || reading.at > at {
            *reading = self.read(at);
        }
        self.encode_process(&mut encoder)?;
        self.encode_store(&mut encoder, &reading)?;
        self.encode_sources(&mut encoder, &reading)
    }
}

fn of<'a>(
    sources: impl Iterator<Item = &'a SourceFigures>,
    value: impl Fn(&SourceFigures) -> Option<i64>,
) -> Family<SourceLabels, Gauge> {
    let all = Family::<SourceLabels, Gauge>::default();
    for (source, value) in sources.filter_map(|source| Some((source, value(source)?))) {
        all.get_or_create(&SourceLabels { source: source.id.clone() }).set(value);
    }
    all
}

fn family(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, metric: &impl EncodeMetric) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: i64) -> fmt::Result {
    family(encoder, name, help, &ConstGauge::new(value))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns the memory that the process has in use, in bytes (proc(5)).
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok()?.checked_mul(1024)
}
