//! Builds the tree of a page from its tags.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use super::text::{self};
use super::tokens::{Token, Tokens, cut};
use super::tree::{Id, Node, Tree, What, is_block};

/// The deepest nesting of elements; deeper ones become siblings.
pub(super) const MAX_TREE_DEPTH: usize = 512;

/// How many bytes of a tag are read.
const MAX_TAG: usize = 64 * 1024;

/// How many open elements an end tag may reach through.
const MAX_REACH: usize = 128;

/// The most nodes of a page, however long it is; further ones are left out.
const MAX_NODES: usize = 400_000;
/// The nodes of any page, and the bytes for each further one: a page of nothing but tags costs many times what others of
/// its length cost. Of 109 real pages the densest has a node in 19 bytes, and the one with the most has 21,000 in 905 KB
/// (measured 2026-11).
const FREE_NODES: usize = 20_000;
const BYTES_PER_NODE: usize = 32;

fn most_nodes(page: &str) -> usize {
    MAX_NODES.min(FREE_NODES + page.len() / BYTES_PER_NODE)
}

/// Returns whether the content of such elements is text up to their end tag (HTML, section 13.2.5, RAWTEXT, RCDATA and
/// script data).
fn is_raw(name: &str) -> bool {
    matches!(name, "script" | "style" | "textarea" | "title" | "xmp")
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Returns whether the end tag of an inline element does not reach through an element.
fn is_special(name: &str) -> bool {
    is_block(name) || matches!(name, "body" | "html" | "button" | "object" | "template" | "marquee")
}

struct Builder<'a> {
    tree: Tree<'a>,
    open: Vec<Id>,
    /// How many elements of each name are open, so that a name that is not open need not be searched for.
    counts: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Builder<'a> {
    fn build(mut self, page: &'a str) -> Tree<'a> {
        let mut tokens = Tokens::new(page);
        let most = most_nodes(page);
        while let Some(token) = tokens.next() {
            if self.tree.nodes.len() >= most {
                self.tree.is_cut = true;
                break;
            }
            match token {
                Token::Text(text) | Token::Cdata(text) => drop(self.push(What::Text(text))),
                Token::Start { name, inside, closed } => {
                    let name = lower(name);
                    let at = tokens.end();
                    let is_raw = is_raw(&name) && !closed;
                    self.start(name.clone(), inside, closed);
                    if is_raw {
                        let rest = cut(page, at, page.len());
                        let length = end_tag(rest, &name).unwrap_or(rest.len());
                        tokens.back(at + length);
                        if length > 0 {
                            self.push(What::Text(cut(rest, 0, length)));
                        }
                    }
                }
                Token::End { name } => self.end(&lower(name)),
                Token::Doctype(_) => {}
            }
        }
        self.close(0);
        self.tree
    }

    fn push(&mut self, what: What<'a>) -> Id {
        let id = self.tree.nodes.len();
        let parent = self.open.last().copied().unwrap_or(0);
        self.tree.nodes.push(Node { what, parent, end: id + 1 });
        id
    }

    fn start(&mut self, name: Cow<'a, str>, inside: &'a str, closed: bool) {
        if matches!(&*name, "html" | "body") && self.counts.get(&name).is_some_and(|count| *count > 0) {
            return;
        }
        self.imply_ends(&name);
        let is_open = |name: &str| self.counts.get(name).is_some_and(|count| *count > 0);
        let in_drawing = closed && (is_open("svg") || is_open("math"));
        let stays_open = !is_void(&name) && !in_drawing && self.open.len() < MAX_TREE_DEPTH;
        if stays_open {
            *self.counts.entry(name.clone()).or_default() += 1;
        }
        let id = self.push(What::Element(name, text::head(inside, MAX_TAG)));
        if stays_open {
            self.open.push(id);
        }
    }

    /// Closes the elements whose end tags the start of `name` implies.
    fn imply_ends(&mut self, name: &str) {
        if is_block(name) && !matches!(name, "tr" | "td" | "th" | "tbody" | "thead" | "tfoot" | "caption") {
            self.close_within(&["p"], |open| matches!(open, "table" | "td" | "th" | "caption" | "button" | "object"));
        }
        let no_list_end = |open: &str| is_special(open) && !matches!(open, "address" | "div" | "p" | "center");
        match name {
            "body" => self.close_within(&["head"], |_| false),
            "li" => self.close_within(&["li"], no_list_end),
            "dt" | "dd" => self.close_within(&["dt", "dd"], no_list_end),
            "option" => self.close_within(&["option"], |open| open == "select"),
            "tr" => self.close_within(&["tr"], |open| open == "table"),
            "td" | "th" => self.close_within(&["td", "th"], |open| matches!(open, "table" | "tr")),
            "tbody" | "thead" | "tfoot" => self.close_within(&["tbody", "thead", "tfoot"], |open| open == "table"),
            "a" => self.close_within(&["a"], is_special),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.close_within(&["h1", "h2", "h3", "h4", "h5", "h6"], is_special);
            }
            _ => {}
        }
    }

    /// Closes the innermost open element with one of these names, and everything in it, unless an element that stops
    /// the search comes first.
    fn close_within(&mut self, names: &[&str], stops: impl Fn(&str) -> bool) {
        if names.iter().all(|name| self.counts.get(*name).is_none_or(|count| *count == 0)) {
            return;
        }
        for depth in (1..self.open.len()).rev().take(MAX_REACH) {
            let Some(id) = self.open.get(depth).copied() else { return };
            if self.tree.is(id, names) {
                self.close(depth);
                return;
            }
            if stops(self.tree.name(id)) {
                return;
            }
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            // Content after them still belongs to the page.
            "body" | "html" => {}
            "br" => {
                self.push(What::Element(Cow::Borrowed("br"), ""));
            }
            "table" | "tr" | "td" | "th" | "tbody" | "thead" | "tfoot" => {
                self.close_within(&[name], |open| open == "table" && name != "table");
            }
            "li" => self.close_within(&["li"], |open| matches!(open, "ul" | "ol" | "table" | "td" | "th")),
            _ if is_block(name) || matches!(name, "head" | "button" | "object") => {
                self.close_within(&[name], |open| matches!(open, "table" | "td" | "th" | "caption" | "object"));
            }
            _ => self.close_within(&[name], is_special),
        }
    }

    /// Closes all open elements from this depth on.
    fn close(&mut self, depth: usize) {
        let last = self.tree.nodes.len();
        for id in self.open.drain(depth..) {
            if let Some(node) = self.tree.nodes.get_mut(id) {
                node.end = last;
                if let What::Element(name, _) = &node.what
                    && let Some(count) = self.counts.get_mut(name)
                {
                    *count = count.saturating_sub(1);
                }
            }
        }
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Finds the start of `</name`.
fn end_tag(text: &str, name: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + cut(text, from, text.len()).find("</")?;
        let found = cut(text, at + 2, at + 2 + name.len());
        // An appropriate end tag (HTML, section 13.2.5): `</scriptfoo` ends no script.
        let is_whole = || {
            let behind = cut(text, at + 2 + name.len(), text.len());
            behind.starts_with(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')) || behind.is_empty()
        };
        if found.eq_ignore_ascii_case(name) && is_whole() {
            return Some(at);
        }
        from = at + 2;
    }
}

impl<'a> Tree<'a> {
    pub(in crate::read) fn parse(page: &'a str) -> Self {
        let root = Node { what: What::Element(Cow::Borrowed(""), ""), parent: 0, end: 0 };
        // Room for all: growing step by step would need three times as much.
        let tags = page.bytes().filter(|byte| *byte == b'<').count();
        let mut nodes = Vec::with_capacity((2 * tags + 2).min(most_nodes(page)));
        nodes.push(root);
        Builder {
            tree: Self { nodes, is_cut: false, places: OnceCell::new(), phrases: OnceCell::new() },
            open: vec![0],
            counts: HashMap::new(),
        }
        .build(page)
    }
}
