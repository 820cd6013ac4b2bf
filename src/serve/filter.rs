//! The filters of a feed, as its query gives them.

use crate::model::{Region, RegionId, Regions, SourceId};

/// Which part of a region's items a feed holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Filter {
    /// Only what this source reported.
    pub(super) source: Option<SourceId>,
    /// The regions whose items it holds.
    pub(super) reach: Reach,
}

/// The regions whose items a feed holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Reach {
    /// The region alone, without those below it (`only=1`).
    pub(super) is_alone: bool,
    /// Also what concerns a region above as a whole, and so this one too (`above=1`).
    pub(super) has_above: bool,
}

impl Filter {
    /// Returns whether it leaves the feed as it is.
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the query that means this filter, always in the same form; empty if it is none.
    pub(super) fn query(&self) -> String {
        query(self.reach.parts().chain(self.source.iter().map(|source| format!("source={source}"))))
    }
}

/// Joins the parts of a query.
pub(super) fn query(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

impl Reach {
    /// Returns what a query says of it.
    pub(super) fn parts(self) -> impl Iterator<Item = String> {
        let parts = [(self.is_alone, "only=1"), (self.has_above, "above=1")];
        parts.into_iter().filter(|(is_set, _)| *is_set).map(|(_, part)| part.to_owned())
    }

    /// Returns whether the feed of a region holds items with this tag.
    pub(super) fn holds(self, regions: &Regions, region: &RegionId, tag: &RegionId) -> bool {
        let is_member = |place: &Region| place.members.contains(tag);
        let is_own = if self.is_alone {
            tag == region || regions.get(region).is_some_and(is_member)
        } else {
            regions.covers(region, tag)
        };
        is_own || self.has_above && regions.path(region).iter().skip(1).any(|above| &above.id == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_feed_holds() {
        let regions = Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap();
        let id = |text: &str| RegionId::new(text).unwrap();
        let holds =
            |is_alone, has_above, tag: &str| Reach { is_alone, has_above }.holds(&regions, &id("140300"), &id(tag));
        let check =
            |is_alone, has_above| ["140000", "140300", "140321", "140400"].map(|tag| holds(is_alone, has_above, tag));
        assert_eq!(check(false, false), [false, true, true, false]);
        assert_eq!(check(true, false), [false, true, false, false]);
        assert_eq!(check(false, true), [true, true, true, false]);
        assert_eq!(check(true, true), [true, true, false, false]);
    }

    #[test]
    fn one_query_for_each_filter() {
        let filter = Filter { source: SourceId::new("a").ok(), reach: Reach { is_alone: true, has_above: true } };
        assert_eq!(filter.query(), "?only=1&above=1&source=a");
        assert_eq!(Filter::default().query(), "");
    }
}
