//! The view's state in memory, and how a log record changes it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::fair_share::Place;
use super::index::Index;
use super::item_state::ItemState;
use super::item_table::ItemTable;
use super::new_item::NewItem;
use super::numbers::{RegionNo, SourceNo};
use super::reports::{Home, Read, moment, published, updated_at};
use super::similarity_index::{MAX_ALIKE, SimilarityIndex};
use crate::dedup::Fingerprint;
use crate::log::{Control, Position, Record, SourceFacts};
use crate::model::{Authority, Draft, ItemId, Link, Moment, RegionId, Report as ReportNoun, SourceId, Zone};
use crate::regions::Places;

/// Maximum number of reports of an item whose changes advance `updated`.
const MAX_UPDATES: u16 = 24;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) slots: ItemTable,
    /// Number of items per source.
    pub(super) reporters: HashMap<SourceNo, usize>,
    /// Keyed by the upper half of an item's id.
    pub(super) by_id: Index<12>,
    pub(super) by_link: Index<12>,
    pub(super) by_content: Index<12>,
    pub(super) timelines: HashMap<RegionNo, BTreeSet<Place>>,
    pub(super) sources: Vec<SourceFacts>,
    pub(super) source_numbers: HashMap<SourceId, SourceNo>,
    pub(super) controls: HashMap<SourceId, Control>,
    /// Withdrawn items, including those that are no longer known.
    pub(super) hidden: BTreeMap<u128, (Moment, String)>,
    pub(super) touched_hidden: BTreeSet<u128>,
    pub(super) regions: Vec<RegionId>,
    pub(super) region_numbers: HashMap<RegionId, RegionNo>,
    /// Canonical links of the sources themselves; these are no story's address.
    pub(super) listings: HashSet<String>,
    pub(super) applied: u64,
    pub(super) ids: u128,
    /// Items that changed since the last call of `changes`.
    pub(super) touched: BTreeSet<u64>,
    pub(super) touched_sources: BTreeSet<SourceNo>,
    pub(super) removed: Vec<u64>,
    /// Regions whose feeds changed since the last call of `dirty`.
    pub(super) dirty: HashSet<RegionNo>,
    /// Time of the last change in each tagged region, by the log's own times.
    pub(super) changed: HashMap<RegionNo, Moment>,
    pub(super) touched_regions: BTreeSet<RegionNo>,
    /// Time of the record being applied.
    pub(super) now: Moment,
    /// Region names used to place items.
    pub(super) places: Arc<Places>,
    /// Items that new ones are compared with, by text.
    pub(super) by_text: SimilarityIndex,
    /// Items that new ones are compared with, by facts.
    pub(super) by_facts: SimilarityIndex,
    /// Stories of each event, keyed by the oldest.
    pub(super) events: HashMap<u64, BTreeSet<u64>>,
    /// Former ids of renamed sources.
    pub(super) renamed: Vec<SourceId>,
    /// Sources that were moved to another region but whose items have not followed yet; empty between two writes.
    pub(super) moved: BTreeSet<SourceNo>,
}

impl State {
    /// Returns the state with these region names for placing new items.
    pub(super) fn with(self, places: &Arc<Places>) -> Self {
        Self { places: Arc::clone(places), ..self }
    }

    /// Applies a log record. `read` loads other reports that a new one must be compared with.
    pub(super) fn apply(&mut self, seq: u64, position: Position, record: &Record, read: Read<'_>) {
        if seq <= self.applied {
            return;
        }
        self.applied = seq;
        // All facts of one reload have the same time; apply the moves once, after the last of them.
        let at = moment(record);
        if !matches!(record, Record::Source(_)) || at != self.now {
            self.settle_moves();
        }
        self.now = at;
        match record {
            Record::Source(facts) => self.upsert_source(facts.clone()),
            Record::Report(report) => self.report(seq, position, report, read),
            Record::Control { source, state, .. } => {
                self.controls.insert(source.clone(), *state);
                self.touched_sources.extend(self.source_numbers.get(source));
            }
            Record::Withdraw { item, reason, at } => self.hide(*item, Some((*at, reason.clone()))),
            Record::Restore { item, .. } => self.hide(*item, None),
            Record::Gone { item, .. } => self.set_gone(*item, true),
            Record::Back { item, .. } => self.set_gone(*item, false),
            Record::Expire { day, items, .. } => self.expire(day, items),
        }
    }

    pub(super) fn upsert_source(&mut self, facts: SourceFacts) {
        if let Ok(link) = Link::parse(&facts.link) {
            self.listings.insert(link.canonical());
        }
        self.rename(&facts);
        let number = self.number_of(&facts.id);
        if let Some(known) = self.sources.get_mut(number.at()) {
            let before = std::mem::replace(known, facts);
            if !before.link.is_empty() && before.region != known.region {
                self.moved.insert(number);
            }
        }
    }

    /// Moves what is known of a source from a former id to its new one.
    fn rename(&mut self, facts: &SourceFacts) {
        for former in &facts.was {
            if self.source_numbers.contains_key(&facts.id) {
                return;
            }
            if let Some(number) = self.source_numbers.remove(former) {
                self.source_numbers.insert(facts.id.clone(), number);
                if let Some(control) = self.controls.remove(former) {
                    self.controls.insert(facts.id.clone(), control);
                }
                self.renamed.push(former.clone());
                let items = self.slots.iter().filter(|(_, slot)| slot.source == number).map(|(first, _)| *first);
                self.touched.extend(items);
            }
        }
    }

    /// Marks everything as changed, for a store that may have lost some of it.
    pub(super) fn touch_all(&mut self) {
        self.touched.extend(self.slots.iter().map(|(first, _)| *first));
        self.touched_sources.extend((0..self.sources.len()).map(SourceNo::of));
        self.touched_regions.extend(self.changed.keys());
        self.touched_hidden.extend(self.hidden.keys());
    }

    /// Returns the number of a source, assigning one if it has none.
    pub(super) fn number_of(&mut self, id: &SourceId) -> SourceNo {
        let number = self.source_numbers.get(id).copied().unwrap_or_else(|| {
            let number = SourceNo::of(self.sources.len());
            self.source_numbers.insert(id.clone(), number);
            self.sources.push(unknown(id.clone()));
            number
        });
        self.touched_sources.insert(number);
        number
    }

    fn report(&mut self, seq: u64, position: Position, report: &ReportNoun, read: Read<'_>) {
        let fingerprint = Fingerprint::of(&report.draft);
        match self.first_of(report.item).map(|first| self.current(first)) {
            Some(first) if self.tells_another(first, report, fingerprint, read) => {
                self.part(seq, first, position, report, fingerprint, read);
            }
            Some(first) => self.update_item(seq, first, position, report, fingerprint, read),
            None => self.insert_item(seq, position, report, report.item, fingerprint, read),
        }
    }

    /// Applies a new report of a known item.
    fn update_item(
        &mut self,
        seq: u64,
        first: u64,
        position: Position,
        report: &ReportNoun,
        fingerprint: Fingerprint,
        read: Read<'_>,
    ) {
        // An item that its source reports again is no longer gone.
        if self.slots.get(&first).is_some_and(|slot| slot.gone) {
            self.set_gone(report.item, false);
        }
        let updated = updated_at(seq, report.seen);
        let source = self.source_of_report(report);
        let at_home = self.is_home(source, &report.draft);
        let Some(slot) = self.slots.get_mut(&first) else { return };
        slot.at_home = at_home;
        let old = (slot.source, slot.fingerprint);
        let is_change = old.1.content != fingerprint.content;
        let before = std::mem::replace(&mut slot.position, position);
        let ties = slot.ties_mut();
        ties.earlier.push(before);
        ties.reported = Some(report.seen);
        slot.reports = slot.reports.saturating_add(1);
        slot.fingerprint = fingerprint;
        let (head, seen) = (slot.head, slot.seen);
        let is_alone = head == first && slot.members().is_empty();
        let moves = is_change && slot.reports <= MAX_UPDATES;
        self.unindex(first, old.0, old.1);
        self.index(first, old.0, fingerprint);
        self.touched.insert(first);
        if let Some(head) = self.slots.get_mut(&head)
            && head.shown(head.head) == first
            && moves
        {
            head.updated = updated.max(head.updated.plus_millis(1));
            self.touched.insert(head.head);
        }
        if is_change {
            let regions = self.slots.get(&first).map(|slot| slot.own_tags().clone()).unwrap_or_default();
            let new = NewItem::new(source, report, fingerprint, regions);
            // Its text arrives only now, for example because the page could not be read at first.
            let is_judged = is_alone && !new.sketch.is_empty() && !self.by_text.holds(first);
            if is_judged {
                let mut relations = self.relations(&new, read);
                relations.only_before(first);
                // Recompute its event and its parts.
                self.leave_event(first);
                if let Some(ties) = self.slots.get_mut(&first).and_then(|slot| slot.ties.as_mut()) {
                    ties.parts.clear();
                }
                self.leave_timelines(first);
                self.assign_story(first, &new, &relations, updated, read);
            }
            self.remember(first, seen, new);
        }
        self.mark_dirty(first);
    }

    /// Returns the number of a report's source. If the log line with the source's facts is damaged, its items remain,
    /// without regions.
    pub(super) fn source_of_report(&mut self, report: &ReportNoun) -> SourceNo {
        self.source_numbers.get(&report.source).copied().unwrap_or_else(|| self.number_of(&report.source))
    }

    /// Adds an item with the id `id` from its first report.
    pub(super) fn insert_item(
        &mut self,
        seq: u64,
        position: Position,
        report: &ReportNoun,
        id: ItemId,
        fingerprint: Fingerprint,
        read: Read<'_>,
    ) {
        let updated = updated_at(seq, report.seen);
        let source = self.source_of_report(report);
        let regions = self.tags_of(source, report);
        let at_home = self.is_home(source, &report.draft);
        let slot = ItemState {
            id,
            source,
            position,
            seen: report.seen,
            reports: 1,
            published: published(report),
            updated,
            fingerprint,
            head: seq,
            regions,
            withdrawn: self.hidden.contains_key(&id.as_u128()),
            gone: false,
            ended: false,
            at_home,
            ties: None,
        };
        self.by_text.move_on(self.now);
        self.by_facts.move_on(self.now);
        let new = NewItem::new(source, report, fingerprint, slot.regions.clone());
        let relations = self.relations(&new, read);
        self.ids ^= slot.id.as_u128();
        self.by_id.insert(upper(slot.id), seq, 0);
        *self.reporters.entry(source).or_default() += 1;
        self.slots.insert(seq, slot);
        self.index(seq, source, fingerprint);
        self.touched.insert(seq);
        self.assign_story(seq, &new, &relations, updated, read);
        self.remember(seq, report.seen, new);
        self.mark_dirty(seq);
    }

    /// Adds an item to those that later ones are compared with, if it qualifies.
    pub(super) fn remember(&mut self, first: u64, seen: Moment, new: NewItem<'_>) {
        if self.slots.get(&first).is_some_and(|slot| self.is_compared(first, slot)) {
            self.by_text.put(first, seen, new.sketch);
            self.by_facts.put(first, seen, new.pairs);
        }
    }

    /// Returns whether later items are compared with this one.
    pub(super) fn is_compared(&self, first: u64, slot: &ItemState) -> bool {
        let members = self.slots.get(&slot.head).map_or(&[][..], ItemState::members);
        slot.head == first || members.iter().take(MAX_ALIKE).any(|member| *member == first)
    }

    /// Returns the item with this id.
    pub(super) fn first_of(&self, id: ItemId) -> Option<u64> {
        self.by_id.of(upper(id), 0).find(|first| self.slots.get(first).is_some_and(|slot| slot.id == id))
    }

    /// Returns the first reports of the items whose links have this hash, in order.
    pub(super) fn with_link(&self, hash: u64) -> impl Iterator<Item = u64> + '_ {
        let has_it = move |first: &u64| self.slots.get(first).is_some_and(|slot| slot.fingerprint.link == hash);
        self.by_link.of(hash, 0).filter(has_it)
    }

    fn hide(&mut self, item: ItemId, withdrawn: Option<(Moment, String)>) {
        let is_withdrawn = withdrawn.is_some();
        self.touched_hidden.insert(item.as_u128());
        match withdrawn {
            Some(said) => drop(self.hidden.insert(item.as_u128(), said)),
            None => drop(self.hidden.remove(&item.as_u128())),
        }
        let Some(first) = self.first_of(item) else { return };
        let Some(slot) = self.slots.get(&first) else { return };
        let head = slot.head;
        let is_shown = self.slots.get(&head).is_none_or(|head| head.shown(slot.head) == first);
        // Withdrawing a report that is neither the first nor the shown one hides only that report; the story stays.
        let is_alone = first != head && (if is_withdrawn { !is_shown } else { slot.withdrawn });
        let which = if is_alone { first } else { head };
        self.touched.insert(which);
        self.rearrange(head, |state| {
            if let Some(slot) = state.slots.get_mut(&which) {
                slot.withdrawn = is_withdrawn;
            }
        });
    }

    /// Removes the stories that began up to this day, with all their reports, and the named items. A story lives as
    /// long as its first report, so that the remaining log yields the same view.
    fn expire(&mut self, day: &str, items: &[ItemId]) {
        let Some(last) = day_number(day) else { return };
        let named: HashSet<ItemId> = items.iter().copied().collect();
        let is_dead = |first: &u64, slot: &ItemState| {
            let head = self.slots.get(&slot.head).map_or(slot.seen, |head| head.seen);
            number_of_day(head) <= last
                || named.contains(&slot.id)
                || !self.slots.contains_key(&slot.head) && slot.head != *first
        };
        let dead: Vec<u64> =
            self.slots.iter().filter(|(first, slot)| is_dead(first, slot)).map(|(first, _)| *first).collect();
        for first in &dead {
            self.leave_event(*first);
            self.leave_timelines(*first);
            self.mark_dirty(*first);
        }
        self.forget_parts(&dead);
        // If the item that another one became is removed, later reports belong to the original item again.
        let gone: HashSet<u64> = dead.iter().copied().collect();
        let became = |slot: &ItemState| slot.became().is_some_and(|became| gone.contains(&became));
        let dangling: Vec<u64> = self.slots.iter().filter(|(_, slot)| became(slot)).map(|(first, _)| *first).collect();
        for first in dangling {
            if let Some(ties) = self.slots.get_mut(&first).and_then(|slot| slot.ties.as_mut()) {
                ties.became = None;
            }
            self.touched.insert(first);
        }
        for first in dead {
            if let Some(slot) = self.slots.remove(&first) {
                if let Some(held) = self.reporters.get_mut(&slot.source) {
                    *held = held.saturating_sub(1);
                    if *held == 0 {
                        self.reporters.remove(&slot.source);
                    }
                }
                self.ids ^= slot.id.as_u128();
                self.by_id.remove(upper(slot.id), first);
                self.unindex(first, slot.source, slot.fingerprint);
                self.by_text.remove(first);
                self.by_facts.remove(first);
                self.touched.remove(&first);
                self.removed.push(first);
            }
        }
    }

    /// Adds a story to the timelines of its regions.
    pub(super) fn enter_timelines(&mut self, head: u64) {
        let Some(slot) = self.slots.get(&head) else { return };
        for (region, place) in slot.places(head) {
            self.timelines.entry(region).or_default().insert(place);
        }
    }

    /// Removes a story from the timelines of its regions.
    pub(super) fn leave_timelines(&mut self, head: u64) {
        let Some(slot) = self.slots.get(&head) else { return };
        for (region, place) in slot.places(head) {
            self.timelines.entry(region).or_default().remove(&place);
        }
    }

    pub(super) fn index(&mut self, first: u64, source: SourceNo, fingerprint: Fingerprint) {
        self.by_content.insert(scoped(source, fingerprint.content), first, 0);
        if fingerprint.link != 0 {
            self.by_link.insert(fingerprint.link, first, 0);
        }
    }

    pub(super) fn unindex(&mut self, first: u64, source: SourceNo, fingerprint: Fingerprint) {
        self.by_content.remove(scoped(source, fingerprint.content), first);
        self.by_link.remove(fingerprint.link, first);
    }

    /// Marks the regions of an item's story as changed.
    pub(super) fn mark_dirty(&mut self, first: u64) {
        let Some(slot) = self.slots.get(&first) else { return };
        let head = self.slots.get(&slot.head).unwrap_or(slot);
        for (region, _) in head.regions.iter() {
            self.dirty.insert(region);
            self.touched_regions.insert(region);
            let changed = self.changed.entry(region).or_default();
            *changed = self.now.max(*changed);
        }
    }

    /// Returns whether a draft's address is on the site of a source.
    pub(super) fn is_home(&self, source: SourceNo, draft: &Draft) -> bool {
        self.home(source, draft) > Home::Elsewhere
    }

    /// Returns how close a draft's address is to the source.
    pub(super) fn home(&self, source: SourceNo, draft: &Draft) -> Home {
        let own = self.facts(source).and_then(|facts| Link::parse(&facts.link).ok());
        // www.a.cn and a.cn are one host, and so are http and https.
        let host = |link: &Link| link.host_text().trim_start_matches("www.").to_owned();
        let port = |link: &Link| Some(link.port()).filter(|port| !matches!(port, 80 | 443));
        match draft.checked_link().zip(own) {
            Some((link, own)) if host(&link) == host(&own) && port(&link) == port(&own) => Home::Host,
            Some((link, own)) if link.registrable_domain() == own.registrable_domain() => Home::Domain,
            _ => Home::Elsewhere,
        }
    }

    pub(super) fn region_number(&mut self, region: &RegionId) -> RegionNo {
        if let Some(number) = self.region_numbers.get(region) {
            return *number;
        }
        let number = RegionNo::of(self.regions.len());
        self.region_numbers.insert(region.clone(), number);
        self.regions.push(region.clone());
        number
    }

    pub(super) fn facts(&self, source: SourceNo) -> Option<&SourceFacts> {
        self.sources.get(source.at()).filter(|facts| !facts.link.is_empty())
    }

    pub(super) fn region(&self, number: RegionNo) -> Option<&RegionId> {
        self.regions.get(number.at())
    }

    pub(super) fn domain(&self, source: SourceNo) -> Option<String> {
        Link::parse(&self.facts(source)?.link).ok().map(|link| link.registrable_domain().to_owned())
    }

    #[cfg(test)]
    pub(super) const fn by_text(&self) -> &SimilarityIndex {
        &self.by_text
    }
}

/// Returns the UTC day of a moment, counted from 1970, as used for log segments.
pub(super) fn number_of_day(at: Moment) -> i64 {
    at.seconds().div_euclid(86_400)
}

pub(super) fn day_number(day: &str) -> Option<i64> {
    Moment::from_rfc3339(&format!("{day}T00:00:00Z")).map(number_of_day)
}

/// Returns the upper half of an id.
pub(super) fn upper(id: ItemId) -> u64 {
    u64::try_from(id.as_u128() >> 64).unwrap_or(0)
}

/// Combines a content hash with its source.
pub(super) fn scoped(source: SourceNo, content: u64) -> u64 {
    content ^ u64::from(source.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn unknown(id: SourceId) -> SourceFacts {
    let region = RegionId::new("unknown").unwrap_or_else(|_impossible| unreachable!("a plain word is an id"));
    let title = id.as_str().to_owned();
    SourceFacts {
        id,
        title,
        link: String::new(),
        region,
        authority: Authority::Portal,
        zone: Zone::utc(),
        rights: None,
        was: Vec::new(),
        alerts_for: Vec::new(),
        at: Moment::default(),
    }
}
