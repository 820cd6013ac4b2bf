//! What every poll works with.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::commit::Ledger;
use super::metrics::Metrics;
use super::quota::Limits;
use super::skews::Skews;
use crate::fetch::Fetcher;
use crate::model::Moment;
use crate::view::{View, Visits};

/// The present moment. Only the daemon reads the clock; tests bring their own.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// Waits for so long. Only the daemon waits by the real clock; tests bring their own.
pub type Pause = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What a turn works with.
#[derive(Clone)]
pub struct House {
    /// The guarded HTTP client that all requests go through.
    pub fetcher: Arc<Fetcher>,
    /// What is known.
    pub view: Arc<View>,
    /// What is remembered of sources.
    pub visits: Arc<Visits>,
    /// The way to the log.
    pub ledger: Ledger,
    /// The present moment.
    pub clock: Clock,
    /// How to wait between two requests to one host.
    pub pause: Pause,
    /// Limits on what is accepted from a source.
    pub limits: Limits,
    /// What is counted.
    pub metrics: Metrics,
    /// Is the disk so full that nothing may be polled?
    pub full: Arc<AtomicBool>,
    /// How far the clocks of servers are from ours.
    pub skews: Arc<Skews>,
}

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("House").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Waits for so many milliseconds.
pub(super) async fn wait(house: &House, gap: i64) {
    if gap > 0 {
        (house.pause)(Duration::from_millis(u64::try_from(gap).unwrap_or(0))).await;
    }
}
