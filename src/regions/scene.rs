//! One text with the names in it, read from where its source is.

use std::collections::HashSet;

use super::boundary::is_generic;
use super::context::{Role, is_common_quarter, is_other_word, is_person, is_word, listed, may_be_short, role, visited};
use super::evidence::{Evidence, Tag};
use super::names::{Hit, Kind};
use super::places::{Level, Place, Places};
use super::words::fold;
use crate::model::RegionId;

/// Number of characters of the text that are examined.
const HEAD: usize = 200;

/// A part of a text and the names in it.
pub(super) struct Part<'p> {
    pub(super) text: Vec<char>,
    pub(super) hits: Vec<Hit<'p>>,
}

/// A report, seen from its source's region.
pub(super) struct Scene<'p> {
    pub(super) places: &'p Places,
    pub(super) source: &'p RegionId,
    pub(super) home: &'p Place,
    /// The region below the source's that the address spells.
    pub(super) by_path: Option<&'p RegionId>,
    pub(super) title: Part<'p>,
    pub(super) head: Part<'p>,
    /// Regions that are named beyond doubt.
    pub(super) named: HashSet<&'p RegionId>,
}

/// A region that a name leads to.
pub(super) struct Found {
    pub(super) tag: Tag,
    /// Whether it was named by its short name only.
    pub(super) is_short: bool,
    /// Whether the name stands directly behind that of its city or province.
    pub(super) is_chained: bool,
    /// Whether it counts only if nothing else does.
    pub(super) is_weak: bool,
}

impl<'p> Scene<'p> {
    pub(super) fn new(places: &'p Places, source: &'p RegionId, title: &str, text: &str, path: &str) -> Option<Self> {
        let home = places.get(source)?;
        let part = |text: &str| {
            let text: Vec<char> = fold(&text.chars().take(HEAD).collect::<String>());
            let hits = places.names.hits(&text);
            Part { text, hits }
        };
        let (title, head) = (part(title), part(text));
        let sole = |hit: &Hit<'p>| match hit.name.bearers.as_slice() {
            [(_, region)] => Some(region),
            _ => None,
        };
        let named = title.hits.iter().chain(&head.hits).filter_map(sole).collect();
        let by_path = spelt(places, home, path).filter(|region| *region != source && places.is_within(region, source));
        Some(Self { places, source, home, by_path, title, head, named })
    }

    /// Returns the regions that the names in a part of the text mean; `other` is the other part.
    pub(super) fn named_in(&self, part: &Part<'p>, other: &Part<'p>) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let (visited, listed) = (self.visited(part), listed(&part.text, &part.hits));
        for (at, hit) in part.hits.iter().enumerate() {
            if visited.get(at).copied().unwrap_or(false) {
                continue;
            }
            // 山西省平定县: an adjacent preceding name is its parent.
            let chain = at.checked_sub(1).and_then(|last| part.hits.get(last)).filter(|last| last.to == hit.from);
            let next = part.hits.get(at + 1).filter(|next| next.from == hit.to);
            let goes_on = |region: &RegionId| {
                next.is_some_and(|next| next.name.bearers.iter().any(|(_, below)| self.places.is_within(below, region)))
            };
            let is_listed = listed.get(at).copied().unwrap_or(false);
            for region in self.resolve(hit, chain) {
                let Some(place) = self.places.get(region) else { continue };
                if is_listed && place.path.last() != self.home.path.last() {
                    continue;
                }
                let kind = hit.name.kind_for(region);
                let role = if kind == Kind::Full || goes_on(region) { Role::Place } else { role(&part.text, hit.to) };
                let Some(evidence) = evidence(kind, place.level, part, other, hit, chain.is_some()) else { continue };
                if role == Role::None || found.iter().any(|known| known.tag.region == *region) {
                    continue;
                }
                found.push(Found {
                    tag: Tag { region: region.clone(), evidence },
                    is_short: kind == Kind::Short,
                    is_chained: chain.is_some_and(|chain| self.is_below_any(region, chain)),
                    is_weak: role == Role::Weak,
                });
            }
        }
        found
    }

    /// Flags the names that are not where the story is.
    pub(super) fn visited(&self, part: &Part<'_>) -> Vec<bool> {
        let top = |region: &RegionId| self.places.get(region).and_then(|place| place.path.last());
        let is_far = |hit: &Hit<'_>| hit.name.bearers.iter().all(|(_, region)| top(region) != self.home.path.last());
        visited(&part.text, &part.hits, is_far)
    }

    fn is_below_any(&self, region: &RegionId, chain: &Hit<'_>) -> bool {
        chain.name.bearers.iter().any(|(_, up)| up != region && self.places.is_within(region, up))
    }

    /// Returns the regions a name means here; empty if that is ambiguous, or if it is far away and nothing supports it.
    fn resolve(&self, hit: &Hit<'p>, chain: Option<&Hit<'p>>) -> Vec<&'p RegionId> {
        let name = hit.name;
        if let Some(chain) = chain {
            let chained = |kinds| -> Vec<&'p RegionId> {
                name.of(kinds).into_iter().filter(|region| self.is_below_any(region, chain)).collect()
            };
            for kinds in [&[Kind::Full, Kind::Short][..], &[Kind::Former]] {
                if let [region] = chained(kinds).as_slice() {
                    return vec![region];
                }
            }
            // 石家庄市桥东区 is no 桥东区 of another city.
            let is_city = |region: &&RegionId| self.places.level_of(region) == Some(Level::City);
            let is_county = |region: &&RegionId| self.places.level_of(region) == Some(Level::County);
            if chain.name.of(&[Kind::Full]).iter().any(is_city)
                && name.of(&[Kind::Full, Kind::Short]).iter().all(is_county)
            {
                return Vec::new();
            }
        }
        let today = name.of(&[Kind::Full, Kind::Short]);
        let is_quarter = is_common_quarter(&name.text);
        let near: Vec<&RegionId> =
            today.iter().copied().filter(|region| !is_quarter && self.places.is_within(region, self.source)).collect();
        if is_generic(&name.text) && self.home.level == Level::Province && !near.is_empty() {
            return self.supported(&near).into_iter().collect();
        }
        match near.as_slice() {
            [] => {}
            [region] => return vec![region],
            _ => return self.places.highest(&near).or_else(|| self.supported(&near)).into_iter().collect(),
        }
        // A former county may have become several of today's.
        let former = name.of(&[Kind::Former]).into_iter().filter(|region| self.places.is_within(region, self.source));
        let former: Vec<&RegionId> = former.collect();
        if !former.is_empty() && (!is_generic(&name.text) || self.home.level != Level::Province) {
            return former;
        }
        if is_quarter || is_generic(&name.text) {
            // 老城区 is mostly just the old part of a town, and 城区 the middle of the nearest one.
            return today.into_iter().filter(|region| *region == self.source).collect();
        }
        self.farther(name.of(&[Kind::Full]), &today)
    }

    /// Returns what a name means that no region at or below the source's has.
    fn farther(&self, full: Vec<&'p RegionId>, today: &[&'p RegionId]) -> Vec<&'p RegionId> {
        let above = today.iter().copied().filter(|region| self.home.path.contains(region));
        if let [region] = above.collect::<Vec<_>>().as_slice() {
            return vec![region];
        }
        for top in self.home.path.iter().skip(1) {
            let beside = today.iter().copied().filter(|region| self.places.is_within(region, top));
            match beside.collect::<Vec<_>>().as_slice() {
                [] => {}
                [region] if full.contains(region) => return vec![region],
                several => {
                    let full: Vec<&RegionId> = several.iter().copied().filter(|region| full.contains(region)).collect();
                    return self.supported(&full).into_iter().collect();
                }
            }
        }
        // Far away: counts only if its city or province is named too.
        let counties = full.into_iter().filter(|region| self.places.level_of(region) == Some(Level::County));
        self.supported(&counties.collect::<Vec<_>>()).into_iter().collect()
    }

    /// Returns the only one of several regions that the address leads to, or whose city or province is named too.
    fn supported(&self, regions: &[&'p RegionId]) -> Option<&'p RegionId> {
        let only = |is_it: &dyn Fn(&RegionId) -> bool| {
            let mut fitting = regions.iter().copied().filter(|region| is_it(region));
            fitting.next().filter(|_| fitting.next().is_none())
        };
        let is_on_path = |region: &RegionId| self.by_path.is_some_and(|top| self.places.is_within(region, top));
        let is_named = |region: &RegionId| {
            let above = self.places.get(region).into_iter().flat_map(|place| place.path.iter().skip(1));
            let mut above = above.filter(|up| !self.home.path.contains(up));
            above.any(|up| self.named.contains(up))
        };
        only(&is_on_path).or_else(|| only(&is_named))
    }
}

/// Returns the evidence of a name; `None` if a short one is none.
fn evidence(
    kind: Kind,
    level: Level,
    part: &Part<'_>,
    other: &Part<'_>,
    hit: &Hit<'_>,
    is_chained: bool,
) -> Option<Evidence> {
    Some(match (kind, level) {
        (Kind::Former, _) => Evidence::FormerName,
        (Kind::Short, _) if is_person(&part.text, hit) => return None,
        (Kind::Short, Level::County) => {
            return (is_chained || may_be_short(&part.text, hit, &other.text)).then_some(Evidence::ShortName);
        }
        (Kind::Full, Level::County) | (Kind::Short, Level::Province) if is_word(&part.text, hit) => return None,
        (_, Level::County) => Evidence::County,
        (Kind::Short, Level::City) if is_other_word(&part.text, hit, is_chained) => return None,
        (_, Level::City) => Evidence::City,
        (_, Level::Province) => Evidence::Province,
    })
}

/// Returns the region of the source's province that the address spells: /yangquan/ the city, /yangquan/pingding/ the
/// county below it.
pub(super) fn spelt<'p>(places: &'p Places, home: &Place, path: &str) -> Option<&'p RegionId> {
    let top = home.path.last()?;
    let meant = |regions: &'p [RegionId]| {
        let near: Vec<&RegionId> = regions.iter().filter(|region| places.is_within(region, top)).collect();
        // 长沙市 and 长沙县 are spelt alike, and so are 临沂市 and 临邑县: the city is meant.
        let level = near.iter().filter_map(|region| places.level_of(region)).min();
        let mut highest = near.into_iter().filter(|region| places.level_of(region) == level);
        highest.next().filter(|_| highest.next().is_none())
    };
    let found: Vec<&RegionId> = places.spelt.in_path(path).filter_map(meant).collect();
    found.iter().copied().find(|one| found.iter().all(|other| places.is_within(one, other)))
}
