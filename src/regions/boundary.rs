//! Where a name ends, and where another word only looks like one.

use super::words::words;

/// Returns whether a name stands on its own: 阳城县城区 does not contain 城区, nor 市场 a city; a Latin name ends where a word
/// ends. A name that `follows` another place's directly needs no other sign of where it begins.
pub(super) fn is_whole(text: &[char], from: usize, to: usize, name: &[char], follows: bool) -> bool {
    let before = from.checked_sub(1).and_then(|at| text.get(at)).copied();
    let after = text.get(to).copied();
    if name.iter().all(char::is_ascii) {
        return !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric);
    }
    if is_seam(text, from) {
        return false;
    }
    let edges = &words().edges;
    if is_generic(name) {
        return !is_in(before, &edges.before_generic) && !is_in(after, &edges.behind_generic);
    }
    // 响应县委, 现代县域, 沿海城市: what looks like a name is the end of another word.
    let begins = follows || before.is_none_or(|c| !is_han(c) || words().opens.contains(c));
    let is_short_county = matches!(name, [_, '县']) || matches!(name, [_, '城', '市']);
    if is_short_county {
        let is_common = words()
            .common_ends
            .iter()
            .any(|word| word.chars().next() == before && word.chars().nth(1) == name.first().copied());
        // 代县长: an acting head, of whichever county.
        let goes_on = is_in(after, &edges.behind_county);
        let is_word = matches!(name, [_, '县']) && is_in(name.first().copied(), &edges.doubtful_counties);
        let doubtful = is_word && before.is_some_and(is_han) && !follows;
        let is_known = begins || name.first().is_some_and(|first| words().begins_county.contains(*first));
        if is_common || goes_on || doubtful || matches!(name, [_, '县']) && !is_known {
            return false;
        }
    }
    // 安居乐业县域, 邻里互助县城: a word, and then what happens in some county.
    if is_in(after, &edges.behind_word) && !begins && is_ordinary(name) {
        return false;
    }
    if name == ['沙', '县'] && after == Some('小') {
        return false;
    }
    match name.last() {
        Some('市') => !is_in(after, &edges.behind_city),
        Some('区') => !is_in(after, &edges.behind_district),
        Some('县') => !(after == Some('区') && before.is_some_and(|c| c == '省' || c == '市')),
        _ => true,
    }
}

/// Returns whether two words meet in what looks like a name: 建成|都市圈, 加固|原有.
fn is_seam(text: &[char], from: usize) -> bool {
    let seam = &words().seam;
    let pair = |at: Option<usize>| -> String {
        let at = at.and_then(|at| text.get(at..at + 2));
        at.unwrap_or(&[]).iter().collect()
    };
    seam.ends.contains(&pair(from.checked_sub(1)))
        && seam.begins.contains(&pair(from.checked_add(1)))
        && !seam.apart.contains(&pair(from.checked_sub(2)))
}

/// Returns whether a name without its rank is an ordinary word.
fn is_ordinary(name: &[char]) -> bool {
    let bare: String = name.iter().take(name.len().saturating_sub(1)).collect();
    words().ordinary.contains(&bare)
}

/// Returns whether a name is one that several cities use for their centre, outskirts or mining district.
pub(super) fn is_generic(name: &[char]) -> bool {
    matches!(name, [_, '区']) && is_in(name.first().copied(), &words().edges.generic_districts)
}

fn is_in(c: Option<char>, set: &str) -> bool {
    c.is_some_and(|c| set.contains(c))
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}')
}
