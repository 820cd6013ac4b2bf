//! Decides which regions a story concerns from its title and the beginning of its text.
//!
//! Evidence, strongest first: the code of a warning's issuer or of the site; full names of counties whose province or
//! city is the source's own or is named too; 城区 and the like at or below the source's region; cities; short names that
//! open a title or precede a township; 我市, 我县 and 我省 by the level of the source; otherwise the source's own region
//! (`inherited`).

use std::collections::{BTreeMap, HashMap, HashSet};

use super::evidence::Evidence;
use super::gazetteer::{
    Hit, Kind, Names, is_common_quarter, is_generic, is_other_word, listed, may_be_short, short, spell, visited,
};
use crate::model::{Draft, Link, Region, RegionId, Regions};

/// Number of characters of the text that are examined.
const HEAD: usize = 200;
/// Maximum number of regions per item; an item naming more concerns their common ancestor.
const MAX_TAGS: usize = 5;
/// Maximum number of regions in several provinces other than the source's; an item naming more merely lists them.
const MAX_STRANGE_TAGS: usize = 2;
/// A region that an item concerns, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The region.
    pub region: RegionId,
    /// What says so.
    pub evidence: Evidence,
}

/// Level of a region, for the words 我省, 我市 and 我县.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Province,
    City,
    County,
}

/// The properties of a region needed for placing.
#[derive(Clone, Debug)]
struct Place {
    level: Level,
    /// Whether it is called a city, even if it is at county level.
    is_city: bool,
    /// The region and its ancestors, nearest first.
    path: Vec<RegionId>,
}

/// The names of all regions of a region tree.
#[derive(Clone, Debug, Default)]
pub struct Places {
    places: HashMap<RegionId, Place>,
    names: Names,
    /// Cities and counties by their short names in Hanyu Pinyin, as used in URLs.
    spelt: HashMap<String, Vec<RegionId>>,
    rules: String,
}

impl Places {
    /// Builds the index from a region tree.
    pub fn new(regions: &Regions) -> Self {
        let mut found: BTreeMap<(String, Kind), Vec<RegionId>> = BTreeMap::new();
        let mut places = HashMap::new();
        let mut spelt: HashMap<String, Vec<RegionId>> = HashMap::new();
        let mut all: Vec<&Region> = regions.all().filter(|region| region.members.is_empty()).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        let mut hasher = blake3::Hasher::new();
        for region in all {
            let path: Vec<RegionId> = regions.path(&region.id).into_iter().map(|up| up.id.clone()).collect();
            let level = level(&region.id, path.len());
            let mut add = |text: &str, kind: Kind| {
                if text.chars().count() >= 2 {
                    let bearers = found.entry((text.to_owned(), kind)).or_default();
                    if !bearers.contains(&region.id) {
                        bearers.push(region.id.clone());
                    }
                }
            };
            for name in std::iter::once(&region.name).chain(&region.aliases) {
                add(name, Kind::Full);
                if let Some(short) = short(name) {
                    add(short, Kind::Short);
                }
            }
            for (name, _) in &region.former {
                add(name, Kind::Former);
            }
            for part in [region.id.as_str(), &region.name].into_iter().chain(path.get(1).map(RegionId::as_str)) {
                hasher.update(part.as_bytes());
                hasher.update(b"\0");
            }
            for name in region.aliases.iter().chain(region.former.iter().map(|(name, _)| name)) {
                hasher.update(name.as_bytes());
                hasher.update(b"\0");
            }
            if level != Level::Province
                && let Some(letters) = short(&region.name).and_then(spell)
            {
                spelt.entry(letters).or_default().push(region.id.clone());
            }
            let is_city = level == Level::City || region.name.ends_with('市');
            places.insert(region.id.clone(), Place { level, is_city, path });
        }
        let (names, rules) = (Names::new(found), hasher.finalize().to_hex().to_string());
        Self { places, names, spelt, rules }
    }

    /// Returns a hash of the names; if the names change, the same stories may be placed in other regions.
    pub fn rules(&self) -> &str {
        &self.rules
    }

    /// Returns the regions that a report concerns, without their ancestors; `source` is the region of its source. A
    /// warning is placed by its contents only if its source `may_warn` there; otherwise it goes to the source's region.
    pub fn place(&self, source: &RegionId, draft: &Draft, may_warn: bool) -> Vec<Tag> {
        if draft.alert.is_some() && !may_warn {
            return vec![Tag { region: source.clone(), evidence: Evidence::Inherited }];
        }
        let link = draft.checked_link();
        let path = link.as_ref().map_or("/", Link::path);
        let told = |home: &RegionId| self.told(home, &draft.title, draft.words(), path);
        let coded = draft.code.as_deref().and_then(|code| self.coded(code));
        // A warning's issuer has no say outside its region; a site's code narrows its source's region.
        let Some(home) = coded.filter(|code| draft.alert.is_some() || self.is_within(code, source)) else {
            return told(source);
        };
        let mut tags = told(&home);
        tags.retain(|tag| {
            tag.evidence != Evidence::Inherited && (draft.alert.is_none() || self.is_within(&tag.region, &home))
        });
        if tags.is_empty() {
            tags.push(Tag { region: home, evidence: Evidence::Code });
        }
        tags
    }

    /// Returns the region with a six-digit code; if the tree lacks it, as for a development zone, its city.
    fn coded(&self, code: &str) -> Option<RegionId> {
        let city = || format!("{}00", code.get(..4).unwrap_or_default());
        [code.to_owned(), city()]
            .iter()
            .filter_map(|code| RegionId::new(code).ok())
            .find(|region| self.places.contains_key(region))
    }

    /// Returns whether the region of a six-digit code is `top` or below it.
    pub fn is_coded_within(&self, code: &str, top: &RegionId) -> bool {
        self.coded(code).is_some_and(|region| self.is_within(&region, top))
    }

    /// Limits the number of regions: a mere list of places in other provinces is dropped, and many regions are replaced
    /// by their lowest common ancestor.
    fn bounded(&self, home: &Place, mut tags: Vec<Tag>) -> Vec<Tag> {
        let top = |tag: &Tag| self.places.get(&tag.region).and_then(|place| place.path.last().cloned());
        let is_strange = |tag: &Tag| top(tag).as_ref() != home.path.last();
        let strange: Vec<Option<RegionId>> = tags.iter().filter(|tag| is_strange(tag)).map(top).collect();
        // A report may be about a few counties of one other province; more, or those of several provinces, are a list.
        let is_of_one = strange.windows(2).all(|pair| matches!(pair, [one, next] if one == next));
        if strange.len() > MAX_STRANGE_TAGS && !(is_of_one && strange.len() <= MAX_TAGS) {
            tags.retain(|tag| !is_strange(tag));
        }
        if tags.len() <= MAX_TAGS {
            return tags;
        }
        let paths: Vec<&[RegionId]> =
            tags.iter().filter_map(|tag| self.places.get(&tag.region)).map(|place| place.path.as_slice()).collect();
        let (Some(first), Some(evidence)) = (paths.first(), tags.first().map(|tag| tag.evidence)) else { return tags };
        let common = first.iter().find(|region| paths.iter().all(|path| path.contains(region)));
        common.map(|region| Tag { region: region.clone(), evidence }).into_iter().collect()
    }

    fn told(&self, source: &RegionId, title: &str, text: &str, path: &str) -> Vec<Tag> {
        let inherited = || vec![Tag { region: source.clone(), evidence: Evidence::Inherited }];
        let Some(home) = self.places.get(source) else { return inherited() };
        let title: Vec<char> = title.chars().take(HEAD).collect();
        let head: Vec<char> = text.chars().take(HEAD).collect();
        let (in_title, in_head) = (self.names.hits(&title), self.names.hits(&head));
        let named: HashSet<&RegionId> = in_title
            .iter()
            .chain(&in_head)
            .filter(|hit| hit.name.regions.len() == 1)
            .flat_map(|hit| &hit.name.regions)
            .collect();
        let of_title = self.tags(source, home, &title, &in_title, &named, &head);
        let mut tags = of_title.clone();
        let dated = self.dateline(home, &head);
        tags.extend(dated.filter(|_| of_title.is_empty()));
        let has_county = tags.iter().any(|tag| self.level_of(&tag.region) == Some(Level::County));
        if !has_county {
            for tag in self.tags(source, home, &head, &in_head, &named, &title) {
                // A city named in the title is narrowed only to its own counties.
                let fits = of_title.is_empty()
                    || of_title.iter().any(|known| {
                        self.places.get(&tag.region).is_some_and(|place| place.path.contains(&known.region))
                    });
                if fits && !tags.iter().any(|known| known.region == tag.region) {
                    tags.push(tag);
                }
            }
        }
        if tags.iter().all(|tag| self.level_of(&tag.region) == Some(Level::Province))
            && let Some(own) = self.own(source, home, &title, &head)
        {
            tags.retain(|tag| Some(Level::Province) != self.level_of(&tag.region) || own.region == tag.region);
            if !tags.contains(&own) && !tags.iter().any(|tag| tag.region == own.region) {
                tags.push(own);
            }
        }
        // Keep only the deepest regions; their ancestors are implied.
        let all: Vec<RegionId> = tags.iter().map(|tag| tag.region.clone()).collect();
        tags.retain(|tag| {
            !all.iter().any(|other| {
                *other != tag.region && self.places.get(other).is_some_and(|place| place.path.contains(&tag.region))
            })
        });
        let mut tags = self.bounded(home, tags);
        if tags.is_empty() {
            tags.extend(self.in_path(home, path));
        }
        if tags.is_empty() { inherited() } else { tags }
    }

    /// Parses the dateline: 本报衡阳3月9日讯, 四川日报阿坝7月4日讯.
    fn dateline(&self, home: &Place, head: &[char]) -> Option<Tag> {
        let text: String = head.iter().take(40).collect();
        let (before, _) = text.split_once('讯').or_else(|| text.split_once('电'))?;
        let bare = before.trim_end_matches(|c: char| c.is_ascii_digit() || "月日 （(".contains(c));
        let media = ["本报", "本网", "本台", "日报", "晚报", "新华社", "中新社", "晨报", "都市报"];
        let (at, word) = media.iter().filter_map(|word| Some((bare.rfind(word)?, word))).max_by_key(|(at, _)| *at)?;
        let name: Vec<char> = bare.get(at + word.len()..)?.trim().chars().collect();
        if !(2..=6).contains(&name.len()) || at > 24 {
            return None;
        }
        let top = home.path.last()?;
        let is_near = |region: &&RegionId| self.places.get(*region).is_some_and(|place| place.path.contains(top));
        let found = self.names.iter().filter(|known| {
            known.text == name
                || known.kind == Kind::Short && known.text.starts_with(&name) && known.text.len() == name.len()
        });
        let mut regions: Vec<&RegionId> = found.flat_map(|known| &known.regions).filter(is_near).collect();
        // 阿坝 means 阿坝藏族羌族自治州, although one of its counties has that name too.
        if regions.iter().all(|region| self.level_of(region) == Some(Level::County)) {
            let begins = self.names.iter().filter(|known| {
                known.kind == Kind::Full && known.text.starts_with(&name) && known.text.len() > name.len() + 2
            });
            regions.extend(begins.flat_map(|known| &known.regions).filter(is_near));
        }
        // If a city and its county share a name, the city wins.
        regions.sort_by_key(|region| (self.level_of(region), region.as_str().to_owned()));
        regions.first().map(|region| Tag { region: (*region).clone(), evidence: Evidence::Dateline })
    }

    /// Finds a part of the URL path (/news/yangquan/) that is the pinyin name of a city or county in the source's
    /// province.
    fn in_path(&self, home: &Place, path: &str) -> Option<Tag> {
        let top = home.path.last()?;
        let parts: Vec<&str> =
            path.split('/').filter(|part| part.len() >= 4 && part.bytes().all(|b| b.is_ascii_lowercase())).collect();
        let mut found: Vec<&RegionId> = parts
            .iter()
            .filter_map(|part| self.spelt.get(*part))
            .flatten()
            .filter(|region| self.places.get(*region).is_some_and(|place| place.path.contains(top)))
            .collect();
        found.sort_by_key(|region| self.level_of(region));
        let level = found.first().and_then(|first| self.level_of(first))?;
        match found.iter().filter(|region| self.level_of(region) == Some(level)).collect::<Vec<_>>().as_slice() {
            [region] => Some(Tag { region: (**region).clone(), evidence: Evidence::Path }),
            _ => None,
        }
    }

    /// Returns whether a region is `top` or below it.
    pub fn is_within(&self, region: &RegionId, top: &RegionId) -> bool {
        region == top || self.places.get(region).is_some_and(|place| place.path.contains(top))
    }

    fn level_of(&self, region: &RegionId) -> Option<Level> {
        self.places.get(region).map(|place| place.level)
    }

    fn tags(
        &self,
        source: &RegionId,
        home: &Place,
        text: &[char],
        hits: &[Hit<'_>],
        named: &HashSet<&RegionId>,
        other: &[char],
    ) -> Vec<Tag> {
        let mut tags: Vec<Tag> = Vec::new();
        let visited = visited(text, hits);
        let listed = listed(text, hits);
        for (at, hit) in hits.iter().enumerate() {
            if visited.get(at).copied().unwrap_or(false) {
                continue;
            }
            // 山西省平定县: an adjacent preceding name is its parent.
            let chain = at.checked_sub(1).and_then(|last| hits.get(last)).filter(|last| last.to == hit.from);
            for region in self.resolve(source, home, hit, chain, named) {
                let Some(level) = self.level_of(&region) else { continue };
                let top = self.places.get(&region).and_then(|place| place.path.last());
                if listed.get(at).copied().unwrap_or(false) && top != home.path.last() {
                    continue;
                }
                let evidence = match hit.name.kind {
                    Kind::Former => Evidence::FormerName,
                    Kind::Short if level == Level::County => {
                        if !may_be_short(text, hit, other) {
                            continue;
                        }
                        Evidence::ShortName
                    }
                    _ if level == Level::County => Evidence::County,
                    Kind::Short if level == Level::City && is_other_word(text, hit, chain.is_some()) => continue,
                    _ if level == Level::City => Evidence::City,
                    _ => Evidence::Province,
                };
                if !tags.iter().any(|tag| tag.region == region) {
                    tags.push(Tag { region, evidence });
                }
            }
        }
        tags
    }

    /// Returns the region a name means here; empty if that is ambiguous, or if it is far away and nothing supports it.
    fn resolve(
        &self,
        source: &RegionId,
        home: &Place,
        hit: &Hit<'_>,
        chain: Option<&Hit<'_>>,
        named: &HashSet<&RegionId>,
    ) -> Vec<RegionId> {
        let is_below =
            |region: &RegionId, top: &RegionId| self.places.get(region).is_some_and(|place| place.path.contains(top));
        let is_chained = |region: &RegionId| {
            chain.is_some_and(|chain| chain.name.regions.iter().any(|up| up != region && is_below(region, up)))
        };
        let chained: Vec<&RegionId> = hit.name.regions.iter().filter(|region| is_chained(region)).collect();
        if let [region] = chained.as_slice() {
            return vec![(*region).clone()];
        }
        let near: Vec<&RegionId> = hit
            .name
            .regions
            .iter()
            .filter(|region| is_below(region, source) && !is_common_quarter(&hit.name.text))
            .collect();
        // A former county may have become several of today's.
        if hit.name.kind == Kind::Former && !near.is_empty() {
            return near.into_iter().cloned().collect();
        }
        if let [region] = near.as_slice() {
            return vec![(*region).clone()];
        }
        if is_common_quarter(&hit.name.text) {
            // 老城区 usually means just the old part of a town; it counts only if it is the source's own region.
            let own: Vec<&RegionId> = hit.name.regions.iter().filter(|region| *region == source).collect();
            return own.into_iter().cloned().collect();
        }
        if is_generic(&hit.name.text) {
            // 城区 counts only at or below the source's own region.
            let own: Vec<&RegionId> = hit.name.regions.iter().filter(|region| *region == source).collect();
            return own.into_iter().cloned().collect();
        }
        let above: Vec<&RegionId> = hit.name.regions.iter().filter(|region| home.path.contains(region)).collect();
        if let [region] = above.as_slice() {
            return vec![(*region).clone()];
        }
        if hit.name.kind == Kind::Short
            && hit.name.regions.iter().all(|region| self.level_of(region) == Some(Level::County))
        {
            return Vec::new();
        }
        for top in home.path.iter().skip(1) {
            let beside: Vec<&RegionId> = hit.name.regions.iter().filter(|region| is_below(region, top)).collect();
            match beside.as_slice() {
                [] => {}
                [region] if hit.name.kind != Kind::Short => return vec![(*region).clone()],
                _ => return Vec::new(),
            }
        }
        // Far away: counts only if its city or province is named too.
        let told: Vec<&RegionId> = hit
            .name
            .regions
            .iter()
            .filter(|region| {
                hit.name.kind == Kind::Full
                    && self.level_of(region) == Some(Level::County)
                    && self
                        .places
                        .get(*region)
                        .is_some_and(|place| place.path.iter().skip(1).any(|up| named.contains(up)))
            })
            .collect();
        if let [region] = told.as_slice() { vec![(*region).clone()] } else { Vec::new() }
    }

    fn own(&self, source: &RegionId, home: &Place, title: &[char], head: &[char]) -> Option<Tag> {
        const COUNTY: [&str; 16] = [
            "我县",
            "全县",
            "本县",
            "县委",
            "县政府",
            "县领导",
            "县长",
            "我区",
            "全区",
            "我旗",
            "全旗",
            "旗委",
            "旗政府",
            "区委",
            "区政府",
            "区长",
        ];
        const CITY: [&str; 13] = [
            "我市",
            "全市",
            "本市",
            "市委",
            "市政府",
            "市领导",
            "市长",
            "市直",
            "市医保局",
            "我州",
            "全州",
            "州委",
            "州政府",
        ];
        const PROVINCE: [&str; 7] = ["我省", "全省", "本省", "省委", "省政府", "省领导", "省长"];
        const AUTONOMOUS: [&str; 3] = ["全区", "我区", "自治区"];
        let both: String = title.iter().chain(head).collect();
        let begins: Vec<&str> =
            both.char_indices().filter(|(_, c)| OWN_BEGINS.contains(c)).filter_map(|(at, _)| both.get(at..)).collect();
        let says = |words: &[&str]| begins.iter().any(|rest| words.iter().any(|word| rest.starts_with(word)));
        let tag = |region: &RegionId| Some(Tag { region: region.clone(), evidence: Evidence::Own });
        let above = |level: Level| home.path.iter().find(|region| self.level_of(region) == Some(level));
        let is_city = home.is_city;
        let first: String = title.iter().collect();
        // A title that mentions the province is about the province.
        if PROVINCE.iter().any(|word| first.contains(word)) {
            return above(Level::Province).and_then(tag);
        }
        // From a city of an autonomous region, 全区 means the autonomous region.
        let is_autonomous = home.path.last().is_some_and(|top| {
            ["15", "45", "54", "64", "65"]
                .iter()
                .any(|code| top.as_str().starts_with(code) && top.as_str().ends_with("0000"))
        });
        if is_autonomous && home.level != Level::County && says(&AUTONOMOUS) && !says(&CITY) {
            return above(Level::Province).and_then(tag);
        }
        match home.level {
            Level::County if says(&COUNTY) || is_city && says(&CITY) => tag(source),
            Level::City if says(&CITY) => tag(source),
            // The counties of a municipality have no city above them; their province counts as the city.
            _ if says(&CITY) && !is_city => above(Level::City).or_else(|| above(Level::Province)).and_then(tag),
            _ if says(&PROVINCE) => above(Level::Province).and_then(tag),
            _ => None,
        }
    }
}

/// First characters of the words with which a source refers to its own region.
const OWN_BEGINS: [char; 10] = ['我', '全', '本', '县', '区', '旗', '市', '州', '省', '自'];

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

#[cfg(test)]
mod tests;
