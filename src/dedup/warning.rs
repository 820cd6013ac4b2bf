//! Official warnings: which of two titles say the same of one warning.

use super::similarity::is_over;
use super::text::{RANKS, fold};
use super::words::words;
use crate::model::simplify;

/// Longest name of an area, in characters.
const MAX_AREA: usize = 12;

/// Returns whether the titles of two reports with one identifier say the same of the warning: both that it is in force or
/// both that it is over, and no two levels, hazards or areas.
pub fn is_same_step(one: &str, other: &str) -> bool {
    let warning = &words().warning;
    let [folded, other_folded] = [one, other].map(fold);
    let [plain, other_plain] = [one, other].map(|title| title.chars().map(simplify).collect::<String>());
    let agree = |kinds: &[Vec<String>]| {
        let [a, b] = [&plain, &other_plain].map(|title| named(title, kinds));
        a.is_empty() || b.is_empty() || a.iter().any(|kind| b.contains(kind))
    };
    let holds = |title: &[char], area: &[char]| unranked(title).windows(area.len()).any(|part| part == area);
    let are_near = || match (area(&folded), area(&other_folded)) {
        (Some(a), Some(b)) => holds(&other_folded, &a) || holds(&folded, &b),
        _ => true,
    };
    is_over(&plain) == is_over(&other_plain) && agree(&warning.levels) && agree(&warning.hazards) && are_near()
}

/// Returns which of several things a title names, each by its number. Of two names that overlap the longer one counts:
/// 雷雨大风 is no 大风.
fn named(title: &str, things: &[Vec<String>]) -> Vec<usize> {
    let mut names: Vec<(&str, usize)> =
        things.iter().enumerate().flat_map(|(number, names)| names.iter().map(move |name| (&**name, number))).collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let (mut rest, mut found) = (title.to_lowercase(), Vec::new());
    for (name, number) in names {
        // Names of scripts that separate words are words: an office has no ice.
        let is_word = |word: &str| word.strip_suffix('s').unwrap_or(word) == name;
        let is_named =
            if name.is_ascii() { rest.split(|c: char| !c.is_alphanumeric()).any(is_word) } else { rest.contains(name) };
        if is_named {
            rest = rest.replace(name, " ");
            found.push(number);
        }
    }
    found
}

/// Returns the name of the area a title begins with, without the ranks of its parts, if it begins with one: what stands
/// before the office, the deed, the hazard or the level.
fn area(title: &[char]) -> Option<Vec<char>> {
    let warning = &words().warning;
    let things = warning.levels.iter().chain(&warning.hazards).flatten();
    let ends: Vec<Vec<char>> =
        warning.behind_area.iter().chain(&words().deeds).chain(things).map(|word| word.chars().collect()).collect();
    let end = (0..title.len().min(MAX_AREA + 1)).find(|at| {
        let rest = title.get(*at..).unwrap_or(&[]);
        rest.first().is_some_and(char::is_ascii_digit) || ends.iter().any(|word| rest.starts_with(word))
    })?;
    let head = title.get(..end)?;
    let is_own = |c: &char| words().own.iter().any(|word| word.starts_with(*c));
    // 紧急！发布…: only what follows may be an area.
    let head = head.rsplit(|c| !c.is_alphanumeric()).next().unwrap_or(head);
    let no_area = |word: &&String| head.starts_with(&word.chars().collect::<Vec<char>>());
    let head =
        warning.no_area.iter().find(no_area).map_or(head, |word| head.get(word.chars().count()..).unwrap_or(&[]));
    let name = unranked(head);
    (name.len() >= 2 && !head.first().is_some_and(is_own)).then_some(name)
}

/// Returns a name without the ranks of its parts.
fn unranked(name: &[char]) -> Vec<char> {
    name.iter().copied().filter(|c| !RANKS.contains(c) && *c != '省').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_level_hazard_or_area_or_an_end_is_another_step() {
        let red = "临河县气象台发布暴雨红色预警信号";
        for same in [
            "临河发布暴雨红色预警",
            "临河发布暴雨预警，请注意防范",
            "气象预警：暴雨红色",
            "我县发布暴雨红色预警信号",
            "巴彦淖尔市临河县气象台发布暴雨红色预警信号",
            "国家预警中心：临河县气象台发布暴雨红色预警信号",
            "臨河縣氣象臺發布暴雨紅色預警信號",
        ] {
            assert!(is_same_step(red, same) && is_same_step(same, red), "{same}");
        }
        for other in [
            "临河县气象台发布暴雨蓝色预警信号",
            "临河县气象台解除暴雨红色预警信号",
            "临河县气象台发布大风红色预警信号",
            "河间市气象台发布暴雨红色预警信号",
            "河间发布暴雨红色预警",
        ] {
            assert!(!is_same_step(red, other) && !is_same_step(other, red), "{other}");
        }
        assert!(!is_same_step("发布雷雨大风黄色预警", "发布大风黄色预警"));
        assert!(is_same_step("Weather office: ice warning", "Ice warning issued by the service"));
        assert!(!is_same_step("Severe thunderstorm warning", "Flood warning"));
    }
}
