use super::{Draft, ItemId, Key, Moment, SourceId};

/// What one source said of one item at one time: the truth of which everything else is derived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The item it speaks of.
    pub item: ItemId,
    /// What tells the item from the others of its source.
    pub key: Key,
    /// Who said it.
    pub source: SourceId,
    /// When we saw it.
    pub seen: Moment,
    /// Which version of the reader made it of the bytes.
    pub reader: u16,
    /// Is this the source's first import, which brings old items along?
    pub first_import: bool,
    /// What was said.
    pub draft: Draft,
}
