//! Finds the items that a new one is compared with, by what is known without reading their texts.

use std::collections::HashMap;

use super::item_state::ItemState;
use super::new_item::NewItem;
use super::numbers::{ItemNo, SourceNo, StoryNo};
use super::reports::published;
use super::similarity_index::WINDOW;
use super::state::State;
use crate::dedup::Fingerprint;
use crate::model::{Draft, Link};

/// Maximum number of items a new one is fully compared with because of similar texts, and because of similar facts.
const MAX_COMPARED: (usize, usize) = (8, 3);
/// Maximum number of items of one source among those of similar texts, and among those of similar facts.
const MAX_OF_ONE: (usize, usize) = (4, 2);
/// How far apart two stories of one event may be published, in milliseconds.
const EVENT_WINDOW: i64 = 7 * 86_400_000;
/// Minimum length, in characters, of a text that its own source repeats at another address.
const MIN_REPEATED: usize = 40;

/// An item that a new one is compared with.
pub(super) struct Candidate {
    pub(super) number: ItemNo,
    /// Whether the new item credits it.
    pub(super) is_credited: bool,
}

/// What two items can be to each other before their texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Possible {
    /// Nothing: they are not compared.
    Nothing,
    /// A round-up and a story that it contains.
    Part,
    /// One story, one event, or a round-up and its part.
    Story,
}

impl State {
    /// Returns the items to compare a new one with, seen and published around the same time: first the one that it
    /// credits, then those that resemble it in text, then those in facts. An item that was already old when it was first
    /// seen has none: it is compared by its link only.
    pub(super) fn candidates(&self, new: &NewItem<'_>) -> Vec<Candidate> {
        let (seen, at) = (new.report.seen, published(new.report).at);
        if seen.since(at) > 2 * WINDOW {
            return Vec::new();
        }
        let is_near = |item: &ItemState, window: i64| {
            seen.since(item.seen).abs() <= 2 * WINDOW && item.published.at.since(at).abs() <= window
        };
        let near = |found: Vec<ItemNo>, window: i64, most: usize, most_of_one: usize| {
            let mut taken: HashMap<SourceNo, usize> = HashMap::new();
            let is_near = |number: &ItemNo| {
                let Some(item) = self.items.get(*number).filter(|item| is_near(item, window)) else { return false };
                let of_one = taken.entry(item.source).or_default();
                *of_one += 1;
                *of_one <= most_of_one
            };
            found.into_iter().filter(is_near).take(most).collect::<Vec<ItemNo>>()
        };
        let source_of = |number: ItemNo| self.items.get(number).map(|item| item.source);
        let mut found = near(self.credited(&new.report.draft), WINDOW, 1, 1);
        let credited = found.first().copied();
        let (by_text, by_facts) = (self.similar.by_text(new, source_of), self.similar.by_facts(new, source_of));
        // A round-up may hold many stories of one source.
        let of_one = if new.is_roundup { MAX_COMPARED } else { MAX_OF_ONE };
        found.extend(near(by_text, WINDOW, MAX_COMPARED.0, of_one.0));
        found.extend(near(by_facts, EVENT_WINDOW, MAX_COMPARED.1, of_one.1));
        let candidate = |number| Candidate { number, is_credited: Some(number) == credited };
        found.into_iter().map(candidate).collect()
    }

    /// Returns the items at the address that a report credits (原文链接), if it is on their own source's site.
    fn credited(&self, draft: &Draft) -> Vec<ItemNo> {
        let link = draft.credit.as_ref().and_then(|credit| Link::parse(credit.link.as_deref()?).ok());
        let Some(link) = link.filter(|link| !link.is_home() && !self.sources.listings().contains(&link.canonical()))
        else {
            return Vec::new();
        };
        let hash = Fingerprint::of(&Draft { link: Some(link.as_str().to_owned()), ..Draft::default() }).link;
        let is_at_home = |item: &ItemState| {
            let domain = self.sources.domain(item.source);
            domain.is_some_and(|domain| domain == link.registrable_domain())
        };
        let found = self.items.with_link(hash).filter(|(_, item)| is_at_home(item));
        found.map(|(number, _)| number).collect()
    }

    /// Returns what a new item and a known one can be to each other. Two reports of one source are two stories, unless it
    /// repeats the same text at another address. A source's notices are many and alike, so this is decided without
    /// reading them, except for round-ups, which may contain them.
    pub(super) fn possible(&self, new: &NewItem<'_>, item: &ItemState) -> Possible {
        if !self.takes_report(item.story, new) {
            return Possible::Nothing;
        }
        let is_repeated = item.source == new.source
            && item.fingerprint.content == new.fingerprint.content
            && new.report.draft.words().chars().count() >= MIN_REPEATED;
        if is_repeated || !self.items.is_reported_by(item.story, new.source) {
            return Possible::Story;
        }
        if new.is_roundup { Possible::Part } else { Possible::Nothing }
    }

    /// Returns whether a story may be joined by a similar report. An ended story is not: only its own reports bring it
    /// back. One that an admin withdrew hides the reports that join it, but not those that speak for themselves.
    fn takes_report(&self, story: StoryNo, new: &NewItem<'_>) -> bool {
        let Some(head) = self.items.head(story) else { return true };
        !(head.ended || head.withdrawn && self.speaks_for_itself(head, story, new))
    }

    /// Returns whether a report is more than a reprint of a withdrawn story: its source has higher authority, or at least
    /// the same, publishes it on its own site, credits nobody there, and what was withdrawn was another source's item only.
    fn speaks_for_itself(&self, head: &ItemState, story: StoryNo, new: &NewItem<'_>) -> bool {
        let owner = self.items.get(head.owner(story.first())).map(|item| item.source);
        let Some(facts) = owner.and_then(|owner| self.sources.facts(owner)) else { return false };
        let Some(authority) = self.sources.authority(new.source) else { return false };
        let draft = &new.report.draft;
        let is_own = || self.sources.is_home(new.source, draft) && !self.sources.credits(draft, facts);
        authority > facts.authority || authority == facts.authority && is_own() && self.was_told_by_one(head, story)
    }

    /// Returns whether only one source had reported a story when it was withdrawn.
    fn was_told_by_one(&self, head: &ItemState, story: StoryNo) -> bool {
        let reports = || head.all(story.first()).filter_map(|number| self.items.get(number));
        let at = reports().filter_map(|item| Some(self.withdrawn.get(item.id.as_u128())?.at)).max();
        at.is_some_and(|at| reports().all(|item| item.source == head.source || item.seen > at))
    }
}
