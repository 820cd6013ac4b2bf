//! An item in memory, and its conversion to and from a record.

use std::num::NonZeroU8;

use super::fair_share::Place;
use super::numbers::{RegionNo, SourceNo};
use super::record::ItemRecord;
use crate::dedup::{Fingerprint, Known};
use crate::log::Position;
use crate::model::{ItemId, Moment, Precision, RegionId, Stamp};
use crate::regions::Evidence;

/// An item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ItemState {
    pub(super) id: ItemId,
    pub(super) source: SourceNo,
    pub(super) position: Position,
    pub(super) seen: Moment,
    pub(super) reports: u16,
    pub(super) published: Stamp,
    pub(super) updated: Moment,
    pub(super) fingerprint: Fingerprint,
    /// First report of the story it belongs to; its own number if it is that report.
    pub(super) head: u64,
    pub(super) regions: Tags,
    pub(super) withdrawn: bool,
    /// Whether it is gone at its source, or its source now says something else there.
    pub(super) gone: bool,
    /// Whether every report of the story is gone, if this is the first of it.
    pub(super) ended: bool,
    /// Whether its address is on the site of its source.
    pub(super) at_home: bool,
    /// Data that only some items have.
    pub(super) ties: Option<Box<ItemRelations>>,
}

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

/// Data that only some items have: other reports of the story, earlier texts, an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ItemRelations {
    /// Other reports of the story, if this is the first.
    pub(super) members: Vec<u64>,
    /// Positions of the item's earlier reports, oldest first.
    pub(super) earlier: Vec<Position>,
    /// Oldest story of the event that the story belongs to, if it has others.
    pub(super) event: Option<u64>,
    /// Time of the newest report, if it is not the first.
    pub(super) reported: Option<Moment>,
    /// Report of the story that is shown, if it is not the first.
    pub(super) shown: Option<u64>,
    /// Stories it contains as parts, if it is a round-up.
    pub(super) parts: Vec<u64>,
    /// The item's own tags, if this is the first of its story and the story has others.
    pub(super) own: Option<Tags>,
    /// The item's own date, if this is the first of its story and the story has another.
    pub(super) dated: Option<Stamp>,
    /// Item that later reports from its source belong to, if they tell another story.
    pub(super) became: Option<u64>,
    /// Report that took the story over, if any; it is shown while it is live.
    pub(super) right: Option<u64>,
}

impl ItemState {
    /// Returns whether the report can be read. `first` is its own number.
    pub(super) const fn is_live(&self, first: u64) -> bool {
        !self.gone && (!self.withdrawn || self.head == first)
    }

    /// Returns the other reports of the story, if this is the first.
    pub(super) fn members(&self) -> &[u64] {
        self.ties.as_ref().map_or(&[], |ties| &ties.members)
    }

    /// Returns the positions of the item's earlier reports, oldest first.
    pub(super) fn earlier(&self) -> &[Position] {
        self.ties.as_ref().map_or(&[], |ties| &ties.earlier)
    }

    /// Returns the oldest story of the event, if it has others.
    pub(super) fn event(&self) -> Option<u64> {
        self.ties.as_ref().and_then(|ties| ties.event)
    }

    /// Returns the stories that a round-up contains as parts.
    pub(super) fn parts(&self) -> &[u64] {
        self.ties.as_ref().map_or(&[], |ties| &ties.parts)
    }

    /// Returns the item's own tags, whatever its story's are.
    pub(super) fn own_tags(&self) -> &Tags {
        self.ties.as_ref().and_then(|ties| ties.own.as_ref()).unwrap_or(&self.regions)
    }

    /// Returns the item's own date, whatever its story's is.
    pub(super) fn own_date(&self) -> Stamp {
        self.ties.as_ref().and_then(|ties| ties.dated).unwrap_or(self.published)
    }

    /// Returns the item that later reports from its source belong to, if they tell another story.
    pub(super) fn became(&self) -> Option<u64> {
        self.ties.as_ref().and_then(|ties| ties.became)
    }

    /// Returns the report that the story belongs to: the first one (`head`), or the one that took it over.
    pub(super) fn owner(&self, head: u64) -> u64 {
        self.ties.as_ref().and_then(|ties| ties.right).unwrap_or(head)
    }

    /// Sets the date of the story that begins with this item; keeps the item's own date.
    pub(super) fn date(&mut self, date: Stamp) {
        let own = self.own_date();
        self.published = date;
        if own != date || self.ties.is_some() {
            self.ties_mut().dated = (own != date).then_some(own);
        }
    }

    /// Sets the tags of the story that begins with this item; keeps the item's own tags.
    pub(super) fn tag(&mut self, tags: Tags) {
        if self.regions == tags {
            return;
        }
        let own = self.own_tags().clone();
        self.regions = tags;
        self.ties_mut().own = (own != self.regions).then_some(own);
    }

    /// Returns the time of the newest report.
    pub(super) fn reported(&self) -> Moment {
        self.ties.as_ref().and_then(|ties| ties.reported).unwrap_or(self.seen)
    }

    /// Returns the report of the story that is shown; `first` is the item's own number.
    pub(super) fn shown(&self, first: u64) -> u64 {
        self.ties.as_ref().and_then(|ties| ties.shown).unwrap_or(first)
    }

    pub(super) fn ties_mut(&mut self) -> &mut ItemRelations {
        self.ties.get_or_insert_default()
    }

    /// Returns its places in the timelines of its regions, if it is the first report of a visible story; `first` is its
    /// own number.
    pub(super) fn places(&self, first: u64) -> impl Iterator<Item = (RegionNo, Place)> + '_ {
        let place = (std::cmp::Reverse(self.published.at.millis()), first);
        let stands = self.head == first && !self.withdrawn && !self.ended;
        self.regions.iter().filter(move |_| stands).map(move |(region, _)| (region, place))
    }

    pub(super) fn known(&self) -> Known {
        Known { item: self.id, fingerprint: self.fingerprint, reported: self.reported(), reports: self.reports }
    }

    /// Returns the record of the item with the first report `first`; `source` is the id of its source, `region` maps a
    /// region number to its id.
    pub(super) fn record<'r>(
        &self,
        first: u64,
        source: &str,
        region: impl Fn(RegionNo) -> Option<&'r RegionId>,
    ) -> ItemRecord {
        let place = |position: &Position| (position.day, position.offset, position.length);
        ItemRecord {
            id: self.id.as_u128(),
            source: source.to_owned(),
            day: self.position.day,
            offset: self.position.offset,
            length: self.position.length,
            seen: self.seen.millis(),
            reported: self.reported().millis(),
            reports: self.reports,
            published: self.published.at.millis(),
            precision: precision_number(self.published.precision),
            zone: self.published.offset,
            updated: self.updated.millis(),
            link: self.fingerprint.link,
            title: self.fingerprint.title,
            content: self.fingerprint.content,
            head: self.head,
            members: self.members().to_vec(),
            shown: self.shown(first),
            regions: tagged(&self.regions, &region),
            withdrawn: self.withdrawn,
            earlier: self.earlier().iter().map(place).collect(),
            event: self.event(),
            sketch: Vec::new(),
            pairs: Vec::new(),
            parts: self.parts().to_vec(),
            own: self
                .ties
                .as_ref()
                .and_then(|ties| ties.own.as_ref())
                .map(|own| tagged(own, &region))
                .unwrap_or_default(),
            dated: self
                .ties
                .as_ref()
                .and_then(|ties| ties.dated)
                .map(|stamp| (stamp.at.millis(), precision_number(stamp.precision), stamp.offset)),
            became: self.became(),
            ends: u8::from(self.gone)
                | u8::from(self.ended) << 1
                | u8::from(self.at_home) << 2
                | u8::from(self.ties.as_ref().is_some_and(|ties| ties.own == Some(Tags::default()))) << 3,
            right: self.ties.as_ref().and_then(|ties| ties.right),
        }
    }

    /// Restores an item from its record; `None` if a value is invalid.
    pub(super) fn of(
        first: u64,
        record: ItemRecord,
        source: SourceNo,
        mut region: impl FnMut(RegionId) -> RegionNo,
    ) -> Option<Self> {
        let mut tags = |pairs: &[(String, String)]| {
            let mut tags = Tags::default();
            for (id, evidence) in pairs {
                tags.push(region(RegionId::new(id).ok()?), Evidence::from_word(evidence)?);
            }
            Some(tags)
        };
        let (regions, own) = (tags(&record.regions)?, tags(&record.own)?);
        let stamp = |(at, precision, offset): (i64, u8, i32)| {
            Some(Stamp { at: Moment::from_millis(at), precision: precision_of(precision)?, offset })
        };
        let place = |(day, offset, length)| Position { day, length, offset };
        let ties = ItemRelations {
            members: record.members,
            earlier: record.earlier.into_iter().map(place).collect(),
            event: record.event,
            reported: (record.reported != record.seen).then_some(Moment::from_millis(record.reported)),
            shown: (record.shown != first).then_some(record.shown),
            parts: record.parts,
            own: (!record.own.is_empty() || record.ends & 8 != 0).then_some(own),
            dated: record.dated.map(|dated| stamp(dated).ok_or(())).transpose().ok()?,
            became: record.became,
            right: record.right,
        };
        Some(Self {
            id: ItemId::from_u128(record.id),
            source,
            position: Position { day: record.day, length: record.length, offset: record.offset },
            seen: Moment::from_millis(record.seen),
            reports: record.reports,
            published: Stamp {
                at: Moment::from_millis(record.published),
                precision: precision_of(record.precision)?,
                offset: record.zone,
            },
            updated: Moment::from_millis(record.updated),
            fingerprint: Fingerprint { link: record.link, title: record.title, content: record.content },
            head: record.head,
            regions,
            withdrawn: record.withdrawn,
            gone: record.ends & 1 != 0,
            ended: record.ends & 2 != 0,
            at_home: record.ends & 4 != 0,
            ties: (ties != ItemRelations::default()).then(|| Box::new(ties)),
        })
    }
}

/// Converts tags to the form used in records.
fn tagged<'r>(tags: &Tags, region: &impl Fn(RegionNo) -> Option<&'r RegionId>) -> Vec<(String, String)> {
    let pairs = tags.iter().filter_map(|(number, evidence)| Some((region(number)?.as_str(), evidence)));
    pairs.map(|(id, evidence)| (id.to_owned(), evidence.word().to_owned())).collect()
}

const fn precision_number(precision: Precision) -> u8 {
    match precision {
        Precision::Month => 0,
        Precision::Day => 1,
        Precision::Minute => 2,
        Precision::Second => 3,
    }
}

fn precision_of(number: u8) -> Option<Precision> {
    [Precision::Month, Precision::Day, Precision::Minute, Precision::Second].into_iter().nth(usize::from(number))
}
