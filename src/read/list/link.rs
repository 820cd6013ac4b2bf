//! The link of a row, and the title that it carries.

use super::date_text::{is_date_text, is_numeric_date};
use super::phrase::{unmarked, unprefixed};

use crate::model::Link;
use crate::read::lexicon::words;
use crate::read::markup::page::target;
use crate::read::markup::text::{self, width};
use crate::read::markup::tree::{self, Id, Tree};
use crate::read::tables::tables;

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
    let text = text.to_lowercase();
    let has_digit = text.contains(|c: char| c.is_ascii_digit());
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    width(&text) <= 24
        && words.any(|word| {
            tables()
                .files
                .keys()
                .any(|end| word.strip_prefix(end.as_str()).is_some_and(|rest| !rest.starts_with(is_latin)))
                || has_digit && tables().list.sizes.iter().any(|unit| word.ends_with(unit.as_str()))
        })
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// Returns the title of a link: its text or its `title` attribute, whichever is not truncated.
pub(in crate::read) fn title_of_link(tree: &Tree<'_>, id: Id) -> String {
    let heading =
        tree.elements(id).take(MAX_WITHIN).find(|inner| tree.is(*inner, &["h1", "h2", "h3", "h4", "h5", "h6"]));
    let is_named = |inner: &Id| {
        let (labels, classes) = (tree.labels(*inner), &tables().classes);
        let is_name = |label: &str| {
            classes.link_title.contains(label)
                || classes.link_title_ends.iter().any(|end| label.ends_with(end.as_str()) && label.len() <= 12)
        };
        labels.split([' ', '-', '_']).any(is_name)
    };
    let named = || {
        // A box of texts may hold that of the title.
        let inner = |outer: Id| tree.elements(outer).take(MAX_WITHIN).skip(1).find(is_named);
        let first = inner(id)?;
        Some(inner(first).filter(|title| width(&tree.line(*title)) >= 4).unwrap_or(first))
    };
    let written = match heading.or_else(named).map(|inner| tree.line(inner)).filter(|line| width(line) >= 4) {
        Some(line) => line,
        None => chunk(tree, id),
    };
    // Some sites put more than the title into the attribute, on further lines.
    let titled = tree
        .attribute(id, "title")
        .filter(|title| !tree.is_set_phrase(title))
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
    without_arrow(unmarked(unprefixed(&title)))
        .trim_start_matches(['·', '•', '▪', '■', '◆', '●', '▶', '>', '»', '*', '\u{a0}', ' ', '-', '—'])
        .trim()
        .to_owned()
}

/// Strips the mark of a link that leads on, which stands behind a space: "Read more »".
fn without_arrow(title: &str) -> &str {
    let marks = ['»', '›', '→', '>'];
    let rest = title.trim_end().strip_suffix(marks).filter(|rest| rest.ends_with(char::is_whitespace));
    rest.unwrap_or(title)
}

/// Returns the text of a link without date and summary: its first block, if it has blocks.
pub(super) fn chunk(tree: &Tree<'_>, id: Id) -> String {
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
