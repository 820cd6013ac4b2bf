//! The names of regions, and where they stand in a text.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

use super::boundary::is_whole;
use super::words::words;
use crate::model::{Region, RegionId, SecretHasher};

/// Kind of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Full,
    Short,
    Former,
}

#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: Vec<char>,
    /// All regions with this name, and what kind of name it is for them: full names first, former ones last.
    pub(super) bearers: Vec<(Kind, RegionId)>,
}

/// All names of a region tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    all: Vec<Name>,
    /// Names by their first two characters, longest first.
    begins: Begins,
}

/// Names indexed by their first two characters.
#[derive(Clone, Debug, Default)]
struct Begins {
    names: HashMap<u64, Vec<usize>, BuildHasherDefault<SecretHasher>>,
    /// Bitmap over the upper sixteen bits of each pair, set if a name may begin with it: rules out most pairs of a text
    /// cheaply.
    any: Vec<u64>,
}

/// A name found in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'p> {
    pub(super) name: &'p Name,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Name {
    /// Returns the regions that have this name, as a name of one of these kinds.
    pub(super) fn of(&self, kinds: &[Kind]) -> Vec<&RegionId> {
        self.bearers.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, region)| region).collect()
    }

    /// Returns the kind of name it is for a region.
    pub(super) fn kind_for(&self, region: &RegionId) -> Kind {
        self.bearers.iter().find(|(_, bearer)| bearer == region).map_or(Kind::Former, |(kind, _)| *kind)
    }

    fn is_full(&self) -> bool {
        self.bearers.iter().any(|(kind, _)| *kind == Kind::Full)
    }
}

impl Names {
    /// Builds the index from each name with the regions that have it.
    pub(super) fn new(found: BTreeMap<Vec<char>, Vec<(Kind, RegionId)>>) -> Self {
        let mut names = Self { all: Vec::with_capacity(found.len()), begins: Begins::default() };
        for (text, mut bearers) in found {
            if let [first, second, ..] = text.as_slice() {
                names.begins.add(pair(*first, *second), names.all.len());
                bearers.sort();
                // A region that has the name in two ways has it in the better one.
                let mut seen = Vec::with_capacity(bearers.len());
                bearers.retain(|(_, region)| {
                    !seen.contains(region) && {
                        seen.push(region.clone());
                        true
                    }
                });
                names.all.push(Name { text, bearers });
            }
        }
        for list in names.begins.names.values_mut() {
            list.sort_by_key(|at| names.all.get(*at).map(|name| std::cmp::Reverse(name.text.len())));
        }
        names
    }

    /// Returns all names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Name> {
        self.all.iter()
    }

    /// Returns the names in a text: the longest at each position, without overlaps.
    pub(super) fn hits(&self, text: &[char]) -> Vec<Hit<'_>> {
        let mut found = Vec::new();
        let mut at = 0;
        while at + 1 < text.len() {
            let follows = found.last().is_some_and(|last: &Hit<'_>| last.to == at);
            match self.at(text, at, follows).filter(|hit| !self.is_cut(text, hit)) {
                Some(hit) => {
                    at = hit.to;
                    found.push(hit);
                }
                None => at += 1,
            }
        }
        found
    }

    /// Returns the longest name at a position, if it stands there on its own or `follows` another one.
    fn at(&self, text: &[char], at: usize, follows: bool) -> Option<Hit<'_>> {
        let (first, second) = (text.get(at)?, text.get(at + 1)?);
        let rest = text.get(at..)?;
        let list = self.begins.of(pair(*first, *second))?;
        let name = list.iter().filter_map(|name| self.all.get(*name)).find(|name| rest.starts_with(&name.text))?;
        let to = at + name.text.len();
        is_whole(text, at, to, &name.text, follows).then_some(Hit { name, from: at, to })
    }

    /// Returns whether a short name runs into a full one, which is then the one that is meant: 盂县和平定县 holds no 和平.
    fn is_cut(&self, text: &[char], hit: &Hit<'_>) -> bool {
        !hit.name.is_full()
            && (hit.from + 1..hit.to)
                .any(|at| self.at(text, at, false).is_some_and(|other| other.to > hit.to && other.name.is_full()))
    }
}

impl Begins {
    fn of(&self, pair: u64) -> Option<&Vec<usize>> {
        let (word, bit) = place(pair);
        let may = self.any.get(word).is_some_and(|word| word >> bit & 1 == 1);
        if may { self.names.get(&pair) } else { None }
    }

    fn add(&mut self, pair: u64, name: usize) {
        let (word, bit) = place(pair);
        self.any.resize(1 << 10, 0);
        if let Some(word) = self.any.get_mut(word) {
            *word |= 1 << bit;
        }
        self.names.entry(pair).or_default().push(name);
    }
}

/// Returns the position of a pair in the bitmap: the word, and the bit within its 64.
const fn place(pair: u64) -> (usize, u32) {
    let upper = pair.to_be_bytes();
    let number = u16::from_be_bytes([upper[0], upper[1]]);
    ((number >> 6) as usize, (number & 63) as u32)
}

/// Packs two characters into a number, unique to each pair, with its bits well mixed.
fn pair(first: char, second: char) -> u64 {
    (u64::from(first) << 32 | u64::from(second)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Returns the current names of a region, with their kinds: its own and its aliases in full and short form.
pub(super) fn current(region: &Region) -> Vec<(Kind, String)> {
    let mut names = Vec::new();
    for name in std::iter::once(&region.name).chain(&region.aliases) {
        names.push((Kind::Full, name.clone()));
        names.extend(short_forms(name));
    }
    let nicknames = words().nicknames.get(region.id.as_str()).into_iter().flatten();
    names.extend(nicknames.map(|name| {
        let is_ranked = name.ends_with(['县', '旗']) && name.chars().count() > 2;
        (if is_ranked { Kind::Full } else { Kind::Short }, name.clone())
    }));
    names
}

/// Returns a name without its rank.
pub(super) fn bare(name: &str) -> Option<&str> {
    let ends = words().rank.iter().flat_map(|rank| &rank.full);
    let bare = ends.filter_map(|end| name.strip_suffix(end.as_str())).min_by_key(|bare| bare.len())?;
    let bare = without_peoples(bare);
    (bare.chars().count() >= 2).then_some(bare)
}

/// Returns the short forms of a full name: 甘孜藏族自治州 is 甘孜州 and 甘孜, 平定县 is 平定.
fn short_forms(name: &str) -> Vec<(Kind, String)> {
    let Some(bare) = bare(name) else { return Vec::new() };
    let mut forms = vec![(Kind::Short, bare.to_owned())];
    let rank = words().rank.iter().find(|rank| rank.full.iter().any(|end| name.ends_with(end.as_str())));
    if let Some(rank) = rank.filter(|rank| !rank.short.is_empty()) {
        forms.push((Kind::Full, format!("{bare}{}", rank.short)));
    }
    forms
}

/// Returns a name without the peoples named at its end, unless nothing else is left of it.
fn without_peoples(name: &str) -> &str {
    let mut rest = name;
    loop {
        let shorter = words().peoples.iter().filter_map(|people| rest.strip_suffix(people.as_str()));
        match shorter.min_by_key(|shorter| shorter.len()) {
            Some(shorter) if shorter.chars().count() >= 2 => rest = shorter,
            _ => return rest.strip_suffix('族').unwrap_or(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_leave_out_rank_and_peoples() {
        for (full, expected) in [
            ("平定县", &["平定"][..]),
            ("黔西南布依族苗族自治州", &["黔西南", "黔西南州"]),
            ("积石山保安族东乡族撒拉族自治县", &["积石山", "积石山县"]),
            ("东乡族自治县", &["东乡", "东乡县"]),
            ("内蒙古自治区", &["内蒙古"]),
            ("广西壮族自治区", &["广西"]),
            ("香港特别行政区", &["香港"]),
            ("莫力达瓦达斡尔族自治旗", &["莫力达瓦", "莫力达瓦旗"]),
            ("锡林郭勒盟", &["锡林郭勒"]),
            ("盂县", &[]),
            ("城区", &[]),
        ] {
            let found: Vec<String> = short_forms(full).into_iter().map(|(_, name)| name).collect();
            assert_eq!(found, expected, "{full}");
        }
    }
}
