//! The words with which a source speaks of its own region: 我市, 全县, 省委.

use std::sync::LazyLock;

use super::evidence::{Evidence, Tag};
use super::places::{Level, Place, Places};
use super::words::words;
use crate::model::RegionId;

/// The first characters of all these words. Every character of a text is looked up here, so they are collected once.
static FIRST: LazyLock<Vec<char>> = LazyLock::new(|| {
    let own = &words().own;
    let words = [&own.province, &own.autonomous, &own.city, &own.county].into_iter().flatten();
    let mut first: Vec<char> = words.filter_map(|word| word.chars().next()).collect();
    first.sort_unstable();
    first.dedup();
    first
});

/// Returns the region that the source means by such words in a title and the beginning of a text.
pub(super) fn own(places: &Places, source: &RegionId, home: &Place, title: &[char], head: &[char]) -> Option<Tag> {
    let own = &words().own;
    let first: String = title.iter().collect();
    let both: String = title.iter().chain(head).collect();
    let begins: Vec<&str> =
        both.char_indices().filter(|(_, c)| FIRST.contains(c)).filter_map(|(at, _)| both.get(at..)).collect();
    let says = |words: &[String]| begins.iter().any(|rest| super::words::begins(rest, words));
    let tag = |region: &RegionId| Some(Tag { region: region.clone(), evidence: Evidence::Own });
    let above = |level: Level| home.path.iter().find(|region| places.level_of(region) == Some(level));
    // A title that mentions the province is about the province.
    if own.province.iter().any(|word| first.contains(word.as_str())) {
        return above(Level::Province).and_then(tag);
    }
    // From a city of an autonomous region, 全区 means the autonomous region.
    let is_autonomous = home.path.last().is_some_and(|top| {
        top.as_str().ends_with("0000")
            && own.autonomous_codes.iter().any(|code| top.as_str().starts_with(code.as_str()))
    });
    if is_autonomous && home.level != Level::County && says(&own.autonomous) && !says(&own.city) {
        return above(Level::Province).and_then(tag);
    }
    match home.level {
        Level::County if says(&own.county) || home.is_city && says(&own.city) => tag(source),
        Level::City if says(&own.city) => tag(source),
        Level::Province if home.is_city && says(&own.city) => tag(source),
        // A province's source that reprints 我市 says no more than whose words it passes on.
        Level::Province if says(&own.city) => None,
        // The counties of a municipality have no city above them; their province counts as the city.
        _ if says(&own.city) && !home.is_city => above(Level::City).or_else(|| above(Level::Province)).and_then(tag),
        _ if says(&own.province) => above(Level::Province).and_then(tag),
        _ => None,
    }
}
