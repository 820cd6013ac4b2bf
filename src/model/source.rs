use std::fmt;

use super::{Link, RegionId, Zone};

/// The name of a source: `[a-z0-9][a-z0-9._-]*`, at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(String);

/// A text that cannot be the id of a source.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be an id; use up to 64 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or a digit")]
pub struct SourceError(String);

impl SourceId {
    /// The id written as `text`.
    ///
    /// # Errors
    /// Where a character is not allowed, or it is empty or too long.
    pub fn new(text: &str) -> Result<Self, SourceError> {
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        if begins && text.len() <= 64 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SourceError(text.to_owned()))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What lies at a source's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Kind {
    /// To be found out from the answer.
    #[default]
    Auto,
    /// A feed: RSS, Atom, CDF or JSON Feed.
    Feed,
    /// A page with a list of links.
    List,
    /// A list in JSON.
    Json,
    /// Records of XML with HTML inside, as the hanweb platform has them.
    XmlRecords,
    /// A sitemap, plain or for news.
    Sitemap,
    /// Warnings of an authority, in a document of any kind: told apart by their identifiers alone.
    Alerts,
}

impl Kind {
    /// Is it meant to be something else than a feed?
    pub const fn is_page(self) -> bool {
        matches!(self, Self::List | Self::Json | Self::XmlRecords | Self::Sitemap)
    }

    /// The words of the config.
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

/// Selectors and paths by which the config says where the parts of a document are; what is absent is detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// Of a list: `item`, `link`, `title`, `date`, each within a row.
    pub list: Vec<(&'static str, String)>,
    /// Of an article: `title`, `body`, `date`, `source`, `author`, and any number of `remove`.
    pub article: Vec<(&'static str, String)>,
}

/// Who speaks; the higher wins as the original of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Authority {
    /// A collection of others' stories.
    Portal,
    /// A newspaper, station or agency.
    #[default]
    Media,
    /// A government body.
    Official,
}

impl Authority {
    /// The word of the config: `official`, `media` or `portal`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Media => "media",
            Self::Official => "official",
        }
    }

    /// The authority that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Portal, Self::Media, Self::Official].into_iter().find(|a| a.word() == word)
    }
}

/// How much of an item is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Policy {
    /// The first paragraph, and a link.
    #[default]
    Excerpt,
    /// The whole body; the config states the basis.
    Full,
}

/// How certificates are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tls {
    /// They must be valid.
    #[default]
    Strict,
    /// Broken ones are put up with, and shown.
    Lenient,
}

/// Something that is polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name in the config, the log and every command.
    pub id: SourceId,
    /// The ids that it had before; what is known of them is known of it.
    pub was: Vec<SourceId>,
    /// Its name for people.
    pub title: String,
    /// The regions beside its own whose warnings it may give out; `all` is every region.
    pub alerts_for: Vec<RegionId>,
    /// The region that its items belong to where nothing stronger says otherwise.
    pub region: RegionId,
    /// Where it is fetched.
    pub url: Link,
    /// What lies there.
    pub kind: Kind,
    /// What is posted there, where it answers to POST only.
    pub post: Option<String>,
    /// Where the config says that the parts of its documents are.
    pub pins: Pins,
    /// Are the pages of its items read, where its list does not hold their text?
    pub reads_articles: bool,
    /// Other sites that its address may lead to by a frame, a refresh or a parameter, as registrable domains or hosts.
    pub leads_to: Vec<String>,
    /// Labels that all its items get.
    pub topics: Vec<String>,
    /// The least time between two polls, in seconds, where its config sets one.
    pub interval: Option<u32>,
    /// Does it lie in one's own networks (`allow_networks`), where it may be asked more often than a stranger's?
    pub is_own: bool,
    /// May it be in one's own networks? Nobody else is led there.
    pub is_inside: bool,
    /// The charset that overrides what the site says.
    pub charset: Option<String>,
    /// How its certificates are judged.
    pub tls: Tls,
    /// The zone of dates that name none.
    pub zone: Zone,
    /// Who wins as the original of a story.
    pub authority: Authority,
    /// How much of its items is published.
    pub policy: Policy,
    /// Whose its items are, where they do not say so themselves.
    pub rights: Option<String>,
}
