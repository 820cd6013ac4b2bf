//! The captions of pictures in a story: those that are marked, and lines that stand below a picture as captions do.

use std::collections::HashSet;

use super::body::Line;
use super::labels::words;
use super::reader::Reader;
use super::story::{MIN_WIDTH, is_prose};
use crate::read::byline;
use crate::read::date;
use crate::read::markup::text::{self, width};
use crate::read::markup::tree::{self, Id, Tree, What};
use crate::read::tables::elements::elements;
use crate::read::tables::tables;

/// How many nodes above a line a picture is looked for.
const MAX_BACK: usize = 40;
/// The widest line that is taken for a caption by its place alone.
const MAX_CAPTION: usize = 160;
/// The widest line below a picture of a Chinese page that is its caption if it is no sentence.
const MAX_SHORT: usize = 48;
/// How many elements around a line may set it in the middle.
const MAX_UP: usize = 4;
/// From so many digits on, a line tells a number that somebody may need.
const MIN_NUMBER: usize = 7;
/// A story is told in its captions if they are so many times as wide as the rest.
const TOLD: usize = 3;

impl Reader<'_> {
    /// Leaves out the captions of pictures, unless the story is told in them.
    pub(super) fn without_captions(&self, kept: Vec<Line>, body: Id) -> Vec<Line> {
        let (marked, centred) = (marked(self.tree, body), self.centred(&kept, body));
        let has_headings = self.has_plain_headings(&kept, body, &centred);
        let is_marked = |line: &Line| {
            let before = marked.partition_point(|(from, _)| *from <= line.from);
            before.checked_sub(1).and_then(|at| marked.get(at)).is_some_and(|(_, to)| line.from < *to)
        };
        let mut is_below = false;
        let captions: Vec<bool> = kept
            .iter()
            .map(|line| {
                // The name of the photographer may stand in a line of its own.
                is_below = is_marked(line)
                    || self.is_below_picture(line, body, &centred, has_headings)
                    || is_below && ends_caption(&line.text);
                is_below
            })
            .collect();
        let wide = |is_told: bool| -> usize {
            let lines = kept.iter().zip(&captions).filter(|(_, is_caption)| **is_caption == is_told);
            lines.map(|(line, _)| width(&line.text)).sum()
        };
        let (told, rest) = (wide(true), wide(false));
        if told == 0 || told > TOLD * rest || rest < MIN_WIDTH.max(told.min(2 * MIN_WIDTH)) {
            return kept;
        }
        let mut captions = captions.into_iter();
        kept.into_iter().filter(|_| captions.next() == Some(false)).collect()
    }

    /// Returns the lines that are set in the middle below a picture, by their first node; none if most lines of the story are set in
    /// the middle.
    fn centred(&self, kept: &[Line], body: Id) -> HashSet<Id> {
        let (tree, elements) = (self.tree, centred_elements(self.tree, body));
        let is_centred = |line: &&Line| tree.ancestors(line.from).take(MAX_UP).any(|up| elements.contains(&up));
        let (below, other): (Vec<&Line>, Vec<&Line>) =
            kept.iter().filter(is_centred).partition(|line| is_picture_above(tree, line.from, body));
        if other.len() > below.len() { HashSet::new() } else { below.into_iter().map(|line| line.from).collect() }
    }

    /// Returns whether a line is the name of the office that signs a notice, or the day on which it does.
    fn is_signature(&self, text: &str) -> bool {
        byline::is_office(text) || date::parse(text, self.clock).is_some()
    }

    /// Returns whether a line of a Chinese page may be a caption or a plain heading: short, and no sentence.
    fn is_short(&self, text: &str) -> bool {
        self.is_chinese
            && width(text) <= MAX_SHORT
            && !is_heading(text)
            && !self.is_signature(text)
            && !has_number(text)
    }

    /// Returns whether the parts of a story have headings that are set like its text: at least as many short lines stand above
    /// prose elsewhere as below pictures.
    fn has_plain_headings(&self, kept: &[Line], body: Id, centred: &HashSet<Id>) -> bool {
        let follow = kept.windows(2).filter_map(|pair| match pair {
            [line, next] if self.is_short(line.text.trim()) && !centred.contains(&line.from) && is_prose(next) => {
                Some(line)
            }
            _ => None,
        });
        let (below, other): (Vec<&Line>, Vec<&Line>) =
            follow.partition(|line| is_picture_above(self.tree, line.from, body));
        !other.is_empty() && other.len() >= below.len()
    }

    /// Returns whether a line stands right below a picture, and is set or worded as a caption.
    fn is_below_picture(&self, line: &Line, body: Id, centred: &HashSet<Id>, has_headings: bool) -> bool {
        let text = line.text.trim();
        if width(text) > MAX_CAPTION || !is_picture_above(self.tree, line.from, body) {
            return false;
        }
        let begins = tables().classes.caption_begins.iter().any(|word| text.starts_with(word.as_str()));
        let is_short = || !has_headings && self.is_short(text);
        begins
            || ends_caption(text)
            || is_all_within(self.tree, line, &["em", "i"])
            || (centred.contains(&line.from) || is_short())
                && !is_all_within(self.tree, line, &["b", "strong", "h2", "h3", "h4"])
    }
}

/// Returns whether a text tells a number of a telephone or an account, which is a fact of the story.
fn has_number(text: &str) -> bool {
    text.chars().filter(char::is_ascii_digit).count() >= MIN_NUMBER
}

fn ends_caption(text: &str) -> bool {
    let text = text.trim_end_matches(['。', '.']);
    width(text) <= MAX_CAPTION && tables().classes.caption_ends.iter().any(|word| text.ends_with(word.as_str()))
}

/// Returns the elements of a body that are marked as captions, as ranges of nodes in their order.
fn marked(tree: &Tree<'_>, body: Id) -> Vec<(Id, Id)> {
    let mut found: Vec<(Id, Id)> = Vec::new();
    for id in tree.elements(body).skip(1) {
        let is_inside = found.last().is_some_and(|(_, to)| id < *to);
        if !is_inside && is_caption(tree, id) {
            found.push((id, tree.end(id)));
        }
    }
    found
}

fn is_caption(tree: &Tree<'_>, id: Id) -> bool {
    let caption = &tables().classes.caption;
    let is_word = || words(&tree.labels(id)).any(|word| caption.contains(word));
    let is_class =
        || tree.classes(id).any(|class| caption.contains(&class.to_ascii_lowercase().replace(['-', '_'], "")));
    tree.is(id, &["figcaption"])
        || tree.has_attributes(id) && elements().caption.contains(tree.name(id)) && (is_word() || is_class())
}

/// Returns whether what stands before a node of a body is a picture, with no text between.
fn is_picture_above(tree: &Tree<'_>, from: Id, body: Id) -> bool {
    for at in (body + 1..from).rev().take(MAX_BACK) {
        match tree.node(at).map(|node| &node.what) {
            Some(What::Text(raw)) if tree::is_hidden(tree.name(tree.parent(at))) => {}
            Some(What::Text(raw)) if !text::resolve(raw, &text::Definitions::none()).trim().is_empty() => return false,
            Some(What::Element(name, _)) if name == "img" => return true,
            _ => {}
        }
    }
    false
}

/// Returns the elements of a body whose lines are set in the middle.
fn centred_elements(tree: &Tree<'_>, body: Id) -> HashSet<Id> {
    let is_centred = |id: &Id| {
        tree.is(*id, &["center"])
            || tree.has_attributes(*id)
                && (tree.attribute(*id, "align").is_some_and(|align| align.eq_ignore_ascii_case("center"))
                    || tree
                        .attribute(*id, "style")
                        .is_some_and(|style| style.replace(' ', "").contains("text-align:center")))
    };
    tree.elements(body).skip(1).filter(is_centred).collect()
}

/// Returns whether all of a line lies in such elements, as headings within a story are bold and captions in italics.
fn is_all_within(tree: &Tree<'_>, line: &Line, names: &[&str]) -> bool {
    let around = |at: Id| tree.ancestors(at).take(MAX_UP).any(|up| tree.is(up, names));
    (line.from..line.to).all(|at| match tree.node(at).map(|node| &node.what) {
        Some(What::Text(raw)) => raw.trim().is_empty() || around(at),
        _ => true,
    })
}

/// Returns whether a short line may be the heading of a part of a story, or a sentence of it: 一、基本情况, 天亮了。
fn is_heading(text: &str) -> bool {
    let ends = text.ends_with(|c: char| !c.is_alphanumeric());
    let number = text.trim_start_matches(['（', '(', '第']);
    let is_numbered = number.starts_with(|c: char| c.is_ascii_digit() || "一二三四五六七八九十".contains(c))
        && number.chars().take(4).any(|c| "、.．）)章节条部".contains(c));
    ends || is_numbered
}
