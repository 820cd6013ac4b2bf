//! Connects WebSub to the site and to polling: requests go in at the site, feeds come from there, and what hubs of sources
//! announce is polled.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;

use super::clock::now;
use super::error::DaemonError;
use crate::fetch::{self, Fetcher};
use crate::hub::{self, Arrival, Content, Found, Hub, Listener, Topics};
use crate::model::{Link, Moment, SourceId};
use crate::poll::{Announcements, Command};
use crate::serve::{CallbackDoor, Delivery, HubDoor, Metrics, Site};
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

#[derive(Debug)]
struct Callbacks(Arc<Listener>);

impl CallbackDoor for Callbacks {
    fn confirm(&self, token: &str, query: &str) -> Option<String> {
        self.0.confirm(token, query)
    }

    fn expect(&self, token: &str, signature: Option<&str>) -> Option<Box<dyn Delivery>> {
        self.0.expect(token, signature).map(|arrival| Box::new(Arriving(arrival)) as _)
    }
}

struct Arriving(Arrival);

impl Delivery for Arriving {
    fn take(&mut self, piece: &[u8]) {
        self.0.take(piece);
    }

    fn end(self: Box<Self>) -> bool {
        self.0.end()
    }
}

/// The hubs of sources, as polling sees them.
#[derive(Debug)]
pub(super) struct SourceHubs(pub(super) Arc<Listener>);

impl Announcements for SourceHubs {
    fn named(&self, source: &SourceId, hub: Option<(Link, String)>) {
        self.0.named(source, hub);
    }

    fn listed(&self, is_listed: &dyn Fn(&SourceId) -> bool) {
        self.0.forget_others(is_listed);
    }

    fn covers(&self, source: &SourceId, found: Option<Moment>) -> bool {
        self.0.covers(source, found)
    }
}

/// What runs of WebSub, as the config has it.
#[derive(Debug, Default)]
pub(super) struct Hubs {
    /// Our own hub.
    pub(super) hub: Option<Arc<Hub>>,
    /// What listens to the hubs of sources.
    pub(super) listener: Option<Arc<Listener>>,
}

/// Where the way to the poll loop is put when the loop runs.
pub(super) type CommandsTo = Arc<OnceLock<mpsc::Sender<Command>>>;

/// Returns what tells the poll loop that a hub has announced something, and where to put the way to the loop when it runs.
pub(super) fn announced() -> (hub::Call, CommandsTo) {
    let commands: CommandsTo = Arc::default();
    let to = Arc::clone(&commands);
    let call =
        move |source: &SourceId| to.get().is_some_and(|to| to.try_send(Command::Announced(source.clone())).is_ok());
    (Box::new(call), commands)
}

/// Opens what the config has of WebSub, over the store in this folder, and lets the site pass requests on to it.
pub(super) fn open(
    store: &Path,
    options: hub::Options,
    fetch: fetch::Options,
    site: &Arc<Site>,
    metrics: (Metrics, hub::Metrics),
    (call, trust): (hub::Call, hub::ClockTrust),
) -> Result<Hubs, DaemonError> {
    let mut hubs = Hubs::default();
    if !options.enabled && !options.subscribe {
        return Ok(hubs);
    }
    let (subscriptions, lost) = Subscriptions::open(&store.join("hub"))?;
    if lost {
        tracing::error!(event = "subscriptions_set_aside", aside = %store.join("hub.bad").display(), "the subscriptions of the hub were damaged and moved aside");
    }
    let subscriptions = Arc::new(subscriptions);
    let (serve_metrics, hub_metrics) = metrics;
    let fetch = fetch::Options { guard: options.guard, timeout: TIMEOUT, ..fetch };
    if options.enabled {
        let topics = Arc::new(SiteTopics { site: Arc::clone(site), metrics: serve_metrics });
        let fetcher = Fetcher::new(fetch.clone())?;
        let hub = Arc::new(Hub::new(fetcher, topics, Arc::clone(&subscriptions), now, trust, hub_metrics)?);
        site.open_hub(Arc::new(Door(Arc::clone(&hub))));
        hubs.hub = Some(hub);
    }
    if options.subscribe {
        let listener = Arc::new(Listener::new(Fetcher::new(fetch)?, subscriptions, now, site.callback_base(), call)?);
        site.open_callbacks(Arc::new(Callbacks(Arc::clone(&listener))));
        hubs.listener = Some(listener);
    }
    Ok(hubs)
}
