//! Converts the state to and from stored records: writes what changed, and loads a state.

use std::collections::{BTreeMap, HashMap};

use super::engine::Change;
use super::fair_share::Place;
use super::index::Index;
use super::item_state::ItemState;
use super::keys::{HIDDEN, META, REGIONS, SOURCES};
use super::numbers::{RegionNo, SourceNo};
use super::record::{self, FactsRecord, HiddenRecord, ItemRecord, MetaRecord};
use super::similarity_index::SimilarityIndex;
use super::snapshot::Outline;
use super::state::{State, scoped, upper};
use crate::log::{Control, SourceFacts};
use crate::model::{Authority, Moment, RegionId, SourceId, Zone};

impl State {
    /// Returns what changed since the last call; the record of the view itself comes last.
    pub(super) fn changes(&mut self, rules: [u8; 16]) -> Vec<Change> {
        // Apply pending moves of sources first: they are not stored, so a restart would lose them.
        self.settle_moves();
        let touched = std::mem::take(&mut self.touched);
        let mut changes: Vec<Change> =
            std::mem::take(&mut self.removed).into_iter().map(|first| (first.to_be_bytes().to_vec(), None)).collect();
        for first in touched {
            if let Some(record) = self.slots.get(&first).and_then(|slot| self.item_record(first, slot)) {
                changes.push((first.to_be_bytes().to_vec(), Some(record::encode(&record))));
            }
        }
        for id in std::mem::take(&mut self.touched_hidden) {
            let hidden = |(at, reason): &(Moment, String)| HiddenRecord { at: at.millis(), reason: reason.clone() };
            let value = self.hidden.get(&id).map(|said| record::encode(&hidden(said)));
            changes.push(([HIDDEN.as_slice(), &id.to_be_bytes()].concat(), value));
        }
        for number in std::mem::take(&mut self.touched_regions) {
            if let (Some(region), Some(changed)) = (self.region(number), self.changed.get(&number)) {
                changes.push(([REGIONS, region.as_str().as_bytes()].concat(), Some(record::encode(&changed.millis()))));
            }
        }
        for former in std::mem::take(&mut self.renamed) {
            changes.push(([SOURCES, former.as_str().as_bytes()].concat(), None));
        }
        for number in std::mem::take(&mut self.touched_sources) {
            if let Some(record) = self.facts_record(number) {
                changes.push(([SOURCES, record.id.as_bytes()].concat(), Some(record::encode(&record))));
            }
        }
        changes.push((META.to_vec(), Some(record::encode(&self.meta_record(rules)))));
        changes
    }

    fn facts_record(&self, number: SourceNo) -> Option<FactsRecord> {
        let facts = self.sources.get(number.at())?;
        Some(FactsRecord {
            number: number.0,
            id: facts.id.as_str().to_owned(),
            title: facts.title.clone(),
            link: facts.link.clone(),
            region: facts.region.as_str().to_owned(),
            authority: facts.authority.word().to_owned(),
            zone: facts.zone.name().to_owned(),
            rights: facts.rights.clone(),
            was: facts.was.iter().map(|id| id.as_str().to_owned()).collect(),
            alerts_for: facts.alerts_for.iter().map(|id| id.as_str().to_owned()).collect(),
            at: facts.at.millis(),
            control: self.control(&facts.id).map(|control| control.word().to_owned()),
        })
    }

    fn item_record(&self, first: u64, slot: &ItemState) -> Option<ItemRecord> {
        let source = self.sources.get(slot.source.at())?;
        let held = |by_text: &SimilarityIndex| by_text.sketch(first).map(<[u32]>::to_vec).unwrap_or_default();
        Some(ItemRecord {
            sketch: held(&self.by_text),
            pairs: held(&self.by_facts),
            ..slot.record(first, source.id.as_str(), |number| self.region(number))
        })
    }

    /// Returns a summary of what the view derives.
    pub(super) fn outline(&self) -> Outline {
        Outline::of(self.slots.iter().filter_map(|(first, slot)| Some((*first, self.item_record(*first, slot)?))))
    }

    fn meta_record(&self, rules: [u8; 16]) -> MetaRecord {
        MetaRecord {
            applied: self.applied,
            rules,
            items: u64::try_from(self.slots.len()).unwrap_or(u64::MAX),
            ids: self.ids,
            updated: 0,
            sources: u32::try_from(self.sources.len()).unwrap_or(u32::MAX),
            compared_from: [self.by_text.from(), self.by_facts.from()],
        }
    }

    /// Restores a state from its records; `None` if they are inconsistent.
    pub(super) fn load(
        meta: &MetaRecord,
        sources: Vec<FactsRecord>,
        regions: Vec<(RegionId, i64)>,
        hidden: BTreeMap<u128, (Moment, String)>,
        items: impl Iterator<Item = Option<(u64, ItemRecord)>>,
    ) -> Option<Self> {
        let mut state = Self { applied: meta.applied, hidden, ..Self::default() };
        state.load_sources(sources)?;
        if u32::try_from(state.sources.len()).ok()? != meta.sources {
            return None;
        }
        for (region, changed) in regions {
            let number = state.region_number(&region);
            state.changed.insert(number, Moment::from_millis(changed));
        }
        state.load_items(meta, items)?;
        state.index_all();
        (u64::try_from(state.slots.len()).ok()? == meta.items && state.ids == meta.ids).then_some(state)
    }

    /// Loads the sources, whose numbers must be complete; `None` if they are not.
    fn load_sources(&mut self, mut sources: Vec<FactsRecord>) -> Option<()> {
        sources.sort_by_key(|source| source.number);
        for (source, number) in sources.iter().zip(0..) {
            let id = SourceId::new(&source.id).ok()?;
            if let Some(control) = &source.control {
                let control = [Control::Paused, Control::Resumed, Control::Gone]
                    .into_iter()
                    .find(|state| state.word() == control)?;
                self.controls.insert(id.clone(), control);
            }
            if self.number_of(&id).0 != number || source.number != number {
                return None;
            }
            if !source.link.is_empty() {
                self.upsert_source(SourceFacts {
                    id,
                    title: source.title.clone(),
                    link: source.link.clone(),
                    region: RegionId::new(&source.region).ok()?,
                    authority: Authority::from_word(&source.authority)?,
                    zone: Zone::named(&source.zone).ok()?,
                    rights: source.rights.clone(),
                    was: source.was.iter().filter_map(|id| SourceId::new(id).ok()).collect(),
                    alerts_for: source.alerts_for.iter().filter_map(|id| RegionId::new(id).ok()).collect(),
                    at: Moment::from_millis(source.at),
                });
            }
        }
        self.touched_sources.clear();
        Some(())
    }

    /// Loads the items with their timelines, events and sketches; `None` if one of them cannot be read.
    fn load_items(&mut self, meta: &MetaRecord, items: impl Iterator<Item = Option<(u64, ItemRecord)>>) -> Option<()> {
        let (mut by_text, mut by_facts) = (Vec::new(), Vec::new());
        let mut timelines: HashMap<RegionNo, Vec<Place>> = HashMap::new();
        for item in items {
            let (first, mut record) = item?;
            let source = *self.source_numbers.get(&SourceId::new(&record.source).ok()?)?;
            let (sketch, pairs) = (std::mem::take(&mut record.sketch), std::mem::take(&mut record.pairs));
            let slot = ItemState::of(first, record, source, |region| self.region_number(&region))?;
            let [texts, facts] = meta.compared_from;
            if first >= texts {
                by_text.push((first, slot.seen, sketch));
            }
            if first >= facts {
                by_facts.push((first, slot.seen, pairs));
            }
            if let Some(event) = slot.event() {
                self.events.entry(event).or_default().insert(first);
            }
            self.ids ^= slot.id.as_u128();
            for (region, place) in slot.places(first) {
                timelines.entry(region).or_default().push(place);
            }
            *self.reporters.entry(source).or_default() += 1;
            self.slots.insert(first, slot);
        }
        self.timelines = timelines.into_iter().map(|(region, places)| (region, places.into_iter().collect())).collect();
        let [texts, facts] = meta.compared_from;
        self.by_text = SimilarityIndex::of_all(by_text, texts);
        self.by_facts = SimilarityIndex::of_all(by_facts, facts);
        Some(())
    }

    /// Makes the indexes of links, contents and ids.
    fn index_all(&mut self) {
        let slots = || self.slots.iter().map(|(first, slot)| (*first, slot));
        let linked = slots().filter(|(_, slot)| slot.fingerprint.link != 0);
        self.by_link = Index::of_all(linked.map(|(first, slot)| (slot.fingerprint.link, first)));
        let contents = slots().map(|(first, slot)| (scoped(slot.source, slot.fingerprint.content), first));
        self.by_content = Index::of_all(contents);
        self.by_id = Index::of_all(slots().map(|(first, slot)| (upper(slot.id), first)));
    }

    /// Returns a digest of everything derived (BLAKE3 over the records in order), to compare two views. It leaves out
    /// when a region last changed: expired items may have changed it, and the remaining log does not tell.
    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (first, slot) in self.slots.iter() {
            hasher.update(&first.to_be_bytes());
            // Sketches only find candidates, and for old items they depend on when the record was last written.
            let record = self.item_record(*first, slot);
            let record = record.map(|record| ItemRecord { sketch: Vec::new(), pairs: Vec::new(), ..record });
            hasher.update(&record.map(|record| record::encode(&record)).unwrap_or_default());
        }
        for number in (0..self.sources.len()).map(SourceNo::of) {
            hasher.update(&self.facts_record(number).map(|record| record::encode(&record)).unwrap_or_default());
        }
        for id in self.hidden.keys() {
            hasher.update(&id.to_be_bytes());
        }
        hasher.update(&record::encode(&MetaRecord { compared_from: [0; 2], ..self.meta_record([0; 16]) }));
        hasher.finalize().to_hex().to_string()
    }
}
