//! The feeds that a page names.

use super::charset;
use super::markup::{page::base, text, tree};
use super::rules::Rules;
use crate::model::{Link, Page};

/// Returns the feeds that a page links to (`<link rel="alternate">`, HTML, section 4.6.7.1), with their titles.
pub fn feeds_of(page: &Page, rules: &Rules) -> Vec<(Link, String)> {
    let (text, _) = charset::decode(&page.body, page.content_type.as_deref(), rules.charset.as_deref());
    let tree = tree::Tree::parse(&text);
    let base = base(&tree, &page.url);
    tree.elements(0)
        .filter(|id| tree.is(*id, &["link"]))
        .filter(|id| {
            let has = |name: &str, words: &[&str]| {
                tree.attribute(*id, name)
                    .is_some_and(|value| words.iter().any(|word| value.to_ascii_lowercase().contains(word)))
            };
            has("rel", &["alternate"])
                && has(
                    "type",
                    &["application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"],
                )
        })
        .filter_map(|id| {
            let link = base.join(tree.attribute(id, "href")?.trim()).ok()?;
            Some((link, tree.attribute(id, "title").map(|title| text::line(&title)).unwrap_or_default()))
        })
        .take(20)
        .collect()
}
