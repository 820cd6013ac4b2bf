//! Renders documents: builds items from the view and the log, and feeds and pages from items.

use std::cell::Cell;

use super::cache::Key;
use super::document::{Failure, Rendered};
use super::published::PublishConfig;
use super::recent;
use super::selection::Selection;
use crate::log::{Log, Position, Record};
use crate::model::{
    Chronicle, Enclosure, Item, ItemId, Link, Moment, Policy, Provenance, RegionId, Related, Report, Source, SourceId,
    Tls,
};
use crate::read;
use crate::search::SearchIndex;
use crate::view::{self, PollStates, Story, View};
use crate::write::{self, Note, SourceHealth};

/// Everything that a document is rendered from.
pub(super) struct Renderer<'a> {
    pub(super) published: &'a PublishConfig,
    pub(super) log: &'a Log,
    pub(super) view: &'a View,
    pub(super) poll_states: &'a PollStates,
    pub(super) chronicle: &'a Chronicle,
    /// The start of the hour for which pages are rendered: they say how long ago something was.
    pub(super) hour: Moment,
    /// Absent if the site has no search.
    pub(super) search: Option<&'a SearchIndex>,
    /// Set if a report could not be read for now, which leaves the document incomplete.
    pub(super) is_unreadable: Cell<bool>,
}

/// Maximum number of other reports of a story that a document lists.
const MAX_RELATED: usize = 20;
/// Maximum total length of the URLs of an entry's attachments, in bytes, so that no entry pushes another one out of a
/// feed.
const MAX_ATTACHED: usize = 8 * 1024;

impl Renderer<'_> {
    /// Renders the document with this key; `None` if there is no such region.
    pub(super) fn make(&self, key: &Key) -> Option<Rendered> {
        match key {
            Key::Feed(region, format, filter) => self.feed(region, *format, filter),
            Key::Region(region, language, _) => {
                self.stories_page(&Selection { region: Some(region.clone()), ..Selection::default() }, *language)
            }
            Key::Home(language, _) => self.stories_page(&Selection::default(), *language),
            Key::Opml => Some(self.opml()),
        }
    }

    /// Renders a document that is not cached for long.
    pub(super) fn make_once(&self, key: &recent::Key) -> Result<Rendered, Failure> {
        use recent::Key;
        match key {
            Key::Item(id, language, _) => self.item_page(*id, *language).ok_or_else(|| {
                if self.has_had(*id) { Failure::Gone(self.view.public_reason(*id)) } else { Failure::Missing }
            }),
            Key::Stories(selection, language, _) if selection.source.is_some() => {
                self.source_page(selection, *language).map_err(|_told| Failure::Closed)?.ok_or(Failure::Missing)
            }
            Key::Stories(selection, language, _) => self.stories_page(selection, *language).ok_or(Failure::Missing),
            Key::Archive(region, part) => self.archive(region, *part).ok_or(Failure::Missing),
            Key::Regions(language) => Ok(self.regions_page(*language)),
            Key::About(language) => Ok(self.about_page(*language)),
            Key::Sources(language) => self.sources(*language).map_err(|_told| Failure::Closed),
            Key::StoriesFeed(selection, format) => self.stories_feed(selection, *format).ok_or(Failure::Missing),
            Key::OpenSearch => Ok(self.opensearch()),
            // The key of a search is a hash of it: it is rendered from the request.
            Key::Search(..) => Err(Failure::Missing),
            Key::Digest => Ok(self.digest()),
            Key::SourcesFeed => self.sources_feed().map_err(|_told| Failure::Closed),
        }
    }

    /// Returns whether an item was published here once, although it may not be any more.
    pub(super) fn has_had(&self, id: ItemId) -> bool {
        self.view.find(id).is_some() || self.view.is_hidden(id)
    }

    pub(super) fn healths(&self) -> Result<Vec<SourceHealth>, view::ViewError> {
        self.published.listing.iter().map(|source| self.health_of(source)).collect()
    }

    /// Returns how a source fares.
    ///
    /// # Errors
    /// If the poll states cannot be read; the error is logged.
    pub(super) fn health_of(&self, source: &Source) -> Result<SourceHealth, view::ViewError> {
        let state = self.poll_states.health_of(self.view, &source.id).inspect_err(|error| {
            tracing::error!(
                event = "poll_state_unread",
                error = error as &dyn std::error::Error,
                "cannot read the health of a source"
            );
        })?;
        let moved = state.moved.map(|(to, _)| Note::Moved(to.to_string()));
        let unchecked = (source.tls == Tls::Lenient).then_some(Note::Unchecked);
        let doubts = state.doubts.into_iter().map(Note::Doubt);
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
            notes: moved.into_iter().chain(unchecked).chain(doubts).collect(),
        })
    }

    /// Returns the regions that items are tagged with, of those for which `is_in` holds.
    pub(super) fn tags_in(&self, is_in: impl Fn(&RegionId) -> bool) -> Vec<RegionId> {
        self.view.tags().into_iter().filter(|tag| is_in(tag)).collect()
    }

    /// Returns the items of a feed, newest first, and the time of the newest change among the matching tags. One source
    /// gets at most half of the feed as long as it would displace items of others (see [`View::timeline`]).
    pub(super) fn items(&self, is_in: impl Fn(&RegionId) -> bool, source: Option<&SourceId>) -> (Vec<Item>, Moment) {
        let tags = self.tags_in(is_in);
        let most = self.published.options.items;
        let share = if source.is_some() { most } else { most.div_ceil(2) };
        let chosen = self.view.timeline(&tags, source, most, share);
        let items = chosen.iter().filter_map(|entry| self.item(&self.view.story(entry.story)?)).collect();
        (items, self.view.changed(&tags))
    }

    /// Returns a story as it is published. If its report cannot be read from the log, only this item is missing.
    pub(super) fn item(&self, story: &Story) -> Option<Item> {
        let shown = self.report(story.shown.position)?;
        let facts = &story.shown.source;
        let publication = self.published.policy_of(&facts.id);
        let draft = shown.draft;
        let http = |url: Option<String>| url.filter(|url| Link::parse(url).is_ok());
        let rights = draft.rights.or(publication.rights).or_else(|| facts.rights.clone());
        let is_reserved = rights.as_deref().is_some_and(write::forbids_copies) || write::forbids_copies(&draft.text);
        let base = draft.link.clone().unwrap_or_else(|| facts.link.clone());
        let is_full = publication.policy == Policy::Full && !is_reserved && !draft.content_html.is_empty();
        let has_picture = || draft.content_html.contains("<img") || draft.content_html.contains("<IMG");
        let clean =
            if is_full || has_picture() { read::sanitise(&draft.content_html, Some(&base)) } else { String::new() };
        let picture = write::picture(&draft.enclosures, &clean, &base);
        let content = is_full.then_some(clean);
        let text = if draft.summary.is_empty() { &draft.text } else { &draft.summary };
        let excerpt = write::excerpt(text);
        let mut categories = publication.topics;
        categories.extend(draft.categories);
        categories.dedup();
        let title = if draft.title.is_empty() { excerpt.clone() } else { draft.title };
        Some(Item {
            id: story.id,
            link: http(draft.link),
            published: story.published,
            updated: story.updated,
            authors: draft.authors,
            editors: draft.editors,
            categories,
            excerpt,
            content_html: content,
            picture,
            enclosures: listed_files(draft.enclosures),
            comments: http(draft.comments),
            replies: draft.replies,
            rights,
            provenance: Provenance {
                source: facts.id.clone(),
                title: facts.title.clone(),
                link: facts.link.clone(),
                is_feed: self.is_feed(&facts.id),
                credit: draft.credit.map(|credit| credit.name).filter(|name| *name != facts.title),
            },
            related: story.others.iter().filter_map(|other| self.related(other, &title)).take(MAX_RELATED).collect(),
            regions: story.regions.iter().map(|(region, _)| region.clone()).collect(),
            title,
        })
    }

    /// Returns whether the document at a source's address was a feed when it was last read.
    fn is_feed(&self, source: &SourceId) -> bool {
        match self.poll_states.get(source) {
            Ok(state) => state.is_some_and(|state| state.listing.format.is_feed()),
            Err(error) => {
                tracing::warn!(
                    event = "poll_state_unread",
                    error = &error as &dyn std::error::Error,
                    "the poll state of a source cannot be read"
                );
                false
            }
        }
    }

    /// Returns another report of a story, under the story's title: nobody else has a say in what stands in its entry.
    fn related(&self, other: &view::Report, title: &str) -> Option<Related> {
        let draft = self.report(other.position)?.draft;
        Some(Related {
            title: title.to_owned(),
            link: draft.link.filter(|url| Link::parse(url).is_ok())?,
            source: other.source.title.clone(),
            published: draft.published,
        })
    }

    pub(super) fn report(&self, position: Position) -> Option<Report> {
        match self.log.read(position) {
            Ok(Record::Report(report)) => Some(*report),
            Ok(_) => None,
            Err(error) => {
                if error.is_passing() {
                    self.is_unreadable.set(true);
                }
                tracing::error!(
                    event = "report_unread",
                    error = &error as &dyn std::error::Error,
                    "a report cannot be read; its item is left out"
                );
                None
            }
        }
    }
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
