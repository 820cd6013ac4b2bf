//! The index that finds recent items whose text or facts resemble a new one's, by shared hashes.
//!
//! Its contents follow from the items and their newest texts in the log alone, so that a reopened view decides like one
//! that was never closed.

use std::collections::VecDeque;

use super::index::Index;
use crate::model::Moment;

/// How far apart two items of one story may be published, in milliseconds.
pub(super) const WINDOW: i64 = 14 * 86_400_000;
/// How long an item is looked up at least after it was first seen, in milliseconds.
pub(super) const INDEXED_FOR: i64 = WINDOW + 2 * 86_400_000;
/// A hash that more items than this share is boilerplate.
const MAX_BEARERS: usize = 32;
/// This many items stay in the index even if they are too old: looking them up is cheap.
pub(super) const MIN_INDEXED: usize = 20_000;
/// Maximum number of reports of a story, besides the first, that later items are compared with: a story everyone prints
/// is found by its first reports, and more would look like boilerplate.
pub(super) const MAX_ALIKE: usize = 8;
/// Minimum shared weight of two sketches for a comparison.
const MIN_SHARED: u64 = 2;
/// Number of bits for the weight of a hash.
const WORTH_BITS: u32 = 2;

/// An item in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    first: u64,
    seen: Moment,
    sketch: Box<[u32]>,
}

#[derive(Debug, Default)]
pub(super) struct SimilarityIndex {
    by_shingle: Index<16>,
    /// Sorted by first report.
    entries: VecDeque<Entry>,
    /// All items before this one are too old for good.
    from: u64,
}

/// The index follows from the entries, so only these are compared.
impl PartialEq for SimilarityIndex {
    fn eq(&self, other: &Self) -> bool {
        (&self.entries, self.from) == (&other.entries, other.from)
    }
}

/// Returns a hash as stored in the index.
fn key(hash: u32) -> u64 {
    u64::from(hash) << 32
}

impl SimilarityIndex {
    /// Builds an index of these items, sorted by first report; all items before `from` are too old.
    pub(super) fn of_all(items: Vec<(u64, Moment, Vec<u32>)>, from: u64) -> Self {
        let items = items.into_iter().filter(|(.., sketch)| !sketch.is_empty());
        let entries: VecDeque<Entry> =
            items.map(|(first, seen, sketch)| Entry { first, seen, sketch: sketch.into() }).collect();
        let pairs = entries.iter().flat_map(|entry| entry.sketch.iter().map(|hash| (key(*hash), entry.first)));
        Self { by_shingle: Index::of_all(pairs), entries, from }
    }

    /// Inserts an item with the sketch of its text, replacing its former sketch. An empty sketch (text too short)
    /// removes it.
    pub(super) fn put(&mut self, first: u64, seen: Moment, sketch: Vec<u32>) {
        self.remove(first);
        if sketch.is_empty() || first < self.from {
            return;
        }
        for hash in &sketch {
            self.by_shingle.insert(key(*hash), first, self.from);
        }
        let at = self.entries.partition_point(|entry| entry.first < first);
        self.entries.insert(at, Entry { first, seen, sketch: sketch.into() });
    }

    /// Returns the first item that is not too old for good.
    pub(super) const fn from(&self) -> u64 {
        self.from
    }

    /// Returns the sketch of an indexed item.
    pub(super) fn sketch(&self, first: u64) -> Option<&[u32]> {
        let at = self.entries.binary_search_by_key(&first, |entry| entry.first).ok()?;
        self.entries.get(at).map(|entry| &*entry.sketch)
    }

    /// Returns whether the item is in the index.
    pub(super) fn holds(&self, first: u64) -> bool {
        self.entries.binary_search_by_key(&first, |entry| entry.first).is_ok()
    }

    pub(super) fn remove(&mut self, first: u64) {
        let found = self.entries.binary_search_by_key(&first, |entry| entry.first).ok();
        let Some(entry) = found.and_then(|at| self.entries.remove(at)) else { return };
        for hash in &entry.sketch {
            self.by_shingle.remove(key(*hash), first);
        }
    }

    /// Removes items that are too old to be compared with anything new.
    pub(super) fn move_on(&mut self, now: Moment) {
        while self.entries.len() > MIN_INDEXED
            && self.entries.front().is_some_and(|entry| now.since(entry.seen) > INDEXED_FOR)
        {
            self.from = self.entries.pop_front().map_or(self.from, |entry| entry.first + 1);
        }
    }

    /// Returns the items that share enough with a sketch, best matches first. `worth` gives the weight of a hash, up to
    /// 3.
    pub(super) fn of(&self, sketch: &[u32], worth: impl Fn(u32) -> u64) -> Vec<u64> {
        // Item and weight are packed into one number because there are many of them.
        let mut postings: Vec<u64> = Vec::new();
        for hash in sketch {
            let worth = worth(*hash);
            let found = self.by_shingle.up_to(MAX_BEARERS, key(*hash), self.from);
            postings.extend(found.map(|first| first << WORTH_BITS | worth));
        }
        postings.sort_unstable();
        let worth = |bearer: &u64| bearer & ((1 << WORTH_BITS) - 1);
        let mut found: Vec<(u64, u64)> = postings
            .chunk_by(|one, next| one >> WORTH_BITS == next >> WORTH_BITS)
            .filter_map(|same| Some((same.iter().map(worth).sum(), same.first()? >> WORTH_BITS)))
            .filter(|(count, _)| *count >= MIN_SHARED)
            .collect();
        found.sort_unstable_by_key(|(count, first)| (std::cmp::Reverse(*count), *first));
        found.into_iter().map(|(_, first)| first).collect()
    }
}
