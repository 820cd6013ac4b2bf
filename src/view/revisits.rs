//! The articles of sources to read again, as the store of the poll states has them: each in a slot of its own, since a poll
//! changes few of them.

use std::collections::HashMap;

use super::error::ViewError;
use super::poll_states::PollStates;
use super::record::{self, ListingRecord, RevisitRecord, RevisitsRecord};
use crate::model::{Draft, ItemId, Moment, Revisit, SourceId, Stamp};

impl PollStates {
    /// Returns the articles of a source to read again, the first due first.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub fn revisits(&self, source: &SourceId) -> Result<Vec<Revisit>, ViewError> {
        let mut all: Vec<Revisit> =
            self.slots(source)?.into_iter().filter_map(|slot| record::decode(&slot.value)).flat_map(revisits).collect();
        let former = match self.engine.get(&former_key(source))? {
            Some(bytes) => record::decode::<RevisitsRecord>(&bytes),
            None => self.old_listing(source)?.map(ListingRecord::revisits),
        };
        all.extend(former.map(revisits).unwrap_or_default());
        // Of those due at one time, what readers do not have yet comes before what may have been corrected.
        all.sort_by_key(|revisit| (revisit.due, revisit.is_well()));
        Ok(all)
    }

    /// Saves the articles of a source to read again. Only the slots that change are written; a free one holds an empty
    /// record, which reaches other machines as any change does.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn put_revisits(&self, source: &SourceId, revisits: &[Revisit]) -> Result<(), ViewError> {
        let free = record::encode(&RevisitsRecord::default());
        let slots = self.slots(source)?;
        let count = slots.len();
        let (mut vacant, mut held) = (Vec::new(), HashMap::new());
        for slot in slots {
            match slot.item().filter(|item| !held.contains_key(item)) {
                Some(item) => drop(held.insert(item, slot)),
                None => vacant.push(slot),
            }
        }
        let mut fresh = Vec::new();
        for revisit in revisits {
            let value = record::encode(&record_of(std::slice::from_ref(revisit)));
            match held.remove(&revisit.item.as_u128()) {
                Some(slot) if slot.value == value => {}
                Some(slot) => self.write(slot.key, value)?,
                None => fresh.push(value),
            }
        }
        vacant.extend(held.into_values());
        let mut fresh = fresh.into_iter();
        for slot in vacant {
            let value = fresh.next().unwrap_or_else(|| free.clone());
            if value != slot.value {
                self.write(slot.key, value)?;
            }
        }
        for (value, number) in fresh.zip(count..) {
            self.write(slot_key(source, number), value)?;
        }
        // All of them were once in one record.
        let former = former_key(source);
        if self.engine.get(&former)?.is_none_or(|bytes| bytes != free) {
            self.write(former, free)?;
        }
        Ok(())
    }

    fn slots(&self, source: &SourceId) -> Result<Vec<Slot>, ViewError> {
        let (first, end) = (slots_prefix(source, b'\0'), slots_prefix(source, b'\x01'));
        let stored = self.engine.within(first..end);
        stored.map(|pair| pair.map(|(key, value)| Slot { key: key.to_vec(), value: value.to_vec() })).collect()
    }
}

/// A key, and what is stored there.
struct Slot {
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Slot {
    /// Returns the item in the slot, if it is not free.
    fn item(&self) -> Option<u128> {
        record::decode::<RevisitsRecord>(&self.value)?.revisits.first().map(|revisit| revisit.item)
    }
}

fn record_of(revisits: &[Revisit]) -> RevisitsRecord {
    let one = |revisit: &Revisit| RevisitRecord {
        item: revisit.item.as_u128(),
        guid: revisit.listed.guid.clone(),
        link: revisit.listed.link.clone(),
        title: revisit.listed.title.clone(),
        published: revisit.listed.published.map(|stamp| (stamp.rfc3339(), stamp.precision.word().to_owned())),
        due: revisit.due.millis(),
        step: revisit.step,
        misses: revisit.misses,
    };
    RevisitsRecord {
        revisits: revisits.iter().map(one).collect(),
        missing: revisits
            .iter()
            .filter_map(|revisit| Some((revisit.item.as_u128(), revisit.missed?.millis(), revisit.is_gone)))
            .collect(),
        codes: revisits
            .iter()
            .filter(|revisit| revisit.listed.alert.is_some() || revisit.listed.code.is_some())
            .map(|revisit| (revisit.item.as_u128(), revisit.listed.alert.clone(), revisit.listed.code.clone()))
            .collect(),
    }
}

fn revisits(record: RevisitsRecord) -> Vec<Revisit> {
    let missing: HashMap<u128, (i64, bool)> =
        record.missing.iter().map(|(item, since, is_gone)| (*item, (*since, *is_gone))).collect();
    let mut codes: HashMap<u128, (Option<String>, Option<String>)> =
        record.codes.into_iter().map(|(item, alert, code)| (item, (alert, code))).collect();
    let mut revisit = |record: RevisitRecord| Revisit {
        item: ItemId::from_u128(record.item),
        listed: Draft {
            guid: record.guid,
            link: record.link,
            title: record.title,
            published: record.published.and_then(|(at, precision)| Stamp::from_rfc3339(&at, &precision)),
            alert: codes.get_mut(&record.item).and_then(|(alert, _)| alert.take()),
            code: codes.get_mut(&record.item).and_then(|(_, code)| code.take()),
            ..Draft::default()
        },
        due: Moment::from_millis(record.due),
        step: record.step,
        misses: record.misses,
        missed: missing.get(&record.item).map(|(since, _)| Moment::from_millis(*since)),
        is_gone: missing.get(&record.item).is_some_and(|(_, is_gone)| *is_gone),
    };
    record.revisits.into_iter().map(&mut revisit).collect()
}

/// A source's id never contains a NUL.
fn former_key(source: &SourceId) -> Vec<u8> {
    [source.as_str().as_bytes(), b"\0again"].concat()
}

fn slots_prefix(source: &SourceId, end: u8) -> Vec<u8> {
    [former_key(source).as_slice(), &[end]].concat()
}

fn slot_key(source: &SourceId, number: usize) -> Vec<u8> {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    [slots_prefix(source, b'\0').as_slice(), &number.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revisit(item: u128, due: i64) -> Revisit {
        Revisit {
            item: ItemId::from_u128(item),
            listed: Draft { title: format!("第{item}号"), ..Draft::default() },
            due: Moment::from_millis(due),
            step: 1,
            misses: 0,
            missed: None,
            is_gone: false,
        }
    }

    /// A long record that is written at each poll makes the store grow until it is compacted.
    #[test]
    fn a_poll_that_changes_one_article_writes_one() {
        let folder = tempfile::tempdir().unwrap();
        let states = PollStates::open(&folder.path().join("visits")).unwrap().0.tracked();
        let source = SourceId::new("a").unwrap();
        let mut all: Vec<Revisit> = (0..300).map(|n| revisit(n, 5)).collect();
        states.put_revisits(&source, &all).unwrap();
        assert_eq!(states.changes().unwrap().len(), 301);
        let changed = |all: &[Revisit]| {
            states.put_revisits(&source, all).unwrap();
            let mut kept = states.revisits(&source).unwrap();
            kept.sort_by_key(|revisit| revisit.item.as_u128());
            assert_eq!(kept, all);
            states.changes().unwrap().len()
        };
        all[7].due = Moment::from_millis(9);
        assert_eq!(changed(&all), 1);
        all.remove(7);
        assert_eq!(changed(&all), 1);
        all.push(revisit(300, 5));
        assert_eq!(changed(&all), 1, "in the free slot");
        assert_eq!(changed(&all), 0);
        assert_eq!(changed(&[]), 300, "nothing stays");
    }

    #[test]
    fn a_warning_that_is_read_again_keeps_its_identifier() {
        let folder = tempfile::tempdir().unwrap();
        let (poll_states, _) = PollStates::open(&folder.path().join("visits")).unwrap();
        let source = SourceId::new("a").unwrap();
        let listed = Draft {
            title: "暴雨红色预警".to_owned(),
            alert: Some("14032141600000_20230309102702".to_owned()),
            code: Some("140321".to_owned()),
            ..Draft::default()
        };
        let revisit = Revisit {
            item: ItemId::from_u128(7),
            listed,
            due: Moment::from_millis(5),
            step: 1,
            misses: 0,
            missed: None,
            is_gone: false,
        };
        poll_states.put_revisits(&source, std::slice::from_ref(&revisit)).unwrap();
        assert_eq!(poll_states.revisits(&source).unwrap(), [revisit]);
    }
}
