//! Renders the pages of the site: the home page, regions, items and the status of the sources.

use super::renderer::{Rendered, Renderer};
use crate::dedup;
use crate::model::{Change, ItemId, Region, RegionId, Report, Revision};
use crate::view::{self, StoryNo};
use crate::write::{self, Beside, Crumb, Language, Listed, Page};

const HTML: &str = "text/html; charset=utf-8";

impl Renderer<'_> {
    pub(super) fn page(&self, language: Language) -> Page<'_> {
        Page { site: &self.published.options.title, language, zone: &self.published.options.zone }
    }

    pub(super) fn region_page(&self, region: &RegionId, language: Language) -> Option<Rendered> {
        let regions = &self.published.regions;
        let place = regions.get(region)?;
        let tags = self.view.tags();
        let crumbs: Vec<Crumb> =
            regions.path(region).iter().rev().filter(|up| regions.is_published(&up.id)).map(|up| crumb(up)).collect();
        let below = regions.children(region).iter().chain(&place.members);
        let children =
            below.filter_map(|child| regions.get(child)).map(|child| self.listed(child, &tags)).collect::<Vec<_>>();
        let (items, changed) = self.items(|tag| regions.covers(region, tag), None);
        let bytes = write::region(&self.page(language), &crumbs, &children, &place.services, &items);
        Some(Rendered { media_type: HTML, bytes, changed })
    }

    pub(super) fn home(&self, language: Language) -> Rendered {
        let regions = &self.published.regions;
        let tags = self.view.tags();
        let roots = regions.roots();
        let mut listed: Vec<Listed> = roots.iter().map(|root| self.listed(root, &tags)).collect();
        // If there is a single region at the top, also list those below it for visitors to choose from.
        if let [root] = roots.as_slice() {
            listed.extend(
                regions
                    .children(&root.id)
                    .iter()
                    .filter_map(|child| regions.get(child))
                    .map(|child| self.listed(child, &tags)),
            );
        }
        let feeds = match roots.as_slice() {
            [root] => Some(crumb(root).path),
            _ => None,
        };
        let (items, changed) = self.items(|tag| regions.is_published(tag), None);
        Rendered {
            media_type: HTML,
            bytes: write::home(&self.page(language), feeds.as_deref(), &listed, &items),
            changed,
        }
    }

    /// Renders the page of an item; `None` if there is none, or it was withdrawn.
    pub(super) fn item_page(&self, id: ItemId, language: Language) -> Option<Rendered> {
        const MAX_EVENT: usize = 10;
        const MAX_PARTS: usize = 50;
        let story = self.view.story(self.view.find(id)?)?;
        let item = self.item(&story)?;
        let regions = &self.published.regions;
        let tags = item
            .regions
            .iter()
            .filter_map(|tag| regions.get(tag))
            .filter(|tag| regions.is_published(&tag.id))
            .map(crumb)
            .collect();
        let other = |story: &StoryNo| {
            let story = self.view.story(*story)?;
            let name = self.report(story.shown.position)?.draft.title;
            Some(Crumb { name, path: format!("/items/{}", story.id) })
        };
        let event = story.alongside.iter().rev().filter_map(other).take(MAX_EVENT).collect();
        let parts = story.parts.iter().filter_map(other).take(MAX_PARTS).collect();
        let beside = Beside { tags, event, parts, revisions: self.revisions(&story.shown) };
        Some(Rendered {
            media_type: HTML,
            bytes: write::item(&self.page(language), &item, &beside),
            changed: item.updated.max(self.view.changed(&item.regions)),
        })
    }

    /// Renders the page with the health of every source.
    ///
    /// # Errors
    /// If the poll states cannot be read; the error is logged.
    pub(super) fn sources(&self, language: Language) -> Result<Rendered, view::ViewError> {
        let healths = self.healths()?;
        let changed =
            healths.iter().filter_map(|health_of| health_of.succeeded.max(health_of.since)).max().unwrap_or_default();
        Ok(Rendered { media_type: HTML, bytes: write::sources(&self.page(language), &healths), changed })
    }

    /// Returns how the text of a report changed, newest first. Each paragraph is cut to the length of an excerpt.
    fn revisions(&self, shown: &view::Report) -> Vec<Revision> {
        let reports = shown.earlier.iter().chain([&shown.position]).filter_map(|position| self.report(*position));
        let reports: Vec<Report> = if shown.earlier.is_empty() { Vec::new() } else { reports.collect() };
        let changes = |before: &Report, after: &Report| {
            let cut = |change| match change {
                Change::Kept(text) => Change::Kept(write::excerpt(&text)),
                Change::Added(text) => Change::Added(write::excerpt(&text)),
                Change::Removed(text) => Change::Removed(write::excerpt(&text)),
            };
            dedup::changes(&before.draft, &after.draft).into_iter().map(cut).collect::<Vec<_>>()
        };
        let mut found: Vec<Revision> = reports
            .windows(2)
            .filter_map(|pair| {
                let [before, after] = pair else { return None };
                Some(Revision { at: after.seen, changes: changes(before, after) })
            })
            .filter(|revision| !revision.changes.is_empty())
            .collect();
        found.reverse();
        found
    }

    fn listed(&self, region: &Region, tags: &[RegionId]) -> Listed {
        Listed {
            region: crumb(region),
            has_items: tags.iter().any(|tag| self.published.regions.covers(&region.id, tag)),
        }
    }
}

fn crumb(region: &Region) -> Crumb {
    Crumb { name: region.name.clone(), path: format!("/regions/{}", region.id) }
}
