//! The items, how they are found, and which of them the store does not have as they are.

use std::collections::{BTreeSet, HashMap};

use super::index::Index;
use super::item_state::ItemState;
use super::item_table::ItemTable;
use super::numbers::{ItemNo, SourceNo, StoryNo};
use super::reported::Reported;
use crate::dedup::Fingerprint;
use crate::model::ItemId;

/// Maximum number of steps from an item to the one it became, each telling a different story.
const MAX_PARTINGS: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Items {
    table: ItemTable,
    /// Keyed by the upper half of an item's id.
    by_id: Index<12>,
    by_link: Index<12>,
    by_content: Index<12>,
    /// Number of items per source.
    counts: HashMap<SourceNo, usize>,
    /// All ids, combined by exclusive or.
    ids: u128,
    /// Items that changed since the last call of [`Items::take_changed`].
    changed: BTreeSet<ItemNo>,
    removed: Vec<ItemNo>,
    reported: Reported,
}

impl Items {
    /// Takes over the items of a store, in their order.
    pub(super) fn load(table: ItemTable) -> Self {
        let items = || table.iter();
        let linked = items().filter(|(_, item)| item.fingerprint.link != 0);
        let contents = items().map(|(number, item)| (scoped(item.source, item.fingerprint.content), number));
        let mut counts = HashMap::new();
        for (_, item) in items() {
            *counts.entry(item.source).or_default() += 1;
        }
        Self {
            by_link: Index::of_all(linked.map(|(number, item)| (item.fingerprint.link, number))),
            by_content: Index::of_all(contents),
            by_id: Index::of_all(items().map(|(number, item)| (upper(item.id), number))),
            counts,
            ids: items().fold(0, |ids, (_, item)| ids ^ item.id.as_u128()),
            changed: BTreeSet::new(),
            removed: Vec::new(),
            reported: Reported::default(),
            table,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns the ids of all items, combined by exclusive or.
    pub(super) const fn ids(&self) -> u128 {
        self.ids
    }

    pub(super) fn get(&self, number: ItemNo) -> Option<&ItemState> {
        self.table.get(number)
    }

    /// Returns an item to change what no index holds; what the store needs to know must be reported by
    /// [`touch`](Self::touch).
    pub(super) fn get_mut(&mut self, number: ItemNo) -> Option<&mut ItemState> {
        self.table.get_mut(number)
    }

    pub(super) fn contains(&self, number: ItemNo) -> bool {
        self.table.contains(number)
    }

    /// Returns the item that a story begins with.
    pub(super) fn head(&self, story: StoryNo) -> Option<&ItemState> {
        self.table.get(story.first())
    }

    /// Like [`get_mut`](Self::get_mut), of the item that a story begins with.
    pub(super) fn head_mut(&mut self, story: StoryNo) -> Option<&mut ItemState> {
        self.table.get_mut(story.first())
    }

    /// Returns all items in their order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (ItemNo, &ItemState)> + Clone {
        self.table.iter()
    }

    /// Returns the items that were first reported from this day on, as segments of the log are counted, in their order.
    pub(super) fn since(&self, day: u32) -> impl Iterator<Item = (ItemNo, &ItemState)> {
        self.table.since(day)
    }

    /// Returns the items with a number above `after`, in their order.
    pub(super) fn iter_after(&self, after: ItemNo) -> impl Iterator<Item = (ItemNo, &ItemState)> {
        self.table.iter_after(after)
    }

    /// Returns the items of a story.
    pub(super) fn of_story(&self, story: StoryNo) -> impl Iterator<Item = &ItemState> {
        let members = self.head(story).into_iter().flat_map(|head| head.members().iter().copied());
        std::iter::once(story.first()).chain(members).filter_map(|number| self.get(number))
    }

    /// Returns whether a source has an item in a story.
    pub(super) fn is_reported_by(&self, story: StoryNo, source: SourceNo) -> bool {
        self.of_story(story).any(|item| item.source == source && item.became().is_none())
    }

    /// Returns whether an item began when its source's report left this story.
    pub(super) fn has_left(&self, number: ItemNo, story: StoryNo) -> bool {
        self.of_story(story).any(|item| item.became() == Some(number))
    }

    /// Returns the item with this id.
    pub(super) fn with_id(&self, id: ItemId) -> Option<ItemNo> {
        self.by_id.of(upper(id), ItemNo::default()).find(|number| self.get(*number).is_some_and(|item| item.id == id))
    }

    /// Returns the items whose links have this hash, in order.
    pub(super) fn with_link(&self, hash: u64) -> impl Iterator<Item = (ItemNo, &ItemState)> {
        let found = self.by_link.of(hash, ItemNo::default()).filter_map(|number| Some((number, self.get(number)?)));
        found.filter(move |(_, item)| item.fingerprint.link == hash)
    }

    /// Returns the items of a source whose contents have this hash, in order.
    pub(super) fn with_content(&self, source: SourceNo, hash: u64) -> impl Iterator<Item = &ItemState> {
        let found = self.by_content.of(scoped(source, hash), ItemNo::default()).filter_map(|number| self.get(number));
        found.filter(move |item| item.source == source && item.fingerprint.content == hash)
    }

    /// Returns how many items a source has.
    pub(super) fn count_of(&self, source: SourceNo) -> usize {
        self.counts.get(&source).copied().unwrap_or(0)
    }

    /// Returns the item that new reports of an item belong to: if its text became a different story, that is a
    /// different item.
    pub(super) fn current(&self, number: ItemNo) -> ItemNo {
        let next = |number: &ItemNo| self.get(*number).and_then(ItemState::became);
        std::iter::successors(Some(number), next).take(MAX_PARTINGS).last().unwrap_or(number)
    }

    /// Adds a new item.
    pub(super) fn insert(&mut self, number: ItemNo, item: ItemState) {
        self.ids ^= item.id.as_u128();
        self.by_id.insert(upper(item.id), number, ItemNo::default());
        *self.counts.entry(item.source).or_default() += 1;
        self.index(number, item.source, item.fingerprint);
        self.table.insert(number, item);
        self.touch(number);
        self.report(number);
    }

    /// Gives an item the fingerprint of its newest report.
    pub(super) fn refresh(&mut self, number: ItemNo, fingerprint: Fingerprint) {
        let Some(item) = self.table.get_mut(number) else { return };
        let (source, former) = (item.source, std::mem::replace(&mut item.fingerprint, fingerprint));
        self.unindex(number, source, former);
        self.index(number, source, fingerprint);
        self.report(number);
    }

    /// Notes for search that an item has a new report or another place.
    pub(super) fn report(&mut self, number: ItemNo) {
        self.reported.push(number);
    }

    /// Returns whether nothing was noted since the last call of [`take_reported`](Self::take_reported).
    pub(super) const fn has_no_reported(&self) -> bool {
        self.reported.is_empty()
    }

    /// Returns the items that were noted since the last call; `None` if they are not known.
    pub(super) fn take_reported(&mut self) -> Option<Vec<ItemNo>> {
        self.reported.take()
    }

    /// Removes an item.
    pub(super) fn remove(&mut self, number: ItemNo) {
        let Some(item) = self.table.remove(number) else { return };
        if let Some(count) = self.counts.get_mut(&item.source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.counts.remove(&item.source);
            }
        }
        self.ids ^= item.id.as_u128();
        self.by_id.remove(upper(item.id), number);
        self.unindex(number, item.source, item.fingerprint);
        self.changed.remove(&number);
        self.removed.push(number);
    }

    fn index(&mut self, number: ItemNo, source: SourceNo, fingerprint: Fingerprint) {
        self.by_content.insert(scoped(source, fingerprint.content), number, ItemNo::default());
        if fingerprint.link != 0 {
            self.by_link.insert(fingerprint.link, number, ItemNo::default());
        }
    }

    fn unindex(&mut self, number: ItemNo, source: SourceNo, fingerprint: Fingerprint) {
        self.by_content.remove(scoped(source, fingerprint.content), number);
        self.by_link.remove(fingerprint.link, number);
    }

    /// Marks an item as changed.
    pub(super) fn touch(&mut self, number: ItemNo) {
        self.changed.insert(number);
    }

    /// Marks all items of a source as changed.
    pub(super) fn touch_source(&mut self, source: SourceNo) {
        self.changed.extend(self.table.iter().filter(|(_, item)| item.source == source).map(|(number, _)| number));
    }

    /// Marks all items as changed, for a store that may have lost some.
    pub(super) fn touch_all(&mut self) {
        self.changed.extend(self.table.iter().map(|(number, _)| number));
    }

    /// Returns the items that were removed and those that changed since the last call.
    pub(super) fn take_changed(&mut self) -> (Vec<ItemNo>, BTreeSet<ItemNo>) {
        (std::mem::take(&mut self.removed), std::mem::take(&mut self.changed))
    }
}

/// Returns the upper half of an id.
fn upper(id: ItemId) -> u64 {
    u64::try_from(id.as_u128() >> 64).unwrap_or(0)
}

/// Combines a content hash with its source.
fn scoped(source: SourceNo, content: u64) -> u64 {
    content ^ u64::from(source.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
