//! The feeds of the site as topics that can be subscribed.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::cache::Key;
use super::document::Coding;
use super::filter::Filter;
use super::handler::cached;
use super::metrics::Metrics;
use super::route::Route;
use super::site::Site;
use crate::model::{Named, RegionId};
use crate::write::Format;

/// A finished feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Media type.
    pub media_type: String,
    /// The bytes, as everybody gets them who asks for the feed.
    pub bytes: Bytes,
}

impl Site {
    /// Returns whether a region's feed has this URL.
    pub fn is_feed(&self, url: &str) -> bool {
        self.feed_key(url).is_some()
    }

    /// Returns the feed under a URL, from the cache if it is there; `None` if it cannot be made now.
    pub async fn feed(self: &Arc<Self>, url: &str, metrics: &Metrics) -> Option<Feed> {
        let document = cached(self, metrics, &self.feed_key(url)?).await.ok()?;
        let bytes = document.representation(Coding::Identity)?.bytes.clone();
        Some(Feed { media_type: document.media_type.to_str().ok()?.to_owned(), bytes })
    }

    /// Returns the URLs of the feeds of these regions.
    pub fn feed_urls(&self, regions: &HashSet<RegionId>) -> Vec<String> {
        let published = self.published();
        let of = |region| Format::ALL.map(|format| published.options.feed_url(region, format));
        regions.iter().flat_map(of).collect()
    }

    /// Returns the URL of the hub.
    pub fn hub_url(&self) -> String {
        self.published().options.hub_url().unwrap_or_default()
    }

    /// Returns what our callbacks begin with.
    pub fn callback_base(&self) -> String {
        self.published().options.callback_base()
    }

    fn feed_key(&self, url: &str) -> Option<Key> {
        let published = self.published();
        let path = url.strip_prefix(published.options.public_url.as_str())?;
        let Route::Feed(name, format) = Route::of(path) else { return None };
        let Some(Named::Region(region)) = published.regions.named(name) else { return None };
        // A feed has one URL: the one that it names itself.
        (published.options.feed_url(&region.id, format) == url)
            .then(|| Key::Feed(region.id.clone(), format, Filter::default()))
    }
}
