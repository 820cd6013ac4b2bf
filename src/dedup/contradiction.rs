//! Contradictions between the differing parts of two texts: numbers, places, levels, deeds.

use std::collections::HashSet;

use pinyin::ToPinyinMulti;

use super::text::{Gap, RANKS};
use super::words::words;

/// Returns whether corresponding places hold different facts. Each side must have a fact that the other text has in no
/// differing place; if only one side says more, nothing is contradicted.
pub(super) fn contradict(differences: &[Gap<'_>]) -> bool {
    do_contradict(differences, false)
}

/// The same for two texts one of which is full of slips of the pen.
pub(super) fn contradict_with_slips(differences: &[Gap<'_>]) -> bool {
    do_contradict(differences, true)
}

fn do_contradict(differences: &[Gap<'_>], is_mistyped: bool) -> bool {
    let told: Vec<(Vec<Fact>, Vec<Fact>)> = differences
        .iter()
        .filter_map(|gap| trimmed(gap.a, gap.b))
        // Passages that were rewritten at length or moved elsewhere do not correspond.
        .filter(|(a, b)| {
            let (least, most) = (a.len().min(b.len()), a.len().max(b.len()));
            least <= FREE && most <= 2 * least + FREE / 2
        })
        .flat_map(|(a, b)| match slips(a, b).or_else(|| slips_in_words(a, b).filter(|_| is_mistyped)) {
            // Of typos, only numbers and levels count as facts, and only if both sides have one.
            Some(slips) => slips
                .into_iter()
                .map(|(a, b)| {
                    let hard = |c: char| facts(&[c]).into_iter().filter(|(kind, _)| *kind != Kind::Place).collect();
                    (hard(a), hard(b))
                })
                .collect(),
            None => {
                let is_slip = is_mistyped && outside_numbers(a) != outside_numbers(b);
                let read =
                    |text| facts(text).into_iter().filter(|(kind, _)| !(is_slip && *kind == Kind::Number)).collect();
                vec![(read(a), read(b))]
            }
        })
        .collect();
    let one: HashSet<&Fact> = told.iter().flat_map(|(a, _)| a).collect();
    let other: HashSet<&Fact> = told.iter().flat_map(|(_, b)| b).collect();
    told.iter().any(|(a, b)| {
        let numbers =
            |facts: &[Fact]| facts.iter().filter(|fact| fact.0 == Kind::Number).cloned().collect::<HashSet<_>>();
        let (here, there) = (numbers(a), numbers(b));
        // One number replaced by another contradicts, whatever else the texts hold.
        if !here.is_empty() && !there.is_empty() && here.is_disjoint(&there) && a.len() + b.len() <= 4 {
            return true;
        }
        [Kind::Number, Kind::Place, Kind::Level, Kind::Deed].into_iter().any(|kind| {
            let only = |these: &[Fact], those: &HashSet<&Fact>| {
                these.iter().any(|fact| fact.0 == kind && !those.contains(fact))
            };
            only(a, &other) && only(b, &one)
        })
    })
}

/// Returns the number of characters that are no digits. A slip within or behind a Chinese number leaves a character there:
/// 20 (二十) and 得10.
fn outside_numbers(text: &[char]) -> usize {
    text.iter().filter(|c| !c.is_ascii_digit()).count()
}

/// Returns two pieces without their common beginning and end, keeping numbers whole; `None` if one is then empty.
pub(super) fn trimmed<'t>(mut a: &'t [char], mut b: &'t [char]) -> Option<(&'t [char], &'t [char])> {
    let in_number =
        |text: &[char], at: usize| text.get(at).is_some_and(|c| c.is_ascii_digit() || matches!(c, '.' | '万' | '亿'));
    let mut same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    while same > 0 && in_number(a, same - 1) {
        same -= 1;
    }
    (a, b) = (a.get(same..)?, b.get(same..)?);
    let mut same = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    while same > 0 && in_number(a, a.len() - same) {
        same -= 1;
    }
    // 县 after 平定 and 盂 shows that they are places.
    if same > 0 && a.len() > same && b.len() > same && a.get(a.len() - same).is_some_and(|c| RANKS.contains(c)) {
        same -= 1;
    }
    (a, b) = (a.get(..a.len() - same)?, b.get(..b.len() - same)?);
    (!a.is_empty() && !b.is_empty()).then_some((a, b))
}

/// Returns the single characters by which two pieces of equal length differ, no two of them adjacent; `None` if they
/// differ otherwise.
pub(super) fn slips(a: &[char], b: &[char]) -> Option<Vec<(char, char)>> {
    if a.len() != b.len() || a.iter().chain(b).any(char::is_ascii_digit) {
        return None;
    }
    let apart: Vec<bool> = a.iter().zip(b).map(|(a, b)| a != b).collect();
    let beside = apart.windows(2).any(|pair| matches!(pair, [true, true]));
    (!beside).then(|| a.iter().copied().zip(b.iter().copied()).filter(|(a, b)| a != b).collect())
}

/// The same with numbers below a hundred in Chinese numerals: 20大 (二十大) and 得10大.
fn slips_in_words(a: &[char], b: &[char]) -> Option<Vec<(char, char)>> {
    slips(&in_numerals(a), &in_numerals(b))
}

/// Returns a piece with its numbers below a hundred in Chinese numerals.
pub(super) fn in_numerals(text: &[char]) -> Vec<char> {
    const NUMERALS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let value = |digit: &char| digit.to_digit(10).and_then(|value| usize::try_from(value).ok()).unwrap_or(0);
    let mut out = Vec::with_capacity(text.len() + 2);
    for run in text.chunk_by(|one, other| one.is_ascii_digit() == other.is_ascii_digit()) {
        let (tens, ones) = match run {
            [one] if one.is_ascii_digit() => (0, value(one)),
            [ten, one] if ten.is_ascii_digit() => (value(ten), value(one)),
            _ => {
                out.extend(run);
                continue;
            }
        };
        out.extend(NUMERALS.get(tens).filter(|_| tens > 1));
        out.extend((tens > 0).then_some('十'));
        out.extend(NUMERALS.get(ones).filter(|_| ones > 0 || tens == 0));
    }
    out
}

/// Returns whether one could be typed for the other in pinyin, character by character.
pub(super) fn sounds_alike(a: &[char], b: &[char]) -> bool {
    let alike = |a: char, b: char| {
        let readings = |c: char| c.to_pinyin_multi().into_iter().flatten().map(pinyin::Pinyin::plain);
        a == b || readings(a).any(|one| readings(b).any(|other| one == other))
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(*a, *b))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Number,
    Place,
    Level,
    Deed,
}

pub(super) type Fact = (Kind, String);

/// Returns the facts in a piece of folded text.
pub(super) fn facts(text: &[char]) -> Vec<Fact> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let c = text.get(at).copied().unwrap_or(' ');
        if c.is_ascii_digit() {
            let run: String =
                text.get(at..).unwrap_or(&[]).iter().take_while(|c| c.is_ascii_digit() || **c == '.').collect();
            at += run.len();
            let factor = match text.get(at) {
                Some('万') => 1e4,
                Some('亿') => 1e8,
                _ => 1.0,
            };
            // 0.86万 is 8600.
            let number = run.parse::<f64>().map_or(run, |value| format!("{}", value * factor));
            found.push((Kind::Number, number));
            continue;
        }
        if let Some(value) = "一二三四五六七八九十".chars().position(|numeral| numeral == c)
            && !text.get(at + 1).is_some_and(|next| "个些样定种般直起旦方".contains(*next))
        {
            found.push((Kind::Number, (value + 1).to_string()));
        }
        if matches!(c, 'Ⅰ'..='Ⅴ') {
            found.push((Kind::Level, c.to_string()));
        }
        if matches!(c, '蓝' | '黄' | '橙' | '红') && (text.get(at + 1) == Some(&'色') || text.len() <= 3) {
            found.push((Kind::Level, c.to_string()));
        }
        // The name before its rank; in a trimmed piece the rank may be missing.
        if RANKS.contains(&c) && at > 0 {
            let from = at.saturating_sub(2);
            let name = text.get(from..=at).unwrap_or(&[]);
            let is_name = !name
                .iter()
                .rev()
                .skip(1)
                .any(|c| RANKS.contains(c) || "各全我本该此等的在及与和了为到从对地城小".contains(*c));
            if is_name {
                found.push((Kind::Place, name.iter().collect()));
            }
        }
        let pair: String = text.get(at..(at + 2).min(text.len())).unwrap_or(&[]).iter().collect();
        if words().deeds.contains(&pair) {
            found.push((Kind::Deed, pair));
        }
        at += 1;
    }
    found
}

/// If both sides of a difference are longer than this, in characters, they do not correspond.
const FREE: usize = 24;
