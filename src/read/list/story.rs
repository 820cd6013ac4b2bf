//! Tells lists from what stands around the text of a story: related stories, attached files.

use super::phrase::holds;
use super::row_date::Row;
use crate::model::Link;
use crate::read::lexicon::words;
use crate::read::markup::page::target;
use crate::read::markup::text::{self, width};
use crate::read::markup::tree::{Id, Tree};
use crate::read::tables::elements::elements;
use crate::read::tables::tables;

/// The columns of running text that make a page a story; and those beside which files are attachments.
const MIN_STORY: usize = 400;
const MIN_NOTICE: usize = 80;
/// How wide a piece of running text is at least.
const MIN_PROSE: usize = 40;
/// How many nodes of a page are looked at, and how many texts before the first row.
const MAX_NODES: usize = 20_000;
const MAX_BEFORE: usize = 200;
const MAX_HEADINGS: usize = 4;

/// Returns whether rows belong to a story that is the page's main text.
pub(super) fn belongs_to_story(tree: &Tree<'_>, rows: &[Row], is_beside: bool, is_dated: bool, base: &Link) -> bool {
    let Some(first) = rows.first() else { return false };
    let prose = prose(tree, rows);
    if prose < MIN_NOTICE {
        return false;
    }
    let headings = headings(tree, first.from);
    let are_files = || rows.iter().all(|row| target(tree, row.link, base).is_some_and(|to| is_file(&to)));
    let is_attached = |heading: &String| {
        let bare = heading.trim_matches(|c: char| !c.is_alphanumeric());
        words().attachments.contains(bare)
    };
    if !is_dated && headings.iter().any(is_attached) && are_files() {
        return true;
    }
    let is_related = |heading: &String| {
        let squeezed: String = heading.split_whitespace().collect();
        words().ends_story.begin(&squeezed) || words().popular.iter().any(|head| holds(heading, head))
    };
    let shown: usize = rows.iter().map(|row| width(&tree.line(row.from))).sum();
    prose >= MIN_STORY
        && (prose * 2 >= shown && (is_beside || headings.iter().any(is_related))
            || prose * 2 >= shown * 3 && (is_marked_as_story(tree) || is_story_for_machines(tree)))
}

/// Returns whether the page's linked data (JSON-LD) tells of one story.
fn is_story_for_machines(tree: &Tree<'_>) -> bool {
    let is_linked =
        |id: &Id| tree.is(*id, &["script"]) && tree.attribute(*id, "type").is_some_and(|kind| kind.contains("ld+json"));
    tree.elements(0).filter(is_linked).take(8).any(|id| {
        let raw = tree.raw(id);
        raw.contains("\"articleBody\"") || raw.contains("\"headline\"") && raw.matches("\"headline\"").count() == 1
    })
}

/// Returns how wide the running text outside of rows is: pieces of some length that lead nowhere.
fn prose(tree: &Tree<'_>, rows: &[Row]) -> usize {
    let mut rows = rows.iter().peekable();
    let mut sum = 0;
    for (node, piece) in tree.texts_between(0, tree.len().min(MAX_NODES)) {
        while rows.next_if(|row| row.to <= node).is_some() {}
        if rows.peek().is_some_and(|row| row.from <= node) || piece.len() < MIN_PROSE {
            continue;
        }
        let wide = width(piece.trim());
        let is_outside = |up: Id| elements().beside_row.contains(tree.name(up));
        if wide >= MIN_PROSE && !tree.ancestors(tree.parent(node)).take(12).any(is_outside) {
            sum += wide;
        }
    }
    sum
}

/// Returns the short texts before a row, the nearest first, in small letters.
fn headings(tree: &Tree<'_>, row: Id) -> Vec<String> {
    let texts: Vec<(Id, String)> = tree
        .texts_between(row.saturating_sub(MAX_BEFORE), row)
        .map(|(node, piece)| (node, text::line(&piece).to_lowercase()))
        .filter(|(_, piece)| !piece.is_empty())
        .collect();
    let near = texts.into_iter().rev().take(MAX_HEADINGS).take_while(|(_, piece)| width(piece) < MIN_PROSE);
    near.filter(|(node, _)| !tree.ancestors(tree.parent(*node)).take(3).any(|up| tree.is(up, &["li"])))
        .map(|(_, piece)| piece)
        .collect()
}

fn is_file(link: &Link) -> bool {
    let ending = link.path().rsplit_once('.').map_or("", |(_, ending)| ending);
    tables().files.contains_key(&ending.to_ascii_lowercase())
}

/// Returns whether the page says of itself that it is one story. `og:type` does not count: programs write `article` on
/// all pages.
fn is_marked_as_story(tree: &Tree<'_>) -> bool {
    const MAX_HEAD: usize = 2000;
    (1..tree.len().min(MAX_HEAD)).filter(|id| tree.is(*id, &["meta"])).any(|id| {
        let is_named = ["name", "property"].iter().filter_map(|name| tree.attribute(id, name)).any(|name| {
            let name = name.to_ascii_lowercase();
            tables().list.story_marks.contains(&name)
        });
        is_named && tree.attribute(id, "content").is_some_and(|content| !content.trim().is_empty())
    })
}
