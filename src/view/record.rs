//! The records of the view and the poll states: postcard after a version byte. Every version stays readable for ever.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A type of record.
pub(super) trait Stored: Serialize + DeserializeOwned {
    /// Number of fields that each version after the first appended. They are lists, options and numbers, whose empty
    /// values postcard writes as a zero byte; so in records written before, they are read as empty.
    const ADDED: &'static [usize] = &[];
}

/// Returns the version written today.
fn version<T: Stored>() -> u8 {
    u8::try_from(T::ADDED.len() + 1).unwrap_or(u8::MAX)
}

/// An item, keyed by the number of its first report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ItemRecord {
    pub(super) id: u128,
    pub(super) source: String,
    pub(super) day: u32,
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) seen: i64,
    pub(super) reported: i64,
    pub(super) reports: u16,
    pub(super) published: i64,
    pub(super) precision: u8,
    pub(super) zone: i32,
    pub(super) updated: i64,
    pub(super) link: u64,
    pub(super) title: u64,
    pub(super) content: u64,
    /// First report of the story it belongs to; its own number if it is that report.
    pub(super) head: u64,
    /// Other reports of the story, if this is the first.
    pub(super) members: Vec<u64>,
    /// Report that is shown, if this is the first of the story.
    pub(super) shown: u64,
    pub(super) regions: Vec<(String, String)>,
    pub(super) withdrawn: bool,
    /// Positions of the earlier reports: day, offset, length.
    pub(super) earlier: Vec<(u32, u64, u32)>,
    /// Oldest story of the event that the story belongs to, if it has others.
    pub(super) event: Option<u64>,
    /// Sketch to find similar texts, if new items are compared with this one.
    pub(super) sketch: Vec<u32>,
    /// Hashes of pairs of facts, for finding items that state the same facts.
    pub(super) pairs: Vec<u32>,
    /// Stories it contains as parts, if it is a round-up.
    pub(super) parts: Vec<u64>,
    /// The item's own tags, if its story has others.
    pub(super) own: Vec<(String, String)>,
    /// The item's own date, if its story has another: milliseconds, precision, zone.
    pub(super) dated: Option<(i64, u8, i32)>,
    /// Item that later reports from its source belong to, if they tell another story.
    pub(super) became: Option<u64>,
    /// Flags: the item is gone (1), the whole story has ended (2), its address is on its source's site (4), the item
    /// itself has no tags although its story has (8), a takedown covers it (16).
    pub(super) ends: u8,
    /// Report that took the story over, if any; while it is gone, another one is shown.
    pub(super) right: Option<u64>,
    /// When the story was withdrawn or taken down, if readers had seen it.
    pub(super) deleted: Option<i64>,
}

/// State of the whole view, under [`META`](super::keys::META).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MetaRecord {
    /// Number of the last applied record.
    pub(super) applied: u64,
    /// Hash of the rules it was derived by.
    pub(super) rules: [u8; 16],
    /// Number of items.
    pub(super) items: u64,
    /// The ids of all items, combined by exclusive or.
    pub(super) ids: u128,
    /// No longer used.
    pub(super) updated: i64,
    /// Number of sources.
    pub(super) sources: u32,
    /// The first items that new ones are compared with, by text and by facts; older ones are not looked up.
    pub(super) compared_from: [u64; 2],
}

/// A source, under its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FactsRecord {
    /// Number by which its items refer to it, in order of appearance.
    pub(super) number: u32,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) link: String,
    pub(super) region: String,
    pub(super) authority: String,
    pub(super) zone: String,
    pub(super) rights: Option<String>,
    pub(super) at: i64,
    pub(super) control: Option<String>,
    /// Former ids of the source.
    pub(super) was: Vec<String>,
    /// Regions other than its own for which it may issue warnings.
    pub(super) alerts_for: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PollStateRecord {
    pub(super) url: Option<String>,
    pub(super) etag: Option<Vec<u8>>,
    pub(super) last_modified: Option<Vec<u8>>,
    pub(super) due: i64,
    pub(super) asked: Option<i64>,
    pub(super) succeeded: Option<i64>,
    pub(super) last_new: Option<i64>,
    pub(super) not_before: i64,
    pub(super) interval: u32,
    pub(super) failures: u32,
    pub(super) health: u8,
    pub(super) reason: String,
    pub(super) moved: Option<(String, i64)>,
    pub(super) listed: Vec<u64>,
    pub(super) polls: u64,
    pub(super) rhythm: u32,
    pub(super) since: Option<i64>,
    pub(super) doubt: String,
    /// Time of the first 410 answer, and how many there have been.
    pub(super) gone: Option<(i64, u32)>,
    /// `None` in records before version 4: then the rest is in a [`ListingRecord`].
    pub(super) page: Option<String>,
    pub(super) format: String,
    pub(super) usual: u32,
    pub(super) follow: Option<String>,
    pub(super) wait: u64,
    pub(super) skip_hours: u32,
    pub(super) skip_days: u32,
    pub(super) page_asked: Option<i64>,
    pub(super) busy_hosts: Vec<(String, i64)>,
    /// Why the source is not well: the kind and values of the reason, and of what that came from.
    pub(super) why: Vec<ReasonRecord>,
    /// What is doubtful about it. Before version 5, that and the reason were sentences.
    pub(super) doubts: Vec<ReasonRecord>,
    /// How many documents in a row were not trusted.
    pub(super) drifts: u32,
}

/// A reason: its kind and its values.
pub(super) type ReasonRecord = (String, Vec<String>);

/// The articles of a source to read again. A record of its own: it is long, and few polls change it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RevisitsRecord {
    pub(super) revisits: Vec<RevisitRecord>,
    /// Missing articles: item, since when (milliseconds), and whether the log records it as gone.
    pub(super) missing: Vec<(u128, i64, bool)>,
    /// Identifiers of warnings and region codes: item, identifier, code.
    pub(super) codes: Vec<(u128, Option<String>, Option<String>)>,
}

/// What was once kept beside a [`PollStateRecord`]. It is only read: its parts are in that record and in
/// [`RevisitsRecord`] now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListingRecord {
    pub(super) page: Option<String>,
    pub(super) format: String,
    pub(super) usual: u32,
    pub(super) follow: Option<String>,
    pub(super) revisits: Vec<RevisitRecord>,
    pub(super) wait: u64,
    pub(super) skip_hours: u32,
    pub(super) skip_days: u32,
    pub(super) page_asked: Option<i64>,
    pub(super) busy_hosts: Vec<(String, i64)>,
    /// Missing articles: item, since when (milliseconds), and whether the log records it as gone.
    pub(super) missing: Vec<(u128, i64, bool)>,
    /// Identifiers of warnings and region codes of the articles to read again: item, identifier, code.
    pub(super) codes: Vec<(u128, Option<String>, Option<String>)>,
}

impl PollStateRecord {
    /// Takes over what was kept beside a record before version 4.
    pub(super) fn take_in(&mut self, listing: ListingRecord) {
        self.page = listing.page;
        self.format = listing.format;
        self.usual = listing.usual;
        self.follow = listing.follow;
        self.wait = listing.wait;
        self.skip_hours = listing.skip_hours;
        self.skip_days = listing.skip_days;
        self.page_asked = listing.page_asked;
        self.busy_hosts = listing.busy_hosts;
    }
}

impl ListingRecord {
    pub(super) fn revisits(self) -> RevisitsRecord {
        RevisitsRecord { revisits: self.revisits, missing: self.missing, codes: self.codes }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RevisitRecord {
    pub(super) item: u128,
    pub(super) guid: Option<String>,
    pub(super) link: Option<String>,
    pub(super) title: String,
    /// RFC 3339 text and the keyword of its precision.
    pub(super) published: Option<(String, String)>,
    pub(super) due: i64,
    pub(super) step: u8,
    pub(super) misses: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RobotsRecord {
    pub(super) until: i64,
    pub(super) text: Option<Vec<u8>>,
}

/// A withdrawn item: since when, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HiddenRecord {
    pub(super) at: i64,
    pub(super) reason: String,
    /// What readers are told.
    pub(super) public: Option<String>,
}

/// A subscription of the hub, in a store of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SubscriptionRecord {
    pub(super) topic: String,
    pub(super) callback: String,
    pub(super) secret: Option<Vec<u8>>,
    pub(super) until: i64,
    pub(super) sent: u64,
    pub(super) failures: u32,
}

impl Stored for SubscriptionRecord {}

/// Our own subscription at the hub of a source, in the same store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourceSubscriptionRecord {
    pub(super) source: String,
    pub(super) hub: String,
    pub(super) topic: String,
    pub(super) callback: String,
    pub(super) secret: Option<String>,
    pub(super) asked: i64,
    pub(super) until: i64,
    pub(super) pushed: Option<i64>,
}

impl Stored for SourceSubscriptionRecord {}

impl Stored for HiddenRecord {
    const ADDED: &'static [usize] = &[2, 1];
}

/// A takedown that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TakedownRecord {
    /// Kind and value of the scope.
    pub(super) kind: String,
    pub(super) value: String,
    pub(super) origin: String,
    pub(super) reason: String,
    pub(super) public: Option<String>,
    pub(super) at: i64,
    pub(super) whole: bool,
}

impl Stored for TakedownRecord {}

/// A hash of what decides how documents look, and since when it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LooksRecord {
    pub(super) looks: [u8; 32],
    pub(super) since: i64,
}

impl Stored for LooksRecord {}
impl Stored for RobotsRecord {}

impl Stored for ItemRecord {
    const ADDED: &'static [usize] = &[4, 1, 5, 1];
}

impl Stored for FactsRecord {
    const ADDED: &'static [usize] = &[1, 1];
}

impl Stored for MetaRecord {
    const ADDED: &'static [usize] = &[2];
}
impl Stored for PollStateRecord {
    const ADDED: &'static [usize] = &[2, 2, 9, 2, 1];
}
impl Stored for RevisitsRecord {}
impl Stored for ListingRecord {
    const ADDED: &'static [usize] = &[3, 3, 1];
}
impl Stored for i64 {}

/// Encodes a record, with a CRC-32C at the end because sled does not notice every flipped bit.
pub(super) fn encode<T: Stored>(record: &T) -> Vec<u8> {
    let mut bytes = vec![version::<T>()];
    // Writing into a vector cannot fail; if it did, the record would be unreadable, which is detected on opening.
    bytes = postcard::to_extend(record, bytes).unwrap_or_default();
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// Decodes a record; `None` if it is damaged or of an unknown version.
pub(super) fn decode<T: Stored>(bytes: &[u8]) -> Option<T> {
    let (record, crc) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(record) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (written, body) = record.split_first()?;
    // No version is zero, and none has more fields than the current one.
    let missing: usize = T::ADDED.get(usize::from(written.checked_sub(1)?)..)?.iter().sum();
    if missing == 0 {
        return postcard::from_bytes(body).ok();
    }
    postcard::from_bytes(&[body, &vec![0; missing]].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a golden file: each line is a name and bytes in hexadecimal.
    fn golden(text: &str) -> Vec<(&str, Vec<u8>)> {
        let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
        let line = |line| {
            let (name, hex): (&str, &str) = str::split_once(line, '\t').unwrap();
            (name, hex.as_bytes().chunks(2).map(byte).collect())
        };
        text.lines().map(line).collect()
    }

    /// Checks that old encodings can be read and that today's encoding has not changed.
    fn check<T: Stored + PartialEq + std::fmt::Debug>(versions: &[&[u8]]) {
        let now = *versions.last().unwrap();
        let record: T = decode(now).unwrap();
        assert_eq!(encode(&record), now);
        for old in versions {
            let old: T = decode(old).unwrap();
            assert_eq!(decode::<T>(&encode(&old)), Some(old), "it can be written anew");
        }
        for bit in 0..now.len() * 8 {
            let mut damaged = now.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode::<T>(&damaged), None, "bit {bit}");
        }
        let mut later = now[..now.len() - 4].to_vec();
        later[0] = version::<T>() + 1;
        later.extend_from_slice(&crc32c::crc32c(&later).to_le_bytes());
        assert_eq!(decode::<T>(&later), None, "a version that is not known yet");
    }

    /// Bytes that earlier versions of dayuan wrote; they stay readable for ever.
    #[test]
    fn every_version_stays_readable() {
        let golden = [
            golden(include_str!("../../tests/fixtures/view/version-1.txt")),
            golden(include_str!("../../tests/fixtures/view/version-2.txt")),
            golden(include_str!("../../tests/fixtures/view/version-3.txt")),
            golden(include_str!("../../tests/fixtures/view/version-4.txt")),
            golden(include_str!("../../tests/fixtures/view/version-5.txt")),
            golden(include_str!("../../tests/fixtures/view/version-6.txt")),
            golden(include_str!("../../tests/fixtures/view/version-7.txt")),
            golden(include_str!("../../tests/fixtures/view/version-8.txt")),
            golden(include_str!("../../tests/fixtures/view/version-9.txt")),
            golden(include_str!("../../tests/fixtures/view/subscription-1.txt")),
        ];
        let of = |kind: &str| {
            let lines = golden.iter().flatten().filter(|(name, _)| *name == kind);
            lines.map(|(_, bytes)| bytes.as_slice()).collect::<Vec<_>>()
        };
        check::<ItemRecord>(&of("item"));
        check::<MetaRecord>(&of("meta"));
        check::<FactsRecord>(&of("facts"));
        check::<PollStateRecord>(&of("visit"));
        check::<ListingRecord>(&of("memory"));
        check::<RevisitsRecord>(&of("again"));
        check::<SubscriptionRecord>(&of("subscription"));
        check::<SourceSubscriptionRecord>(&of("source subscription"));
        let item: ItemRecord = decode(of("item")[2]).unwrap();
        assert_eq!((item.earlier, item.event), (vec![(19_425, 7, 90)], Some(3)));
        assert_eq!((item.sketch, item.pairs, item.parts, item.ends), (vec![1, 2, 3], vec![4], vec![2], 0));
        let item: ItemRecord = decode(of("item")[3]).unwrap();
        assert_eq!((item.own, item.became), (vec![("140321".into(), "county".into())], Some(9)));
        assert_eq!((item.ends, item.right, item.deleted), (3, Some(4), None));
        let item: ItemRecord = decode(of("item")[4]).unwrap();
        assert_eq!(item.deleted, Some(1_678_240_800_000));
    }
}
