//! A subscription of the hub, and one of our own at the hub of a source.

use super::{Link, Moment, SourceId};

/// Somebody who wants to be sent a feed whenever it changes (WebSub).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// URL of the feed, as it names itself.
    pub topic: String,
    /// Where the feed is sent.
    pub callback: Link,
    /// Key of the signatures, if the subscriber gave one.
    pub secret: Option<Vec<u8>>,
    /// When it ends.
    pub until: Moment,
    /// Hash of the bytes that the subscriber took last; 0 if there were none yet.
    pub sent: u64,
    /// Number of failures since then.
    pub failures: u32,
}

/// Our own subscription at the hub that a source names (WebSub, section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSubscription {
    /// The source.
    pub source: SourceId,
    /// The hub.
    pub hub: Link,
    /// URL of what is subscribed to, as the source writes it.
    pub topic: String,
    /// Where the hub sends what is new. Its end is random, so that nobody else can.
    pub callback: String,
    /// Key of the hub's signatures; only hubs with TLS get one.
    pub secret: Option<String>,
    /// When the hub was last asked for it.
    pub asked: Moment,
    /// When it ends; in the past if the hub has not confirmed it.
    pub until: Moment,
    /// Time of the last delivery. `None` if something new was found at the source that the hub had not announced.
    pub pushed: Option<Moment>,
}
