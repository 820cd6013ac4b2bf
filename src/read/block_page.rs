//! Recognises pages served in place of the requested one: challenges, error pages, firewall pages, whatever their
//! status.

use super::markup::text;
use super::markup::tree::Tree;
use super::tables::{BlockPage, tables};

/// Returns why a page is not usable; `None` if it may be. `length` is the size of the page in bytes.
pub(super) fn of(tree: &Tree<'_>, title: &str, length: usize) -> Option<String> {
    let lower = title.to_lowercase();
    let is_it = |page: &&BlockPage| page.titles.iter().any(|mark| lower.contains(mark.as_str()));
    if let Some(page) = tables().block_page.iter().find(is_it) {
        return Some(page.means.clone());
    }
    let scripts: String =
        tree.elements(0).filter(|id| tree.is(*id, &["script"])).map(|id| tree.raw(id)).take(20).collect();
    let is_marked = |id: usize| {
        let marks = &tables().scripts.challenge_attributes;
        marks.iter().any(|(name, value)| tree.attribute(id, name).is_some_and(|found| found.trim() == value))
    };
    let marked = || tree.elements(0).filter(|id| tree.is(*id, &["script"])).take(20).any(is_marked);
    let shown: usize = tree.texts(0).map(|(_, text)| text::width(&text)).sum();
    let said = || tables().scripts.challenge.iter().any(|mark| scripts.contains(mark.as_str()));
    (shown < 200 && length < 200_000 && (said() || marked()))
        .then(|| "the site returned a script challenge instead of a page".to_owned())
}
