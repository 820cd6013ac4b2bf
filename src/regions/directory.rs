//! Finds a region by what people call it: id, slug, or name, with or without the names of the regions above it.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use super::names::{Kind, current};
use super::words::fold;
use crate::model::{Region, RegionId, Regions};

/// Maximum number of regions that are suggested in place of a wrong one.
const MAX_NEAR: usize = 4;
/// Longest text that is looked up, in characters; the longest path of names in the atlas has 33.
const MAX_TEXT: usize = 64;

/// The regions of each name, with the kind of name that it is for them, in simplified characters.
type Index<'r> = HashMap<Vec<char>, BTreeSet<(Kind, &'r RegionId)>>;

/// The regions by their names. The index is built when the first name is looked up.
#[derive(Debug)]
pub struct Directory<'r> {
    regions: &'r Regions,
    names: OnceCell<Index<'r>>,
}

impl<'r> Directory<'r> {
    /// Makes the directory of a region tree.
    pub const fn new(regions: &'r Regions) -> Self {
        Self { regions, names: OnceCell::new() }
    }

    /// Returns the regions.
    pub const fn regions(&self) -> &'r Regions {
        self.regions
    }

    /// Returns the regions that a text may mean, ordered by id: one for an id, a slug or a name that only one region
    /// has, none if nothing is called so. Current names come before former ones, full names before short ones; of a
    /// region and those below it with the same name, the upper one is meant.
    pub fn called(&self, text: &str) -> Vec<&'r Region> {
        if let Some(region) = RegionId::new(text.trim()).ok().and_then(|id| self.by_id(&id)) {
            return vec![region];
        }
        let text: Vec<char> = fold(text).into_iter().filter(|c| c.is_alphanumeric()).take(MAX_TEXT).collect();
        // The whole text may be one name, or its end, after the names of regions above.
        (0..text.len())
            .filter_map(|at| text.split_at_checked(at))
            .map(|(above, own)| self.bearers(above, own))
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    fn by_id(&self, id: &RegionId) -> Option<&'r Region> {
        let is_slug = |region: &&Region| region.slug.as_ref() == Some(id) || region.was.contains(id);
        self.regions.get(id).or_else(|| self.regions.all().find(is_slug))
    }

    /// Returns the regions with this name, below those whose names come before it.
    fn bearers(&self, above: &[char], own: &[char]) -> Vec<&'r Region> {
        let Some(known) = self.index().get(own) else { return Vec::new() };
        let fitting: Vec<_> = known.iter().filter(|(_, id)| self.is_above(above, id)).collect();
        let Some((best, _)) = fitting.first() else { return Vec::new() };
        let same = fitting.iter().filter(|(kind, _)| kind == best);
        let found: Vec<&'r Region> = same.filter_map(|(_, id)| self.regions.get(id)).collect();
        let holds_all = |top: &&&'r Region| {
            found.iter().all(|region| self.regions.path(&region.id).iter().any(|up| up.id == top.id))
        };
        match found.iter().find(holds_all) {
            Some(top) => vec![top],
            None => found,
        }
    }

    /// Returns whether a text is made of names of regions above this one, the highest first.
    fn is_above(&self, text: &[char], id: &RegionId) -> bool {
        let mut rest = text;
        for region in self.regions.path(id).into_iter().skip(1) {
            let names = current(region).into_iter().map(|(_, name)| fold(&name));
            let longest = names.filter(|name| rest.ends_with(name)).map(|name| name.len()).max().unwrap_or(0);
            rest = rest.get(..rest.len() - longest).unwrap_or_default();
        }
        rest.is_empty()
    }

    fn index(&self) -> &Index<'r> {
        self.names.get_or_init(|| {
            let mut names = Index::new();
            for region in self.regions.all() {
                let former = region.former.iter().map(|(name, _)| (Kind::Former, name.clone()));
                for (kind, name) in current(region).into_iter().chain(former) {
                    names.entry(fold(&name)).or_default().insert((kind, &region.id));
                }
            }
            names
        })
    }

    /// Returns the regions whose names contain a text, ordered by id.
    pub fn containing(&self, text: &str) -> Vec<&'r Region> {
        let text = text.trim();
        let mut found: Vec<&Region> =
            self.regions.all().filter(|region| !text.is_empty() && region.name.contains(text)).collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found
    }

    /// Returns the regions that may be meant by a text that names none, the likeliest first: neighbours of a code, or
    /// names that differ in little.
    pub fn near(&self, text: &str) -> Vec<&'r Region> {
        let text = text.trim();
        let is_code = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
        let mut found = if is_code { self.near_code(text) } else { self.near_name(text) };
        found.sort_by(|(a, one), (b, other)| (a, &one.id).cmp(&(b, &other.id)));
        found.into_iter().take(MAX_NEAR).map(|(_, region)| region).collect()
    }

    /// Returns the counties of the same city, else the cities of the same province, by the distance of their codes.
    fn near_code(&self, code: &str) -> Vec<(usize, &'r Region)> {
        let number = |code: &str| code.parse::<usize>().ok();
        let beside = |begin: &str| {
            let all = self.regions.all().filter(|region| region.id.as_str().starts_with(begin));
            all.filter_map(|region| Some((number(region.id.as_str())?.abs_diff(number(code)?), region))).collect()
        };
        let of_city: Vec<_> = beside(code.get(..4).unwrap_or(code));
        if of_city.is_empty() { beside(code.get(..2).unwrap_or(code)) } else { of_city }
    }

    fn near_name(&self, text: &str) -> Vec<(usize, &'r Region)> {
        let length = text.chars().count();
        if !(2..=MAX_TEXT).contains(&length) {
            return Vec::new();
        }
        let most = if length < 5 { 1 } else { 2 };
        let names = |region: &'r Region| std::iter::once(&region.name).chain(&region.aliases);
        let distance =
            |region| names(region).map(|name| strsim::damerau_levenshtein(name, text)).min().unwrap_or(usize::MAX);
        let all = self.regions.all().map(|region| (distance(region), region));
        all.filter(|(distance, region)| *distance <= most && *distance < region.name.chars().count()).collect()
    }

    /// Returns the names of a region and of those above it, the highest first: 河北省石家庄市井陉县.
    pub fn path(&self, region: &Region) -> String {
        self.regions.path(&region.id).iter().rev().map(|region| region.name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_found_by_what_people_call_them() {
        let mut own = Region::new(RegionId::new("140300").unwrap(), String::new());
        own.slug = RegionId::new("yangquan").ok();
        let regions = Regions::new(true, vec![own], vec![], vec![]).unwrap();
        let directory = Directory::new(&regions);
        for (text, expected) in [
            ("130121", &["130121"][..]),
            ("yangquan", &["140300"]),
            ("井陉县", &["130121"]),
            ("井陉", &["130121"]),
            (" 石家庄市 井陉县 ", &["130121"]),
            ("河北石家庄井陉", &["130121"]),
            ("山西省/阳泉市/城区", &["140302"]),
            ("阳泉", &["140300"]),
            // The upper one of two with the same short name.
            ("长沙", &["430100"]),
            ("长沙县", &["430121"]),
            ("朝阳区", &["110105", "220104"]),
            ("北京朝阳区", &["110105"]),
            ("甘孜州", &["513300"]),
            ("内蒙古", &["150000"]),
            ("井陘縣", &["130121"]),
            ("大同县", &["140215"]),
            ("天津井陉县", &[]),
            ("县", &[]),
            ("", &[]),
            ("Nowhere", &[]),
        ] {
            let found: Vec<&str> = directory.called(text).iter().map(|region| region.id.as_str()).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert!(directory.called("城区").len() >= 3);
    }

    #[test]
    fn the_nearest_regions_are_suggested() {
        let regions = Regions::new(true, vec![], vec![], vec![]).unwrap();
        let directory = Directory::new(&regions);
        let near = |text: &str| directory.near(text).iter().map(|region| region.id.to_string()).collect::<Vec<_>>();
        assert_eq!(near("井型县").first().map(String::as_str), Some("130121"));
        assert!(near("130199").iter().all(|id| id.starts_with("1301")) && near("130199").len() == 4);
        assert!(near("149999").iter().all(|id| id.starts_with("14")));
        assert!(near("Nowhere at all").is_empty() && near("990000").is_empty());
    }
}
