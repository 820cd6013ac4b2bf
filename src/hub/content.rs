//! A finished feed, and the trait of whoever makes it.

use bytes::Bytes;
use futures_util::future::BoxFuture;

/// A finished feed. Its bytes are shared by everybody who is sent them.
#[derive(Clone, Debug)]
pub struct Content {
    /// Media type.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
    /// Hash of the bytes; never 0.
    pub hash: u64,
}

/// What was found under the URL of a topic.
#[derive(Clone, Debug)]
pub enum Found {
    /// The feed.
    Content(Content),
    /// It cannot be made now.
    Later,
    /// There is no such feed any more.
    Nothing,
}

/// The feeds that can be subscribed.
pub trait Topics: Send + Sync + std::fmt::Debug {
    /// Returns whether there is a feed under this URL.
    fn is_known(&self, topic: &str) -> bool;
    /// Returns the feed under this URL as it is now.
    fn content<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Found>;
    /// Returns the URL of the hub itself.
    fn hub_url(&self) -> String;
}
