//! The bundled administrative divisions of China (GB/T 2260).

use super::{Region, RegionId};

/// The table, tab-separated: code, name, former names with the year in which each ended.
const CHINA: &str = include_str!("atlas/cn.tsv");
/// The table of townships, tab-separated: code of the county, its 镇, 乡 and 街道, without that word and joined by commas.
const TOWNSHIPS: &str = include_str!("atlas/townships.tsv");
/// The columns of that table.
const TOWNSHIP_RANKS: [&str; 3] = ["镇", "乡", "街道"];

/// Returns the divisions of China (provinces, cities and counties), parents first.
pub(super) fn china() -> impl Iterator<Item = Region> {
    let codes: std::collections::HashSet<&str> = rows().map(|(code, ..)| code).collect();
    rows().filter_map(move |(code, name, former)| {
        let id = RegionId::new(code).ok()?;
        let parent = parent(code).into_iter().find(|parent| codes.contains(parent.as_str()));
        let mut region = Region::new(id, name.to_owned());
        region.parent = parent.and_then(|code| RegionId::new(&code).ok());
        region.former = former
            .split(';')
            .filter_map(|entry| entry.rsplit_once(' '))
            .filter_map(|(name, year)| Some((name.to_owned(), year.parse().ok()?)))
            .collect();
        Some(region)
    })
}

/// Returns the names of the divisions of China, as they are now: 阳泉市, 盂县.
pub fn divisions() -> impl Iterator<Item = &'static str> {
    rows().map(|(_, name, _)| name)
}

/// Returns the townships of China: the code of the county each one is in, its name, and the word that ends the name.
pub fn townships() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let rows = TOWNSHIPS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    rows.flat_map(|(code, ranks)| {
        ranks.split('\t').zip(TOWNSHIP_RANKS).flat_map(move |(names, rank)| {
            names.split(',').filter(|name| !name.is_empty()).map(move |name| (code, name, rank))
        })
    })
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    CHINA.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut columns = line.split('\t');
        Some((columns.next()?, columns.next()?, columns.next().unwrap_or("")))
    })
}

/// Returns the codes of possible parents of `code`, nearest first. Counties of municipalities and of some provinces
/// have no city between.
fn parent(code: &str) -> Vec<String> {
    let province = code.get(..2).map(|p| format!("{p}0000"));
    let city = code.get(..4).map(|p| format!("{p}00"));
    [city, province].into_iter().flatten().filter(|parent| parent != code).collect()
}
