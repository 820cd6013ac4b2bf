//! A short-lived cache of documents that are rendered on request: requests for the same document at the same time share
//! its bytes, however slowly the clients read them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::document::{Coding, Document, Rendered};
use super::part::Part;
use super::selection::Selection;
use crate::model::{ItemId, RegionId};
use crate::write::{Format, Language};

/// Key of a document that is rendered on request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The page of an item in one hour, counted since 1970.
    Item(ItemId, Language, i64),
    /// A page of stories that is not cached for long: older ones, or those of a topic or a source.
    Stories(Selection, Language, i64),
    /// The feed of a topic, or of the whole site.
    StoriesFeed(Selection, Format),
    Regions(Language),
    About(Language),
    /// Archives are read rarely, and all of them in turn: in the other cache they would push out the feeds.
    Archive(RegionId, Part),
    Sources(Language),
    SourcesFeed,
    Digest,
    OpenSearch,
    /// Results of a search, by the hash of everything that was asked, and whether they are a page.
    Search(u128, bool),
}

impl Key {
    pub(super) const fn is_page(&self) -> bool {
        match self {
            Self::Item(..) | Self::Stories(..) | Self::Regions(_) | Self::About(_) | Self::Sources(_) => true,
            Self::Archive(..) | Self::StoriesFeed(..) | Self::SourcesFeed | Self::Digest | Self::OpenSearch => false,
            Self::Search(_, is_page) => *is_page,
        }
    }
}

/// Maximum number of documents in the cache, and their maximum total size in bytes.
const MAX_DOCUMENTS: usize = 64;
const MAX_BYTES: usize = 16 << 20;
/// Maximum age of the page and the feed of the sources, which show poll states that `seq` does not cover.
const AGE: Duration = Duration::from_secs(1);

/// The documents, newest last.
#[derive(Debug, Default)]
pub(super) struct RecentDocuments(Mutex<Vec<Held>>);

#[derive(Debug)]
struct Held {
    key: Key,
    made: Instant,
    /// The version of the view and the search index when the document was rendered.
    seq: u64,
    document: Arc<Document>,
}

impl RecentDocuments {
    /// Returns the document if it is still current; `seq` is the version of the view and the search index.
    pub(super) fn get(&self, key: &Key, seq: u64) -> Option<Arc<Document>> {
        let held = self.lock();
        let found = held.iter().find(|held| held.key == *key)?;
        let is_valid = match key {
            Key::Sources(_) | Key::SourcesFeed | Key::Digest | Key::OpenSearch => found.made.elapsed() < AGE,
            _ => found.seq == seq,
        };
        is_valid.then(|| Arc::clone(&found.document))
    }

    /// Finishes a draft and caches it; if the cached document has the same bytes and date, that one is kept.
    pub(super) fn finish(&self, key: Key, seq: u64, draft: Rendered) -> Arc<Document> {
        let same =
            self.lock().iter().find(|held| held.key == key).map(|held| Arc::clone(&held.document)).filter(|known| {
                known.last_modified == draft.changed
                    && known.representation(Coding::Identity).is_some_and(|plain| *plain.bytes == *draft.bytes)
            });
        let document = same.unwrap_or_else(|| Arc::new(draft.finish()));
        let mut held = self.lock();
        held.retain(|held| held.key != key);
        held.push(Held { key, made: Instant::now(), seq, document: Arc::clone(&document) });
        let mut used: usize = held.iter().map(|held| held.document.size()).sum();
        let mut dropped = 0;
        while dropped < held.len() && (held.len() - dropped > MAX_DOCUMENTS || used > MAX_BYTES) {
            used -= held.get(dropped).map_or(0, |held| held.document.size());
            dropped += 1;
        }
        held.drain(..dropped);
        document
    }

    /// Clears the cache.
    pub(super) fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
