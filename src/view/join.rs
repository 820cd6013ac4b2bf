//! Decides which story a new item belongs to, whose report of it is shown, and which stories form one event.

use std::collections::{BTreeSet, HashMap};

use super::item_state::{ItemState, Tags};
use super::new_item::{NewItem, Relations};
use super::numbers::SourceNo;
use super::reports::{Home, Read, credits, draft_at, published, story, tells_the_same};
use super::similarity_index::WINDOW;
use super::state::State;
use crate::dedup::{self, Candidate, Fingerprint, Likeness};
use crate::model::{Draft, Link, Moment};
use crate::regions::Evidence;

/// Maximum number of items a new one is fully compared with because of similar texts, and because of similar facts.
const MAX_COMPARED: (usize, usize) = (8, 3);
/// How far apart two stories of one event may be published, in milliseconds.
const EVENT_WINDOW: i64 = 7 * 86_400_000;
/// Maximum number of stories per event; anything larger is a topic.
const MAX_STORIES: usize = 40;
/// Minimum length, in characters, of a text that its own source repeats at another address.
const MIN_REPEATED: usize = 40;

impl State {
    /// Determines how a new item relates to the known stories: by its link, the link it credits, its text and its
    /// facts.
    pub(super) fn relations(&self, new: &NewItem<'_>, read: Read<'_>) -> Relations {
        let mut relations = Relations::default();
        if new.report.draft.alert.is_some() {
            // A warning from a source without authority for its region joins nothing.
            if self.may_warn(new.source, &new.report.draft) {
                relations.same.extend(self.warned_of(new, read));
            }
            return relations;
        }
        relations.same.extend(self.story_of(new, read));
        self.compare(new, read, &mut relations);
        relations.same.dedup();
        relations
    }

    /// Returns the story of a warning that another source already passed on.
    fn warned_of(&self, new: &NewItem<'_>, read: Read<'_>) -> Option<u64> {
        self.with_link(new.fingerprint.link).find_map(|first| {
            let slot = self.slots.get(&first)?;
            let is_it = !self.has_report_of(slot.head, new.source)
                && draft_at(slot.position, read).is_some_and(|other| {
                    other.alert == new.report.draft.alert
                        && self.may_warn(slot.source, &other)
                        && dedup::is_same_step(&new.report.draft.title, &other.title)
                });
            is_it.then_some(slot.head)
        })
    }

    /// Returns the story that another source already reported under the same link.
    fn story_of(&self, new: &NewItem<'_>, read: Read<'_>) -> Option<u64> {
        let found: Vec<u64> = self.with_link(new.fingerprint.link).collect();
        if found.is_empty() {
            return None;
        }
        let (link, domain) = (new.report.draft.checked_link()?, self.domain(new.source)?);
        // A link that two items of one source share does not distinguish them.
        let mut carried: HashMap<SourceNo, usize> = HashMap::new();
        for slot in found.iter().filter_map(|first| self.slots.get(first)) {
            *carried.entry(slot.source).or_default() += 1;
        }
        if carried.contains_key(&new.source) {
            return None;
        }
        let is_at_home =
            |source: SourceNo| self.domain(source).is_some_and(|domain| domain == link.registrable_domain());
        let (at_home, elsewhere): (Vec<u64>, Vec<u64>) =
            found.into_iter().partition(|first| self.slots.get(first).is_some_and(|slot| is_at_home(slot.source)));
        at_home.into_iter().chain(elsewhere).find_map(|first| {
            // A report that is gone, or whose item has become another one, does not lead to its story by its address.
            let slot = self.slots.get(&first).filter(|slot| carried.get(&slot.source) == Some(&1) && !slot.gone)?;
            let head = self.slots.get(&slot.head)?;
            let other = draft_at(slot.position, read)?;
            let candidate = Candidate { link: other.checked_link()?.canonical(), domain: self.domain(slot.source)? };
            if !dedup::judge(&link, &domain, &self.listings, &candidate) {
                return None;
            }
            // If someone else used the address long before the site itself published there, that was not this story.
            let is_ahead = is_at_home(new.source)
                && !is_at_home(slot.source)
                && new.report.seen.since(head.seen) > WINDOW
                && new.report.seen.since(published(new.report).at) < WINDOW;
            if is_ahead {
                return None;
            }
            // If the story shows another report, or was withdrawn and this report is from the site itself, the texts
            // decide.
            let shown = head.shown(slot.head);
            let is_lent = head.withdrawn && is_at_home(new.source) && !is_at_home(slot.source);
            let is_it = || {
                let shown = self.slots.get(&shown).and_then(|slot| draft_at(slot.position, read));
                shown.is_some_and(|shown| tells_the_same(&new.report.draft, &shown))
            };
            (shown == first && !is_lent || is_it()).then_some(slot.head)
        })
    }

    /// Compares an item with those seen and published around the same time that resemble it in text or facts, or that
    /// it credits.
    fn compare(&self, new: &NewItem<'_>, read: Read<'_>, relations: &mut Relations) {
        let (draft, seen) = (&new.report.draft, new.report.seen);
        let at = published(new.report).at;
        // An item that was already old when it was first seen is compared by its link only.
        if seen.since(at) > 2 * WINDOW {
            return;
        }
        let (credited, candidates) = self.candidates(new, seen, at);
        let mut mine = None;
        for first in candidates {
            let Some(slot) = self.slots.get(&first) else { continue };
            if relations.same.contains(&slot.head) || relations.compared.iter().any(|(head, _)| *head == slot.head) {
                continue;
            }
            if !self.takes_reports(slot.head, new.source) {
                continue;
            }
            let is_repeated = slot.source == new.source
                && slot.fingerprint.content == new.fingerprint.content
                && draft.words().chars().count() >= MIN_REPEATED;
            // Two reports of one source are two stories, unless it repeats the same text at another address. A source's
            // notices are many and alike, so this is decided without reading them, except for round-ups, which may
            // contain them.
            let are_two = !is_repeated && self.has_report_of(slot.head, new.source);
            if are_two && !new.is_roundup {
                continue;
            }
            let Some(other) = draft_at(slot.position, read) else { continue };
            let mine = mine.get_or_insert_with(|| story(draft));
            let other = story(&other);
            let mut found = dedup::compare(mine, &other);
            if self.are_apart(&new.regions, &slot.regions) {
                found = found.of_other_places();
            }
            if found.likeness == Likeness::Event && credited == Some(first) {
                found.likeness = Likeness::Same;
                found.because = "it names the other's address as where it has it from, and tells the same";
            }
            match found.likeness {
                Likeness::Part if mine.is_longer(&other) => relations.parts.push(slot.head),
                Likeness::Part => relations.wholes.push(slot.head),
                _ if are_two => continue,
                Likeness::Same => relations.same.push(slot.head),
                Likeness::Event if relations.event.is_none() => relations.event = Some(slot.head),
                Likeness::Event | Likeness::Opposed | Likeness::Different => {}
            }
            relations.compared.push((slot.head, found));
        }
    }

    /// Returns the items to compare a new one with, seen and published around the same time: first the one that it
    /// credits, which is also returned by itself, then those that resemble it in text, then those in facts.
    fn candidates(&self, new: &NewItem<'_>, seen: Moment, at: Moment) -> (Option<u64>, Vec<u64>) {
        let is_near = |slot: &ItemState, window: i64| {
            seen.since(slot.seen).abs() <= 2 * WINDOW && slot.published.at.since(at).abs() <= window
        };
        let near = |found: Vec<u64>, window: i64, most: usize| {
            let is_near = |first: &u64| self.slots.get(first).is_some_and(|slot| is_near(slot, window));
            found.into_iter().filter(is_near).take(most).collect::<Vec<u64>>()
        };
        let weight = |pair: u32| if pair & dedup::TELLING == 0 { 1 } else { 2 };
        let mut candidates = near(self.credited(&new.report.draft), WINDOW, 1);
        let credited = candidates.first().copied();
        candidates.extend(near(self.by_text.of(&new.sketch, |_| 1), WINDOW, MAX_COMPARED.0));
        candidates.extend(near(self.by_facts.of(&new.pairs, weight), EVENT_WINDOW, MAX_COMPARED.1));
        (credited, candidates)
    }

    /// Returns whether a story may be joined by a similar report of this source. An ended story is not: only its own
    /// reports bring it back. Neither is one that an admin withdrew, if this source has higher authority: it makes a
    /// statement of its own.
    fn takes_reports(&self, head: u64, source: SourceNo) -> bool {
        let Some(slot) = self.slots.get(&head) else { return true };
        let is_above = || {
            let withdrawn = self.slots.get(&slot.owner(head)).and_then(|owner| self.facts(owner.source));
            withdrawn.zip(self.facts(source)).is_some_and(|(theirs, own)| own.authority > theirs.authority)
        };
        !(slot.ended || slot.withdrawn && is_above())
    }

    /// Returns whether the contents of two items tag them with unrelated regions, none within another.
    fn are_apart(&self, one: &Tags, other: &Tags) -> bool {
        let told = |tags: &Tags| {
            let said = tags.iter().filter(|(_, evidence)| *evidence != Evidence::Inherited);
            said.filter_map(|(number, _)| self.region(number)).collect::<Vec<_>>()
        };
        let (one, other) = (told(one), told(other));
        let meet = |a, b| self.places.is_within(a, b) || self.places.is_within(b, a);
        !one.is_empty() && !other.is_empty() && !one.iter().any(|a| other.iter().any(|b| meet(a, b)))
    }

    /// Returns the items at the address that a report credits (原文链接), if it is on their own source's site.
    fn credited(&self, draft: &Draft) -> Vec<u64> {
        let link = draft.credit.as_ref().and_then(|credit| Link::parse(credit.link.as_deref()?).ok());
        let Some(link) = link.filter(|link| !link.is_home() && !self.listings.contains(&link.canonical())) else {
            return Vec::new();
        };
        let hash = Fingerprint::of(&Draft { link: Some(link.as_str().to_owned()), ..Draft::default() }).link;
        let is_at_home = |first: &u64| {
            let domain = self.slots.get(first).and_then(|slot| self.domain(slot.source));
            domain.is_some_and(|domain| domain == link.registrable_domain())
        };
        self.with_link(hash).filter(is_at_home).collect()
    }

    /// Makes a new item a report of the stories found for it and links it to its event. Returns `false` if it is a
    /// story of its own.
    pub(super) fn assign_story(
        &mut self,
        seq: u64,
        new: &NewItem<'_>,
        relations: &Relations,
        updated: Moment,
        read: Read<'_>,
    ) -> bool {
        let Some(head) = relations.same.first().copied() else {
            self.enter_timelines(seq);
            self.link_event(seq, relations.event);
            self.link_parts(seq, relations);
            return false;
        };
        self.join(seq, head, new, updated, read);
        for other in relations.same.iter().skip(1) {
            self.merge_stories(head, *other, read);
        }
        let head = self.slots.get(&seq).map_or(seq, |slot| slot.head);
        self.link_event(head, relations.event);
        self.link_parts(head, relations);
        true
    }

    /// Links a round-up to the stories it contains, without joining them to each other. Their number is limited by the
    /// length of its text.
    fn link_parts(&mut self, head: u64, relations: &Relations) {
        let held = relations.parts.iter().map(|part| (head, *part));
        for (whole, part) in held.chain(relations.wholes.iter().map(|whole| (*whole, head))) {
            let Some(slot) = self.slots.get_mut(&whole) else { continue };
            let parts = &mut slot.ties_mut().parts;
            if whole != part && !parts.contains(&part) {
                parts.push(part);
                self.touched.insert(whole);
                self.mark_dirty(whole);
            }
        }
    }

    /// Removes these items from the parts of round-ups: the remaining log says nothing about them.
    pub(super) fn forget_parts(&mut self, dead: &[u64]) {
        let dead: BTreeSet<u64> = dead.iter().copied().collect();
        let holds_dead = |slot: &ItemState| slot.parts().iter().any(|part| dead.contains(part));
        let wholes: Vec<u64> =
            self.slots.iter().filter(|(_, slot)| holds_dead(slot)).map(|(whole, _)| *whole).collect();
        for whole in wholes {
            if let Some(slot) = self.slots.get_mut(&whole) {
                slot.ties_mut().parts.retain(|part| !dead.contains(part));
                self.touched.insert(whole);
                self.mark_dirty(whole);
            }
        }
    }

    /// Returns the stories that a round-up contains, by first report; some may have been joined since.
    pub(super) fn parts(&self, whole: &ItemState) -> Vec<u64> {
        let mut heads: Vec<u64> =
            whole.parts().iter().filter_map(|part| self.slots.get(part)).map(|slot| slot.head).collect();
        heads.sort_unstable();
        heads.dedup();
        heads
    }

    /// Returns the items of a story.
    pub(super) fn reports_of(&self, head: u64) -> impl Iterator<Item = &ItemState> {
        let members = self.slots.get(&head).into_iter().flat_map(|slot| slot.members().iter().copied());
        std::iter::once(head).chain(members).filter_map(|first| self.slots.get(&first))
    }

    fn has_report_of(&self, head: u64, source: SourceNo) -> bool {
        self.reports_of(head).any(|report| report.source == source && report.became().is_none())
    }

    /// Adds an item to a story as a further report. The story keeps its older id.
    fn join(&mut self, seq: u64, head: u64, new: &NewItem<'_>, updated: Moment, read: Read<'_>) {
        let takes_over = self.takes_over(head, new, read);
        self.leave_timelines(head);
        self.mark_dirty(head);
        if let Some(slot) = self.slots.get_mut(&seq) {
            slot.head = head;
        }
        if let Some(slot) = self.slots.get_mut(&head) {
            slot.ties_mut().members.push(seq);
            if takes_over {
                let ties = slot.ties_mut();
                (ties.shown, ties.right) = (Some(seq), Some(seq));
                slot.updated = updated.max(slot.updated.plus_millis(1));
            }
        }
        if takes_over {
            self.redate(head, seq, true);
        } else {
            self.revive(head, seq, read);
        }
        self.arrange(head);
        self.touched.insert(head);
        self.enter_timelines(head);
        self.mark_dirty(head);
    }

    /// Returns whether a further report is shown from now on: one whose site is closer to the link, one that the shown
    /// report credits, or one of higher authority that does not credit the shown one. Every takeover goes to a report
    /// with a better claim, so that the result does not depend on the order of arrival.
    fn takes_over(&self, head: u64, new: &NewItem<'_>, read: Read<'_>) -> bool {
        let Some(story) = self.slots.get(&head) else { return false };
        let owner = story.owner(head);
        let Some(shown) = self.slots.get(&owner).filter(|slot| story.shown(head) == owner && !slot.gone) else {
            return false;
        };
        let (Some(mine), Some(theirs)) = (self.facts(new.source), self.facts(shown.source)) else { return false };
        // The same source under another id.
        if mine.link == theirs.link {
            return true;
        }
        let draft = &new.report.draft;
        if credits(draft, theirs) {
            return false;
        }
        let has_higher = mine.authority > theirs.authority;
        // A warning's identifier says which warning it is, not whose.
        if draft.alert.is_some() {
            return has_higher;
        }
        let home = self.home(new.source, draft);
        if home == Home::Elsewhere {
            return false;
        }
        // A link proves whose story it is only if both carry it.
        let same_link = shown.fingerprint.link == new.fingerprint.link && new.fingerprint.link != 0;
        let told = draft_at(shown.position, read);
        let is_nearer = || told.as_ref().is_some_and(|told| home > self.home(shown.source, told));
        same_link && is_nearer() || has_higher || told.as_ref().is_some_and(|told| credits(told, mine))
    }

    /// Joins two stories that a new report belongs to, unless they contradict each other. The older id stays; the
    /// younger story's id leads to it.
    fn merge_stories(&mut self, one: u64, other: u64, read: Read<'_>) {
        let (older, younger) = (one.min(other), one.max(other));
        if older == younger || !self.are_one(older, younger, read) {
            return;
        }
        let Some(joined) = self.slots.get(&younger) else { return };
        let companion = joined
            .event()
            .and_then(|event| self.events.get(&event))
            .and_then(|stories| stories.iter().find(|story| **story != younger && **story != older))
            .copied();
        let moved: Vec<u64> = std::iter::once(younger).chain(joined.members().iter().copied()).collect();
        self.leave_timelines(older);
        self.leave_timelines(younger);
        self.mark_dirty(younger);
        self.leave_event(younger);
        let mut parts = Vec::new();
        for first in &moved {
            if let Some(slot) = self.slots.get_mut(first) {
                slot.head = older;
                let (own, date) = (slot.own_tags().clone(), slot.own_date());
                (slot.regions, slot.published, slot.ended) = (own, date, false);
                // Withdrawal of the joined story follows the older one.
                slot.withdrawn &= *first != younger;
                if let Some(ties) = &mut slot.ties {
                    ties.members.clear();
                    (ties.own, ties.dated, ties.shown, ties.right) = (None, None, None, None);
                    parts.append(&mut ties.parts);
                }
            }
            self.touched.insert(*first);
        }
        if let Some(slot) = self.slots.get_mut(&older) {
            let ties = slot.ties_mut();
            ties.members.extend(&moved);
        }
        for first in moved {
            if !self.slots.get(&first).is_some_and(|slot| self.is_compared(first, slot)) {
                self.by_text.remove(first);
                self.by_facts.remove(first);
            }
        }
        self.touched.insert(older);
        self.arrange(older);
        self.enter_timelines(older);
        self.mark_dirty(older);
        self.link_event(older, companion);
        self.link_parts(older, &Relations { parts, ..Relations::default() });
    }

    /// Returns whether two stories with a report in common are one: they must tell the same, and neither source may have
    /// told both.
    fn are_one(&self, older: u64, younger: u64, read: Read<'_>) -> bool {
        let (Some(a), Some(b)) = (self.slots.get(&older), self.slots.get(&younger)) else { return false };
        let shares_source = self.reports_of(younger).any(|report| self.has_report_of(older, report.source));
        if shares_source || a.withdrawn != b.withdrawn {
            return false;
        }
        let told_by = |slot: &ItemState| draft_at(slot.position, read).map(|draft| story(&draft));
        let (Some(told), Some(retold)) = (told_by(a), told_by(b)) else { return false };
        // A report that fits both does not make them one: two reports of one event stay two stories, as do those of one
        // policy in two counties. Pieces of one text have the same title.
        let are_apart = self.are_apart(a.own_tags(), b.own_tags());
        let is_one = || {
            let found = dedup::compare(&told, &retold);
            let found = if are_apart { found.of_other_places() } else { found };
            found.likeness == Likeness::Same || found.is_of_one_text() && told.is_titled_as(&retold) && !are_apart
        };
        // If the older item only got this text after the younger one was reported, it is not the older report of this
        // story.
        let is_late = || {
            let was = a.earlier().first().and_then(|first| draft_at(*first, read));
            let is_changed_since = a.ties.as_ref().and_then(|ties| ties.reported).is_some_and(|at| at > b.seen);
            is_changed_since
                && was.is_some_and(|was| dedup::compare(&story(&was), &told).likeness == Likeness::Different)
        };
        !told.is_roundup() && !retold.is_roundup() && is_one() && !is_late()
    }

    /// Links two stories to one event. Each story belongs to one event, named by its oldest story.
    fn link_event(&mut self, one: u64, other: Option<u64>) {
        let Some(other) = other.filter(|other| *other != one && self.slots.contains_key(other)) else { return };
        let event_of = |first: u64| self.slots.get(&first).and_then(ItemState::event).unwrap_or(first);
        let (one, other) = (event_of(one), event_of(other));
        let (older, younger) = (one.min(other), one.max(other));
        let size = |event: &u64| self.events.get(event).map_or(1, BTreeSet::len);
        if older == younger || size(&older) + size(&younger) > MAX_STORIES {
            return;
        }
        let mut stories = self.events.remove(&younger).unwrap_or_default();
        stories.insert(younger);
        let all = self.events.entry(older).or_default();
        all.insert(older);
        all.append(&mut stories);
        for first in all.clone() {
            if let Some(slot) = self.slots.get_mut(&first) {
                slot.ties_mut().event = Some(older);
            }
            self.touched.insert(first);
            self.mark_dirty(first);
        }
    }

    /// Removes a story from its event; if only one story remains, the event is dissolved.
    pub(super) fn leave_event(&mut self, first: u64) {
        let Some(event) = self.slots.get(&first).and_then(ItemState::event) else { return };
        let mut left = self.events.remove(&event).unwrap_or_default();
        left.remove(&first);
        let named = left.first().copied().filter(|_| left.len() > 1);
        for story in left.iter().chain([&first]) {
            if let Some(ties) = self.slots.get_mut(story).and_then(|slot| slot.ties.as_mut()) {
                ties.event = named.filter(|_| *story != first);
            }
            self.touched.insert(*story);
        }
        if let Some(named) = named {
            self.events.insert(named, left);
        }
    }
}
