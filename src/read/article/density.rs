//! Finds the element that holds the text of an article, by the density of its text.

use super::boilerplate::ends_story;
use super::chunks;
use super::labels::{is_aside, is_dialog, words};
use crate::read::markup::text;
use crate::read::markup::text::width;
use crate::read::markup::tree::{self, Id, Tree, What};
use crate::read::pane::is_shut_pane;
use crate::read::tables::elements::elements;
use crate::read::tables::tables;

/// The marks of sentences in the scripts of the sources, and those that end one.
const MARKS: &str = "，。、；！？,.;!?،؛؟۔।";
const ENDS: &str = "。！？!?؟۔।";
/// The least width of a block that counts as prose.
const MIN_PROSE: usize = 40;
/// How many levels a block's worth is passed up, and how much of it each level keeps.
const LEVELS: usize = 4;
const KEPT: f64 = 0.55;
/// How many levels above the densest element are searched for other parts of the body.
const MAX_CLIMB: usize = 8;
/// How many texts behind a body may be the heading that ends it.
const NEXT: usize = 3;

/// Measures of the text directly in a block, without nested blocks.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    width: usize,
    linked: usize,
    marks: usize,
    /// Whether a sentence ends in it.
    ends: bool,
}

impl Block {
    const fn is_prose(&self) -> bool {
        self.marks >= 2 && self.ends && self.width >= MIN_PROSE && self.linked * 2 <= self.width
    }
}

/// Prefix sums over the nodes of a page.
struct Sums {
    width: Vec<usize>,
    linked: Vec<usize>,
    /// The text that is not linked, outside navigation, comments and the like.
    plain: Vec<usize>,
    /// That of it that reads like sentences.
    prose: Vec<usize>,
    /// Where the elements beside the story begin and end.
    asides: Vec<(Id, Id)>,
}

impl Sums {
    fn of(tree: &Tree<'_>) -> (Self, Vec<Block>) {
        let count = tree.len();
        let (mut widths, mut links) = (vec![0; count + 1], vec![0; count + 1]);
        let mut holder = vec![0_usize; count];
        let mut in_link = vec![false; count];
        let mut hidden_to = 0;
        let mut blocks = vec![Block::default(); count];
        let (mut all, mut linked) = (0, 0);
        for id in 0..count {
            set(&mut widths, id, all);
            set(&mut links, id, linked);
            let parent = tree.parent(id);
            let (up, link) = (holder.get(parent).copied().unwrap_or(0), in_link.get(parent).copied().unwrap_or(false));
            let Some(node) = tree.node(id) else { continue };
            match &node.what {
                What::Element(name, _) => {
                    if tree::is_hidden(name) || tree.is_invisible(id) || is_dialog(tree, id) || is_shut_pane(tree, id) {
                        hidden_to = hidden_to.max(node.end);
                    }
                    set(&mut holder, id, if tree::is_block(name) { id } else { up });
                    set(&mut in_link, id, link || name == "a" && tree.is_link(id));
                }
                What::Text(raw) if id >= hidden_to => {
                    let wide = width(&text::resolve(raw, &text::Definitions::none()));
                    all += wide;
                    linked += if link { wide } else { 0 };
                    if let Some(block) = blocks.get_mut(up) {
                        block.width += wide;
                        block.linked += if link { wide } else { 0 };
                        block.marks += raw.chars().filter(|c| MARKS.contains(*c)).count();
                        block.ends |=
                            raw.contains(|c| ENDS.contains(c)) || raw.contains(". ") || raw.trim_end().ends_with('.');
                    }
                }
                What::Text(_) => {}
            }
        }
        set(&mut widths, count, all);
        set(&mut links, count, linked);
        drop((holder, in_link));
        let (plain, prose) = (vec![0; count + 1], vec![0; count + 1]);
        let mut sums = Self { width: widths, linked: links, plain, prose, asides: Vec::new() };
        sums.add_prose(tree, &blocks);
        (sums, blocks)
    }

    /// Sums up what is plain text and what is prose.
    fn add_prose(&mut self, tree: &Tree<'_>, blocks: &[Block]) {
        let (mut plain, mut prose, mut aside_to) = (0, 0, 0);
        let all = self.width.last().copied().unwrap_or(0);
        for (id, block) in blocks.iter().enumerate() {
            set(&mut self.plain, id, plain);
            set(&mut self.prose, id, prose);
            if id >= aside_to && !tree.name(id).is_empty() && self.width(tree, id) * 2 < all && is_aside(tree, id) {
                aside_to = tree.end(id);
                self.asides.push((id, aside_to));
            }
            if id >= aside_to {
                plain += block.width - block.linked;
                prose += if block.is_prose() { block.width - block.linked } else { 0 };
            }
        }
        set(&mut self.plain, blocks.len(), plain);
        set(&mut self.prose, blocks.len(), prose);
    }

    /// Returns whether a node lies in an element beside the story.
    fn is_beside(&self, id: Id) -> bool {
        let before = self.asides.partition_point(|(from, _)| *from <= id);
        before.checked_sub(1).and_then(|at| self.asides.get(at)).is_some_and(|(_, to)| id < *to)
    }

    fn width(&self, tree: &Tree<'_>, id: Id) -> usize {
        difference(&self.width, id, tree.end(id))
    }

    fn linked(&self, tree: &Tree<'_>, id: Id) -> usize {
        difference(&self.linked, id, tree.end(id))
    }

    fn plain(&self, tree: &Tree<'_>, id: Id) -> usize {
        difference(&self.plain, id, tree.end(id))
    }

    fn prose(&self, tree: &Tree<'_>, id: Id) -> usize {
        difference(&self.prose, id, tree.end(id))
    }
}

fn set<T>(all: &mut [T], at: usize, value: T) {
    if let Some(slot) = all.get_mut(at) {
        *slot = value;
    }
}

fn difference(sums: &[usize], from: Id, to: Id) -> usize {
    sums.get(to).copied().unwrap_or(0).saturating_sub(sums.get(from).copied().unwrap_or(0))
}

/// Finds the element that holds the article's body. `None` if no element has enough text.
pub(super) fn find(tree: &Tree<'_>) -> Option<Id> {
    let (sums, blocks) = Sums::of(tree);
    let scores = scores(tree, &blocks);
    let mut best: Option<(f64, Id)> = None;
    for (id, score) in
        scores.iter().enumerate().filter(|(id, score)| **score > 0.0 && !tree.is(*id, &["html", "p", ""]))
    {
        let total = sums.width(tree, id);
        if total == 0 {
            continue;
        }
        let mut score = score * (1.0 - number(sums.linked(tree, id)) / number(total));
        for (level, holder) in tree.ancestors(id).take(LEVELS).enumerate() {
            let labels = tree.labels(holder);
            let is_body = words(&labels).any(|word| tables().classes.body.contains(word));
            if level == 0 && is_body {
                score *= 1.25;
            }
            if words(&labels).any(|word| tables().classes.not_body.contains(word)) && !(level == 0 && is_body) {
                score *= 0.3;
            }
            if tree.is(holder, &["footer", "aside", "nav"]) {
                score *= 0.2;
            }
        }
        if tree.is(id, &["body"]) {
            score *= 0.6;
        }
        if !tree.ancestors(id).take(LEVELS).any(|up| is_aside(tree, up)) && sums.is_beside(id) {
            score *= 0.3;
        }
        if best.is_none_or(|(most, _)| score > most) {
            best = Some((score, id));
        }
    }
    best.map(|(_, id)| whole(tree, &sums, &blocks, id))
}

/// Returns the worth of the text in each element: that of its blocks, of which each level up keeps a part.
fn scores(tree: &Tree<'_>, blocks: &[Block]) -> Vec<f64> {
    let mut scores: Vec<f64> = vec![0.0; tree.len()];
    for (id, block) in blocks.iter().enumerate() {
        if block.width < 16 || block.linked * 2 > block.width {
            continue;
        }
        let worth = (1.0 + number(block.marks) + number(block.width) / 40.0)
            * (1.0 - number(block.linked) / number(block.width));
        let is_paragraph = elements().paragraph.contains(tree.name(id));
        let mut share = 1.0;
        for holder in tree.ancestors(id).skip(usize::from(is_paragraph)).take(LEVELS) {
            if let Some(score) = scores.get_mut(holder) {
                *score += worth * share;
            }
            share *= KEPT;
        }
    }
    scores
}

fn number(value: usize) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

/// Returns the element that holds all parts of a body of which one part was found: its siblings that read alike, or the
/// blocks of a page builder further off.
fn whole(tree: &Tree<'_>, sums: &Sums, blocks: &[Block], found: Id) -> Id {
    let mut id = found;
    // If its siblings together hold at least a third as much text, the body is split over them: take the parent.
    for _ in 0..3 {
        let parent = tree.parent(id);
        if parent == 0 || tree.is(parent, &["body", "html"]) {
            break;
        }
        let own = sums.width(tree, id) - sums.linked(tree, id);
        let beside: usize = tree
            .children(parent)
            .filter(|child| *child != id)
            .filter(|child| elements().part.contains(tree.name(*child)))
            .filter(|child| {
                let labels = tree.labels(*child);
                let wide = sums.width(tree, *child);
                wide >= 40
                    && sums.linked(tree, *child) * 5 < wide
                    && !words(&labels).any(|word| tables().classes.not_body.contains(word))
                    && blocks_of(tree, blocks, *child) * 2 > wide
            })
            .map(|child| sums.width(tree, child))
            .sum();
        if beside * 3 < own {
            break;
        }
        id = parent;
    }
    if is_article(tree, id) {
        return id;
    }
    let named = tree.ancestors(id).skip(1).take(MAX_CLIMB).find(|up| {
        tree.classes(*up).any(|class| tables().classes.whole_body.contains(&*class.to_ascii_lowercase()))
            && sums.linked(tree, *up) * 5 < sums.width(tree, *up) * 2
    });
    if let Some(named) = named {
        return chunks::joined(tree, named);
    }
    let start = id;
    for holder in tree.ancestors(start).skip(1).take(MAX_CLIMB) {
        if is_article(tree, id) || is_over(tree, id, holder) {
            break;
        }
        let gain = sums.prose(tree, holder) - sums.prose(tree, id);
        let added = sums.plain(tree, holder) - sums.plain(tree, id);
        if sums.prose(tree, id) > 0 && gain * 5 >= sums.prose(tree, id) && gain * 2 >= added {
            id = holder;
        }
    }
    id
}

/// Returns whether an element is marked as the whole article.
fn is_article(tree: &Tree<'_>, id: Id) -> bool {
    tree.is(id, &["article"])
        || tree.classes(id).any(|class| class == "article")
        || tree.attribute(id, "id").is_some_and(|id| id == "article")
}

/// Returns whether a heading above comments or other stories follows an element within `holder`.
fn is_over(tree: &Tree<'_>, id: Id, holder: Id) -> bool {
    let behind = tree.texts_between(tree.end(id), tree.end(holder)).map(|(_, text)| text);
    behind.filter(|text| !text.trim().is_empty()).take(NEXT).any(|text| ends_story(text.trim()))
}

/// Returns the width of text in blocks that read like sentences.
fn blocks_of(tree: &Tree<'_>, blocks: &[Block], id: Id) -> usize {
    (id..tree.end(id))
        .filter_map(|at| blocks.get(at))
        .filter(|block| block.marks >= 2 && block.width >= MIN_PROSE)
        .map(|block| block.width)
        .sum()
}
