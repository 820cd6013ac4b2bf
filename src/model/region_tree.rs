//! The tree of regions: the bundled atlas of China with what the admin adds.

use std::collections::{HashMap, HashSet};

use super::atlas;
use super::region::{Region, RegionError, RegionId};

/// What a region named in an address is today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// The region, named by its id.
    Region(&'a Region),
    /// The region, named by a slug or a former slug: redirect to its id.
    Moved(&'a Region),
    /// A region that was removed.
    Gone,
}

/// All regions: the tree and the groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    regions: HashMap<RegionId, Region>,
    children: HashMap<RegionId, Vec<RegionId>>,
    slugs: HashMap<RegionId, RegionId>,
    gone: HashSet<RegionId>,
    /// Roots of the published subtrees; if empty, everything is published.
    publish: Vec<RegionId>,
}

impl Regions {
    /// Builds the tree from the bundled atlas (if `china`) and the admin's own regions. An own region with the id of an
    /// atlas region extends it.
    ///
    /// # Errors
    /// All faults at once: missing parents, members and published regions, cycles, and duplicate slugs.
    pub fn new(
        china: bool,
        own: Vec<Region>,
        publish: Vec<RegionId>,
        gone: Vec<RegionId>,
    ) -> Result<Self, Vec<RegionError>> {
        let mut regions: HashMap<RegionId, Region> =
            if china { atlas::china().map(|region| (region.id.clone(), region)).collect() } else { HashMap::new() };
        for region in own {
            merge(&mut regions, region);
        }
        let gone: HashSet<RegionId> = gone.into_iter().collect();
        regions.retain(|id, _| !gone.contains(id));

        let mut slugs = HashMap::new();
        let faults = faults(&regions, &publish, &mut slugs);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut children: HashMap<RegionId, Vec<RegionId>> = HashMap::new();
        for region in regions.values() {
            if let Some(parent) = &region.parent {
                children.entry(parent.clone()).or_default().push(region.id.clone());
            }
        }
        children.values_mut().for_each(|ids| ids.sort());
        Ok(Self { regions, children, slugs, gone, publish })
    }

    /// Returns the region with this id.
    pub fn get(&self, id: &RegionId) -> Option<&Region> {
        self.regions.get(id)
    }

    /// Resolves the name of a region in an address: an id, a slug, a former slug, or the id of a removed region. `None`
    /// if there is no such region or it is not published.
    pub fn named(&self, name: &str) -> Option<Named<'_>> {
        let id = RegionId::new(name).ok()?;
        if let Some(region) = self.regions.get(&id) {
            return self.is_published(&id).then_some(Named::Region(region));
        }
        if self.gone.contains(&id) {
            return Some(Named::Gone);
        }
        let region = self.regions.get(self.slugs.get(&id)?)?;
        self.is_published(&region.id).then_some(Named::Moved(region))
    }

    /// Returns the direct children of `id`, ordered by id.
    pub fn children(&self, id: &RegionId) -> &[RegionId] {
        self.children.get(id).map_or(&[], Vec::as_slice)
    }

    /// Returns the region and its ancestors, nearest first.
    pub fn path(&self, id: &RegionId) -> Vec<&Region> {
        std::iter::successors(self.regions.get(id), |region| self.regions.get(region.parent.as_ref()?)).collect()
    }

    /// Returns whether the feed of `region` includes items tagged with `tag`.
    pub fn covers(&self, region: &RegionId, tag: &RegionId) -> bool {
        let above = self.path(tag);
        let holds = |id: &RegionId| above.iter().any(|up| &up.id == id);
        holds(region) || self.get(region).is_some_and(|group| group.members.iter().any(holds))
    }

    /// Returns all regions and groups whose feeds include items tagged with `tag`, ordered by id; `tag` is one of them.
    pub fn holders(&self, tag: &RegionId) -> Vec<RegionId> {
        let above = self.path(tag);
        let groups = self.regions.values().filter(|group| {
            !group.members.is_empty() && group.members.iter().any(|member| above.iter().any(|up| &up.id == member))
        });
        let mut holders: Vec<RegionId> =
            above.iter().map(|up| up.id.clone()).chain(groups.map(|g| g.id.clone())).collect();
        holders.sort();
        holders.dedup();
        holders
    }

    /// Returns whether the region is published; groups always are.
    pub fn is_published(&self, id: &RegionId) -> bool {
        let is_group = self.get(id).is_some_and(|region| !region.members.is_empty());
        self.publish.is_empty() || is_group || self.path(id).iter().any(|up| self.publish.contains(&up.id))
    }

    /// Returns whether every region is published.
    pub const fn are_all_published(&self) -> bool {
        self.publish.is_empty()
    }

    /// Returns the published top-level regions and groups, ordered by id.
    pub fn roots(&self) -> Vec<&Region> {
        let mut roots: Vec<&Region> = if self.publish.is_empty() {
            self.regions.values().filter(|region| region.parent.is_none()).collect()
        } else {
            let groups = self.regions.values().filter(|region| !region.members.is_empty());
            self.publish.iter().filter_map(|id| self.regions.get(id)).chain(groups).collect()
        };
        roots.sort_by(|a, b| a.id.cmp(&b.id));
        roots.dedup_by(|a, b| a.id == b.id);
        roots
    }

    /// Returns all regions, in no particular order.
    pub fn all(&self) -> impl Iterator<Item = &Region> {
        self.regions.values()
    }
}

/// Adds a region of the admin to the tree, or merges it into the atlas region with the same id.
fn merge(regions: &mut HashMap<RegionId, Region>, own: Region) {
    let Some(known) = regions.get_mut(&own.id) else {
        regions.insert(own.id.clone(), own);
        return;
    };
    if !own.name.is_empty() {
        known.name = own.name;
    }
    known.aliases.extend(own.aliases);
    known.slug = own.slug.or(known.slug.take());
    known.was.extend(own.was);
    known.parent = own.parent.or(known.parent.take());
    known.members.extend(own.members);
    known.services.extend(own.services);
    known.point = own.point.or(known.point.take());
}

/// Returns what is wrong with these regions, and notes which region each slug names.
fn faults(
    regions: &HashMap<RegionId, Region>,
    publish: &[RegionId],
    slugs: &mut HashMap<RegionId, RegionId>,
) -> Vec<RegionError> {
    let mut faults = Vec::new();
    let mut ids: Vec<&RegionId> = regions.keys().collect();
    ids.sort();
    for region in ids.iter().filter_map(|id| regions.get(*id)) {
        let missing = region.parent.iter().chain(&region.members).filter(|named| !regions.contains_key(*named));
        faults.extend(missing.map(|named| RegionError::Missing { region: region.id.clone(), missing: named.clone() }));
        for slug in region.slug.iter().chain(&region.was) {
            if let Some(other) = slugs.insert(slug.clone(), region.id.clone())
                && other != region.id
            {
                faults.push(RegionError::Slug(other, region.id.clone()));
            }
            if *slug != region.id && regions.contains_key(slug) {
                faults.push(RegionError::SlugIsId(slug.clone(), region.id.clone()));
            }
        }
        let is_group = |id: &&RegionId| regions.get(*id).is_some_and(|region| !region.members.is_empty());
        faults.extend(
            region
                .members
                .iter()
                .filter(is_group)
                .map(|member| RegionError::GroupOfGroups { group: region.id.clone(), member: member.clone() }),
        );
        if leads_back(regions, &region.id) {
            faults.push(RegionError::Circle(region.id.clone()));
        }
    }
    faults.extend(
        publish
            .iter()
            .filter(|id| !regions.contains_key(*id))
            .map(|id| RegionError::Missing { region: id.clone(), missing: id.clone() }),
    );
    faults
}

fn leads_back(regions: &HashMap<RegionId, Region>, start: &RegionId) -> bool {
    let mut at = start;
    for _ in 0..regions.len() {
        match regions.get(at).and_then(|region| region.parent.as_ref()) {
            None => return false,
            Some(parent) if parent == start => return true,
            Some(parent) => at = parent,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RegionId {
        RegionId::new(text).unwrap()
    }

    #[test]
    fn the_atlas_holds_china() {
        let china = Regions::new(true, vec![], vec![], vec![]).unwrap();
        let path: Vec<&str> = china.path(&id("140302")).iter().map(|region| region.name.as_str()).collect();
        assert_eq!(path, ["城区", "阳泉市", "山西省"]);
        assert_eq!(china.roots().len(), 34);
        assert_eq!(china.path(&id("110105")).len(), 2, "a county of a municipality has no city above it");
        assert_eq!(china.path(&id("429004")).len(), 2, "仙桃 lies right below its province");
        assert_eq!(china.get(&id("140215")).unwrap().former, [("大同县".to_owned(), 2018)]);
    }

    #[test]
    fn a_circle_is_found() {
        let mut a = Region::new(id("a"), "A".into());
        let mut b = Region::new(id("b"), "B".into());
        a.parent = Some(id("b"));
        b.parent = Some(id("a"));
        let faults = Regions::new(false, vec![a, b], vec![], vec![]).unwrap_err();
        assert_eq!(faults, [RegionError::Circle(id("a")), RegionError::Circle(id("b"))]);
    }

    #[test]
    fn a_slug_that_is_another_regions_id_and_a_group_of_groups_are_faults() {
        let mut slug = Region::new(id("x"), "X".to_owned());
        slug.slug = Some(id("140300"));
        let mut group = Region::new(id("g"), "G".to_owned());
        group.members = vec![id("h"), id("g")];
        let mut other = Region::new(id("h"), "H".to_owned());
        other.members = vec![id("140300"), id("g")];
        let nested = |group, member| RegionError::GroupOfGroups { group: id(group), member: id(member) };
        assert_eq!(
            Regions::new(true, vec![slug, group, other], vec![], vec![]).unwrap_err(),
            [nested("g", "h"), nested("g", "g"), nested("h", "g"), RegionError::SlugIsId(id("140300"), id("x"))]
        );
    }

    #[test]
    fn groups_hold_their_members_descendants() {
        let mut group = Region::new(id("taihang"), "太行".into());
        group.members = vec![id("140300"), id("140400")];
        let tree = Regions::new(true, vec![group], vec![id("140000")], vec![]).unwrap();
        assert!(tree.covers(&id("taihang"), &id("140321")));
        assert!(!tree.covers(&id("taihang"), &id("140200")));
        assert!(tree.is_published(&id("taihang")) && !tree.is_published(&id("110000")));
        assert_eq!(tree.holders(&id("140321")), [id("140000"), id("140300"), id("140321"), id("taihang")]);
    }
}
