//! Teasers of other stories within an element: headings that lead elsewhere, with a line or two below each.

use super::body::{self, Line};
use super::reader::Reader;
use super::story::is_prose;
use crate::read::markup::page::target;
use crate::read::markup::text::width;
use crate::read::markup::tree::Id;

/// From so many linked headings on they are taken for teasers.
const MIN_TEASERS: usize = 3;
/// The most text of a teaser; a section of a story below a linked heading has more.
const MAX_TEASER: usize = 500;
/// The most headings that are looked at.
const MAX_HEADINGS: usize = 1000;
/// How many levels above its heading the box of a teaser is searched for.
const MAX_UP: usize = 5;
/// The least prose beside its teasers that makes a page an article.
const MIN_STORY: usize = 240;

impl Reader<'_> {
    /// Returns the boxes of the teasers within a body.
    pub(super) fn teasers(&self, body: Id) -> Vec<(Id, Id)> {
        let tree = self.tree;
        let is_heading = |id: &Id| tree.is(*id, &["h2", "h3", "h4", "h5"]);
        let headings: Vec<Id> = tree.elements(body).filter(is_heading).take(MAX_HEADINGS).collect();
        let linked: Vec<Id> = headings.iter().copied().filter(|id| self.leads_elsewhere(*id)).collect();
        if linked.len() < MIN_TEASERS {
            return Vec::new();
        }
        linked.into_iter().map(|heading| self.teaser(body, heading, &headings)).collect()
    }

    /// Returns whether a heading is a link to another page.
    fn leads_elsewhere(&self, heading: Id) -> bool {
        let tree = self.tree;
        let within = tree.elements(heading).find(|id| tree.is(*id, &["a"]));
        let around = || tree.ancestors(heading).skip(1).take(3).find(|id| tree.is(*id, &["a"]));
        let Some(link) = within.or_else(around) else { return false };
        width(&tree.line(heading)) >= 12
            && target(tree, link, &self.base).is_some_and(|to| to.without_fragment() != self.url.without_fragment())
    }

    /// Returns the largest element around a heading that holds no other heading and little else; at least the heading.
    fn teaser(&self, body: Id, heading: Id, headings: &[Id]) -> (Id, Id) {
        let tree = self.tree;
        let own = |id: Id| {
            let (from, to) = (headings.partition_point(|h| *h < id), headings.partition_point(|h| *h < tree.end(id)));
            to - from == 1
        };
        let is_short = |id: Id| tree.texts(id).map(|(_, text)| width(&text)).sum::<usize>() <= MAX_TEASER;
        let boxes = tree.ancestors(heading).take(MAX_UP).take_while(|id| *id > body && own(*id) && is_short(*id));
        let id = boxes.last().unwrap_or(heading);
        (id, tree.end(id))
    }

    /// Returns whether a body that holds teasers has no story beside them.
    pub(super) fn is_only_teasers(&self, body: Id, teasers: &[(Id, Id)]) -> bool {
        if teasers.is_empty() {
            return false;
        }
        let mut dropped = teasers.to_vec();
        dropped.extend(body::foreign(self.tree, body));
        dropped.sort_unstable();
        let lines = body::lines(self.tree, body, self.tree.end(body), &dropped);
        let story: usize = lines.iter().filter(|line| is_prose(line)).map(|line: &Line| width(&line.text)).sum();
        story < MIN_STORY
    }
}
