//! The regions that items are tagged with, and how they lie to each other.

use std::collections::HashMap;
use std::sync::Arc;

use super::numbers::RegionNo;
use super::tags::Tags;
use crate::log::SourceFacts;
use crate::model::{Draft, RegionId};
use crate::regions::{Evidence, Places};

#[derive(Debug, Default)]
pub(super) struct Geography {
    /// Region names used to place items.
    places: Arc<Places>,
    /// The tagged regions by number.
    regions: Vec<RegionId>,
    numbers: HashMap<RegionId, RegionNo>,
}

impl Geography {
    /// Returns the same regions with these names for placing new items.
    pub(super) fn with(self, places: &Arc<Places>) -> Self {
        Self { places: Arc::clone(places), ..self }
    }

    pub(super) fn region(&self, number: RegionNo) -> Option<&RegionId> {
        self.regions.get(number.at())
    }

    /// Returns every region that an item was ever tagged with.
    pub(super) fn regions(&self) -> &[RegionId] {
        &self.regions
    }

    pub(super) fn number(&self, region: &RegionId) -> Option<RegionNo> {
        self.numbers.get(region).copied()
    }

    /// Returns the number of a region, assigning one if it has none.
    pub(super) fn number_or_new(&mut self, region: &RegionId) -> RegionNo {
        self.number(region).unwrap_or_else(|| {
            let number = RegionNo::of(self.regions.len());
            self.numbers.insert(region.clone(), number);
            self.regions.push(region.clone());
            number
        })
    }

    /// Returns the tags of a report from a source in the region `home`, by its contents.
    pub(super) fn place(&mut self, home: &RegionId, draft: &Draft, may_warn: bool) -> Tags {
        let mut tags = Tags::default();
        for tag in self.places.place(home, draft, may_warn) {
            tags.push(self.number_or_new(&tag.region), tag.evidence);
        }
        tags
    }

    /// Returns the tag of an item placed only by its source.
    pub(super) fn inherited(&mut self, home: &RegionId) -> Tags {
        let mut tags = Tags::default();
        tags.push(self.number_or_new(home), Evidence::Inherited);
        tags
    }

    /// Returns whether a source may issue this warning: its code lies in the source's own region, or in one that an
    /// admin allowed (`alerts_for`).
    pub(super) fn may_warn(&self, facts: &SourceFacts, draft: &Draft) -> bool {
        let code = draft.code.as_deref();
        let lies_in = |region| code.is_some_and(|code| self.places.is_coded_within(code, region));
        facts.alerts_for.iter().any(|region| region.as_str() == SourceFacts::ALL || lies_in(region))
            || lies_in(&facts.region)
    }

    /// Returns whether a tagged region lies in another region.
    pub(super) fn is_within(&self, number: RegionNo, region: &RegionId) -> bool {
        self.region(number).is_some_and(|inner| self.places.is_within(inner, region))
    }

    /// Returns whether one of two regions lies in the other.
    pub(super) fn meet(&self, one: &RegionId, other: &RegionId) -> bool {
        self.places.is_within(one, other) || self.places.is_within(other, one)
    }

    /// Returns whether the contents of two items tag them with unrelated regions, none within another.
    pub(super) fn are_apart(&self, one: &Tags, other: &Tags) -> bool {
        let told = |tags: &Tags| {
            let said = tags.iter().filter(|(_, evidence)| *evidence != Evidence::Inherited);
            said.filter_map(|(number, _)| self.region(number)).collect::<Vec<_>>()
        };
        let (one, other) = (told(one), told(other));
        !one.is_empty() && !other.is_empty() && !one.iter().any(|a| other.iter().any(|b| self.meet(a, b)))
    }
}
