//! The rows that belong to a list's links.

use std::collections::{BTreeMap, HashSet};

use super::link;
use super::row_date::{self, Row};
use crate::model::Link;
use crate::read::date::Clock;
use crate::read::markup::page::target;
use crate::read::markup::text;
use crate::read::markup::tree::{Id, Tree};

/// The most links, and thus rows, of a list.
pub(super) const MAX_LINKS: usize = 1500;

/// Builds the rows of links: for each, the largest element that holds no other of the links, and what follows it up to
/// the next row.
pub(in crate::read) fn rows_of(tree: &Tree<'_>, links: &[Id], base: &Link, clock: Clock<'_>) -> Vec<Row> {
    let mut before = vec![0_u32; tree.len() + 1];
    let mut count = 0;
    let mut next = links.iter().peekable();
    for (id, slot) in before.iter_mut().enumerate() {
        *slot = count;
        if next.next_if(|link| **link == id).is_some() {
            count += 1;
        }
    }
    let within = |id: Id| before.get(tree.end(id)).copied().unwrap_or(count) - before.get(id).copied().unwrap_or(0);
    let holders: Vec<Id> = links
        .iter()
        .map(|link| {
            tree.ancestors(*link)
                .take_while(|id| within(*id) <= 1 && !tree.is(*id, &["body", "html"]))
                .last()
                .unwrap_or(*link)
        })
        .collect();
    let forward: Vec<Row> = (0..links.len()).filter_map(|at| forward(tree, &holders, links, at, base)).collect();
    // If the date precedes the title, a row starts after the row before it. Probing the first and last rows shows which
    // reading finds more dates.
    let probe = |rows: &[Row]| {
        rows.iter()
            .take(6)
            .chain(rows.iter().skip(6).rev().take(6))
            .filter(|row| row_date::has_date(tree, row, clock))
            .count()
    };
    let dated = probe(&forward);
    if dated < links.len().min(12) {
        let backward: Vec<Row> = (0..links.len()).filter_map(|at| backward(tree, &holders, links, at)).collect();
        if probe(&backward) > dated {
            return backward;
        }
    }
    forward
}

/// Returns the row of a link, up to the next row.
fn forward(tree: &Tree<'_>, holders: &[Id], links: &[Id], at: usize, base: &Link) -> Option<Row> {
    let (holder, link) = (*holders.get(at)?, *links.get(at)?);
    let parent = tree.parent(holder);
    let next = holders.get(at + 1).filter(|next| tree.parent(**next) == parent);
    let to = match next {
        Some(next) => *next,
        // No next row ends the last one: it spans as many siblings as the row before.
        None if at > 0 && links.len() > 1 => {
            let siblings = holders
                .get(at - 1)
                .filter(|last| tree.parent(**last) == parent)
                .map_or(1, |last| tree.children(parent).filter(|child| (*last..holder).contains(child)).count().max(1));
            let end = tree.end(parent);
            tree.children(parent).filter(|child| *child >= holder).nth(siblings).unwrap_or(end)
        }
        None => tree.end(holder),
    };
    let to = other_row(tree, holder, link, to, base).unwrap_or(to);
    Some(Row { link, from: holder, to: to.max(tree.end(holder)) })
}

/// Returns the row of a link, from the end of the row before.
fn backward(tree: &Tree<'_>, holders: &[Id], links: &[Id], at: usize) -> Option<Row> {
    let (holder, link) = (*holders.get(at)?, *links.get(at)?);
    let parent = tree.parent(holder);
    let last = at.checked_sub(1).and_then(|at| holders.get(at)).filter(|last| tree.parent(**last) == parent);
    let from = last.map_or_else(
        || {
            let before: Vec<Id> = tree.children(parent).filter(|child| *child < holder).collect();
            let third = before.len().checked_sub(3);
            third.map_or_else(|| before.first().copied(), |at| before.get(at).copied()).unwrap_or(holder)
        },
        |last| tree.end(*last),
    );
    Some(Row { link, from: from.min(holder), to: tree.end(holder) })
}

/// Finds the first sibling after a row, up to `to`, that is a row of its own although its link has another path.
fn other_row(tree: &Tree<'_>, holder: Id, link: Id, to: Id, base: &Link) -> Option<Id> {
    if !tree.is(holder, &["li", "tr", "div", "article", "section"]) {
        return None;
    }
    let own = target(tree, link, base)?;
    let siblings = std::iter::successors(Some(tree.end(holder)), |id| Some(tree.end(*id).max(*id + 1)));
    siblings.take_while(|id| *id < to).filter(|id| tree.name(*id) == tree.name(holder)).find(|id| {
        link::best_link(tree, *id, tree.end(*id), base).is_some_and(|link| {
            let title = link::title_of_link(tree, link);
            text::width(&title) >= 8
                && !link::is_generic(&title)
                && target(tree, link, base).is_some_and(|target| target != own)
        })
    })
}

/// Adds sibling rows that look slightly different and were missed.
pub(super) fn complete(tree: &Tree<'_>, rows: Vec<Row>, base: &Link) -> Vec<Row> {
    /// What is known about the rows of one parent: how many, the element name of the first, and whether each is one
    /// element.
    struct Like {
        count: usize,
        name: String,
        simple: bool,
    }
    let is_simple = |row: &Row| {
        let children = std::iter::successors(Some(row.from), |id| Some(tree.end(*id).max(*id + 1)));
        children.take_while(|id| *id < row.to).filter(|id| !tree.name(*id).is_empty()).count() == 1
    };
    let mut parents: BTreeMap<Id, Like> = BTreeMap::new();
    for row in &rows {
        let name = || Like { count: 0, name: tree.name(row.from).to_owned(), simple: true };
        let like = parents.entry(tree.parent(row.from)).or_insert_with(name);
        like.count += 1;
        like.simple = like.simple && is_simple(row);
    }
    let taken: HashSet<Id> = rows.iter().map(|row| row.from).collect();
    let mut all = rows;
    for (parent, Like { count, name, simple }) in parents {
        if count < 2 || !simple || matches!(&*name, "a" | "" | "span" | "b" | "strong") {
            continue;
        }
        for child in tree.children(parent) {
            if all.len() >= MAX_LINKS {
                break;
            }
            if tree.name(child) == name
                && !taken.contains(&child)
                && let Some(link) = link::best_link(tree, child, tree.end(child), base)
                && text::width(&link::title_of_link(tree, link)) >= 8
            {
                all.push(Row { link, from: child, to: tree.end(child) });
            }
        }
    }
    all.sort_unstable_by_key(|row| row.from);
    all
}
