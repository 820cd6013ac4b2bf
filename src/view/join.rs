//! Carries out the verdict on a new item: it joins a story, stories are joined with each other, linked to events, and to
//! the round-ups that contain them.

use super::item_state::ItemState;
use super::new_item::{Assignment, Joining, Relations};
use super::numbers::{ItemNo, StoryNo};
use super::state::State;
use crate::model::Moment;

impl State {
    /// Makes a new item a report of the story found for it, and links it to its event and to its parts.
    pub(super) fn assign(&mut self, number: ItemNo, assignment: &Assignment, updated: Moment) {
        let relations = &assignment.relations;
        if let Some(story) = relations.same.first().copied() {
            self.join(number, story, assignment.joining, updated);
            for other in &assignment.merges {
                // The story may itself have been joined to an older one by now.
                let story = self.items.get(number).map_or(story, |item| item.story);
                self.merge_stories(story, *other);
            }
        } else {
            self.enter_timelines(number.story());
        }
        let story = self.items.get(number).map_or(number.story(), |item| item.story);
        self.link_event(story, relations.event);
        self.link_parts(story, relations);
    }

    /// Adds an item to a story as a further report. The story keeps its older id.
    fn join(&mut self, number: ItemNo, story: StoryNo, joining: Joining, updated: Moment) {
        self.leave_timelines(story);
        self.mark_dirty(story.first());
        if let Some(item) = self.items.get_mut(number) {
            item.story = story;
        }
        if let Some(head) = self.items.head_mut(story) {
            let ties = head.ties_mut();
            ties.members.push(number);
            if joining == Joining::TakesOver {
                (ties.shown, ties.right) = (Some(number), Some(number));
                head.updated = updated.max(head.updated.plus_millis(1));
            }
        }
        match joining {
            Joining::TakesOver => self.redate_by_owner(story, number),
            Joining::Revives => self.date_by(story, number),
            Joining::Plain => {}
        }
        self.arrange(story);
        self.note_deletion(story, false);
        self.items.touch(story.first());
        self.enter_timelines(story);
        self.mark_dirty(story.first());
    }

    /// Joins two stories that a new report belongs to and that tell the same, unless a source told both or only one is
    /// withdrawn. The older id stays; the younger story's id leads to it.
    fn merge_stories(&mut self, one: StoryNo, other: StoryNo) {
        let (older, younger) = (one.min(other), one.max(other));
        if older == younger || !self.can_merge(older, younger) {
            return;
        }
        let Some(joined) = self.items.head(younger) else { return };
        // The report that a source of higher authority published is not hidden by one that only came to tell the same. Neither
        // does a source of lower authority link its story to others.
        let owners = [older, younger].map(|story| self.items.head(story).map(|head| head.owner(story.first())));
        let [kept, joining] = owners.map(|owner| owner.and_then(|owner| self.authority(owner)));
        let taking_over = owners[1].filter(|_| joining > kept);
        let event = joined.event().filter(|_| joining >= kept);
        let companion = event.and_then(|event| self.events.stories(event).find(|it| *it != younger && *it != older));
        let moved: Vec<ItemNo> = joined.all(younger.first()).collect();
        self.leave_timelines(older);
        self.leave_timelines(younger);
        self.mark_dirty(younger.first());
        self.leave_event(younger);
        let mut parts = self.move_items(&moved, younger, older);
        parts.retain(|_| joining >= kept);
        if let Some(owner) = taking_over
            && let Some(head) = self.items.head_mut(older)
        {
            let ties = head.ties_mut();
            (ties.shown, ties.right) = (Some(owner), Some(owner));
            self.redate_by_owner(older, owner);
        }
        for number in moved {
            if !self.items.get(number).is_some_and(|item| self.is_compared(number, item)) {
                self.similar.remove(number);
            }
        }
        self.items.touch(older.first());
        self.arrange(older);
        self.enter_timelines(older);
        self.mark_dirty(older.first());
        self.link_event(older, companion);
        self.link_parts(older, &Relations { parts, ..Relations::default() });
    }

    /// Returns whether no source told both stories, also earlier, and both are published or both withdrawn.
    fn can_merge(&self, older: StoryNo, younger: StoryNo) -> bool {
        let (Some(a), Some(b)) = (self.items.head(older), self.items.head(younger)) else { return false };
        let mut told = self.items.of_story(older).map(|item| item.source);
        let shares_source = told.any(|source| self.items.of_story(younger).any(|item| item.source == source));
        !shares_source && a.withdrawn == b.withdrawn
    }

    /// Makes all items of the story `from` items of the story `to`. Returns the parts of the story that was moved.
    fn move_items(&mut self, moved: &[ItemNo], from: StoryNo, to: StoryNo) -> Vec<StoryNo> {
        let mut parts = Vec::new();
        for number in moved {
            if let Some(item) = self.items.get_mut(*number) {
                item.story = to;
                let (own, date) = (item.own_tags().clone(), item.own_date());
                (item.regions, item.published, item.ended) = (own, date, false);
                // Withdrawal of the joined story follows the older one.
                item.withdrawn &= *number != from.first();
                if let Some(ties) = &mut item.ties {
                    ties.members.clear();
                    (ties.own, ties.dated, ties.shown, ties.right) = (None, None, None, None);
                    parts.append(&mut ties.parts);
                }
            }
            self.items.touch(*number);
        }
        if let Some(head) = self.items.head_mut(to) {
            head.ties_mut().members.extend(moved);
        }
        parts
    }

    /// Links a round-up to the stories it contains, without joining them to each other. Their number is limited by the
    /// length of its text.
    fn link_parts(&mut self, story: StoryNo, relations: &Relations) {
        let held = relations.parts.iter().map(|part| (story, *part));
        for (whole, part) in held.chain(relations.wholes.iter().map(|whole| (*whole, story))) {
            let Some(head) = self.items.head_mut(whole) else { continue };
            let parts = &mut head.ties_mut().parts;
            if whole != part && !parts.contains(&part) {
                parts.push(part);
                self.items.touch(whole.first());
                self.mark_dirty(whole.first());
            }
        }
    }

    /// Links two stories to one event. Each story belongs to one event, named by its oldest story.
    fn link_event(&mut self, one: StoryNo, other: Option<StoryNo>) {
        let Some(other) = other.filter(|other| *other != one && self.items.contains(other.first())) else { return };
        let event_of = |story: StoryNo| self.items.head(story).and_then(ItemState::event).unwrap_or(story);
        let Some((event, stories)) = self.events.unite(event_of(one), event_of(other)) else { return };
        for story in stories {
            if let Some(head) = self.items.head_mut(story) {
                head.ties_mut().event = Some(event);
            }
            self.items.touch(story.first());
            self.mark_dirty(story.first());
        }
    }

    /// Removes a story from its event; if only one story remains, the event is dissolved.
    pub(super) fn leave_event(&mut self, story: StoryNo) {
        let Some(event) = self.items.head(story).and_then(ItemState::event) else { return };
        let (left, name) = self.events.leave(event, story);
        for other in left {
            self.set_event(other, name);
        }
        self.set_event(story, None);
    }

    fn set_event(&mut self, story: StoryNo, event: Option<StoryNo>) {
        if let Some(ties) = self.items.head_mut(story).and_then(|head| head.ties.as_mut()) {
            ties.event = event;
        }
        self.items.touch(story.first());
    }
}
