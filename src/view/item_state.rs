//! An item in memory, and its conversion to and from a record.

use super::fair_share::Place;
use super::numbers::{ItemNo, RegionNo, SourceNo, StoryNo};
use super::record::ItemRecord;
use super::tags::Tags;
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
    /// The story it belongs to.
    pub(super) story: StoryNo,
    pub(super) regions: Tags,
    pub(super) withdrawn: bool,
    /// Whether it is gone at its source, or its source now says something else there.
    pub(super) gone: bool,
    /// Whether every report of the story is gone, if the story begins with this item.
    pub(super) ended: bool,
    /// Whether a takedown covers it.
    pub(super) taken: bool,
    /// Whether its address is on the site of its source.
    pub(super) at_home: bool,
    /// Data that only some items have.
    pub(super) ties: Option<Box<ItemRelations>>,
}

/// Data that only some items have: other reports of the story, earlier texts, an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ItemRelations {
    /// The other items of the story, if it begins with this one.
    pub(super) members: Vec<ItemNo>,
    /// Positions of the item's earlier reports, oldest first.
    pub(super) earlier: Vec<Position>,
    /// Oldest story of the event that the story belongs to, if it has others.
    pub(super) event: Option<StoryNo>,
    /// Time of the newest report, if it is not the first.
    pub(super) reported: Option<Moment>,
    /// The item of the story that is shown, if it is not the first.
    pub(super) shown: Option<ItemNo>,
    /// The stories it contains as parts, if it is a round-up; some may have been joined to others since.
    pub(super) parts: Vec<StoryNo>,
    /// The item's own tags, if its story begins with it and has others.
    pub(super) own: Option<Tags>,
    /// The item's own date, if its story begins with it and has another.
    pub(super) dated: Option<Stamp>,
    /// The item that later reports from its source belong to, if they tell another story.
    pub(super) became: Option<ItemNo>,
    /// The item that took the story over, if any; it is shown while it is live.
    pub(super) right: Option<ItemNo>,
    /// When the story that begins with it was withdrawn or taken down, if readers had seen it.
    pub(super) deleted: Option<Moment>,
}

impl ItemState {
    /// Returns whether its story begins with it; `own` is its own number, here and below.
    pub(super) fn is_first(&self, own: ItemNo) -> bool {
        self.story.first() == own
    }

    /// Returns whether the report can be read.
    pub(super) fn is_live(&self, own: ItemNo) -> bool {
        !self.gone && !self.taken && (!self.withdrawn || self.is_first(own))
    }

    /// Returns the other items of the story, if it begins with this one.
    pub(super) fn members(&self) -> &[ItemNo] {
        self.ties.as_ref().map_or(&[], |ties| &ties.members)
    }

    /// Returns all items of the story that begins with this one.
    pub(super) fn all(&self, own: ItemNo) -> impl Iterator<Item = ItemNo> + '_ {
        std::iter::once(own).chain(self.members().iter().copied())
    }

    /// Returns the position of the item's first report.
    pub(super) fn oldest(&self) -> Position {
        self.earlier().first().copied().unwrap_or(self.position)
    }

    /// Returns the positions of the item's earlier reports, oldest first.
    pub(super) fn earlier(&self) -> &[Position] {
        self.ties.as_ref().map_or(&[], |ties| &ties.earlier)
    }

    /// Returns the oldest story of the event, if it has others.
    pub(super) fn event(&self) -> Option<StoryNo> {
        self.ties.as_ref().and_then(|ties| ties.event)
    }

    /// Returns the stories that a round-up contains as parts.
    pub(super) fn parts(&self) -> &[StoryNo] {
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
    pub(super) fn became(&self) -> Option<ItemNo> {
        self.ties.as_ref().and_then(|ties| ties.became)
    }

    /// Returns the item that the story belongs to: the first one, or the one that took it over.
    pub(super) fn owner(&self, own: ItemNo) -> ItemNo {
        self.ties.as_ref().and_then(|ties| ties.right).unwrap_or(own)
    }

    /// Takes over the item's newest report.
    pub(super) fn add_report(&mut self, position: Position, seen: Moment) {
        let before = std::mem::replace(&mut self.position, position);
        let ties = self.ties_mut();
        ties.earlier.push(before);
        ties.reported = Some(seen);
        self.reports = self.reports.saturating_add(1);
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

    /// Returns the item of the story that is shown.
    pub(super) fn shown(&self, own: ItemNo) -> ItemNo {
        self.ties.as_ref().and_then(|ties| ties.shown).unwrap_or(own)
    }

    pub(super) fn ties_mut(&mut self) -> &mut ItemRelations {
        self.ties.get_or_insert_default()
    }

    /// Returns when the story was withdrawn or taken down, if readers had seen it.
    pub(super) fn deleted(&self) -> Option<Moment> {
        self.ties.as_ref().and_then(|ties| ties.deleted)
    }

    /// Returns its places in the timelines of its regions, if a visible story begins with it.
    pub(super) fn places(&self, own: ItemNo) -> impl Iterator<Item = (RegionNo, Place)> + '_ {
        let place = (std::cmp::Reverse(self.published.at.millis()), self.story);
        let stands = self.is_first(own) && !self.withdrawn && !self.ended;
        self.regions.iter().filter(move |_| stands).map(move |(region, _)| (region, place))
    }

    pub(super) fn known(&self) -> Known {
        Known { item: self.id, fingerprint: self.fingerprint, reported: self.reported(), reports: self.reports }
    }

    /// Returns the item's record; `source` is the id of its source, `region` maps a region number to its id.
    pub(super) fn record<'r>(
        &self,
        own: ItemNo,
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
            head: self.story.seq(),
            members: self.members().iter().copied().map(ItemNo::seq).collect(),
            shown: self.shown(own).seq(),
            regions: tagged(&self.regions, &region),
            withdrawn: self.withdrawn,
            earlier: self.earlier().iter().map(place).collect(),
            event: self.event().map(StoryNo::seq),
            sketch: Vec::new(),
            pairs: Vec::new(),
            parts: self.parts().iter().copied().map(StoryNo::seq).collect(),
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
            became: self.became().map(ItemNo::seq),
            ends: u8::from(self.gone)
                | u8::from(self.ended) << 1
                | u8::from(self.at_home) << 2
                | u8::from(self.ties.as_ref().is_some_and(|ties| ties.own == Some(Tags::default()))) << 3
                | u8::from(self.taken) << 4,
            right: self.ties.as_ref().and_then(|ties| ties.right).map(ItemNo::seq),
            deleted: self.deleted().map(Moment::millis),
        }
    }

    /// Restores an item from its record; `None` if a value is invalid.
    pub(super) fn of(
        own: ItemNo,
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
        let (regions, own_tags) = (tags(&record.regions)?, tags(&record.own)?);
        let stamp = |(at, precision, offset): (i64, u8, i32)| {
            Some(Stamp { at: Moment::from_millis(at), precision: precision_of(precision)?, offset })
        };
        let place = |(day, offset, length)| Position { day, length, offset };
        let story = |seq| ItemNo::of(seq).story();
        let ties = ItemRelations {
            members: record.members.into_iter().map(ItemNo::of).collect(),
            earlier: record.earlier.into_iter().map(place).collect(),
            event: record.event.map(story),
            reported: (record.reported != record.seen).then_some(Moment::from_millis(record.reported)),
            shown: Some(ItemNo::of(record.shown)).filter(|shown| *shown != own),
            parts: record.parts.into_iter().map(story).collect(),
            own: (!record.own.is_empty() || record.ends & 8 != 0).then_some(own_tags),
            dated: record.dated.map(|dated| stamp(dated).ok_or(())).transpose().ok()?,
            became: record.became.map(ItemNo::of),
            right: record.right.map(ItemNo::of),
            deleted: record.deleted.map(Moment::from_millis),
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
            story: story(record.head),
            regions,
            withdrawn: record.withdrawn,
            gone: record.ends & 1 != 0,
            ended: record.ends & 2 != 0,
            at_home: record.ends & 4 != 0,
            taken: record.ends & 16 != 0,
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
