//! Authors whose names stand without a word such as "By": before a role, beside the date, or at the end.

use super::body::Line;
use super::boilerplate::is_role;
use super::labels::words as words_of;
use super::reader::Reader;
use super::story::Lines;
use crate::read::byline::is_han;
use crate::read::date;
use crate::read::lexicon::words;
use crate::read::markup::text::{head, squeeze, width};
use crate::read::names::{self, Trust};
use crate::read::signature;
use crate::read::tables::elements::elements;
use crate::read::tables::tables;

/// How much of a line may hold a name and its role, in bytes.
const MAX_BEGINNING: usize = 160;
/// The widest line that may hold a name and its role.
const MAX_WIDTH: usize = 160;
/// How many elements around a line may say that it is a heading.
const MAX_UP: usize = 3;
/// What sets a name apart from the date on its line.
const APART: [char; 3] = ['|', '·', '•'];
/// The widest line that holds a date beside a title.
const MAX_DATED: usize = 80;
/// The longest Japanese name in brackets, in characters.
const MAX_BARE: usize = 5;
/// The most words of a role behind a name.
const MAX_ROLE: usize = 4;
/// The widest line that is nothing but a name.
const MAX_ALONE: usize = 40;

/// 김하늘 기자, 山田太郎記者: returns the names that stand before a role, near the title and at the ends of the story.
pub(super) fn with_role(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    if reader.is_chinese {
        return Vec::new();
    }
    let head = lines.head.iter().filter(|line| width(&line.text) <= MAX_WIDTH);
    let begins = lines.inside.iter().take(2);
    let ends = lines.inside.iter().rev().take(4).filter(|line| width(&line.text) <= MAX_WIDTH);
    let names = head.chain(begins).chain(ends).map(|line| before_role(head_of(&line.text)));
    names.into_iter().find(|names| !names.is_empty()).unwrap_or_default()
}

/// Returns the name in a line of its own above a line that only says what its writer is: Dana Whitfield, Staff Writer.
pub(super) fn above_role(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    if reader.is_chinese {
        return Vec::new();
    }
    let begins = lines.inside.get(..lines.inside.len().min(4)).unwrap_or(&[]);
    let pairs = lines.head.windows(2).chain(begins.windows(2));
    let names = pairs.filter_map(|pair| match pair {
        [name, role] if is_role(&role.text) => Some(alone(&name.text)),
        // Nora Finch, News Staff
        [line, _] => line.text.split_once(',').filter(|(_, role)| ends_in_role(role)).map(|(name, _)| alone(name)),
        _ => None,
    });
    names.into_iter().find(|names| !names.is_empty()).unwrap_or_default()
}

/// Local Democracy Reporter
fn ends_in_role(line: &str) -> bool {
    let parts: Vec<&str> = line.split_whitespace().collect();
    let is_title = parts.iter().all(|part| part.starts_with(|c: char| !c.is_lowercase()));
    is_role(line)
        || parts.len() <= MAX_ROLE
            && is_title
            && parts.last().is_some_and(|last| tables().names.writers.contains(*last))
}

fn head_of(line: &str) -> &str {
    head(line, MAX_BEGINNING)
}

/// Returns the names in a line that stand before a role, with or without a space between.
fn before_role(line: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut last = "";
    for part in line.split(|c: char| !c.is_alphabetic()).filter(|part| !part.is_empty()) {
        let role = words().role.iter().find_map(|role| part.strip_suffix(role.as_str()));
        let name = match role {
            Some("") => last,
            Some(name) => name,
            None => "",
        };
        if is_asian_name(name) && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
        last = part;
    }
    found
}

/// Returns whether a word may be a Korean or Japanese name.
fn is_asian_name(word: &str) -> bool {
    let hangul = word.chars().all(|c| ('\u{ac00}'..='\u{d7a3}').contains(&c));
    let japanese = word.chars().all(|c| is_han(c) || is_kana(c)) && word.chars().any(is_han);
    hangul && (2..=4).contains(&word.chars().count()) || japanese && (3..=6).contains(&word.chars().count())
}

fn is_kana(c: char) -> bool {
    ('\u{3041}'..='\u{30ff}').contains(&c)
}

/// Returns a Japanese name in a line of its own right above or below the date, or on its line.
pub(super) fn beside_day(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    if !is_japanese(lines) {
        return Vec::new();
    }
    let dated: Vec<bool> = lines.head.iter().map(|line| date::find(&line.text, reader.clock).is_some()).collect();
    let is_dated = |at: Option<usize>| at.and_then(|at| dated.get(at)).is_some_and(|is_dated| *is_dated);
    let title = squeeze(lines.title);
    let names = lines.head.iter().enumerate().map(|(at, line)| {
        let own = is_dated(Some(at));
        if !(own || is_dated(at.checked_sub(1)) || is_dated(Some(at + 1))) || squeeze(&line.text) == title {
            return Vec::new();
        }
        let rest = if own { reader.without_date(&line.spaced) } else { line.spaced.to_string() };
        let mut pieces = rest.split("  ").map(str::trim).filter(|piece| !piece.is_empty());
        let (Some(piece), None) = (pieces.next(), pieces.next()) else { return Vec::new() };
        // 【中村翔】
        let inside = piece.strip_prefix(['【', '［', '（']).and_then(|rest| rest.strip_suffix(['】', '］', '）']));
        match inside {
            Some(name) if is_asian_name(name) && name.chars().count() <= MAX_BARE => vec![name.to_owned()],
            None if !own && is_asian_name(piece) && piece.chars().count() <= MAX_BARE && is_named(reader, line) => {
                vec![piece.to_owned()]
            }
            inside => spaced_name(inside.unwrap_or(piece)),
        }
    });
    names.into_iter().find(|names| !names.is_empty()).unwrap_or_default()
}

/// Returns whether the element of a line says that it holds a name.
fn is_named(reader: &Reader<'_>, line: &Line) -> bool {
    let (tree, classes) = (reader.tree, &tables().classes);
    tree.ancestors(line.from)
        .take(MAX_UP)
        .any(|up| words_of(&tree.labels(up)).any(|word| classes.byline.contains(word) || classes.person.contains(word)))
}

/// Returns whether a story is in Japanese.
pub(super) fn is_japanese(lines: &Lines<'_>) -> bool {
    lines.inside.iter().take(4).any(|line| line.text.chars().any(is_kana))
}

/// 山田 太郎: returns a Japanese name, whose parts are set apart.
pub(super) fn spaced_name(piece: &str) -> Vec<String> {
    let parts: Vec<&str> = piece.split_whitespace().collect();
    let fits = |part: &&str| (1..=3).contains(&part.chars().count()) && part.chars().all(|c| is_han(c) || is_kana(c));
    match parts.as_slice() {
        [family, given] if [family, given].iter().all(|part| fits(part)) && family.chars().any(is_han) => {
            vec![format!("{family} {given}")]
        }
        _ => Vec::new(),
    }
}

/// （取材・文　宮下なつき）: returns the writers whom brackets at the end of a Japanese story name behind their roles.
pub(super) fn in_closing_brackets(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    let names = &tables().names;
    let named = |line: &Line| {
        let line = line.text.trim().strip_suffix(['）', ')'])?;
        let inside = line.get(line.rfind(['（', '('])?..)?.trim_start_matches(['（', '(']);
        let pieces = inside.split(|c: char| c.is_whitespace() || "／/・：:、".contains(c));
        let pieces: Vec<&str> = pieces.filter(|piece| !piece.is_empty()).collect();
        let begins = pieces.first().is_some_and(|first| names.japanese_writers.contains(*first));
        let of = pieces.iter().skip_while(|piece| names.japanese_writers.contains(**piece));
        let of = of.take_while(|piece| is_asian_name(piece) && !names.japanese_others.contains(**piece));
        begins.then(|| of.map(|name| (*name).to_owned()).collect::<Vec<_>>())
    };
    if reader.is_chinese {
        return Vec::new();
    }
    let named = lines.inside.iter().rev().take(3).filter_map(named).find(|names| !names.is_empty());
    named.unwrap_or_default()
}

/// Returns the name of a line that is nothing else.
fn alone(line: &str) -> Vec<String> {
    let is_whole = |names: &Vec<String>| matches!(names.as_slice(), [name] if squeeze(name) == squeeze(line));
    let is_shouted = !line.chars().any(char::is_lowercase);
    let goes_on = line.split_whitespace().last().is_some_and(|last| last.starts_with(char::is_lowercase));
    if width(line) > MAX_ALONE || is_shouted || goes_on {
        return Vec::new();
    }
    Some(names::names(line, Trust::Line)).filter(is_whole).unwrap_or_default()
}

/// Returns the name that fills a line of its own between the title or the date and the text, and stands in no link of the page.
pub(super) fn below_title(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    let title = squeeze(lines.title);
    let is_title = |line: &Line| !title.is_empty() && squeeze(&line.text) == title;
    let is_dated = |line: &Line| date::find(&line.text, reader.clock).is_some() && width(&line.text) <= MAX_DATED;
    let pairs = lines.head.windows(2).filter_map(|pair| match pair {
        [before, line] if is_title(before) || is_dated(before) => Some(line),
        _ => None,
    });
    let is_linked = |name: &str| {
        let name = squeeze(name);
        lines.page.iter().any(|line| line.linked > 0 && squeeze(&line.text) == name)
    };
    let named = |line: &Line| {
        let name = if reader.is_chinese {
            signature::bare(&line.text).filter(|name| is_whole_name(name))
        } else {
            alone(&line.text).pop()
        };
        name.filter(|name| !is_linked(name) && !title.to_lowercase().contains(&squeeze(name).to_lowercase()))
    };
    let is_heading = |line: &&Line| {
        let (tree, beside) = (reader.tree, &tables().classes.beside_title);
        let says = |id: usize| words_of(&tree.labels(id)).any(|word| beside.contains(word));
        tree.ancestors(line.from).take(MAX_UP).any(|up| elements().heading.contains(tree.name(up)) || says(up))
    };
    let mut own = pairs.filter(|line| !is_heading(line));
    own.find_map(named).into_iter().chain(beside_dated(reader, lines, &is_linked)).take(1).collect()
}

/// Nora Finch | 3 May 2024: returns the only name that stands on the line of the date, set apart from it.
fn beside_dated(reader: &Reader<'_>, lines: &Lines<'_>, is_linked: &dyn Fn(&str) -> bool) -> Option<String> {
    let is_dated = |line: &&Line| date::find(&line.text, reader.clock).is_some() && width(&line.text) <= MAX_DATED;
    let dated = lines.head.iter().find(|line| line.linked == 0 && is_dated(line)).filter(|_| !reader.is_chinese)?;
    let rest = reader.without_date(&dated.spaced);
    // "Meldung vom" stands before a date, but not apart from it.
    if !rest.contains(APART) {
        return None;
    }
    let pieces = rest.split(APART).flat_map(|piece| piece.split("  ")).map(str::trim);
    let mut names = pieces.filter(|piece| piece.chars().any(char::is_alphanumeric)).map(alone);
    let (Some(mut only), None) = (names.next(), names.next()) else { return None };
    let document = squeeze(&reader.document_title());
    only.pop().filter(|name| !is_linked(name) && !document.contains(&squeeze(name)))
}

/// Returns whether a Chinese name alone in its line is long enough to be no word or place.
fn is_whole_name(name: &str) -> bool {
    name.chars().count() == 3
}

/// Returns the name that signs a story: its last line, set to the right.
pub(super) fn signed(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    let tree = reader.tree;
    let is_right = |line: &Line| {
        tree.ancestors(line.from).take(4).any(|up| {
            let says = |name: &str, what: &str| tree.attribute(up, name).is_some_and(|value| value.contains(what));
            says("align", "right") || says("style", "right")
        })
    };
    let last = lines.kept.last().filter(|line| !reader.is_chinese && is_right(line));
    last.map(|line| alone(&line.text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_before_their_role() {
        assert_eq!(before_role("[한내=한내일보] 김하늘 기자 = 시의회는"), ["김하늘"]);
        assert_eq!(before_role("山田太郎記者"), ["山田太郎"]);
        assert_eq!(before_role("記者会見で市長は"), [""; 0]);
        assert_eq!(spaced_name("山田 太郎"), ["山田 太郎"]);
        assert_eq!(alone("Local News"), [""; 0]);
        assert_eq!(alone("Petr Dlouhý"), ["Petr Dlouhý"]);
    }
}
