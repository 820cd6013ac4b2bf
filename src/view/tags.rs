//! The regions that an item is tagged with.

use std::num::NonZeroU8;

use super::numbers::RegionNo;
use crate::regions::Evidence;

/// A region, and the number of its evidence, counted from 1.
type Tag = (RegionNo, NonZeroU8);

/// The regions of an item, each with the number of its evidence; most items have one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::box_collection, reason = "a word instead of three, in each of a million items")]
pub(super) struct Tags {
    first: Option<Tag>,
    more: Option<Box<Vec<Tag>>>,
}

impl Tags {
    pub(super) fn push(&mut self, region: RegionNo, evidence: Evidence) {
        let tag = (region, NonZeroU8::MIN.saturating_add(u8::try_from(evidence.number()).unwrap_or(0)));
        if self.first.is_none() {
            self.first = Some(tag);
        } else if !self.iter().any(|(known, _)| known == region) {
            self.more.get_or_insert_default().push(tag);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (RegionNo, Evidence)> {
        let tags = self.first.into_iter().chain(self.more.iter().flat_map(|more| more.iter().copied()));
        tags.map(|(region, evidence)| (region, Evidence::at(usize::from(evidence.get()) - 1)))
    }
}
