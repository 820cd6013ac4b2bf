//! The items that new ones are compared with, because their texts or their facts are similar.

use super::new_item::NewItem;
use super::numbers::{ItemNo, SourceNo};
use super::similarity_index::SimilarityIndex;
use crate::dedup;
use crate::model::Moment;

#[derive(Debug, Default)]
pub(super) struct Similar {
    texts: SimilarityIndex,
    facts: SimilarityIndex,
}

impl Similar {
    /// Takes over the sketches of texts and of facts from a store.
    pub(super) const fn load(texts: SimilarityIndex, facts: SimilarityIndex) -> Self {
        Self { texts, facts }
    }

    /// Adds an item, or replaces its sketches by those of its newest report.
    pub(super) fn put(&mut self, seen: Moment, new: NewItem<'_>) {
        self.texts.put(new.number, seen, new.sketch);
        self.facts.put(new.number, seen, new.pairs);
    }

    pub(super) fn remove(&mut self, number: ItemNo) {
        self.texts.remove(number);
        self.facts.remove(number);
    }

    /// Removes items that are too old to be compared with anything new.
    pub(super) fn move_on(&mut self, now: Moment) {
        self.texts.move_on(now);
        self.facts.move_on(now);
    }

    /// Returns whether the text of an item is in the index.
    pub(super) fn has_text(&self, number: ItemNo) -> bool {
        self.texts.holds(number)
    }

    /// Returns the items with texts like that of a new one, most similar first.
    pub(super) fn by_text(&self, new: &NewItem<'_>, source_of: impl Fn(ItemNo) -> Option<SourceNo>) -> Vec<ItemNo> {
        self.texts.of(&new.sketch, |_| 1, source_of)
    }

    /// Returns the items that state the same facts as a new one, those with most of them first.
    pub(super) fn by_facts(&self, new: &NewItem<'_>, source_of: impl Fn(ItemNo) -> Option<SourceNo>) -> Vec<ItemNo> {
        self.facts.of(&new.pairs, |pair| if pair & dedup::TELLING == 0 { 1 } else { 2 }, source_of)
    }

    /// Returns the sketches of an item's text and of its facts, as they are stored.
    pub(super) fn sketches(&self, number: ItemNo) -> [Vec<u32>; 2] {
        [&self.texts, &self.facts].map(|index| index.sketch(number).map(<[u32]>::to_vec).unwrap_or_default())
    }

    /// Returns the first items that are not too old, by text and by facts.
    pub(super) const fn from(&self) -> [ItemNo; 2] {
        [self.texts.from(), self.facts.from()]
    }
}
