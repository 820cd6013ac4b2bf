//! One row of a list: its link, title and date.

use super::code::is_code;
use super::date_text::{american, is_date_text, is_same_day_of_year, strip_date, whole};
use super::link::{is_generic, title_of_link};
use super::phrase::holds;
use super::row_date::{Row, shown_date};
use crate::model::{Draft, Link, Precision};
use crate::read::date::{self, Clock};
use crate::read::lexicon::words;
use crate::read::markup::page::target;
use crate::read::markup::text::{self, width};
use crate::read::markup::tree::Tree;

/// Returns the texts of a row that may be its title, each with its cell number: whole cells and paragraphs that are
/// neither dates nor generic.
fn units(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> Vec<(usize, String)> {
    let link = row.link..tree.end(row.link);
    let mut found = Vec::new();
    let (mut at, mut cell) = (row.from, 0);
    while at < row.to {
        cell += usize::from(tree.is(at, &["td", "th"]));
        let is_unit = tree.is(
            at,
            &[
                "td", "th", "p", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd", "span", "strong", "b", "div",
                "button", "summary",
            ],
        ) && !(at < link.start && tree.end(at) > link.start)
            && !tree.elements(at).skip(1).any(|inner| tree.is(inner, &["td", "p", "div", "dt", "dd", "a"]));
        if is_unit {
            let mut line = tree.line(at);
            if line.ends_with(['…', '.'])
                && let Some(title) = tree.attribute(at, "title").map(|title| text::line(&title))
                && title.starts_with(line.trim_end_matches(['…', '.']))
            {
                line = title;
            }
            if whole(&line, clock).is_none()
                && (4..=160).contains(&width(&line))
                && !is_generic(&line)
                && !is_date_text(&line)
            {
                found.push((if cell > 0 { cell } else { found.len() }, line));
            }
            at = tree.end(at);
        } else {
            at += 1;
        }
    }
    found
}

/// Finds which of the texts beside the links is the title: the one whose column heading says so, or else the one that
/// is long and differs between rows.
pub(in crate::read) fn column_beside(tree: &Tree<'_>, rows: &[Row], clock: Clock<'_>) -> usize {
    let columns: Vec<Vec<(usize, String)>> = rows.iter().take(40).map(|row| units(tree, row, clock)).collect();
    let table = rows.first().and_then(|row| tree.ancestors(row.from).find(|up| tree.is(*up, &["table"])));
    let head: Vec<String> = table
        .map(|table| {
            tree.elements(table)
                .filter(|id| tree.is(*id, &["th"]))
                .take(12)
                .map(|id| tree.line(id).to_lowercase())
                .collect()
        })
        .unwrap_or_default();
    let most = columns.iter().flatten().map(|(cell, _)| *cell + 1).max().unwrap_or(0).min(16);
    let worth = |column: usize| {
        let texts: Vec<&String> =
            columns.iter().flatten().filter(|(cell, _)| *cell == column).map(|(_, text)| text).collect();
        let distinct = texts.iter().collect::<std::collections::HashSet<_>>().len();
        let wide = texts.iter().map(|text| width(text).min(40)).sum::<usize>() / texts.len().max(1);
        let named = column
            .checked_sub(1)
            .and_then(|at| head.get(at))
            .is_some_and(|head| words().title_columns.iter().any(|name| holds(head, name)));
        distinct * wide.min(30) * 20_usize.saturating_sub(column) * if named { 4 } else { 1 }
    };
    (0..most).rev().max_by_key(|column| worth(*column)).unwrap_or(0)
}

/// Returns the title of a row whose link text is generic.
pub(in crate::read) fn title_beside(tree: &Tree<'_>, row: &Row, column: usize, clock: Clock<'_>) -> String {
    let heading = (row.from..row.to).find(|id| tree.is(*id, &["h1", "h2", "h3", "h4"])).map(|id| tree.line(id));
    if let Some(heading) = heading.filter(|heading| width(heading) >= 8) {
        return heading;
    }
    let mut units = units(tree, row, clock);
    let at = units.iter().position(|(cell, _)| *cell == column).unwrap_or(0);
    if at < units.len() { units.swap_remove(at).1 } else { String::new() }
}

/// Reads a row, and returns its title also with the date that was cut off; `None` if its link cannot be fetched.
pub(in crate::read) fn draft(
    tree: &Tree<'_>,
    row: &Row,
    base: &Link,
    beside: Option<usize>,
    clock: Clock<'_>,
) -> Option<(Draft, String)> {
    let link = target(tree, row.link, base)?;
    let own = title_of_link(tree, row.link);
    // A picture or "read more" is often followed by a link with the same target and a better text.
    let twin = || {
        (row.from..row.to)
            .filter(|id| *id != row.link && tree.is(*id, &["a"]))
            .filter(|id| target(tree, *id, base).is_some_and(|to| to == link))
            .map(|id| title_of_link(tree, id))
            .find(|title| width(title) >= 8 && !is_generic(title) && !is_code(title))
    };
    let is_bare = tree.line(row.link).is_empty();
    let title = match beside {
        Some(column) => twin()
            .or_else(|| Some(title_beside(tree, row, column, clock)).filter(|title| !title.is_empty()))
            .unwrap_or(own),
        None if is_bare => twin().unwrap_or(own),
        None => own,
    };
    let whole_title = text::line(&title);
    let (title, stamp) = strip_date(&title, clock);
    let mut draft = Draft { title: text::line(&title), link: Some(link.as_str().to_owned()), ..Draft::default() };
    draft.found.push(("title", if beside.is_some() { "text beside the link" } else { "link" }.into()));
    draft.found.push(("link", "list row".into()));
    let in_address = || date::in_address(link.path(), clock).map(|stamp| (stamp, "address"));
    let in_title =
        || american(&draft.title, clock).or_else(|| date::find(&draft.title, clock)).map(|(stamp, _)| (stamp, "title"));
    let shown = shown_date(tree, row, clock).map(|(stamp, by)| match in_address() {
        // If the row shows no year, the year comes from the address.
        Some((there, _)) if is_same_day_of_year(stamp, there, clock) => (there, "text of the row and address"),
        _ => (stamp, by),
    });
    let found = shown.or_else(|| stamp.map(|stamp| (stamp, "end of the title"))).or_else(in_address).or_else(in_title);
    if let Some((stamp, by)) = found.filter(|(stamp, _)| stamp.precision != Precision::Month) {
        draft.published = Some(stamp);
        draft.found.push(("published", by.into()));
    }
    Some((draft, whole_title))
}
