//! Sources that an admin moved to another region take along the items that only they placed.

use std::collections::BTreeMap;

use super::item_state::ItemState;
use super::numbers::{ItemNo, SourceNo, StoryNo};
use super::state::State;
use super::tags::Tags;
use crate::regions::Evidence;

impl State {
    /// Moves items placed only by their source into the region that an admin has since given the source.
    pub(super) fn settle_moves(&mut self) {
        let moved = self.sources.take_moved();
        if moved.is_empty() {
            return;
        }
        let reports: Vec<(ItemNo, StoryNo, SourceNo, bool)> = self
            .items
            .iter()
            .filter(|(_, item)| moved.contains(&item.source))
            .map(|(number, item)| (number, item.story, item.source, is_inherited(item)))
            .collect();
        // Rearrange every story with a report of such a source, so that the result does not depend on how many moved at
        // once.
        let mut stories: BTreeMap<StoryNo, Vec<(ItemNo, Tags)>> = BTreeMap::new();
        for (number, story, source, is_inherited) in reports {
            let items = stories.entry(story).or_default();
            if let Some(region) = self.sources.region(source).filter(|_| is_inherited) {
                items.push((number, self.geography.inherited(region)));
            }
        }
        for (story, items) in stories {
            for (number, _) in &items {
                self.items.touch(*number);
                self.items.report(*number);
            }
            self.rearrange(story, |state| {
                for (number, tags) in items {
                    if let Some(item) = state.items.get_mut(number) {
                        item.regions = tags;
                        if let Some(ties) = &mut item.ties {
                            ties.own = None;
                        }
                    }
                }
            });
        }
    }
}

/// Returns whether an item was placed only by its source.
fn is_inherited(item: &ItemState) -> bool {
    let mut tags = item.own_tags().iter();
    tags.next().is_some_and(|(_, evidence)| evidence == Evidence::Inherited) && tags.next().is_none()
}
