//! From tags to elements, without recursion: a flat list in document order, each element with its parent.
//!
//! Elements that hold prose (titles, descriptions, contents) are leaves: their content is kept as written, because it
//! is often not XML at all.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::namespace::Namespace;
use crate::read::markup::text::Definitions;
use crate::read::markup::tokens::{Attributes, Token, Tokens, attribute, attributes, cut};

/// The deepest nesting of a feed's own elements; real feeds need less than ten.
const MAX_DEPTH: usize = 64;

/// The most namespace declarations in scope.
const MAX_NAMESPACES: usize = 64;
/// The most entities of a document.
const MAX_ENTITIES: usize = 512;
/// The longest name and the longest text of an entity, in bytes.
const MAX_ENTITY: usize = 256;
/// The most elements of a feed; five hundred items need about ten thousand.
const MAX_ELEMENTS: usize = 60_000;

/// An element of a feed.
#[derive(Clone, Debug)]
pub(in crate::read) struct Element<'a> {
    pub(in crate::read) namespace: Namespace,
    /// The local name in lower case.
    pub(in crate::read) name: String,
    /// The attributes, raw.
    pub(in crate::read) tag: &'a str,
    /// The content between the tags, raw.
    pub(in crate::read) inner: &'a str,
    /// The index of the enclosing element.
    pub(in crate::read) parent: Option<usize>,
    /// The index of the nearest element with an `xml:base`, this one included.
    pub(in crate::read) base: Option<usize>,
}

impl<'a> Element<'a> {
    pub(in crate::read) fn is(&self, namespace: Namespace, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    pub(in crate::read) fn is_item(&self) -> bool {
        self.namespace == Namespace::Core && matches!(self.name.as_str(), "item" | "entry")
    }

    /// Returns the raw value of an attribute without a prefix.
    pub(in crate::read) fn attribute(&self, name: &str) -> Option<&'a str> {
        attribute(self.tag, name)
    }

    pub(in crate::read) fn attributes(&self) -> Attributes<'a> {
        attributes(self.tag)
    }
}

/// The elements of a document, and what was wrong with its tags.
#[derive(Debug, Default)]
pub(in crate::read) struct Outline<'a> {
    pub(in crate::read) elements: Vec<Element<'a>>,
    /// The document's own entities that are safe to use.
    pub(in crate::read) definitions: Definitions,
    /// The document ends before its elements are closed.
    pub(in crate::read) truncated: bool,
    /// Reading stopped because elements are nested too deeply.
    pub(in crate::read) too_deep: bool,
    /// There are more items than asked for, or more elements than any feed has.
    pub(in crate::read) too_many: bool,
}

struct Open<'a> {
    name: &'a str,
    index: usize,
    /// Where the content starts in the document.
    from: usize,
    /// How many namespace declarations were in scope before the element.
    scope: usize,
}

/// Builds the elements of a document, up to `most` items.
pub(in crate::read) fn outline(text: &str, most: usize) -> Outline<'_> {
    let mut tree = Builder { text, most, items: 0, open: Vec::new(), declared: Vec::new(), out: Outline::default() };
    let mut tokens = Tokens::new(text);
    while let Some(token) = tokens.next() {
        match token {
            Token::Start { name, inside, closed } => {
                if tree.start(&mut tokens, name, inside, closed).is_break() {
                    break;
                }
            }
            Token::End { name } => {
                if let Some(at) = tree.open.iter().rposition(|o| o.name.eq_ignore_ascii_case(name)) {
                    tree.close(at, tokens.start());
                }
            }
            Token::Doctype(inside) => tree.out.definitions = definitions(inside, text.len()),
            Token::Text(_) | Token::Cdata(_) => {}
        }
    }
    tree.out.truncated = !tree.open.is_empty() && !tree.out.too_many && !tree.out.too_deep;
    tree.close(0, text.len());
    tree.out
}

/// A document's elements so far, and those that are still open.
struct Builder<'a> {
    text: &'a str,
    /// The most items, and how many there are.
    most: usize,
    items: usize,
    open: Vec<Open<'a>>,
    declared: Vec<(&'a str, Namespace)>,
    out: Outline<'a>,
}

impl<'a> Builder<'a> {
    /// Adds the element of a start tag; breaks where the document exceeds a limit.
    fn start(&mut self, tokens: &mut Tokens<'a>, name: &'a str, inside: &'a str, closed: bool) -> ControlFlow<()> {
        let scope = self.declared.len();
        declare(inside, &mut self.declared, self.open.is_empty());
        let (namespace, local) = resolve(name, &self.declared);
        if namespace == Namespace::Core && matches!(local.as_str(), "item" | "entry") {
            // An item inside an item: the previous one was not closed.
            let elements = &self.out.elements;
            let is_item = |o: &Open<'_>| elements.get(o.index).is_some_and(Element::is_item);
            if let Some(at) = self.open.iter().position(is_item) {
                self.close(at, tokens.start());
            }
            self.items += 1;
        }
        if self.items > self.most || self.out.elements.len() >= MAX_ELEMENTS {
            self.out.too_many = true;
            return ControlFlow::Break(());
        }
        let parent = self.open.last().map(|o| o.index);
        let index = self.out.elements.len();
        let above = parent.and_then(|parent| self.out.elements.get(parent)?.base);
        let base = attribute(inside, "xml:base").map(|_| index).or(above);
        let is_leaf = is_leaf(namespace, &local, parent.and_then(|parent| self.out.elements.get(parent)));
        let element = Element { namespace, name: local, tag: inside, inner: "", parent, base };
        // An Atom link has no content, and many feeds do not close it.
        let is_void = element.is(Namespace::Core, "link") && element.attribute("href").is_some();
        self.out.elements.push(element);
        if closed || is_void {
            self.declared.truncate(scope);
        } else if is_leaf {
            let inner = leaf(tokens, name, self.text, &self.open, &self.out.elements);
            if let Some(element) = self.out.elements.get_mut(index) {
                element.inner = inner;
            }
            self.declared.truncate(scope);
        } else {
            self.open.push(Open { name, index, from: tokens.end(), scope });
            if self.open.len() > MAX_DEPTH {
                self.out.too_deep = true;
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// Closes the open elements from number `at` on; their content ends at `end`.
    fn close(&mut self, at: usize, end: usize) {
        for closed in self.open.drain(at.min(self.open.len())..) {
            if let Some(element) = self.out.elements.get_mut(closed.index) {
                element.inner = cut(self.text, closed.from, end);
            }
            self.declared.truncate(closed.scope);
        }
    }
}

/// Takes tokens up to the end of a leaf and returns its content. A leaf also ends where an enclosing element ends,
/// where the next item starts, and, if it is a short one, where a sibling starts.
fn leaf<'a>(
    tokens: &mut Tokens<'a>,
    name: &str,
    text: &'a str,
    open: &[Open<'a>],
    elements: &[Element<'a>],
) -> &'a str {
    let from = tokens.end();
    let mut nested = 0_usize;
    let local = name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase();
    let is_short = matches!(
        local.as_str(),
        "title" | "link" | "guid" | "pubdate" | "category" | "author" | "comments" | "id" | "updated" | "published"
    );
    loop {
        let before = tokens.end();
        let Some(token) = tokens.next() else { return cut(text, from, text.len()) };
        match token {
            Token::Start { name: found, closed: false, .. } if found.eq_ignore_ascii_case(name) => nested += 1,
            Token::End { name: found } if found.eq_ignore_ascii_case(name) => {
                if nested == 0 {
                    return cut(text, from, tokens.start());
                }
                nested -= 1;
            }
            Token::End { name: found } if open.iter().any(|o| o.name.eq_ignore_ascii_case(found)) => {
                // The end tag closes an enclosing element, so the leaf was not closed. Embedded HTML may hold any tags;
                // only the names of open elements count.
                tokens.back(before);
                return cut(text, from, before);
            }
            Token::Start { name: found, .. } => {
                let lower = found.to_ascii_lowercase();
                let in_same_item = open
                    .iter()
                    .any(|o| elements.get(o.index).is_some_and(Element::is_item) && o.name.eq_ignore_ascii_case(found));
                let next_item = in_same_item || (is_short && matches!(lower.as_str(), "item" | "entry"));
                let sibling = is_short
                    && matches!(
                        lower.as_str(),
                        "link"
                            | "guid"
                            | "pubdate"
                            | "description"
                            | "category"
                            | "enclosure"
                            | "comments"
                            | "dc:date"
                            | "dc:creator"
                            | "content:encoded"
                    );
                if next_item || sibling {
                    tokens.back(before);
                    return cut(text, from, before);
                }
            }
            _ => {}
        }
    }
}

/// Adds the `xmlns` declarations of a tag. An unknown default namespace on the root counts as a feed's own.
fn declare<'a>(inside: &'a str, declared: &mut Vec<(&'a str, Namespace)>, is_root: bool) {
    if !inside.contains("xmlns") {
        return;
    }
    for (name, value) in attributes(inside) {
        if declared.len() >= MAX_NAMESPACES {
            return;
        }
        if name == "xmlns" {
            let namespace = Namespace::of_uri(value);
            declared.push(("", if is_root && namespace == Namespace::Other { Namespace::Core } else { namespace }));
        } else if let Some(prefix) = name.strip_prefix("xmlns:") {
            declared.push((prefix, Namespace::of_uri(value)));
        }
    }
}

fn resolve(name: &str, declared: &[(&str, Namespace)]) -> (Namespace, String) {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let known = declared.iter().rev().find(|(declared, _)| *declared == prefix).map(|(_, namespace)| *namespace);
    let namespace = known.unwrap_or_else(|| Namespace::of_prefix(prefix));
    (namespace, local.to_ascii_lowercase())
}

/// Returns whether the element holds prose, so that nothing inside it is parsed.
fn is_leaf(namespace: Namespace, name: &str, parent: Option<&Element<'_>>) -> bool {
    match namespace {
        Namespace::Core => match name {
            "title" | "link" | "guid" | "id" | "description" | "summary" | "content" | "subtitle" | "tagline"
            | "info" | "pubdate" | "published" | "issued" | "updated" | "modified" | "created" | "lastbuilddate"
            | "category" | "comments" | "rights" | "copyright" | "abstract" | "fullitem" | "name" | "email"
            | "language" | "ttl" | "generator" | "body" => true,
            // The author is text in RSS, but has child elements in Atom.
            "author" | "source" | "managingeditor" => false,
            _ => false,
        },
        Namespace::Content | Namespace::Dc | Namespace::DcTerms | Namespace::Sy => name != "items" && name != "item",
        Namespace::Itunes => !matches!(name, "owner" | "category"),
        Namespace::Media => matches!(name, "title" | "description" | "text" | "keywords" | "credit" | "copyright"),
        Namespace::Xhtml => parent.is_some(),
        _ => false,
    }
}

/// Reads the entities of a document type that are plain text. Those that refer to other entities or to files become
/// empty: they are never expanded, and never shown.
fn definitions(doctype: &str, length: usize) -> Definitions {
    let none = Definitions::none();
    let mut found = HashMap::new();
    let mut rest = doctype;
    while let Some((_, declaration)) = rest.split_once("<!ENTITY")
        && found.len() < MAX_ENTITIES
    {
        rest = declaration;
        let Some((name, value)) = first_word(declaration.trim_start()) else { continue };
        // A parameter entity: its name follows the `%`. Its value holds no declarations of the document.
        let (is_parameter, name, value) = match (name, first_word(value.trim_start())) {
            ("%", Some((name, value))) => (true, name, value),
            _ => (false, name, value),
        };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let literal = quote.and_then(|quote| cut(value, 1, value.len()).split_once(quote));
        if let Some((_, behind)) = literal {
            rest = behind;
        }
        if is_parameter {
            continue;
        }
        let is_plain = |value: &&str| {
            value.len() <= MAX_ENTITY
                && !value.contains(['%', '<'])
                && (!value.contains('&') || value.starts_with("&#"))
        };
        let text = literal.map(|(value, _)| value).filter(is_plain);
        let text = text.map(|value| crate::read::markup::text::resolve(value, &none).into_owned()).unwrap_or_default();
        // The first declaration of a name is binding (XML 1.0, section 4.2).
        found.entry(name.to_owned()).or_insert(text);
    }
    Definitions::of(found, length)
}

/// Splits off the first word of a text; `None` if it is longer than a name may be.
fn first_word(text: &str) -> Option<(&str, &str)> {
    let end = crate::read::markup::text::head(text, MAX_ENTITY).find(char::is_whitespace)?;
    Some((cut(text, 0, end), cut(text, end, text.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, &str)> {
        outline(text, 10).elements.into_iter().map(|e| (e.name, e.inner)).collect()
    }

    #[test]
    fn unclosed_items_and_leaves() {
        let found = names("<rss><item><title>a<link>b</link><item><title>c</item>");
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(name, inner)| (name.as_str(), *inner))
            .filter(|(name, _)| *name != "rss" && *name != "item")
            .collect();
        assert_eq!(found, [("title", "a"), ("link", "b"), ("title", "c")]);
    }

    #[test]
    fn a_million_levels_end_at_sixty_four() {
        let text = format!("<rss><item>{}", "<x:a>".repeat(1_000_000));
        assert!(outline(&text, 10).too_deep);
    }

    #[test]
    fn entities_that_name_others_are_known_and_empty() {
        let found = definitions(
            " r [<!ENTITY a 'x'><!ENTITY b \"&a;&a;\"><!ENTITY c SYSTEM \"file:///etc/passwd\"><!ENTITY d '&#38;']",
            100,
        );
        assert_eq!(crate::read::markup::text::resolve("&a;|&b;|&c;|&d;|&e;", &found), "x|||&|&e;");
    }
}
