//! Judges a new item: which story it belongs to, whose report that story shows, and which other stories are one with it.
//! Nothing changes here; what follows from a verdict is in `join.rs`.

use std::collections::HashMap;

use super::candidates::Possible;
use super::item_state::ItemState;
use super::new_item::{Assignment, Joining, NewItem, Relations};
use super::numbers::{ItemNo, SourceNo, StoryNo};
use super::reports::{Home, is_titled_alike, published, story, tells_another, tells_the_same, was_new};
use super::similarity_index::WINDOW;
use super::state::State;
use super::texts::{Text, Texts};
use crate::dedup::{self, Comparison, Likeness};

/// Judges by the known stories and the texts in the log.
pub(super) struct Judge<'a> {
    pub(super) state: &'a State,
    pub(super) texts: &'a Texts<'a>,
}

impl<'a> Judge<'a> {
    pub(super) const fn new(state: &'a State, texts: &'a Texts<'a>) -> Self {
        Self { state, texts }
    }

    /// Returns the verdict on a new item.
    pub(super) fn assignment(&self, new: &NewItem<'_>) -> Assignment {
        let mut relations = self.relations(new);
        relations.only_before(new.number);
        let Some((story, others)) = relations.same.split_first() else {
            return Assignment { relations, ..Assignment::default() };
        };
        let joining = self.joining(*story, new);
        let vouches = joining == Joining::TakesOver || self.vouches_for(*story, new, &relations);
        let merges = others.iter().copied().filter(|other| self.are_one(*story, *other)).collect();
        if !vouches {
            relations.link_nothing();
        }
        Assignment { relations, joining, merges }
    }

    /// Returns whether a report may link the story that it joins to others: it tells the story, instead of only leading to
    /// its address, and its source has at least the authority of the shown one.
    fn vouches_for(&self, story: StoryNo, new: &NewItem<'_>, relations: &Relations) -> bool {
        let Some(head) = self.state.items.head(story) else { return false };
        let shown = head.shown(story.first());
        let tells_it = || {
            let told = self.state.items.get(shown).and_then(|item| self.texts.get(item.position));
            told.is_some_and(|told| {
                dedup::compare(&self::story(&new.report.draft), told.story()).likeness == Likeness::Same
            })
        };
        relations.is_linking() && self.state.sources.authority(new.source) >= self.state.authority(shown) && tells_it()
    }

    /// Determines how a new item relates to the known stories: by its link, the link it credits, its text and its
    /// facts.
    pub(super) fn relations(&self, new: &NewItem<'_>) -> Relations {
        let mut relations = Relations::default();
        if new.report.draft.alert.is_some() {
            // A warning from a source without authority for its region joins nothing.
            if self.state.may_warn(new.source, &new.report.draft) {
                relations.same.extend(self.warned_of(new));
            }
            return relations;
        }
        relations.same.extend(self.story_of(new));
        self.compare(new, &mut relations);
        relations
    }

    /// Returns the story of a warning that another source already passed on.
    fn warned_of(&self, new: &NewItem<'_>) -> Option<StoryNo> {
        let found = self.state.items.with_link(new.fingerprint.link).find(|(_, item)| {
            !self.state.items.is_reported_by(item.story, new.source)
                && self.texts.get(item.position).is_some_and(|other| {
                    other.draft().alert == new.report.draft.alert
                        && self.state.may_warn(item.source, other.draft())
                        && dedup::is_same_step(&new.report.draft.title, &other.draft().title)
                })
        });
        found.map(|(_, item)| item.story)
    }

    /// Returns the story that another source already reported under the same link.
    fn story_of(&self, new: &NewItem<'_>) -> Option<StoryNo> {
        let sources = &self.state.sources;
        let found: Vec<(ItemNo, &ItemState)> = self.state.items.with_link(new.fingerprint.link).collect();
        if found.is_empty() {
            return None;
        }
        let (link, domain) = (new.report.draft.checked_link()?, sources.domain(new.source)?);
        // A link that two items of one source share does not distinguish them.
        let mut carried: HashMap<SourceNo, usize> = HashMap::new();
        for (_, item) in &found {
            *carried.entry(item.source).or_default() += 1;
        }
        if carried.contains_key(&new.source) {
            return None;
        }
        let is_at_home = |source: SourceNo| sources.domain(source).is_some_and(|own| own == link.registrable_domain());
        let (at_home, elsewhere): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, item)| is_at_home(item.source));
        let found = at_home.into_iter().chain(elsewhere).find(|(number, item)| {
            // A report that is gone, or whose item has become another one, does not lead to its story by its address.
            if carried.get(&item.source) != Some(&1) || item.gone {
                return false;
            }
            let Some(head) = self.state.items.head(item.story) else { return false };
            let Some(told) = self.texts.get(item.position) else { return false };
            let candidate = || {
                let link = told.draft().checked_link()?.canonical();
                Some(dedup::Candidate { link, domain: sources.domain(item.source)? })
            };
            if !candidate().is_some_and(|other| dedup::judge(&link, &domain, sources.listings(), &other)) {
                return false;
            }
            // Anyone may name an address and tell something else.
            if tells_another(&new.report.draft, &told) {
                return false;
            }
            // If someone else used the address long before the site itself published there, that was not this story.
            let is_ahead = is_at_home(new.source)
                && !is_at_home(item.source)
                && new.report.seen.since(head.seen) > WINDOW
                && new.report.seen.since(published(new.report).at) < WINDOW;
            if is_ahead {
                return false;
            }
            // If the story shows another report, or was withdrawn and this report is from the site itself, the texts
            // decide.
            let shown = head.shown(item.story.first());
            let is_lent = head.withdrawn && is_at_home(new.source) && !is_at_home(item.source);
            let is_it = || {
                let shown = self.state.items.get(shown).and_then(|item| self.texts.get(item.position));
                shown.is_some_and(|shown| tells_the_same(&new.report.draft, &shown))
            };
            shown == *number && !is_lent || is_it()
        });
        found.map(|(_, item)| item.story).filter(|story| !self.state.items.has_left(new.number, *story))
    }

    /// Compares an item with those seen and published around the same time that resemble it in text or facts, or that
    /// it credits.
    fn compare(&self, new: &NewItem<'_>, relations: &mut Relations) {
        let mut mine = None;
        for candidate in self.state.candidates(new) {
            let Some(item) = self.state.items.get(candidate.number) else { continue };
            let is_known = relations.compared.iter().any(|(story, _)| *story == item.story);
            if is_known || relations.same.contains(&item.story) {
                continue;
            }
            let possible = self.state.possible(new, item);
            if possible == Possible::Nothing {
                continue;
            }
            let Some(other) = self.texts.get(item.position) else { continue };
            let mine = mine.get_or_insert_with(|| story(&new.report.draft));
            let mut found = self.comparison(new, mine, item, other.story(), candidate.is_credited);
            // Below the copies that it left, no reader would see how it was corrected.
            if found.likeness == Likeness::Same && self.state.items.has_left(new.number, item.story) {
                (found.likeness, found.because) = (Likeness::Event, "it left that story when its text changed");
            }
            if found.likeness == Likeness::Same && !self.stands_for_its_story(candidate.number, item, &other, new) {
                continue;
            }
            match found.likeness {
                Likeness::Part if mine.is_longer(other.story()) => relations.parts.push(item.story),
                Likeness::Part => relations.wholes.push(item.story),
                _ if possible == Possible::Part => continue,
                Likeness::Same => relations.same.push(item.story),
                Likeness::Event | Likeness::Altered if relations.event.is_none() => {
                    relations.event = Some(item.story);
                }
                Likeness::Event | Likeness::Altered | Likeness::Opposed | Likeness::Different => {}
            }
            relations.compared.push((item.story, found));
        }
    }

    /// Returns whether what is like a report is like the story it belongs to: a report may have come to its story by its
    /// address and tell something else.
    fn stands_for_its_story(&self, number: ItemNo, item: &ItemState, told: &Text, new: &NewItem<'_>) -> bool {
        let Some(head) = self.state.items.head(item.story) else { return true };
        let shown = head.shown(item.story.first());
        let Some(shown) = self.state.items.get(shown).filter(|_| shown != number) else { return true };
        let Some(shown) = self.texts.get(shown.position) else { return true };
        if dedup::is_short(shown.draft().words()) {
            return is_titled_alike(&new.report.draft, shown.draft());
        }
        let found = dedup::compare(shown.story(), told.story());
        !matches!(found.likeness, Likeness::Different | Likeness::Opposed | Likeness::Altered) || found.is_of_one_text()
    }

    /// Compares the text of a new item with that of a known one.
    fn comparison(
        &self,
        new: &NewItem<'_>,
        mine: &dedup::Story,
        item: &ItemState,
        theirs: &dedup::Story,
        is_credited: bool,
    ) -> Comparison {
        let mut found = dedup::compare(mine, theirs);
        if self.state.geography.are_apart(&new.regions, &item.regions) {
            found = found.of_other_places();
        }
        if found.likeness == Likeness::Event && is_credited {
            found.likeness = Likeness::Same;
            found.because = "it names the other's address as where it has it from, and tells the same";
        }
        found
    }

    /// Returns the other stories that the item a story begins with was compared with, and how they relate.
    pub(super) fn beside(&self, story: StoryNo) -> Vec<(StoryNo, Comparison)> {
        let number = story.first();
        let Some(item) = self.state.items.get(number) else { return Vec::new() };
        let Some(text) = self.texts.get(item.position) else { return Vec::new() };
        let new = NewItem::new(number, item.source, text.report(), item.fingerprint, item.regions.clone());
        let compared = self.relations(&new).compared;
        compared.into_iter().filter(|(other, _)| *other != item.story).collect()
    }

    /// Returns what happens to a story that a further report joins.
    fn joining(&self, story: StoryNo, new: &NewItem<'_>) -> Joining {
        if self.takes_over(story, new) {
            Joining::TakesOver
        } else if self.revives(story, new) {
            Joining::Revives
        } else {
            Joining::Plain
        }
    }

    /// Returns whether a further report is shown from now on: it outranks the report that owns the story and, while that
    /// one is gone, the one that stands in. So every takeover goes to a report with a better claim, and the result does
    /// not depend on the order of arrival.
    fn takes_over(&self, story: StoryNo, new: &NewItem<'_>) -> bool {
        let Some(head) = self.state.items.head(story) else { return false };
        let (owner, shown) = (head.owner(story.first()), head.shown(story.first()));
        self.outranks(new, owner) && (shown == owner || self.outranks(new, shown))
    }

    /// Returns whether a new report has a better claim than a known one: its site is closer to the link, or the known one
    /// credits it, or it has higher authority and does not credit the known one.
    fn outranks(&self, new: &NewItem<'_>, number: ItemNo) -> bool {
        let sources = &self.state.sources;
        let Some(known) = self.state.items.get(number) else { return false };
        let (Some(mine), Some(theirs)) = (sources.facts(new.source), sources.facts(known.source)) else { return false };
        // The same source under another id.
        if mine.link == theirs.link {
            return true;
        }
        let draft = &new.report.draft;
        if sources.credits(draft, theirs) {
            return false;
        }
        let has_higher = mine.authority > theirs.authority;
        // A warning's identifier says which warning it is, not whose.
        if draft.alert.is_some() {
            return has_higher;
        }
        let home = sources.home(new.source, draft);
        // Whoever leads to the other's site has it from there. An office that leads elsewhere, such as to its own account
        // on a platform, still has its authority.
        if home == Home::Elsewhere {
            return has_higher && sources.home(known.source, draft) == Home::Elsewhere;
        }
        // A link proves whose story it is only if both carry it.
        let same_link = known.fingerprint.link == new.fingerprint.link && new.fingerprint.link != 0;
        let told = self.texts.get(known.position);
        let is_nearer = || told.as_ref().is_some_and(|told| home > sources.home(known.source, told.draft()));
        same_link && is_nearer() || has_higher || told.as_ref().is_some_and(|told| sources.credits(told.draft(), mine))
    }

    /// Returns whether a further report dates a story because nobody can have seen it yet: it arrived after the first
    /// import with an old date, and the report is new and from a source of at least the same authority.
    fn revives(&self, story: StoryNo, new: &NewItem<'_>) -> bool {
        let Some(head) = self.state.items.head(story) else { return false };
        let known = self.state.items.get(new.number);
        let (date, seen) =
            known.map_or_else(|| (published(new.report), new.report.seen), |item| (item.own_date(), item.seen));
        let source = known.map_or(new.source, |item| item.source);
        let is_import = || self.texts.get(head.oldest()).is_some_and(|text| text.report().first_import);
        !was_new(head.published, head.seen)
            && was_new(date, seen)
            && self.state.sources.authority(source) >= self.state.authority(head.shown(story.first()))
            && !is_import()
    }

    /// Returns whether two stories with a report in common tell the same by their own texts.
    fn are_one(&self, one: StoryNo, other: StoryNo) -> bool {
        let (older, younger) = (one.min(other), one.max(other));
        let (Some(a), Some(b)) = (self.state.items.head(older), self.state.items.head(younger)) else { return false };
        let (Some(told), Some(retold)) = (self.texts.get(a.position), self.texts.get(b.position)) else { return false };
        let (told, retold) = (told.story(), retold.story());
        // A report that fits both does not make them one: two reports of one event stay two stories, as do those of one
        // policy in two counties. Pieces of one text have the same title.
        let are_apart = self.state.geography.are_apart(a.own_tags(), b.own_tags());
        let is_one = || {
            let found = dedup::compare(told, retold);
            let found = if are_apart { found.of_other_places() } else { found };
            found.likeness == Likeness::Same || found.is_of_one_text() && told.is_titled_as(retold) && !are_apart
        };
        // If the older item only told this after the younger one was reported, it is not the older report of this story.
        let is_late = || {
            let was = a.earlier().first().and_then(|first| self.texts.get(*first));
            let is_changed_since = a.ties.as_ref().and_then(|ties| ties.reported).is_some_and(|at| at > b.seen);
            is_changed_since && was.is_some_and(|was| dedup::compare(was.story(), told).likeness != Likeness::Same)
        };
        !told.is_roundup() && !retold.is_roundup() && is_one() && !is_late()
    }
}

#[cfg(test)]
mod tests;
