//! The status of the daemon and of its sources, as the admin socket gives it.

use serde::{Deserialize, Serialize};

use super::clock::now;
use crate::model::{Moment, PollState, Reason, Source};
use crate::poll::Heartbeat;
use crate::view::{PollStates, View};
use crate::write::{self, Language};

/// Status of the daemon.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// Version of the program.
    pub daemon: String,
    /// Process id.
    pub pid: u32,
    /// Time of the start.
    pub since: String,
    /// Number of items, including those that belong to the story of another item.
    pub items: usize,
    /// Number of stories.
    pub stories: usize,
    /// Number of running polls.
    pub polling: usize,
    /// Number of subscriptions of the hub, and how many of them failed last; `None` if there is no hub.
    #[serde(default)]
    pub hub: Option<(usize, usize)>,
    /// This machine among several that share a log, and which of them polls; `None` if it is on its own.
    #[serde(default)]
    pub cluster: Option<String>,
    /// Current alarms, if any.
    pub trouble: Option<String>,
}

/// State of a source, as shown to the admin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Id of the source.
    pub source: String,
    /// Display name.
    pub title: String,
    /// `new`, `ok`, `degraded`, `blocked`, `gone`, `paused` or `stale`; `unknown` if its poll state cannot be read.
    pub health: String,
    /// Why it is not healthy.
    pub reason: Option<String>,
    /// What the admin should know although it is healthy.
    pub doubt: Option<String>,
    /// Time since which the health is the same.
    pub since: Option<String>,
    /// Time of the last response that could be read, or was a 304.
    pub succeeded: Option<String>,
    /// Time of the last new or changed item.
    pub last_new: Option<String>,
    /// Time of the next poll.
    pub due: Option<String>,
    /// Current polling interval, in seconds.
    pub interval: u64,
    /// Number of consecutive failures.
    pub failures: u32,
    /// Number of polls so far.
    pub polls: u64,
    /// Address that the source says it has moved to for good.
    pub moved: Option<String>,
    /// Number of items that its rules left out of its newest listing, and the last of these rules.
    #[serde(default)]
    pub left_out: Option<(usize, String)>,
    /// Address of the service.
    pub url: String,
}

pub(super) fn of_daemon(
    view: Option<&View>,
    heartbeat: &Heartbeat,
    since: Moment,
    trouble: Option<String>,
) -> DaemonStatus {
    let (items, stories) = view.map(View::counts).unwrap_or_default();
    DaemonStatus {
        daemon: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        since: since.rfc3339(),
        items,
        stories,
        polling: heartbeat.running(),
        hub: None,
        cluster: None,
        trouble: trouble.or_else(|| view.is_none().then(|| "the store is being opened".to_owned())),
    }
}

/// Returns the status of a source. If its poll state cannot be read, the error takes the place of the reason, so that
/// the other sources and the alarms are still shown.
pub(super) fn of_source(source: &Source, view: &View, poll_states: &PollStates) -> SourceStatus {
    let state = poll_states.health_of(view, &source.id);
    let health = state.as_ref().map_or("unknown", |state| state.health.word()).to_owned();
    let state = state
        .unwrap_or_else(|error| PollState { reason: Some(Reason::told(&error.to_string())), ..PollState::default() });
    let is_planned = state.due > Moment::default() && state.due < now().plus_seconds(400 * 86_400);
    SourceStatus {
        source: source.id.to_string(),
        title: source.title.clone(),
        health,
        reason: state.reason.as_ref().map(|reason| write::reason(reason, Language::English)),
        doubt: (!state.doubts.is_empty()).then(|| write::reasons(&state.doubts, Language::English)),
        since: state.since.map(Moment::rfc3339),
        succeeded: state.succeeded.map(Moment::rfc3339),
        last_new: state.last_new.map(Moment::rfc3339),
        due: is_planned.then(|| state.due.rfc3339()),
        interval: state.interval.as_secs(),
        failures: state.failures,
        polls: state.polls,
        moved: state.moved.map(|(to, _)| to.to_string()),
        left_out: None,
        url: source.url.to_string(),
    }
}
