//! The stories of each tagged region in the order in which feeds show them, and when a region last changed.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::fair_share::Place;
use super::item_state::ItemState;
use super::numbers::{RegionNo, StoryNo};
use super::tags::Tags;
use crate::model::Moment;

#[derive(Debug, Default)]
pub(super) struct Timelines {
    by_region: HashMap<RegionNo, BTreeSet<Place>>,
    /// Time of the last change in each region, by the log's own times.
    changed: HashMap<RegionNo, Moment>,
    /// Regions whose feeds changed since the last call of [`Timelines::take_dirty`].
    dirty: HashSet<RegionNo>,
    /// Regions that changed since the last call of [`Timelines::take_changed`].
    unsaved: BTreeSet<RegionNo>,
}

impl Timelines {
    /// Takes over the places of all stories of a store.
    pub(super) fn load(&mut self, places: HashMap<RegionNo, Vec<Place>>) {
        self.by_region = places.into_iter().map(|(region, places)| (region, places.into_iter().collect())).collect();
    }

    /// Takes over from a store when a region last changed.
    pub(super) fn load_change(&mut self, region: RegionNo, at: Moment) {
        self.changed.insert(region, at);
    }

    /// Returns the stories of a region, newest first.
    pub(super) fn of(&self, region: RegionNo) -> impl Iterator<Item = &Place> {
        self.by_region.get(&region).into_iter().flatten()
    }

    /// Returns the stories of a region from this place on, newest first.
    pub(super) fn from(&self, region: RegionNo, place: Place) -> impl Iterator<Item = &Place> {
        self.by_region.get(&region).into_iter().flat_map(move |timeline| timeline.range(place..))
    }

    /// Returns the regions with at least one story.
    pub(super) fn regions(&self) -> impl Iterator<Item = RegionNo> {
        self.by_region.iter().filter(|(_, timeline)| !timeline.is_empty()).map(|(region, _)| *region)
    }

    /// Adds a story to the timelines of its regions; `head` is the item that it begins with.
    pub(super) fn enter(&mut self, story: StoryNo, head: &ItemState) {
        for (region, place) in head.places(story.first()) {
            self.by_region.entry(region).or_default().insert(place);
        }
    }

    /// Removes a story from the timelines of its regions, which must be those that it entered.
    pub(super) fn leave(&mut self, story: StoryNo, head: &ItemState) {
        for (region, place) in head.places(story.first()) {
            self.by_region.entry(region).or_default().remove(&place);
        }
    }

    /// Marks regions as changed.
    pub(super) fn mark(&mut self, tags: &Tags, now: Moment) {
        for (region, _) in tags.iter() {
            self.dirty.insert(region);
            self.unsaved.insert(region);
            let changed = self.changed.entry(region).or_default();
            *changed = now.max(*changed);
        }
    }

    /// Returns when a region last changed.
    pub(super) fn changed(&self, region: RegionNo) -> Option<Moment> {
        self.changed.get(&region).copied()
    }

    /// Returns the regions whose feeds changed since the last call.
    pub(super) fn take_dirty(&mut self) -> HashSet<RegionNo> {
        std::mem::take(&mut self.dirty)
    }

    /// Marks all regions as changed, for a store that may have lost some.
    pub(super) fn touch_all(&mut self) {
        self.unsaved.extend(self.changed.keys());
    }

    /// Returns the regions that changed since the last call, for the store.
    pub(super) fn take_changed(&mut self) -> BTreeSet<RegionNo> {
        std::mem::take(&mut self.unsaved)
    }
}
