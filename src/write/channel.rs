//! A feed independent of its format, and the formats.

use std::collections::BTreeMap;

use crate::model::{Item, ItemId, Moment, Point, RegionId, Service};

/// A feed format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Atom 1.0 (RFC 4287).
    Atom,
    /// RSS 2.0 (rssboard.org).
    Rss,
    /// JSON Feed 1.1 (jsonfeed.org).
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Atom, Self::Rss, Self::Json];

    /// Returns the file name of the feed below the path of a region.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Atom => "atom.xml",
            Self::Rss => "rss.xml",
            Self::Json => "feed.json",
        }
    }

    /// Returns the media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Json => "application/feed+json; charset=utf-8",
        }
    }

    /// Title of the source.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Atom => "Atom",
            Self::Rss => "RSS",
            Self::Json => "JSON Feed",
        }
    }
}

/// A feed, independent of its format.
#[derive(Clone, Debug, Default)]
pub struct Channel<'a> {
    /// Id: a URL that is the same in every format.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Description, in one sentence.
    pub description: String,
    /// URL of the feed itself, in the format that is written.
    pub self_link: String,
    /// URL of the hub that sends the feed to subscribers, if there is one (WebSub).
    pub hub: Option<String>,
    /// URL of the page with the same items.
    pub page: String,
    /// Base URL of the site, without a slash at the end.
    pub root: &'a str,
    /// Time of the newest change of an item; the epoch if the feed is empty.
    pub updated: Moment,
    /// Language (BCP 47).
    pub language: &'a str,
    /// Rights notice of the collection.
    pub rights: Option<&'a str>,
    /// Items, newest first.
    pub items: &'a [Item],
    /// Items that were withdrawn lately, and when.
    pub deleted: &'a [(ItemId, Moment)],
    /// The regions of its items.
    pub places: BTreeMap<RegionId, PlaceName>,
    /// Where the region of the feed is.
    pub point: Option<Point>,
    /// Services of its government.
    pub services: &'a [Service],
    /// Which entries end with a line about their origin.
    pub footer: Footer,
    /// The documents before and after it.
    pub chain: Chain,
}

/// Name and place of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceName {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub point: Option<Point>,
}

/// Which entries of a feed end with a line about their origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Footer {
    /// Those with a text. Readers show the text of an entry or else its excerpt, so none shows the line twice.
    #[default]
    Texts,
    /// Also those with an excerpt only, which then is their text, too.
    All,
    /// None.
    None,
}

/// The documents that a feed is divided into (RFC 5005, section 4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Whether this is an archive that nothing is added to any more.
    pub is_archive: bool,
    /// URL of the feed itself, if this is not it.
    pub current: Option<String>,
    /// URL of the archive before this document.
    pub previous: Option<String>,
    /// URL of the archive after this one.
    pub next: Option<String>,
}

impl Channel<'_> {
    /// Returns the scheme of the categories that are regions: a URL below which each has its page.
    pub(super) fn region_scheme(&self) -> String {
        format!("{}/regions", self.root)
    }

    /// Returns the regions of an item, each with its name and place.
    pub(super) fn places_of<'c>(&'c self, item: &'c Item) -> impl Iterator<Item = (&'c RegionId, &'c PlaceName)> {
        item.regions.iter().filter_map(|region| Some((region, self.places.get(region)?)))
    }

    /// Returns where an item is: the first of its regions that has a point.
    pub(super) fn point_of(&self, item: &Item) -> Option<Point> {
        self.places_of(item).find_map(|(_, place)| place.point)
    }

    /// Returns the URL of the page of an item.
    pub(super) fn item_page(&self, item: &Item) -> String {
        format!("{}/items/{}", self.root, item.id)
    }
}
