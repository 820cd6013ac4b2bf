//! Where a list goes on: its next page, or the page that really holds it.

use crate::model::Link;
use crate::read::lexicon::words;
use crate::read::markup::page::{base, target};
use crate::read::markup::tree::Tree;

/// Finds where a page without a list sends the reader: a redirect in a meta element, or a frame.
pub(in crate::read) fn elsewhere(tree: &Tree<'_>, url: &Link) -> Option<Link> {
    let base = base(tree, url);
    let framed = tree.elements(0).filter(|id| tree.is(*id, &["iframe", "frame"])).filter_map(|id| {
        let address = base.join(tree.attribute(id, "src")?.trim()).ok()?;
        let is_small = ["width", "height"].iter().any(|side| {
            tree.attribute(id, side)
                .is_some_and(|side| side.trim_end_matches("px").parse::<u32>().is_ok_and(|size| size < 100))
        });
        (!is_small && address.registrable_domain() == url.registrable_domain() && address != *url).then_some(address)
    });
    let forwarded = tree.elements(0).filter(|id| tree.is(*id, &["meta"])).filter_map(|id| {
        let is_refresh = tree.attribute(id, "http-equiv").is_some_and(|name| name.eq_ignore_ascii_case("refresh"));
        let content = tree.attribute(id, "content").filter(|_| is_refresh)?;
        let at = content.to_ascii_lowercase().find("url=")?;
        let to = base.join(content.get(at + 4..)?.trim().trim_matches(['"', '\''])).ok()?;
        (to.without_fragment() != url.without_fragment()).then_some(to)
    });
    forwarded.chain(framed).next()
}

/// Finds the next page of a list: a link labelled as such, or on TRS sites the address that a script builds
/// (`createPageHTML(12, 0, "index", "html")`).
pub(in crate::read) fn next_page(tree: &Tree<'_>, page: &str, url: &Link) -> Option<Link> {
    let base = base(tree, url);
    let fits = |to: &Link| to.same_origin(url) && to.without_fragment() != url.without_fragment();
    let said = tree.elements(0).filter(|id| tree.is(*id, &["a"])).find_map(|id| {
        let is_next = tree.attribute(id, "rel").is_some_and(|rel| rel.split_whitespace().any(|word| word == "next"));
        let line = tree.line(id).to_lowercase();
        let bare = line.trim_matches(|c: char| !c.is_alphanumeric());
        (is_next || words().next.contains(bare)).then(|| target(tree, id, &base)).flatten().filter(fits)
    });
    let scripted = || {
        let (_, rest) = page.split_once("createPageHTML(")?;
        let inside = rest.split(')').next()?;
        let parts: Vec<&str> = inside.split(',').map(|part| part.trim().trim_matches(['"', '\''])).collect();
        let [total, current, name, ending, ..] = parts.as_slice() else { return None };
        let next = current.parse::<u32>().ok()? + 1;
        (next < total.parse().ok()?).then(|| url.join(&format!("{name}_{next}.{ending}")).ok()).flatten().filter(fits)
    };
    said.or_else(scripted)
}
