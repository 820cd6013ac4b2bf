//! The items that an admin withdrew.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ItemId, Moment};

/// The withdrawn items, also those that are no longer kept: when, and why.
#[derive(Debug, Default)]
pub(super) struct Withdrawn {
    items: BTreeMap<u128, (Moment, String)>,
    /// Items withdrawn or restored since the last call of [`Withdrawn::take_changed`].
    changed: BTreeSet<u128>,
}

impl Withdrawn {
    pub(super) fn load(items: BTreeMap<u128, (Moment, String)>) -> Self {
        Self { items, changed: BTreeSet::new() }
    }

    pub(super) fn contains(&self, id: ItemId) -> bool {
        self.items.contains_key(&id.as_u128())
    }

    pub(super) fn get(&self, id: u128) -> Option<&(Moment, String)> {
        self.items.get(&id)
    }

    pub(super) fn insert(&mut self, id: ItemId, at: Moment, reason: String) {
        self.items.insert(id.as_u128(), (at, reason));
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

    /// Returns the withdrawn items, most recently withdrawn first.
    pub(super) fn newest(&self) -> Vec<(ItemId, Moment, String)> {
        let item = |(id, (at, reason)): (&u128, &(Moment, String))| (ItemId::from_u128(*id), *at, reason.clone());
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
