//! What the view holds in memory, and how a record of the log changes it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::engine::Change;
use super::likes::{KEPT, Likes, MOST_ALIKE, WINDOW};
use super::record::{self, FactsRecord, ItemRecord, MetaRecord};
use crate::log::{Control, Position, Record, SourceFacts};
use crate::model::{Authority, ItemId, Link, Moment, Precision, RegionId, Report as ReportNoun, SourceId, Stamp, Zone};
use crate::same::{self, Candidate, Fingerprint, Known, Neighbours, Places};

/// The key of what the view is of. Items have keys of eight bytes, too, but never this one.
pub(super) const META: [u8; 8] = [0xff; 8];
/// What the keys of sources begin with; they are longer than those of items.
pub(super) const SOURCES: &[u8; 8] = b"\xffsource/";
/// What the keys of tagged regions begin with.
pub(super) const REGIONS: &[u8; 8] = b"\xffregion/";
/// What the keys of withdrawn items begin with; they outlive the items.
pub(super) const HIDDEN: &[u8; 8] = b"\xffhidden/";
/// The most times that `updated` of an item moves.
const MOST_UPDATES: u16 = 24;
/// How far ahead of its first sight a date may lie, in milliseconds.
const AHEAD: i64 = 10 * 60 * 1000;

/// The most items that a new one is compared with in full.
const MOST_COMPARED: usize = 8;

/// An item in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    id: u128,
    source: u32,
    position: Position,
    seen: Moment,
    reported: Moment,
    reports: u16,
    published: Stamp,
    updated: Moment,
    fingerprint: Fingerprint,
    head: u64,
    members: Vec<u64>,
    shown: u64,
    regions: Vec<(u32, &'static str)>,
    withdrawn: bool,
}

/// A place in a timeline: newest first, and of one moment the first seen first.
type Place = (std::cmp::Reverse<i64>, u64);

/// A story's place among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// When it was published.
    pub published: Moment,
    /// The number of its first report.
    pub first: u64,
}

/// A story: an item and the reports of other sources that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Its id.
    pub id: ItemId,
    /// When it was published.
    pub published: Stamp,
    /// When its content changed last.
    pub updated: Moment,
    /// When it was first seen.
    pub seen: Moment,
    /// The report that is shown.
    pub shown: Report,
    /// The newest reports of the other sources.
    pub others: Vec<Report>,
    /// Its regions, each with the evidence.
    pub regions: Vec<(RegionId, &'static str)>,
}

/// Where the newest report of an item lies, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its place in the log.
    pub position: Position,
    /// Its source, as it was when the report came.
    pub source: SourceFacts,
}

#[derive(Debug, Default)]
pub(super) struct State {
    slots: std::collections::BTreeMap<u64, Slot>,
    by_id: HashMap<u128, u64>,
    by_link: BTreeSet<(u64, u64)>,
    by_content: BTreeSet<(u64, u64)>,
    timelines: HashMap<u32, BTreeSet<Place>>,
    sources: Vec<SourceFacts>,
    source_numbers: HashMap<SourceId, u32>,
    controls: HashMap<SourceId, Control>,
    /// The withdrawn items, also those that are not known any more.
    hidden: BTreeSet<u128>,
    touched_hidden: BTreeSet<u128>,
    regions: Vec<RegionId>,
    region_numbers: HashMap<RegionId, u32>,
    /// The canonical links of the sources themselves, which are no story's address.
    listings: Vec<String>,
    applied: u64,
    updated: i64,
    ids: u128,
    /// Slots that changed since the last call of `changes`.
    touched: BTreeSet<u64>,
    touched_sources: BTreeSet<u32>,
    removed: Vec<u64>,
    /// Regions whose feeds changed since the last call of `dirty`.
    dirty: HashSet<u32>,
    /// When something last changed in a tagged region, by the log's own times.
    changed: HashMap<u32, Moment>,
    touched_regions: BTreeSet<u32>,
    /// The time of the record being applied.
    now: Moment,
    /// The names of regions, by which items are placed.
    places: Arc<Places>,
    /// The items that new ones are compared with by their text.
    likes: Likes,
}

impl State {
    /// The same state, by which new items are placed with these names.
    pub(super) fn with(self, places: &Arc<Places>) -> Self {
        Self { places: Arc::clone(places), ..self }
    }

    /// Applies a record of the log. `read` reaches other reports; it is asked only about a link that two sources share.
    pub(super) fn apply(
        &mut self,
        seq: u64,
        position: Position,
        record: &Record,
        read: &dyn Fn(Position) -> Option<Record>,
    ) {
        if seq <= self.applied {
            return;
        }
        self.applied = seq;
        self.now = moment(record);
        match record {
            Record::Source(facts) => self.know(facts.clone()),
            Record::Report(report) => self.report(seq, position, report, read),
            Record::Control { source, state, .. } => {
                self.controls.insert(source.clone(), *state);
                self.touched_sources.extend(self.source_numbers.get(source));
            }
            Record::Withdraw { item, .. } => self.hide(*item, true),
            Record::Restore { item, .. } => self.hide(*item, false),
            Record::Expire { day, .. } => self.expire(day),
        }
    }

    fn know(&mut self, facts: SourceFacts) {
        if let Ok(link) = Link::parse(&facts.link) {
            let canonical = link.canonical();
            if !self.listings.contains(&canonical) {
                self.listings.push(canonical);
            }
        }
        let number = self.number_of(&facts.id);
        if let Some(known) = usize::try_from(number).ok().and_then(|at| self.sources.get_mut(at)) {
            *known = facts;
        }
    }

    /// The number of a source, which it gets here where it has none yet.
    fn number_of(&mut self, id: &SourceId) -> u32 {
        let number = self.source_numbers.get(id).copied().unwrap_or_else(|| {
            let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
            self.source_numbers.insert(id.clone(), number);
            self.sources.push(unknown(id.clone()));
            number
        });
        self.touched_sources.insert(number);
        number
    }

    fn report(&mut self, seq: u64, position: Position, report: &ReportNoun, read: &dyn Fn(Position) -> Option<Record>) {
        let fingerprint = Fingerprint::of(&report.draft);
        match self.by_id.get(&report.item.as_u128()).copied() {
            Some(first) => self.revise(first, position, report, fingerprint),
            None => self.bear(seq, position, report, fingerprint, read),
        }
    }

    /// A new report of a known item.
    fn revise(&mut self, first: u64, position: Position, report: &ReportNoun, fingerprint: Fingerprint) {
        let updated = self.next_updated(report.seen);
        let Some(slot) = self.slots.get_mut(&first) else { return };
        let old = (slot.source, slot.fingerprint);
        let is_change = old.1.content != fingerprint.content;
        slot.position = position;
        slot.reported = report.seen;
        slot.reports = slot.reports.saturating_add(1);
        slot.fingerprint = fingerprint;
        let (head, seen) = (slot.head, slot.seen);
        let moves = is_change && slot.reports <= MOST_UPDATES;
        self.index(first, old.0, old.1, false);
        self.index(first, old.0, fingerprint, true);
        if is_change && self.slots.get(&first).is_some_and(|slot| self.is_compared(first, slot)) {
            self.likes.put(first, seen, same::sketch(report.draft.words()));
        }
        self.touched.insert(first);
        if let Some(head) = self.slots.get_mut(&head)
            && head.shown == first
            && moves
        {
            head.updated = updated;
            self.updated = updated.millis();
            self.touched.insert(head.head);
        }
        self.soil(head);
    }

    /// The first report of an item.
    fn bear(
        &mut self,
        seq: u64,
        position: Position,
        report: &ReportNoun,
        fingerprint: Fingerprint,
        read: &dyn Fn(Position) -> Option<Record>,
    ) {
        let updated = self.next_updated(report.seen);
        self.updated = updated.millis();
        // Where the line that told of the source is damaged, its items live on without a region.
        let source = self.source_numbers.get(&report.source).copied().unwrap_or_else(|| self.number_of(&report.source));
        let home = self.facts(source).map(|facts| facts.region.clone());
        let (title, words) = (&report.draft.title, report.draft.words());
        let tags = home.as_ref().map(|home| self.places.place(home, title, words)).unwrap_or_default();
        let regions: Vec<(u32, &'static str)> =
            tags.iter().map(|tag| (self.region_number(&tag.region), tag.evidence)).collect();
        let slot = Slot {
            id: report.item.as_u128(),
            source,
            position,
            seen: report.seen,
            reported: report.seen,
            reports: 1,
            published: published(report),
            updated,
            fingerprint,
            head: seq,
            members: Vec::new(),
            shown: seq,
            regions,
            withdrawn: self.hidden.contains(&report.item.as_u128()),
        };
        let link = report.draft.checked_link();
        self.likes.move_on(self.now);
        let sketch = same::sketch(words);
        let story = link
            .as_ref()
            .and_then(|link| self.story_of(link, source, fingerprint, read))
            .or_else(|| self.story_like(source, report, &sketch, read));
        self.ids ^= slot.id;
        self.by_id.insert(slot.id, seq);
        self.slots.insert(seq, slot);
        self.index(seq, source, fingerprint, true);
        self.touched.insert(seq);
        match story {
            Some(head) => self.join(seq, head, link.as_ref(), updated),
            None => self.place(seq, true),
        }
        if self.slots.get(&seq).is_some_and(|slot| self.is_compared(seq, slot)) {
            self.likes.put(seq, report.seen, sketch);
        }
        self.soil(seq);
    }

    /// The story that another source reported under the same link already.
    fn story_of(
        &self,
        link: &Link,
        source: u32,
        fingerprint: Fingerprint,
        read: &dyn Fn(Position) -> Option<Record>,
    ) -> Option<u64> {
        let domain = self.domain(source)?;
        let mut found: Vec<&u64> =
            self.by_link.range((fingerprint.link, 0)..=(fingerprint.link, u64::MAX)).map(|(_, first)| first).collect();
        found.sort_unstable();
        // A link that two items of one source carry tells nothing apart.
        let sources: Vec<u32> =
            found.iter().filter_map(|first| self.slots.get(*first)).map(|slot| slot.source).collect();
        if sources
            .iter()
            .enumerate()
            .any(|(at, one)| *one == source || sources.iter().skip(at + 1).any(|other| other == one))
        {
            return None;
        }
        found.into_iter().find_map(|first| {
            let slot = self.slots.get(first)?;
            let Some(Record::Report(other)) = read(slot.position) else { return None };
            let candidate =
                Candidate { link: other.draft.checked_link()?.canonical(), domain: self.domain(slot.source)? };
            same::judge(link, &domain, &self.listings, &candidate).then_some(slot.head)
        })
    }

    /// The story of another source with the same text, among those that were seen and published not long before or
    /// after.
    fn story_like(
        &self,
        source: u32,
        report: &ReportNoun,
        sketch: &[u32],
        read: &dyn Fn(Position) -> Option<Record>,
    ) -> Option<u64> {
        let published = published(report).at;
        // What was old when it came is compared by its link alone.
        if report.seen.since(published) > 2 * WINDOW {
            return None;
        }
        let is_near = |slot: &&Slot| {
            slot.source != source
                && report.seen.since(slot.seen).abs() <= 2 * WINDOW
                && slot.published.at.since(published).abs() <= WINDOW
        };
        let found = self.likes.of(sketch);
        let candidates = found.iter().filter_map(|first| self.slots.get(first)).filter(is_near).take(MOST_COMPARED);
        let mut compared: Vec<u64> = Vec::new();
        let mut story = None;
        for slot in candidates {
            // Two reports of one source are two stories, so that a story has at most one of each.
            if compared.contains(&slot.head) || self.reports_of(slot.head).any(|report| report.source == source) {
                continue;
            }
            let Some(Record::Report(other)) = read(slot.position) else { continue };
            let story = story.get_or_insert_with(|| same::Story::new(&report.draft.title, report.draft.words()));
            if same::compare(story, &same::Story::new(&other.draft.title, other.draft.words())) == same::Likeness::Same
            {
                return Some(slot.head);
            }
            compared.push(slot.head);
        }
        None
    }

    /// The items of a story.
    fn reports_of(&self, head: u64) -> impl Iterator<Item = &Slot> {
        let members = self.slots.get(&head).into_iter().flat_map(|slot| slot.members.iter().copied());
        std::iter::once(head).chain(members).filter_map(|first| self.slots.get(&first))
    }

    /// Is the item one of those that later ones are compared with?
    fn is_compared(&self, first: u64, slot: &Slot) -> bool {
        let members = self.slots.get(&slot.head).map_or(&[][..], |head| &head.members);
        slot.head == first || members.iter().take(MOST_ALIKE).any(|member| *member == first)
    }

    /// Fills the index of texts from the log, which `read` reaches.
    pub(super) fn recall(&mut self, read: &dyn Fn(Position) -> Option<Record>) {
        let newest = self.slots.values().map(|slot| slot.seen).max().unwrap_or_default();
        let mut found = Vec::new();
        for (first, slot) in self.slots.iter().rev() {
            if found.len() >= KEPT && newest.since(slot.seen) > 2 * WINDOW {
                break;
            }
            if self.is_compared(*first, slot)
                && let Some(Record::Report(report)) = read(slot.position)
            {
                found.push((*first, slot.seen, same::sketch(report.draft.words())));
            }
        }
        for (first, seen, sketch) in found.into_iter().rev() {
            self.likes.put(first, seen, sketch);
        }
    }

    /// Makes an item a further report of a story. The older id stays; the report of the link's own site is shown.
    fn join(&mut self, seq: u64, head: u64, link: Option<&Link>, updated: Moment) {
        let leads_to = link.map(|link| link.registrable_domain().to_owned()).unwrap_or_default();
        let same_link = {
            let of = |first: u64| self.slots.get(&first).map(|slot| slot.fingerprint.link);
            of(seq) == of(head)
        };
        let is_home = |state: &Self, first: u64| {
            state.slots.get(&first).and_then(|slot| state.domain(slot.source)).is_some_and(|domain| domain == leads_to)
        };
        let shown = self.slots.get(&head).map_or(head, |slot| slot.shown);
        // A link proves whose story it is only where both carry it; of like texts the first stays shown.
        let takes_over = same_link && is_home(self, seq) && !is_home(self, shown);
        self.place(head, false);
        let regions = self.slots.get(&seq).map(|slot| slot.regions.clone()).unwrap_or_default();
        if let Some(slot) = self.slots.get_mut(&seq) {
            slot.head = head;
        }
        if let Some(slot) = self.slots.get_mut(&head) {
            slot.members.push(seq);
            for region in regions {
                if !slot.regions.iter().any(|(known, _)| *known == region.0) {
                    slot.regions.push(region);
                }
            }
            if takes_over {
                slot.shown = seq;
                slot.updated = updated;
            }
        }
        self.touched.insert(head);
        self.place(head, true);
        self.soil(head);
    }

    fn hide(&mut self, item: ItemId, withdrawn: bool) {
        self.touched_hidden.insert(item.as_u128());
        if withdrawn {
            self.hidden.insert(item.as_u128())
        } else {
            self.hidden.remove(&item.as_u128())
        };
        let Some(first) = self.by_id.get(&item.as_u128()).copied() else { return };
        let head = self.slots.get(&first).map_or(first, |slot| slot.head);
        self.place(head, false);
        if let Some(slot) = self.slots.get_mut(&head) {
            slot.withdrawn = withdrawn;
        }
        self.touched.insert(head);
        self.place(head, true);
        self.soil(head);
    }

    /// Forgets the items whose newest report lies in a segment up to this day. A story lives as long as its newest one.
    fn expire(&mut self, day: &str) {
        let Some(at) = Moment::from_rfc3339(&format!("{day}T00:00:00Z")) else { return };
        let last = u32::try_from(at.seconds().div_euclid(86_400)).unwrap_or(0);
        let is_old = |slot: &Slot| slot.position.day <= last;
        let dead: Vec<u64> = self
            .slots
            .iter()
            .filter(|(first, slot)| {
                slot.head == **first
                    && is_old(slot)
                    && slot.members.iter().all(|member| self.slots.get(member).is_none_or(is_old))
            })
            .flat_map(|(first, slot)| std::iter::once(*first).chain(slot.members.iter().copied()))
            .collect();
        for first in &dead {
            self.place(*first, false);
            self.soil(*first);
        }
        for first in dead {
            if let Some(slot) = self.slots.remove(&first) {
                self.ids ^= slot.id;
                self.by_id.remove(&slot.id);
                self.index(first, slot.source, slot.fingerprint, false);
                self.likes.remove(first);
                self.touched.remove(&first);
                self.removed.push(first);
            }
        }
    }

    /// Puts a story into the timelines of its regions, or takes it out.
    fn place(&mut self, head: u64, is_in: bool) {
        let Some(slot) = self.slots.get(&head).filter(|slot| slot.head == head && !slot.withdrawn) else { return };
        let place = (std::cmp::Reverse(slot.published.at.millis()), head);
        for (region, _) in &slot.regions {
            let timeline = self.timelines.entry(*region).or_default();
            if is_in {
                timeline.insert(place)
            } else {
                timeline.remove(&place)
            };
        }
    }

    fn index(&mut self, first: u64, source: u32, fingerprint: Fingerprint, is_in: bool) {
        let content = (scoped(source, fingerprint.content), first);
        let link = (fingerprint.link, first);
        if is_in {
            self.by_content.insert(content);
            if fingerprint.link != 0 {
                self.by_link.insert(link);
            }
        } else {
            self.by_content.remove(&content);
            self.by_link.remove(&link);
        }
    }

    /// Marks the regions of an item's story as changed.
    fn soil(&mut self, first: u64) {
        let Some(slot) = self.slots.get(&first) else { return };
        let head = self.slots.get(&slot.head).unwrap_or(slot);
        for (region, _) in &head.regions {
            self.dirty.insert(*region);
            self.touched_regions.insert(*region);
            let changed = self.changed.entry(*region).or_default();
            *changed = self.now.max(*changed);
        }
    }

    /// A time that no entry has had yet: when it was seen, or a millisecond after the last one.
    fn next_updated(&self, seen: Moment) -> Moment {
        Moment::from_millis(seen.millis().max(self.updated + 1))
    }

    fn region_number(&mut self, region: &RegionId) -> u32 {
        if let Some(number) = self.region_numbers.get(region) {
            return *number;
        }
        let number = u32::try_from(self.regions.len()).unwrap_or(u32::MAX);
        self.region_numbers.insert(region.clone(), number);
        self.regions.push(region.clone());
        number
    }

    fn facts(&self, source: u32) -> Option<&SourceFacts> {
        self.sources.get(usize::try_from(source).ok()?).filter(|facts| !facts.link.is_empty())
    }

    fn region(&self, number: u32) -> Option<&RegionId> {
        self.regions.get(usize::try_from(number).ok()?)
    }

    fn domain(&self, source: u32) -> Option<String> {
        Link::parse(&self.facts(source)?.link).ok().map(|link| link.registrable_domain().to_owned())
    }

    #[cfg(test)]
    pub(super) const fn likes(&self) -> &Likes {
        &self.likes
    }

    // What others ask.

    pub(super) const fn applied(&self) -> u64 {
        self.applied
    }

    /// Items, stories and tagged regions.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.slots.len(), self.slots.iter().filter(|(first, slot)| slot.head == **first).count())
    }

    pub(super) fn known_source(&self, id: &SourceId) -> Option<&SourceFacts> {
        self.facts(*self.source_numbers.get(id)?)
    }

    pub(super) fn control(&self, id: &SourceId) -> Option<Control> {
        self.controls.get(id).copied()
    }

    /// The regions that items are tagged with.
    pub(super) fn tags(&self) -> Vec<RegionId> {
        let filled = self.timelines.iter().filter(|(_, timeline)| !timeline.is_empty());
        filled.filter_map(|(number, _)| self.region(*number).cloned()).collect()
    }

    /// The newest stories that are tagged with any of these regions; of one source only, where it is named.
    pub(super) fn timeline(&self, tags: &[RegionId], source: Option<&SourceId>, most: usize) -> Vec<Entry> {
        let number = source.map(|source| self.source_numbers.get(source).copied());
        let is_of = |first: u64| match number {
            None => true,
            Some(wanted) => self.slots.get(&first).is_some_and(|slot| {
                std::iter::once(&first)
                    .chain(&slot.members)
                    .any(|report| self.slots.get(report).map(|slot| slot.source) == wanted)
            }),
        };
        let mut entries: Vec<Place> = Vec::new();
        for timeline in tags.iter().filter_map(|tag| self.timelines.get(self.region_numbers.get(tag)?)) {
            entries.extend(timeline.iter().filter(|(_, first)| is_of(*first)).take(most));
        }
        entries.sort_unstable();
        entries.dedup();
        entries.truncate(most);
        entries
            .into_iter()
            .map(|(published, first)| Entry { published: Moment::from_millis(published.0), first })
            .collect()
    }

    pub(super) fn source_of(&self, first: u64) -> Option<&SourceId> {
        let head = self.slots.get(&first)?;
        let shown = self.slots.get(&head.shown).unwrap_or(head);
        self.sources.get(usize::try_from(shown.source).ok()?).map(|facts| &facts.id)
    }

    /// The story that begins with this report; `None` where it was withdrawn.
    pub(super) fn story(&self, first: u64) -> Option<Story> {
        let head = self.slots.get(&first).filter(|slot| !slot.withdrawn)?;
        let report = |first: &u64| {
            let slot = self.slots.get(first)?;
            let source = self.sources.get(usize::try_from(slot.source).ok()?)?.clone();
            Some(Report { position: slot.position, source })
        };
        let all = std::iter::once(&first).chain(&head.members);
        Some(Story {
            id: ItemId::from_u128(head.id),
            published: head.published,
            updated: head.updated,
            seen: head.seen,
            shown: report(&head.shown)?,
            others: all.filter(|one| **one != head.shown).filter_map(report).collect(),
            regions: head
                .regions
                .iter()
                .filter_map(|(number, evidence)| Some((self.region(*number)?.clone(), *evidence)))
                .collect(),
        })
    }

    /// The first report of the story that the item belongs to.
    pub(super) fn find(&self, item: ItemId) -> Option<u64> {
        let first = self.by_id.get(&item.as_u128())?;
        self.slots.get(first).map(|slot| slot.head)
    }

    /// Does a record still say what holds today? Others need not outlive their segment.
    pub(super) fn is_current(&self, record: &Record) -> bool {
        match record {
            Record::Source(facts) => self.known_source(&facts.id) == Some(facts),
            Record::Control { source, state, .. } => self.control(source) == Some(*state),
            Record::Withdraw { item, .. } => self.hidden.contains(&item.as_u128()),
            Record::Report(_) | Record::Restore { .. } | Record::Expire { .. } => false,
        }
    }

    /// When something last changed among these tagged regions.
    pub(super) fn changed(&self, tags: &[RegionId]) -> Moment {
        tags.iter().filter_map(|tag| self.changed.get(self.region_numbers.get(tag)?)).max().copied().unwrap_or_default()
    }

    /// The tagged regions that changed since the last call.
    pub(super) fn dirty(&mut self) -> Vec<RegionId> {
        let dirty: Vec<u32> = self.dirty.drain().collect();
        dirty.into_iter().filter_map(|number| self.region(number).cloned()).collect()
    }

    // To the store and back.

    /// What changed since the last call; the record of the view itself comes last.
    pub(super) fn changes(&mut self, rules: [u8; 16]) -> Vec<Change> {
        let touched = std::mem::take(&mut self.touched);
        let mut changes: Vec<Change> =
            std::mem::take(&mut self.removed).into_iter().map(|first| (first.to_be_bytes().to_vec(), None)).collect();
        for first in touched {
            if let Some(record) = self.slots.get(&first).and_then(|slot| self.item_record(slot)) {
                changes.push((first.to_be_bytes().to_vec(), Some(record::encode(&record))));
            }
        }
        for id in std::mem::take(&mut self.touched_hidden) {
            let value = self.hidden.contains(&id).then(|| record::encode(&()));
            changes.push(([HIDDEN.as_slice(), &id.to_be_bytes()].concat(), value));
        }
        for number in std::mem::take(&mut self.touched_regions) {
            if let (Some(region), Some(changed)) = (self.region(number), self.changed.get(&number)) {
                changes.push(([REGIONS, region.as_str().as_bytes()].concat(), Some(record::encode(&changed.millis()))));
            }
        }
        for number in std::mem::take(&mut self.touched_sources) {
            if let Some(record) = self.facts_record(number) {
                changes.push(([SOURCES, record.id.as_bytes()].concat(), Some(record::encode(&record))));
            }
        }
        changes.push((META.to_vec(), Some(record::encode(&self.meta_record(rules)))));
        changes
    }

    fn facts_record(&self, number: u32) -> Option<FactsRecord> {
        let facts = self.sources.get(usize::try_from(number).ok()?)?;
        Some(FactsRecord {
            number,
            id: facts.id.as_str().to_owned(),
            title: facts.title.clone(),
            link: facts.link.clone(),
            region: facts.region.as_str().to_owned(),
            authority: facts.authority.word().to_owned(),
            zone: facts.zone.name().to_owned(),
            rights: facts.rights.clone(),
            at: facts.at.millis(),
            control: self.control(&facts.id).map(|control| control.word().to_owned()),
        })
    }

    fn item_record(&self, slot: &Slot) -> Option<ItemRecord> {
        let source = self.sources.get(usize::try_from(slot.source).ok()?)?;
        Some(ItemRecord {
            id: slot.id,
            source: source.id.as_str().to_owned(),
            day: slot.position.day,
            offset: slot.position.offset,
            length: slot.position.length,
            seen: slot.seen.millis(),
            reported: slot.reported.millis(),
            reports: slot.reports,
            published: slot.published.at.millis(),
            precision: precision_number(slot.published.precision),
            zone: slot.published.offset,
            updated: slot.updated.millis(),
            link: slot.fingerprint.link,
            title: slot.fingerprint.title,
            content: slot.fingerprint.content,
            head: slot.head,
            members: slot.members.clone(),
            shown: slot.shown,
            regions: slot
                .regions
                .iter()
                .filter_map(|(number, evidence)| {
                    Some((self.region(*number)?.as_str().to_owned(), (*evidence).to_owned()))
                })
                .collect(),
            withdrawn: slot.withdrawn,
        })
    }

    fn meta_record(&self, rules: [u8; 16]) -> MetaRecord {
        MetaRecord {
            applied: self.applied,
            rules,
            items: u64::try_from(self.slots.len()).unwrap_or(u64::MAX),
            ids: self.ids,
            updated: self.updated,
            sources: u32::try_from(self.sources.len()).unwrap_or(u32::MAX),
        }
    }

    /// The state that these records describe; `None` where they do not fit together.
    pub(super) fn load(
        meta: &MetaRecord,
        mut sources: Vec<FactsRecord>,
        regions: Vec<(RegionId, i64)>,
        hidden: BTreeSet<u128>,
        items: impl Iterator<Item = Option<(u64, ItemRecord)>>,
    ) -> Option<Self> {
        let mut state = Self { applied: meta.applied, updated: meta.updated, hidden, ..Self::default() };
        sources.sort_by_key(|source| source.number);
        for (source, number) in sources.iter().zip(0..) {
            let id = SourceId::new(&source.id).ok()?;
            if let Some(control) = &source.control {
                let control = [Control::Paused, Control::Resumed, Control::Gone]
                    .into_iter()
                    .find(|state| state.word() == control)?;
                state.controls.insert(id.clone(), control);
            }
            if state.number_of(&id) != number || source.number != number {
                return None;
            }
            if !source.link.is_empty() {
                state.know(SourceFacts {
                    id,
                    title: source.title.clone(),
                    link: source.link.clone(),
                    region: RegionId::new(&source.region).ok()?,
                    authority: Authority::from_word(&source.authority)?,
                    zone: Zone::named(&source.zone).ok()?,
                    rights: source.rights.clone(),
                    at: Moment::from_millis(source.at),
                });
            }
        }
        if u32::try_from(state.sources.len()).ok()? != meta.sources {
            return None;
        }
        state.touched_sources.clear();
        for (region, changed) in regions {
            let number = state.region_number(&region);
            state.changed.insert(number, Moment::from_millis(changed));
        }
        for item in items {
            let (first, record) = item?;
            let source = *state.source_numbers.get(&SourceId::new(&record.source).ok()?)?;
            let mut regions = Vec::with_capacity(record.regions.len());
            for (region, evidence) in &record.regions {
                regions.push((state.region_number(&RegionId::new(region).ok()?), evidence_word(evidence)?));
            }
            let fingerprint = Fingerprint { link: record.link, title: record.title, content: record.content };
            let slot = Slot {
                id: record.id,
                source,
                position: Position { day: record.day, length: record.length, offset: record.offset },
                seen: Moment::from_millis(record.seen),
                reported: Moment::from_millis(record.reported),
                reports: record.reports,
                published: Stamp {
                    at: Moment::from_millis(record.published),
                    precision: precision_of(record.precision)?,
                    offset: record.zone,
                },
                updated: Moment::from_millis(record.updated),
                fingerprint,
                head: record.head,
                members: record.members,
                shown: record.shown,
                regions,
                withdrawn: record.withdrawn,
            };
            state.ids ^= slot.id;
            state.by_id.insert(slot.id, first);
            state.slots.insert(first, slot);
            state.index(first, source, fingerprint, true);
            state.place(first, true);
        }
        (u64::try_from(state.slots.len()).ok()? == meta.items && state.ids == meta.ids).then_some(state)
    }

    /// A digest of everything that is derived, to compare two views: BLAKE3 over the records in order.
    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (first, slot) in &self.slots {
            hasher.update(&first.to_be_bytes());
            hasher.update(&self.item_record(slot).map(|record| record::encode(&record)).unwrap_or_default());
        }
        for number in 0..u32::try_from(self.sources.len()).unwrap_or(0) {
            hasher.update(&self.facts_record(number).map(|record| record::encode(&record)).unwrap_or_default());
        }
        for id in &self.hidden {
            hasher.update(&id.to_be_bytes());
        }
        let mut regions: Vec<(&RegionId, i64)> =
            self.changed.iter().filter_map(|(number, at)| Some((self.region(*number)?, at.millis()))).collect();
        regions.sort();
        for (region, changed) in regions {
            hasher.update(region.as_str().as_bytes());
            hasher.update(&changed.to_le_bytes());
        }
        hasher.update(&record::encode(&self.meta_record([0; 16])));
        hasher.finalize().to_hex().to_string()
    }
}

impl Neighbours for State {
    fn by_id(&self, item: ItemId) -> Option<Known> {
        let first = self.by_id.get(&item.as_u128())?;
        self.slots.get(first).map(known)
    }

    fn by_content(&self, source: &SourceId, content: u64) -> Option<Known> {
        let source = *self.source_numbers.get(source)?;
        let hash = scoped(source, content);
        let mut found =
            self.by_content.range((hash, 0)..=(hash, u64::MAX)).filter_map(|(_, first)| self.slots.get(first));
        found.find(|slot| slot.source == source && slot.fingerprint.content == content).map(known)
    }
}

const fn known(slot: &Slot) -> Known {
    Known {
        item: ItemId::from_u128(slot.id),
        fingerprint: slot.fingerprint,
        reported: slot.reported,
        reports: slot.reports,
    }
}

/// When a record came to be.
fn moment(record: &Record) -> Moment {
    match record {
        Record::Source(facts) => facts.at,
        Record::Report(report) => report.seen,
        Record::Control { at, .. }
        | Record::Withdraw { at, .. }
        | Record::Restore { at, .. }
        | Record::Expire { at, .. } => *at,
    }
}

/// A content hash within one source.
fn scoped(source: u32, content: u64) -> u64 {
    content ^ u64::from(source).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
        at: Moment::default(),
    }
}

/// The date of an item: what its source says, unless that lies ahead; else when it was first seen.
fn published(report: &ReportNoun) -> Stamp {
    let said = report.draft.published.or(report.draft.updated);
    let seen = Stamp { at: report.seen, precision: Precision::Second, offset: 0 };
    match said {
        Some(stamp) if stamp.at.since(report.seen) <= AHEAD => stamp,
        Some(stamp) => Stamp { offset: stamp.offset, ..seen },
        None => seen,
    }
}

fn evidence_word(word: &str) -> Option<&'static str> {
    same::EVIDENCE.into_iter().find(|known| *known == word)
}

const fn precision_number(precision: Precision) -> u8 {
    match precision {
        Precision::Month => 0,
        Precision::Day => 1,
        Precision::Minute => 2,
        Precision::Second => 3,
    }
}

fn precision_of(number: u8) -> Option<Precision> {
    [Precision::Month, Precision::Day, Precision::Minute, Precision::Second].into_iter().nth(usize::from(number))
}
