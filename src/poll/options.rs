//! How the poll loop works.

use super::schedule::Pace;

/// How the loop works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many sources are polled at one time.
    pub concurrency: usize,
    /// How fast a source may be polled.
    pub pace: Pace,
    /// Milliseconds between two requests to one host.
    pub host_gap: i64,
}
