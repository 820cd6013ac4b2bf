//! Connects the hub to the site: requests go in there, feeds come from there.

use std::path::Path;
use std::sync::Arc;

use super::clock::now;
use super::error::DaemonError;
use crate::fetch::{self, Fetcher};
use crate::hub::{self, Content, Found, Hub, Topics};
use crate::serve::{HubDoor, Metrics, Site};
use crate::view::Subscriptions;

/// Time limit of a request to a subscriber.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// The feeds of the site.
#[derive(Debug)]
struct SiteTopics {
    site: Arc<Site>,
    metrics: Metrics,
}

impl Topics for SiteTopics {
    fn is_known(&self, topic: &str) -> bool {
        self.site.is_feed(topic)
    }

    fn content<'a>(&'a self, topic: &'a str) -> futures_util::future::BoxFuture<'a, Found> {
        Box::pin(async move {
            if !self.site.is_feed(topic) {
                return Found::Nothing;
            }
            let Some(feed) = self.site.feed(topic, &self.metrics).await else { return Found::Later };
            let hash = blake3::hash(&feed.bytes);
            let hash = hash.as_bytes().first_chunk().map_or(1, |first| u64::from_le_bytes(*first).max(1));
            Found::Content(Content { media_type: feed.media_type, bytes: feed.bytes, hash })
        })
    }

    fn hub_url(&self) -> String {
        self.site.hub_url()
    }
}

#[derive(Debug)]
struct Door(Arc<Hub>);

impl HubDoor for Door {
    fn ask(&self, form: &[u8]) -> (u16, String) {
        let reply = self.0.ask(form);
        (reply.status, reply.text)
    }
}

/// Opens the hub over the store in this folder, and lets the site pass requests on to it.
pub(super) fn open(
    store: &Path,
    options: hub::Options,
    fetch: fetch::Options,
    site: &Arc<Site>,
    metrics: (Metrics, hub::Metrics),
) -> Result<Arc<Hub>, DaemonError> {
    let (subscriptions, lost) = Subscriptions::open(&store.join("hub"))?;
    if lost {
        tracing::error!(aside = %store.join("hub.bad").display(), "the subscriptions of the hub were damaged and moved aside");
    }
    let (serve_metrics, hub_metrics) = metrics;
    let fetcher = Fetcher::new(fetch::Options { guard: options.guard, timeout: TIMEOUT, ..fetch })?;
    let topics = Arc::new(SiteTopics { site: Arc::clone(site), metrics: serve_metrics });
    let hub = Arc::new(Hub::new(fetcher, topics, Arc::new(subscriptions), now, hub_metrics)?);
    site.open_hub(Arc::new(Door(Arc::clone(&hub))));
    Ok(hub)
}
