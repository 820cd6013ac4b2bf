//! The elements of other standards that entries have in Atom as well as in RSS: pictures (Media RSS) and places (GeoRSS).

use std::collections::BTreeMap;

use super::channel::Channel;
use super::clean;
use crate::model::{Item, Point};

/// Prefix and namespace of Media RSS.
pub(super) const MEDIA: (&str, &str) = ("media", "http://search.yahoo.com/mrss/");
/// Prefix and namespace of GeoRSS Simple.
pub(super) const GEORSS: (&str, &str) = ("georss", "http://www.georss.org/georss");

/// Prefix and namespace of the Slash module of RSS 1.0, for the number of comments.
pub(super) const SLASH: (&str, &str) = ("slash", "http://purl.org/rss/1.0/modules/slash/");
/// Prefix and namespace of the threading extensions of Atom (RFC 4685), for the same.
pub(super) const THREADS: (&str, &str) = ("thr", "http://purl.org/syndication/thread/1.0");

/// An element with text only.
pub(super) struct Element {
    pub(super) name: &'static str,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) text: Option<String>,
}

/// Returns the elements of an entry: its picture, in the two forms that readers look for, and where it is.
pub(super) fn of_item(channel: &Channel<'_>, item: &Item) -> Vec<Element> {
    let attributes = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), clean::xml(value))).collect::<BTreeMap<_, _>>()
    };
    let picture = item.picture.iter().flat_map(|url| {
        [
            Element { name: "media:content", attributes: attributes(&[("url", url), ("medium", "image")]), text: None },
            Element { name: "media:thumbnail", attributes: attributes(&[("url", url)]), text: None },
        ]
    });
    picture.chain(channel.point_of(item).map(point)).collect()
}

/// Returns the element with the number of comments, under the name that a format has for it.
pub(super) fn replies(name: &'static str, item: &Item) -> Option<Element> {
    Some(Element { name, attributes: BTreeMap::new(), text: Some(item.replies?.to_string()) })
}

/// Returns the element of a point.
pub(super) fn point(point: Point) -> Element {
    Element { name: "georss:point", attributes: BTreeMap::new(), text: Some(point.to_string()) }
}
