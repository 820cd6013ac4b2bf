//! `dayuan regions`: looks up regions by code, slug or name.

use std::sync::Arc;

use super::arguments::Arguments;
use super::out::{End, show};
use super::place;
use crate::config::{Config, region_named};
use crate::model::{Region, RegionId, Regions};
use crate::regions::{Directory, Places};

/// Prints the regions that a text may mean: code, names from the top, and slug.
pub(super) fn run(arguments: &Arguments, name: &str, has_below: bool) -> anyhow::Result<End> {
    let regions = tree(arguments)?;
    let directory = Directory::new(&regions);
    let mut found = directory.called(name);
    if found.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()) {
        let spelt = Places::new(&regions);
        let names = spelt.spelt(&name.to_ascii_lowercase()).iter();
        found = names.flat_map(|name| directory.called(name)).collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| a.id == b.id);
    }
    if found.is_empty() {
        found = directory.containing(name);
    }
    if found.is_empty() {
        let (message, help) = region_named(&directory, name).err().unwrap_or_default();
        anyhow::bail!("{message}; {help}");
    }
    for region in found {
        show(&line(&directory, region));
        let below = if has_below { regions.children(&region.id) } else { &[] };
        below.iter().filter_map(|id| regions.get(id)).for_each(|region| show(&line(&directory, region)));
    }
    Ok(End::Done)
}

fn line(directory: &Directory<'_>, region: &Region) -> String {
    let slug = region.slug.as_ref().map(|slug| format!("  {slug}")).unwrap_or_default();
    let former = region.former.iter().map(|(name, year)| format!("  ({name} until {year})")).collect::<String>();
    format!("{}  {}{slug}{former}", region.id, directory.path(region))
}

/// Returns the regions of the config; those of the atlas if there is none, or if it is invalid.
fn tree(arguments: &Arguments) -> anyhow::Result<Arc<Regions>> {
    let folder = place::folder(arguments);
    match Config::load(&folder, &place::places(&folder)) {
        Ok((config, _)) => Ok(config.regions),
        Err(_) => Ok(Arc::new(atlas()?)),
    }
}

/// Returns the region of an option, by code, slug or name.
pub(super) fn named(regions: &Regions, text: &str) -> anyhow::Result<(RegionId, String)> {
    let directory = Directory::new(regions);
    let id = region_named(&directory, text).map_err(|(message, help)| anyhow::anyhow!("{message}; {help}"))?;
    let path = regions.get(&id).map(|region| directory.path(region)).unwrap_or_default();
    Ok((id, path))
}

/// Returns the region of an option, from the config if there is a valid one, else from the atlas.
pub(super) fn option(config: Option<&Config>, text: &str) -> anyhow::Result<(RegionId, String)> {
    match config {
        Some(config) => named(&config.regions, text),
        None => named(&atlas()?, text),
    }
}

/// Returns whether one of two regions lies in the other, or both are the same.
pub(super) fn is_around(config: Option<&Config>, one: &RegionId, other: &RegionId) -> anyhow::Result<bool> {
    let is_around = |regions: &Regions| regions.covers(one, other) || regions.covers(other, one);
    match config {
        Some(config) => Ok(is_around(&config.regions)),
        None => Ok(is_around(&atlas()?)),
    }
}

/// Returns the regions of the atlas alone.
fn atlas() -> anyhow::Result<Regions> {
    Regions::new(true, Vec::new(), Vec::new(), Vec::new())
        .map_err(|faults| anyhow::anyhow!("the atlas is damaged: {faults:?}"))
}
