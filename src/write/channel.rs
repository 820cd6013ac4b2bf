use crate::model::{Item, Moment};

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
#[derive(Clone, Debug)]
pub struct Channel<'a> {
    /// Id: a URL that is the same in every format.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Description, in one sentence.
    pub description: String,
    /// URL of the feed itself, in the format that is written.
    pub self_link: String,
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
}

impl Channel<'_> {
    /// Returns the URL of the page of an item.
    pub(super) fn item_page(&self, item: &Item) -> String {
        format!("{}/items/{}", self.root, item.id)
    }
}
