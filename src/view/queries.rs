//! Queries of the view's state.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;

use super::fair_share::{Place, Share};
use super::item_state::ItemState;
use super::numbers::{ItemNo, RegionNo, SourceNo, StoryNo};
use super::state::State;
use super::story::{Begun, Entry, Report, Story};
use crate::dedup::{Fingerprint, Known, Neighbours};
use crate::log::{Log, Position, Record, SourceFacts};
use crate::model::{Draft, ItemId, Link, Moment, RegionId, SourceId};

/// How many places of a region's timeline are examined if one source fills it.
const FURTHEST: usize = 200_000;
/// How many places of a region's timeline are examined when looking for the stories of one source.
const FURTHEST_OF_ONE: usize = 200_000;
/// How many reports of a story are looked at for why it was withdrawn.
const MAX_ASKED: usize = 1000;

impl State {
    pub(super) const fn applied(&self) -> u64 {
        self.applied
    }

    /// Returns the number of items and of stories.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.items.len(), self.items.iter().filter(|(number, item)| item.is_first(*number)).count())
    }

    pub(super) fn known_source(&self, id: &SourceId) -> Option<&SourceFacts> {
        self.sources.facts(self.sources.number(id)?)
    }

    /// Returns where the newest record of each item is.
    pub(super) fn positions(&self) -> impl Iterator<Item = Position> + '_ {
        self.items.iter().map(|(_, item)| item.position)
    }

    /// Returns the regions that items are tagged with.
    pub(super) fn tags(&self) -> Vec<RegionId> {
        self.timelines.regions().filter_map(|number| self.geography.region(number).cloned()).collect()
    }

    /// Returns the newest stories tagged with any of these regions; if `source` is given, only those it reported.
    pub(super) fn timeline(
        &self,
        tags: &[RegionId],
        source: Option<&SourceId>,
        most: usize,
        share: usize,
    ) -> Vec<Entry> {
        let number = source.map(|source| self.sources.number(source));
        // Do not search everything for a source that has no items.
        let held = number.map(|number| number.map_or(0, |number| self.items.count_of(number)));
        if held == Some(0) {
            return Vec::new();
        }
        let most = held.map_or(most, |held| most.min(held));
        let is_of = |story: StoryNo| {
            number.is_none_or(|wanted| self.items.of_story(story).any(|item| Some(item.source) == wanted))
        };
        // Select the best stories within each tag first, then among all of them.
        let mut candidates: Vec<Place> = Vec::new();
        for region in tags.iter().filter_map(|tag| self.geography.number(tag)) {
            let mut here = Share::new(most, share);
            let furthest = if number.is_some() { FURTHEST_OF_ONE } else { FURTHEST };
            for place in self.timelines.of(region).take(furthest).filter(|(_, story)| is_of(*story)) {
                if !here.take(*place, self.shown_source(place.1)) {
                    break;
                }
            }
            candidates.extend(here.newest());
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut all = Share::new(most, share);
        for place in candidates {
            if !all.take(place, self.shown_source(place.1)) {
                break;
            }
        }
        let entry = |(published, story): Place| Entry { published: Moment::from_millis(published.0), story };
        all.newest().into_iter().map(entry).collect()
    }

    /// Returns the stories tagged with any of these regions, newest first, from the story `from` on if it is given; if
    /// `source` is given, only those it reported. No source is held back.
    pub(super) fn listing(
        &self,
        tags: &[RegionId],
        source: Option<&SourceId>,
        from: Option<(Moment, ItemId)>,
        most: usize,
    ) -> Vec<Entry> {
        let number = source.map(|source| self.sources.number(source));
        if number.is_some_and(|number| number.is_none_or(|number| self.items.count_of(number) == 0)) {
            return Vec::new();
        }
        let is_of = |story: StoryNo| {
            number.is_none_or(|wanted| self.items.of_story(story).any(|item| Some(item.source) == wanted))
        };
        let newest = (Reverse(i64::MAX), StoryNo::default());
        let first = from.map_or(newest, |(at, item)| (Reverse(at.millis()), self.find(item).unwrap_or_default()));
        let mut places: Vec<Place> = Vec::new();
        for region in tags.iter().filter_map(|tag| self.geography.number(tag)) {
            let here = self.timelines.from(region, first).take(FURTHEST_OF_ONE);
            places.extend(here.filter(|(_, story)| is_of(*story)).take(most));
        }
        places.sort_unstable();
        places.dedup();
        places.truncate(most);
        let entry = |(published, story): Place| Entry { published: Moment::from_millis(published.0), story };
        places.into_iter().map(entry).collect()
    }

    /// Returns the number of the source whose report of a story is shown.
    fn shown_source(&self, story: StoryNo) -> Option<SourceNo> {
        let head = self.items.head(story)?;
        Some(self.items.get(head.shown(story.first())).unwrap_or(head).source)
    }

    pub(super) fn source_of(&self, story: StoryNo) -> Option<&SourceId> {
        self.sources.entry(self.shown_source(story)?).map(|facts| &facts.id)
    }

    /// Returns a story; `None` if it is unknown, withdrawn or has ended.
    pub(super) fn story(&self, story: StoryNo) -> Option<Story> {
        let first = story.first();
        let head = self.items.get(first).filter(|head| !head.withdrawn && !head.ended)?;
        let report = |number: ItemNo| {
            let item = self.items.get(number)?;
            let source = self.sources.entry(item.source)?.clone();
            Some(Report { position: item.position, source, item: item.id, earlier: item.earlier().to_vec() })
        };
        let is_live = |number: &ItemNo| self.items.get(*number).is_some_and(|item| item.is_live(*number));
        // Sources with the same address are one source, whatever its id was.
        let address = |number: ItemNo| {
            self.items.get(number).and_then(|item| self.sources.facts(item.source)).map(|facts| facts.link.as_str())
        };
        let shown = head.shown(first);
        let is_other =
            |number: &ItemNo| *number != shown && (address(*number).is_none() || address(*number) != address(shown));
        let region = |(number, evidence)| Some((self.geography.region(number)?.clone(), evidence));
        let alongside = head.event().into_iter().flat_map(|event| self.events.stories(event));
        Some(Story {
            id: head.id,
            published: head.published,
            updated: head.updated,
            seen: head.seen,
            shown: report(shown)?,
            others: head.all(first).filter(is_live).filter(is_other).filter_map(report).collect(),
            regions: head.regions.iter().filter_map(region).collect(),
            alongside: alongside.filter(|other| *other != story).collect(),
            parts: self.parts(head),
            event: head.event().and_then(|event| self.items.head(event)).map(|oldest| oldest.id),
        })
    }

    /// Returns the stories that a round-up contains; some may have been joined since.
    fn parts(&self, whole: &ItemState) -> Vec<StoryNo> {
        let mut parts: Vec<StoryNo> =
            whole.parts().iter().filter_map(|part| self.items.head(*part)).map(|head| head.story).collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    }

    /// Returns the story that an item belongs to.
    pub(super) fn find(&self, id: ItemId) -> Option<StoryNo> {
        self.items.get(self.items.with_id(id)?).map(|item| item.story)
    }

    /// Returns the id of a story.
    pub(super) fn id_of(&self, story: StoryNo) -> Option<ItemId> {
        self.items.head(story).map(|head| head.id)
    }

    /// Returns the items whose newest reports have this address, with the positions of those reports, oldest item
    /// first.
    pub(super) fn at_address(&self, link: &Link) -> Vec<(ItemId, Position)> {
        let draft = Draft { link: Some(link.as_str().to_owned()), ..Draft::default() };
        let found = self.items.with_link(Fingerprint::of(&draft).link);
        found.map(|(_, item)| (item.id, item.position)).collect()
    }

    pub(super) fn newest(&self, id: ItemId) -> Option<Position> {
        self.items.get(self.items.with_id(id)?).map(|item| item.position)
    }

    /// Returns whether the item's source said that it is gone and has not reported it again since.
    pub(super) fn is_gone(&self, id: ItemId) -> bool {
        let current = self.items.with_id(id).map(|number| self.items.current(number));
        current.and_then(|number| self.items.get(number)).is_some_and(|item| item.gone)
    }

    /// Returns whether a report that is not the first of its story was withdrawn on its own.
    pub(super) fn is_withdrawn_alone(&self, id: ItemId) -> bool {
        let number = self.items.with_id(id);
        let item = number.and_then(|number| Some((number, self.items.get(number)?)));
        item.is_some_and(|(number, item)| item.withdrawn && !item.is_first(number))
    }

    /// Returns whether the item's report is the one its story shows.
    pub(super) fn is_shown(&self, id: ItemId) -> bool {
        let shown = |story: StoryNo| self.items.head(story).map(|head| head.shown(story.first()));
        self.find(id).and_then(shown).is_some_and(|shown| self.items.with_id(id) == Some(shown))
    }

    /// Returns whether a story was withdrawn.
    pub(super) fn is_withdrawn(&self, story: StoryNo) -> bool {
        self.items.head(story).is_some_and(|head| head.withdrawn)
    }

    /// Returns the time of the last change among these tagged regions.
    pub(super) fn changed(&self, tags: &[RegionId]) -> Moment {
        let changed = |tag: &RegionId| self.timelines.changed(self.geography.number(tag)?);
        tags.iter().filter_map(changed).max().unwrap_or_default()
    }

    /// Returns the stories of the regions for which `is_wanted` holds that were withdrawn or taken down since `from`,
    /// newest first: their ids, and when. With a source, only those that it reported.
    pub(super) fn deleted(
        &self,
        is_wanted: impl Fn(&RegionId) -> bool,
        source: Option<&SourceId>,
        from: Moment,
        most: usize,
    ) -> Vec<(ItemId, Moment)> {
        if self.deleted.is_empty() {
            return Vec::new();
        }
        let regions = self.geography.regions().iter();
        let wanted: HashSet<RegionNo> =
            regions.filter(|region| is_wanted(region)).filter_map(|region| self.geography.number(region)).collect();
        let number = source.map(|source| self.sources.number(source));
        let is_in = |head: &ItemState| head.regions.iter().any(|(region, _)| wanted.contains(&region));
        let is_of = |story: StoryNo| {
            number.is_none_or(|wanted| self.items.of_story(story).any(|item| Some(item.source) == wanted))
        };
        let of_it = |(at, story): &(Moment, StoryNo)| {
            let head = self.items.head(*story).filter(|head| head.is_first(story.first()) && is_in(head))?;
            is_of(*story).then_some((self.withdrawn.contains(head.id), head.id, *at))
        };
        let since = (from, StoryNo::default())..;
        // What was withdrawn by itself must not be pushed out by a takedown of thousands.
        let single = self.withdrawn.since(from);
        let (mut alone, mut taken, mut found) = (0, 0, Vec::new());
        for one in self.deleted.range(since).rev().take(FURTHEST).filter_map(of_it) {
            alone += usize::from(one.0);
            taken += usize::from(!one.0);
            found.push(one);
            if alone >= most || taken >= most && alone >= single {
                break;
            }
        }
        let alone = alone.min(most);
        let mut left = [most - alone, alone];
        let is_named = |is_alone: bool| match left.get_mut(usize::from(is_alone)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        };
        let mut is_named = is_named;
        found.into_iter().filter(|(is_alone, ..)| is_named(*is_alone)).map(|(_, id, at)| (id, at)).collect()
    }

    /// Returns a number that changes when an item is withdrawn or restored, and when a takedown begins or ends.
    pub(super) fn removals(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.withdrawn.summary().hash(&mut hasher);
        (self.deleted.len(), self.deleted.last().map(|(at, _)| *at)).hash(&mut hasher);
        self.takedowns.all().for_each(|takedown| format!("{takedown:?}").hash(&mut hasher));
        hasher.finish()
    }

    /// Returns the regions of the stories that were withdrawn or taken down since `from`.
    pub(super) fn lost_regions(&self, from: Moment) -> HashSet<RegionId> {
        let stories = self.deleted.range((from, StoryNo::default())..).map(|(_, story)| *story);
        let heads = stories.filter_map(|story| self.items.head(story));
        let numbers: HashSet<RegionNo> =
            heads.flat_map(|head| head.regions.iter().map(|(region, _)| region).collect::<Vec<_>>()).collect();
        numbers.into_iter().filter_map(|number| self.geography.region(number).cloned()).collect()
    }

    /// Returns whether a takedown covers an item.
    pub(super) fn is_taken_down(&self, id: ItemId) -> bool {
        self.items.with_id(id).and_then(|number| self.items.get(number)).is_some_and(|item| item.taken)
    }

    /// Returns the items of a source.
    pub(super) fn items_of(&self, source: &SourceId) -> Vec<ItemId> {
        let is_it = |facts: &SourceFacts| facts.id == *source || facts.was.contains(source);
        let numbers: Vec<SourceNo> =
            self.sources.numbers().filter(|number| self.sources.entry(*number).is_some_and(is_it)).collect();
        self.items.iter().filter(|(_, item)| numbers.contains(&item.source)).map(|(_, item)| item.id).collect()
    }

    /// Returns the number of items of a source.
    pub(super) fn count_of(&self, source: &SourceId) -> usize {
        self.sources.number(source).map_or(0, |number| self.items.count_of(number))
    }

    /// Returns what readers are told of why an item is not published; `None` if nothing.
    pub(super) fn public_reason(&self, id: ItemId, log: &Log) -> Option<String> {
        let said = |id: ItemId| self.withdrawn.get(id.as_u128()).and_then(|said| said.public.clone());
        let Some(story) = self.find(id) else { return said(id) };
        let mut items = self.items.of_story(story).take(MAX_ASKED);
        let withdrawn = said(id).or_else(|| self.items.of_story(story).take(MAX_ASKED).find_map(|item| said(item.id)));
        withdrawn.or_else(|| {
            let taken = items.find(|item| item.taken)?;
            let Ok(Record::Report(report)) = log.read(taken.position) else { return None };
            self.takedowns.of(self.sources.entry(taken.source)?, &report.draft)?.takedown.public_reason.clone()
        })
    }

    /// Returns the stories of these regions that began on these days, in order of their arrival, also those that are not
    /// published.
    pub(super) fn begun(&self, tags: &[RegionId], days: RangeInclusive<u32>) -> Vec<Begun> {
        let wanted: HashSet<RegionNo> = tags.iter().filter_map(|tag| self.geography.number(tag)).collect();
        let items = self.items.since(*days.start()).take_while(|(_, item)| item.oldest().day <= *days.end());
        items
            .filter(|(number, item)| item.is_first(*number))
            .filter(|(_, item)| item.regions.iter().any(|(region, _)| wanted.contains(&region)))
            .map(|(_, item)| Begun {
                story: item.story,
                id: item.id,
                length: usize::try_from(item.oldest().length).unwrap_or(usize::MAX),
                deleted: item.deleted(),
            })
            .collect()
    }

    /// Returns the day of the oldest item that is kept.
    pub(super) fn first_day(&self) -> Option<u32> {
        self.items.iter().next().map(|(_, item)| item.oldest().day)
    }

    /// Returns the tagged regions that changed since the last call.
    pub(super) fn dirty(&mut self) -> Vec<RegionId> {
        let dirty = self.timelines.take_dirty();
        dirty.into_iter().filter_map(|number| self.geography.region(number).cloned()).collect()
    }
}

impl Neighbours for State {
    fn by_id(&self, item: ItemId) -> Option<Known> {
        let number = self.items.with_id(item)?;
        let newest = self.items.get(self.items.current(number)).map(ItemState::known)?;
        Some(Known { item, ..newest })
    }

    fn by_content(&self, source: &SourceId, content: u64) -> Option<Known> {
        let source = self.sources.number(source)?;
        self.items.with_content(source, content).next().map(ItemState::known)
    }
}
