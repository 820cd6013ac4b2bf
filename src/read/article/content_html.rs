//! Rewrites the markup of a body: paragraphs, headings, lists, tables, links and pictures, without any styling.

use crate::model::Link;
use crate::read::markup::page::target;
use crate::read::markup::text;
use crate::read::markup::tree::{self, Id, Tree, What};
use crate::read::tables::elements::elements;
use crate::read::tables::tables;

/// The most markup that is written, in bytes; an item holds less.
const MAX_WRITTEN: usize = 1024 * 1024;

/// Rewrites the markup of a body: paragraphs, headings, lists, tables, links and pictures, without any styling.
pub(in crate::read) fn markup(tree: &Tree<'_>, body: Id, base: &Link, dropped: &[(Id, Id)]) -> String {
    let mut out = String::new();
    let mut ends: Vec<(Id, &str)> = Vec::new();
    let mut next_drop = dropped.iter().peekable();
    let mut at = body + 1;
    let last = tree.end(body);
    while at < last && out.len() < MAX_WRITTEN {
        while let Some((_, tag)) = ends.pop_if(|(end, _)| *end <= at) {
            push_end(&mut out, tag);
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
            What::Text(raw) => push_escaped(&mut out, &text::resolve(raw, &text::Definitions::none())),
            What::Element(name, _) if tree::is_hidden(name) => {
                at = node.end;
                continue;
            }
            What::Element(name, _) => ends.extend(open(&mut out, tree, at, name, base).map(|tag| (node.end, tag))),
        }
        at += 1;
    }
    while let Some((_, tag)) = ends.pop() {
        push_end(&mut out, tag);
    }
    let empty = out.replace("<p></p>", "");
    text::head(empty.trim(), 256 * 1024).to_owned()
}

/// Returns the markup of a paragraph of plain text.
pub(super) fn paragraph(text: &str) -> String {
    let mut out = String::from("<p>");
    push_escaped(&mut out, text);
    out.push_str("</p>");
    out
}

/// Writes the start of an element, and returns the tag that ends it; `None` if it needs no end.
fn open(out: &mut String, tree: &Tree<'_>, at: Id, name: &str, base: &Link) -> Option<&'static str> {
    match name {
        "img" => {
            push_image(out, tree, at, base);
            None
        }
        "a" => {
            let to = target(tree, at, base)?;
            out.push_str("<a href=\"");
            push_escaped(out, to.as_str());
            out.push_str("\">");
            Some("a")
        }
        "br" | "hr" => {
            out.push('<');
            out.push_str(name);
            out.push('>');
            None
        }
        "div" | "section" | "article" | "center" => {
            // A block without nested blocks is a paragraph.
            let has_blocks = tree.elements(at).skip(1).any(|inner| tree::is_block(tree.name(inner)));
            if has_blocks {
                return None;
            }
            out.push_str("<p>");
            Some("p")
        }
        _ => {
            let kept = elements().kept.get(name)?.as_str();
            out.push('<');
            out.push_str(kept);
            if matches!(kept, "td" | "th") {
                push_spans(out, tree, at);
            }
            out.push('>');
            Some(kept)
        }
    }
}

fn push_spans(out: &mut String, tree: &Tree<'_>, cell: Id) {
    for attribute in ["colspan", "rowspan"] {
        let span = tree.attribute(cell, attribute).and_then(|span| span.trim().parse::<u16>().ok());
        if let Some(span) = span.filter(|span| *span > 1) {
            out.push_str(&format!(" {attribute}=\"{span}\""));
        }
    }
}

fn push_end(out: &mut String, tag: &str) {
    out.push_str("</");
    out.push_str(tag);
    out.push('>');
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars().filter(|c| text::is_allowed(*c)) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

/// Returns the address of a picture; attributes that a script would copy to `src` come first.
pub(in crate::read) fn picture(tree: &Tree<'_>, id: Id, base: &Link) -> Option<String> {
    let mut names = tables().pictures.address.iter().map(String::as_str).chain(["src"]);
    names.find_map(|name| {
        let written = tree.attribute(id, name)?;
        let written = written.trim();
        if written.is_empty() || written.starts_with("data:") {
            return None;
        }
        base.join(written).ok().map(|link| link.as_str().to_owned())
    })
}

fn push_image(out: &mut String, tree: &Tree<'_>, id: Id, base: &Link) {
    let Some(address) = picture(tree, id, base) else { return };
    out.push_str("<img src=\"");
    push_escaped(out, &address);
    out.push_str("\" alt=\"");
    push_escaped(out, &tree.attribute(id, "alt").unwrap_or_default());
    out.push_str("\">");
}
