//! An index of items by a hash, at eight bytes an entry.

use std::collections::BTreeSet;

/// Items by the upper half of a hash and the lower half of the numbers of their first reports: of four thousand million
/// of either, the last ones are told apart. Whoever asks compares what was found with the whole hash.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index(BTreeSet<u64>);

const LOWER: u64 = u32::MAX as u64;

const fn entry(hash: u64, first: u64) -> u64 {
    hash & !LOWER | first & LOWER
}

impl Index {
    pub(super) fn insert(&mut self, hash: u64, first: u64) {
        self.0.insert(entry(hash, first));
    }

    pub(super) fn remove(&mut self, hash: u64, first: u64) {
        self.0.remove(&entry(hash, first));
    }

    /// The first reports of the items with this hash, in order, and rarely of one with another.
    pub(super) fn of(&self, hash: u64) -> impl Iterator<Item = u64> + '_ {
        self.0.range(entry(hash, 0)..=entry(hash, LOWER)).map(|entry| entry & LOWER)
    }
}

impl FromIterator<(u64, u64)> for Index {
    /// At once: a tree of sorted keys is built in a tenth of the time, and is full.
    fn from_iter<I: IntoIterator<Item = (u64, u64)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(hash, first)| entry(hash, first)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Index;

    #[test]
    fn an_item_is_found_by_its_hash_until_it_is_taken_out() {
        let mut index: Index = [(7 << 32, 3), (7 << 32 | 1, 1), (8 << 32, 2)].into_iter().collect();
        index.insert(u64::MAX, u64::from(u32::MAX));
        assert_eq!(index.of(7 << 32 | 9).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(index.of(u64::MAX).collect::<Vec<_>>(), [u64::from(u32::MAX)]);
        index.remove(7 << 32, 3);
        assert_eq!(index.of(7 << 32).collect::<Vec<_>>(), [1]);
    }
}
