//! The formats of documents.

/// What kind of document was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Nothing that can be read.
    #[default]
    Unknown,
    /// RSS 0.9x and 2.0.
    Rss,
    /// Atom.
    Atom,
    /// RSS 0.90 and 1.0.
    Rdf,
    /// The Channel Definition Format.
    Cdf,
    /// JSON Feed.
    JsonFeed,
    /// A page with a list.
    List,
    /// JSON with a list.
    JsonList,
    /// Records of XML in a page.
    XmlRecords,
    /// A sitemap.
    Sitemap,
}

impl Format {
    const WORDS: [(Self, &'static str); 10] = [
        (Self::Unknown, ""),
        (Self::Rss, "rss"),
        (Self::Atom, "atom"),
        (Self::Rdf, "rdf"),
        (Self::Cdf, "cdf"),
        (Self::JsonFeed, "json"),
        (Self::List, "list"),
        (Self::JsonList, "json-list"),
        (Self::XmlRecords, "xml-records"),
        (Self::Sitemap, "sitemap"),
    ];

    /// Returns the keyword; it is empty for an unknown format.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(format, _)| *format == self).map_or("", |(_, word)| word)
    }

    /// Returns the format of a keyword.
    pub fn from_word(word: &str) -> Self {
        Self::WORDS.iter().find(|(_, known)| *known == word).map_or(Self::Unknown, |(format, _)| *format)
    }

    /// Whether its items have pages with their texts.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::List | Self::JsonList | Self::XmlRecords | Self::Sitemap)
    }

    /// Whether it is a feed.
    pub const fn is_feed(self) -> bool {
        !matches!(self, Self::Unknown) && !self.is_list()
    }
}
