//! What the words around a name make of it: another word, a road, a dish, somebody's home.

use super::names::Hit;
use super::words::{begins, words};

/// What the words behind a name make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The name of a place.
    Place,
    /// Part of the name of something that is mostly there (西安交通大学): counts if nothing else does.
    Weak,
    /// Part of the name of something that may be anywhere (太原路, 兰州牛肉面).
    None,
}

/// Longest text examined behind a name and before one, in characters.
const BEHIND: usize = 8;
const BEFORE: usize = 4;

/// Returns what a name without its rank is part of.
pub(super) fn role(text: &[char], to: usize) -> Role {
    let compound = &words().compound;
    let behind = piece(text, to, to + BEHIND);
    if begins(&behind, &compound.weak) {
        return Role::Weak;
    }
    // 黄山南坡, 吕梁山西坡
    if is_slope(text, to.saturating_sub(1)) || is_slope(text, to) {
        return Role::None;
    }
    // 长白山, 鄱阳湖: what has the name of a place lies in several.
    if begins(&behind, &compound.nature) && !begins(&behind, &compound.nature_unless) {
        return Role::None;
    }
    if begins(&behind, &compound.products) && !begins(&behind, &compound.products_unless) {
        // The feast of a dish is mostly where the dish is from.
        return if behind.contains('节') { Role::Weak } else { Role::None };
    }
    // 山西北路, 中山东一路: directions and numbers may stand before the way.
    let rest = behind.trim_start_matches(|c| compound.between.contains(c));
    let is_way = [behind.as_str(), rest].into_iter().any(|rest| begins(rest, &compound.ways));
    if is_way && ![behind.as_str(), rest].into_iter().any(|rest| begins(rest, &compound.unless)) {
        return Role::None;
    }
    Role::Place
}

/// Returns whether a mountain or water stands at a position, with one of its sides behind it.
fn is_slope(text: &[char], at: usize) -> bool {
    let compound = &words().compound;
    match text.get(at..).unwrap_or(&[]) {
        [what, '东' | '西' | '南' | '北', side, ..] => {
            compound.slopes.contains(*side) && compound.nature.iter().any(|nature| nature.chars().eq([*what]))
        }
        _ => false,
    }
}

/// Returns whether a short name is that of a person, with the family name before it: 村民李常德, 张延安说.
pub(super) fn is_person(text: &[char], hit: &Hit<'_>) -> bool {
    let person = &words().person;
    let Some(at) = hit.from.checked_sub(1) else { return false };
    if !text.get(at).is_some_and(|family| person.families.contains(*family)) {
        return false;
    }
    let before = piece(text, at.saturating_sub(BEFORE), at);
    let is_apart = !before.chars().next_back().is_some_and(char::is_alphanumeric);
    person.before.iter().any(|role| before.ends_with(role.as_str()))
        || is_apart && begins(&piece(text, hit.to, hit.to + BEHIND), &person.behind)
}

/// Returns whether a county's short name counts: if a township follows, or if it opens the text and is repeated in
/// `other` or followed by a colon or space; never if it is an ordinary word.
pub(super) fn may_be_short(text: &[char], hit: &Hit<'_>, other: &[char]) -> bool {
    let word: String = hit.name.text.iter().collect();
    if words().ordinary.contains(&word) {
        return false;
    }
    let next: Vec<char> = text.get(hit.to..).unwrap_or(&[]).iter().take(6).copied().collect();
    let compound = &words().compound;
    let is_water = hit.name.text.last().is_some_and(|last| compound.waters.contains(*last));
    if is_water && begins(&next.iter().collect::<String>(), &compound.waters_behind) {
        return false;
    }
    if matches!(next.first(), Some('了' | '过' | '着' | '的' | '化' | '性')) {
        return false;
    }
    let township = next.iter().skip(1).any(|c| matches!(c, '镇' | '乡' | '村'));
    township || hit.from == 0 && (is_taken_up(hit, &next, other) || matches!(next.first(), Some(':' | ' ')))
}

/// Returns whether `other` names a place again, and not only the thing that the place's name is a part of here: 和顺家庭,
/// 浑源凉粉. What a place does may be said twice: 昔阳召开.
fn is_taken_up(hit: &Hit<'_>, next: &[char], other: &[char]) -> bool {
    let name = &hit.name.text;
    let thing: Vec<char> = name.iter().chain(next.iter().take(THING)).copied().collect();
    let does = begins(&next.iter().collect::<String>(), &words().stranger.acts);
    other
        .windows(name.len().max(1))
        .enumerate()
        .any(|(at, window)| window == name && (does || !other.get(at..).unwrap_or(&[]).starts_with(&thing)))
}

/// So many characters behind a name are compared to tell whether it is part of the same thing.
const THING: usize = 2;

/// Returns whether a city's short name is part of another word here: 长治久安, 八方来宾.
pub(super) fn is_other_word(text: &[char], hit: &Hit<'_>, is_chained: bool) -> bool {
    let name: String = hit.name.text.iter().collect();
    !is_chained && words().city_alone.contains(&name) || is_word(text, hit)
}

/// Returns whether a name is another word with what follows: 公安县级机关, 太行山西麓.
pub(super) fn is_word(text: &[char], hit: &Hit<'_>) -> bool {
    let name: String = hit.name.text.iter().collect();
    words().city_words.get(&name).is_some_and(|ends| begins(&piece(text, hit.to, hit.to + 4), ends))
}

/// Returns whether a district's name is mostly an ordinary word.
pub(super) fn is_common_quarter(name: &[char]) -> bool {
    matches!(name, ['老' | '新', '城', '区'] | ['东' | '西' | '南' | '北' | '新', '区'])
}

fn piece(text: &[char], from: usize, to: usize) -> String {
    text.get(from..to.min(text.len())).unwrap_or(&[]).iter().collect()
}

/// Flags the names that are not where the story is: home towns, visitors' places, destinations, origins or comparisons.
/// Names that are adjacent, or separated only by 、 or 和, are judged together. People of places that are `far` are
/// mostly abroad: a teacher of the own county is at home.
pub(super) fn visited(text: &[char], hits: &[Hit<'_>], is_far: impl Fn(&Hit<'_>) -> bool) -> Vec<bool> {
    let visited = &words().visited;
    let mut flags = vec![false; hits.len()];
    let mut start = 0;
    while start < hits.len() {
        let mut end = start + 1;
        while let (Some(last), Some(next)) = (hits.get(end - 1), hits.get(end)) {
            let between = piece(text, last.to, next.from);
            // Rank words may stand between names: 湖南岳阳, 威宁县.
            if between.chars().count() > 4 || !between.chars().all(|c| "、和与及,".contains(c)) {
                break;
            }
            end += 1;
        }
        if let (Some(first), Some(last)) = (hits.get(start), hits.get(end - 1)) {
            let before = piece(text, first.from.saturating_sub(4), first.from);
            let behind = piece(text, last.to, last.to + BEHIND);
            let compared = before.ends_with('与') && behind.contains(visited.compared.as_str());
            let is_visit = compared
                || visited.before.iter().any(|word| before.ends_with(word.as_str()))
                || begins(&behind, &visited.behind)
                || is_far(last) && begins(&behind, &visited.people)
                || visited.near.iter().any(|word| behind.contains(word.as_str()));
            flags.iter_mut().take(end).skip(start).for_each(|flag| *flag = is_visit);
        }
        start = end;
    }
    flags
}

/// Flags the names that belong to a list: four or more, separated only by punctuation.
pub(super) fn listed(text: &[char], hits: &[Hit<'_>]) -> Vec<bool> {
    let follows = |one: &Hit<'_>, next: &Hit<'_>| {
        text.get(one.to..next.from).is_some_and(|gap| gap.len() <= 3 && gap.iter().all(|c| BETWEEN_NAMES.contains(*c)))
    };
    let mut listed = Vec::with_capacity(hits.len());
    for run in hits.chunk_by(follows) {
        // 山西省阳泉市平定县 is one place: directly adjacent names belong together.
        let parted = run.windows(2).filter(|pair| matches!(pair, [one, next] if one.to < next.from)).count() + 1;
        listed.extend(run.iter().map(|_| parted >= MIN_LIST));
    }
    listed
}

/// This many names in a row, separated only by punctuation, are a list.
const MIN_LIST: usize = 4;

/// Characters that may separate the names of a list.
const BETWEEN_NAMES: &str = "、,和与及·/ 　;|-—";
