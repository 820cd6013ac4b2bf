//! The view's state in memory: what the log's records make of each other. `apply.rs` changes it, `queries.rs` asks it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::events::Events;
use super::geography::Geography;
use super::item_state::ItemState;
use super::items::Items;
use super::new_item::NewItem;
use super::numbers::{ItemNo, SourceNo, StoryNo};
use super::similar::Similar;
use super::similarity_index::MAX_ALIKE;
use super::sources::Sources;
use super::takedowns::Takedowns;
use super::timelines::Timelines;
use super::withdrawn::Withdrawn;
use crate::model::{Authority, Draft, Moment};
use crate::regions::Places;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) items: Items,
    pub(super) sources: Sources,
    pub(super) geography: Geography,
    pub(super) timelines: Timelines,
    pub(super) similar: Similar,
    pub(super) events: Events,
    pub(super) withdrawn: Withdrawn,
    pub(super) takedowns: Takedowns,
    /// The stories that were withdrawn or taken down after readers had seen them, by the time of that.
    pub(super) deleted: BTreeSet<(Moment, StoryNo)>,
    /// Number of the last applied record.
    pub(super) applied: u64,
    /// Time of the record being applied.
    pub(super) now: Moment,
}

impl State {
    /// Returns the state with these region names for placing new items.
    pub(super) fn with(self, places: &Arc<Places>) -> Self {
        Self { geography: self.geography.with(places), ..self }
    }

    /// Marks everything as changed, for a store that may have lost some of it.
    pub(super) fn touch_all(&mut self) {
        self.items.touch_all();
        self.sources.touch_all();
        self.timelines.touch_all();
        self.withdrawn.touch_all();
        self.takedowns.touch_all();
    }

    /// Returns the authority of an item's source.
    pub(super) fn authority(&self, number: ItemNo) -> Option<Authority> {
        self.sources.authority(self.items.get(number)?.source)
    }

    /// Returns whether a source may issue this warning.
    pub(super) fn may_warn(&self, source: SourceNo, draft: &Draft) -> bool {
        self.sources.facts(source).is_some_and(|facts| self.geography.may_warn(facts, draft))
    }

    /// Returns whether later items are compared with this one.
    pub(super) fn is_compared(&self, number: ItemNo, item: &ItemState) -> bool {
        let members = self.items.head(item.story).map_or(&[][..], ItemState::members);
        item.is_first(number) || members.iter().take(MAX_ALIKE).any(|member| *member == number)
    }

    /// Adds an item to those that later ones are compared with, if it qualifies.
    pub(super) fn remember(&mut self, seen: Moment, new: NewItem<'_>) {
        if self.items.get(new.number).is_some_and(|item| self.is_compared(new.number, item)) {
            self.similar.put(seen, new);
        }
    }

    /// Adds a story to the timelines of its regions.
    pub(super) fn enter_timelines(&mut self, story: StoryNo) {
        if let Some(head) = self.items.head(story) {
            self.timelines.enter(story, head);
        }
    }

    /// Removes a story from the timelines of its regions.
    pub(super) fn leave_timelines(&mut self, story: StoryNo) {
        if let Some(head) = self.items.head(story) {
            self.timelines.leave(story, head);
        }
    }

    /// Marks the regions of an item's story as changed.
    pub(super) fn mark_dirty(&mut self, number: ItemNo) {
        if let Some(item) = self.items.get(number) {
            let head = self.items.head(item.story).unwrap_or(item);
            self.timelines.mark(&head.regions, self.now);
        }
    }
}
