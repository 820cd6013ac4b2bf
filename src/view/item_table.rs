//! The items in memory, ordered by their first reports.

use super::item_state::ItemState;
use super::numbers::ItemNo;

/// Items per chunk. Only one chunk grows at a time, so nothing large is copied or left half empty.
const CHUNK: usize = 4096;

/// Items by number. Numbers only grow, so a new item is normally appended.
#[derive(Debug, Default)]
pub(super) struct ItemTable {
    /// Sorted; no chunk is empty.
    chunks: Vec<Vec<(ItemNo, ItemState)>>,
    count: usize,
}

impl ItemTable {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    fn find(&self, number: ItemNo) -> Option<(usize, usize)> {
        let at = self.chunks.partition_point(|chunk| chunk.first().is_some_and(|(known, _)| *known <= number));
        let chunk = self.chunks.get(at.checked_sub(1)?)?;
        Some((at - 1, chunk.binary_search_by_key(&number, |(known, _)| *known).ok()?))
    }

    pub(super) fn get(&self, number: ItemNo) -> Option<&ItemState> {
        let (chunk, at) = self.find(number)?;
        self.chunks.get(chunk)?.get(at).map(|(_, item)| item)
    }

    pub(super) fn get_mut(&mut self, number: ItemNo) -> Option<&mut ItemState> {
        let (chunk, at) = self.find(number)?;
        self.chunks.get_mut(chunk)?.get_mut(at).map(|(_, item)| item)
    }

    pub(super) fn contains(&self, number: ItemNo) -> bool {
        self.find(number).is_some()
    }

    pub(super) fn insert(&mut self, number: ItemNo, item: ItemState) {
        let last = self.chunks.last().and_then(|chunk| chunk.last()).map(|(known, _)| *known);
        if last.is_none_or(|last| last < number) {
            if self.chunks.last().is_none_or(|chunk| chunk.len() >= CHUNK) {
                self.chunks.push(Vec::new());
            }
            if let Some(chunk) = self.chunks.last_mut() {
                chunk.push((number, item));
                self.count += 1;
            }
            return;
        }
        let at = self.chunks.partition_point(|chunk| chunk.first().is_some_and(|(known, _)| *known <= number));
        let Some(chunk) = self.chunks.get_mut(at.saturating_sub(1)) else { return };
        match chunk.binary_search_by_key(&number, |(known, _)| *known) {
            Ok(at) => {
                if let Some(place) = chunk.get_mut(at) {
                    place.1 = item;
                }
            }
            Err(at) => {
                chunk.insert(at, (number, item));
                self.count += 1;
            }
        }
    }

    pub(super) fn remove(&mut self, number: ItemNo) -> Option<ItemState> {
        let (chunk, at) = self.find(number)?;
        let items = self.chunks.get_mut(chunk)?;
        let (_, item) = items.remove(at);
        if items.is_empty() {
            self.chunks.remove(chunk);
        }
        self.count -= 1;
        Some(item)
    }

    /// Returns the items that were first reported from this day on, as segments of the log are counted, in their order.
    pub(super) fn since(&self, day: u32) -> impl Iterator<Item = (ItemNo, &ItemState)> {
        let is_before = move |(_, item): &(ItemNo, ItemState)| item.oldest().day < day;
        let from = self.chunks.partition_point(|chunk| chunk.first().is_some_and(is_before)).saturating_sub(1);
        let items = self.chunks.iter().skip(from).flatten();
        items.skip_while(move |entry| is_before(entry)).map(|(number, item)| (*number, item))
    }

    /// Returns the items with a number above `after`, in their order.
    pub(super) fn iter_after(&self, after: ItemNo) -> impl Iterator<Item = (ItemNo, &ItemState)> {
        let is_before = |chunk: &Vec<(ItemNo, ItemState)>| chunk.last().is_some_and(|(last, _)| *last <= after);
        let from = self.chunks.partition_point(is_before);
        let rest = self.chunks.get(from..).unwrap_or(&[]).iter().flatten();
        rest.skip_while(move |(number, _)| *number <= after).map(|(number, item)| (*number, item))
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (ItemNo, &ItemState)> + Clone {
        self.chunks.iter().flatten().map(|(number, item)| (*number, item))
    }
}
