//! The items in memory, ordered by their first reports.

use super::item_state::ItemState;

/// Items per chunk. Only one chunk grows at a time, so nothing large is copied or left half empty.
const STRETCH: usize = 4096;

/// Items keyed by the number of their first report. Numbers only grow, so a new item is normally appended.
#[derive(Debug, Default)]
pub(super) struct ItemTable {
    /// Sorted; no chunk is empty.
    stretches: Vec<Vec<(u64, ItemState)>>,
    count: usize,
}

impl ItemTable {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    fn find(&self, first: u64) -> Option<(usize, usize)> {
        let at = self.stretches.partition_point(|stretch| stretch.first().is_some_and(|(known, _)| *known <= first));
        let stretch = self.stretches.get(at.checked_sub(1)?)?;
        Some((at - 1, stretch.binary_search_by_key(&first, |(known, _)| *known).ok()?))
    }

    pub(super) fn get(&self, first: &u64) -> Option<&ItemState> {
        let (stretch, at) = self.find(*first)?;
        self.stretches.get(stretch)?.get(at).map(|(_, slot)| slot)
    }

    pub(super) fn get_mut(&mut self, first: &u64) -> Option<&mut ItemState> {
        let (stretch, at) = self.find(*first)?;
        self.stretches.get_mut(stretch)?.get_mut(at).map(|(_, slot)| slot)
    }

    pub(super) fn contains_key(&self, first: &u64) -> bool {
        self.find(*first).is_some()
    }

    pub(super) fn insert(&mut self, first: u64, slot: ItemState) {
        let last = self.stretches.last().and_then(|stretch| stretch.last()).map(|(known, _)| *known);
        if last.is_none_or(|last| last < first) {
            if self.stretches.last().is_none_or(|stretch| stretch.len() >= STRETCH) {
                self.stretches.push(Vec::new());
            }
            if let Some(stretch) = self.stretches.last_mut() {
                stretch.push((first, slot));
                self.count += 1;
            }
            return;
        }
        let at = self.stretches.partition_point(|stretch| stretch.first().is_some_and(|(known, _)| *known <= first));
        let Some(stretch) = self.stretches.get_mut(at.saturating_sub(1)) else { return };
        match stretch.binary_search_by_key(&first, |(known, _)| *known) {
            Ok(at) => {
                if let Some(place) = stretch.get_mut(at) {
                    place.1 = slot;
                }
            }
            Err(at) => {
                stretch.insert(at, (first, slot));
                self.count += 1;
            }
        }
    }

    pub(super) fn remove(&mut self, first: &u64) -> Option<ItemState> {
        let (stretch, at) = self.find(*first)?;
        let shelf = self.stretches.get_mut(stretch)?;
        let (_, slot) = shelf.remove(at);
        if shelf.is_empty() {
            self.stretches.remove(stretch);
        }
        self.count -= 1;
        Some(slot)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&u64, &ItemState)> + Clone {
        self.stretches.iter().flatten().map(|(first, slot)| (first, slot))
    }
}
