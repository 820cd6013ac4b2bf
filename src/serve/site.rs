//! Everything that requests are answered from.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::sync::Semaphore;

use super::cache::ResponseCache;
use super::hub_door::{CallbackDoor, HubDoor};
use super::published::{PublishConfig, SourcePolicy};
use super::recent::RecentDocuments;
use crate::log::Log;
use crate::model::{Chronicle, ItemId, Moment, Policy};
use crate::search::SearchIndex;
use crate::view::{PollStates, View};

/// Number of documents of regions that are rendered at one time.
const MAX_RENDERINGS: usize = 2;
/// How many more requests may wait for that, per queue.
const MAX_WAITING: usize = 64;

/// The stores that documents are rendered from.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) log: Arc<Log>,
    pub(super) view: Arc<View>,
    pub(super) poll_states: Arc<PollStates>,
}

/// Everything that requests are answered from.
#[derive(Debug)]
pub struct Site {
    published: RwLock<Arc<PublishConfig>>,
    /// Reads the system clock.
    now: fn() -> Moment,
    store: OnceLock<Store>,
    /// The hub, once it is open.
    pub(super) hub: OnceLock<Arc<dyn HubDoor>>,
    /// Our callbacks, once they are answered.
    pub(super) callbacks: OnceLock<Arc<dyn CallbackDoor>>,
    /// How the sources fared.
    chronicle: RwLock<Arc<Chronicle>>,
    pub(super) cache: ResponseCache,
    pub(super) recent: RecentDocuments,
    /// Queue for the documents of regions.
    pub(super) main: Queue,
    /// Queue for documents that are requested rarely, so that they do not delay the others.
    pub(super) aside: Queue,
    /// Queue for searches.
    pub(super) searches: Queue,
    /// Absent if the site has no search.
    search: OnceLock<Arc<SearchIndex>>,
}

/// Limits how many documents are rendered at one time, and how many requests wait.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) working: Arc<Semaphore>,
    pub(super) waiting: Semaphore,
}

impl Queue {
    fn new(at_once: usize) -> Self {
        Self { working: Arc::new(Semaphore::new(at_once)), waiting: Semaphore::new(at_once + MAX_WAITING) }
    }
}

impl Site {
    /// Creates a site whose store is not open yet.
    pub fn new(published: PublishConfig, now: fn() -> Moment) -> Self {
        let room = published.options.cache_size;
        Self {
            published: RwLock::new(Arc::new(published)),
            now,
            store: OnceLock::new(),
            hub: OnceLock::new(),
            callbacks: OnceLock::new(),
            chronicle: RwLock::default(),
            cache: ResponseCache::new(room),
            recent: RecentDocuments::default(),
            main: Queue::new(MAX_RENDERINGS),
            aside: Queue::new(1),
            searches: Queue::new(1),
            search: OnceLock::new(),
        }
    }

    /// Passes in the store; from now on feeds are served. `since` is the time from which the config has given these
    /// documents.
    pub fn open(&self, log: Arc<Log>, view: Arc<View>, poll_states: Arc<PollStates>, since: Moment) {
        self.cache.forget_all(since);
        // A second call would pass in the same store.
        drop(self.store.set(Store { log, view, poll_states }));
    }

    /// Passes in how the sources fared.
    pub fn tell(&self, chronicle: Arc<Chronicle>) {
        *self.chronicle.write().unwrap_or_else(PoisonError::into_inner) = chronicle;
    }

    pub(super) fn chronicle(&self) -> Arc<Chronicle> {
        Arc::clone(&self.chronicle.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the current hour, counted since 1970.
    pub(super) fn hour(&self) -> i64 {
        (self.now)().seconds().div_euclid(3600)
    }

    /// Passes in the hub; from now on it is asked.
    pub fn open_hub(&self, hub: Arc<dyn HubDoor>) {
        // A second call would pass in the same hub.
        drop(self.hub.set(hub));
    }

    /// Passes in what answers at our callbacks.
    pub fn open_callbacks(&self, callbacks: Arc<dyn CallbackDoor>) {
        // A second call would pass in the same callbacks.
        drop(self.callbacks.set(callbacks));
    }

    /// Passes in the search index; from now on searches are answered.
    pub fn open_search(&self, index: Arc<SearchIndex>) {
        // A second call would pass in the same index.
        drop(self.search.set(index));
    }

    /// Returns whether the site is to have a search; its index may not be there yet.
    pub(super) fn has_search(&self) -> bool {
        self.published().options.search
    }

    pub(super) fn search(&self) -> Option<&SearchIndex> {
        self.search.get().map(AsRef::as_ref)
    }

    /// Returns a number that is another one whenever the view or the search index has changed.
    pub(super) fn version(&self) -> u64 {
        let applied = self.store().map_or(0, |store| store.view.applied());
        applied ^ self.search().map_or(0, SearchIndex::version).rotate_left(40)
    }

    /// Returns whether feeds are served.
    pub fn is_open(&self) -> bool {
        self.store.get().is_some()
    }

    /// Applies a new config and clears the caches; the new documents are dated from `since` on.
    pub fn publish(&self, published: PublishConfig, since: Moment) {
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(published);
        self.cache.forget_all(since);
        self.recent.forget_all();
    }

    /// Removes every document from the caches at once, after a decision that must hold from now on. Their dates stay: a
    /// document that comes out the same is the same to readers.
    pub fn forget_documents(&self) {
        self.cache.forget_documents();
        self.recent.forget_all();
    }

    /// Removes the feeds and pages of the regions that hold these tags from the cache, at most once a second, until the
    /// sender is dropped; `tell` learns of these regions afterwards.
    pub async fn forget(
        &self,
        mut changed: tokio::sync::mpsc::Receiver<Vec<crate::model::RegionId>>,
        tell: impl Fn(&std::collections::HashSet<crate::model::RegionId>),
    ) {
        const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
        while let Some(mut tags) = changed.recv().await {
            while let Ok(more) = changed.try_recv() {
                tags.extend(more);
            }
            tags.sort();
            tags.dedup();
            let published = self.published();
            let regions: std::collections::HashSet<_> =
                tags.iter().flat_map(|tag| published.regions.holders(tag)).collect();
            self.cache.forget(&regions);
            tell(&regions);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Returns a hash of the version, the publishing options, the regions and the sources, which decide how documents look. If the
    /// system chose the port, the public URL differs after each start and is left out.
    pub fn looks(&self, has_own_address: bool) -> [u8; 32] {
        let published = self.published();
        let mut options = published.options.clone();
        if !has_own_address {
            options.public_url.clear();
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{} {options:?}", env!("CARGO_PKG_VERSION")).as_bytes());
        // One source per line; ids contain no white space.
        for source in &published.listing {
            for text in ["\n", source.id.as_str(), " ", &source.title] {
                hasher.update(text.as_bytes());
            }
            if !source.topics.is_empty() || source.rights.is_some() || source.policy != Policy::default() {
                hasher.update(format!(" {:?}", SourcePolicy::of(source)).as_bytes());
            }
        }
        hasher.update(format!("\n{:?}", published.topics).as_bytes());
        let mut regions: Vec<_> = published.regions.all().collect();
        regions.sort_by(|one, other| one.id.cmp(&other.id));
        for region in regions {
            hasher.update(format!("\n{region:?}").as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    pub(super) fn published(&self) -> Arc<PublishConfig> {
        Arc::clone(&self.published.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the story that an item joined; `None` if it is its own.
    pub(super) fn joined(&self, item: ItemId) -> Option<ItemId> {
        let view = &self.store()?.view;
        let story = view.story(view.find(item)?)?;
        (story.id != item).then_some(story.id)
    }

    pub(super) fn store(&self) -> Option<&Store> {
        self.store.get()
    }
}
