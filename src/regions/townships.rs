//! The counties that a township's name leads to.

use xxhash_rust::xxh3::xxh3_64;

use crate::model;

/// The names of townships, each with the codes of the counties that have one of that name.
#[derive(Clone, Debug, Default)]
pub(super) struct Townships {
    /// Hash of a name and a county's code, in ascending order.
    all: Vec<(u64, u32)>,
}

/// Longest name of a township that is looked for, in characters, without 镇, 乡 or 街道.
const MAX_NAME: usize = 6;
/// A name that more counties of the country have is no evidence of any.
const MAX_BEARERS: usize = 3;

impl Townships {
    /// Builds the index of the townships in the counties that `is_known` accepts.
    pub(super) fn new(is_known: impl Fn(&str) -> bool) -> Self {
        let mut all = Vec::new();
        let mut last = ("", false);
        for (code, name, rank) in model::townships() {
            if last.0 != code {
                last = (code, is_known(code));
            }
            if last.1
                && let Ok(code) = code.parse()
            {
                all.push((hash(name.chars(), rank), code));
            }
        }
        all.sort_unstable();
        all.dedup();
        Self { all }
    }

    /// Returns, for each township in a text, the codes of the counties it may be in.
    pub(super) fn in_text(&self, text: &[char]) -> Vec<&[(u64, u32)]> {
        let mut found = Vec::new();
        let mut from = 0;
        for (at, c) in text.iter().enumerate() {
            let rank = match c {
                '镇' => "镇",
                '乡' => "乡",
                '街' if text.get(at + 1) == Some(&'道') => "街道",
                _ => continue,
            };
            // The longest name that is known: 北大街 before 大街.
            let begin = at.saturating_sub(MAX_NAME).max(from);
            let names = (begin..at.saturating_sub(1)).filter_map(|start| text.get(start..at));
            let known =
                names.map(|name| self.of(hash(name.iter().copied(), rank))).find(|counties| !counties.is_empty());
            if let Some(counties) = known.filter(|counties| counties.len() <= MAX_BEARERS) {
                found.push(counties);
            }
            from = at + 1;
        }
        found
    }

    fn of(&self, hash: u64) -> &[(u64, u32)] {
        let from = self.all.partition_point(|(known, _)| *known < hash);
        let rest = self.all.get(from..).unwrap_or(&[]);
        rest.get(..rest.partition_point(|(known, _)| *known == hash)).unwrap_or(&[])
    }
}

fn hash(name: impl Iterator<Item = char>, rank: &str) -> u64 {
    let mut bytes = [0_u8; 64];
    let mut end = 0;
    for c in name.chain(rank.chars()) {
        if let Some(place) = bytes.get_mut(end..end + c.len_utf8()) {
            c.encode_utf8(place);
            end += c.len_utf8();
        }
    }
    xxh3_64(bytes.get(..end).unwrap_or(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_leads_to_its_county() {
        let townships = Townships::new(|_| true);
        let codes = |text: &str| {
            let text: Vec<char> = text.chars().collect();
            townships.in_text(&text).concat().into_iter().map(|(_, code)| code).collect::<Vec<_>>()
        };
        assert_eq!(codes("风陵渡镇养鱼"), [140_830]);
        assert_eq!(codes("同川镇和冠山镇"), [140_981, 140_321]);
        assert_eq!(codes("城关镇修路"), [0; 0], "too many have that name");
        assert_eq!(codes("乡镇街道"), [0; 0]);
    }
}
