//! The feeds that a page names.

use super::charset;
use super::markup::{page::base, text, tree};
use super::rules::Rules;
use crate::model::{Link, Page};

/// The most feeds of a page.
const MAX_FEEDS: usize = 20;
/// The media types of feeds.
const TYPES: [&str; 4] =
    ["application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"];
/// Parts of addresses of JSON that is no feed, although JSON Feed 1.0 shares its media type: APIs, embedding, manifests.
const NOT_FEEDS: [&str; 3] = ["wp-json", "oembed", "manifest"];

/// Returns the feeds that a page links to (`<link rel="alternate">`, HTML, section 4.6.7.1), with their titles.
pub fn feeds_of(page: &Page, rules: &Rules) -> Vec<(Link, String)> {
    let (text, _) = charset::decode(&page.body, page.content_type.as_deref(), rules.charset.as_deref());
    let tree = tree::Tree::parse(&text);
    let base = base(&tree, &page.url);
    let all: Vec<(Link, String)> = tree
        .elements(0)
        .filter(|id| tree.is(*id, &["link"]))
        .filter(|id| {
            let has = |name: &str, words: &[&str]| {
                tree.attribute(*id, name)
                    .is_some_and(|value| words.iter().any(|word| value.to_ascii_lowercase().contains(word)))
            };
            has("rel", &["alternate"])
                && (has("type", &TYPES) || has("type", &["application/json"]) && !has("href", &NOT_FEEDS))
        })
        .filter_map(|id| {
            let link = base.join(tree.attribute(id, "href")?.trim()).ok()?;
            Some((link, tree.attribute(id, "title").map(|title| text::line(&title)).unwrap_or_default()))
        })
        .take(MAX_FEEDS)
        .collect();
    // Comment feeds come last, whatever the language of their titles.
    let (comments, mut feeds): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(link, title)| is_of_comments(link, title));
    feeds.extend(comments);
    feeds
}

/// Returns whether a feed holds comments, by its address (`/comments/feed/`, `?feed=comments-rss2`) or its title.
fn is_of_comments(link: &Link, title: &str) -> bool {
    let path = link.path_and_query().to_ascii_lowercase();
    path.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| matches!(word, "comments" | "comment"))
        || title.to_lowercase().contains("comment")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_of_a_page_comes_before_that_of_its_comments() {
        let page = |head: &str| Page {
            url: Link::parse("https://town.example/").unwrap(),
            body: head.as_bytes().to_vec(),
            content_type: None,
        };
        let check = |head: &str, expected: &[&str]| {
            let found = feeds_of(&page(head), &Rules::default());
            let paths: Vec<String> = found.iter().map(|(link, _)| link.path_and_query()).collect();
            assert_eq!(paths, expected);
        };
        check(
            "<link rel=alternate type=application/rss+xml title='Orte » Kommentar-Feed' href=/comments/feed/>\
             <link rel=alternate type=application/rss+xml title='Orte » Feed' href=/feed/>",
            &["/feed/", "/comments/feed/"],
        );
        check(
            "<link rel=alternate type=application/json href=/wp-json/wp/v2/pages/2>\
             <link rel=alternate type=application/json href=/feed.json>",
            &["/feed.json"],
        );
    }
}
