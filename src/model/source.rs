//! A configured source: its id, kind, authority and publishing policy.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Filter, Format, Link, RegionId, RequestOptions, Zone};

/// Id of a source: `[a-z0-9][a-z0-9._-]*`, at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(Arc<str>);

/// Error: the text is not a valid source id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be an id; use up to 64 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or a digit")]
pub struct SourceError(String);

impl SourceId {
    /// Parses an id.
    ///
    /// # Errors
    /// If it is empty, too long, or contains a character that is not allowed.
    pub fn new(text: &str) -> Result<Self, SourceError> {
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        if begins && text.len() <= 64 && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(SourceError(text.to_owned()))
        }
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of document a source's address serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Kind {
    /// Detect it from the answer.
    #[default]
    Auto,
    /// A feed: RSS, Atom, CDF or JSON Feed.
    Feed,
    /// A page with a list of links.
    List,
    /// A list of items in JSON.
    Json,
    /// XML records with HTML inside, as produced by the hanweb platform.
    XmlRecords,
    /// A sitemap, plain or for news.
    Sitemap,
    /// Warnings of an authority, in a document of any format; told apart by their identifiers alone.
    Alerts,
}

impl Kind {
    /// Returns whether the document is declared not to be a feed, so that robots.txt applies; `Auto` and `Alerts` may
    /// be feeds.
    pub const fn is_page(self) -> bool {
        matches!(self, Self::List | Self::Json | Self::XmlRecords | Self::Sitemap)
    }

    /// The words used in the config.
    pub const WORDS: [(&'static str, Self); 7] = [
        ("auto", Self::Auto),
        ("feed", Self::Feed),
        ("list", Self::List),
        ("json", Self::Json),
        ("xml-records", Self::XmlRecords),
        ("sitemap", Self::Sitemap),
        ("alerts", Self::Alerts),
    ];
}

impl Source {
    /// Maximum length of a title, in characters: it stands beside every item.
    pub const MAX_TITLE: usize = 200;

    /// Returns a number that is another one if its documents are read by other rules.
    pub fn reading(&self) -> u64 {
        let rules = (self.kind, &self.pins, self.reads_articles, &self.charset, &self.zone, self.filter.with_cuts());
        xxhash_rust::xxh3::xxh3_64(format!("{rules:?}").as_bytes())
    }

    /// Returns whether the pages behind a document of this format are read.
    pub const fn reads_pages_of(&self, format: Format) -> bool {
        self.reads_articles && format.is_list()
    }
}

/// Selectors and paths from the config for parts of a document; parts without one are detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectorOverrides {
    /// For a list: `item`, `link`, `title`, `date` and `text`; all but `item` are relative to a row.
    pub list: Vec<(&'static str, String)>,
    /// For an article: `title`, `body`, `date`, `source`, `author`, and any number of `remove`.
    pub article: Vec<(&'static str, String)>,
}

/// Rank of a source; the highest one provides the original of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Authority {
    /// A site that collects stories of others.
    Portal,
    /// A newspaper, station or agency.
    #[default]
    Media,
    /// A government body.
    Official,
}

impl Authority {
    /// Returns the word used in the config: `official`, `media` or `portal`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Media => "media",
            Self::Official => "official",
        }
    }

    /// Parses the word that [`Authority::word`] returns.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Portal, Self::Media, Self::Official].into_iter().find(|a| a.word() == word)
    }
}

/// How much of an item is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Policy {
    /// The first paragraph and a link.
    #[default]
    Excerpt,
    /// The whole body; the config must state a legal basis.
    Full,
}

/// How TLS certificates are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tls {
    /// Certificates must be valid.
    #[default]
    Strict,
    /// Accept invalid certificates; the health page says so.
    Lenient,
}

/// A source to be polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Id, used in the config, the log and in commands.
    pub id: SourceId,
    /// Former ids; the source inherits all data of these.
    pub was: Vec<SourceId>,
    /// Display name.
    pub title: String,
    /// Regions other than its own for which it may issue warnings; `all` means every region.
    pub alerts_for: Vec<RegionId>,
    /// Default region of its items, used if there is no stronger evidence.
    pub region: RegionId,
    /// Address to poll.
    pub url: Link,
    /// Kind of the document at the address.
    pub kind: Kind,
    /// Form data to post, if the address answers to POST only.
    pub post: Option<String>,
    /// Selectors from the config for parts of its documents.
    pub pins: SelectorOverrides,
    /// Whether article pages are fetched if the list does not contain the text.
    pub reads_articles: bool,
    /// Other sites to which its address may lead by a redirect, frame, refresh or parameter, as registrable domains or
    /// hosts.
    pub leads_to: Vec<String>,
    /// Labels added to all its items.
    pub topics: Vec<String>,
    /// Rules about its items.
    pub filter: Filter,
    /// Minimum time between two polls, in seconds, if the config sets one.
    pub interval: Option<Duration>,
    /// Whether it is inside the admin's own networks (`allow_networks`), and may be polled more often than other sites.
    pub is_own: bool,
    /// Whether its requests may go into the admin's own networks; those of other sources never may.
    pub is_inside: bool,
    /// Charset that overrides what the site declares.
    pub charset: Option<String>,
    /// How its TLS certificates are checked.
    pub tls: Tls,
    /// What its requests carry besides the usual; most sources have nothing of the kind.
    pub request: Option<Box<RequestOptions>>,
    /// Time zone assumed for dates that name none.
    pub zone: Zone,
    /// Who wins as the original of a story.
    pub authority: Authority,
    /// How much of its items is published.
    pub policy: Policy,
    /// Rights notice for items that carry none.
    pub rights: Option<String>,
}
