//! Reads the elements of a feed: texts, links, HTML.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::content;
use super::namespace::Namespace;
use super::xml_tree::{Element, Outline};
use crate::model::Link;
use crate::read::date::Clock;
use crate::read::markup::text::{self, Definitions};
use crate::read::work;

pub(super) struct Reader<'a> {
    pub(super) outline: &'a Outline<'a>,
    pub(super) url: &'a Link,
    pub(super) clock: Clock<'a>,
    /// The bases of the elements with an `xml:base` so far, by their index.
    bases: RefCell<HashMap<usize, Link>>,
    /// How many bytes the resolving of references may still add.
    room: Cell<usize>,
}

/// The longest base, in bytes.
const MAX_BASE: usize = 1024;
/// How many bytes the resolving of references may add to those of the document: a short reference and a long base would
/// make much of little.
const FREE_ROOM: usize = 64 * 1024;

/// Returns the text between tags: references resolved, CDATA as it is, and tags kept as written.
pub(super) fn markup_text(inner: &str, definitions: &Definitions) -> String {
    use crate::read::markup::tokens::{Token, Tokens, cut};
    if !inner.contains('<') {
        return text::resolve(inner, definitions).into_owned();
    }
    let mut out = String::with_capacity(inner.len());
    let mut tokens = Tokens::new(inner);
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(raw) => out.push_str(&text::resolve(raw, definitions)),
            Token::Cdata(content) => out.push_str(content),
            Token::Start { .. } | Token::End { .. } => out.push_str(cut(inner, tokens.start(), tokens.end())),
            Token::Doctype(_) => {}
        }
    }
    out
}

/// Decodes base64 (RFC 4648, section 4); `None` if it is invalid or not UTF-8 text.
pub(super) fn base64(text: &str) -> Option<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for byte in text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=') {
        bits = (bits << 6) | u32::try_from(ALPHABET.iter().position(|known| *known == byte)?).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

impl<'a> Reader<'a> {
    pub(super) fn new(outline: &'a Outline<'a>, url: &'a Link, clock: Clock<'a>, length: usize) -> Self {
        Self { outline, url, clock, bases: RefCell::default(), room: Cell::new(length + FREE_ROOM) }
    }

    pub(super) fn element(&self, at: usize) -> Option<&'a Element<'a>> {
        self.outline.elements.get(at)
    }

    pub(super) fn definitions(&self) -> &'a Definitions {
        &self.outline.definitions
    }

    /// Returns the direct children of `parent`, up to element number `end`.
    pub(super) fn children(&self, parent: usize, end: usize) -> impl Iterator<Item = &'a Element<'a>> + Clone {
        // The descendants of an element follow it directly, so the first element outside ends the search.
        let within = self.outline.elements.get(parent + 1..end).unwrap_or(&[]).iter();
        let within = within.take_while(move |e| e.parent.is_some_and(|up| up >= parent) && work::charge(1));
        within.filter(move |e| e.parent == Some(parent))
    }

    /// Returns the address in a link element, made absolute.
    pub(super) fn link_of(&self, element: &Element<'_>) -> Option<String> {
        let raw = match element.attribute("href") {
            Some(href) => text::resolve(href, self.definitions()),
            None => Cow::Owned(self.text(element)),
        };
        self.absolute(Some(element), &raw)
    }

    /// Returns the base of an element: every `xml:base` at or above it, resolved against the document's address. One that
    /// would be longer than [`MAX_BASE`] is passed over.
    pub(super) fn base(&self, element: &Element<'_>) -> Link {
        let mut bases = self.bases.borrow_mut();
        let (mut chain, mut at) = (Vec::new(), element.base);
        while let Some(owner) = at.filter(|at| !bases.contains_key(at)) {
            chain.push(owner);
            at = self.element(owner).and_then(|owner| self.element(owner.parent?)?.base);
        }
        let mut base = at.and_then(|at| bases.get(&at)).unwrap_or(self.url).clone();
        for (number, owner) in chain.into_iter().rev().filter_map(|at| Some((at, self.element(at)?))) {
            let own = crate::read::markup::tokens::attribute(owner.tag, "xml:base");
            let own = own.filter(|own| own.len() <= MAX_BASE && work::charge(owner.tag.len()));
            let joined = own.and_then(|own| base.join(&text::resolve(own, self.definitions())).ok());
            base = joined.filter(|joined| joined.as_str().len() <= MAX_BASE).unwrap_or(base);
            bases.insert(number, base.clone());
        }
        base
    }

    /// Resolves a reference; `None` if it is invalid, or if the references of this document have grown too much.
    fn resolved(&self, base: &Link, reference: &str) -> Option<Link> {
        let link = base.join(reference).ok()?;
        let left = self.room.get().checked_sub(link.as_str().len().saturating_sub(reference.len()));
        self.room.set(left.unwrap_or(0));
        left.map(|_| link)
    }

    /// Makes an address absolute if possible.
    pub(super) fn absolute(&self, element: Option<&Element<'_>>, reference: &str) -> Option<String> {
        let reference: String =
            text::printable(reference).chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect();
        let reference = reference.trim();
        if reference.is_empty() {
            return None;
        }
        if let Ok(link) = Link::parse(reference) {
            return Some(link.as_str().to_owned());
        }
        let base = element.map_or_else(|| self.url.clone(), |e| self.base(e));
        match self.resolved(&base, reference) {
            Some(link) => Some(link.as_str().to_owned()),
            // Addresses of other schemes (urn:, mailto:) are kept: they identify the item, though nobody fetches them.
            None => Some(text::head(reference, 2048).to_owned()),
        }
    }

    /// Returns the text of an element: references resolved, CDATA as it is, tags kept, Atom's base64 decoded.
    pub(super) fn text(&self, element: &Element<'_>) -> String {
        let text = markup_text(element.inner, self.definitions());
        let says = |name: &str| element.attribute(name).is_some_and(|value| value.eq_ignore_ascii_case("base64"));
        // In Atom 1.0, every media type that is neither text nor XML is base64 (RFC 4287, section 4.1.3.3).
        let kind = element.attribute("type").unwrap_or("").to_ascii_lowercase();
        let is_binary =
            kind.contains('/') && !kind.starts_with("text/") && !kind.contains("xml") && !kind.contains("html");
        if says("mode") || says("type") || is_binary {
            return base64(&text).unwrap_or(text);
        }
        match content::without_cdata(&text) {
            inside if inside.len() < text.len() => inside.to_owned(),
            _ => text,
        }
    }

    /// Returns a title as one line of plain text, whatever its type.
    pub(super) fn title(&self, element: &Element<'_>) -> String {
        let kind = element.attribute("type").unwrap_or("").to_ascii_lowercase();
        if kind.contains("xhtml") {
            return text::line(&text::plain(&content::without_prefix(element.inner)));
        }
        let value = self.text(element);
        if text::looks_like_html(&value) {
            return text::line(&text::plain(&value));
        }
        // References in Atom's plain text are resolved once, those in HTML twice.
        let is_plain = kind == "text" || kind == "text/plain";
        text::line(&if is_plain { Cow::Borrowed(value.as_str()) } else { text::resolve(&value, self.definitions()) })
    }

    /// Returns the HTML in an element. Where there is an `xml:base`, its addresses are absolute.
    pub(super) fn html(&self, element: &Element<'_>) -> String {
        let html = self.own_html(element);
        if element.base.is_some() || html.contains("xml:base") {
            content::with_base(&html, self.base(element), element.base.is_some())
        } else {
            html
        }
    }

    fn own_html(&self, element: &Element<'_>) -> String {
        let kind = element.attribute("type").unwrap_or("").to_ascii_lowercase();
        let mode = element.attribute("mode").unwrap_or("").to_ascii_lowercase();
        let is_inline =
            kind.contains("xhtml") || (mode == "xml" && kind.contains("html")) || element.namespace == Namespace::Xhtml;
        if is_inline {
            return text::printable(&content::without_prefix(element.inner.trim())).into_owned();
        }
        let value = self.text(element);
        let is_plain = kind == "text" || kind == "text/plain";
        if is_plain && !text::looks_like_html(&value) {
            return value.replace('&', "&amp;").replace('<', "&lt;");
        }
        text::printable(value.trim()).into_owned()
    }
}
