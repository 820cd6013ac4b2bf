//! Decides what a story shows: which report, which date, which regions; and what happens when a report is gone or tells
//! something else.
//!
//! - A story lives as long as one of its reports. If the report that owns the story is gone, the next best one is shown
//!   until it is back, unless that one only links to the page that is gone.
//! - A story's date stays once readers have seen it as new under that date. Otherwise (its date was more than a day
//!   before it was first seen) it follows the shown report. It also follows a report that takes over (see `takes_over`)
//!   if that one is dated more than an hour later or a day earlier.
//! - A story is in the regions of the shown report, and in the own region of each other report's source.
//! - A report whose text becomes a different one leaves its story, unless its source owns the story.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::item_state::{ItemState, Tags};
use super::numbers::{RegionNo, SourceNo};
use super::reports::{MIN_TITLE_LIKENESS, Read, credits, draft_at, story};
use super::state::State;
use crate::dedup::{self, Fingerprint, Likeness};
use crate::log::{Position, Record, SourceFacts};
use crate::model::{Draft, ItemId, Moment, Precision, RegionId, Report, Stamp};
use crate::regions::Evidence;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Maximum number of a story's reports considered when choosing which ones a changed text is compared with.
const MAX_JUDGES: usize = 64;
/// A text with fewer characters is a stub that may still be completed.
const MAX_LINE: usize = 80;
/// Maximum number of steps from an item to the one it became, each telling a different story.
const MAX_PARTINGS: usize = 4096;

impl State {
    /// Changes something about a story, then recomputes what it shows.
    pub(super) fn rearrange(&mut self, head: u64, change: impl FnOnce(&mut Self)) {
        self.leave_timelines(head);
        self.mark_dirty(head);
        change(self);
        self.arrange(head);
        self.enter_timelines(head);
        self.mark_dirty(head);
        self.touched.insert(head);
    }

    /// Chooses what a story shows: another report if the shown one is gone, and its regions. The story must not be in
    /// any timeline meanwhile.
    pub(super) fn arrange(&mut self, head: u64) {
        let Some(slot) = self.slots.get(&head).filter(|slot| slot.head == head) else { return };
        let (before, owner) = (slot.shown(head), slot.owner(head));
        let all: Vec<u64> = std::iter::once(head).chain(slot.members().iter().copied()).collect();
        let can_stand = |first: &&u64| {
            self.slots.get(first).is_some_and(|slot| slot.is_live(**first))
                && !self.leads_to_what_is_gone(**first, owner)
        };
        let best = all
            .iter()
            .filter(can_stand)
            .max_by_key(|first| (**first == owner, **first == before, self.authority(**first), Reverse(**first)));
        let (shown, ended) = best.map_or((before, true), |best| (*best, false));
        let tags = self.story_tags(shown, &all);
        if let Some(slot) = self.slots.get_mut(&head) {
            slot.ended = ended;
            slot.tag(tags);
        }
        if shown != before {
            self.show(head, shown);
            self.redate(head, shown, false);
        }
    }

    /// Returns whether a report from another site links to its story's original page, which is gone at its own site.
    /// Such a report has nothing to show instead.
    fn leads_to_what_is_gone(&self, first: u64, owner: u64) -> bool {
        let (Some(slot), Some(own)) = (self.slots.get(&first), self.slots.get(&owner)) else { return false };
        let is_gone = own.gone && own.became().is_none() && own.at_home;
        let link = own.fingerprint.link;
        first != owner && is_gone && !slot.at_home && link != 0 && slot.fingerprint.link == link
    }

    fn authority(&self, first: u64) -> Option<crate::model::Authority> {
        self.facts(self.slots.get(&first)?.source).map(|facts| facts.authority)
    }

    /// Returns the regions of a story: those of the shown report, plus the source region of each other report whose own
    /// tags lie there, unless the story is already within it. No report can put another source's story anywhere else. If
    /// the shown source has nothing to do with that region, the report's own tags within it count: a stranger that copies
    /// a notice first must not take it from the feed of its place.
    fn story_tags(&mut self, shown: u64, all: &[u64]) -> Tags {
        let mut tags = self.slots.get(&shown).map(|slot| slot.own_tags().clone()).unwrap_or_default();
        for other in all.iter().filter(|first| **first != shown) {
            let Some(slot) = self.slots.get(other).filter(|slot| slot.is_live(*other)) else { continue };
            let Some(home) = self.facts(slot.source).map(|facts| facts.region.clone()) else { continue };
            let is_within =
                |(number, _)| self.region(number).is_some_and(|region| self.places.is_within(region, &home));
            let own: Vec<(RegionNo, Evidence)> = slot.own_tags().iter().filter(|tag| is_within(*tag)).collect();
            let Some((_, evidence)) = own.first().copied().filter(|_| !tags.iter().any(is_within)) else { continue };
            let is_strange = self.slots.get(&shown).is_none_or(|shown| self.is_strange(shown.source, &home));
            if is_strange {
                own.into_iter().for_each(|(number, evidence)| tags.push(number, evidence));
            } else {
                tags.push(self.region_number(&home), evidence);
            }
        }
        tags
    }

    /// Returns whether a source's region neither lies in this region nor holds it.
    fn is_strange(&self, source: SourceNo, region: &RegionId) -> bool {
        self.facts(source).is_none_or(|facts| {
            !self.places.is_within(&facts.region, region) && !self.places.is_within(region, &facts.region)
        })
    }

    /// Shows another report of a story from now on.
    pub(super) fn show(&mut self, head: u64, shown: u64) {
        let now = self.now;
        if let Some(slot) = self.slots.get_mut(&head) {
            slot.ties_mut().shown = (shown != head).then_some(shown);
            // Use only this story's own times: after an expiry, the remaining log would not tell those of others.
            slot.updated = now.max(slot.updated.plus_millis(1));
        }
    }

    /// Dates a story by the report now shown, unless readers have already seen it under its date.
    pub(super) fn redate(&mut self, head: u64, shown: u64, takes_over: bool) {
        let (Some(slot), Some(own)) = (self.slots.get(&head), self.slots.get(&shown).map(ItemState::own_date)) else {
            return;
        };
        let later = own.at.since(slot.published.at);
        let is_near =
            (-DAY..=HOUR).contains(&later) || own.precision == Precision::Day && own.day() == slot.published.day();
        if was_new(slot.published, slot.seen) && (!takes_over || is_near) {
            return;
        }
        if let Some(slot) = self.slots.get_mut(&head) {
            slot.date(own);
        }
    }

    /// Dates a story by a joining report if nobody can have seen it yet: it arrived after the first import with an old
    /// date, and the joining report is new and from a source of at least the same authority.
    pub(super) fn revive(&mut self, head: u64, joined: u64, read: Read<'_>) {
        let (Some(slot), Some(new)) = (self.slots.get(&head), self.slots.get(&joined)) else { return };
        let first = slot.earlier().first().copied().unwrap_or(slot.position);
        let is_import = || matches!(read(first), Some(Record::Report(report)) if report.first_import);
        if was_new(slot.published, slot.seen)
            || !was_new(new.own_date(), new.seen)
            || self.authority(joined) < self.authority(slot.shown(head))
            || is_import()
        {
            return;
        }
        let date = new.own_date();
        if let Some(slot) = self.slots.get_mut(&head) {
            slot.date(date);
        }
    }

    /// Records that an item is gone at its source, or back.
    pub(super) fn set_gone(&mut self, item: ItemId, gone: bool) {
        let Some(first) = self.first_of(item).map(|first| self.current(first)) else { return };
        let Some(slot) = self.slots.get(&first).filter(|slot| slot.gone != gone) else { return };
        let head = slot.head;
        self.touched.insert(first);
        self.rearrange(head, |state| {
            if let Some(slot) = state.slots.get_mut(&first) {
                slot.gone = gone;
            }
        });
    }

    /// Returns the item that new reports of an item belong to: if its text became a different story, that is a
    /// different item.
    pub(super) fn current(&self, first: u64) -> u64 {
        let next = |first: &u64| self.slots.get(first).and_then(ItemState::became);
        std::iter::successors(Some(first), next).take(MAX_PARTINGS).last().unwrap_or(first)
    }

    /// Returns the tags of a report by its contents.
    pub(super) fn tags_of(&mut self, source: SourceNo, report: &Report) -> Tags {
        let Some(home) = self.facts(source).map(|facts| facts.region.clone()) else { return Tags::default() };
        let is_believed = self.may_warn(source, &report.draft);
        let mut tags = Tags::default();
        for tag in self.places.place(&home, &report.draft, is_believed) {
            tags.push(self.region_number(&tag.region), tag.evidence);
        }
        tags
    }

    /// Returns whether a source may issue this warning: its code lies in the source's own region, or in one that an
    /// admin allowed (`alerts_for`).
    pub(super) fn may_warn(&self, source: SourceNo, draft: &Draft) -> bool {
        let Some(facts) = self.facts(source) else { return false };
        let code = draft.code.as_deref();
        let lies_in = |region| code.is_some_and(|code| self.places.is_coded_within(code, region));
        facts.alerts_for.iter().any(|region| region.as_str() == SourceFacts::ALL || lies_in(region))
            || lies_in(&facts.region)
    }

    /// Returns whether a new report of an item no longer tells what the other reports of its story tell, so that it
    /// leaves the story. The source that owns the story may change its text freely, unless nothing of the old text is
    /// left. A report that is alone leaves its story only if its text was replaced altogether, so that the new story is
    /// not dated by the old one.
    pub(super) fn tells_another(&self, first: u64, report: &Report, new: Fingerprint, read: Read<'_>) -> bool {
        let Some(slot) = self.slots.get(&first) else { return false };
        // Only a source that may issue a warning has one: with others, its identifier says nothing.
        let is_warning = report.draft.alert.is_some() && self.may_warn(slot.source, &report.draft);
        if slot.head == first && slot.members().is_empty() && !slot.withdrawn && !is_warning {
            return slot.fingerprint.content != new.content && is_rewritten(slot.position, report, read);
        }
        let Some(head) = self.slots.get(&slot.head).filter(|head| !head.withdrawn) else { return false };
        if slot.fingerprint.content == new.content {
            return false;
        }
        let shown = head.shown(slot.head);
        let others = std::iter::once(slot.head).chain(head.members().iter().copied()).filter(|other| *other != first);
        let live = others
            .filter(|other| self.slots.get(other).is_some_and(|slot| slot.is_live(*other) && slot.became().is_none()));
        let live: Vec<u64> = live.take(MAX_JUDGES).collect();
        let best = |others: &mut dyn Iterator<Item = u64>| {
            others.max_by_key(|other| (*other == shown, self.authority(*other), Reverse(*other)))
        };
        // Also compare with a report that never changed: reports that change together must not vouch for each other.
        let is_unchanged = |other: &u64| self.slots.get(other).is_some_and(|slot| slot.reports == 1);
        let judges = [best(&mut live.iter().copied()), best(&mut live.iter().copied().filter(is_unchanged))];
        judges.into_iter().flatten().any(|other| self.differs(first, other, shown, report, new, read))
    }

    /// Returns whether a new report of an item tells something else than another report of its story.
    fn differs(&self, first: u64, other: u64, shown: u64, report: &Report, new: Fingerprint, read: Read<'_>) -> bool {
        let of = |first: u64| self.slots.get(&first);
        let (Some(slot), Some(with)) = (of(first), of(other)) else { return false };
        let (draft, Some(theirs)) = (&report.draft, draft_at(with.position, read)) else { return false };
        // A report that is not shown and links to the same page says no more than that page. The site whose page both
        // link to cannot be expelled from its story.
        let home = |source: SourceNo| self.home(source, draft);
        // An alert's link is hashed as its identifier, which proves no page.
        let is_same_page = with.fingerprint.link == new.link && new.link != 0 && draft.alert.is_none();
        if is_same_page && (shown != first || home(slot.source) > home(with.source)) {
            return false;
        }
        let owns = self.authority(first) > self.authority(other)
            || self.facts(slot.source).is_some_and(|mine| credits(&theirs, mine));
        let are_warnings = draft.alert.is_some() && theirs.alert == draft.alert;
        if are_warnings && !owns && !dedup::is_same_step(&draft.title, &theirs.title) {
            return true;
        }
        let title = dedup::title_likeness(&draft.title, &theirs.title);
        let (now, other) = (story(draft), story(&theirs));
        let before = draft_at(slot.position, read);
        let is_altered_since = || before.is_some_and(|before| dedup::is_altered(&story(&before), &now));
        match dedup::compare(&now, &other).likeness {
            // Step by step, small alterations would make another story of it without any of them being one.
            Likeness::Same if !owns && dedup::is_altered(&now, &other) && is_altered_since() => true,
            Likeness::Same => !owns && self.has_outgrown(slot, draft, &theirs, title, read),
            Likeness::Event | Likeness::Opposed => !owns,
            Likeness::Part => true,
            Likeness::Different if dedup::is_short(draft.words()) || dedup::is_short(theirs.words()) => {
                title < MIN_TITLE_LIKENESS && !(owns && title > 0.0)
            }
            Likeness::Different => true,
        }
    }

    /// Returns whether a report has a different title from the other one or much more text, and had neither at first.
    fn has_outgrown(&self, slot: &ItemState, draft: &Draft, other: &Draft, title: f64, read: Read<'_>) -> bool {
        let first = slot.earlier().first().copied().unwrap_or(slot.position);
        let Some(old) = draft_at(first, read) else { return false };
        // A source that completes a stub takes nothing from others who copied the stub.
        let length = |draft: &Draft| draft.words().chars().count();
        let is_line = |draft: &Draft| length(draft) < MAX_LINE;
        if is_line(&old) && is_line(other) {
            return false;
        }
        let is_retitled =
            title < MIN_TITLE_LIKENESS && dedup::title_likeness(&old.title, &other.title) >= MIN_TITLE_LIKENESS;
        is_retitled || length(draft) * 4 > length(&old).max(length(other)) * 5 + 160
    }

    /// Removes a report from its story because it now tells another one. The old text stays as a report that is gone;
    /// the new text becomes a new item of its source, so that no id ever has two meanings.
    pub(super) fn part(
        &mut self,
        seq: u64,
        first: u64,
        position: Position,
        report: &Report,
        fingerprint: Fingerprint,
        read: Read<'_>,
    ) {
        let Some((id, head)) = self.slots.get(&first).map(|slot| (slot.id.parted(fingerprint.content), slot.head))
        else {
            return;
        };
        self.touched.insert(first);
        self.rearrange(head, |state| {
            if let Some(slot) = state.slots.get_mut(&first) {
                slot.gone = true;
                slot.ties_mut().became = Some(seq);
            }
        });
        self.insert_item(seq, position, report, id, fingerprint, read);
    }

    /// Moves items placed only by their source into the region that an admin has since given the source.
    pub(super) fn settle_moves(&mut self) {
        if self.moved.is_empty() {
            return;
        }
        let moved = std::mem::take(&mut self.moved);
        // Rearrange every story with a report of such a source, so that the result does not depend on how many moved at
        // once.
        let mut stories: BTreeMap<u64, Vec<(u64, Tags)>> = BTreeMap::new();
        let reports: Vec<(u64, u64, SourceNo, bool)> = self
            .slots
            .iter()
            .filter(|(_, slot)| moved.contains(&slot.source))
            .map(|(first, slot)| (*first, slot.head, slot.source, is_inherited(slot)))
            .collect();
        for (first, head, source, is_inherited) in reports {
            let story = stories.entry(head).or_default();
            let Some(region) = self.facts(source).map(|facts| facts.region.clone()).filter(|_| is_inherited) else {
                continue;
            };
            let mut tags = Tags::default();
            tags.push(self.region_number(&region), Evidence::Inherited);
            story.push((first, tags));
        }
        for (head, items) in stories {
            self.touched.extend(items.iter().map(|(first, _)| *first));
            self.rearrange(head, |state| {
                for (first, tags) in items {
                    if let Some(slot) = state.slots.get_mut(&first) {
                        slot.regions = tags;
                        if let Some(ties) = &mut slot.ties {
                            ties.own = None;
                        }
                    }
                }
            });
        }
    }
}

/// Returns whether a report replaced the text at `before` altogether. Very short texts are too short to tell.
fn is_rewritten(before: Position, report: &Report, read: Read<'_>) -> bool {
    let Some(old) = draft_at(before, read) else { return false };
    let is_told = |draft: &Draft| !dedup::is_short(draft.words());
    is_told(&old)
        && is_told(&report.draft)
        && dedup::compare(&story(&old), &story(&report.draft)).likeness == Likeness::Different
}

/// Returns whether an item was placed only by its source.
fn is_inherited(slot: &ItemState) -> bool {
    let mut tags = slot.own_tags().iter();
    tags.next().is_some_and(|(_, evidence)| evidence == Evidence::Inherited) && tags.next().is_none()
}

/// Returns whether a story was new when first seen, so that readers saw it among the new ones.
fn was_new(date: Stamp, seen: Moment) -> bool {
    let days = match date.precision {
        // Dated to the beginning of its month, where nobody looks for new stories.
        Precision::Month => 0,
        Precision::Day | Precision::Minute | Precision::Second => 1,
    };
    seen.since(date.at) <= days * DAY
}
