//! An index of items by a hash, at little more than eight bytes an entry.

/// Items by the upper half of a hash and the lower half of the numbers of their first reports: of four thousand million
/// of either, the last ones are told apart. Whoever asks compares what was found with the whole hash.
///
/// A bucket is a sorted run of entries: one step into memory and a short search, where a tree of millions takes a step
/// for each of its levels.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index(Vec<Vec<u64>>);

/// The number of buckets, as a power of two.
const BITS: u32 = 14;
const LOWER: u64 = u32::MAX as u64;

const fn entry(hash: u64, first: u64) -> u64 {
    hash & !LOWER | first & LOWER
}

/// The bucket of a hash. The upper bits of a product depend on all bits of the hash (Knuth's multiplicative hashing).
fn bucket(hash: u64) -> usize {
    let mixed = (hash >> 32).wrapping_mul(0x9e37_79b9) & LOWER;
    usize::try_from(mixed >> (32 - BITS)).unwrap_or(0)
}

impl Default for Index {
    fn default() -> Self {
        Self(vec![Vec::new(); 1 << BITS])
    }
}

impl Index {
    pub(super) fn insert(&mut self, hash: u64, first: u64) {
        let Some(bucket) = self.0.get_mut(bucket(hash)) else { return };
        let entry = entry(hash, first);
        if let Err(at) = bucket.binary_search(&entry) {
            grow(bucket);
            bucket.insert(at, entry);
        }
    }

    pub(super) fn remove(&mut self, hash: u64, first: u64) {
        let Some(bucket) = self.0.get_mut(bucket(hash)) else { return };
        if let Ok(at) = bucket.binary_search(&entry(hash, first)) {
            bucket.remove(at);
        }
    }

    /// The first reports of the items with this hash, in order, and rarely of one with another.
    pub(super) fn of(&self, hash: u64) -> impl Iterator<Item = u64> + '_ {
        let bucket = self.0.get(bucket(hash)).map_or(&[][..], Vec::as_slice);
        let (least, most) = (entry(hash, 0), entry(hash, LOWER));
        let from = bucket.partition_point(|entry| *entry < least);
        bucket.iter().skip(from).take_while(move |entry| **entry <= most).map(|entry| entry & LOWER)
    }
}

/// Makes place for one more, by an eighth at a time: twice as much would leave a third of all empty.
fn grow(bucket: &mut Vec<u64>) {
    if bucket.len() == bucket.capacity() {
        bucket.reserve_exact(bucket.len() / 8 + 4);
    }
}

impl FromIterator<(u64, u64)> for Index {
    /// At once: each bucket is sorted when it is full.
    fn from_iter<I: IntoIterator<Item = (u64, u64)>>(pairs: I) -> Self {
        let mut index = Self::default();
        for (hash, first) in pairs {
            if let Some(bucket) = index.0.get_mut(bucket(hash)) {
                grow(bucket);
                bucket.push(entry(hash, first));
            }
        }
        for bucket in &mut index.0 {
            bucket.sort_unstable();
            bucket.dedup();
        }
        index
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
