//! The events: stories about one happening that are not one story.

use std::collections::{BTreeSet, HashMap};

use super::numbers::StoryNo;

/// Maximum number of stories per event; anything larger is a topic.
const MAX_STORIES: usize = 40;

/// The stories of each event that has several, keyed by the oldest, which names it.
#[derive(Debug, Default)]
pub(super) struct Events(HashMap<StoryNo, BTreeSet<StoryNo>>);

impl Events {
    /// Takes over a story of an event from a store.
    pub(super) fn load(&mut self, event: StoryNo, story: StoryNo) {
        self.0.entry(event).or_default().insert(story);
    }

    /// Returns the stories of an event.
    pub(super) fn stories(&self, event: StoryNo) -> impl Iterator<Item = StoryNo> {
        self.0.get(&event).into_iter().flatten().copied()
    }

    /// Makes two events one, named by the older. Returns its name and its stories, which all belong to it from now on;
    /// `None` if it would be too large, or if they are one already. A story without an event is an event of one.
    pub(super) fn unite(&mut self, one: StoryNo, other: StoryNo) -> Option<(StoryNo, BTreeSet<StoryNo>)> {
        let (older, younger) = (one.min(other), one.max(other));
        let size = |event: &StoryNo| self.0.get(event).map_or(1, BTreeSet::len);
        if older == younger || size(&older) + size(&younger) > MAX_STORIES {
            return None;
        }
        let mut stories = self.0.remove(&younger).unwrap_or_default();
        stories.insert(younger);
        let all = self.0.entry(older).or_default();
        all.insert(older);
        all.append(&mut stories);
        Some((older, all.clone()))
    }

    /// Removes a story from its event. Returns the stories that are left, and the name of their event from now on: none
    /// if only one is left.
    pub(super) fn leave(&mut self, event: StoryNo, story: StoryNo) -> (BTreeSet<StoryNo>, Option<StoryNo>) {
        let mut left = self.0.remove(&event).unwrap_or_default();
        left.remove(&story);
        let name = left.first().copied().filter(|_| left.len() > 1);
        if let Some(name) = name {
            self.0.insert(name, left.clone());
        }
        (left, name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers::ItemNo;
    use super::*;

    fn story(seq: u64) -> StoryNo {
        ItemNo::of(seq).story()
    }

    #[test]
    fn an_event_is_named_by_its_oldest_story_and_ends_with_the_last_but_one() {
        let mut events = Events::default();
        let (name, all) = events.unite(story(3), story(2)).unwrap();
        assert_eq!((name, all.len()), (story(2), 2));
        assert_eq!(events.unite(story(5), story(2)).unwrap().1.len(), 3);
        assert_eq!(events.unite(story(2), story(2)), None);
        let (left, name) = events.leave(story(2), story(2));
        assert_eq!((left.len(), name), (2, Some(story(3))), "the next oldest names it");
        let (left, name) = events.leave(story(3), story(5));
        assert_eq!((left.len(), name), (1, None));
        assert_eq!(events.stories(story(3)).count(), 0);
    }

    #[test]
    fn an_event_of_many_stories_is_a_topic() {
        let mut events = Events::default();
        let joined = (1..100).filter(|seq| events.unite(story(0), story(*seq)).is_some()).count();
        assert_eq!(joined + 1, MAX_STORIES);
    }
}
