use super::clean;
use crate::model::Moment;

/// A feed in a list of feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Its title.
    pub title: String,
    /// Address of the source.
    pub feed: String,
    /// URL of the page with the same items.
    pub page: String,
}

/// Writes a list of feeds as OPML 2.0 (opml.org/spec2.opml). The feeds are not nested: many readers take a feed with
/// others inside for a folder, and lose it.
pub fn opml(title: &str, updated: Moment, outlines: &[Outline]) -> Vec<u8> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<opml version=\"2.0\">\n<head>");
    out.push_str(&format!(
        "<title>{}</title><dateModified>{}</dateModified></head>\n<body>\n",
        clean::escape(title),
        updated.rfc2822()
    ));
    for outline in outlines {
        let title = clean::escape(&outline.title);
        out.push_str(&format!(
            "<outline type=\"rss\" text=\"{title}\" title=\"{title}\" xmlUrl=\"{}\" htmlUrl=\"{}\"/>\n",
            clean::escape(&outline.feed),
            clean::escape(&outline.page)
        ));
    }
    out.push_str("</body>\n</opml>\n");
    out.into_bytes()
}
