//! What the ids and classes of elements say.

use crate::read::markup::tree::{Id, Tree};
use crate::read::tables::tables;

/// Returns the words of an element's id and classes.
pub(super) fn words(labels: &str) -> impl Iterator<Item = &str> {
    let words = labels.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit())).filter(|word| !word.is_empty());
    let is_built = labels.contains("widget") && labels.split_ascii_whitespace().any(is_built);
    words.filter(move |word| !is_built || *word != "widget")
}

/// Returns whether a page builder gave an element its class: it calls every part of a page a widget.
fn is_built(class: &str) -> bool {
    tables().classes.builders.iter().any(|builder| class.starts_with(builder.as_str()))
}

/// Returns whether an element holds something beside the story, by its name or its classes.
pub(super) fn is_aside(tree: &Tree<'_>, id: Id) -> bool {
    tree.is(id, &["nav", "footer", "aside"])
        || tree.has_attributes(id) && words(&tree.labels(id)).any(|word| tables().classes.not_body.contains(word))
}

/// Returns whether an element is a dialog over the page, such as one that asks for consent to cookies.
pub(super) fn is_dialog(tree: &Tree<'_>, id: Id) -> bool {
    let classes = &tables().classes;
    !tree.is(id, &["html", "body"])
        && tree.has_attributes(id)
        && words(&tree.labels(id)).any(|word| classes.dialog.iter().any(|start| word.starts_with(start.as_str())))
}
