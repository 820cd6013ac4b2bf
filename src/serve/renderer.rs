//! Renders documents: builds items from the view and the log, and feeds and pages from items.

use std::cell::Cell;
use std::sync::Arc;

use super::cache::Key;
use super::document::Document;
use super::published::PublishConfig;
use crate::dedup;
use crate::log::{Log, Position, Record};
use crate::model::{
    Change, Enclosure, Item, ItemId, Link, Moment, Policy, Provenance, Region, RegionId, Related, Report, Revision,
    Source, SourceId, Tls,
};
use crate::read;
use crate::view::{self, PollStates, Story, StoryNo, View};
use crate::write::{self, Beside, Channel, Crumb, Format, Language, Listed, Note, Outline, Page, SourceHealth};

/// Everything that a document is rendered from.
pub(super) struct Renderer<'a> {
    pub(super) published: &'a PublishConfig,
    pub(super) log: &'a Log,
    pub(super) view: &'a View,
    pub(super) poll_states: &'a PollStates,
    /// Set if a report could not be read for now, which leaves the document incomplete.
    pub(super) is_unreadable: Cell<bool>,
}

/// The bytes of a document, and when they changed last.
pub(super) struct Rendered {
    pub(super) media_type: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) changed: Moment,
}

impl Rendered {
    pub(super) fn finish(self) -> Document {
        Document::new(self.media_type, self.bytes, self.changed)
    }
}

/// Maximum size of a feed, in bytes.
const MAX_FEED: usize = 4 * 1024 * 1024;
/// Maximum number of other reports of a story that a document lists.
const MAX_RELATED: usize = 20;
/// Maximum total length of the URLs of an entry's attachments, in bytes, so that no entry pushes another one out of a
/// feed.
const MAX_ATTACHED: usize = 8 * 1024;
const HTML: &str = "text/html; charset=utf-8";

impl Renderer<'_> {
    /// Renders the document with this key; `None` if there is no such region.
    pub(super) fn make(&self, key: &Key) -> Option<Rendered> {
        match key {
            Key::Feed(region, format, source) => self.feed(region, *format, source.as_ref()),
            Key::Region(region, language) => self.region_page(region, *language),
            Key::Home(language) => Some(self.home(*language)),
            Key::Opml => Some(self.opml()),
        }
    }

    /// Renders the merged feed of a region and everything below it, or of one source only if it is given.
    pub(super) fn feed(&self, region: &RegionId, format: Format, source: Option<&SourceId>) -> Option<Rendered> {
        let place = self.published.regions.get(region)?;
        let options = &self.published.options;
        let (mut items, changed) = self.items(|tag| self.published.regions.covers(region, tag), source);
        let page = format!("{}/regions/{region}", options.public_url);
        let query = source.map(|source| format!("?source={source}")).unwrap_or_default();
        let of_source = source
            .and_then(|source| self.view.source(source))
            .map(|facts| format!(" · {}", facts.title))
            .unwrap_or_default();
        let title = format!("{}{of_source} · {}", place.name, options.title);
        let written = |items: &[Item]| {
            let channel = Channel {
                id: format!("{page}{query}"),
                description: self.describe(place),
                title: title.clone(),
                self_link: format!("{page}/{}{query}", format.file()),
                page: page.clone(),
                root: &options.public_url,
                updated: items.iter().map(|item| item.updated).max().unwrap_or_default(),
                language: &options.language,
                rights: options.rights.as_deref(),
                items,
            };
            match format {
                Format::Atom => write::atom(&channel),
                Format::Rss => write::rss(&channel),
                Format::Json => write::json(&channel),
            }
        };
        let mut bytes = written(&items);
        // A feed holds whole entries only: drop the oldest ones until it fits.
        while bytes.len() > MAX_FEED && !items.is_empty() {
            let fitting = items.len().saturating_mul(MAX_FEED) / bytes.len();
            items.truncate(fitting.min(items.len() - 1));
            bytes = written(&items);
        }
        Some(Rendered { media_type: format.media_type(), bytes, changed })
    }

    fn describe(&self, place: &Region) -> String {
        let path: Vec<&str> =
            self.published.regions.path(&place.id).iter().rev().map(|region| region.name.as_str()).collect();
        match Language::of_tag(&self.published.options.language) {
            Language::Chinese => format!("{}及下辖地区各来源的消息合集", path.join("")),
            Language::English => {
                format!("News of {} and the regions within, merged from all their sources", path.join(", "))
            }
        }
    }

    fn page(&self, language: Language) -> Page<'_> {
        Page { site: &self.published.options.title, language, zone: &self.published.options.zone }
    }

    fn region_page(&self, region: &RegionId, language: Language) -> Option<Rendered> {
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

    fn home(&self, language: Language) -> Rendered {
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

    /// Returns whether an item was published here once, although it may not be any more.
    pub(super) fn has_had(&self, id: ItemId) -> bool {
        self.view.find(id).is_some() || self.view.is_hidden(id)
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

    /// Renders the feed of the sources that are not healthy.
    ///
    /// # Errors
    /// If the poll states cannot be read; the error is logged.
    pub(super) fn sources_feed(&self) -> Result<Rendered, view::ViewError> {
        let healths = self.healths()?;
        let options = &self.published.options;
        let page = self.page(Language::of_tag(&options.language));
        let changed = healths.iter().filter_map(|health_of| health_of.since).max().unwrap_or_default();
        let bytes = write::health_feed(&page, &options.public_url, &healths);
        Ok(Rendered { media_type: Format::Atom.media_type(), bytes, changed })
    }

    fn healths(&self) -> Result<Vec<SourceHealth>, view::ViewError> {
        let health_of = |source: &Arc<Source>| {
            let state = self.poll_states.health_of(self.view, &source.id)?;
            let moved = state.moved.map(|(to, _)| Note::Moved(to.to_string()));
            let unchecked = (source.tls == Tls::Lenient).then_some(Note::Unchecked);
            let doubt = (!state.doubt.is_empty()).then_some(Note::Doubt(state.doubt));
            Ok(SourceHealth {
                id: source.id.clone(),
                title: source.title.clone(),
                url: source.url.to_string(),
                health: state.health,
                reason: state.reason,
                since: state.since,
                failures: state.failures,
                succeeded: state.succeeded,
                last_new: state.last_new,
                notes: moved.into_iter().chain(unchecked).chain(doubt).collect(),
            })
        };
        self.published.listing.iter().map(health_of).collect::<Result<_, view::ViewError>>().inspect_err(|error| {
            tracing::error!(error = error as &dyn std::error::Error, "cannot read the health of the sources");
        })
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

    fn opml(&self) -> Rendered {
        let regions = &self.published.regions;
        let mut ids: Vec<RegionId> = self
            .published
            .listing
            .iter()
            .flat_map(|source| regions.holders(&source.region))
            .filter(|id| regions.is_published(id))
            .collect();
        ids.sort();
        ids.dedup();
        let root = &self.published.options.public_url;
        let outlines: Vec<Outline> = ids
            .iter()
            .filter_map(|id| regions.get(id))
            .map(|region| Outline {
                title: region.name.clone(),
                feed: format!("{root}/regions/{}/atom.xml", region.id),
                page: format!("{root}/regions/{}", region.id),
            })
            .collect();
        let changed = self.view.changed(&self.view.tags());
        Rendered {
            media_type: "text/x-opml; charset=utf-8",
            bytes: write::opml(&self.published.options.title, changed, &outlines),
            changed,
        }
    }

    fn listed(&self, region: &Region, tags: &[RegionId]) -> Listed {
        Listed {
            region: crumb(region),
            has_items: tags.iter().any(|tag| self.published.regions.covers(&region.id, tag)),
        }
    }

    /// Returns the items of a feed, newest first, and the time of the newest change among the matching tags. One source
    /// gets at most half of the feed as long as it would displace items of others (see [`View::timeline`]).
    fn items(&self, is_in: impl Fn(&RegionId) -> bool, source: Option<&SourceId>) -> (Vec<Item>, Moment) {
        let tags: Vec<RegionId> = self.view.tags().into_iter().filter(|tag| is_in(tag)).collect();
        let most = self.published.options.items;
        let share = if source.is_some() { most } else { most.div_ceil(2) };
        let chosen = self.view.timeline(&tags, source, most, share);
        let items = chosen.iter().filter_map(|entry| self.item(&self.view.story(entry.story)?)).collect();
        (items, self.view.changed(&tags))
    }

    /// Returns a story as it is published. If its report cannot be read from the log, only this item is missing.
    fn item(&self, story: &Story) -> Option<Item> {
        let shown = self.report(story.shown.position)?;
        let facts = &story.shown.source;
        let publication = self.published.sources.get(&facts.id).cloned().unwrap_or_default();
        let draft = shown.draft;
        let http = |url: Option<String>| url.filter(|url| Link::parse(url).is_ok());
        let rights = draft.rights.or(publication.rights).or_else(|| facts.rights.clone());
        let is_reserved = rights.as_deref().is_some_and(forbids_copies) || forbids_copies(&draft.text);
        let base = draft.link.clone().unwrap_or_else(|| facts.link.clone());
        let content = (publication.policy == Policy::Full && !is_reserved && !draft.content_html.is_empty())
            .then(|| read::sanitise(&draft.content_html, Some(&base)));
        let text = if draft.summary.is_empty() { &draft.text } else { &draft.summary };
        let excerpt = write::excerpt(text);
        let mut categories = publication.topics;
        categories.extend(draft.categories);
        categories.dedup();
        Some(Item {
            id: story.id,
            title: if draft.title.is_empty() { excerpt.clone() } else { draft.title },
            link: http(draft.link),
            published: story.published,
            updated: story.updated,
            authors: draft.authors,
            categories,
            excerpt,
            content_html: content,
            enclosures: listed_files(draft.enclosures),
            comments: http(draft.comments),
            rights,
            provenance: Provenance {
                source: facts.id.clone(),
                title: facts.title.clone(),
                link: facts.link.clone(),
                credit: draft.credit.map(|credit| credit.name).filter(|name| *name != facts.title),
            },
            related: story.others.iter().filter_map(|other| self.related(other)).take(MAX_RELATED).collect(),
            regions: story.regions.iter().map(|(region, _)| region.clone()).collect(),
        })
    }

    fn related(&self, other: &view::Report) -> Option<Related> {
        let draft = self.report(other.position)?.draft;
        Some(Related {
            title: draft.title,
            link: draft.link.filter(|url| Link::parse(url).is_ok())?,
            source: other.source.title.clone(),
        })
    }

    fn report(&self, position: Position) -> Option<Report> {
        match self.log.read(position) {
            Ok(Record::Report(report)) => Some(*report),
            Ok(_) => None,
            Err(error) => {
                if error.is_passing() {
                    self.is_unreadable.set(true);
                }
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a report cannot be read; its item is left out"
                );
                None
            }
        }
    }
}

fn crumb(region: &Region) -> Crumb {
    Crumb { name: region.name.clone(), path: format!("/regions/{}", region.id) }
}

/// Returns the attachments that an entry lists.
fn listed_files(files: Vec<Enclosure>) -> Vec<Enclosure> {
    let mut left = MAX_ATTACHED;
    let fits = |file: &Enclosure| {
        let rest = left.checked_sub(file.url.len());
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    files.into_iter().filter(|file| Link::parse(&file.url).is_ok()).take_while(fits).collect()
}

/// Returns whether a notice in the text forbids copying it.
fn forbids_copies(text: &str) -> bool {
    ["未经许可不得转载", "未经授权不得转载", "不得转载", "禁止转载", "谢绝转载"]
        .iter()
        .any(|notice| text.contains(notice))
}
