//! Chooses the stories that a page lists.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::renderer::Renderer;
use super::selection::{Cursor, Selection};
use crate::model::{Region, RegionId};
use crate::view::{Entry, Story};
use crate::write::{Crumb, Listing};

/// The stories of a page, and where the next page begins.
pub(super) struct Chosen {
    pub(super) stories: Vec<Story>,
    pub(super) older: Option<Cursor>,
}

/// Maximum number of regions named beside a story.
const MAX_PLACES: usize = 3;

/// Returns a number that changes with what the page of a story shows.
pub(super) fn look_of(story: &Story) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{story:?}").hash(&mut hasher);
    hasher.finish()
}

impl Renderer<'_> {
    /// Returns the tags of the stories in a region, or of all published ones.
    pub(super) fn tags_of(&self, region: Option<&RegionId>) -> Vec<RegionId> {
        let regions = &self.published.regions;
        let is_in = |tag: &RegionId| match region {
            Some(region) => regions.covers(region, tag),
            None => regions.is_published(tag),
        };
        self.view.tags().into_iter().filter(is_in).collect()
    }

    /// Chooses the stories of a page. The newest page of a region shares its rows among the sources as the feed does;
    /// what had to give way there begins the next page.
    pub(super) fn choose(&self, selection: &Selection, tags: &[RegionId]) -> Chosen {
        let most = self.published.options.items;
        if let Some(topic) = &selection.topic {
            let (stories, older) = self.stories_of_topic(selection, tags, topic);
            return Chosen { stories, older };
        }
        let from = selection.from.map(|cursor| (cursor.at, cursor.item));
        let mut listed = self.view.listing(tags, selection.source.as_ref(), from, most + 1);
        let is_newest = from.is_none() && selection.source.is_none();
        let shown: Vec<Entry> = if is_newest {
            self.view.timeline(tags, None, most, most.div_ceil(2))
        } else {
            listed.iter().copied().take(most).collect()
        };
        listed.retain(|entry| !shown.contains(entry));
        Chosen {
            stories: shown.iter().filter_map(|entry| self.view.story(entry.story)).collect(),
            older: listed.first().filter(|_| !self.published.is_static).and_then(|entry| self.cursor(entry)),
        }
    }

    pub(super) fn cursor(&self, entry: &Entry) -> Option<Cursor> {
        Some(Cursor { at: entry.published, item: self.view.id_of(entry.story)? })
    }

    /// Returns the stories as rows of a page of this region: each names the regions it is about, unless that is the
    /// page's own.
    pub(super) fn rows(&self, stories: &[Story], page: Option<&RegionId>) -> Vec<Listing> {
        let regions = &self.published.regions;
        let row = |story: &Story| {
            let item = self.item(story)?;
            let tags = item.regions.iter().filter(|tag| Some(*tag) != page && regions.is_published(tag));
            let places = tags.filter_map(|tag| regions.get(tag)).take(MAX_PLACES);
            let places = places.map(|place| Crumb::to_region(&place.id, &self.name_on(place, page))).collect();
            Some(Listing { item, places })
        };
        stories.iter().filter_map(row).collect()
    }

    /// Names a region beside a story. Names such as 城区 say nothing without the city, unless the page is the city's.
    fn name_on(&self, place: &Region, page: Option<&RegionId>) -> String {
        const SHORT: usize = 2;
        let above = place.parent.as_ref().filter(|above| Some(*above) != page);
        match above.and_then(|above| self.published.regions.get(above)) {
            Some(above) if place.name.chars().count() <= SHORT => format!("{}{}", above.name, place.name),
            _ => place.name.clone(),
        }
    }
}
