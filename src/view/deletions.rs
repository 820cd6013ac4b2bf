//! What takedowns do to items: those that one covers are not published, and the stories that they began live on by the
//! reports of others. Also remembers which stories were deleted by a decision, for the readers that had them.

use super::numbers::{ItemNo, SourceNo, StoryNo};
use super::state::State;
use super::takedowns::Standing;
use crate::log::{Log, Record};
use crate::model::{Draft, ItemId, Moment, Origin, Scope, Takedown};

impl State {
    /// Takes down the items named, and from now on whatever is reported that the takedown covers.
    pub(super) fn take_down(&mut self, takedown: &Takedown, items: &[ItemId], is_whole: bool, at: Moment) {
        let name = (takedown.origin, takedown.scope.clone());
        let since = self.takedowns.get(&name).map_or(at, |known| known.at);
        let standing = Standing { takedown: takedown.clone(), at: since, is_whole };
        self.takedowns.insert(standing);
        for number in items.iter().filter_map(|id| self.items.with_id(*id)).collect::<Vec<_>>() {
            self.set_taken(number, true);
        }
    }

    /// Ends a takedown: the items that no other one covers are published again.
    pub(super) fn lift(&mut self, origin: Origin, scope: &Scope, log: &Log) {
        let name = (origin, scope.clone());
        if !self.takedowns.remove(&name) {
            return;
        }
        let taken: Vec<ItemNo> = self.items.iter().filter(|(_, item)| item.taken).map(|(number, _)| number).collect();
        for number in taken {
            let Some((source, position)) = self.items.get(number).map(|item| (item.source, item.position)) else {
                continue;
            };
            // An item whose report cannot be read is not shown anyway.
            if let Ok(Record::Report(report)) = log.read(position)
                && !self.is_covered(source, &report.draft)
            {
                self.set_taken(number, false);
            }
        }
    }

    /// Returns whether a takedown covers what a source reports.
    pub(super) fn is_covered(&self, source: SourceNo, draft: &Draft) -> bool {
        self.sources.entry(source).is_some_and(|facts| self.takedowns.of(facts, draft).is_some())
    }

    /// Takes an item down, or publishes it again.
    pub(super) fn set_taken(&mut self, number: ItemNo, is_taken: bool) {
        if self.items.get(number).is_some_and(|item| item.taken != is_taken) {
            self.change_item(number, |item| item.taken = is_taken);
        }
    }

    /// Returns whether readers find a story in the feeds of its regions.
    pub(super) fn is_visible(&self, story: StoryNo) -> bool {
        self.items.head(story).is_some_and(|head| !head.withdrawn && !head.ended)
    }

    /// Notes when a story that readers had seen was withdrawn or taken down, and forgets it when it is back. A story that
    /// ended because its reports are gone at their sources was not deleted by anyone.
    pub(super) fn note_deletion(&mut self, story: StoryNo, was_visible: bool) {
        let is_visible = self.is_visible(story);
        let first = story.first();
        let Some(head) = self.items.get(first) else { return };
        let is_hidden = |number: ItemNo| self.items.get(number).is_some_and(|item| item.withdrawn || item.taken);
        let by_decision = head.all(first).any(is_hidden);
        let before = head.deleted();
        let after = match (was_visible, is_visible) {
            (_, true) => None,
            (true, false) if by_decision => Some(self.now),
            (_, false) => before,
        };
        if before == after {
            return;
        }
        before.map(|at| self.deleted.remove(&(at, story)));
        after.map(|at| self.deleted.insert((at, story)));
        if let Some(head) = self.items.get_mut(first) {
            head.ties_mut().deleted = after;
            self.items.touch(first);
        }
    }
}
