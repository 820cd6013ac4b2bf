//! Forgets the stories whose days are dropped from the log.

use std::collections::{BTreeSet, HashSet};

use super::item_state::ItemState;
use super::numbers::{ItemNo, StoryNo};
use super::state::State;
use crate::model::{ItemId, Moment};

impl State {
    /// Returns the items that expire with the stories that began up to this day (`YYYY-MM-DD`), although later log
    /// segments mention them.
    pub(super) fn going_with(&self, day: &str) -> Vec<ItemId> {
        let Some(last) = day_number(day) else { return Vec::new() };
        let goes = |item: &ItemState| self.begin_of(item) <= last && i64::from(item.position.day) > last;
        // An item that parted from an older one is a report of the older one in the log.
        let is_old = |story: StoryNo| self.items.head(story).is_some_and(|head| number_of_day(head.seen) <= last);
        let parts = |item: &ItemState| item.became().is_some() && is_old(item.story);
        let mut next: Vec<ItemNo> =
            self.items.iter().filter(|(_, item)| goes(item) || parts(item)).map(|(number, _)| number).collect();
        let mut going: BTreeSet<ItemNo> = BTreeSet::new();
        while let Some(number) = next.pop() {
            if going.insert(number)
                && let Some(item) = self.items.get(number)
            {
                next.extend(item.members().iter().copied().chain(item.became()));
            }
        }
        going.into_iter().filter_map(|number| self.items.get(number)).map(|item| item.id).collect()
    }

    /// Removes the stories that began up to this day, with all their reports, and the named items. A story lives as
    /// long as its first report, so that the remaining log yields the same view.
    pub(super) fn expire(&mut self, day: &str, items: &[ItemId]) {
        let Some(last) = day_number(day) else { return };
        let named: HashSet<ItemId> = items.iter().copied().collect();
        let is_dead = |number: ItemNo, item: &ItemState| {
            self.begin_of(item) <= last
                || named.contains(&item.id)
                || !self.items.contains(item.story.first()) && !item.is_first(number)
        };
        let dead: Vec<ItemNo> =
            self.items.iter().filter(|(number, item)| is_dead(*number, item)).map(|(number, _)| number).collect();
        for number in &dead {
            self.leave_event(number.story());
            self.leave_timelines(number.story());
            self.mark_dirty(*number);
        }
        self.forget_parts(&dead.iter().map(|number| number.story()).collect());
        self.forget_successors(&dead.iter().copied().collect());
        for number in dead {
            if let Some(at) = self.items.get(number).and_then(ItemState::deleted) {
                self.deleted.remove(&(at, number.story()));
            }
            self.items.remove(number);
            self.similar.remove(number);
        }
    }

    /// Returns the day on which an item's story began.
    fn begin_of(&self, item: &ItemState) -> i64 {
        number_of_day(self.items.head(item.story).map_or(item.seen, |head| head.seen))
    }

    /// Removes these stories from the parts of round-ups: the remaining log says nothing about them.
    fn forget_parts(&mut self, dead: &BTreeSet<StoryNo>) {
        let holds_dead = |item: &ItemState| item.parts().iter().any(|part| dead.contains(part));
        let wholes: Vec<ItemNo> =
            self.items.iter().filter(|(_, item)| holds_dead(item)).map(|(whole, _)| whole).collect();
        for whole in wholes {
            if let Some(item) = self.items.get_mut(whole) {
                item.ties_mut().parts.retain(|part| !dead.contains(part));
                self.items.touch(whole);
                self.mark_dirty(whole);
            }
        }
    }

    /// If the item that another one became is removed, later reports belong to the original item again.
    fn forget_successors(&mut self, dead: &HashSet<ItemNo>) {
        let became_dead = |item: &ItemState| item.became().is_some_and(|became| dead.contains(&became));
        let dangling: Vec<ItemNo> =
            self.items.iter().filter(|(_, item)| became_dead(item)).map(|(number, _)| number).collect();
        for number in dangling {
            if let Some(ties) = self.items.get_mut(number).and_then(|item| item.ties.as_mut()) {
                ties.became = None;
            }
            self.items.touch(number);
        }
    }
}

/// Returns the UTC day of a moment, counted from 1970, as used for log segments.
fn number_of_day(at: Moment) -> i64 {
    at.seconds().div_euclid(86_400)
}

fn day_number(day: &str) -> Option<i64> {
    Moment::from_rfc3339(&format!("{day}T00:00:00Z")).map(number_of_day)
}
