//! The limits of the hub.

use std::time::Duration;

use crate::fetch::Guard;

/// Options of the hub.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether there is a hub.
    pub enabled: bool,
    /// Whether the hubs that sources name are listened to.
    pub subscribe: bool,
    /// Decides which callbacks are allowed, and which hubs of sources.
    pub guard: Guard,
}

/// Lease of a subscription that asks for none, in seconds; the ten days that the Recommendation suggests.
pub(super) const LEASE: i64 = 10 * 86_400;
/// Shortest lease, in seconds.
pub(super) const MIN_LEASE: i64 = 300;
/// Longest lease, in seconds.
pub(super) const MAX_LEASE: i64 = 30 * 86_400;

/// Maximum number of subscriptions.
pub(super) const MAX_SUBSCRIPTIONS: usize = 20_000;
/// Maximum number of subscriptions per callback host.
pub(super) const MAX_PER_HOST: usize = 2000;
/// Maximum number of requests that wait for their verification.
pub(super) const MAX_PENDING: usize = 4096;
/// The same per registrable domain of callbacks.
pub(super) const MAX_PENDING_PER_DOMAIN: usize = 32;
/// Number of verifications at one time.
pub(super) const VERIFYING: usize = 128;
/// Number of callbacks whose names are looked up at one time.
pub(super) const RESOLVING: usize = 32;
/// The same per registrable domain, which has one owner and any number of names.
pub(super) const RESOLVING_PER_DOMAIN: usize = 2;
/// A verification that its host's rate would delay longer than this is dropped.
pub(super) const MAX_VERIFICATION_DELAY: Duration = Duration::from_secs(60);

/// Number of deliveries at one time, to subscribers that took the last one.
pub(super) const FAST: usize = 256;
/// The same per callback host.
pub(super) const FAST_PER_HOST: usize = 16;
/// Number of deliveries at one time to subscribers that failed last.
pub(super) const SLOW: usize = 128;
/// The same per callback host.
pub(super) const SLOW_PER_HOST: usize = 4;
/// A delivery that takes longer leaves its place to another one.
pub(super) const PROMPT: Duration = Duration::from_secs(1);
/// How many of those may go on.
pub(super) const OVERTIME: usize = 256;
/// Wait after the first failed delivery; it doubles with every further one.
pub(super) const BACKOFF: Duration = Duration::from_secs(10);
/// Longest wait.
pub(super) const MAX_BACKOFF: Duration = Duration::from_secs(6 * 3600);

/// Number of feeds that are made at one time for subscribers.
pub(super) const MAKING: usize = 2;

/// Number of hubs of sources that are asked at one time.
pub(super) const ASKING: usize = 4;
/// Maximum number of sources whose hubs are listened to.
pub(super) const MAX_LISTENED: usize = 20_000;
/// After how long a hub is asked again that did not agree, in milliseconds.
pub(super) const ASK_AGAIN: i64 = 86_400_000;
/// Shortest wait before a subscription is renewed, in milliseconds.
pub(super) const MIN_WAIT: i64 = 3_600_000;
