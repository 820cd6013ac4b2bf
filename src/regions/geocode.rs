//! Decides which regions a story concerns from its title and the beginning of its text.
//!
//! Evidence, strongest first: the code of a warning's issuer or of the site; full names of counties whose province or
//! city is the source's own or is named too; 城区 and the like at or below the source's region; cities; short names that
//! open a title or precede a township; townships of the source's own region; 我市, 我县 and 我省 by the level of the source;
//! another province or city that alone is named; a part of the address; otherwise the source's own region (`inherited`).

use super::context::{Role, role};
use super::evidence::{Evidence, Tag};
use super::names::{Hit, Kind};
use super::own::own;
use super::places::{Level, Place, Places};
use super::scene::{Found, Part, Scene, spelt};
use super::words::{begins, words};
use crate::model::{Draft, Link, RegionId};

/// Maximum number of regions per item; an item naming more concerns their common ancestor.
const MAX_TAGS: usize = 5;
/// Maximum number of regions in several provinces other than the source's; an item naming more merely lists them.
const MAX_STRANGE_TAGS: usize = 2;

impl Places {
    /// Returns the regions that a report concerns; `source` is the region of its source. Their ancestors are implied; one
    /// is named only where a warning for a whole city also lists some of its counties. A warning is placed by its contents
    /// only if its source `may_warn` there; otherwise it goes to the source's region.
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

    /// Limits the number of regions: a mere list of places in other provinces is dropped, and many regions are replaced
    /// by their lowest common ancestor.
    fn bounded(&self, home: &Place, mut tags: Vec<Tag>) -> Vec<Tag> {
        let top = |tag: &Tag| self.get(&tag.region).and_then(|place| place.path.last().cloned());
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
            tags.iter().filter_map(|tag| self.get(&tag.region)).map(|place| place.path.as_slice()).collect();
        let (Some(first), Some(evidence)) = (paths.first(), tags.first().map(|tag| tag.evidence)) else { return tags };
        let common = first.iter().find(|region| paths.iter().all(|path| path.contains(region)));
        common.map(|region| Tag { region: region.clone(), evidence }).into_iter().collect()
    }

    fn told(&self, source: &RegionId, title: &str, text: &str, path: &str) -> Vec<Tag> {
        let inherited = || vec![Tag { region: source.clone(), evidence: Evidence::Inherited }];
        let Some(scene) = Scene::new(self, source, title, text, path) else { return inherited() };
        let (of_title, of_head) = scene.named();
        let mut tags = of_title.clone();
        tags.extend(self.dateline(scene.home, &scene.head.text).filter(|_| of_title.is_empty()));
        if !self.has_county(&tags) {
            for tag in of_head {
                // A city named in the title is narrowed only to its own counties.
                let fits =
                    of_title.is_empty() || of_title.iter().any(|known| self.is_within(&tag.region, &known.region));
                if fits && !tags.iter().any(|known| known.region == tag.region) {
                    tags.push(tag);
                }
            }
        }
        if !self.has_county(&tags) {
            tags.extend(scene.township(&scene.title, &tags));
        }
        if tags.iter().all(|tag| self.level_of(&tag.region) == Some(Level::Province)) {
            let (from, home) = scene.narrowed();
            if let Some(own) = own(self, from, home, &scene.title.text, &scene.head.text) {
                tags.retain(|tag| Some(Level::Province) != self.level_of(&tag.region) || own.region == tag.region);
                if !tags.iter().any(|tag| tag.region == own.region) {
                    tags.push(own);
                }
            }
        }
        if tags.is_empty() {
            tags.extend(scene.township(&scene.head, &tags).or_else(|| scene.stranger()));
        }
        let mut tags = self.bounded(scene.home, self.deepest(&scene, &of_title, tags));
        if tags.is_empty() {
            let spelt = spelt(self, scene.home, path).filter(|region| *region != source);
            tags.extend(spelt.map(|region| Tag { region: region.clone(), evidence: Evidence::Path }));
        }
        if tags.is_empty() { inherited() } else { tags }
    }

    fn has_county(&self, tags: &[Tag]) -> bool {
        tags.iter().any(|tag| self.level_of(&tag.region) == Some(Level::County))
    }

    /// Keeps the deepest regions only: their ancestors are implied. A city that the title names stays beside its counties
    /// if the report is a warning for it or speaks of the whole city.
    fn deepest(&self, scene: &Scene<'_>, of_title: &[Tag], mut tags: Vec<Tag>) -> Vec<Tag> {
        let all: Vec<RegionId> = tags.iter().map(|tag| tag.region.clone()).collect();
        let below = |top: &RegionId| all.iter().filter(|other| *other != top && self.is_within(other, top)).count();
        tags.retain(|tag| match below(&tag.region) {
            0 => true,
            1 => false,
            _ => {
                self.level_of(&tag.region) == Some(Level::City)
                    && of_title.iter().any(|known| known.region == tag.region)
                    && scene.is_of_whole_city()
            }
        });
        tags
    }

    /// Parses the dateline: 本报衡阳3月9日讯, 四川日报阿坝7月4日讯.
    fn dateline(&self, home: &Place, head: &[char]) -> Option<Tag> {
        let text: String = head.iter().take(40).collect();
        let (before, _) = text.split_once('讯').or_else(|| text.split_once('电'))?;
        let bare = before.trim_end_matches(|c: char| c.is_ascii_digit() || "月日 (".contains(c));
        let media = words().media.iter().filter_map(|word| Some((bare.rfind(word.as_str())?, word)));
        let (at, word) = media.max_by_key(|(at, _)| *at)?;
        let name: Vec<char> = bare.get(at + word.len()..)?.trim().chars().collect();
        if !(2..=6).contains(&name.len()) || at > 24 {
            return None;
        }
        let top = home.path.last()?;
        let found = self.names.iter().filter(|known| known.text == name);
        let mut regions: Vec<&RegionId> = found
            .flat_map(|known| &known.bearers)
            .map(|(_, region)| region)
            .filter(|region| self.is_within(region, top))
            .collect();
        // If a city and its county share a name, the city wins.
        regions.sort_by_key(|region| (self.level_of(region), region.as_str().to_owned()));
        regions.first().map(|region| Tag { region: (*region).clone(), evidence: Evidence::Dateline })
    }
}

impl Scene<'_> {
    /// Returns what the names in title and text mean.
    fn named(&self) -> (Vec<Tag>, Vec<Tag>) {
        let mut of_title = self.named_in(&self.title, &self.head);
        let mut of_head = self.named_in(&self.head, &self.title);
        if of_title.iter().chain(&of_head).any(|found| !found.is_weak) {
            of_title.retain(|found| !found.is_weak);
            of_head.retain(|found| !found.is_weak);
        }
        // A short name yields to a place that is named in full with what it belongs to, unless it is itself named in full.
        let full: Vec<RegionId> = of_title
            .iter()
            .chain(&of_head)
            .filter(|found| !found.is_short)
            .map(|found| found.tag.region.clone())
            .collect();
        if of_title.iter().chain(&of_head).any(|found| found.is_chained && !found.is_short) {
            let holds = |found: &Found| {
                !found.is_short
                    || found.is_chained
                    || full.iter().any(|region| self.places.is_within(region, &found.tag.region))
            };
            of_title.retain(holds);
            of_head.retain(holds);
        }
        let tags = |found: Vec<Found>| found.into_iter().map(|found| found.tag).collect::<Vec<_>>();
        (tags(of_title), tags(of_head))
    }

    /// Returns the region from which the source speaks: its own, or the one below it that the address spells.
    fn narrowed(&self) -> (&RegionId, &Place) {
        let by_path = self.by_path.and_then(|region| Some((region, self.places.get(region)?)));
        by_path.unwrap_or((self.source, self.home))
    }

    /// Returns the county of a township that a part of the text names, if only one at or below the source's region (and
    /// below those found already) has one of that name.
    fn township(&self, part: &Part<'_>, known: &[Tag]) -> Option<Tag> {
        let fits = |region: &RegionId| {
            self.places.is_within(region, self.source)
                && (known.is_empty() || known.iter().any(|tag| self.places.is_within(region, &tag.region)))
        };
        self.places.townships.in_text(&part.text).into_iter().find_map(|counties| {
            let near = counties.iter().filter_map(|(_, code)| RegionId::new(&code.to_string()).ok());
            let near: Vec<RegionId> = near.filter(|region| fits(region)).collect();
            match near.as_slice() {
                [region] => Some(Tag { region: region.clone(), evidence: Evidence::Township }),
                _ => None,
            }
        })
    }

    /// Returns the other province or city that a report is about which names no place of the source's own: it opens the
    /// title or the text.
    fn stranger(&self) -> Option<Tag> {
        let all = self.title.hits.iter().chain(&self.head.hits);
        if all.flat_map(|hit| &hit.name.bearers).any(|(kind, region)| *kind == Kind::Full && self.is_at_home(region)) {
            return None;
        }
        self.opening(&self.title, &self.head).or_else(|| self.opening(&self.head, &self.title))
    }

    /// Returns the province or city whose name opens a part of the text.
    fn opening(&self, part: &Part<'_>, other: &Part<'_>) -> Option<Tag> {
        let hit = part.hits.first().filter(|hit| hit.from == 0)?;
        if self.visited(part).first() == Some(&true) {
            return None;
        }
        let region = self.places.highest(&hit.name.of(&[Kind::Full, Kind::Short]))?;
        let level = self.places.level_of(region)?;
        // A row of cities of several provinces is about none of them.
        let top = |region: &RegionId| self.places.get(region).and_then(|place| place.path.last());
        if self
            .named
            .iter()
            .any(|other| self.places.level_of(other) != Some(Level::County) && top(other) != top(region))
        {
            return None;
        }
        let counts = match (hit.name.kind_for(region), level) {
            (_, Level::County) | (Kind::Former, _) | (Kind::Short, Level::City) => false,
            (Kind::Full, _) => true,
            (Kind::Short, Level::Province) => is_about(part, hit, region, other),
        };
        let evidence = if level == Level::Province { Evidence::Province } else { Evidence::City };
        counts.then(|| Tag { region: region.clone(), evidence })
    }

    fn is_at_home(&self, region: &RegionId) -> bool {
        self.places.get(region).is_some_and(|place| place.path.last() == self.home.path.last())
    }

    /// Returns whether a report of a city speaks of all of it.
    fn is_of_whole_city(&self) -> bool {
        let holds = |text: &[char], list: &[String]| {
            let text: String = text.iter().collect();
            list.iter().any(|word| text.contains(word.as_str()))
        };
        holds(&self.title.text, &words().whole.warnings) || holds(&self.head.text, &words().whole.words)
    }
}

/// Returns whether a province's short name is that of the place: it does something, stands before the name of a district
/// (香港西贡区), or is taken up in full by the other part of the text.
fn is_about(part: &Part<'_>, hit: &Hit<'_>, region: &RegionId, other: &Part<'_>) -> bool {
    if role(&part.text, hit.to) != Role::Place {
        return false;
    }
    let behind: String = part.text.get(hit.to..).unwrap_or(&[]).iter().take(10).collect();
    let stranger = &words().stranger;
    let rest =
        stranger.adverbs.iter().filter_map(|adverb| behind.strip_prefix(adverb.as_str())).min_by_key(|rest| rest.len());
    let is_district = behind.chars().skip(2).take(3).any(|c| matches!(c, '区' | '县' | '市'));
    let is_full = |hit: &Hit<'_>| hit.name.of(&[Kind::Full]).contains(&region);
    is_district || begins(rest.unwrap_or(&behind), &stranger.acts) || other.hits.first().is_some_and(is_full)
}

#[cfg(test)]
mod tests;
