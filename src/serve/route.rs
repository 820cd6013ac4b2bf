//! The routing table, short enough to be read by eye.

use super::part::{self, Part};
use crate::model::{ItemId, RegionId, SourceId};
use crate::write::Format;

/// The target of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Home,
    Region(&'a str),
    Feed(&'a str, Format),
    /// The feed of the whole site.
    SiteFeed(Format),
    Archive(&'a str, Part),
    Item(ItemId),
    Opml,
    /// The tree of all regions.
    Regions,
    About,
    Icon,
    Favicon,
    /// The page of a source.
    Source(SourceId),
    Sources,
    SourcesFeed,
    /// How the sources fared.
    Digest,
    /// Results of a search: a page, or a feed.
    Search(Option<Format>),
    OpenSearch,
    /// Where the hub of a source verifies our subscription.
    Callback(&'a str),
    Style,
    FeedStyle,
    Health,
    Ready,
    Robots,
    Nothing,
}

impl<'a> Route<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        let mut parts = path.strip_prefix('/').unwrap_or(path).split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(""), None, ..) => Self::Home,
            (Some("regions"), Some(name), None, _) => named(name, Self::Region),
            (Some("regions"), Some(name), Some(""), None) => named(name, Self::Region),
            (Some("regions"), Some(name), Some("atom.xml"), None) => named(name, |name| Self::Feed(name, Format::Atom)),
            (Some("regions"), Some(name), Some("rss.xml"), None) => named(name, |name| Self::Feed(name, Format::Rss)),
            (Some("regions"), Some(name), Some("feed.json"), None) => {
                named(name, |name| Self::Feed(name, Format::Json))
            }
            (Some("atom.xml"), None, ..) => Self::SiteFeed(Format::Atom),
            (Some("rss.xml"), None, ..) => Self::SiteFeed(Format::Rss),
            (Some("feed.json"), None, ..) => Self::SiteFeed(Format::Json),
            (Some("regions"), None, ..) => Self::Regions,
            (Some("about"), None, ..) => Self::About,
            (Some("icon.svg"), None, ..) => Self::Icon,
            (Some("favicon.ico"), None, ..) => Self::Favicon,
            (Some("regions"), Some(name), Some("archive"), Some(file)) if parts.next().is_none() => {
                part::named(file).map_or(Self::Nothing, |part| named(name, |name| Self::Archive(name, part)))
            }
            (Some("items"), Some(id), None, _) => ItemId::parse(id).map_or(Self::Nothing, Self::Item),
            (Some("opml.xml"), None, ..) => Self::Opml,
            (Some("sources"), None, ..) => Self::Sources,
            (Some("sources"), Some("atom.xml"), None, _) => Self::SourcesFeed,
            (Some("sources"), Some("digest.xml"), None, _) => Self::Digest,
            (Some("sources"), Some(id), None, _) => SourceId::new(id).map_or(Self::Nothing, Self::Source),
            (Some("search"), None, ..) => Self::Search(None),
            (Some("search.atom" | "search.xml"), None, ..) => Self::Search(Some(Format::Atom)),
            (Some("search.rss"), None, ..) => Self::Search(Some(Format::Rss)),
            (Some("search.json"), None, ..) => Self::Search(Some(Format::Json)),
            (Some("opensearch.xml"), None, ..) => Self::OpenSearch,
            (Some("hub"), Some("in"), Some(token), None) => Self::Callback(token),
            (Some("style.css"), None, ..) => Self::Style,
            (Some("feed.css"), None, ..) => Self::FeedStyle,
            (Some("healthz"), None, ..) => Self::Health,
            (Some("readyz"), None, ..) => Self::Ready,
            (Some("robots.txt"), None, ..) => Self::Robots,
            _ => Self::Nothing,
        }
    }
}

/// Returns a path below the path of the site. A proxy in front may have removed that already.
pub(super) fn below<'a>(path: &'a str, root: &str) -> &'a str {
    match path.strip_prefix(root) {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// Refuses whatever cannot be the name of a region, before any look-up.
fn named<'a>(name: &'a str, route: impl Fn(&'a str) -> Route<'a>) -> Route<'a> {
    if RegionId::new(name).is_ok() { route(name) } else { Route::Nothing }
}

/// Returns the value of a key in a query, percent-decoded. What cannot be decoded becomes U+FFFD, which is in no id.
pub(super) fn parameter(query: Option<&str>, key: &str) -> Option<String> {
    let pair = query?.split('&').take(16).find_map(|pair| pair.split_once('=').filter(|(name, _)| *name == key))?;
    let mut bytes = Vec::new();
    let mut rest = pair.1.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex = [rest.next(), rest.next()].map(Option::unwrap_or_default);
                // 0xff is in no UTF-8 text.
                std::str::from_utf8(&hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0xff)
            }
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let check = |path: &str, expected: Route<'_>| assert_eq!(Route::of(path), expected, "{path}");
        check("/", Route::Home);
        check("/regions/140300", Route::Region("140300"));
        check("/regions/140300/", Route::Region("140300"));
        check("/regions/140300/atom.xml", Route::Feed("140300", Format::Atom));
        check("/opml.xml", Route::Opml);
        check("/feed.json", Route::SiteFeed(Format::Json));
        check("/favicon.ico", Route::Favicon);
        check("/sources/atom.xml", Route::SourcesFeed);
        check("/sources/digest.xml", Route::Digest);
        check("/sources/yq-gov", Route::Source(SourceId::new("yq-gov").unwrap()));
        check("/search", Route::Search(None));
        check("/hub/in/5e", Route::Callback("5e"));
        check("/search.json", Route::Search(Some(Format::Json)));
        for path in [
            "/../../etc/passwd",
            "/%2e%2e%2f",
            "/regions/..%5c",
            "/regions/../admin",
            "/regions/%00",
            "/regions/a/b/c",
            "/regions/a/archive/2026-13.xml",
            "/regions/a/archive/2026-12.xml/x",
            "/regions/a/archive/",
            "//",
            "",
            "/items/1",
            "/regions/<script>",
        ] {
            let route = Route::of(path);
            assert!(route == Route::Nothing || (path.is_empty() && route == Route::Home), "{path}: {route:?}");
        }
    }

    #[test]
    fn parameters() {
        assert_eq!(parameter(Some("a=1&source=x%2Dy"), "source").as_deref(), Some("x-y"));
        assert_eq!(parameter(Some("source=%f"), "source").as_deref(), Some("\u{fffd}"));
        assert_eq!(parameter(Some("source=%ff"), "source").as_deref(), Some("\u{fffd}"));
        assert_eq!(parameter(None, "source"), None);
    }
}
