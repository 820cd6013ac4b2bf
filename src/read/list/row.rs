//! One row of a list: its link, title and date.

use crate::model::{Draft, Link, Precision, Stamp};
use crate::read::date::month;
use crate::read::date::{self, Clock};
use crate::read::lexicon::words;
use crate::read::markup::page::target;
use crate::read::markup::text::{self, width};
use crate::read::markup::tree::{self, Id, Tree};
use crate::read::tables::tables;

/// A row: the nodes from `from` up to `to`, and its link to the story.
#[derive(Clone, Copy, Debug)]
pub(in crate::read) struct Row {
    pub(in crate::read) link: Id,
    pub(in crate::read) from: Id,
    pub(in crate::read) to: Id,
}

/// How many nodes of a link are searched for its title.
const MAX_WITHIN: usize = 400;

/// Returns whether a link's text says nothing about its target.
pub(in crate::read) fn is_generic(text: &str) -> bool {
    // View (1.2 MB), Download [PDF, 120 KB]
    let text = match text.find(['(', '[', '（']) {
        Some(at) if at > 0 && text.trim_end().ends_with([')', ']', '）']) && is_size(text.get(at..).unwrap_or("")) => {
            text.get(..at).unwrap_or(text)
        }
        _ => text,
    };
    let folded: String =
        text.trim().trim_matches(|c: char| !c.is_alphanumeric() && c != '+' && c != '>').to_lowercase();
    folded.is_empty()
        || folded.chars().all(|c| c.is_ascii_digit() || c.is_whitespace())
        || words().generic.contains(&folded)
}

/// Returns whether a text in brackets is the size or type of a file.
fn is_size(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["kb", "mb", "pdf", "doc", "xls", "字节"].iter().any(|unit| text.contains(unit)) && width(&text) <= 24
}

/// Returns the title of a link: its text or its `title` attribute, whichever is not truncated.
pub(in crate::read) fn title_of_link(tree: &Tree<'_>, id: Id) -> String {
    let heading =
        tree.elements(id).take(MAX_WITHIN).find(|inner| tree.is(*inner, &["h1", "h2", "h3", "h4", "h5", "h6"]));
    let named = || {
        tree.elements(id).take(MAX_WITHIN).skip(1).find(|inner| {
            let (labels, classes) = (tree.labels(*inner), &tables().classes);
            let is_name = |label: &str| {
                classes.link_title.contains(label)
                    || classes.link_title_ends.iter().any(|end| label.ends_with(end.as_str()) && label.len() <= 12)
            };
            labels.split([' ', '-', '_']).any(is_name)
        })
    };
    let written = match heading.or_else(named).map(|inner| tree.line(inner)).filter(|line| width(line) >= 4) {
        Some(line) => line,
        None => chunk(tree, id),
    };
    // Some sites put more than the title into the attribute, on further lines.
    let titled = tree
        .attribute(id, "title")
        .map(|title| text::line(title.trim().lines().next().unwrap_or("")))
        .map(|title| unprefixed(&title).to_owned())
        .unwrap_or_default();
    let pictured = || {
        tree.elements(id)
            .take(MAX_WITHIN)
            .find(|inner| tree.is(*inner, &["img"]))
            .and_then(|image| tree.attribute(image, "alt"))
            .map(|alt| text::line(&alt))
            .unwrap_or_default()
    };
    let is_cut = |text: &str| text.ends_with(['…', '.']) && (text.ends_with("...") || text.ends_with('…'));
    let stem = written.trim_end_matches(['.', '…', ' ']);
    let fuller = width(&titled) > width(stem) && (is_cut(&written) || titled.starts_with(stem) && !stem.is_empty());
    let title = if written.is_empty() && titled.is_empty() {
        pictured()
    } else if written.is_empty() || fuller {
        titled
    } else {
        written
    };
    unprefixed(&title)
        .trim_start_matches(['·', '•', '▪', '■', '◆', '●', '▶', '>', '»', '*', '\u{a0}', ' ', '-', '—'])
        .trim()
        .to_owned()
}

fn unprefixed(title: &str) -> &str {
    words()
        .title_prefixes
        .iter()
        .find_map(|prefix| title.strip_prefix(prefix.as_str()))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(title)
}

/// Returns the text of a link without date and summary: its first block, if it has blocks.
fn chunk(tree: &Tree<'_>, id: Id) -> String {
    let blocks = tree.elements(id).skip(1).filter(|inner| tree::is_block(tree.name(*inner))).count();
    let mut line = String::new();
    let mut holder = None;
    for (node, piece) in tree.texts(id) {
        if piece.trim().is_empty() {
            line.push(' ');
            continue;
        }
        let block =
            tree.ancestors(tree.parent(node)).take_while(|up| *up != id).find(|up| tree::is_block(tree.name(*up)));
        // A date in words may be the start of a title, so only numeric ones are skipped.
        if is_numeric_date(&piece) && width(&line) == 0 && tree.parent(node) != id {
            continue;
        }
        if blocks > 0 && holder.is_some() && holder != Some(block) && width(&line) >= 8 {
            break;
        }
        if is_date_text(&piece) && width(&line) >= 8 && tree.parent(node) != id {
            break;
        }
        holder = Some(block);
        line.push_str(&piece);
    }
    text::line(&line)
}

/// Returns whether a text consists of digits, punctuation and the Chinese words for dates.
fn is_numeric_date(piece: &str) -> bool {
    let piece = piece.trim();
    piece.chars().any(|c| c.is_ascii_digit())
        && piece.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "年月日时分秒点-/.:：[]()（）".contains(c))
}

/// Returns whether a text is only a date, possibly with introductory words.
fn is_date_text(piece: &str) -> bool {
    let piece = piece.trim();
    if is_numeric_date(piece) {
        return true;
    }
    if !piece.chars().any(|c| c.is_ascii_digit()) || piece.chars().count() > 48 {
        return false;
    }
    // Publié le 22 août 2024
    let lower = piece.to_lowercase();
    let parts = || lower.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().any(char::is_alphabetic));
    parts().any(|word| month::named(word).is_some())
        && parts().all(|word| {
            month::named(word).is_some()
                || words().before_date.contains(word)
                || word.trim_start_matches(char::is_numeric).len() <= 2
        })
}

/// Returns the texts of a row that may be its title, each with its cell number: whole cells and paragraphs that are
/// neither dates nor generic.
fn units(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> Vec<(usize, String)> {
    let link = row.link..tree.end(row.link);
    let mut found = Vec::new();
    let (mut at, mut cell) = (row.from, 0);
    while at < row.to {
        cell += usize::from(tree.is(at, &["td", "th"]));
        let is_unit = tree
            .is(at, &["td", "th", "p", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd", "span", "strong", "b", "div"])
            && !(at < link.start && tree.end(at) > link.start)
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
            .is_some_and(|head| words().title_columns.iter().any(|name| head.contains(name)));
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

/// Finds the link whose text is most like a title.
pub(in crate::read) fn best_link(tree: &Tree<'_>, from: Id, to: Id, base: &Link) -> Option<Id> {
    let mut best: Option<(usize, Id)> = None;
    for id in (from..to).filter(|id| tree.is(*id, &["a"])) {
        if target(tree, id, base).is_none() {
            continue;
        }
        let title = title_of_link(tree, id);
        let worth = if is_generic(&title) { 0 } else { width(&title) };
        if best.is_none_or(|(most, _)| worth > most) {
            best = Some((worth, id));
        }
    }
    best.map(|(_, id)| id)
}

/// Returns whether the row shows a date of its own.
pub(in crate::read) fn has_date(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> bool {
    shown_date(tree, row, clock).is_some()
}

/// Returns the date that a row shows outside its title, and where it was found.
fn shown_date(tree: &Tree<'_>, row: &Row, clock: Clock<'_>) -> Option<(Stamp, &'static str)> {
    const MOST_TEXTS: usize = 60;
    if let Some(stamp) = (row.from..row.to)
        .filter(|id| tree.is(*id, &["time"]))
        .find_map(|id| date::parse(&tree.attribute(id, "datetime")?, clock))
    {
        return Some((stamp, "<time>"));
    }
    let mut parts: Vec<String> = Vec::new();
    let (mut loose, mut yearless) = (None, None);
    for (node, piece) in tree.texts_between(row.from, row.to).take(MOST_TEXTS) {
        let piece = text::line(&piece);
        let unseen =
            || tree.ancestors(tree.parent(node)).take_while(|up| *up >= row.from).any(|up| tree.is_invisible(up));
        if piece.is_empty() || unseen() {
            continue;
        }
        let is_title = (row.link..tree.end(row.link)).contains(&node) && !is_date_text(&piece);
        // If the link's text is only a date, it dates the row.
        let is_title = is_title && !(tree.line(row.link) == piece && whole(&piece, clock).is_some());
        if is_title {
            parts.clear();
            continue;
        }
        if let Some(stamp) = whole(&piece, clock) {
            if stamp.precision != Precision::Month {
                return Some((stamp, "text of the row"));
            }
        } else if loose.is_none() && piece.len() >= 8 && width(&piece) <= 70 {
            loose = date::find(&piece, clock).map(|(stamp, _)| (stamp, "text of the row"));
        }
        // Day and month may be in separate elements.
        if piece.chars().count() <= 10 && is_part(&piece) {
            parts.push(piece);
            for count in (2..=parts.len().min(3)).rev() {
                let Some(last) = parts.get(parts.len() - count..) else { continue };
                let Some(stamp) = compose(last, clock) else { continue };
                // The year may still follow.
                if !has_year(last) {
                    yearless = yearless.or(Some((stamp, "parts of the row")));
                    break;
                }
                return Some((stamp, "parts of the row"));
            }
        } else {
            parts.clear();
        }
    }
    // A `title` attribute may hold the date in full.
    let titled = || {
        (row.from..row.to)
            .filter(|id| *id != row.link && tree.is(*id, &["span", "em", "i", "div", "td"]))
            .find_map(|id| tree.attribute(id, "title").and_then(|title| whole(&title, clock)))
            .map(|stamp| (stamp, "title of an element"))
    };
    yearless.or(loose).or_else(titled)
}

/// Returns whether one of the parts holds a four-digit year.
fn has_year(parts: &[String]) -> bool {
    parts.iter().any(|part| part.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() == 4))
}

/// Parses a text that is only a date, possibly with brackets or a label around it.
fn whole(piece: &str, clock: Clock<'_>) -> Option<Stamp> {
    let bare = piece.trim_matches(|c: char| c.is_whitespace() || "[]()（）【】〔〕|·•:：，,".contains(c));
    let bare = match bare.rsplit_once(['：', ':']) {
        Some((label, rest)) if label.chars().count() <= 16 && label.chars().all(|c| c.is_alphabetic() || c == ' ') => {
            rest.trim()
        }
        _ => bare,
    };
    // Saturday 9 March, Sábado, 9 de marzo
    let bare = match bare.split_once([' ', ',']) {
        Some((day, rest))
            if day.chars().count() >= 3
                && day.chars().all(char::is_alphabetic)
                && month::named(&day.to_lowercase()).is_none()
                && rest.trim_start_matches([' ', ',']).starts_with(|c: char| c.is_ascii_digit()) =>
        {
            rest.trim_start_matches([' ', ','])
        }
        _ => bare,
    };
    let digits = bare.chars().filter(|c| c.is_ascii_digit()).count();
    if bare.chars().count() > 36 || digits == bare.len() && !matches!(digits, 8 | 10 | 13 | 14) {
        return None;
    }
    let relative = width(bare) <= 24 && digits <= 6 && date::is_relative(bare);
    let chinese = bare.contains('月') && bare.contains('日');
    if digits < 2 && !relative && !chinese && !bare.starts_with("周") {
        return None;
    }
    let others = bare
        .chars()
        .filter(|c| c.is_alphabetic() && !"年月日号时時点點分秒星期周上下午一二三四五六七八九十〇零".contains(*c))
        .count();
    if relative || chinese && others <= 2 {
        return date::parse(bare, clock);
    }
    let all = date::find(bare, clock).filter(|(_, at)| at.len() + 8 >= bare.len());
    all.map(|(stamp, _)| stamp)
}

/// Returns whether a text may be a part of a date: digits, or the name of a month.
fn is_part(piece: &str) -> bool {
    piece.chars().any(|c| c.is_ascii_digit())
        || piece.chars().all(|c| c.is_alphabetic() || c == '.')
        || "年月日/-.".contains(piece)
}

/// Combines a date in parts: 09 and 2023-03; 03-09 and 2023; 9, Mar and 2023; 09 and 3月.
fn compose(parts: &[String], clock: Clock<'_>) -> Option<Stamp> {
    let mut numbers: Vec<&str> = Vec::new();
    for part in parts {
        numbers.extend(part.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()));
    }
    let words = parts.iter().any(|part| part.chars().any(|c| c.is_alphabetic() && u32::from(c) < 0x2e80));
    if words {
        let joined = parts.join(" ");
        return (numbers.len() >= 2 && numbers.iter().any(|number| number.len() == 4))
            .then(|| date::parse(&joined, clock))
            .flatten()
            .or_else(|| {
                (numbers.len() == 1 && parts.len() == 2)
                    .then(|| date::find(&joined, clock).map(|(stamp, _)| stamp))
                    .flatten()
            })
            .filter(|stamp| stamp.precision != Precision::Month);
    }
    if numbers.len() < 2 || numbers.len() > 3 || numbers.iter().any(|number| !matches!(number.len(), 1 | 2 | 4)) {
        return None;
    }
    let year = numbers.iter().position(|number| number.len() == 4);
    let month = parts
        .iter()
        .find(|part| part.contains('月'))
        .map(|part| part.split(|c: char| !c.is_ascii_digit()).rfind(|digits| matches!(digits.len(), 1 | 2)));
    match (year, numbers.as_slice()) {
        // 2023-03 and 09, 2023 and 03-09
        (Some(0), [year, month, day]) => date::parse(&format!("{year}-{month}-{day}"), clock),
        // 09 and 2023-03
        (Some(1), [day, year, month]) => date::parse(&format!("{year}-{month}-{day}"), clock),
        // 03-09 and 2023; of three separate parts the day comes first: 09, 03, 2023
        (Some(2), [first, second, year]) => {
            let alone = parts.len() == 3 && month.is_none();
            let (month, day) = match month {
                Some(Some(month)) if month == *first => (first, second),
                Some(Some(_)) => (second, first),
                _ if alone => (second, first),
                _ => (first, second),
            };
            date::parse(&format!("{year}-{month}-{day}"), clock)
        }
        (None, [first, second]) => {
            let month = month??;
            let day = if month == *first { second } else { first };
            date::parse(&format!("{month}月{day}日"), clock)
        }
        _ => None,
    }
}

/// Reads a row; `None` if its link cannot be fetched.
pub(in crate::read) fn draft(
    tree: &Tree<'_>,
    row: &Row,
    base: &Link,
    beside: Option<usize>,
    clock: Clock<'_>,
) -> Option<Draft> {
    let link = target(tree, row.link, base)?;
    let own = title_of_link(tree, row.link);
    // A picture or "read more" is often followed by a link with the same target and a better text.
    let twin = || {
        (row.from..row.to)
            .filter(|id| *id != row.link && tree.is(*id, &["a"]))
            .filter(|id| target(tree, *id, base).is_some_and(|to| to == link))
            .map(|id| title_of_link(tree, id))
            .find(|title| width(title) >= 8 && !is_generic(title))
    };
    let is_bare = tree.line(row.link).is_empty();
    let title = match beside {
        Some(column) => twin()
            .or_else(|| Some(title_beside(tree, row, column, clock)).filter(|title| !title.is_empty()))
            .unwrap_or(own),
        None if is_bare => twin().unwrap_or(own),
        None => own,
    };
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
    Some(draft)
}

/// Returns whether both are the same day in different years.
fn is_same_day_of_year(shown: Stamp, there: Stamp, clock: Clock<'_>) -> bool {
    let (year, month, day, ..) = shown.at.wall(clock.zone);
    let (other, its_month, its_day, ..) = there.at.wall(clock.zone);
    shown.precision == Precision::Day && year != other && (month, day) == (its_month, its_day)
}

/// Finds a date such as 1-22-19, 1-22-2019 or 04.04.19: month, day and year, as in titles of American agendas.
fn american(title: &str, clock: Clock<'_>) -> Option<(Stamp, std::ops::Range<usize>)> {
    let is_date = |word: &&str| {
        let parts: Vec<&str> = word.split(['-', '.', '/']).collect();
        parts.len() == 3
            && parts
                .iter()
                .zip([2, 2, 4])
                .all(|(part, most)| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let word = title.split_whitespace().find(is_date)?;
    let clock =
        if clock.order == date::Order::Unknown { Clock { order: date::Order::MonthFirst, ..clock } } else { clock };
    date::parse(word, clock).map(|stamp| (stamp, 0..0))
}

/// Splits off a date at the end or start of a title: `关于…的通知 [2023-03-09]`.
fn strip_date(title: &str, clock: Clock<'_>) -> (String, Option<Stamp>) {
    let Some((stamp, at)) = date::find(title, clock) else { return (title.to_owned(), None) };
    let is_edge = |text: &str| text.chars().all(|c| c.is_whitespace() || "[]()（）【】〔〕|·".contains(c));
    let (before, after) = (title.get(..at.start).unwrap_or(""), title.get(at.end..).unwrap_or(""));
    let numeric =
        title.get(at.clone()).is_some_and(|text| text.chars().all(|c| c.is_ascii_digit() || "-/.: ".contains(c)));
    if numeric && is_edge(after) && width(before) >= 8 {
        return (
            before.trim_end_matches(|c: char| c.is_whitespace() || "[(（【〔|·".contains(c)).to_owned(),
            Some(stamp),
        );
    }
    if numeric && is_edge(before) && width(after) >= 8 {
        return (
            after.trim_start_matches(|c: char| c.is_whitespace() || "])）】〕|·".contains(c)).to_owned(),
            Some(stamp),
        );
    }
    (title.to_owned(), None)
}
