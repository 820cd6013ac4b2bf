use crate::model::one_line;

/// What was wrong with a document or an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which of the known faults it is.
    pub kind: FaultKind,
    /// The element, line or field.
    pub place: String,
    /// A sentence for the admin.
    pub detail: String,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, place: &str, detail: String) -> Self {
        Self { kind, place: place.to_owned(), detail: one_line(&detail) }
    }
}

/// The faults that reading knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The answer has no content.
    Empty,
    /// It is no feed.
    NotAFeed,
    /// It cannot be read in any charset.
    Mojibake,
    /// Its elements are nested too deeply.
    TooDeep,
    /// It is cut off in the middle.
    Truncated,
    /// It holds item tags, but no item could be read.
    ItemsLost,
    /// It holds more items than are taken.
    TooMany,
    /// A date could not be understood.
    Date,
    /// A JSON document is broken.
    Json,
    /// A selector of the config matches nothing.
    Selector,
    /// The page is a challenge or an error, whatever its status says.
    Challenge,
    /// The page holds no list and no article.
    NoList,
    /// It takes more work than a document of its size may.
    TooMuch,
}

impl FaultKind {
    /// The word used in JSON and logs.
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

    /// Does it make the whole document worthless?
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
