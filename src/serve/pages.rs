//! Renders the pages of the site: the home page, regions, items, sources and what is about the site.

use std::sync::Arc;

use super::document::{HTML, Rendered};
use super::renderer::Renderer;
use super::selection::Selection;
use crate::dedup;
use crate::model::{Change, ItemId, Moment, Region, RegionId, Report, Revision, Source};
use crate::topics;
use crate::view::{self, Story, StoryNo};
use crate::write::{self, AboutSource, Around, Beside, Crumb, Language, Listed, Listing, Page};

/// Maximum number of sources named on the page of a region.
const MAX_SOURCES: usize = 40;

impl Renderer<'_> {
    pub(super) fn page(&self, language: Language) -> Page<'_> {
        self.published.page(language, self.hour)
    }

    fn rendered(&self, bytes: Vec<u8>, changed: Moment) -> Rendered {
        // Pages name times relative to the hour.
        Rendered { media_type: HTML, bytes, changed: changed.max(self.hour) }
    }

    /// Renders a page of stories: the home page, or that of a region, with its newest stories, older ones, or those of
    /// a topic. Returns `None` if there is no such region or topic.
    pub(super) fn stories_page(&self, selection: &Selection, language: Language) -> Option<Rendered> {
        let regions = &self.published.regions;
        let region = selection.region.as_ref();
        let place = match region {
            Some(region) => Some(regions.get(region)?),
            None => None,
        };
        let topic = match &selection.topic {
            Some(topic) => Some(self.published.topics.get(topic)?),
            None => None,
        };
        let path = region.map_or_else(|| "/".to_owned(), |region| format!("/regions/{region}"));
        let tags = self.tags_of(region);
        let chosen = self.choose(selection, &tags);
        let stories = self.rows(&chosen.stories, region);
        // The topics to choose from are those of the newest stories, also on the other pages.
        let is_newest = selection.topic.is_none() && selection.from.is_none();
        let newest = (!is_newest).then(|| {
            self.choose(&Selection { region: selection.region.clone(), ..Selection::default() }, &tags).stories
        });
        let sources = region.map(|region| self.sources_of(region)).unwrap_or_default();
        let around = Around {
            crumbs: region.map(|region| self.way_to(region)).unwrap_or_default(),
            regions: self.choices(place),
            services: place.map(|place| place.services.clone()).unwrap_or_default(),
            has_no_source: region.is_some() && stories.is_empty() && sources.is_empty(),
            sources,
            topics: self.topic_links(selection, newest.as_deref().unwrap_or(&chosen.stories), &path, language),
            topic: Some(address(&path, selection.topic.as_deref(), None)),
            warnings: if selection.from.is_none() && topic.is_none() { self.warnings(&stories) } else { Vec::new() },
            older: chosen.older.map(|older| address(&path, selection.topic.as_deref(), Some(&older.to_string()))),
            newest: selection.from.map(|_| address(&path, selection.topic.as_deref(), None)),
            feeds: Some(self.feeds_of(region, selection.topic.as_deref())),
        };
        let page = self.page(language);
        let bytes = match (place, topic) {
            (None, None) => write::home(&page, &around, &stories),
            (place, topic) => {
                let place = place.map_or(page.site, |place| place.name.as_str());
                let topic = topic.map(|topic| topic.name(language.tag()));
                let name = topic.map_or_else(|| place.to_owned(), |topic| format!("{place} · {topic}"));
                write::region(&page, &name, &address(&path, selection.topic.as_deref(), None), &around, &stories)
            }
        };
        Some(self.rendered(bytes, self.view.changed(&tags)))
    }

    /// Returns the way from the top to a region, without the region itself.
    fn way_to(&self, region: &RegionId) -> Vec<Crumb> {
        let mut way = self.path_of(region);
        way.pop();
        way
    }

    /// Returns the published regions from the top to this one.
    fn path_of(&self, region: &RegionId) -> Vec<Crumb> {
        let regions = &self.published.regions;
        regions.path(region).iter().rev().filter(|up| regions.is_published(&up.id)).map(|up| crumb(up)).collect()
    }

    /// Returns the regions that a page offers: those below it, and on the home page those at the top. Those with news
    /// come first.
    fn choices(&self, place: Option<&Region>) -> Vec<Listed> {
        let regions = &self.published.regions;
        let roots = regions.roots();
        let tags = self.view.tags();
        let below = |region: &Region| {
            let all = regions.children(&region.id).iter().chain(&region.members);
            all.filter_map(|child| regions.get(child)).map(|child| self.listed(child, &tags, 0)).collect::<Vec<_>>()
        };
        let mut listed = match (place, roots.as_slice()) {
            (Some(place), _) => below(place),
            // A single region at the top is not much of a choice, so those below it are offered, too.
            (None, [root]) => [vec![self.listed(root, &tags, 0)], below(root)].concat(),
            (None, roots) => roots.iter().map(|root| self.listed(root, &tags, 0)).collect(),
        };
        listed.sort_by_key(|listed| !listed.has_items);
        listed
    }

    /// Returns a region as it is listed, with as many levels below it.
    fn listed(&self, region: &Region, tags: &[RegionId], levels: usize) -> Listed {
        let regions = &self.published.regions;
        let has_items = tags.iter().any(|tag| regions.covers(&region.id, tag));
        let below = match levels {
            0 => Vec::new(),
            levels => {
                let children = regions.children(&region.id).iter().filter_map(|child| regions.get(child));
                // Below a region without news there is none either.
                children.map(|child| self.listed(child, tags, if has_items { levels - 1 } else { 0 })).collect()
            }
        };
        Listed { region: crumb(region), has_items, below }
    }

    /// Renders the page with the tree of all regions.
    pub(super) fn regions_page(&self, language: Language) -> Rendered {
        let tags = self.view.tags();
        let roots: Vec<Listed> =
            self.published.regions.roots().into_iter().map(|root| self.listed(root, &tags, 2)).collect();
        self.rendered(write::regions(&self.page(language), &roots), self.view.changed(&tags))
    }

    /// Renders the page about the site.
    pub(super) fn about_page(&self, language: Language) -> Rendered {
        self.rendered(write::about(&self.page(language)), Moment::default())
    }

    fn sources_of(&self, region: &RegionId) -> Vec<Crumb> {
        let is_here = |source: &&Arc<Source>| self.published.regions.covers(region, &source.region);
        let sources = self.published.listing.iter().filter(is_here).take(MAX_SOURCES);
        sources.map(|source| Crumb { name: source.title.clone(), path: format!("/sources/{}", source.id) }).collect()
    }

    /// Returns the path below which the feeds of a page are, and their query. The feed of a single region at the top is that
    /// of the whole site, and has archives.
    fn feeds_of(&self, region: Option<&RegionId>, topic: Option<&str>) -> (String, String) {
        let roots = self.published.regions.roots();
        let only = match roots.as_slice() {
            [root] => Some(root.id.clone()),
            _ => None,
        };
        let query = topic.map(|topic| format!("?topic={topic}")).unwrap_or_default();
        let path = region.cloned().or(only).map(|region| format!("/regions/{region}"));
        (path.unwrap_or_default(), query)
    }

    /// Returns the topics of these stories as links, after that to all of them.
    fn topic_links(&self, selection: &Selection, newest: &[Story], path: &str, language: Language) -> Vec<Crumb> {
        let found: Vec<Vec<String>> = newest.iter().map(|story| self.topics_of(story)).collect();
        let is_used =
            |id: &str| selection.topic.as_deref() == Some(id) || found.iter().flatten().any(|topic| topic == id);
        let used = self.published.topics.all().filter(|topic| is_used(&topic.id));
        let mut links: Vec<Crumb> = used
            .map(|topic| Crumb {
                name: topic.name(language.tag()).to_owned(),
                path: address(path, Some(&topic.id), None),
            })
            .collect();
        if !links.is_empty() {
            let all = write::all_topics(language).to_owned();
            links.insert(0, Crumb { name: all, path: address(path, None, None) });
        }
        links
    }

    fn warnings(&self, stories: &[Listing]) -> Vec<Listing> {
        const MAX_WARNINGS: usize = 5;
        let is_warning =
            |listing: &&Listing| topics::is_warning(&listing.item.title, self.hour.since(listing.item.published.at));
        stories.iter().filter(is_warning).take(MAX_WARNINGS).cloned().collect()
    }

    /// Renders the page of an item; `None` if there is none, or it was withdrawn.
    pub(super) fn item_page(&self, id: ItemId, language: Language) -> Option<Rendered> {
        const MAX_EVENT: usize = 10;
        const MAX_PARTS: usize = 50;
        let story = self.view.story(self.view.find(id)?)?;
        let item = self.item(&story)?;
        let is_published = |tag: &&RegionId| self.published.regions.is_published(tag);
        let regions: Vec<Vec<Crumb>> = item.regions.iter().filter(is_published).map(|tag| self.path_of(tag)).collect();
        let other = |story: &StoryNo| {
            let story = self.view.story(*story)?;
            let title = self.report(story.shown.position)?.draft.title;
            Some((Crumb::to_item(story.id, &title), story.published))
        };
        let own = regions.first().and_then(|path| path.last()).map_or("/", |own| own.path.as_str());
        let topics = self.topics_of(&story);
        let topics = topics.iter().filter_map(|id| self.published.topics.get(id)).map(|topic| Crumb {
            name: topic.name(language.tag()).to_owned(),
            path: address(own, Some(&topic.id), None),
        });
        let beside = Beside {
            topics: topics.collect(),
            event: story.alongside.iter().rev().filter_map(other).take(MAX_EVENT).collect(),
            parts: story.parts.iter().filter_map(other).map(|(part, _)| part).take(MAX_PARTS).collect(),
            revisions: self.revisions(&story.shown),
            regions,
        };
        let changed = item.updated.max(self.view.changed(&item.regions));
        Some(self.rendered(write::item(&self.page(language), &item, &beside), changed))
    }

    /// Renders the page of a source, or one of its older stories; `None` if there is no such source.
    ///
    /// # Errors
    /// If the poll states cannot be read; the error is logged.
    pub(super) fn source_page(
        &self,
        selection: &Selection,
        language: Language,
    ) -> Result<Option<Rendered>, view::ViewError> {
        let Some(id) = &selection.source else { return Ok(None) };
        let listed = self.published.listing.iter().find(|source| source.id == *id);
        let facts = self.view.source(id);
        let (title, link, region) = match (&listed, &facts) {
            (Some(source), _) => (source.title.clone(), source.url.to_string(), source.region.clone()),
            (None, Some(facts)) => (facts.title.clone(), facts.link.clone(), facts.region.clone()),
            (None, None) => return Ok(None),
        };
        let health = listed.map(|source| self.health_of(source)).transpose()?;
        let tags = self.tags_of(None);
        let chosen = self.choose(selection, &tags);
        let path = format!("/sources/{id}");
        let about = AboutSource {
            title: &title,
            link: &link,
            crumbs: self.path_of(&region),
            older: chosen.older.map(|older| address(&path, None, Some(&older.to_string()))),
            newest: selection.from.map(|_| path.clone()),
            feeds: facts
                .as_ref()
                .filter(|_| !self.published.is_static)
                .map(|_| (format!("/regions/{region}"), format!("?source={id}"))),
            path,
            health,
        };
        let bytes = write::source(&self.page(language), &about, &self.rows(&chosen.stories, None));
        Ok(Some(self.rendered(bytes, self.view.changed(&tags))))
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
}

/// Returns the address of a page of stories on this site.
fn address(path: &str, topic: Option<&str>, before: Option<&str>) -> String {
    let topic = topic.map(|topic| format!("topic={topic}"));
    let before = before.map(|before| format!("before={before}"));
    let query: Vec<String> = topic.into_iter().chain(before).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

fn crumb(region: &Region) -> Crumb {
    Crumb::to_region(&region.id, &region.name)
}
