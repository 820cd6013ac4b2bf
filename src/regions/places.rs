//! The regions of a tree as placing needs them: their names, levels and ancestors.

use std::collections::{BTreeMap, HashMap};

use super::names::{Kind, Names, current};
use super::spelling::Spelt;
use super::townships::Townships;
use super::words::{TEXT, fold};
use crate::model::{Region, RegionId, Regions};

/// Level of a region, for the words 我省, 我市 and 我县.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Province,
    City,
    County,
}

/// The properties of a region needed for placing.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) level: Level,
    /// Whether it is called a city, even if it is at county level.
    pub(super) is_city: bool,
    /// The region and its ancestors, nearest first.
    pub(super) path: Vec<RegionId>,
}

/// The names of all regions of a region tree.
#[derive(Clone, Debug, Default)]
pub struct Places {
    places: HashMap<RegionId, Place>,
    pub(super) names: Names,
    /// Cities and counties by their names in Hanyu Pinyin, as used in URLs.
    pub(super) spelt: Spelt,
    pub(super) townships: Townships,
    rules: String,
}

impl Places {
    /// Builds the index from a region tree.
    pub fn new(regions: &Regions) -> Self {
        let mut found: BTreeMap<Vec<char>, Vec<(Kind, RegionId)>> = BTreeMap::new();
        let mut places = HashMap::new();
        let mut spelt = Spelt::default();
        let mut all: Vec<&Region> = regions.all().filter(|region| region.members.is_empty()).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        let mut hasher = blake3::Hasher::new();
        hasher.update(TEXT.as_bytes());
        for region in all {
            let path: Vec<RegionId> = regions.path(&region.id).into_iter().map(|up| up.id.clone()).collect();
            let level = level(&region.id, path.len());
            let former = region.former.iter().map(|(name, _)| (Kind::Former, name.clone()));
            for (kind, name) in current(region).into_iter().chain(former) {
                let name = fold(&name);
                if name.len() >= 2 {
                    found.entry(name).or_default().push((kind, region.id.clone()));
                }
            }
            for part in [region.id.as_str(), &region.name].into_iter().chain(path.get(1).map(RegionId::as_str)) {
                hasher.update(part.as_bytes());
                hasher.update(b"\0");
            }
            for name in region.aliases.iter().chain(region.former.iter().map(|(name, _)| name)) {
                hasher.update(name.as_bytes());
                hasher.update(b"\0");
            }
            if level == Level::Province {
                spelt.add_unaddressed(&region.name);
            } else {
                spelt.add(&region.id, &region.name);
            }
            let is_city = level == Level::City || region.name.ends_with('市');
            places.insert(region.id.clone(), Place { level, is_city, path });
        }
        let is_known = |code: &str| RegionId::new(code).is_ok_and(|region| places.contains_key(&region));
        let townships = Townships::new(is_known);
        let (names, rules) = (Names::new(found), hasher.finalize().to_hex().to_string());
        Self { places, names, spelt, townships, rules }
    }

    /// Returns a hash of the names and of what is known of the words around them; if it changes, the same stories may be
    /// placed in other regions.
    pub fn rules(&self) -> &str {
        &self.rules
    }

    /// Returns the names of places that these letters spell in Hanyu Pinyin: 阳泉 for `yangquan`.
    pub fn spelt(&self, letters: &str) -> &[String] {
        self.spelt.names(letters)
    }

    /// Returns whether the region of a six-digit code is `top` or below it.
    pub fn is_coded_within(&self, code: &str, top: &RegionId) -> bool {
        self.coded(code).is_some_and(|region| self.is_within(&region, top))
    }

    /// Returns whether a region is `top` or below it.
    pub fn is_within(&self, region: &RegionId, top: &RegionId) -> bool {
        region == top || self.get(region).is_some_and(|place| place.path.contains(top))
    }

    pub(super) fn get(&self, region: &RegionId) -> Option<&Place> {
        self.places.get(region)
    }

    /// Returns the region with a six-digit code; if the tree lacks it, as for a development zone, its city.
    pub(super) fn coded(&self, code: &str) -> Option<RegionId> {
        let city = || format!("{}00", code.get(..4).unwrap_or_default());
        [code.to_owned(), city()]
            .iter()
            .filter_map(|code| RegionId::new(code).ok())
            .find(|region| self.places.contains_key(region))
    }

    pub(super) fn level_of(&self, region: &RegionId) -> Option<Level> {
        self.get(region).map(|place| place.level)
    }

    /// Returns the highest of several regions if all others are below it: of 长沙市 and 长沙县, the city.
    pub(super) fn highest<'r>(&self, regions: &[&'r RegionId]) -> Option<&'r RegionId> {
        let top = *regions.iter().min_by_key(|region| self.level_of(region))?;
        regions.iter().all(|region| self.is_within(region, top)).then_some(top)
    }
}

/// Returns the level by the digits of GB/T 2260, otherwise by the depth in the tree.
fn level(id: &RegionId, depth: usize) -> Level {
    let id = id.as_str();
    if id.len() == 6 && id.bytes().all(|b| b.is_ascii_digit()) {
        return if id.ends_with("0000") {
            Level::Province
        } else if id.ends_with("00") {
            Level::City
        } else {
            Level::County
        };
    }
    match depth {
        ..=1 => Level::Province,
        2 => Level::City,
        _ => Level::County,
    }
}
