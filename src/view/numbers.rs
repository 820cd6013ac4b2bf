//! The numbers that stand for items, stories, sources and regions in memory, where an id would be long. They cannot be
//! mixed up.

/// The number of an item: that of the log record with its first report, so that items are ordered by their arrival.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ItemNo(u64);

/// The number of a story: that of its first item. When stories are joined, the older number stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoryNo(ItemNo);

/// The number of a source: its place in the list of all sources that ever reported, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SourceNo(pub(super) u32);

/// The number of a region: its place in the list of all regions that items were tagged with, from 0. It differs from one
/// start to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RegionNo(pub(super) u32);

impl ItemNo {
    /// Returns the number of the item that the record `seq` reported first.
    pub(super) const fn of(seq: u64) -> Self {
        Self(seq)
    }

    /// Returns the number of the record with its first report.
    pub(super) const fn seq(self) -> u64 {
        self.0
    }

    /// Returns the number of the story that begins with this item.
    pub(super) const fn story(self) -> StoryNo {
        StoryNo(self)
    }
}

impl StoryNo {
    /// Returns the item that the story begins with.
    pub(super) const fn first(self) -> ItemNo {
        self.0
    }

    /// Returns the number of the record that the story began with.
    pub(super) const fn seq(self) -> u64 {
        self.0.seq()
    }
}

impl SourceNo {
    /// Returns the number of the `at`-th source.
    pub(super) fn of(at: usize) -> Self {
        Self(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Returns its place in the list.
    pub(super) fn at(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl RegionNo {
    /// Returns the number of the `at`-th region.
    pub(super) fn of(at: usize) -> Self {
        Self(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Returns its place in the list.
    pub(super) fn at(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}
