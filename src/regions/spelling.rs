//! Names of regions in Hanyu Pinyin, as addresses spell them.

use std::collections::HashMap;

use pinyin::ToPinyin;

use super::names::bare;
use super::words::words;
use crate::model::RegionId;

/// Shortest part of an address that may be a name, in letters.
const MIN_NAME: usize = 4;

/// Regions by the spellings of their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Spelt {
    regions: HashMap<String, Vec<RegionId>>,
    /// The names themselves, also those that addresses do not have.
    names: HashMap<String, Vec<String>>,
}

impl Spelt {
    /// Adds a region's name in all its spellings: 长治市 is `changzhi`, 吕梁市 `lvliang` and `lyuliang`, 盂县 `yuxian`.
    pub(super) fn add(&mut self, region: &RegionId, full: &str) {
        for (letters, name) in spellings(full) {
            self.add_name(&letters, name);
            let known = self.regions.entry(letters).or_default();
            if !known.contains(region) {
                known.push(region.clone());
            }
        }
    }

    /// Adds the name of a region that addresses do not have.
    pub(super) fn add_unaddressed(&mut self, full: &str) {
        for (letters, name) in spellings(full) {
            self.add_name(&letters, name);
        }
    }

    fn add_name(&mut self, letters: &str, name: &str) {
        let known = self.names.entry(letters.to_owned()).or_default();
        if !known.iter().any(|known| known == name) {
            known.push(name.to_owned());
        }
    }

    /// Returns the names with this spelling.
    pub(super) fn names(&self, letters: &str) -> &[String] {
        self.names.get(letters).map_or(&[], Vec::as_slice)
    }

    /// Returns, for each part of an address that spells a name, the regions of that name.
    pub(super) fn in_path(&self, path: &str) -> impl Iterator<Item = &[RegionId]> {
        path.split('/')
            .filter(|part| part.len() >= MIN_NAME && part.bytes().all(|b| b.is_ascii_lowercase()))
            .filter_map(|part| self.regions.get(part).map(Vec::as_slice))
    }
}

/// Returns all spellings of a region's name, each with the name that it spells.
fn spellings(full: &str) -> Vec<(String, &str)> {
    let district = || full.strip_suffix(['区', '旗', '县', '市']).filter(|bare| bare.chars().count() >= 2);
    let name = bare(full).or_else(district).unwrap_or(full);
    if words().ordinary.contains(name) || name.chars().count() < 2 {
        return Vec::new();
    }
    let mut spellings: Vec<String> =
        words().spellings.iter().filter(|(_, other)| *other == name).map(|(letters, _)| letters.clone()).collect();
    let usual = words().readings.get(name).cloned().or_else(|| spell(name));
    spellings.extend(usual.iter().map(|letters| letters.replace('ü', "v")));
    spellings.extend(usual.iter().filter(|letters| letters.contains('ü')).map(|letters| letters.replace('ü', "yu")));
    spellings.into_iter().map(|letters| (letters, name)).collect()
}

/// Spells a Chinese name in pinyin without tones.
fn spell(name: &str) -> Option<String> {
    name.to_pinyin().map(|letter| letter.map(pinyin::Pinyin::plain)).collect()
}
