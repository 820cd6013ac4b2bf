//! The index that finds recent items whose text or facts resemble a new one's, by shared hashes.
//!
//! Its contents follow from the items and their newest texts in the log alone, so that a reopened view decides like one
//! that was never closed.

use std::collections::{HashMap, VecDeque};

use super::index::Index;
use super::numbers::{ItemNo, SourceNo};
use crate::model::Moment;

/// How far apart two items of one story may be published, in milliseconds.
pub(super) const WINDOW: i64 = 14 * 86_400_000;
/// How long an item is looked up at least after it was first seen, in milliseconds.
pub(super) const INDEXED_FOR: i64 = WINDOW + 2 * 86_400_000;
/// A hash that more items than this share is boilerplate.
const MAX_BEARERS: usize = 32;
/// A hash that more items share is boilerplate of those sources that have more than this many of them.
const MAX_OWN: usize = 8;
/// A hash that more items share is boilerplate whoever has them: its items are not even counted by source.
const MAX_COUNTED: usize = 4096;
/// So many of them are looked at before all are counted.
const SAMPLE: usize = 2 * MAX_BEARERS;
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
    item: ItemNo,
    seen: Moment,
    sketch: Box<[u32]>,
}

#[derive(Debug, Default)]
pub(super) struct SimilarityIndex {
    by_shingle: Index<16>,
    /// Sorted by item.
    entries: VecDeque<Entry>,
    /// All items before this one are too old for good.
    from: ItemNo,
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
    /// Builds an index of these items, sorted by number; all items before `from` are too old.
    pub(super) fn of_all(items: Vec<(ItemNo, Moment, Vec<u32>)>, from: ItemNo) -> Self {
        let items = items.into_iter().filter(|(.., sketch)| !sketch.is_empty());
        let entries: VecDeque<Entry> =
            items.map(|(item, seen, sketch)| Entry { item, seen, sketch: sketch.into() }).collect();
        let pairs = entries.iter().flat_map(|entry| entry.sketch.iter().map(|hash| (key(*hash), entry.item)));
        Self { by_shingle: Index::of_all(pairs), entries, from }
    }

    /// Inserts an item with the sketch of its text, replacing its former sketch. An empty sketch (text too short)
    /// removes it.
    pub(super) fn put(&mut self, item: ItemNo, seen: Moment, sketch: Vec<u32>) {
        self.remove(item);
        if sketch.is_empty() || item < self.from {
            return;
        }
        for hash in &sketch {
            self.by_shingle.insert(key(*hash), item, self.from);
        }
        let at = self.entries.partition_point(|entry| entry.item < item);
        self.entries.insert(at, Entry { item, seen, sketch: sketch.into() });
    }

    /// Returns the first item that is not too old for good.
    pub(super) const fn from(&self) -> ItemNo {
        self.from
    }

    /// Returns the sketch of an indexed item.
    pub(super) fn sketch(&self, item: ItemNo) -> Option<&[u32]> {
        let at = self.entries.binary_search_by_key(&item, |entry| entry.item).ok()?;
        self.entries.get(at).map(|entry| &*entry.sketch)
    }

    /// Returns whether the item is in the index.
    pub(super) fn holds(&self, item: ItemNo) -> bool {
        self.entries.binary_search_by_key(&item, |entry| entry.item).is_ok()
    }

    pub(super) fn remove(&mut self, item: ItemNo) {
        let found = self.entries.binary_search_by_key(&item, |entry| entry.item).ok();
        let Some(entry) = found.and_then(|at| self.entries.remove(at)) else { return };
        for hash in &entry.sketch {
            self.by_shingle.remove(key(*hash), item);
        }
    }

    /// Removes items that are too old to be compared with anything new.
    pub(super) fn move_on(&mut self, now: Moment) {
        while self.entries.len() > MIN_INDEXED
            && self.entries.front().is_some_and(|entry| now.since(entry.seen) > INDEXED_FOR)
        {
            self.from = self.entries.pop_front().map_or(self.from, |entry| ItemNo::of(entry.item.seq() + 1));
        }
    }

    /// Returns the items that share enough with a sketch, best matches first. `worth` gives the weight of a hash, up to
    /// 3; `source_of` the source of an item.
    pub(super) fn of(
        &self,
        sketch: &[u32],
        worth: impl Fn(u32) -> u64,
        source_of: impl Fn(ItemNo) -> Option<SourceNo>,
    ) -> Vec<ItemNo> {
        // Item and weight are packed into one number because there are many of them.
        let mut postings: Vec<u64> = Vec::new();
        for hash in sketch {
            let worth = worth(*hash);
            let found = self.bearers(key(*hash), &source_of);
            postings.extend(found.into_iter().map(|item| item.seq() << WORTH_BITS | worth));
        }
        postings.sort_unstable();
        let worth = |bearer: &u64| bearer & ((1 << WORTH_BITS) - 1);
        let mut found: Vec<(u64, u64)> = postings
            .chunk_by(|one, next| one >> WORTH_BITS == next >> WORTH_BITS)
            .filter_map(|same| Some((same.iter().map(worth).sum(), same.first()? >> WORTH_BITS)))
            .filter(|(count, _)| *count >= MIN_SHARED)
            .collect();
        found.sort_unstable_by_key(|(count, item)| (std::cmp::Reverse(*count), *item));
        found.into_iter().map(|(_, item)| ItemNo::of(item)).collect()
    }

    /// Returns the items that share a hash, unless it is boilerplate: of all, or of their source. So the many notices of
    /// one source hide no other's from those that are compared with both.
    fn bearers(&self, key: u64, source_of: impl Fn(ItemNo) -> Option<SourceNo>) -> Vec<ItemNo> {
        let all = self.by_shingle.up_to(MAX_COUNTED, key, self.from);
        if all.len() <= MAX_BEARERS {
            return all.collect();
        }
        // Items of one source often follow each other: some from all over tell sooner how many sources have it.
        let mut some: Vec<_> = all.clone().step_by(all.len() / SAMPLE + 1).map(&source_of).collect();
        some.sort_unstable();
        some.dedup();
        if some.len() > MAX_BEARERS {
            return Vec::new();
        }
        let mut counts: HashMap<Option<SourceNo>, usize> = HashMap::new();
        for item in all.clone() {
            *counts.entry(source_of(item)).or_default() += 1;
            if counts.len() > MAX_BEARERS {
                return Vec::new();
            }
        }
        let is_few = |item: &ItemNo| counts.get(&source_of(*item)).is_some_and(|count| *count <= MAX_OWN);
        let few: Vec<ItemNo> = all.filter(is_few).collect();
        if few.len() <= MAX_BEARERS { few } else { Vec::new() }
    }
}
