//! The faults of a document or an item, and their kinds.

use crate::model::one_line;

/// A fault of a document or an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of fault.
    pub kind: FaultKind,
    /// The element, line or field with the fault.
    pub place: String,
    /// A sentence for the admin.
    pub detail: String,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, place: &str, detail: String) -> Self {
        Self { kind, place: place.to_owned(), detail: one_line(&detail) }
    }
}

/// The kinds of faults found when reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The answer has no content.
    Empty,
    /// The document is not a feed.
    NotAFeed,
    /// The document cannot be decoded with the charset.
    Mojibake,
    /// The elements are nested too deeply.
    TooDeep,
    /// The document is cut off in the middle.
    Truncated,
    /// The document has item tags, but no item could be read.
    ItemsLost,
    /// The document has more items, elements or entity text than are read.
    TooMany,
    /// A date could not be understood, or is out of range.
    Date,
    /// The JSON document is broken.
    Json,
    /// A selector from the config matches nothing.
    Selector,
    /// The page is a challenge or an error page, whatever its status says.
    Challenge,
    /// The document holds no list.
    NoList,
    /// Reading takes more work than a document of this size may.
    TooMuch,
}

impl FaultKind {
    /// Returns the word for this kind in JSON and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotAFeed => "not-a-feed",
            Self::Mojibake => "mojibake",
            Self::TooDeep => "too-deep",
            Self::Truncated => "truncated",
            Self::ItemsLost => "items-lost",
            Self::TooMany => "too-many",
            Self::Date => "date",
            Self::Json => "json",
            Self::Selector => "selector",
            Self::Challenge => "challenge",
            Self::NoList => "no-list",
            Self::TooMuch => "too-much",
        }
    }

    /// Returns whether the fault makes the whole document unusable.
    pub const fn is_fatal(self) -> bool {
        matches!(
            self,
            Self::Empty
                | Self::NotAFeed
                | Self::Mojibake
                | Self::TooDeep
                | Self::ItemsLost
                | Self::Json
                | Self::Challenge
                | Self::NoList
                | Self::TooMuch
        )
    }
}
