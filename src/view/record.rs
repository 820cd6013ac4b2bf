//! The records of the view and of the visits: postcard behind a version byte. Version 1 stays readable for ever.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The version of what is written today.
const VERSION: u8 = 1;

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
    /// The first report of the story that this one belongs to; its own number where it is the first.
    pub(super) head: u64,
    /// The other reports of the story, where this is the first.
    pub(super) members: Vec<u64>,
    /// The report that is shown, where this is the first.
    pub(super) shown: u64,
    pub(super) regions: Vec<(String, String)>,
    pub(super) withdrawn: bool,
}

/// What the view is of, under [`META`](super::state::META).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MetaRecord {
    /// The number of the last record that was applied.
    pub(super) applied: u64,
    /// The hash of the rules by which it was derived.
    pub(super) rules: [u8; 16],
    /// How many items there are.
    pub(super) items: u64,
    /// The ids of them all, one upon the other by exclusive or.
    pub(super) ids: u128,
    /// The last `updated` that was given away.
    pub(super) updated: i64,
    /// How many sources there are.
    pub(super) sources: u32,
}

/// A source, under its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FactsRecord {
    /// The number that its items know it by, in order of appearance.
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
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VisitRecord {
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
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MemoryRecord {
    pub(super) page: Option<String>,
    pub(super) format: String,
    pub(super) usual: u32,
    pub(super) follow: Option<String>,
    pub(super) revisits: Vec<RevisitRecord>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RevisitRecord {
    pub(super) item: u128,
    pub(super) guid: Option<String>,
    pub(super) link: Option<String>,
    pub(super) title: String,
    /// RFC 3339 and the word of its precision.
    pub(super) published: Option<(String, String)>,
    pub(super) due: i64,
    pub(super) step: u8,
    pub(super) misses: u8,
}

/// The bytes of a record, with a checksum (CRC-32C) behind them: sled does not notice every flipped bit.
pub(super) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    // Writing into a vector cannot fail; were it to, the record would be unreadable, which opening notices.
    bytes = postcard::to_extend(record, bytes).unwrap_or_default();
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// The record of these bytes; `None` where they are damaged or of a version that is not known.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (record, crc) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(record) != u32::from_le_bytes(*crc) {
        return None;
    }
    match record.split_first()? {
        (&VERSION, body) => postcard::from_bytes(body).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that an earlier dayuan wrote; they stay readable for ever.
    #[test]
    fn version_1_stays_readable() {
        let golden = include_str!("../../tests/fixtures/view/version-1.txt");
        let mut lines = golden.lines().map(|line| line.split_once('\t').unwrap());
        let mut bytes = |name: &str| {
            let (found, hex) = lines.next().unwrap();
            assert_eq!(found, name);
            hex.as_bytes()
                .chunks(2)
                .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
                .collect::<Vec<u8>>()
        };
        let item = bytes("item");
        assert_eq!(encode(&decode::<ItemRecord>(&item).unwrap()), item);
        let meta = bytes("meta");
        assert_eq!(encode(&decode::<MetaRecord>(&meta).unwrap()), meta);
        let facts = bytes("facts");
        assert_eq!(encode(&decode::<FactsRecord>(&facts).unwrap()), facts);
        let visit = bytes("visit");
        assert_eq!(encode(&decode::<VisitRecord>(&visit).unwrap()), visit);
        for bit in 0..item.len() * 8 {
            let mut damaged = item.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode::<ItemRecord>(&damaged), None, "bit {bit}");
        }
    }
}
