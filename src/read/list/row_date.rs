//! The date of a row.

use super::code::is_code;
use super::date_text::{
    compose, found, has_bad_year, has_year, is_date_text, is_month, is_numeric_date, is_part, whole,
};
use super::link::title_of_link;
use crate::model::{Precision, Stamp};
use crate::read::byline;
use crate::read::date::{self, Clock};
use crate::read::lexicon::Label;
use crate::read::markup::text::{self, width};
use crate::read::markup::tree::{Id, Tree};
use crate::read::tables::tables;

/// Returns whether the row shows a date of its own.
pub(in crate::read) fn has_date(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> bool {
    shown_date(tree, row, clock).is_some()
}

/// Returns the date that a row shows outside its title, and where it was found.
pub(super) fn shown_date(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> Option<(Stamp, &'static str)> {
    const MAX_TEXTS: usize = 60;
    if let Some(stamp) = (row.from..row.to)
        .filter(|id| tree.is(*id, &["time"]))
        .find_map(|id| date::parse(&tree.attribute(id, "datetime")?, clock))
    {
        return Some((stamp, "<time>"));
    }
    if let Some(stamp) = marked_date(tree, row, clock) {
        return Some((stamp, "attribute of the row"));
    }
    if let Some(stamp) = published_cell(tree, row, clock) {
        return Some((stamp, "column of the table"));
    }
    if let Some(stamp) = labelled_date(tree, row, clock) {
        return Some((stamp, "labelled text of the row"));
    }
    let mut shown = Shown::default();
    for (node, piece) in tree.texts_between(row.from, row.to).take(MAX_TEXTS) {
        let piece = text::line(&piece);
        if piece.is_empty() {
            continue;
        }
        if tree.ancestors(tree.parent(node)).take_while(|up| *up >= row.from).any(|up| tree.is_invisible(up)) {
            shown.hidden =
                shown.hidden.or_else(|| whole(&piece, clock)).filter(|stamp| stamp.precision != Precision::Month);
            continue;
        }
        // 11-26 and 2024
        if let Some((part, found)) = shown.waiting {
            return with_year(&part, &piece, clock).or(Some(found));
        }
        if is_title(tree, row, node, &piece, clock) {
            shown.parts.clear();
            shown.loose = shown.loose.or_else(|| dated_within(tree, row, node, &piece, clock));
        } else if let Some(found) = shown.take(piece, clock) {
            return Some(found);
        }
    }
    let yearless = shown.yearless.or(shown.waiting.map(|(_, found)| found));
    // What is not shown is the last resort.
    let unshown = || shown.hidden.map(|stamp| (stamp, "hidden text of the row"));
    yearless.or(shown.loose).or_else(|| date_of_attributes(tree, row, clock)).or_else(unshown)
}

/// Returns whether this text belongs to the title of the row. A link whose text is only a date dates the row.
fn is_title(tree: &Tree<'_>, row: &Row, node: usize, piece: &str, clock: Clock<'_>) -> bool {
    let is_date = || {
        is_date_text(piece)
            || is_month(piece)
            || tree.line(row.link) == piece && !is_code(piece) && whole(piece, clock).is_some()
    };
    (row.link..tree.end(row.link)).contains(&node) && !is_date()
}

/// What the texts of a row told so far.
#[derive(Default)]
struct Shown {
    /// Neighbouring texts that may be parts of one date.
    parts: Vec<String>,
    /// A date within other words.
    loose: Option<(Stamp, &'static str)>,
    /// A date in parts, without a year so far.
    yearless: Option<(Stamp, &'static str)>,
    /// A date that no reader sees.
    hidden: Option<Stamp>,
    /// A text that is a date without a year; the next text may be its year.
    waiting: Option<(String, (Stamp, &'static str))>,
}

impl Shown {
    /// Takes the next text, and returns the date of the row if nothing that follows can be better.
    fn take(&mut self, piece: String, clock: Clock<'_>) -> Option<(Stamp, &'static str)> {
        if let Some(stamp) = whole(&piece, clock) {
            if stamp.precision != Precision::Month {
                let found = (stamp, "text of the row");
                if !lacks_year(&piece) {
                    return Some(found);
                }
                // 2024 and 11-26
                if let Some(whole) = self.parts.last().and_then(|year| with_year(&piece, year, clock)) {
                    return Some(whole);
                }
                self.waiting = Some((piece, found));
                return None;
            }
        } else if self.loose.is_none() && piece.len() >= 8 && width(&piece) <= 70 {
            self.loose = found(&piece, clock).map(|stamp| (stamp, "text of the row"));
        }
        // Day and month may be in separate elements.
        if piece.chars().count() > 10 || !is_part(&piece) {
            self.parts.clear();
            return None;
        }
        self.parts.push(piece);
        for count in (2..=self.parts.len().min(3)).rev() {
            let Some(last) = self.parts.get(self.parts.len() - count..) else { continue };
            let Some(stamp) = compose(last, clock) else { continue };
            let found = (stamp, "parts of the row");
            if has_year(last) {
                return Some(found);
            }
            // The year may still follow.
            self.yearless = self.yearless.or(Some(found));
            break;
        }
        None
    }
}

/// How many elements of a table may hold the names of its columns.
const MAX_HEAD: usize = 40;
/// How many elements around the link the row of its table is looked for.
const MAX_UP: usize = 12;

/// Returns the date in the column that says that it is of publication, where another one holds the day of signing.
fn published_cell(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> Option<Stamp> {
    let line = tree.ancestors(row.link).take(MAX_UP).find(|up| tree.is(*up, &["tr"]))?;
    let table = tree.ancestors(line).find(|up| tree.is(*up, &["table"]))?;
    let mut heads = tree.elements(table).take(MAX_HEAD).filter(|id| tree.is(*id, &["th"]));
    let is_published = |head: Id| {
        let labels = byline::labelled(&format!("{}：2024", tree.line(head)));
        labels.first().is_some_and(|(label, _)| *label == Label::Date)
    };
    let column = heads.position(is_published)?;
    let cell = tree.children(line).filter(|id| tree.is(*id, &["td", "th"])).nth(column)?;
    whole(&tree.line(cell), clock).filter(|stamp| stamp.precision != Precision::Month)
}

/// The widest text that is nothing but a label.
const MAX_LABEL: usize = 24;

/// 成文日期：3月1日 发布日期：3月4日: returns the date behind the label of publication, in the same text or the next one, where
/// another label names another date.
fn labelled_date(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> Option<Stamp> {
    const MAX_TEXTS: usize = 60;
    let texts = tree.texts_between(row.from, row.to).take(MAX_TEXTS).map(|(_, text)| text::line(&text));
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    let dated = |text: &str| whole(text, clock).filter(|stamp| stamp.precision != Precision::Month);
    let labelled = texts.windows(2).filter_map(|pair| match pair {
        [label, value] if width(label) <= MAX_LABEL && label.ends_with(['：', ':']) => {
            let (kind, _) = byline::labelled(&format!("{label}2024")).into_iter().next()?;
            Some((kind, dated(value)?))
        }
        _ => None,
    });
    let labelled: Vec<(Label, Stamp)> = labelled.collect();
    let published = labelled.iter().find(|(kind, _)| *kind == Label::Date)?;
    (labelled.len() > 1).then_some(published.1)
}

/// Returns the date in attributes of the row.
fn date_of_attributes(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> Option<(Stamp, &'static str)> {
    // A `title` attribute may hold the date in full.
    let titled = || {
        (row.from..row.to)
            .filter(|id| *id != row.link && tree.is(*id, &["span", "em", "i", "div", "td"]))
            .find_map(|id| tree.attribute(id, "title").and_then(|title| whole(&title, clock)))
            .map(|stamp| (stamp, "title of an element"))
    };
    // Further lines of the link's own `title` may say when it was published.
    let said = || {
        let title = tree.attribute(row.link, "title")?;
        let stamp = title.trim().lines().skip(1).take(8).find_map(|line| whole(line, clock))?;
        Some((stamp, "title of the link"))
    };
    titled().or_else(said).or_else(|| attribute_date(tree, row, clock))
}

/// Returns the date of a day of the year and a year in elements of their own.
fn with_year(day: &str, year: &str, clock: Clock<'_>) -> Option<(Stamp, &'static str)> {
    let bare = year.trim_matches(|c: char| !c.is_ascii_digit());
    if bare.len() != 4 || year.chars().count() > 6 {
        return None;
    }
    compose(&[day.to_owned(), bare.to_owned()], clock).map(|stamp| (stamp, "parts of the row"))
}

/// Returns whether a text is a day of the year: 11-26, 11月26日.
fn lacks_year(piece: &str) -> bool {
    let mut numbers = piece.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let (first, second) = (numbers.next(), numbers.next());
    is_numeric_date(piece)
        && [first, second].into_iter().all(|number| number.is_some_and(|digits| digits.len() <= 2))
        && numbers.next().is_none()
        && !piece.contains([':', '：', '时', '点'])
}

/// Returns the date of a text within the link that is no part of its title, as in cards that are links as a whole: a
/// date with little around it, such as `Published 26.11.2026` or `发布时间：2026-11-26 浏览：12次`.
fn dated_within(tree: &Tree<'_>, row: &Row, node: Id, piece: &str, clock: Clock<'_>) -> Option<(Stamp, &'static str)> {
    const MAX_BEFORE: usize = 24;
    const MAX_AFTER: usize = 24;
    if tree.parent(node) == row.link || width(piece) > 70 || !piece.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    let (stamp, at) = date::find(piece, clock).filter(|_| !has_bad_year(piece))?;
    let is_alone = width(piece.get(..at.start)?) <= MAX_BEFORE && width(piece.get(at.end..)?) <= MAX_AFTER;
    let is_day = stamp.precision != Precision::Month;
    (is_alone && is_day && !title_of_link(tree, row.link).contains(piece)).then_some((stamp, "text within the link"))
}

/// Returns the date of an element that is marked as one for machines (RDFa, microdata), with its zone.
fn marked_date(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> Option<Stamp> {
    let is_date = |id: Id| {
        ["property", "itemprop"].iter().filter_map(|name| tree.attribute(id, name)).any(|value| {
            let value = value.to_ascii_lowercase();
            value.ends_with("date") || value.contains("published")
        })
    };
    let marked = (row.from..row.to).filter(|id| is_date(*id));
    marked.filter_map(|id| tree.attribute(id, "content")).find_map(|content| date::parse(&content, clock))
}

/// Returns the date in an attribute that scripts sort rows by, such as `data-date`.
fn attribute_date(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> Option<(Stamp, &'static str)> {
    let names = &tables().list.date_attributes;
    let written = (row.from..row.to).find_map(|id| names.iter().find_map(|name| tree.attribute(id, name)))?;
    let stamp = whole(&text::line(&written), clock).filter(|stamp| stamp.precision != Precision::Month)?;
    Some((stamp, "attribute of the row"))
}

/// A row: the nodes from `from` up to `to`, and its link to the story.
#[derive(Clone, Copy, Debug)]
pub(in crate::read) struct Row {
    pub(in crate::read) link: Id,
    pub(in crate::read) from: Id,
    pub(in crate::read) to: Id,
}
