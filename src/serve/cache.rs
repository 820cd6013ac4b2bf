//! The response cache: finished documents, until what they show changes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::header::HeaderValue;
use tokio::sync::OnceCell;

use super::document::Document;
use super::filter::Filter;
use super::published::Options;
use crate::model::{Moment, RegionId};
use crate::write::{Format, Language};

/// Key of a document that is cached. The number of keys is bounded by the regions and sources, not by what clients
/// request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// The feed of a region, or that part of it which the filter leaves.
    Feed(RegionId, Format, Filter),
    /// The page of a region in one hour, counted since 1970.
    Region(RegionId, Language, i64),
    Home(Language, i64),
    Opml,
}

impl Key {
    /// Returns the path under which a document is requested most; `None` for pages, which differ by language, and for
    /// filtered feeds.
    fn path(&self) -> Option<String> {
        match self {
            Self::Feed(region, format, filter) if filter.is_none() => {
                Some(format!("/regions/{region}/{}", format.file()))
            }
            Self::Opml => Some("/opml.xml".to_owned()),
            Self::Feed(..) | Self::Region(..) | Self::Home(..) => None,
        }
    }

    /// Returns the `Link` header by which a document that can be subscribed names itself and its hub (WebSub, section 4).
    pub(super) fn links(&self, options: &Options) -> Option<HeaderValue> {
        let Self::Feed(region, format, filter) = self else { return None };
        if !filter.is_none() {
            return None;
        }
        let (hub, own) = (options.hub_url()?, options.feed_url(region, *format));
        HeaderValue::try_from(format!("<{hub}>; rel=\"hub\", <{own}>; rel=\"self\"")).ok()
    }

    pub(super) const fn is_page(&self) -> bool {
        matches!(self, Self::Region(..) | Self::Home(..))
    }
}

/// Maximum number of documents whose last date is remembered.
const MAX_DATES: usize = 40_000;

/// A cache of finished documents, bounded in bytes.
#[derive(Debug)]
pub(super) struct ResponseCache {
    room: usize,
    inner: Mutex<Inner>,
}

pub(super) type Place = Arc<OnceCell<Arc<Document>>>;

#[derive(Debug, Default)]
struct Inner {
    places: HashMap<Key, Place>,
    /// The same documents by request path, so that the common case takes a single look-up.
    paths: HashMap<String, Arc<Document>>,
    /// The keys and sizes in the order in which the documents were finished.
    finished: VecDeque<(Key, usize)>,
    used: usize,
    /// Hash and date of the last bytes under each key, so that other bytes never get the same date.
    last: HashMap<Key, (blake3::Hash, Moment)>,
    /// Earliest date of a document whose last date is not known: a change of the config may have changed its bytes
    /// since.
    floor: Moment,
}

impl ResponseCache {
    pub(super) fn new(room: usize) -> Self {
        Self { room, inner: Mutex::default() }
    }

    /// Returns the finished document, if there is one.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Document>> {
        self.lock().places.get(key)?.get().cloned()
    }

    /// Returns the finished document for a request with this path and without a query, if there is one.
    pub(super) fn at(&self, path: &str) -> Option<Arc<Document>> {
        self.lock().paths.get(path).cloned()
    }

    /// Returns the slot of a document, which the first request fills while the others wait.
    pub(super) fn place(&self, key: &Key) -> Place {
        Arc::clone(self.lock().places.entry(key.clone()).or_default())
    }

    /// Removes a slot that could not be filled.
    pub(super) fn abandon(&self, key: &Key) {
        let mut inner = self.lock();
        if inner.places.get(key).is_some_and(|place| !place.initialized()) {
            inner.places.remove(key);
        }
    }

    /// Returns the date for new bytes: the time of their last change, but later than the date of other bytes before
    /// them.
    pub(super) fn date(&self, key: &Key, hash: blake3::Hash, changed: Moment) -> Moment {
        let mut inner = self.lock();
        let date = match inner.last.get(key) {
            Some((before, date)) if *before == hash => *date,
            Some((_, date)) if date.seconds() >= changed.seconds() => date.plus_seconds(1),
            Some(_) => changed,
            None => changed.max(inner.floor),
        };
        // When the dates are forgotten, the newest of them becomes the floor.
        if inner.last.len() >= MAX_DATES && !inner.last.contains_key(key) {
            inner.floor = inner.last.values().map(|(_, date)| *date).max().unwrap_or(inner.floor).max(inner.floor);
            inner.last.clear();
        }
        inner.last.insert(key.clone(), (hash, date));
        date
    }

    /// Adds a finished document, and evicts the oldest ones beyond the size limit.
    pub(super) fn finished(&self, key: &Key, place: &Place, document: &Arc<Document>) {
        let mut inner = self.lock();
        // A document that was invalidated while it was rendered is not kept.
        if !inner.places.get(key).is_some_and(|kept| Arc::ptr_eq(kept, place)) {
            return;
        }
        if let Some(path) = key.path() {
            inner.paths.insert(path, Arc::clone(document));
        }
        let size = document.size();
        inner.used += size;
        inner.finished.push_back((key.clone(), size));
        while inner.used > self.room
            && let Some((oldest, size)) = inner.finished.pop_front()
        {
            inner.used -= size;
            inner.places.remove(&oldest);
            if let Some(path) = oldest.path() {
                inner.paths.remove(&path);
            }
        }
    }

    pub(super) fn forget(&self, regions: &HashSet<RegionId>) {
        self.forget_where(|key| match key {
            // A region above may have changed, too.
            Key::Feed(region, _, filter) => regions.contains(region) || filter.reach.has_above,
            Key::Region(region, ..) => regions.contains(region),
            Key::Home(..) | Key::Opml => true,
        });
    }

    /// Returns the earliest date of any document.
    pub(super) fn floor(&self) -> Moment {
        self.lock().floor
    }

    /// Clears the cache; documents that are rendered from now on get a date after `floor`.
    pub(super) fn forget_all(&self, floor: Moment) {
        let mut inner = self.lock();
        // Dates in HTTP have whole seconds, so the floor must be later than anything sent within this second.
        inner.floor = inner.floor.max(Moment::from_seconds(floor.seconds() + 1));
        drop(inner);
        self.forget_where(|_| true);
    }

    /// Removes all documents.
    pub(super) fn forget_documents(&self) {
        self.forget_where(|_| true);
    }

    fn forget_where(&self, is_stale: impl Fn(&Key) -> bool) {
        let mut inner = self.lock();
        let stale: Vec<String> = inner.places.keys().filter(|key| is_stale(key)).filter_map(Key::path).collect();
        for path in stale {
            inner.paths.remove(&path);
        }
        inner.places.retain(|key, _| !is_stale(key));
        let mut freed = 0;
        inner.finished.retain(|(key, size)| {
            let stays = !is_stale(key);
            freed += if stays { 0 } else { *size };
            stays
        });
        inner.used -= freed;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
