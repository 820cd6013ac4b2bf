//! Addresses within a page.

use super::tree::{Id, Tree};
use crate::model::Link;

/// The address that relative links belong to.
pub(in crate::read) fn base(tree: &Tree<'_>, url: &Link) -> Link {
    /// The longest address by which relative ones are resolved, in bytes: each of them may become as long.
    const MAX_BASE: usize = 1024;
    let written =
        (1..tree.len().min(2000)).find(|id| tree.is(*id, &["base"])).and_then(|id| tree.attribute(id, "href"));
    let base = written.and_then(|href| url.join(href.trim()).ok()).filter(|base| base.as_str().len() <= MAX_BASE);
    base.unwrap_or_else(|| url.clone())
}

/// Where a link leads; `None` where it leads nowhere that can be fetched.
pub(in crate::read) fn target(tree: &Tree<'_>, id: Id, base: &Link) -> Option<Link> {
    let href = tree.attribute(id, "href")?;
    let href = href.trim();
    if href.is_empty() || href.starts_with('#') {
        return None;
    }
    let href: String = href.chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect();
    base.join(&href).ok()
}
