//! Decides what a story shows: which report, which date, which regions.
//!
//! - A story lives as long as one of its reports. If the report that owns the story is gone, the next best one is shown
//!   until it is back, unless that one only links to the page that is gone.
//! - A story's date comes from the report that owns it: one that takes over (see `judge.rs`) dates it, unless readers
//!   have seen it as new under a date of at most an hour before, or of the day that is all the owner tells. Any other
//!   report dates it only where nobody can have seen it under its date (it was more than a day before the story was
//!   first seen) and where its source has at least the owner's authority. So no source moves the date of another's
//!   story, and what readers have seen stays where it is.
//! - A story is in the regions of the shown report, and in the own region of each other report's source.

use std::cmp::Reverse;

use super::item_state::ItemState;
use super::numbers::{ItemNo, RegionNo, SourceNo, StoryNo};
use super::reports::was_new;
use super::state::State;
use super::tags::Tags;
use crate::model::{Precision, RegionId, Stamp};
use crate::regions::Evidence;

const HOUR: i64 = 3_600_000;

impl State {
    /// Changes an item, then recomputes what its story shows.
    pub(super) fn change_item(&mut self, number: ItemNo, change: impl FnOnce(&mut ItemState)) {
        let Some(story) = self.items.get(number).map(|item| item.story) else { return };
        self.items.touch(number);
        self.rearrange(story, |state| {
            if let Some(item) = state.items.get_mut(number) {
                change(item);
            }
        });
    }

    /// Changes something about a story, then recomputes what it shows.
    pub(super) fn rearrange(&mut self, story: StoryNo, change: impl FnOnce(&mut Self)) {
        let was_visible = self.is_visible(story);
        self.leave_timelines(story);
        self.mark_dirty(story.first());
        change(self);
        self.arrange(story);
        self.note_deletion(story, was_visible);
        self.enter_timelines(story);
        self.mark_dirty(story.first());
        self.items.touch(story.first());
    }

    /// Chooses what a story shows: another report if the shown one is gone, and its regions. The story must not be in
    /// any timeline meanwhile.
    pub(super) fn arrange(&mut self, story: StoryNo) {
        let first = story.first();
        let Some(head) = self.items.get(first).filter(|head| head.is_first(first)) else { return };
        let (before, owner) = (head.shown(first), head.owner(first));
        let all: Vec<ItemNo> = head.all(first).collect();
        let can_stand = |number: &&ItemNo| {
            self.items.get(**number).is_some_and(|item| item.is_live(**number))
                && !self.leads_to_what_is_gone(**number, owner)
        };
        let best = all
            .iter()
            .filter(can_stand)
            .max_by_key(|number| (**number == owner, **number == before, self.authority(**number), Reverse(**number)));
        let (shown, ended) = best.map_or((before, true), |best| (*best, false));
        let tags = self.story_tags(shown, &all);
        if let Some(head) = self.items.get_mut(first) {
            head.ended = ended;
            head.tag(tags);
        }
        if shown != before {
            self.show(story, shown);
            self.redate(story, shown);
        }
    }

    /// Returns whether a report from another site links to its story's original page, which is gone at its own site.
    /// Such a report has nothing to show instead.
    fn leads_to_what_is_gone(&self, number: ItemNo, owner: ItemNo) -> bool {
        let (Some(item), Some(own)) = (self.items.get(number), self.items.get(owner)) else { return false };
        let is_gone = own.gone && own.became().is_none() && own.at_home;
        let link = own.fingerprint.link;
        number != owner && is_gone && !item.at_home && link != 0 && item.fingerprint.link == link
    }

    /// Returns the regions of a story: those of the shown report, plus the source region of each other report whose own
    /// tags lie there, unless the story is already within it. No report can put another source's story anywhere else. If
    /// the shown source has nothing to do with that region, the report's own tags within it count: a stranger that copies
    /// a notice first must not take it from the feed of its place.
    fn story_tags(&mut self, shown: ItemNo, all: &[ItemNo]) -> Tags {
        let mut tags = self.items.get(shown).map(|item| item.own_tags().clone()).unwrap_or_default();
        for other in all.iter().filter(|number| **number != shown) {
            let Some(item) = self.items.get(*other).filter(|item| item.is_live(*other)) else { continue };
            let Some(home) = self.sources.region(item.source) else { continue };
            let is_within = |(number, _)| self.geography.is_within(number, home);
            let own: Vec<(RegionNo, Evidence)> = item.own_tags().iter().filter(|tag| is_within(*tag)).collect();
            let Some((_, evidence)) = own.first().copied().filter(|_| !tags.iter().any(is_within)) else { continue };
            let is_strange = self.items.get(shown).is_none_or(|shown| self.is_strange(shown.source, home));
            if is_strange {
                own.into_iter().for_each(|(number, evidence)| tags.push(number, evidence));
            } else {
                tags.push(self.geography.number_or_new(home), evidence);
            }
        }
        tags
    }

    /// Returns whether a source's region neither lies in this region nor holds it.
    fn is_strange(&self, source: SourceNo, region: &RegionId) -> bool {
        self.sources.region(source).is_none_or(|own| !self.geography.meet(own, region))
    }

    /// Shows another report of a story from now on.
    fn show(&mut self, story: StoryNo, shown: ItemNo) {
        let now = self.now;
        if let Some(head) = self.items.head_mut(story) {
            head.ties_mut().shown = Some(shown).filter(|shown| *shown != story.first());
            // Use only this story's own times: after an expiry, the remaining log would not tell those of others.
            head.updated = now.max(head.updated.plus_millis(1));
        }
    }

    /// Dates a story by the report now shown, unless readers have already seen it under its date, or this report only
    /// stands in for one of a higher authority.
    fn redate(&mut self, story: StoryNo, shown: ItemNo) {
        let Some(head) = self.items.head(story) else { return };
        let may_date = self.authority(shown) >= self.authority(head.owner(story.first()));
        if may_date && !was_new(head.published, head.seen) {
            self.date_by(story, shown);
        }
    }

    /// Dates a story by the report that took it over, unless readers have already seen it under about the same date.
    pub(super) fn redate_by_owner(&mut self, story: StoryNo, owner: ItemNo) {
        let (Some(head), Some(item)) = (self.items.head(story), self.items.get(owner)) else { return };
        if !was_new(head.published, head.seen) || !is_near(item.own_date(), head.published) {
            self.date_by(story, owner);
        }
    }

    /// Dates a story by one of its reports.
    pub(super) fn date_by(&mut self, story: StoryNo, number: ItemNo) {
        let Some(date) = self.items.get(number).map(ItemState::own_date) else { return };
        if let Some(head) = self.items.head_mut(story) {
            head.date(date);
        }
    }
}

/// Returns whether an owner's date is so close to the known one that a story keeps the known one: at most an hour later,
/// or on the same day if the date tells no time. One that is earlier counts: a copy must not make a story newer.
fn is_near(date: Stamp, known: Stamp) -> bool {
    (0..=HOUR).contains(&date.at.since(known.at)) || date.precision == Precision::Day && date.day() == known.day()
}
