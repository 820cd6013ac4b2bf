//! How the poll loop works.

use std::time::Duration;

use super::schedule::Pace;

/// Options of the poll loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Maximum number of concurrent polls.
    pub concurrency: usize,
    /// Minimum and maximum interval between polls of a source.
    pub pace: Pace,
    /// Minimum time between two requests to one host.
    pub host_gap: Duration,
}
