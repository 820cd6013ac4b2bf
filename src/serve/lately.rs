//! What was made lately for single requests: those who ask for the same at the same time share its bytes, however slowly
//! they take them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::desk::Draft;
use super::document::{Coding, Document};
use crate::model::ItemId;
use crate::write::Language;

/// What is made for single requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Item(ItemId, Language),
    Sources(Language),
    SourcesFeed,
}

/// The most documents that are held, and the most bytes of them.
const MOST: usize = 64;
const ROOM: usize = 16 << 20;
/// How old the page of the sources may be: between two polls nothing on it changes but ages.
const AGE: Duration = Duration::from_secs(1);

/// The documents, the newest at the end.
#[derive(Debug, Default)]
pub(super) struct Lately(Mutex<Vec<Held>>);

#[derive(Debug)]
struct Held {
    key: Key,
    made: Instant,
    /// The newest record that the view held when it was made.
    seq: u64,
    document: Arc<Document>,
}

impl Lately {
    /// The document, where it is what would be made now; `seq` is the newest record that the view holds.
    pub(super) fn get(&self, key: Key, seq: u64) -> Option<Arc<Document>> {
        let held = self.lock();
        let found = held.iter().find(|held| held.key == key)?;
        let is_valid = match key {
            Key::Item(..) => found.seq == seq,
            Key::Sources(_) | Key::SourcesFeed => found.made.elapsed() < AGE,
        };
        is_valid.then(|| Arc::clone(&found.document))
    }

    /// The finished document of a draft: the one that is held, where its bytes are the same.
    pub(super) fn finish(&self, key: Key, seq: u64, draft: Draft) -> Arc<Document> {
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
        while dropped < held.len() && (held.len() - dropped > MOST || used > ROOM) {
            used -= held.get(dropped).map_or(0, |held| held.document.size());
            dropped += 1;
        }
        held.drain(..dropped);
        document
    }

    /// Forgets everything.
    pub(super) fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
