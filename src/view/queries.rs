//! Queries of the view's state.

use std::collections::BTreeSet;

use super::fair_share::{Place, Share};
use super::item_state::ItemState;
use super::new_item::NewItem;
use super::numbers::{RegionNo, SourceNo};
use super::reports::Read;
use super::state::{State, day_number, number_of_day, scoped};
use super::story::{Entry, Report, Story};
use crate::dedup::{self, Fingerprint, Known, Neighbours};
use crate::log::{Control, Position, Record, SourceFacts};
use crate::model::{Draft, ItemId, Link, Moment, RegionId, SourceId};

/// How many places of a region's timeline are examined if one source fills it.
const FURTHEST: usize = 200_000;
/// How many places of a region's timeline are examined when looking for the stories of one source.
const FURTHEST_OF_ONE: usize = 200_000;

impl State {
    pub(super) const fn applied(&self) -> u64 {
        self.applied
    }

    /// Returns the number of items and of stories.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.slots.len(), self.slots.iter().filter(|(first, slot)| slot.head == **first).count())
    }

    pub(super) fn known_source(&self, id: &SourceId) -> Option<&SourceFacts> {
        self.facts(*self.source_numbers.get(id)?)
    }

    pub(super) fn control(&self, id: &SourceId) -> Option<Control> {
        self.controls.get(id).copied()
    }

    /// Returns where the newest record of each item is.
    pub(super) fn positions(&self) -> impl Iterator<Item = Position> + '_ {
        self.slots.iter().map(|(_, slot)| slot.position)
    }

    /// Returns the regions that items are tagged with.
    pub(super) fn tags(&self) -> Vec<RegionId> {
        let filled = self.timelines.iter().filter(|(_, timeline)| !timeline.is_empty());
        filled.filter_map(|(number, _)| self.region(*number).cloned()).collect()
    }

    /// Returns the newest stories tagged with any of these regions; if `source` is given, only those it reported.
    pub(super) fn timeline(
        &self,
        tags: &[RegionId],
        source: Option<&SourceId>,
        most: usize,
        share: usize,
    ) -> Vec<Entry> {
        let number = source.map(|source| self.source_numbers.get(source).copied());
        // Do not search everything for a source that has no items.
        if number.is_some_and(|number| number.is_none_or(|number| !self.reporters.contains_key(&number))) {
            return Vec::new();
        }
        let held = number.flatten().and_then(|number| self.reporters.get(&number)).copied();
        let most = held.map_or(most, |held| most.min(held));
        let is_of = |first: u64| match number {
            None => true,
            Some(wanted) => self.slots.get(&first).is_some_and(|slot| {
                std::iter::once(&first)
                    .chain(slot.members())
                    .any(|report| self.slots.get(report).map(|slot| slot.source) == wanted)
            }),
        };
        // Select the best stories within each tag first, then among all of them.
        let mut candidates: Vec<Place> = Vec::new();
        for timeline in tags.iter().filter_map(|tag| self.timelines.get(self.region_numbers.get(tag)?)) {
            let mut here = Share::new(most, share);
            let furthest = if number.is_some() { FURTHEST_OF_ONE } else { FURTHEST };
            for place in timeline.iter().take(furthest).filter(|(_, first)| is_of(*first)) {
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
        all.newest()
            .into_iter()
            .map(|(published, first)| Entry { published: Moment::from_millis(published.0), first })
            .collect()
    }

    /// Returns the number of the source whose report of a story is shown.
    fn shown_source(&self, first: u64) -> Option<SourceNo> {
        let head = self.slots.get(&first)?;
        Some(self.slots.get(&head.shown(first)).unwrap_or(head).source)
    }

    pub(super) fn source_of(&self, first: u64) -> Option<&SourceId> {
        self.sources.get(self.shown_source(first)?.at()).map(|facts| &facts.id)
    }

    /// Returns the story that begins with this report; `None` if it is unknown, withdrawn or has ended.
    pub(super) fn story(&self, first: u64) -> Option<Story> {
        let head = self.slots.get(&first).filter(|slot| !slot.withdrawn && !slot.ended)?;
        let report = |first: &u64| {
            let slot = self.slots.get(first)?;
            let source = self.sources.get(slot.source.at())?.clone();
            let (item, earlier) = (slot.id, slot.earlier().to_vec());
            Some(Report { position: slot.position, source, item, earlier })
        };
        let is_live = |one: &&u64| self.slots.get(one).is_some_and(|slot| slot.is_live(**one));
        let all = std::iter::once(&first).chain(head.members()).filter(is_live);
        // Sources with the same address are one source, whatever its id was.
        let address =
            |one: &u64| self.slots.get(one).and_then(|slot| self.facts(slot.source)).map(|facts| facts.link.as_str());
        let shown = head.shown(first);
        let is_other = |one: &&u64| **one != shown && (address(one).is_none() || address(one) != address(&shown));
        Some(Story {
            id: head.id,
            published: head.published,
            updated: head.updated,
            seen: head.seen,
            shown: report(&shown)?,
            others: all.filter(is_other).filter_map(report).collect(),
            regions: head
                .regions
                .iter()
                .filter_map(|(number, evidence)| Some((self.region(number)?.clone(), evidence)))
                .collect(),
            alongside: head
                .event()
                .and_then(|event| self.events.get(&event))
                .map(|stories| stories.iter().copied().filter(|story| *story != first).collect())
                .unwrap_or_default(),
            parts: self.parts(head),
            event: head.event().and_then(|event| self.slots.get(&event)).map(|slot| slot.id),
        })
    }

    /// Returns the first report of the story that an item belongs to.
    pub(super) fn find(&self, item: ItemId) -> Option<u64> {
        let first = self.first_of(item)?;
        self.slots.get(&first).map(|slot| slot.head)
    }

    /// Returns the item whose first report this is.
    pub(super) fn item(&self, first: u64) -> Option<ItemId> {
        self.slots.get(&first).map(|slot| slot.id)
    }

    /// Returns the items whose newest reports have this address, with the positions of those reports, oldest item
    /// first.
    pub(super) fn at_address(&self, link: &Link) -> Vec<(ItemId, Position)> {
        let draft = Draft { link: Some(link.as_str().to_owned()), ..Draft::default() };
        let found = self.with_link(Fingerprint::of(&draft).link);
        found.filter_map(|first| self.slots.get(&first)).map(|slot| (slot.id, slot.position)).collect()
    }

    pub(super) fn newest(&self, item: ItemId) -> Option<Position> {
        self.slots.get(&self.first_of(item)?).map(|slot| slot.position)
    }

    /// Returns the withdrawn items, most recently withdrawn first.
    pub(super) fn withdrawn(&self) -> Vec<(ItemId, Moment, String)> {
        let mut all: Vec<_> =
            self.hidden.iter().map(|(id, (at, reason))| (ItemId::from_u128(*id), *at, reason.clone())).collect();
        all.sort_by_key(|(id, at, _)| (std::cmp::Reverse(*at), *id));
        all
    }

    /// Returns whether the item's source said that it is gone and has not reported it again since.
    pub(super) fn is_gone(&self, item: ItemId) -> bool {
        let current = self.first_of(item).map(|first| self.current(first));
        current.and_then(|first| self.slots.get(&first)).is_some_and(|slot| slot.gone)
    }

    /// Returns whether the admin withdrew this item, even if it is no longer kept.
    pub(super) fn is_hidden(&self, item: ItemId) -> bool {
        self.hidden.contains_key(&item.as_u128())
    }

    /// Returns whether a report that is not the first of its story was withdrawn on its own.
    pub(super) fn is_withdrawn_alone(&self, item: ItemId) -> bool {
        let first = self.first_of(item);
        first
            .and_then(|first| Some((first, self.slots.get(&first)?)))
            .is_some_and(|(first, slot)| slot.withdrawn && slot.head != first)
    }

    /// Returns whether the item's report is the one its story shows.
    pub(super) fn is_shown(&self, item: ItemId) -> bool {
        let first = self.first_of(item);
        first
            .and_then(|first| Some((first, self.slots.get(&self.slots.get(&first)?.head)?)))
            .is_some_and(|(first, head)| head.shown(head.head) == first)
    }

    /// Returns whether the story that begins with this report was withdrawn.
    pub(super) fn is_withdrawn(&self, first: u64) -> bool {
        self.slots.get(&first).is_some_and(|slot| slot.withdrawn)
    }

    /// Returns the other stories that an item was compared with, and how they relate; `read` loads the reports.
    pub(super) fn beside(&self, first: u64, read: Read<'_>) -> Vec<(u64, dedup::Comparison)> {
        let Some(slot) = self.slots.get(&first) else { return Vec::new() };
        let Some(Record::Report(report)) = read(slot.position) else { return Vec::new() };
        let new = NewItem::new(slot.source, &report, slot.fingerprint, slot.regions.clone());
        let compared = self.relations(&new, read).compared;
        compared.into_iter().filter(|(head, _)| *head != slot.head).collect()
    }

    /// Returns the items that expire with the stories that began up to this day, although later log segments mention
    /// them.
    pub(super) fn going_with(&self, day: &str) -> Vec<ItemId> {
        let Some(last) = day_number(day) else { return Vec::new() };
        let goes = |slot: &ItemState| {
            let head = self.slots.get(&slot.head).map_or(slot.seen, |head| head.seen);
            number_of_day(head) <= last && i64::from(slot.position.day) > last
        };
        // An item that parted from an older one is a report of the older one in the log.
        let is_old = |first: u64| self.slots.get(&first).is_some_and(|slot| number_of_day(slot.seen) <= last);
        let parts = |slot: &ItemState| slot.became().is_some() && is_old(slot.head);
        let mut next: Vec<u64> =
            self.slots.iter().filter(|(_, slot)| goes(slot) || parts(slot)).map(|(first, _)| *first).collect();
        let mut going: BTreeSet<u64> = BTreeSet::new();
        while let Some(first) = next.pop() {
            if going.insert(first)
                && let Some(slot) = self.slots.get(&first)
            {
                next.extend(slot.members().iter().copied().chain(slot.became()));
            }
        }
        going.into_iter().filter_map(|first| self.slots.get(&first)).map(|slot| slot.id).collect()
    }

    /// Returns the time of the last change among these tagged regions.
    pub(super) fn changed(&self, tags: &[RegionId]) -> Moment {
        tags.iter().filter_map(|tag| self.changed.get(self.region_numbers.get(tag)?)).max().copied().unwrap_or_default()
    }

    /// Returns the tagged regions that changed since the last call.
    pub(super) fn dirty(&mut self) -> Vec<RegionId> {
        let dirty: Vec<RegionNo> = self.dirty.drain().collect();
        dirty.into_iter().filter_map(|number| self.region(number).cloned()).collect()
    }
}

impl Neighbours for State {
    fn by_id(&self, item: ItemId) -> Option<Known> {
        let first = self.first_of(item)?;
        let newest = self.slots.get(&self.current(first)).map(ItemState::known)?;
        Some(Known { item, ..newest })
    }

    fn by_content(&self, source: &SourceId, content: u64) -> Option<Known> {
        let source = *self.source_numbers.get(source)?;
        let hash = scoped(source, content);
        let mut found = self.by_content.of(hash, 0).filter_map(|first| self.slots.get(&first));
        found.find(|slot| slot.source == source && slot.fingerprint.content == content).map(ItemState::known)
    }
}
