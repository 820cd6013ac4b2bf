//! Converts the state to and from stored records: writes what changed, and loads a state.

use std::collections::{BTreeMap, HashMap};

use super::engine::Change;
use super::fair_share::Place;
use super::item_state::ItemState;
use super::item_table::ItemTable;
use super::items::Items;
use super::keys::{HIDDEN, META, REGIONS, SOURCES, TAKEDOWNS};
use super::numbers::{ItemNo, RegionNo, SourceNo};
use super::record::{self, FactsRecord, HiddenRecord, ItemRecord, MetaRecord, TakedownRecord};
use super::similar::Similar;
use super::similarity_index::SimilarityIndex;
use super::snapshot::Outline;
use super::state::State;
use super::takedowns::Standing;
use super::withdrawn::{Said, Withdrawn};
use crate::log::{Control, SourceFacts};
use crate::model::{Authority, Moment, Origin, RegionId, Scope, SourceId, Takedown, Zone};

impl State {
    /// Returns what changed since the last call; the record of the view itself comes last.
    pub(super) fn changes(&mut self, rules: [u8; 16]) -> Vec<Change> {
        // Apply pending moves of sources first: they are not stored, so a restart would lose them.
        self.settle_moves();
        let mut changes = self.item_changes();
        changes.extend(self.withdrawn_changes());
        changes.extend(self.takedown_changes());
        changes.extend(self.region_changes());
        changes.extend(self.source_changes());
        changes.push((META.to_vec(), Some(record::encode(&self.meta_record(rules)))));
        changes
    }

    fn item_changes(&mut self) -> Vec<Change> {
        let (removed, changed) = self.items.take_changed();
        let key = |number: ItemNo| number.seq().to_be_bytes().to_vec();
        let mut changes: Vec<Change> = removed.into_iter().map(|number| (key(number), None)).collect();
        for number in changed {
            if let Some(record) = self.items.get(number).and_then(|item| self.item_record(number, item)) {
                changes.push((key(number), Some(record::encode(&record))));
            }
        }
        changes
    }

    fn withdrawn_changes(&mut self) -> Vec<Change> {
        let record = |said: &Said| HiddenRecord {
            at: said.at.millis(),
            reason: said.reason.clone(),
            public: said.public.clone(),
        };
        let changed = self.withdrawn.take_changed().into_iter();
        changed
            .map(|id| {
                let value = self.withdrawn.get(id).map(|said| record::encode(&record(said)));
                ([HIDDEN.as_slice(), &id.to_be_bytes()].concat(), value)
            })
            .collect()
    }

    fn takedown_changes(&mut self) -> Vec<Change> {
        let changed = self.takedowns.take_changed().into_iter();
        changed
            .map(|name| {
                let text = format!("{} {} {}", name.0.word(), name.1.kind(), name.1.value());
                let value = self.takedowns.get(&name).map(|standing| record::encode(&takedown_record(standing)));
                ([TAKEDOWNS.as_slice(), blake3::hash(text.as_bytes()).as_bytes()].concat(), value)
            })
            .collect()
    }

    fn region_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for number in self.timelines.take_changed() {
            if let (Some(region), Some(changed)) = (self.geography.region(number), self.timelines.changed(number)) {
                changes.push(([REGIONS, region.as_str().as_bytes()].concat(), Some(record::encode(&changed.millis()))));
            }
        }
        changes
    }

    fn source_changes(&mut self) -> Vec<Change> {
        let (renamed, changed) = self.sources.take_changed();
        let key = |id: &str| [SOURCES, id.as_bytes()].concat();
        let mut changes: Vec<Change> = renamed.into_iter().map(|former| (key(former.as_str()), None)).collect();
        for number in changed {
            if let Some(record) = self.facts_record(number) {
                changes.push((key(&record.id), Some(record::encode(&record))));
            }
        }
        changes
    }

    fn facts_record(&self, number: SourceNo) -> Option<FactsRecord> {
        let facts = self.sources.entry(number)?;
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
            control: self.sources.control(&facts.id).map(|control| control.word().to_owned()),
        })
    }

    fn item_record(&self, number: ItemNo, item: &ItemState) -> Option<ItemRecord> {
        let source = self.sources.entry(item.source)?;
        let [sketch, pairs] = self.similar.sketches(number);
        let record = item.record(number, source.id.as_str(), |region| self.geography.region(region));
        Some(ItemRecord { sketch, pairs, ..record })
    }

    /// Returns a summary of what the view derives.
    pub(super) fn outline(&self) -> Outline {
        let record = |(number, item): (ItemNo, &ItemState)| Some((number.seq(), self.item_record(number, item)?));
        Outline::of(self.items.iter().filter_map(record))
    }

    fn meta_record(&self, rules: [u8; 16]) -> MetaRecord {
        MetaRecord {
            applied: self.applied,
            rules,
            items: u64::try_from(self.items.len()).unwrap_or(u64::MAX),
            ids: self.items.ids(),
            updated: 0,
            sources: u32::try_from(self.sources.len()).unwrap_or(u32::MAX),
            compared_from: self.similar.from().map(ItemNo::seq),
        }
    }

    /// Restores a state from its records; `None` if they are inconsistent.
    pub(super) fn load(
        meta: &MetaRecord,
        sources: Vec<FactsRecord>,
        regions: Vec<(RegionId, i64)>,
        (hidden, takedowns): (BTreeMap<u128, Said>, Vec<TakedownRecord>),
        items: impl Iterator<Item = Option<(u64, ItemRecord)>>,
    ) -> Option<Self> {
        let mut state = Self { applied: meta.applied, withdrawn: Withdrawn::load(hidden), ..Self::default() };
        state.load_sources(sources)?;
        for takedown in takedowns {
            state.takedowns.load(standing(takedown)?);
        }
        if u32::try_from(state.sources.len()).ok()? != meta.sources {
            return None;
        }
        for (region, changed) in regions {
            let number = state.geography.number_or_new(&region);
            state.timelines.load_change(number, Moment::from_millis(changed));
        }
        state.load_items(meta, items)?;
        (u64::try_from(state.items.len()).ok()? == meta.items && state.items.ids() == meta.ids).then_some(state)
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
                self.sources.set_control(&id, control);
            }
            if self.sources.number_or_new(&id).0 != number || source.number != number {
                return None;
            }
            if !source.link.is_empty() {
                self.sources.upsert(SourceFacts {
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
        self.sources.take_changed();
        Some(())
    }

    /// Loads the items with their timelines, events and sketches; `None` if one of them cannot be read.
    fn load_items(&mut self, meta: &MetaRecord, items: impl Iterator<Item = Option<(u64, ItemRecord)>>) -> Option<()> {
        let (mut by_text, mut by_facts) = (Vec::new(), Vec::new());
        let mut places: HashMap<RegionNo, Vec<Place>> = HashMap::new();
        let mut table = ItemTable::default();
        let [texts, facts] = meta.compared_from.map(ItemNo::of);
        for item in items {
            let (seq, mut record) = item?;
            let number = ItemNo::of(seq);
            let source = self.sources.number(&SourceId::new(&record.source).ok()?)?;
            let (sketch, pairs) = (std::mem::take(&mut record.sketch), std::mem::take(&mut record.pairs));
            let item = ItemState::of(number, record, source, |region| self.geography.number_or_new(&region))?;
            if number >= texts {
                by_text.push((number, item.seen, sketch));
            }
            if number >= facts {
                by_facts.push((number, item.seen, pairs));
            }
            if let Some(at) = item.deleted() {
                self.deleted.insert((at, number.story()));
            }
            if let Some(event) = item.event() {
                self.events.load(event, number.story());
            }
            for (region, place) in item.places(number) {
                places.entry(region).or_default().push(place);
            }
            table.insert(number, item);
        }
        self.items = Items::load(table);
        self.timelines.load(places);
        self.similar = Similar::load(SimilarityIndex::of_all(by_text, texts), SimilarityIndex::of_all(by_facts, facts));
        Some(())
    }

    /// Returns a digest of everything derived (BLAKE3 over the records in order), to compare two views. It leaves out
    /// when a region last changed: expired items may have changed it, and the remaining log does not tell.
    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (number, item) in self.items.iter() {
            hasher.update(&number.seq().to_be_bytes());
            // Sketches only find candidates, and for old items they depend on when the record was last written.
            let record = self.item_record(number, item);
            let record = record.map(|record| ItemRecord { sketch: Vec::new(), pairs: Vec::new(), ..record });
            hasher.update(&record.map(|record| record::encode(&record)).unwrap_or_default());
        }
        for number in self.sources.numbers() {
            hasher.update(&self.facts_record(number).map(|record| record::encode(&record)).unwrap_or_default());
        }
        for id in self.withdrawn.ids() {
            hasher.update(&id.to_be_bytes());
        }
        for standing in self.takedowns.all() {
            hasher.update(&record::encode(&takedown_record(standing)));
        }
        hasher.update(&record::encode(&MetaRecord { compared_from: [0; 2], ..self.meta_record([0; 16]) }));
        hasher.finalize().to_hex().to_string()
    }
}

fn takedown_record(standing: &Standing) -> TakedownRecord {
    let Takedown { scope, origin, reason, public_reason } = &standing.takedown;
    TakedownRecord {
        kind: scope.kind().to_owned(),
        value: scope.value(),
        origin: origin.word().to_owned(),
        reason: reason.clone(),
        public: public_reason.clone(),
        at: standing.at.millis(),
        whole: standing.is_whole,
    }
}

/// Restores a takedown from its record; `None` if a value is invalid.
fn standing(record: TakedownRecord) -> Option<Standing> {
    Some(Standing {
        takedown: Takedown {
            scope: Scope::parse(&record.kind, &record.value).ok()?,
            origin: Origin::from_word(&record.origin)?,
            reason: record.reason,
            public_reason: record.public,
        },
        at: Moment::from_millis(record.at),
        is_whole: record.whole,
    })
}
