//! The context shared by all polls.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::announcements::Announcements;
use super::clock_check::ClockCheck;
use super::commit::LogWriter;
use super::host_clock::HostClock;
use super::metrics::Metrics;
use super::quota::Limits;
use crate::cluster::Node;
use crate::fetch::Fetcher;
use crate::model::Moment;
use crate::view::{PollStates, View};

/// Returns the present moment. Only the daemon reads the real clock; tests pass their own.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// Waits for a duration. Only the daemon waits in real time; tests pass their own.
pub type Pause = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Everything a poll works with.
#[derive(Clone)]
pub struct PollContext {
    /// The guarded HTTP client that all requests go through.
    pub fetcher: Arc<Fetcher>,
    /// The view over the log.
    pub view: Arc<View>,
    /// What is remembered of sources.
    pub poll_states: Arc<PollStates>,
    /// Handle to the log writer.
    pub log_writer: LogWriter,
    /// The clock.
    pub clock: Clock,
    /// Waits between two requests to one host.
    pub pause: Pause,
    /// Limits on what is accepted from a source.
    pub limits: Limits,
    /// Counters of polling.
    pub metrics: Metrics,
    /// Set while the disk is too full to poll.
    pub full: Arc<AtomicBool>,
    /// Differences between the servers' clocks and ours.
    pub clock_check: Arc<ClockCheck>,
    /// The hubs of sources, if they are listened to.
    pub announcements: Option<Arc<dyn Announcements>>,
    /// When the hosts of articles may be asked again.
    pub host_clock: Arc<HostClock>,
    /// This machine among several that share a log, if it is one of them.
    pub node: Option<Node>,
}

impl PollContext {
    /// Returns whether this machine may poll: alone it always may.
    pub(super) fn may_poll(&self) -> bool {
        self.node.as_ref().is_none_or(Node::polls)
    }
}

impl fmt::Debug for PollContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollContext").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Waits for the gap between two requests, if there is one.
pub(super) async fn wait(context: &PollContext, gap: Duration) {
    if !gap.is_zero() {
        (context.pause)(gap).await;
    }
}
