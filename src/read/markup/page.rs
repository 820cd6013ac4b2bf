//! Addresses within a page.

use super::tree::{Id, Tree};
use crate::model::Link;

/// Returns the base of relative links.
pub(in crate::read) fn base(tree: &Tree<'_>, url: &Link) -> Link {
    /// The longest base, in bytes: every relative link could become this long.
    const MAX_BASE: usize = 1024;
    let written =
        (1..tree.len().min(2000)).find(|id| tree.is(*id, &["base"])).and_then(|id| tree.attribute(id, "href"));
    let base = written.and_then(|href| url.join(href.trim()).ok()).filter(|base| base.as_str().len() <= MAX_BASE);
    base.unwrap_or_else(|| url.clone())
}

/// Returns the address that a link leads to; `None` if it cannot be fetched.
pub(in crate::read) fn target(tree: &Tree<'_>, id: Id, base: &Link) -> Option<Link> {
    let href = tree.attribute(id, "href")?;
    let href = href.trim();
    if href.is_empty() || href.starts_with('#') {
        return None;
    }
    let href: String = href.chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect();
    base.join(&href).ok()
}
