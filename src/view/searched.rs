//! What search asks of the view: which items there are, what is known of them, and whether a hit may be shown.

use xxhash_rust::xxh3::xxh3_64;

use super::item_state::ItemState;
use super::numbers::{ItemNo, StoryNo};
use super::state::State;
use super::store::View;
use crate::log::Position;
use crate::model::{Moment, RegionId, SourceId};

/// An item as the search index keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Indexed {
    /// Number of the item.
    pub number: u64,
    /// Hash of what the index depends on: where its newest report is, and its own regions. Another one means that the
    /// index has to be told anew.
    pub stamp: u32,
}

/// What the search index needs to know about an item, besides its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFacts {
    /// Number and stamp.
    pub indexed: Indexed,
    /// Where its newest report is.
    pub position: Position,
    /// Its own date.
    pub published: Moment,
    /// Its source.
    pub source: SourceId,
    /// Its own regions, and those of its story.
    pub regions: Vec<RegionId>,
}

/// An item that may be shown as a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its story.
    pub story: StoryNo,
    /// Where its newest report is.
    pub position: Position,
    /// Whether its story has other reports.
    pub has_others: bool,
}

impl View {
    /// Returns the items with a number above `after`, in their order, at most `most` of them.
    pub fn indexed(&self, after: u64, most: usize) -> Vec<Indexed> {
        let state = self.read();
        let items = state.items.iter_after(ItemNo::of(after)).take(most);
        items.map(|(number, item)| Indexed { number: number.seq(), stamp: state.stamp(item) }).collect()
    }

    /// Returns whether the item is as it was when it got this stamp.
    pub fn is_as_indexed(&self, indexed: Indexed) -> bool {
        let state = self.read();
        state.items.get(ItemNo::of(indexed.number)).is_some_and(|item| state.stamp(item) == indexed.stamp)
    }

    /// Returns what the index needs to know about an item; `None` if there is none.
    pub fn index_facts(&self, number: u64) -> Option<IndexFacts> {
        let state = self.read();
        let item = state.items.get(ItemNo::of(number))?;
        let head = state.items.head(item.story).unwrap_or(item);
        let tags = item.own_tags().iter().chain(head.regions.iter());
        let mut regions: Vec<RegionId> =
            tags.filter_map(|(region, _)| state.geography.region(region).cloned()).collect();
        regions.sort();
        regions.dedup();
        Some(IndexFacts {
            indexed: Indexed { number, stamp: state.stamp(item) },
            position: item.position,
            published: item.own_date().at,
            source: state.sources.entry(item.source)?.id.clone(),
            regions,
        })
    }

    /// Returns what the index needs to know about the items of a story whose reports can be read, at most `most` of them.
    pub fn members(&self, story: StoryNo, most: usize) -> Vec<IndexFacts> {
        let numbers: Vec<u64> = {
            let state = self.read();
            let all = state.items.head(story).into_iter().flat_map(|head| head.all(story.first()));
            let is_live = |number: &ItemNo| state.items.get(*number).is_some_and(|item| item.is_live(*number));
            all.filter(is_live).take(most).map(ItemNo::seq).collect()
        };
        numbers.into_iter().filter_map(|number| self.index_facts(number)).collect()
    }

    /// Returns the items with a new report or another place since the last call; `None` if they are not known, and all
    /// items have to be looked at.
    pub fn take_reported(&self) -> Option<Vec<u64>> {
        // Mostly there are none, and then nobody has to wait.
        if self.read().items.has_no_reported() {
            return Some(Vec::new());
        }
        self.change(|state| state.items.take_reported()).map(|numbers| numbers.into_iter().map(ItemNo::seq).collect())
    }

    /// Returns the item if it may be shown: it is as it was indexed, its report and its story can be read, and, if
    /// `is_in` is given, it is in one of these regions.
    pub fn hit(&self, indexed: Indexed, is_in: Option<&dyn Fn(&RegionId) -> bool>) -> Option<Hit> {
        let state = self.read();
        let number = ItemNo::of(indexed.number);
        let item = state.items.get(number).filter(|item| item.is_live(number) && state.stamp(item) == indexed.stamp)?;
        let head = state.items.head(item.story).filter(|head| !head.withdrawn && !head.ended)?;
        if let Some(is_in) = is_in {
            let mut tags = head.regions.iter().filter_map(|(region, _)| state.geography.region(region));
            if !tags.any(is_in) {
                return None;
            }
        }
        let has_others = !head.members().is_empty();
        Some(Hit { story: item.story, position: item.position, has_others })
    }
}

impl State {
    fn stamp(&self, item: &ItemState) -> u32 {
        let place = item.position;
        let spread = |hash: u64| hash.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        let mut hash = spread(place.offset ^ spread(u64::from(place.day) << 32 | u64::from(place.length)));
        for region in item.own_tags().iter().filter_map(|(region, _)| self.geography.region(region)) {
            hash = spread(hash ^ xxh3_64(region.as_str().as_bytes()));
        }
        u32::try_from(hash >> 32).unwrap_or(0)
    }
}
