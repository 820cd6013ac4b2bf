//! The takedowns that stand.

use std::collections::{BTreeMap, BTreeSet};

use crate::log::SourceFacts;
use crate::model::{Draft, Link, Moment, Origin, Scope, Takedown};

/// A takedown that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The decision.
    pub takedown: Takedown,
    /// When it was made.
    pub at: Moment,
    /// Whether the items that it covered when it was made are all taken down.
    pub is_whole: bool,
}

/// By origin and scope: two origins may take down the same.
type Name = (Origin, Scope);

#[derive(Debug, Default)]
pub(super) struct Takedowns {
    standing: BTreeMap<Name, Standing>,
    /// Takedowns made or lifted since the last call of [`Takedowns::take_changed`].
    changed: BTreeSet<Name>,
}

impl Takedowns {
    pub(super) fn load(&mut self, standing: Standing) {
        self.standing.insert((standing.takedown.origin, standing.takedown.scope.clone()), standing);
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Standing> {
        self.standing.values()
    }

    pub(super) fn get(&self, name: &Name) -> Option<&Standing> {
        self.standing.get(name)
    }

    /// Returns the takedown that covers what a source reports. An item without an address of its own is at that of its
    /// source.
    pub(super) fn of(&self, facts: &SourceFacts, draft: &Draft) -> Option<&Standing> {
        if self.standing.is_empty() {
            return None;
        }
        let link = draft.checked_link().or_else(|| Link::parse(&facts.link).ok());
        self.all().find(|standing| standing.takedown.scope.covers(&facts.id, &facts.was, link.as_ref()))
    }

    /// Adds a takedown, or replaces the one of this origin and scope.
    pub(super) fn insert(&mut self, standing: Standing) {
        self.changed.insert((standing.takedown.origin, standing.takedown.scope.clone()));
        self.load(standing);
    }

    /// Removes a takedown; returns whether there was one.
    pub(super) fn remove(&mut self, name: &Name) -> bool {
        let was_there = self.standing.remove(name).is_some();
        if was_there {
            self.changed.insert(name.clone());
        }
        was_there
    }

    /// Marks all takedowns as changed, for a store that may have lost some.
    pub(super) fn touch_all(&mut self) {
        self.changed.extend(self.standing.keys().cloned());
    }

    /// Returns the takedowns that changed since the last call.
    pub(super) fn take_changed(&mut self) -> BTreeSet<Name> {
        std::mem::take(&mut self.changed)
    }
}
