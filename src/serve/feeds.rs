//! Renders the feeds of the site: those of regions, of the health of the sources, and the list of all.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::document::Rendered;
use super::filter::{Filter, Reach};
use super::published::PublishConfig;
use super::renderer::Renderer;
use super::selection::Selection;
use crate::log::Log;
use crate::model::{Chronicle, Item, ItemId, Moment, Region, RegionId};
use crate::view::{self, PollStates, View};
use crate::write::{self, Chain, Channel, Format, Language, Outline, PlaceName};

/// Maximum size of a feed, in bytes.
const MAX_FEED: usize = 4 * 1024 * 1024;
/// How long a feed names what was withdrawn, counted back from the last change of its regions: a clock would change feeds
/// that nothing happened to.
pub(super) const KEEP_DELETED: Duration = Duration::from_secs(90 * 86_400);
/// Maximum number of withdrawn items that a feed names, newest first.
pub(super) const MAX_DELETED: usize = 500;

/// What a feed says of itself.
#[derive(Clone, Default)]
pub(super) struct FeedHead {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) self_link: String,
    pub(super) page: String,
}

/// What changed in the regions of a feed.
struct FeedState {
    tags: Vec<RegionId>,
    changed: Moment,
    /// The stories that were deleted, and when.
    deleted: Vec<(ItemId, Moment)>,
}

fn written(format: Format, channel: &Channel<'_>) -> Vec<u8> {
    match format {
        Format::Atom => write::atom(channel),
        Format::Rss => write::rss(channel),
        Format::Json => write::json(channel),
    }
}

/// Writes a feed with as many of its items as fit. It holds whole entries only. Of those that take more than their share the
/// oldest are left out, so that no source can take the room of the others with a few large ones. `measure` returns how many
/// bytes an entry adds to a feed.
fn fitting<T>(items: &mut Vec<T>, write: impl Fn(&[T]) -> Vec<u8>, measure: impl Fn(&T) -> usize) -> Vec<u8> {
    let mut bytes = write(items);
    if bytes.len() <= MAX_FEED {
        return bytes;
    }
    let mut room = MAX_FEED.saturating_sub(write(&[]).len());
    let mut sizes: Vec<usize> = items.iter().map(measure).collect();
    while bytes.len() > MAX_FEED && !items.is_empty() {
        let share = room / items.len();
        let mut over = sizes.iter().sum::<usize>().saturating_sub(room);
        // The newest come first.
        for size in sizes.iter_mut().rev().filter(|size| **size > share) {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(*size);
            *size = 0;
        }
        let mut kept = sizes.iter();
        items.retain(|_| kept.next().is_some_and(|size| *size > 0));
        sizes.retain(|size| *size > 0);
        bytes = write(items);
        // What the sum of the parts does not tell: so few rounds are enough.
        room = room.saturating_sub((room / 8).max(1));
    }
    bytes
}

/// Returns the formats in which the feed of a region is too large to hold a story that it would hold by its place.
pub fn too_large_for(
    published: &PublishConfig,
    log: &Log,
    view: &View,
    poll_states: &PollStates,
    (region, story): (&RegionId, ItemId),
) -> Vec<Format> {
    let (hour, is_unreadable, chronicle) = (Moment::default(), Cell::new(false), &Chronicle::default());
    let renderer = Renderer { published, log, view, poll_states, search: None, hour, is_unreadable, chronicle };
    renderer.too_large_for(region, story)
}

impl Renderer<'_> {
    /// Returns the formats in which the feed of a region is too large to hold a story that it would hold by its place.
    pub(super) fn too_large_for(&self, region: &RegionId, story: ItemId) -> Vec<Format> {
        let filter = Filter::default();
        let state = self.state_of(region, &filter);
        let (items, _) = self.items(|tag| filter.reach.holds(&self.published.regions, region, tag), None);
        let lacks = |format: &Format| {
            let mut held = items.clone();
            let feed = self.feed_of((region, *format), &filter, &state, &mut held);
            feed.is_some() && held.iter().all(|item| item.id != story)
        };
        [Format::Atom, Format::Rss, Format::Json].into_iter().filter(lacks).collect()
    }

    /// Renders the feed of a region, or of that part of it which the filter leaves.
    pub(super) fn feed(&self, region: &RegionId, format: Format, filter: &Filter) -> Option<Rendered> {
        // Looked up first: what comes meanwhile must not make the feed look newer than it is.
        let state = self.state_of(region, filter);
        let is_in = |tag: &RegionId| filter.reach.holds(&self.published.regions, region, tag);
        let (mut items, _) = self.items(is_in, filter.source.as_ref());
        self.feed_of((region, format), filter, &state, &mut items)
    }

    fn state_of(&self, region: &RegionId, filter: &Filter) -> FeedState {
        let is_in = |tag: &RegionId| filter.reach.holds(&self.published.regions, region, tag);
        // Also the regions whose last item was withdrawn.
        let mut tags = self.view.known_regions();
        tags.retain(is_in);
        let changed = self.view.changed(&tags);
        let deleted = self.view.deleted(is_in, filter.source.as_ref(), changed - KEEP_DELETED, MAX_DELETED);
        FeedState { tags, changed, deleted }
    }

    /// Renders such a feed of these items, or of as many of them as a feed may have.
    fn feed_of(
        &self,
        (region, format): (&RegionId, Format),
        filter: &Filter,
        FeedState { tags, changed, deleted }: &FeedState,
        items: &mut Vec<Item>,
    ) -> Option<Rendered> {
        let place = self.published.regions.get(region)?;
        let source = filter.source.as_ref();
        let chain = Chain {
            previous: self.newest_archive(region, tags).filter(|_| filter.is_none() && format == Format::Atom),
            ..Chain::default()
        };
        let of_source = source
            .and_then(|source| self.view.source(source))
            .map(|facts| format!(" · {}", facts.title))
            .unwrap_or_default();
        let write = |items: &[Item]| {
            let updated = items.iter().map(|item| item.updated).chain(deleted.iter().map(|(_, at)| *at)).max();
            let channel = self.channel(place, format, items);
            let query = filter.query();
            let channel = Channel {
                id: format!("{}{query}", channel.id),
                self_link: format!("{}{query}", channel.self_link),
                title: format!(
                    "{}{}{of_source} · {}",
                    place.name,
                    self.part_name(filter.reach),
                    self.published.options.title
                ),
                hub: self.published.options.hub_url().filter(|_| filter.is_none()),
                updated: updated.unwrap_or_default(),
                deleted,
                chain: chain.clone(),
                ..channel
            };
            written(format, &channel)
        };
        let bytes = fitting(items, write, self.measure(format));
        Some(Rendered { media_type: format.media_type(), bytes, changed: *changed })
    }

    /// Renders a feed of stories that are chosen when it is asked for: those of a topic, or of the whole site. Returns `None`
    /// if there is no such region or topic.
    pub(super) fn stories_feed(&self, selection: &Selection, format: Format) -> Option<Rendered> {
        let (regions, options) = (&self.published.regions, &self.published.options);
        let place = match &selection.region {
            Some(region) => Some(regions.get(region)?),
            None => None,
        };
        let topic = match &selection.topic {
            Some(topic) => Some(self.published.topics.get(topic)?.name(&options.language)),
            None => None,
        };
        let tags = match place {
            Some(place) => self.tags_in(|tag| selection.reach.holds(regions, &place.id, tag)),
            None => self.tags_of(None),
        };
        let mut items: Vec<Item> =
            self.choose(selection, &tags).stories.iter().filter_map(|story| self.item(story)).collect();
        let base = place.map_or_else(|| options.public_url.clone(), |place| self.page_of(&place.id));
        let path = if place.is_some() { base.clone() } else { format!("{base}/") };
        let query = selection.query();
        let of_topic = Selection { reach: Reach::default(), ..selection.clone() };
        let region = place.map(|place| format!("{}{}", place.name, self.part_name(selection.reach)));
        let parts = [region.as_deref(), topic, Some(options.title.as_str())];
        let head = FeedHead {
            id: format!("{path}{query}"),
            title: parts.into_iter().flatten().collect::<Vec<_>>().join(" · "),
            description: place.map_or_else(|| options.title.clone(), |place| self.describe(place)),
            self_link: format!("{base}/{}{query}", format.file()),
            page: format!("{path}{}", of_topic.query()),
        };
        let bytes = self.write_feed(format, &head, &mut items);
        Some(Rendered { media_type: format.media_type(), bytes, changed: self.view.changed(&tags) })
    }

    /// Writes a feed of these items, or of as many of them as a feed may have.
    pub(super) fn write_feed(&self, format: Format, head: &FeedHead, items: &mut Vec<Item>) -> Vec<u8> {
        fitting(items, |items| written(format, &self.collection(head.clone(), items)), self.measure(format))
    }

    /// Returns what tells how many bytes an entry adds to a feed at most: as many as it makes one longer that is otherwise
    /// empty, with what stands between two entries.
    fn measure(&self, format: Format) -> impl Fn(&Item) -> usize {
        let length = move |items: &[Item]| written(format, &self.collection(FeedHead::default(), items)).len();
        move |item| (length(std::slice::from_ref(item)) + 1).saturating_sub(length(&[]))
    }

    /// Returns a feed of these items, of which nothing was withdrawn.
    fn collection<'a>(&'a self, head: FeedHead, items: &'a [Item]) -> Channel<'a> {
        let options = &self.published.options;
        let FeedHead { id, title, description, self_link, page } = head;
        Channel {
            hub: None,
            id,
            title,
            description,
            self_link,
            page,
            root: &options.public_url,
            updated: items.iter().map(|item| item.updated).max().unwrap_or_default(),
            language: &options.language,
            rights: options.rights.as_deref(),
            items,
            deleted: &[],
            places: self.places_of(items),
            point: None,
            services: &[],
            footer: options.footer,
            chain: Chain::default(),
        }
    }

    /// Returns a feed of a region with these items, of which nothing was withdrawn.
    pub(super) fn channel<'a>(&'a self, place: &'a Region, format: Format, items: &'a [Item]) -> Channel<'a> {
        let page = self.page_of(&place.id);
        let head = FeedHead {
            id: page.clone(),
            title: format!("{} · {}", place.name, self.published.options.title),
            description: self.describe(place),
            self_link: format!("{page}/{}", format.file()),
            page,
        };
        Channel { point: place.point, services: &place.services, ..self.collection(head, items) }
    }

    /// Returns the published regions of items.
    fn places_of(&self, items: &[Item]) -> BTreeMap<RegionId, PlaceName> {
        let regions = &self.published.regions;
        let published = items.iter().flat_map(|item| &item.regions).filter(|region| regions.is_published(region));
        let named = published.filter_map(|region| regions.get(region));
        named.map(|region| (region.id.clone(), PlaceName { name: region.name.clone(), point: region.point })).collect()
    }

    /// Returns the URL of the page of a region.
    pub(super) fn page_of(&self, region: &RegionId) -> String {
        format!("{}/regions/{region}", self.published.options.public_url)
    }

    /// Returns the regions whose items the feed of a region holds, also those whose last item was withdrawn.
    pub(super) fn known_in(&self, region: &RegionId) -> Vec<RegionId> {
        let mut tags = self.view.known_regions();
        tags.retain(|tag| self.published.regions.covers(region, tag));
        tags
    }

    /// Returns what a filter adds to the title of a feed, so that readers can tell its feeds apart.
    fn part_name(&self, reach: Reach) -> &'static str {
        let Reach { is_alone, has_above } = reach;
        match (Language::of_tag(&self.published.options.language), is_alone, has_above) {
            (_, false, false) => "",
            (Language::Chinese, true, false) => "（本级）",
            (Language::Chinese, false, true) => "（含上级）",
            (Language::Chinese, true, true) => "（本级及上级）",
            (Language::English, true, false) => " (itself)",
            (Language::English, false, true) => " (and above)",
            (Language::English, true, true) => " (itself and above)",
        }
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

    /// Renders the feed of how the sources fared.
    pub(super) fn digest(&self) -> Rendered {
        let options = &self.published.options;
        let page = self.page(Language::of_tag(&options.language));
        let bytes = write::digest(&page, &options.public_url, self.chronicle);
        Rendered { media_type: Format::Atom.media_type(), bytes, changed: self.chronicle.changed() }
    }

    /// Renders the list of all feeds, as the tree of their regions: those that have a source or an item at or below them.
    pub(super) fn opml(&self) -> Rendered {
        let regions = &self.published.regions;
        let (tags, sources) = (self.view.tags(), self.published.listing.iter().map(|source| &source.region));
        let ids: HashSet<RegionId> = sources
            .chain(&tags)
            .flat_map(|region| regions.holders(region))
            .filter(|id| regions.is_published(id))
            .collect();
        let is_top = |id: &&RegionId| {
            let above = regions.get(id).and_then(|region| region.parent.as_ref());
            !above.is_some_and(|above| ids.contains(above))
        };
        let mut tops: Vec<&RegionId> = ids.iter().filter(is_top).collect();
        tops.sort();
        let outlines: Vec<Outline> = tops.into_iter().filter_map(|id| self.outline(id, &ids)).collect();
        let changed = self.view.changed(&tags);
        Rendered {
            media_type: "text/x-opml; charset=utf-8",
            bytes: write::opml(&self.published.options.title, changed, &outlines),
            changed,
        }
    }

    /// Returns the feed of a region with those of the regions below it, of those named.
    fn outline(&self, id: &RegionId, ids: &HashSet<RegionId>) -> Option<Outline> {
        let regions = &self.published.regions;
        let below = regions.children(id).iter().filter(|child| ids.contains(*child));
        Some(Outline {
            title: regions.get(id)?.name.clone(),
            feed: Some(format!("{}/{}", self.page_of(id), Format::Atom.file())),
            page: self.page_of(id),
            below: below.filter_map(|child| self.outline(child, ids)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of entries, newest first, that are left of these.
    fn left(sizes: &[usize]) -> Vec<usize> {
        let mut items = sizes.to_vec();
        let (rounds, measured) = (Cell::new(0), Cell::new(0));
        let write = |items: &[usize]| {
            rounds.set(rounds.get() + 1);
            vec![0; 1000 + items.iter().sum::<usize>()]
        };
        let measure = |size: &usize| {
            measured.set(measured.get() + 1);
            size + 1
        };
        let bytes = fitting(&mut items, write, measure);
        assert!(rounds.get() <= 3 && measured.get() <= sizes.len(), "each entry is measured once");
        assert!(bytes.len() <= MAX_FEED);
        items
    }

    #[test]
    fn a_few_large_entries_leave_others_their_room() {
        let large = 400 << 10;
        let mixed: Vec<usize> = (0..50).map(|at| if at < 25 { large } else { 2000 + at }).collect();
        let kept = left(&mixed);
        assert_eq!(kept.iter().filter(|size| **size < large).count(), 25, "no small one is left out");
        assert_eq!(kept.len(), 35, "as many of the large ones stay as fit");
        // Of equal ones the oldest are left out.
        let equal: Vec<usize> = (0..50).map(|at| (100 << 10) - at).collect();
        let kept = left(&equal);
        assert_eq!(kept, equal[..kept.len()]);
        assert_eq!(left(&[2000; 50]).len(), 50);
        assert!(left(&[5 << 20]).is_empty());
        assert!(left(&vec![10; 500_000]).len() > 300_000);
    }
}
