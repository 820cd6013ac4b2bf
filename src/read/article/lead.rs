//! The lead of an article that stands outside the element of its text.

use super::body::Line;
use super::boilerplate::{is_boilerplate, is_head_line};
use super::labels::words;
use super::reader::Reader;
use super::story::is_prose;
use crate::read::markup::text::{squeeze, width};
use crate::read::markup::tree::Id;
use crate::read::tables::elements::elements;
use crate::read::tables::tables;

/// The most lines of a lead, and the widest.
const MAX_LINES: usize = 4;
const MAX_WIDTH: usize = 1200;
/// How many characters of a summary tell that a line is the same.
const SAME: usize = 30;

impl Reader<'_> {
    /// Returns the sentences between the title and the body. On Chinese pages they are the editor's summary, which is no
    /// part of the story.
    pub(super) fn lead(&self, page: &[Line], body: Id, title: &str, inside: &[Line]) -> Vec<Line> {
        let starts = page.iter().position(|line| line.to > body).unwrap_or(page.len());
        let (above, bare) = (page.get(..starts).unwrap_or(&[]), squeeze(title));
        if self.is_chinese || bare.is_empty() {
            return Vec::new();
        }
        let titled = above.iter().rposition(|line| squeeze(&line.text) == bare);
        let summary = self.meta(&["description", "og:description"]).map(|text| squeeze(&text)).unwrap_or_default();
        let summary: String = summary.chars().take(SAME).collect();
        let said = |line: &Line| summary.chars().count() == SAME && squeeze(&line.text).starts_with(&summary);
        let from = match titled.or_else(|| above.iter().rposition(said)?.checked_sub(1)) {
            Some(at) => at + 1,
            None => return Vec::new(),
        };
        let known: Vec<String> = inside.iter().take(MAX_LINES).map(|line| squeeze(&line.text)).collect();
        above
            .iter()
            .skip(from)
            .filter(|line| is_prose(line) || said(line))
            .filter(|line| width(&line.text) <= MAX_WIDTH && !is_boilerplate(&line.text))
            .filter(|line| !is_head_line(&line.spaced, self.clock) && !self.is_beside(line.from))
            .filter(|line| !known.contains(&squeeze(&line.text)))
            .take(MAX_LINES)
            .cloned()
            .collect()
    }

    /// Returns whether a node lies in a caption, in navigation or in a box of something else.
    fn is_beside(&self, id: Id) -> bool {
        let (tree, classes) = (self.tree, &tables().classes);
        tree.ancestors(id).any(|up| {
            elements().beside_lead.contains(tree.name(up))
                || tree.is_invisible(up)
                || words(&tree.labels(up)).any(|word| {
                    classes.foreign.contains(word) && !classes.foreign_unless_prose.contains(word)
                        || classes.dialog.iter().any(|start| word.starts_with(start.as_str()))
                        || matches!(word, "caption" | "author" | "bio")
                }) && !tree.is(up, &["body", "html"])
        })
    }
}
