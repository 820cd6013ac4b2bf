//! Weighs groups of links: how much each is worth as the list of a page.

use std::collections::HashSet;

use super::code::is_code;
use super::link;
use super::row;
use super::row_date::Row;
use crate::model::Link;
use crate::read::date::Clock;
use crate::read::markup::page::target;
use crate::read::markup::text;
use crate::read::markup::tree::{Id, Tree};
use crate::read::tables::tables;

/// A group of links that may be the list.
pub(in crate::read) struct Group {
    pub(in crate::read) rows: Vec<Row>,
    pub(in crate::read) weight: f64,
    pub(in crate::read) dated: usize,
    /// If the links say no more than "agenda" or "download": the number of the text beside them that is the title.
    pub(in crate::read) beside: Option<usize>,
    /// Whether the links look like those of a menu.
    pub(in crate::read) is_menu: bool,
}

/// The worth of what looks like a menu.
const MENU: f64 = 0.3;
/// The mean width of titles from which links without dates are no menu.
const MIN_TITLE: usize = 34;
/// The mean width below which they always are one.
const MIN_MENU_TITLE: usize = 15;
/// How many texts of a row are looked at, and by how much they are wider than the title in a row with a summary.
const MAX_TEXTS: usize = 40;
const MIN_SUMMARY: usize = 30;
/// How many bytes of a query are looked at for a number.
const MAX_VALUE: usize = 12;
/// How many links of a group are looked at to tell a menu from a list.
const MAX_SAMPLE: usize = 60;

/// Weighs a group of rows; `dated` says which of them show a date.
pub(super) fn weigh(tree: &Tree<'_>, rows: Vec<(Row, bool)>, url: &Link, base: &Link, clock: Clock<'_>) -> Group {
    let dated = rows.iter().filter(|(_, is_dated)| *is_dated).count();
    let rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    let titles: Vec<String> = rows.iter().map(|row| link::title_of_link(tree, row.link)).collect();
    let distinct: HashSet<&String> = titles.iter().collect();
    let generic = titles.iter().filter(|title| link::is_generic(title) || is_code(title)).count();
    let beside = distinct.len() * 2 < rows.len() || generic * 2 > rows.len();
    let column = if beside { row::column_beside(tree, &rows, clock) } else { 0 };
    let targets: HashSet<String> =
        rows.iter().filter_map(|row| Some(target(tree, row.link, base)?.canonical())).collect();
    let (mut sum, mut near, mut titled) = (0.0, 0, 0);
    let folder = url.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    for (at, (row, title)) in rows.iter().zip(&titles).enumerate() {
        let title = if beside { row::title_beside(tree, row, column, clock) } else { title.clone() };
        titled += usize::from(!title.is_empty());
        let width = text::width(&title);
        let worth = f64::from(u32::try_from(width.min(40)).unwrap_or(40)) / 40.0;
        // Later rows say less about the page's purpose.
        let place = if at < 30 { 1.0 } else { 0.4 };
        sum += place * worth * if width < 10 { 0.3 } else { 1.0 };
        near += usize::from(
            target(tree, row.link, base).is_some_and(|to| !folder.is_empty() && to.path().starts_with(folder)),
        );
    }
    let count = f64::from(u32::try_from(rows.len().max(1)).unwrap_or(1));
    let share = |part: usize| f64::from(u32::try_from(part).unwrap_or(0)) / count;
    let mut weight =
        sum * (1.0 + 2.4 * share(dated)) * share(targets.len()) * share(targets.len()) * (1.0 + 0.3 * share(near));
    if beside {
        weight *= 0.5;
    }
    weight *= place(tree, &rows);
    let has_others = beside && titled * 2 >= rows.len();
    let is_menu = dated * 5 < rows.len() && !has_others && is_menu(tree, &rows, &titles, url, base);
    if is_menu {
        weight *= MENU;
    }
    Group { rows, weight, dated, beside: beside.then_some(column), is_menu }
}

/// Returns whether rows without dates are a menu: they lead to sections and not to articles or files, or to other views
/// of the same page (languages, filters), or each is an entry of an entry.
fn is_menu(tree: &Tree<'_>, rows: &[Row], titles: &[String], url: &Link, base: &Link) -> bool {
    let wide = titles.iter().map(|title| text::width(title)).sum::<usize>() / titles.len().max(1);
    if wide < MIN_MENU_TITLE {
        return true;
    }
    let links: Vec<Link> = rows.iter().take(MAX_SAMPLE).filter_map(|row| target(tree, row.link, base)).collect();
    let count = links.len().max(1);
    if are_views(&links, url) {
        return true;
    }
    // The rows of menus hold nothing but the link.
    let is_card = |(row, title): &(&Row, &String)| {
        let texts = tree.texts_between(row.from, row.to).take(MAX_TEXTS);
        texts.map(|(_, text)| text::width(&text)).sum::<usize>() >= text::width(title) + MIN_SUMMARY
    };
    if rows.iter().zip(titles).take(MAX_SAMPLE).filter(is_card).count() * 2 >= count {
        return false;
    }
    let nested = |row: &&Row| tree.ancestors(tree.parent(row.from)).take(4).any(|up| tree.is(up, &["li"]));
    if rows.iter().take(MAX_SAMPLE).filter(nested).count() * 2 > count {
        return true;
    }
    let articles = links.iter().filter(|to| is_article(to)).count();
    articles == 0 || wide < MIN_TITLE && articles * 10 < count * 3
}

/// Returns whether links lead to views of one page, in languages or orders: they differ in their query alone, and there
/// in words and not in numbers.
fn are_views(links: &[Link], url: &Link) -> bool {
    let Some(first) = links.first() else { return false };
    let same = |to: &&Link| to.path() == first.path() && to.same_origin(first);
    if links.iter().filter(same).count() * 5 < links.len() * 4 || first.path() == "/" {
        return false;
    }
    let has_number = |to: &&Link| {
        let (own, other) = (to.path_and_query(), first.path_and_query());
        let at = own.bytes().zip(other.bytes()).position(|(a, b)| a != b).unwrap_or(own.len());
        own.bytes().skip(at.saturating_sub(1)).take(MAX_VALUE).any(|b| b.is_ascii_digit())
    };
    let numbered = links.iter().skip(1).filter(has_number).count();
    numbered * 5 < links.len() || first.path() == url.path() && first.same_origin(url) && numbered * 2 < links.len()
}

/// Returns whether an address looks like that of an article or a file: it has a number, several words or the ending of
/// a document. Addresses of sections have neither.
fn is_article(link: &Link) -> bool {
    const MIN_WORDS: usize = 4;
    let whole = link.path_and_query();
    let (path, query) = whole.split_once('?').unwrap_or((&whole, ""));
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let (name, ending) = last.rsplit_once('.').unwrap_or((last, ""));
    name.chars().chain(query.chars()).any(|c| c.is_ascii_digit())
        || name.split(['-', '_']).filter(|word| word.len() > 1).count() >= MIN_WORDS
        || tables().files.contains_key(&ending.to_ascii_lowercase())
}

/// Rates how well a place suits a list, at most 1: menus, footers and sidebars count against it. An element that holds
/// most of the page is not a box, whatever it is called.
pub(in crate::read) fn place(tree: &Tree<'_>, rows: &[Row]) -> f64 {
    let Some(first) = rows.first() else { return 0.0 };
    let mut factor: f64 = 1.0;
    for id in tree.ancestors(tree.parent(first.from)).take(12) {
        if tree.is(id, &["body", "html", "main"]) || (tree.end(id) - id) * 10 > tree.len() * 7 {
            continue;
        }
        factor = factor.min(match tree.name(id) {
            "nav" | "footer" => 0.2,
            "aside" => 0.4,
            "header" => 0.6,
            _ => 1.0,
        });
        factor = factor.min(worth_of_labels(tree, id));
    }
    factor
}

/// Returns the worth of a list within an element by its id and classes, at most 1.
fn worth_of_labels(tree: &Tree<'_>, id: Id) -> f64 {
    let labels = tree.labels(id);
    let is_it = |word: &str| labels.contains(word) && !labels.contains("navigation-list") && is_labelled(&labels, word);
    tables().classes.beside.iter().filter(|(word, _)| is_it(word)).fold(1.0, |worst, (_, worth)| worst.min(*worth))
}

/// Returns whether an element is labelled as a menu or a box.
pub(super) fn is_beside(tree: &Tree<'_>, id: Id) -> bool {
    worth_of_labels(tree, id) < 1.0
}

/// Returns whether an element is labelled with a word, alone or with a usual affix (`hotnews`, `topnav`, `menu2`).
fn is_labelled(labels: &str, word: &str) -> bool {
    let classes = &tables().classes;
    let tokens: Vec<&str> = labels.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    tokens.iter().enumerate().any(|(at, token)| {
        let token = token.trim_end_matches(|c: char| c.is_ascii_digit());
        // `has-sidebar` and `layout-sidebar` name an element next to a sidebar.
        let is_of = at
            .checked_sub(1)
            .and_then(|last| tokens.get(last))
            .is_some_and(|last| matches!(*last, "has" | "with" | "no" | "without" | "layout" | "is" | "not"));
        !is_of
            && (token == word
                || token.strip_prefix(word).is_some_and(|rest| classes.suffixes.contains(rest))
                || token.strip_suffix(word).is_some_and(|rest| classes.prefixes.contains(rest)))
    })
}
