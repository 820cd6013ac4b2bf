//! The items that an admin withdrew.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ItemId, Moment};

/// When an item was withdrawn, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) at: Moment,
    /// The admin's reason, never published.
    pub(super) reason: String,
    /// What readers are told.
    pub(super) public: Option<String>,
}

/// The withdrawn items, also those that are no longer kept.
#[derive(Debug, Default)]
pub(super) struct Withdrawn {
    items: BTreeMap<u128, Said>,
    /// Items withdrawn or restored since the last call of [`Withdrawn::take_changed`].
    changed: BTreeSet<u128>,
}

impl Withdrawn {
    pub(super) fn load(items: BTreeMap<u128, Said>) -> Self {
        Self { items, changed: BTreeSet::new() }
    }

    pub(super) fn contains(&self, id: ItemId) -> bool {
        self.items.contains_key(&id.as_u128())
    }

    pub(super) fn get(&self, id: u128) -> Option<&Said> {
        self.items.get(&id)
    }

    pub(super) fn insert(&mut self, id: ItemId, said: Said) {
        self.items.insert(id.as_u128(), said);
        self.changed.insert(id.as_u128());
    }

    pub(super) fn remove(&mut self, id: ItemId) {
        self.items.remove(&id.as_u128());
        self.changed.insert(id.as_u128());
    }

    /// Returns the ids of the withdrawn items, in their order.
    pub(super) fn ids(&self) -> impl Iterator<Item = &u128> {
        self.items.keys()
    }

    /// Returns how many items were withdrawn from a moment on.
    pub(super) fn since(&self, from: Moment) -> usize {
        self.items.values().filter(|said| said.at >= from).count()
    }

    /// Returns how many items are withdrawn, and when the newest was.
    pub(super) fn summary(&self) -> (usize, Option<Moment>) {
        (self.items.len(), self.items.values().map(|said| said.at).max())
    }

    /// Returns the withdrawn items, most recently withdrawn first.
    pub(super) fn newest(&self) -> Vec<(ItemId, Moment, String)> {
        let item = |(id, said): (&u128, &Said)| (ItemId::from_u128(*id), said.at, said.reason.clone());
        let mut all: Vec<_> = self.items.iter().map(item).collect();
        all.sort_by_key(|(id, at, _)| (std::cmp::Reverse(*at), *id));
        all
    }

    /// Marks all items as changed, for a store that may have lost some.
    pub(super) fn touch_all(&mut self) {
        self.changed.extend(self.items.keys());
    }

    /// Returns the items that changed since the last call.
    pub(super) fn take_changed(&mut self) -> BTreeSet<u128> {
        std::mem::take(&mut self.changed)
    }
}
