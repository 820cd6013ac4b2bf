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

/// How many stories are read from the log at most to fill a page of one topic.
const MAX_EXAMINED: usize = 2000;
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
            return self.choose_topic(selection, tags, topic);
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

    fn choose_topic(&self, selection: &Selection, tags: &[RegionId], topic: &str) -> Chosen {
        const CHUNK: usize = 200;
        let most = self.published.options.items;
        let (mut stories, mut examined) = (Vec::new(), 0);
        let mut from = selection.from.map(|cursor| (cursor.at, cursor.item));
        loop {
            let entries = self.view.listing(tags, selection.source.as_ref(), from, CHUNK + 1);
            for entry in entries.iter().take(CHUNK) {
                if stories.len() == most || examined == MAX_EXAMINED {
                    return Chosen { stories, older: self.cursor(entry) };
                }
                examined += 1;
                stories.extend(
                    self.view.story(entry.story).filter(|story| self.topics_of(story).iter().any(|id| id == topic)),
                );
            }
            from = entries.get(CHUNK).and_then(|next| self.cursor(next)).map(|cursor| (cursor.at, cursor.item));
            if from.is_none() {
                return Chosen { stories, older: None };
            }
        }
    }

    fn cursor(&self, entry: &Entry) -> Option<Cursor> {
        Some(Cursor { at: entry.published, item: self.view.id_of(entry.story)? })
    }

    /// Returns the ids of the topics of a story.
    pub(super) fn topics_of(&self, story: &Story) -> Vec<String> {
        let Some(report) = self.report(story.shown.position) else { return Vec::new() };
        let mut labels = report.draft.categories;
        labels.extend(self.published.policy_of(&story.shown.source.id).topics);
        let topics = self.published.topics.of(&labels, &report.draft.title);
        topics.into_iter().map(|(topic, _)| topic.id.clone()).collect()
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
