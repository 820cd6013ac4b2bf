//! A report: what one source said about one item at one time.

use super::{Draft, ItemId, Key, Moment, SourceId};

/// What one source said about one item at one time. Everything else is derived from reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The item that was reported.
    pub item: ItemId,
    /// Key of the item within its source.
    pub key: Key,
    /// The source that reported it.
    pub source: SourceId,
    /// Time when we saw it.
    pub seen: Moment,
    /// Version of the parser that produced the draft.
    pub reader: u16,
    /// Whether this is part of the source's first import, which brings in old items.
    pub first_import: bool,
    /// The content of the report.
    pub draft: Draft,
}
