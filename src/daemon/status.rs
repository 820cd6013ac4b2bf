use serde::{Deserialize, Serialize};

use super::clock::now;
use crate::model::{Moment, Source, Visit};
use crate::poll::Pulse;
use crate::view::{View, Visits};

/// How the daemon fares.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// Its version.
    pub daemon: String,
    /// Its process.
    pub pid: u32,
    /// Since when it runs.
    pub since: String,
    /// Items, also those that belong to another's story.
    pub items: usize,
    /// Stories.
    pub stories: usize,
    /// Polls under way.
    pub polling: usize,
    /// What is wrong with the store, if anything.
    pub trouble: Option<String>,
}

/// State of a source, as shown to the admin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its id.
    pub source: String,
    /// Display name.
    pub title: String,
    /// `new`, `ok`, `degraded`, `blocked`, `gone`, `paused` or `stale`; `unknown` where it cannot be read.
    pub health: String,
    /// Why it is not well.
    pub reason: Option<String>,
    /// What to know of it although it is well.
    pub doubt: Option<String>,
    /// Since when it fares so.
    pub since: Option<String>,
    /// When the last answer came that could be read, or a 304.
    pub succeeded: Option<String>,
    /// Time of the last new or changed item.
    pub last_new: Option<String>,
    /// When it is polled next.
    pub due: Option<String>,
    /// Current polling interval, in seconds.
    pub interval: u32,
    /// Number of consecutive failures.
    pub failures: u32,
    /// Number of polls so far.
    pub polls: u64,
    /// Where it says it has moved to for good.
    pub moved: Option<String>,
    /// Address of the service.
    pub url: String,
}

pub(super) fn of_daemon(view: Option<&View>, pulse: &Pulse, since: Moment, trouble: Option<String>) -> DaemonStatus {
    let (items, stories) = view.map(View::counts).unwrap_or_default();
    DaemonStatus {
        daemon: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        since: since.rfc3339(),
        items,
        stories,
        polling: pulse.running(),
        trouble: trouble.or_else(|| view.is_none().then(|| "the store is being opened".to_owned())),
    }
}

/// What cannot be read of it is told in place of its reason, so that the others and the daemon's trouble are seen still.
pub(super) fn of_source(source: &Source, view: &View, visits: &Visits) -> SourceStatus {
    let fare = visits.fare(view, &source.id);
    let health = fare.as_ref().map_or("unknown", |visit| visit.health.word()).to_owned();
    let visit = fare.unwrap_or_else(|error| Visit { reason: error.to_string(), ..Visit::default() });
    let is_planned = visit.due > Moment::default() && visit.due < now().plus_seconds(400 * 86_400);
    SourceStatus {
        source: source.id.to_string(),
        title: source.title.clone(),
        health,
        reason: (!visit.reason.is_empty()).then_some(visit.reason),
        doubt: (!visit.doubt.is_empty()).then_some(visit.doubt),
        since: visit.since.map(Moment::rfc3339),
        succeeded: visit.succeeded.map(Moment::rfc3339),
        last_new: visit.last_new.map(Moment::rfc3339),
        due: is_planned.then(|| visit.due.rfc3339()),
        interval: visit.interval,
        failures: visit.failures,
        polls: visit.polls,
        moved: visit.moved.map(|(to, _)| to.to_string()),
        url: source.url.to_string(),
    }
}
