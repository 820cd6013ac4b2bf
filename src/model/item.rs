//! A story as it is published, and its revisions.

use super::{Enclosure, ItemId, Link, Moment, RegionId, SourceId, Stamp};

/// A published story: one entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Id, the same in every feed and format.
    pub id: ItemId,
    /// Title of the original report, unchanged.
    pub title: String,
    /// Address of the original report.
    pub link: Option<String>,
    /// Publication date, as the owner of the story gives it; moves only when readers cannot have seen the story under another. If the source gave none, the time when the item was first seen.
    pub published: Stamp,
    /// Time of the last change of the content.
    pub updated: Moment,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Who put it up (责编).
    pub editors: Vec<String>,
    /// Labels given by the source.
    pub categories: Vec<String>,
    /// Plain text of the first paragraph, cut to the length of an excerpt.
    pub excerpt: String,
    /// Sanitised body; only if the policy of the source allows it.
    pub content_html: Option<String>,
    /// Address of a picture of it, at its original site.
    pub picture: Option<String>,
    /// Attached files, at most 32.
    pub enclosures: Vec<Enclosure>,
    /// Address of the discussion page.
    pub comments: Option<String>,
    /// Number of comments when the shown report was made.
    pub replies: Option<u32>,
    /// Rights notice.
    pub rights: Option<String>,
    /// Source of the report that is shown.
    pub provenance: Provenance,
    /// Other reports of the same story.
    pub related: Vec<Related>,
    /// Regions of the item, without their ancestors.
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
    /// Whether its address is that of a feed.
    pub is_feed: bool,
    /// Where the source says it got the story.
    pub credit: Option<String>,
}

impl Provenance {
    /// Returns the site of the source, if its address is that of a feed and so no page.
    pub fn site(&self) -> Option<String> {
        let root = Link::parse(&self.link).ok()?.join("/").ok()?;
        self.is_feed.then(|| root.as_str().to_owned())
    }
}

/// Another report of the same story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Title of the story.
    pub title: String,
    /// Its address.
    pub link: String,
    /// Title of the source.
    pub source: String,
    /// Publication date that this report gives.
    pub published: Option<Stamp>,
}

/// One change of an item's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Time when the change was seen.
    pub at: Moment,
    /// Title and paragraphs before and after. Unchanged paragraphs far from any change are omitted.
    pub changes: Vec<Change>,
}

/// A paragraph in a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The paragraph did not change.
    Kept(String),
    /// The paragraph is new.
    Added(String),
    /// The paragraph was removed.
    Removed(String),
}
