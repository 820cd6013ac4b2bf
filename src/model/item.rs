use super::{Enclosure, ItemId, Moment, RegionId, SourceId, Stamp};

/// A story as it is published: one entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id, the same in every feed and format.
    pub id: ItemId,
    /// The original's title, unchanged.
    pub title: String,
    /// The original's address.
    pub link: Option<String>,
    /// When it was published; never changes. Where the source gave no date, when it was first seen.
    pub published: Stamp,
    /// When its content changed last.
    pub updated: Moment,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Labels of the source.
    pub categories: Vec<String>,
    /// The first paragraph as plain text, cut to the length of an excerpt.
    pub excerpt: String,
    /// The sanitised body, only where its source allows that.
    pub content_html: Option<String>,
    /// Attached files.
    pub enclosures: Vec<Enclosure>,
    /// The page where it is discussed.
    pub comments: Option<String>,
    /// Whose it is.
    pub rights: Option<String>,
    /// Whose report is shown.
    pub provenance: Provenance,
    /// The other reports of the same story.
    pub related: Vec<Related>,
    /// The regions it is tagged with, without their ancestors.
    pub regions: Vec<RegionId>,
}

/// The source of a shown report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The source.
    pub source: SourceId,
    /// Its title.
    pub title: String,
    /// Its address.
    pub link: String,
    /// Where it says it has the story from.
    pub credit: Option<String>,
}

/// Another report of the same story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Its title.
    pub title: String,
    /// Its address.
    pub link: String,
    /// The title of its source.
    pub source: String,
}

/// One change of an item's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// When it was seen.
    pub at: Moment,
    /// Title and paragraphs, as they were and are. What stays far from any change is left out.
    pub changes: Vec<Change>,
}

/// A paragraph in a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stayed.
    Kept(String),
    /// It came.
    Added(String),
    /// It went.
    Removed(String),
}
