//! The elements of an HTML page, roughly as a browser would see them.
//!
//! Nodes are stored in one vector in document order, so that the content of an element is a range, and nothing here or
//! above recurses. The builder knows which end tags HTML allows to be omitted (HTML, section 13.1.2.4) and how far end
//! tags reach (section 13.2.4.2). Unlike browsers it neither adopts nor reopens elements, so that it takes linear time
//! whatever the page contains.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

pub(in crate::read) use super::text::is_block;
use super::text::{self, Definitions};
use super::tokens::{self};
use crate::read::work;

/// How many bytes of id and classes are searched for words.
const MAX_LABELS: usize = 2048;
/// The most bytes of one text node in a line.
const MAX_PIECE: usize = 8192;
/// The most nodes of one line.
const MAX_LINE_NODES: usize = 200;

/// The index of a node.
pub(in crate::read) type Id = usize;

/// The content of a node.
#[derive(Debug)]
pub(in crate::read) enum What<'a> {
    /// An element: its name in lower case and its raw attributes.
    Element(Cow<'a, str>, &'a str),
    /// Text, with references unresolved.
    Text(&'a str),
}

#[derive(Debug)]
pub(in crate::read) struct Node<'a> {
    pub(in crate::read) what: What<'a>,
    pub(in crate::read) parent: Id,
    /// The first node after the content of this one.
    pub(in crate::read) end: Id,
}

/// A page. Node 0 is the root, an element without a name.
#[derive(Debug)]
pub(in crate::read) struct Tree<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    /// Whether the page has more nodes than are kept.
    pub(in crate::read) is_cut: bool,
    /// Computed on first use.
    pub(super) places: OnceCell<Vec<Place>>,
    /// Computed on first use.
    pub(super) phrases: OnceCell<HashSet<String>>,
}

/// The position of an element among its sibling elements.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::read) struct Place {
    /// Counted from 1.
    pub(in crate::read) number: usize,
    /// The previous sibling element.
    pub(in crate::read) before: Option<Id>,
    pub(in crate::read) is_last: bool,
}

/// On how many links, leading to different addresses, a title is a set phrase.
const MIN_PHRASE: usize = 3;

impl<'a> Tree<'a> {
    /// Returns whether a `title` stands on links to several addresses, and so says nothing of any: "open in a new
    /// window".
    pub(in crate::read) fn is_set_phrase(&self, title: &str) -> bool {
        let phrases = self.phrases.get_or_init(|| {
            let mut seen: HashMap<String, (usize, String)> = HashMap::new();
            for id in self.elements(0).filter(|id| self.is(*id, &["a"])) {
                let (Some(title), Some(to)) = (self.attribute(id, "title"), self.attribute(id, "href")) else {
                    continue;
                };
                let (count, last) = seen.entry(title.into_owned()).or_default();
                if *last != *to {
                    *count += 1;
                    *last = to.into_owned();
                }
            }
            seen.into_iter().filter(|(_, (count, _))| *count >= MIN_PHRASE).map(|(title, _)| title).collect()
        });
        phrases.contains(title)
    }

    pub(in crate::read) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(in crate::read) fn node(&self, id: Id) -> Option<&Node<'a>> {
        self.nodes.get(id)
    }

    /// Returns the name of an element; empty for the root and for text.
    pub(in crate::read) fn name(&self, id: Id) -> &str {
        match self.nodes.get(id).map(|node| &node.what) {
            Some(What::Element(name, _)) => name,
            _ => "",
        }
    }

    pub(in crate::read) fn is(&self, id: Id, names: &[&str]) -> bool {
        names.contains(&self.name(id))
    }

    pub(in crate::read) fn parent(&self, id: Id) -> Id {
        self.nodes.get(id).map_or(0, |node| node.parent)
    }

    /// Returns the first node after the content of this one.
    pub(in crate::read) fn end(&self, id: Id) -> Id {
        self.nodes.get(id).map_or(id, |node| node.end)
    }

    /// Returns the node and its ancestors, from the inside out, without the root.
    pub(in crate::read) fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> {
        std::iter::successors(Some(id), |id| Some(self.parent(*id))).take_while(|id| *id != 0 && work::charge(1))
    }

    /// Returns the child nodes.
    pub(in crate::read) fn children(&self, id: Id) -> impl Iterator<Item = Id> {
        let end = self.end(id);
        std::iter::successors(Some(id + 1), |child| Some(self.end(*child).max(*child + 1)))
            .take_while(move |child| *child < end && work::charge(1))
    }

    /// Returns the elements in `id`, including itself.
    pub(in crate::read) fn elements(&self, id: Id) -> impl Iterator<Item = Id> {
        (id..self.end(id))
            .take_while(|_| work::charge(1))
            .filter(|at| matches!(self.nodes.get(*at).map(|node| &node.what), Some(What::Element(..))))
    }

    /// Returns whether an element has attributes at all.
    pub(in crate::read) fn has_attributes(&self, id: Id) -> bool {
        matches!(self.nodes.get(id).map(|node| &node.what), Some(What::Element(_, inside)) if !inside.is_empty())
    }

    /// Returns whether a node is a link. `<a name="top">` is none, and may hold the whole page.
    pub(in crate::read) fn is_link(&self, id: Id) -> bool {
        self.is(id, &["a"]) && self.attribute(id, "href").is_some()
    }

    /// Returns the value of an attribute, with references resolved.
    pub(in crate::read) fn attribute(&self, id: Id, name: &str) -> Option<Cow<'a, str>> {
        match self.nodes.get(id).map(|node| &node.what) {
            Some(What::Element(_, inside)) if !inside.is_empty() => {
                work::charge(1 + inside.len() / 16);
                tokens::attribute(inside, name).map(|raw| text::resolve(raw, &Definitions::none()))
            }
            _ => None,
        }
    }

    pub(in crate::read) fn classes(&self, id: Id) -> impl Iterator<Item = &'a str> {
        let raw = match self.nodes.get(id).map(|node| &node.what) {
            Some(What::Element(_, inside)) => {
                work::charge(1 + inside.len() / 16);
                tokens::attribute(inside, "class").unwrap_or("")
            }
            _ => "",
        };
        raw.split_ascii_whitespace()
    }

    /// Returns id and classes in one lower-case string, for searching words.
    pub(in crate::read) fn labels(&self, id: Id) -> String {
        let own = self.attribute(id, "id").unwrap_or_default();
        let mut labels = text::head(&own, MAX_LABELS).to_ascii_lowercase();
        for class in self.classes(id) {
            if labels.len() + class.len() > MAX_LABELS {
                break;
            }
            labels.push(' ');
            labels.push_str(&class.to_ascii_lowercase());
        }
        labels
    }

    /// Returns whether an element itself is hidden. `visibility: hidden` does not count, because scripts often show
    /// such elements later.
    pub(in crate::read) fn is_invisible(&self, id: Id) -> bool {
        let Some(What::Element(_, inside)) = self.nodes.get(id).map(|node| &node.what) else { return false };
        // This cheap test rules out most elements.
        (inside.contains("display") || inside.contains("DISPLAY") || inside.contains("hidden"))
            && (self.attribute(id, "hidden").is_some()
                || self.attribute(id, "style").is_some_and(|style| {
                    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
                    style.to_ascii_lowercase().contains("display:none")
                }))
    }

    /// Returns the texts in `id`, in order, with their nodes, except those of elements that are not displayed, such as
    /// scripts. References are resolved.
    pub(in crate::read) fn texts(&self, id: Id) -> Texts<'_, 'a> {
        self.texts_between(id, self.end(id))
    }

    /// Returns the texts of the nodes from `from` up to `to`, like [`Tree::texts`].
    pub(in crate::read) const fn texts_between(&self, from: Id, to: Id) -> Texts<'_, 'a> {
        Texts { tree: self, at: from, to, left: usize::MAX }
    }

    /// Returns the text in `id` as one line.
    pub(in crate::read) fn line(&self, id: Id) -> String {
        let mut all = String::new();
        // Longer text is not a line.
        for (_, text) in (Texts { left: MAX_LINE_NODES, ..self.texts(id) }) {
            all.push_str(&text);
            if all.len() > 8192 {
                break;
            }
        }
        text::line(&all)
    }

    /// Returns the position of an element among its sibling elements.
    pub(in crate::read) fn place(&self, id: Id) -> Place {
        let places = self.places.get_or_init(|| {
            let mut places = vec![Place::default(); self.nodes.len()];
            let mut last: HashMap<Id, (Id, usize)> = HashMap::new();
            for (at, node) in self.nodes.iter().enumerate().skip(1) {
                if matches!(node.what, What::Text(_)) {
                    continue;
                }
                let before = last.insert(node.parent, (at, 1));
                let number = before.map_or(1, |(_, number)| number + 1);
                last.insert(node.parent, (at, number));
                if let Some(place) = places.get_mut(at) {
                    *place = Place { number, before: before.map(|(before, _)| before), is_last: false };
                }
            }
            for (at, _) in last.into_values() {
                if let Some(place) = places.get_mut(at) {
                    place.is_last = true;
                }
            }
            places
        });
        places.get(id).copied().unwrap_or_default()
    }

    /// Returns the whole content of an element that contains only text, such as a script.
    pub(in crate::read) fn raw(&self, id: Id) -> &'a str {
        match self.nodes.get(id + 1).map(|node| (&node.what, node.parent)) {
            Some((What::Text(text), parent)) if parent == id => text,
            _ => "",
        }
    }
}

/// See [`Tree::texts`].
pub(in crate::read) struct Texts<'t, 'a> {
    tree: &'t Tree<'a>,
    at: Id,
    to: Id,
    /// How many more nodes are visited.
    left: usize,
}

impl<'a> Iterator for Texts<'_, 'a> {
    type Item = (Id, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.to && self.left > 0 && work::charge(1) {
            self.left -= 1;
            let at = self.at;
            let node = self.tree.nodes.get(at)?;
            match &node.what {
                What::Element(name, _) if is_hidden(name) => self.at = node.end.max(at + 1),
                What::Element(..) => self.at += 1,
                What::Text(raw) => {
                    self.at += 1;
                    let raw = if self.left < usize::MAX / 2 { text::head(raw, MAX_PIECE) } else { raw };
                    return Some((at, text::resolve(raw, &Definitions::none())));
                }
            }
        }
        None
    }
}

/// Returns whether the text of such elements is not displayed.
pub(in crate::read) fn is_hidden(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "noscript"
            | "template"
            | "iframe"
            | "object"
            | "textarea"
            | "select"
            | "head"
            | "svg"
            | "video"
            | "audio"
            | "canvas"
    )
}

#[cfg(test)]
mod tests;
