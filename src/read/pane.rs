//! Panes of tabs, of which a page shows one.

use super::markup::tree::{Id, Tree};
use super::tables::tables;

/// The most siblings of a pane that are looked at.
const MAX_PANES: usize = 20;

/// Returns whether an element is a pane of tabs that is not shown, while another one is.
pub(super) fn is_shut_pane(tree: &Tree<'_>, id: Id) -> bool {
    let classes = &tables().classes;
    let is_pane = |id: Id| tree.classes(id).any(|class| classes.pane.contains(class));
    let is_open = |id: Id| tree.classes(id).any(|class| classes.open.contains(class));
    let is_said = |name: &str, value: &str| tree.attribute(id, name).is_some_and(|said| said == value);
    tree.has_attributes(id)
        && (is_said("role", "tabpanel") && is_said("aria-hidden", "true")
            || is_pane(id)
                && !is_open(id)
                && tree.children(tree.parent(id)).take(MAX_PANES).any(|other| is_pane(other) && is_open(other)))
}
