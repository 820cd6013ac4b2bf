//! An item in memory, and its record.

use std::num::NonZeroU8;

use super::record::ItemRecord;
use super::share::Place;
use crate::dedup::{Fingerprint, Known};
use crate::log::Position;
use crate::model::{ItemId, Moment, Precision, RegionId, Stamp};
use crate::regions;

/// An item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) id: ItemId,
    pub(super) source: u32,
    pub(super) position: Position,
    pub(super) seen: Moment,
    pub(super) reports: u16,
    pub(super) published: Stamp,
    pub(super) updated: Moment,
    pub(super) fingerprint: Fingerprint,
    /// The first report of the story that this one belongs to; its own number where it is the first.
    pub(super) head: u64,
    pub(super) regions: Tags,
    pub(super) withdrawn: bool,
    /// Is it gone at its source, or does its source say something else there now?
    pub(super) gone: bool,
    /// Is every report of the story gone, where this is the first of it?
    pub(super) ended: bool,
    /// Does its address lie at the site of its source?
    pub(super) at_home: bool,
    /// What only some items have.
    pub(super) ties: Option<Box<Ties>>,
}

/// A region, and the number of its evidence, counted from 1.
type Tag = (u32, NonZeroU8);

/// The regions of an item, each with the number of its evidence; most have one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::box_collection, reason = "a word instead of three, in each of a million items")]
pub(super) struct Tags {
    first: Option<Tag>,
    more: Option<Box<Vec<Tag>>>,
}

impl Tags {
    pub(super) fn push(&mut self, region: u32, evidence: &str) {
        let number = regions::EVIDENCE.iter().position(|known| *known == evidence).unwrap_or(0);
        let tag = (region, NonZeroU8::MIN.saturating_add(u8::try_from(number).unwrap_or(0)));
        if self.first.is_none() {
            self.first = Some(tag);
        } else if !self.iter().any(|(known, _)| known == region) {
            self.more.get_or_insert_default().push(tag);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &'static str)> {
        let tags = self.first.into_iter().chain(self.more.iter().flat_map(|more| more.iter().copied()));
        tags.map(|(region, evidence)| {
            (region, regions::EVIDENCE.get(usize::from(evidence.get()) - 1).copied().unwrap_or("inherited"))
        })
    }
}

/// What only some items have: other reports of the story, earlier texts, an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ties {
    /// The other reports of the story, where this is the first.
    pub(super) members: Vec<u64>,
    /// Where the earlier reports of the item lie, the oldest first.
    pub(super) earlier: Vec<Position>,
    /// The oldest story of the event that the story belongs to, where there is another one.
    pub(super) event: Option<u64>,
    /// When the newest report came, where it is not the first.
    pub(super) reported: Option<Moment>,
    /// The report of the story that is shown, where it is not the first.
    pub(super) shown: Option<u64>,
    /// The stories that it holds as parts, where it is a round-up.
    pub(super) parts: Vec<u64>,
    /// What the item itself is tagged with, where this is the first of its story and the story is tagged otherwise.
    pub(super) own: Option<Tags>,
    /// The date of the item itself, where this is the first of its story and the story is dated otherwise.
    pub(super) dated: Option<Stamp>,
    /// The item that its source's later reports are of, where they tell another story.
    pub(super) became: Option<u64>,
    /// The report that took the story over, where one did: it is shown as long as it lives.
    pub(super) right: Option<u64>,
}

impl Slot {
    /// Is it there to be read? `first` is its own number.
    pub(super) const fn is_live(&self, first: u64) -> bool {
        !self.gone && (!self.withdrawn || self.head == first)
    }

    /// The other reports of the story, where this is the first.
    pub(super) fn members(&self) -> &[u64] {
        self.ties.as_ref().map_or(&[], |ties| &ties.members)
    }

    /// Where the earlier reports of the item lie, the oldest first.
    pub(super) fn earlier(&self) -> &[Position] {
        self.ties.as_ref().map_or(&[], |ties| &ties.earlier)
    }

    /// The oldest story of the event, where there is another one.
    pub(super) fn event(&self) -> Option<u64> {
        self.ties.as_ref().and_then(|ties| ties.event)
    }

    /// The stories that a round-up holds as parts.
    pub(super) fn parts(&self) -> &[u64] {
        self.ties.as_ref().map_or(&[], |ties| &ties.parts)
    }

    /// What the item itself is tagged with, whatever its story is.
    pub(super) fn own_tags(&self) -> &Tags {
        self.ties.as_ref().and_then(|ties| ties.own.as_ref()).unwrap_or(&self.regions)
    }

    /// The date of the item itself, whatever its story's is.
    pub(super) fn own_date(&self) -> Stamp {
        self.ties.as_ref().and_then(|ties| ties.dated).unwrap_or(self.published)
    }

    /// The item that its source's later reports are of, where they tell another story.
    pub(super) fn became(&self) -> Option<u64> {
        self.ties.as_ref().and_then(|ties| ties.became)
    }

    /// Whose story it is, where `head` is the first report of it: the first, or the one that took it over.
    pub(super) fn owner(&self, head: u64) -> u64 {
        self.ties.as_ref().and_then(|ties| ties.right).unwrap_or(head)
    }

    /// Gives the story that begins with this item its date; the item's own is kept.
    pub(super) fn date(&mut self, date: Stamp) {
        let own = self.own_date();
        self.published = date;
        if own != date || self.ties.is_some() {
            self.ties_mut().dated = (own != date).then_some(own);
        }
    }

    /// Tags the story that begins with this item; the item's own tags are kept.
    pub(super) fn tag(&mut self, tags: Tags) {
        if self.regions == tags {
            return;
        }
        let own = self.own_tags().clone();
        self.regions = tags;
        self.ties_mut().own = (own != self.regions).then_some(own);
    }

    /// When the newest report came.
    pub(super) fn reported(&self) -> Moment {
        self.ties.as_ref().and_then(|ties| ties.reported).unwrap_or(self.seen)
    }

    /// The report of the story that is shown; `first` is the item's own.
    pub(super) fn shown(&self, first: u64) -> u64 {
        self.ties.as_ref().and_then(|ties| ties.shown).unwrap_or(first)
    }

    pub(super) fn ties_mut(&mut self) -> &mut Ties {
        self.ties.get_or_insert_default()
    }

    /// Where it stands in the timelines of its regions, where it is the first report of its story; `first` is its own.
    pub(super) fn places(&self, first: u64) -> impl Iterator<Item = (u32, Place)> + '_ {
        let place = (std::cmp::Reverse(self.published.at.millis()), first);
        let stands = self.head == first && !self.withdrawn && !self.ended;
        self.regions.iter().filter(move |_| stands).map(move |(region, _)| (region, place))
    }

    pub(super) fn known(&self) -> Known {
        Known { item: self.id, fingerprint: self.fingerprint, reported: self.reported(), reports: self.reports }
    }

    /// The record of the item that was first told of in the report `first`; `source` is the id of its source, `region` gives the id of a region by its number.
    pub(super) fn record<'r>(
        &self,
        first: u64,
        source: &str,
        region: impl Fn(u32) -> Option<&'r RegionId>,
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

    /// The item of a record; `None` where a value of it is not valid.
    pub(super) fn of(
        first: u64,
        record: ItemRecord,
        source: u32,
        mut region: impl FnMut(RegionId) -> u32,
    ) -> Option<Self> {
        let mut tags = |pairs: &[(String, String)]| {
            let mut tags = Tags::default();
            for (id, evidence) in pairs {
                tags.push(region(RegionId::new(id).ok()?), evidence_word(evidence)?);
            }
            Some(tags)
        };
        let (regions, own) = (tags(&record.regions)?, tags(&record.own)?);
        let stamp = |(at, precision, offset): (i64, u8, i32)| {
            Some(Stamp { at: Moment::from_millis(at), precision: precision_of(precision)?, offset })
        };
        let place = |(day, offset, length)| Position { day, length, offset };
        let ties = Ties {
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
            ties: (ties != Ties::default()).then(|| Box::new(ties)),
        })
    }
}

/// The tags as records have them.
fn tagged<'r>(tags: &Tags, region: &impl Fn(u32) -> Option<&'r RegionId>) -> Vec<(String, String)> {
    let pairs = tags.iter().filter_map(|(number, evidence)| Some((region(number)?.as_str(), evidence)));
    pairs.map(|(id, evidence)| (id.to_owned(), evidence.to_owned())).collect()
}

fn evidence_word(word: &str) -> Option<&'static str> {
    regions::EVIDENCE.into_iter().find(|known| *known == word)
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
