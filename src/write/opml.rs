//! Lists of feeds as OPML 2.0.

use super::clean;
use crate::model::Moment;

/// A feed in a list of feeds, with those of the regions below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Its title.
    pub title: String,
    /// URL of the feed; `None` if the region has none itself.
    pub feed: Option<String>,
    /// URL of the page with the same items.
    pub page: String,
    /// The feeds of the regions below it.
    pub below: Vec<Outline>,
}

/// Writes a list of feeds as OPML 2.0 (opml.org/spec2.opml). Folders hold feeds and folders, and feeds hold nothing: many
/// readers take a feed with others inside for a folder, and lose it.
pub fn opml(title: &str, updated: Moment, outlines: &[Outline]) -> Vec<u8> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<opml version=\"2.0\">\n<head>");
    out.push_str(&format!(
        "<title>{}</title><dateModified>{}</dateModified></head>\n<body>\n",
        clean::escape(title),
        updated.rfc2822()
    ));
    outlines.iter().for_each(|outline| write(outline, MAX_DEPTH, &mut out));
    out.push_str("</body>\n</opml>\n");
    out.into_bytes()
}

/// Maximum depth of folders; what is deeper stands in the deepest one.
const MAX_DEPTH: usize = 8;

fn write(outline: &Outline, depth: usize, out: &mut String) {
    let title = clean::escape(&outline.title);
    let has_folder = !outline.below.is_empty() && depth > 0;
    if has_folder {
        out.push_str(&format!("<outline text=\"{title}\" title=\"{title}\">\n"));
    }
    if let Some(feed) = &outline.feed {
        out.push_str(&format!(
            "<outline type=\"rss\" text=\"{title}\" title=\"{title}\" xmlUrl=\"{}\" htmlUrl=\"{}\"/>\n",
            clean::escape(feed),
            clean::escape(&outline.page)
        ));
    }
    outline.below.iter().for_each(|below| write(below, depth.saturating_sub(1), out));
    if has_folder {
        out.push_str("</outline>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_hold_others_and_no_feed_is_lost() {
        let leaf = |title: &str| Outline {
            title: title.into(),
            feed: Some(format!("https://x/{title}")),
            ..Outline::default()
        };
        let city = Outline { below: vec![leaf("县"), leaf("区")], ..leaf("市") };
        let text =
            String::from_utf8(opml("x", Moment::default(), &[Outline { below: vec![city], ..leaf("省") }])).unwrap();
        assert_eq!(text.matches("xmlUrl=").count(), 4);
        assert_eq!(text.matches("<outline").count(), 6, "{text}");
        assert!(text.lines().filter(|line| line.contains("xmlUrl=")).all(|line| line.ends_with("/>")), "{text}");
        assert_eq!(text.matches("</outline>").count(), 2);
    }
}
