//! Stories as they are asked for.

use super::numbers::StoryNo;
use crate::log::{Position, SourceFacts};
use crate::model::{ItemId, Moment, RegionId, Stamp};
use crate::regions::Evidence;

/// A story's place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Time of publication.
    pub published: Moment,
    /// The story.
    pub story: StoryNo,
}

/// A story of the days on which it began, whether it is published or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The story.
    pub story: StoryNo,
    /// Its id.
    pub id: ItemId,
    /// Length of its first report in the log, in bytes; it never changes.
    pub length: usize,
    /// When it was withdrawn or taken down.
    pub deleted: Option<Moment>,
}

/// A story: an item and the reports of other sources that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Id of the story.
    pub id: ItemId,
    /// Date of publication.
    pub published: Stamp,
    /// Time of the last change of the content.
    pub updated: Moment,
    /// Time it was first seen.
    pub seen: Moment,
    /// The report that is shown.
    pub shown: Report,
    /// The newest reports of the other sources.
    pub others: Vec<Report>,
    /// Its regions, each with the evidence.
    pub regions: Vec<(RegionId, Evidence)>,
    /// The event it belongs to, named by that event's oldest story; `None` if no other story belongs to it.
    pub event: Option<ItemId>,
    /// The other stories of the event.
    pub alongside: Vec<StoryNo>,
    /// The stories it contains as parts, if it is a round-up.
    pub parts: Vec<StoryNo>,
}

/// The newest report of an item: its position and its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Position in the log.
    pub position: Position,
    /// Its source, by the newest facts in the log.
    pub source: SourceFacts,
    /// Id of the item.
    pub item: ItemId,
    /// Positions of the item's earlier reports, oldest first.
    pub earlier: Vec<Position>,
}
