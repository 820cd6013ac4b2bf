//! What is asked of stories that feeds do not show: withdrawn ones, takedowns, and the months gone by.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::store::View;
use super::story::Begun;
use super::takedowns::Standing;
use crate::log::Position;
use crate::model::{ItemId, Moment, RegionId, SourceId};

impl View {
    /// Returns the stories of the regions for which `is_wanted` holds that were withdrawn or taken down since `from`,
    /// newest first: their ids, and when. With a source, only those that it reported.
    pub fn deleted(
        &self,
        is_wanted: impl Fn(&RegionId) -> bool,
        source: Option<&SourceId>,
        from: Moment,
        most: usize,
    ) -> Vec<(ItemId, Moment)> {
        self.read().deleted(is_wanted, source, from, most)
    }

    /// Returns a number that changes when an item is withdrawn or restored, and when a takedown begins or ends.
    pub fn removals(&self) -> u64 {
        self.read().removals()
    }

    /// Returns the regions of the stories that were withdrawn or taken down since `from`.
    pub fn lost_regions(&self, from: Moment) -> HashSet<RegionId> {
        self.read().lost_regions(from)
    }

    /// Returns the takedowns that stand.
    pub fn takedowns(&self) -> Vec<Standing> {
        self.read().takedowns.all().cloned().collect()
    }

    /// Returns the items of a source.
    pub fn items_of(&self, source: &SourceId) -> Vec<ItemId> {
        self.read().items_of(source)
    }

    /// Returns the number of items of a source.
    pub fn count_of(&self, source: &SourceId) -> usize {
        self.read().count_of(source)
    }

    /// Returns the positions of the newest reports of all items.
    pub fn positions(&self) -> Vec<Position> {
        self.read().positions().collect()
    }

    /// Returns what readers are told of why an item is not published; `None` if nothing.
    pub fn public_reason(&self, item: ItemId) -> Option<String> {
        self.read().public_reason(item, &self.log)
    }

    /// Returns whether a takedown covers this item.
    pub fn is_taken_down(&self, item: ItemId) -> bool {
        self.read().is_taken_down(item)
    }

    /// Returns the stories of these regions that began on these days, counted from 1970-01-01 as the segments of the log
    /// are, in order of their arrival, also those that are not published.
    pub fn begun(&self, tags: &[RegionId], days: RangeInclusive<u32>) -> Vec<Begun> {
        self.read().begun(tags, days)
    }

    /// Returns the day of the oldest item that is kept, counted from 1970-01-01.
    pub fn first_day(&self) -> Option<u32> {
        self.read().first_day()
    }

    /// Returns the regions that items are or were tagged with.
    pub fn known_regions(&self) -> Vec<RegionId> {
        self.read().geography.regions().to_vec()
    }
}
