//! Detects which links of a page form its list: groups links with similar element paths and weighs the groups.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::link;
use super::parts::dated_parts;
use super::phrase::holds;
use super::row_date::{self, Row};
use super::rows::{MAX_LINKS, complete, rows_of};
use super::weight::{Group, is_beside, weigh};
use crate::model::Link;
use crate::read::date::Clock;
use crate::read::lexicon::words;
use crate::read::markup::page::target;
use crate::read::markup::text;
use crate::read::markup::tree::{Id, Tree};
use crate::read::pane::is_shut_pane;
use crate::read::tables::tables;

/// The fewest rows of a detected list.
const MIN_ROWS: usize = 3;

/// The most groups of links to weigh.
const MAX_GROUPS: usize = 200;
/// How deeply links may be nested: HTML forbids nesting them, and the text of the inner ones would be read once for
/// each level.
const MAX_AROUND: usize = 8;

/// Finds the group of links that is the list of a page.
pub(in crate::read) fn detect(tree: &Tree<'_>, url: &Link, base: &Link, clock: Clock<'_>) -> Option<Group> {
    let mut best: Option<Group> = None;
    for members in grouped(tree, url, base) {
        let links = without_boxes(tree, once_each(tree, &members, base));
        if links.len() < MIN_ROWS {
            continue;
        }
        for group in readings(tree, &links, url, base, clock) {
            if best.as_ref().is_none_or(|best| group.weight > best.weight) {
                best = Some(group);
            }
        }
    }
    best
}

/// Returns the links that may lead to an item, those with the same path of elements together. Groups stand in the order
/// of the page; if a page has too many, only the largest are returned, largest first.
fn grouped(tree: &Tree<'_>, url: &Link, base: &Link) -> Vec<Vec<Id>> {
    let paths = paths(tree);
    let mut places: HashMap<u64, usize> = HashMap::new();
    let mut groups: Vec<Vec<Id>> = Vec::new();
    let own = url.canonical();
    let mut addresses = Addresses::default();
    for id in visible_links(tree) {
        let path = paths.get(id).copied().unwrap_or(0);
        let place = places.get(&path).copied();
        if place.and_then(|place| groups.get(place)).is_some_and(|members| members.len() >= MAX_LINKS) {
            continue;
        }
        let Some(target) = target(tree, id, base) else { continue };
        let line = tree.line(id);
        let is_paging = link::is_generic(&line) && !line.is_empty() && is_paging(&line);
        if target.canonical() == own || is_paging || line.is_empty() && is_picture(&target) {
            continue;
        }
        addresses.add(id, &target);
        match place.and_then(|place| groups.get_mut(place)) {
            Some(members) => members.push(id),
            None => {
                places.insert(path, groups.len());
                groups.push(vec![id]);
            }
        }
    }
    let parts = addresses.parts();
    for members in &mut groups {
        members.retain(|id| !parts.contains(id));
    }
    if groups.len() > MAX_GROUPS {
        groups.sort_by_key(|members| std::cmp::Reverse(members.len()));
        groups.truncate(MAX_GROUPS);
    }
    groups
}

/// Returns the links that a reader sees, without those in the head of a table.
fn visible_links(tree: &Tree<'_>) -> Vec<Id> {
    let cells: Vec<Id> = tree.elements(0).filter(|id| tree.is(*id, &["td"])).collect();
    let has_cell =
        |id: Id| cells.get(cells.partition_point(|cell| *cell < id)).is_some_and(|cell| *cell < tree.end(id));
    let in_head =
        |id: Id| tree.ancestors(id).take(6).any(|up| tree.is(up, &["th", "thead"]) && !has_cell(tree.parent(up)));
    let mut links = Vec::new();
    let mut hidden_to = 0;
    // Where the links around the current element end.
    let mut around: Vec<Id> = Vec::new();
    for id in tree.elements(0) {
        // Skip hidden parts: a list in another tab, a collapsed menu.
        let is_hidden = || tree.is_invisible(id) || is_shut_pane(tree, id);
        if id >= hidden_to && is_hidden() && tree.end(id) - id < tree.len() / 2 {
            hidden_to = tree.end(id);
        }
        if !tree.is(id, &["a"]) {
            continue;
        }
        while around.last().is_some_and(|end| *end <= id) {
            around.pop();
        }
        around.push(tree.end(id));
        if id >= hidden_to && around.len() <= MAX_AROUND && !in_head(id) {
            links.push(id);
        }
    }
    links
}

/// The addresses of a page's links, to tell links to parts of a story, such as its comments, from links to it.
#[derive(Default)]
struct Addresses {
    whole: HashSet<u64>,
    with_fragment: Vec<(Id, u64)>,
}

impl Addresses {
    fn add(&mut self, id: Id, target: &Link) {
        match target.as_str().split_once('#') {
            Some((whole, _)) => self.with_fragment.push((id, xxh3_64(whole.as_bytes()))),
            None => _ = self.whole.insert(xxh3_64(target.as_str().as_bytes())),
        }
    }

    /// Returns the links to a part of what another link leads to.
    fn parts(self) -> HashSet<Id> {
        self.with_fragment.into_iter().filter(|(_, whole)| self.whole.contains(whole)).map(|(id, _)| id).collect()
    }
}

/// Returns whether a link leads to a picture.
fn is_picture(target: &Link) -> bool {
    let ending = target.path().rsplit_once('.').map_or("", |(_, ending)| ending);
    ending.len() <= 4 && tables().list.pictures.contains(&ending.to_ascii_lowercase())
}

/// Returns whether a link's text is a paging label: next, previous, 1, 2, 3.
fn is_paging(line: &str) -> bool {
    let line = line.to_lowercase();
    let bare = line.trim_matches(|c: char| !c.is_alphanumeric());
    line.chars().all(|c| !c.is_alphabetic()) || words().paging.contains(bare)
}

/// Computes a hash of the element path to each element, equal for the rows of one list. Digits at the end of classes
/// and classes of state (odd, last, active) do not count.
fn paths(tree: &Tree<'_>) -> Vec<u64> {
    let mut paths = vec![0; tree.len()];
    let mut shared = Shared::default();
    for id in tree.elements(0).skip(1) {
        let parent = paths.get(tree.parent(id)).copied().unwrap_or(0);
        // Pinned rows are often bold.
        let mut path = if tree.is(id, &["b", "strong", "em", "i", "u", "font"]) {
            parent
        } else {
            xxh3_64_with_seed(tree.name(id).as_bytes(), parent)
        };
        // The classes of rows and cells often alternate, as do those of adjacent lists.
        if path != parent
            && !tree.is(id, &["tr", "td", "th", "li", "tbody", "p"])
            && !(tree.is(id, &["ul", "ol", "dl"]) && !is_beside(tree, id) && has_twin(tree, id))
            && let Some(class) = shared.class(tree, id)
        {
            path = xxh3_64_with_seed(class.as_bytes(), path);
        }
        if let Some(slot) = paths.get_mut(id) {
            *slot = path;
        }
    }
    paths
}

/// Returns whether the element before or after is a list of the same kind.
fn has_twin(tree: &Tree<'_>, id: Id) -> bool {
    let parent = tree.parent(id);
    let beside = |other: Id| other != id && tree.name(other) == tree.name(id);
    let (mut before, mut at) = (None, false);
    for child in tree.children(parent).filter(|child| !tree.name(*child).is_empty()).take(60) {
        if at {
            return beside(child);
        }
        if child == id {
            if before.is_some_and(beside) {
                return true;
            }
            at = true;
        }
        before = Some(child);
    }
    false
}

/// Picks the class of an element that most of its siblings of the same name share: `carte` in `culture carte`,
/// `politique carte`.
#[derive(Default)]
struct Shared {
    parent: Id,
    counts: HashMap<String, usize>,
}

impl Shared {
    fn class(&mut self, tree: &Tree<'_>, id: Id) -> Option<String> {
        const MAX_CLASSES: usize = 400;
        let classes: Vec<String> = tree.classes(id).map(stem).filter(|class| !is_state(class)).take(6).collect();
        if classes.len() <= 1 {
            return classes.into_iter().next();
        }
        let parent = tree.parent(id);
        if self.parent != parent || self.counts.is_empty() {
            self.parent = parent;
            self.counts.clear();
            for child in tree.children(parent).filter(|child| tree.name(*child) == tree.name(id)).take(MAX_CLASSES) {
                for class in tree.classes(child).map(stem).filter(|class| !is_state(class)).take(6) {
                    *self.counts.entry(class).or_default() += 1;
                }
            }
        }
        let count = |class: &String| self.counts.get(class).copied().unwrap_or(0);
        let most = classes.iter().map(count).max()?;
        classes.iter().find(|class| count(class) == most).cloned()
    }
}

pub(in crate::read) fn stem(class: &str) -> String {
    let class = class.to_ascii_lowercase();
    class.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '_').to_owned()
}

pub(in crate::read) fn is_state(class: &str) -> bool {
    tables().classes.states.contains(class)
}

/// Keeps, of consecutive links with one target, the one with the most text: a picture and a title are one row.
fn once_each(tree: &Tree<'_>, members: &[Id], base: &Link) -> Vec<Id> {
    let mut kept: Vec<(u64, usize, Id)> = Vec::with_capacity(members.len());
    let mut times: HashMap<u64, usize> = HashMap::new();
    for id in members.iter().take(MAX_LINKS) {
        let Some(target) = target(tree, *id, base) else { continue };
        let (hash, width) = (xxh3_64(target.as_str().as_bytes()), text::width(&link::title_of_link(tree, *id)));
        match kept.last_mut() {
            Some((last, wide, at)) if *last == hash => {
                if width > *wide {
                    (*wide, *at) = (width, *id);
                }
            }
            _ => {
                *times.entry(hash).or_default() += 1;
                kept.push((hash, width, *id));
            }
        }
    }
    // A category link before each title repeats a few targets again and again.
    let often = |hash: &u64| times.get(hash).is_some_and(|times| *times >= 3);
    let others = kept.iter().filter(|(hash, ..)| !often(hash)).count();
    if others >= MIN_ROWS && others * 3 >= kept.len() {
        kept.retain(|(hash, ..)| !often(hash));
    }
    kept.into_iter().map(|(_, _, id)| id).collect()
}

/// Drops links in boxes with headings such as "most read": old pages use the same markup for boxes and list.
fn without_boxes(tree: &Tree<'_>, links: Vec<Id>) -> Vec<Id> {
    let (Some(first), Some(last)) = (links.first(), links.last()) else { return links };
    let Some(around) = tree.ancestors(*first).find(|up| tree.end(*up) > *last) else { return links };
    let part_of = |id: Id| tree.ancestors(id).find(|up| tree.parent(*up) == around).unwrap_or(id);
    let mut parts: Vec<(Id, Vec<Id>)> = Vec::new();
    for id in &links {
        let part = part_of(*id);
        match parts.last_mut() {
            Some((known, members)) if *known == part => members.push(*id),
            _ => parts.push((part, vec![*id])),
        }
    }
    if !(2..=6).contains(&parts.len()) {
        return links;
    }
    let is_box = |part: Id, first: Id| {
        tree.texts_between(part, first).filter(|(_, text)| !text.trim().is_empty()).take(6).any(|(_, text)| {
            let text = text.trim().to_lowercase();
            text::width(&text) <= 20 && words().popular.iter().any(|head| holds(&text, head))
        })
    };
    let kept: Vec<Id> = parts
        .iter()
        .filter(|(part, members)| !members.first().is_some_and(|first| is_box(*part, *first)))
        .flat_map(|(_, members)| members.iter().copied())
        .collect();
    if kept.len() >= MIN_ROWS { kept } else { links }
}

/// Returns the possible readings of a group of links: one link per row, or several (notice, agenda and minutes of one
/// meeting).
fn readings(tree: &Tree<'_>, links: &[Id], url: &Link, base: &Link, clock: Clock<'_>) -> Vec<Group> {
    let with_dates = |rows: Vec<Row>| -> Vec<(Row, bool)> {
        rows.into_iter().map(|row| (row, row_date::has_date(tree, &row, clock))).collect()
    };
    let rows = with_dates(complete(tree, rows_of(tree, links, base, clock), base));
    let mut groups = vec![weigh(tree, dated_parts(tree, rows), url, base, clock)];
    // If table rows hold one or more files each, the row is the item and its first link is the address.
    let mut lifted: Vec<Row> = Vec::new();
    let are_icons = links.iter().all(|id| tree.line(*id).is_empty());
    for id in links {
        let holders: &[&str] = if are_icons { &["tr", "article", "li"] } else { &["tr", "article"] };
        let Some(holder) = tree.ancestors(*id).skip(1).find(|up| tree.is(*up, holders)) else { continue };
        if lifted.last().is_none_or(|row| row.from != holder) {
            lifted.push(Row { link: *id, from: holder, to: tree.end(holder) });
        }
    }
    if lifted.len() >= MIN_ROWS && lifted.len() < links.len() {
        // A date in a cell before all files of a row belongs to the row.
        let before = |row: &&Row| row_date::has_date(tree, &Row { to: row.link, ..**row }, clock);
        let dated_before = lifted.iter().filter(before).count() * 5 >= lifted.len() * 4;
        let count = |rows: usize| f64::from(u32::try_from(rows).unwrap_or(u32::MAX));
        let each = if dated_before { count(links.len()) / count(lifted.len()) } else { 1.0 };
        let mut group = weigh(tree, with_dates(lifted), url, base, clock);
        group.weight *= 1.08 * each;
        groups.push(group);
    }
    groups
}
