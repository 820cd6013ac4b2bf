//! The numbers that stand for sources and regions in memory, where an id would be long. They cannot be mixed up.

/// The number of a source: its place in the list of all sources that ever reported, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SourceNo(pub(super) u32);

/// The number of a region: its place in the list of all regions that items were tagged with, from 0. It differs from one
/// start to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RegionNo(pub(super) u32);

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
