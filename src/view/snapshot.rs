//! A summary of what a view derives, to compare two views built by different rules.

use std::collections::BTreeMap;
use std::path::Path;

use super::engine::Engine;
use super::keys::NO_ITEM;
use super::record::{self, ItemRecord};
use crate::model::ItemId;

/// The story and the regions of each item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline(BTreeMap<ItemId, (ItemId, Vec<String>)>);

impl Outline {
    pub(super) fn of(items: impl Iterator<Item = (u64, ItemRecord)>) -> Self {
        let items: BTreeMap<u64, ItemRecord> = items.collect();
        let story = |head: u64| items.get(&head);
        Self(
            items
                .values()
                .filter_map(|item| {
                    let head = story(item.head)?;
                    let mut regions: Vec<String> = head.regions.iter().map(|(region, _)| region.clone()).collect();
                    regions.sort();
                    Some((ItemId::from_u128(item.id), (ItemId::from_u128(head.id), regions)))
                })
                .collect(),
        )
    }

    /// Returns the outline of a view on disk, whatever its rules; `None` if it cannot be read.
    pub fn stored(path: &Path) -> Option<Self> {
        let engine = path.exists().then(|| Engine::open(path).ok()).flatten()?;
        let mut items = Vec::new();
        for pair in engine.within(..NO_ITEM) {
            let (key, value) = pair.ok()?;
            items.push((u64::from_be_bytes(key.as_ref().try_into().ok()?), record::decode::<ItemRecord>(&value)?));
        }
        Some(Self::of(items.into_iter()))
    }

    /// Describes how `now` differs from this outline, one line per item.
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (item, (story, regions)) in &now.0 {
            match self.0.get(item) {
                None => lines.push(format!("{item} is new")),
                Some((was, _)) if was != story && story == item => {
                    lines.push(format!("{item} was a report of {was} and is a story of its own"));
                }
                Some((was, _)) if was != story => lines.push(format!("{item} was in {was} and is a report of {story}")),
                Some((_, was)) if was != regions => {
                    lines.push(format!("{item} was in {} and is in {}", was.join(" "), regions.join(" ")));
                }
                Some(_) => {}
            }
        }
        let gone = self.0.keys().filter(|item| !now.0.contains_key(*item));
        lines.extend(gone.map(|item| format!("{item} is gone")));
        lines
    }
}
