use crate::model::{Item, Moment};

/// A format of feeds.
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

    /// The name of its document below a region.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Atom => "atom.xml",
            Self::Rss => "rss.xml",
            Self::Json => "feed.json",
        }
    }

    /// Its media type.
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

/// A feed before it has a format.
#[derive(Clone, Debug)]
pub struct Channel<'a> {
    /// Its id, an absolute address that never changes with the format.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it is about, in a sentence.
    pub description: String,
    /// Its own address, in the format being written.
    pub self_link: String,
    /// The page that shows the same.
    pub page: String,
    /// The address below which our pages lie, without a slash at the end.
    pub root: &'a str,
    /// When the newest change of an item happened; of an empty feed, the beginning of time.
    pub updated: Moment,
    /// The language (BCP 47).
    pub language: &'a str,
    /// Whose the collection is.
    pub rights: Option<&'a str>,
    /// Its items, newest first.
    pub items: &'a [Item],
}

impl Channel<'_> {
    /// The page of an item.
    pub(super) fn item_page(&self, item: &Item) -> String {
        format!("{}/items/{}", self.root, item.id)
    }
}
