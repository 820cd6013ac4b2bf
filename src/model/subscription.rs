use super::{Link, Moment};

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
