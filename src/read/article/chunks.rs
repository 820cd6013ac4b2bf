//! Bodies that a page divides into several elements of one class, as between advertisements.

use super::labels::is_aside;
use crate::read::markup::text::{self, width};
use crate::read::markup::tree::{self, Id, Tree, What};
use crate::read::tables::tables;

/// How many levels above a part the element that holds all of them may be.
const MAX_UP: usize = 8;
/// The most text between two parts.
const MAX_BETWEEN: usize = 200;
/// The most parts.
const MAX_PARTS: usize = 50;

/// Returns the element that holds all parts of a body, of which one was found: the elements of its class that follow each other
/// with no heading and little text between, as posts of a blog do not.
pub(super) fn joined(tree: &Tree<'_>, part: Id) -> Id {
    let is_whole = |class: &&str| tables().classes.whole_body.contains(&*class.to_ascii_lowercase());
    let Some(class) = tree.classes(part).find(is_whole) else { return part };
    let Some(top) = tree.ancestors(part).skip(1).take(MAX_UP).last() else { return part };
    let mut parts: Vec<Id> = Vec::new();
    for id in tree.elements(top).filter(|id| tree.has_attributes(*id)) {
        let is_inside = parts.last().is_some_and(|last| id < tree.end(*last));
        if !is_inside && parts.len() < MAX_PARTS && tree.classes(id).any(|own| own == class) {
            parts.push(id);
        }
    }
    let Some(at) = parts.iter().position(|id| *id == part) else { return part };
    let goes_on = |pair: &[Id]| matches!(pair, [one, next] if is_gap(tree, tree.end(*one), *next));
    let back = parts.get(..=at).unwrap_or_default().windows(2).rev().take_while(|pair| goes_on(pair)).count();
    let on = parts.get(at..).unwrap_or_default().windows(2).take_while(|pair| goes_on(pair)).count();
    let (Some(first), Some(last)) = (parts.get(at - back), parts.get(at + on)) else { return part };
    let mut holders = tree.ancestors(*first);
    holders.find(|up| tree.end(*up) >= tree.end(*last)).unwrap_or(part)
}

/// Returns whether nothing between two parts says that another text begins.
fn is_gap(tree: &Tree<'_>, from: Id, to: Id) -> bool {
    let mut wide = 0;
    let mut hidden_to = from;
    for at in from..to {
        match tree.node(at).map(|node| &node.what) {
            _ if at < hidden_to => {}
            // What is most read may stand beside each part.
            Some(What::Element(name, _)) if tree::is_hidden(name) || is_aside(tree, at) => hidden_to = tree.end(at),
            Some(What::Element(_, _)) if tree.is(at, &["h1", "h2", "h3", "time"]) => return false,
            Some(What::Text(raw)) => {
                wide += width(text::resolve(raw, &text::Definitions::none()).trim());
            }
            _ => {}
        }
    }
    wide <= MAX_BETWEEN
}
