//! The index by which items are found whose text is like a new one's: the shingles of the items of the last days.
//!
//! It holds nothing that the log does not give again: at every moment its content follows from the items and their newest
//! texts alone, so that a view that was opened anew judges like one that never closed.

use std::collections::VecDeque;

use super::index::Index;
use crate::model::Moment;

/// How far apart two items may be published that are one story, in milliseconds.
pub(super) const WINDOW: i64 = 14 * 86_400_000;
/// How long after it was seen an item is looked up at the least, in milliseconds.
pub(super) const HELD: i64 = WINDOW + 2 * 86_400_000;
/// A shingle that more items than these hold is a formula.
const MOST_BEARERS: usize = 32;
/// So many items stay in the index even where they lie too far back: looking them up costs little.
pub(super) const KEPT: usize = 20_000;
/// The most reports of one story that later ones are compared with, beside the first: what everybody prints is found by
/// its first reports, and more of them would look like a formula.
pub(super) const MOST_ALIKE: usize = 8;
/// The least shingles of a sketch that two items share which are worth a look.
const LEAST_SHARED: u64 = 2;
/// The bits that the worth of a hash takes.
const WORTH_BITS: u32 = 2;

/// An item in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    first: u64,
    seen: Moment,
    sketch: Box<[u32]>,
}

#[derive(Debug, Default)]
pub(super) struct Likes {
    by_shingle: Index<16>,
    /// In the order of the first reports.
    entries: VecDeque<Entry>,
    /// All items before this one lie too far back for ever.
    from: u64,
}

/// What is in the index follows from its entries.
impl PartialEq for Likes {
    fn eq(&self, other: &Self) -> bool {
        (&self.entries, self.from) == (&other.entries, other.from)
    }
}

/// A hash of a shingle as the index has it.
fn key(hash: u32) -> u64 {
    u64::from(hash) << 32
}

impl Likes {
    /// An index of these items, in the order of their first reports; all before `from` lie too far back.
    pub(super) fn of_all(items: Vec<(u64, Moment, Vec<u32>)>, from: u64) -> Self {
        let items = items.into_iter().filter(|(.., sketch)| !sketch.is_empty());
        let entries: VecDeque<Entry> =
            items.map(|(first, seen, sketch)| Entry { first, seen, sketch: sketch.into() }).collect();
        let pairs = entries.iter().flat_map(|entry| entry.sketch.iter().map(|hash| (key(*hash), entry.first)));
        Self { by_shingle: Index::of_all(pairs), entries, from }
    }

    /// Puts an item in with the sketch of its text, in the place of the sketch that it had. A text too short for a sketch
    /// takes it out.
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

    /// All items before this one lie too far back for ever.
    pub(super) const fn from(&self) -> u64 {
        self.from
    }

    /// The sketch of an item that is in it.
    pub(super) fn sketch(&self, first: u64) -> Option<&[u32]> {
        let at = self.entries.binary_search_by_key(&first, |entry| entry.first).ok()?;
        self.entries.get(at).map(|entry| &*entry.sketch)
    }

    /// Is the item in it?
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

    /// Takes out what lies too far back to be compared with anything new.
    pub(super) fn move_on(&mut self, now: Moment) {
        while self.entries.len() > KEPT && self.entries.front().is_some_and(|entry| now.since(entry.seen) > HELD) {
            self.from = self.entries.pop_front().map_or(self.from, |entry| entry.first + 1);
        }
    }

    /// The items that share enough with a sketch, those that share most first. `worth` says how much a hash
    /// counts, up to 3.
    pub(super) fn of(&self, sketch: &[u32], worth: impl Fn(u32) -> u64) -> Vec<u64> {
        // Each with its worth, in one number: they are many.
        let mut bearers: Vec<u64> = Vec::new();
        for hash in sketch {
            let worth = worth(*hash);
            let found = self.by_shingle.up_to(MOST_BEARERS, key(*hash), self.from);
            bearers.extend(found.map(|first| first << WORTH_BITS | worth));
        }
        bearers.sort_unstable();
        let worth = |bearer: &u64| bearer & ((1 << WORTH_BITS) - 1);
        let mut found: Vec<(u64, u64)> = bearers
            .chunk_by(|one, next| one >> WORTH_BITS == next >> WORTH_BITS)
            .filter_map(|same| Some((same.iter().map(worth).sum(), same.first()? >> WORTH_BITS)))
            .filter(|(count, _)| *count >= LEAST_SHARED)
            .collect();
        found.sort_unstable_by_key(|(count, first)| (std::cmp::Reverse(*count), *first));
        found.into_iter().map(|(_, first)| first).collect()
    }
}
