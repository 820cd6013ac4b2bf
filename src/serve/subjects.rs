//! The topics of stories, and the stories of a topic.

use std::collections::HashMap;

use super::renderer::Renderer;
use super::selection::{Cursor, Selection};
use crate::model::SourceId;
use crate::view::Story;

/// How many stories are asked for their topics at most to fill a page: of one source, and of all.
const MAX_OF_SOURCE: usize = 2_000;
const MAX_ASKED: usize = 20_000;
/// How many stories are passed over at most because of their sources.
const MAX_PASSED: usize = 200_000;
/// How many stories are looked up at first, and at most at a time.
const FIRST_CHUNK: usize = 200;
const LARGEST_CHUNK: usize = 25_600;

/// How many stories of each source were asked.
#[derive(Default)]
struct Asked {
    of_source: HashMap<SourceId, usize>,
    all: usize,
    passed: usize,
}

impl Asked {
    fn is_over(&self) -> bool {
        self.all >= MAX_ASKED || self.passed >= MAX_PASSED
    }

    /// Returns whether a story of this source may be asked, and counts it. The limit of a source takes nothing from a page
    /// that is about that source alone.
    fn may_ask(&mut self, source: SourceId, is_alone: bool) -> bool {
        let asked = self.of_source.entry(source).or_default();
        let may = is_alone || *asked < MAX_OF_SOURCE;
        *if may { &mut self.all } else { &mut self.passed } += 1;
        *asked += usize::from(may);
        may
    }
}

impl Renderer<'_> {
    /// Returns the newest stories of a topic, and where the next page begins. A source whose newest stories are about other
    /// things is passed over, so that it does not end the page for others.
    pub(super) fn stories_of_topic(
        &self,
        selection: &Selection,
        tags: &[crate::model::RegionId],
        topic: &str,
    ) -> (Vec<Story>, Option<Cursor>) {
        let most = self.published.options.items;
        let (mut stories, mut asked, mut chunk) = (Vec::new(), Asked::default(), FIRST_CHUNK);
        let mut from = selection.from.map(|cursor| (cursor.at, cursor.item));
        // Where the first story behind the last one taken stands that was passed over because of its source.
        let mut passed = None;
        loop {
            let entries = self.view.listing(tags, selection.source.as_ref(), from, chunk + 1);
            for entry in entries.iter().take(chunk) {
                if stories.len() == most || asked.is_over() {
                    return (stories, self.cursor(entry));
                }
                let Some(source) = self.view.source_of(entry.story) else { continue };
                if !asked.may_ask(source, selection.source.is_some()) {
                    passed = passed.or_else(|| self.cursor(entry));
                } else if let Some(story) = self.view.story(entry.story).filter(|story| self.is_about(story, topic)) {
                    stories.push(story);
                    passed = None;
                }
            }
            from = entries.get(chunk).and_then(|next| self.cursor(next)).map(|cursor| (cursor.at, cursor.item));
            if from.is_none() {
                return (stories, passed);
            }
            chunk = LARGEST_CHUNK.min(chunk * 2);
        }
    }

    /// Returns whether a story is about the topic with this id.
    pub(super) fn is_about(&self, story: &Story, topic: &str) -> bool {
        let at = self.published.topics.all().position(|known| known.id == topic);
        at.is_some_and(|at| self.topics(story).iter().any(|topic| usize::from(*topic) == at))
    }

    /// Returns the ids of the topics of a story.
    pub(super) fn topics_of(&self, story: &Story) -> Vec<String> {
        let topics = self.topics(story);
        let is_one = |at: &usize| topics.iter().any(|topic| usize::from(*topic) == *at);
        let named = self.published.topics.all().enumerate().filter(|(at, _)| is_one(at));
        named.map(|(_, topic)| topic.id.clone()).collect()
    }

    fn topics(&self, story: &Story) -> Box<[u16]> {
        let known = &self.published.known_topics;
        if let Some(topics) = known.get(story.shown.position) {
            return topics;
        }
        let Some(report) = self.report(story.shown.position) else { return Box::default() };
        let mut labels = report.draft.categories;
        labels.extend(self.published.policy_of(&story.shown.source.id).topics);
        let found = self.published.topics.of(&labels, &report.draft.title);
        let is_found = |id: &str| found.iter().any(|(topic, _)| topic.id == id);
        let topics: Box<[u16]> =
            (0..).zip(self.published.topics.all()).filter(|(_, topic)| is_found(&topic.id)).map(|(at, _)| at).collect();
        known.insert(story.shown.position, topics.clone());
        topics
    }
}
