//! An index of items by hash, at little more than eight bytes per entry.

use super::numbers::ItemNo;

/// Maps hashes to items. An entry holds the upper 32 bits of the hash and the lower 32 bits of the item's number;
/// callers must compare the full hash.
///
/// Each of the `2^BITS` buckets is a sorted vector: a lookup costs one memory access and a short search, where a tree
/// of millions of entries costs an access per level. A bucket of a thousand entries is still fast.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index<const BITS: u32>(Vec<Vec<u64>>);

const LOWER: u64 = u32::MAX as u64;

const fn entry(hash: u64, item: ItemNo) -> u64 {
    hash & !LOWER | item.seq() & LOWER
}

/// Returns the bucket of a hash. The upper bits of the product depend on all bits used (Knuth's multiplicative
/// hashing).
fn bucket<const BITS: u32>(hash: u64) -> usize {
    let mixed = (hash >> 32).wrapping_mul(0x9e37_79b9) & LOWER;
    usize::try_from(mixed >> (32 - BITS)).unwrap_or(0)
}

impl<const BITS: u32> Default for Index<BITS> {
    fn default() -> Self {
        Self(vec![Vec::new(); 1 << BITS])
    }
}

impl<const BITS: u32> Index<BITS> {
    /// Builds an index from pairs of hash and item. It iterates twice, to allocate each bucket at its final size;
    /// buckets are sorted once filled.
    pub(super) fn of_all(pairs: impl Iterator<Item = (u64, ItemNo)> + Clone) -> Self {
        let mut sizes = vec![0_usize; 1 << BITS];
        for (hash, _) in pairs.clone() {
            if let Some(size) = sizes.get_mut(bucket::<BITS>(hash)) {
                *size += 1;
            }
        }
        let mut index = Self(sizes.into_iter().map(Vec::with_capacity).collect());
        for (hash, item) in pairs {
            if let Some(bucket) = index.0.get_mut(bucket::<BITS>(hash)) {
                bucket.push(entry(hash, item));
            }
        }
        for bucket in &mut index.0 {
            bucket.sort_unstable();
            bucket.dedup();
        }
        index
    }

    /// Inserts an item. Items before `from` may be dropped; they are removed in bulk when their bucket is full.
    pub(super) fn insert(&mut self, hash: u64, item: ItemNo, from: ItemNo) {
        let Some(bucket) = self.0.get_mut(bucket::<BITS>(hash)) else { return };
        if from > ItemNo::default() && bucket.len() == bucket.capacity() {
            bucket.retain(|entry| entry & LOWER >= from.seq());
        }
        let entry = entry(hash, item);
        if let Err(at) = bucket.binary_search(&entry) {
            grow(bucket);
            bucket.insert(at, entry);
        }
    }

    pub(super) fn remove(&mut self, hash: u64, item: ItemNo) {
        let Some(bucket) = self.0.get_mut(bucket::<BITS>(hash)) else { return };
        if let Ok(at) = bucket.binary_search(&entry(hash, item)) {
            bucket.remove(at);
        }
    }

    /// Returns the items with this hash that are not before `from`, in order; rarely also one with another hash.
    pub(super) fn of(&self, hash: u64, from: ItemNo) -> impl Iterator<Item = ItemNo> + '_ {
        self.up_to(usize::MAX, hash, from)
    }

    /// Like [`of`](Self::of), but returns nothing if there are more than `most` items.
    pub(super) fn up_to(
        &self,
        most: usize,
        hash: u64,
        from: ItemNo,
    ) -> impl ExactSizeIterator<Item = ItemNo> + Clone + '_ {
        let bucket = self.0.get(bucket::<BITS>(hash)).map_or(&[][..], Vec::as_slice);
        let (least, last) = (entry(hash, from), entry(hash, ItemNo::of(LOWER)));
        let from = bucket.partition_point(|entry| *entry < least);
        let found = bucket.get(from..).filter(|found| found.get(most).is_none_or(|entry| *entry > last)).unwrap_or(&[]);
        let to = found.partition_point(|entry| *entry <= last);
        found.get(..to).unwrap_or(&[]).iter().map(|entry| ItemNo::of(entry & LOWER))
    }
}

/// Makes room for one more entry, growing by an eighth: doubling would leave a third of the memory unused.
fn grow(bucket: &mut Vec<u64>) {
    if bucket.len() == bucket.capacity() {
        bucket.reserve_exact(bucket.len() / 8 + 4);
    }
}

#[cfg(test)]
mod tests {
    use super::{Index, ItemNo};

    const START: ItemNo = ItemNo::of(0);

    #[test]
    fn an_item_is_found_by_its_hash_until_it_is_taken_out() {
        let pairs = [(7 << 32, 3), (7 << 32 | 1, 1), (8 << 32, 2)];
        let mut index = Index::<4>::of_all(pairs.into_iter().map(|(hash, item)| (hash, ItemNo::of(item))));
        let found = |index: &Index<4>, hash, from| index.of(hash, from).map(ItemNo::seq).collect::<Vec<_>>();
        index.insert(u64::MAX, ItemNo::of(u64::from(u32::MAX)), START);
        assert_eq!(found(&index, 7 << 32 | 9, START), [1, 3]);
        assert_eq!(found(&index, u64::MAX, START), [u64::from(u32::MAX)]);
        index.remove(7 << 32, ItemNo::of(3));
        assert_eq!(found(&index, 7 << 32, START), [1]);
        assert_eq!(index.of(7 << 32, ItemNo::of(2)).count(), 0);
        index.insert(7 << 32, ItemNo::of(9), START);
        assert_eq!(index.up_to(2, 7 << 32, START).map(ItemNo::seq).collect::<Vec<_>>(), [1, 9]);
        assert_eq!(index.up_to(1, 7 << 32, START).count(), 0);
    }

    #[test]
    fn what_lies_too_far_back_takes_no_place_for_ever() {
        let mut index = Index::<0>::default();
        for item in 0..10_000_u64 {
            index.insert(item << 32, ItemNo::of(item), ItemNo::of(item.saturating_sub(100)));
        }
        let is_found = |item: &u64| index.of(item << 32, ItemNo::of(9_900)).count() == 1;
        assert_eq!((9_900..10_000).filter(is_found).count(), 100);
        assert!(index.0.iter().map(Vec::capacity).sum::<usize>() < 400);
    }
}
