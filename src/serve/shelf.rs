use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::document::Document;
use crate::model::{Moment, RegionId, SourceId};
use crate::write::{Format, Language};

/// A document that is worth keeping. Their number is bounded by that of the regions, never by what is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// Of one source only, where it is named.
    Feed(RegionId, Format, Option<SourceId>),
    Region(RegionId, Language),
    Home(Language),
    Opml,
}

impl Key {
    /// The one path under which a document is asked for most; pages differ by language and have none.
    fn path(&self) -> Option<String> {
        match self {
            Self::Feed(region, format, None) => Some(format!("/regions/{region}/{}", format.file())),
            Self::Opml => Some("/opml.xml".to_owned()),
            Self::Feed(..) | Self::Region(..) | Self::Home(_) => None,
        }
    }

    pub(super) const fn is_page(&self) -> bool {
        matches!(self, Self::Region(..) | Self::Home(_))
    }
}

/// The most documents whose last date is known.
const MAX_DATES: usize = 40_000;

/// Finished documents, bounded in bytes.
#[derive(Debug)]
pub(super) struct Shelf {
    room: usize,
    inner: Mutex<Inner>,
}

pub(super) type Place = Arc<OnceCell<Arc<Document>>>;

#[derive(Debug, Default)]
struct Inner {
    places: HashMap<Key, Place>,
    /// The same documents by the path of a request, so that the common one needs no more than a look.
    paths: HashMap<String, Arc<Document>>,
    /// In the order in which they were finished.
    finished: VecDeque<(Key, usize)>,
    used: usize,
    /// The hash and date of what last stood there, so that a date never stays the same under other bytes.
    last: HashMap<Key, (blake3::Hash, Moment)>,
    /// No document whose last date is not known is older than this: the config may have made other bytes of it since.
    floor: Moment,
}

impl Shelf {
    pub(super) fn new(room: usize) -> Self {
        Self { room, inner: Mutex::default() }
    }

    /// The finished document, where there is one.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Document>> {
        self.lock().places.get(key)?.get().cloned()
    }

    /// The finished document that a request without a query asks for by this path, where there is one.
    pub(super) fn at(&self, path: &str) -> Option<Arc<Document>> {
        self.lock().paths.get(path).cloned()
    }

    /// The place of a document, to be filled by whoever comes first while the others wait.
    pub(super) fn place(&self, key: &Key) -> Place {
        Arc::clone(self.lock().places.entry(key.clone()).or_default())
    }

    /// Gives back a place that could not be filled.
    pub(super) fn abandon(&self, key: &Key) {
        let mut inner = self.lock();
        if inner.places.get(key).is_some_and(|place| !place.initialized()) {
            inner.places.remove(key);
        }
    }

    /// The date for new bytes: that of their newest change, but later than that of other bytes before.
    pub(super) fn date(&self, key: &Key, hash: blake3::Hash, changed: Moment) -> Moment {
        let mut inner = self.lock();
        let date = match inner.last.get(key) {
            Some((before, date)) if *before == hash => *date,
            Some((_, date)) if date.seconds() >= changed.seconds() => date.plus_seconds(1),
            Some(_) => changed,
            None => changed.max(inner.floor),
        };
        // Of what is no longer known the floor is the date.
        if inner.last.len() >= MAX_DATES && !inner.last.contains_key(key) {
            inner.floor = inner.last.values().map(|(_, date)| *date).max().unwrap_or(inner.floor).max(inner.floor);
            inner.last.clear();
        }
        inner.last.insert(key.clone(), (hash, date));
        date
    }

    /// Counts a finished document, and makes room.
    pub(super) fn finished(&self, key: &Key, place: &Place, document: &Arc<Document>) {
        let mut inner = self.lock();
        // What changed while it was made is not kept.
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
            Key::Feed(region, ..) | Key::Region(region, _) => regions.contains(region),
            Key::Home(_) | Key::Opml => true,
        });
    }

    /// No document is older than this.
    pub(super) fn floor(&self) -> Moment {
        self.lock().floor
    }

    /// Forgets everything: it is made otherwise from `floor` on.
    pub(super) fn forget_all(&self, floor: Moment) {
        let mut inner = self.lock();
        // A date of HTTP has whole seconds: what was given out within the same one must be older.
        inner.floor = inner.floor.max(Moment::from_seconds(floor.seconds() + 1));
        drop(inner);
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
