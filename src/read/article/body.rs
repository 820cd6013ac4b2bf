//! Finds the body of an article, and the parts of it that are not its text.

use std::rc::Rc;

use super::labels::{is_dialog, words};
use crate::read::markup::text;
use crate::read::markup::text::width;
use crate::read::markup::tokens::cut;
use crate::read::markup::tree::{self, Id, Tree, What};
use crate::read::pane::is_shut_pane;
use crate::read::tables::elements::elements;
use crate::read::tables::tables;

/// A line of a page: the text between two breaks. Lines are kept in several lists, which share their texts.
#[derive(Clone, Debug)]
pub(in crate::read) struct Line {
    pub(in crate::read) text: Rc<str>,
    /// The same text, but wide gaps become two spaces.
    pub(in crate::read) spaced: Rc<str>,
    /// The first node of its text.
    pub(in crate::read) from: Id,
    /// The node after its last one.
    pub(in crate::read) to: Id,
    /// The width of its linked text.
    pub(in crate::read) linked: usize,
}

/// A line that goes on: its text as it is written, and where parts of it are set apart.
#[derive(Default)]
struct Open {
    written: String,
    gaps: Vec<usize>,
    from: Id,
    to: Id,
    linked: usize,
}

impl Open {
    /// Ends the line; `None` if there is nothing in it.
    fn end(self) -> Option<Line> {
        let text = text::paragraph(&self.written);
        if text.is_empty() {
            return None;
        }
        let spaced = spaced(&self.written, &self.gaps);
        let Self { written, from, to, linked, .. } = self;
        // A page may be one line.
        drop(written);
        let text: Rc<str> = text.into();
        let spaced = if *spaced == *text { Rc::clone(&text) } else { spaced.into() };
        Some(Line { text, spaced, from, to, linked })
    }
}

/// Splits the nodes from `from` up to `to` into lines, without invisible elements and without `dropped` ranges.
pub(in crate::read) fn lines(tree: &Tree<'_>, from: Id, to: Id, dropped: &[(Id, Id)]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut open: Option<Open> = None;
    let mut at = from;
    let mut link_to = 0;
    // Where the open blocks end, innermost last; a line ends with its block.
    let mut ends: Vec<Id> = Vec::new();
    let mut next_drop = dropped.iter().skip_while(|(_, end)| *end <= from).peekable();
    let mut apart = false;
    let flush = |open: &mut Option<Open>, lines: &mut Vec<Line>| lines.extend(open.take().and_then(Open::end));
    while at < to {
        while ends.last().is_some_and(|end| *end <= at) {
            ends.pop();
            flush(&mut open, &mut lines);
        }
        while next_drop.next_if(|(_, end)| *end <= at).is_some() {}
        if let Some((start, end)) = next_drop.peek()
            && *start <= at
        {
            at = *end;
            continue;
        }
        let Some(node) = tree.node(at) else { break };
        match &node.what {
            What::Element(name, _) => {
                if tree::is_hidden(name) || tree.is_invisible(at) {
                    at = node.end;
                    continue;
                }
                if name == "a" && tree.is_link(at) {
                    link_to = link_to.max(node.end);
                }
                if name == "br" || tree::is_block(name) {
                    flush(&mut open, &mut lines);
                    ends.push(node.end);
                }
                // <i>time</i><i>source</i>: text in adjacent inline elements is separate.
                apart = elements().piece.contains(&**name)
                    && tree
                        .node(at - 1)
                        .is_some_and(|last| matches!(last.what, What::Text(_)) && last.parent != node.parent);
            }
            What::Text(raw) => {
                let text = text::resolve(raw, &text::Definitions::none());
                let line = open.get_or_insert_with(|| Open { from: at, ..Open::default() });
                if std::mem::take(&mut apart) && !line.written.is_empty() {
                    line.gaps.push(line.written.len());
                }
                line.written.push_str(&text);
                line.to = at + 1;
                line.linked += if at < link_to { width(&text) } else { 0 };
            }
        }
        at += 1;
    }
    flush(&mut open, &mut lines);
    lines
}

/// Collapses a single white-space character to one space, and longer runs and gaps to two.
fn spaced(text: &str, gaps: &[usize]) -> String {
    let mut out = String::with_capacity(text.len() + 2 * gaps.len());
    let mut from = 0;
    for to in gaps.iter().copied().chain([text.len()]) {
        if from > 0 {
            let length = out.trim_end_matches(' ').len();
            out.truncate(length);
            out.push_str("  ");
        }
        for part in cut(text, from, to).split_inclusive(char::is_whitespace) {
            let word = part.trim_end();
            out.push_str(word);
            if word.len() < part.len() && !out.ends_with("  ") {
                out.push(' ');
            }
        }
        from = to;
    }
    out
}

/// Finds the parts of a body that are not its text: share bars, related stories, hidden elements, tools.
pub(in crate::read) fn foreign(tree: &Tree<'_>, body: Id) -> Vec<(Id, Id)> {
    // Elements with these labels may also hold the text itself, such as an answer or a page of a pasted document, and
    // are kept if they read like prose.
    let classes = &tables().classes;
    let mut found = Vec::new();
    let total: usize = tree.texts(body).map(|(_, text)| width(&text)).sum();
    let mut at = body + 1;
    while at < tree.end(body) {
        let name = tree.name(at);
        if name.is_empty() {
            at += 1;
            continue;
        }
        let labels = tree.labels(at);
        let wide = || tree.texts(at).map(|(_, text)| width(&text)).sum::<usize>();
        let is_foot = || name == "footer" || words(&labels).any(|word| matches!(word, "foot" | "footer"));
        // The readings of ruby stand beside the words that they spell.
        let drop = matches!(name, "button" | "nav" | "input" | "rt" | "rp")
            || is_foot() && wide() * 5 < total * 4
            || matches!(name, "form" | "aside" | "footer") && wide() * 5 < total * 2
            || tree.is_invisible(at)
            || tree::is_hidden(name)
            || is_dialog(tree, at)
            || is_shut_pane(tree, at)
            || words(&labels).any(|word| classes.foreign.contains(word))
                && wide() * 5 < total * 2
                && !(words(&labels)
                    .all(|word| !classes.foreign.contains(word) || classes.foreign_unless_prose.contains(word))
                    && is_prose(tree, at))
            || elements().link_list.contains(name) && is_link_list(tree, at);
        if drop {
            found.push((at, tree.end(at)));
            at = tree.end(at);
        } else {
            at += 1;
        }
    }
    found
}

/// Returns whether an element reads like sentences with few links.
fn is_prose(tree: &Tree<'_>, id: Id) -> bool {
    let (mut wide, mut marks, mut linked) = (0, 0, 0);
    for (node, text) in tree.texts(id) {
        let own = width(&text);
        wide += own;
        marks += text.chars().filter(|c| "，。；！？,;".contains(*c)).count();
        linked += if tree.is_link(tree.parent(node)) { own } else { 0 };
    }
    wide >= 60 && marks >= 2 && linked * 5 < wide
}

/// Returns whether an element is a list of links: two or more, making up over 60 % of its text.
fn is_link_list(tree: &Tree<'_>, id: Id) -> bool {
    if tree.end(id) - id > 3000 {
        return false;
    }
    let (mut all, mut linked, mut links) = (0, 0, 0);
    for at in id..tree.end(id) {
        if tree.is_link(at) {
            let is_file = link_kind(tree, at).is_some();
            links += usize::from(!is_file);
        }
    }
    if links < 2 {
        return false;
    }
    let mut to = 0;
    for at in id..tree.end(id) {
        if tree.is_link(at) {
            to = tree.end(at);
        }
        if let Some(What::Text(raw)) = tree.node(at).map(|node| &node.what) {
            let wide = width(raw);
            all += wide;
            linked += if at < to { wide } else { 0 };
        }
    }
    all > 0 && linked * 10 > all * 6
}

/// Returns the address and the media type of the file that an element shows within the page, as it is written: that of the file, or of a
/// viewer that is given it.
pub(super) fn shown_file(tree: &Tree<'_>, id: Id) -> Option<(String, &'static str)> {
    if !tree.is(id, &["iframe", "embed", "object"]) {
        return None;
    }
    let written = tree.attribute(id, "src").or_else(|| tree.attribute(id, "data"))?;
    let given = written.split(['?', '&']).skip(1).filter_map(|part| part.split_once('=')).map(|(_, value)| value);
    std::iter::once(&*written).chain(given).find_map(|address| Some((address.to_owned(), file_kind(address)?)))
}

/// Returns the media type of the file behind a link, from its address, a query value, its text or its title.
pub(in crate::read) fn link_kind(tree: &Tree<'_>, id: Id) -> Option<&'static str> {
    let href = tree.attribute(id, "href")?;
    if let Some(kind) = file_kind(&href) {
        return Some(kind);
    }
    let address = href.to_ascii_lowercase();
    let is_download = tables().list.downloads.iter().any(|word| address.contains(word.as_str()))
        || tree.attribute(id, "download").is_some();
    let in_query = || href.split(['?', '&', '=']).skip(1).find_map(file_kind);
    let named = || {
        let texts = [
            Some(tree.line(id)),
            tree.attribute(id, "title").map(Into::into),
            tree.attribute(id, "download").map(Into::into),
        ];
        texts.into_iter().flatten().find_map(|text: String| {
            file_kind(text.trim().trim_end_matches(['）', ')', ']', '】']).split(['(', '（']).next().unwrap_or(""))
                .or_else(|| file_kind(text.trim()))
        })
    };
    if !is_download {
        return named().filter(|_| !address.ends_with(".html") && !address.ends_with(".htm"));
    }
    in_query().or_else(named).or(Some("application/octet-stream").filter(|_| tree.line(id).chars().count() >= 2))
}

/// Returns the media type of a file by the extension of its name or address; `None` if it is unknown.
pub(in crate::read) fn file_kind(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or("");
    let (_, extension) = path.rsplit_once('.')?;
    tables().files.get(&extension.to_ascii_lowercase()).map(String::as_str)
}
