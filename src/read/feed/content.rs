//! The HTML of a feed: prefixes of XHTML, `xml:base` within contents, CDATA sections that were escaped.

use std::borrow::Cow;

use crate::model::Link;
use crate::read::markup::text::{self, Definitions};
use crate::read::markup::tokens::{Token, Tokens, attributes, cut};

/// The deepest nesting of elements with an `xml:base` of their own.
const MAX_BASES: usize = 64;

/// The longest HTML that is made absolute, in bytes; a draft holds no more of it.
const MAX_HTML: usize = 256 * 1024;

/// Attributes that hold an address.
const ADDRESSES: [&str; 4] = ["href", "src", "cite", "poster"];

/// Takes the prefix away from the elements of inline XHTML: `<x:div><x:p>` becomes `<div><p>`. The prefix is that of
/// the first element, which must be a `div` (RFC 4287, section 3.1.1.3).
pub(super) fn without_prefix(xhtml: &str) -> Cow<'_, str> {
    let first = Tokens::new(xhtml).find_map(|token| match token {
        Token::Start { name, .. } => Some(name),
        _ => None,
    });
    let Some((prefix, _)) = first.and_then(|name| name.split_once(':')) else { return Cow::Borrowed(xhtml) };
    let is_own = |name: &str| name.split_once(':').is_some_and(|(own, _)| own == prefix);
    let mut out = String::with_capacity(xhtml.len());
    let (mut tokens, mut written) = (Tokens::new(xhtml), 0);
    while let Some(token) = tokens.next() {
        let mark = match token {
            Token::Start { name, .. } if is_own(name) => 1,
            Token::End { name } if is_own(name) => 2,
            _ => continue,
        };
        out.push_str(cut(xhtml, written, tokens.start() + mark));
        written = tokens.start() + mark + prefix.len() + 1;
    }
    out.push_str(cut(xhtml, written, xhtml.len()));
    Cow::Owned(out)
}

/// Makes the addresses in HTML absolute with a base, if the feed gives one, and with every `xml:base` within (RFC 4287,
/// section 2).
pub(super) fn with_base(html: &str, base: Link, is_given: bool) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 8);
    let (mut depth, mut bases) = (0_usize, vec![(0, base)]);
    let mut tokens = Tokens::new(html);
    let mut written = 0;
    while let Some(token) = tokens.next() {
        // A long base and many short references would make much of little.
        if out.len() > MAX_HTML {
            return out;
        }
        match token {
            Token::Start { name, inside, closed } => {
                let own = attributes(inside).find(|(name, _)| *name == "xml:base").map(|(_, value)| value);
                let above = bases.last().map(|(_, base)| base.clone());
                let base = above.map(|above| own.and_then(|own| join(&above, own)).unwrap_or(above));
                if let Some(base) = &base
                    && (is_given || own.is_some() || bases.len() > 1)
                    && attributes(inside).any(|(name, value)| is_relative(name, value))
                {
                    out.push_str(cut(html, written, tokens.start()));
                    push_tag(&mut out, name, inside, closed, base);
                    written = tokens.end();
                }
                if !closed {
                    depth += 1;
                    if let (Some(base), true) = (base, own.is_some() && bases.len() < MAX_BASES) {
                        bases.push((depth, base));
                    }
                }
            }
            Token::End { .. } => {
                bases.pop_if(|(own, _)| *own == depth && depth > 0);
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
    }
    out.push_str(cut(html, written, html.len()));
    out
}

fn is_relative(name: &str, value: &str) -> bool {
    ADDRESSES.iter().any(|known| known.eq_ignore_ascii_case(name)) && !value.trim_start().starts_with('#')
}

fn join(base: &Link, reference: &str) -> Option<Link> {
    base.join(text::resolve(reference, &Definitions::none()).trim()).ok()
}

fn push_tag(out: &mut String, name: &str, inside: &str, closed: bool, base: &Link) {
    out.push('<');
    out.push_str(name);
    for (name, value) in attributes(inside) {
        let absolute = if is_relative(name, value) { join(base, value) } else { None };
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        match absolute {
            Some(link) => out.push_str(&link.as_str().replace('&', "&amp;").replace('"', "&quot;")),
            None => out.push_str(&value.replace('"', "&quot;")),
        }
        out.push('"');
    }
    out.push_str(if closed { "/>" } else { ">" });
}

/// Returns what is within a CDATA section that was escaped, or written within another one, and so came out as text.
pub(super) fn without_cdata(mut value: &str) -> &str {
    while let Some(inside) = value.trim().strip_prefix("<![CDATA[") {
        value = inside.strip_suffix("]]>").unwrap_or(inside);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixed_xhtml_loses_its_prefix_and_nothing_else() {
        let xhtml = "<x:div a='x:b'><x:p>x:c &lt;</x:p><svg:g/></x:div>";
        assert_eq!(without_prefix(xhtml), "<div a='x:b'><p>x:c &lt;</p><svg:g/></div>");
        assert_eq!(without_prefix("<p>a</p>"), "<p>a</p>");
    }

    #[test]
    fn bases_end_with_their_element() {
        let base = Link::parse("https://example.org/a/").unwrap();
        let html = "<p xml:base='b/'><a href='c?d=1&amp;e=2'>x</a></p><img src=\"f.png\"/><a href='#g'>y</a>";
        let expected = "<p xml:base='b/'><a href=\"https://example.org/a/b/c?d=1&amp;e=2\">x</a></p>\
                        <img src=\"https://example.org/a/f.png\"/><a href='#g'>y</a>";
        assert_eq!(with_base(html, base, true), expected);
    }

    #[test]
    fn escaped_cdata() {
        assert_eq!(without_cdata(" <![CDATA[<![CDATA[a]]>]]> "), "a");
        assert_eq!(without_cdata("a <![CDATA[b]]>"), "a <![CDATA[b]]>");
    }
}
