//! Makes texts comparable: folding, shingles, alignment.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use xxhash_rust::xxh3::xxh3_64;

use super::clock::Time;
use super::number::{in_date, in_digits, in_metres, in_words, is_numeral};
use super::words::without_boilerplate;
use crate::model::{SecretHasher, simplify};

/// Number of shingles kept per text to find similar texts: those with the smallest hashes.
const SKETCH: usize = 24;
/// Maximum number of characters compared per text.
const MAX_COMPARED: usize = 20_000;
/// Supplementary Private Use Area-A, without its last two code points.
const PRIVATE: u32 = 0xf_0000;
const PRIVATE_SIZE: u64 = 65_534;
/// Words that follow a place name and give its rank.
pub(super) const RANKS: [char; 9] = ['县', '市', '区', '镇', '乡', '村', '街', '路', '巷'];
/// Characters per shingle.
pub(super) const SHINGLE: usize = 4;

/// Returns a text without what reprints change: width, traditional characters, case, punctuation, white space. In
/// scripts that separate words, each word becomes one private-use character, so that a run of four covers four words.
pub(super) fn fold(text: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len() / 3);
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut Vec<char>| {
        if !word.is_empty() {
            let number = u32::try_from(xxh3_64(word.as_bytes()) % PRIVATE_SIZE).unwrap_or(0);
            out.extend(char::from_u32(PRIVATE + number));
            word.clear();
        }
    };
    let text = &*text.chars().map(simplify).collect::<String>();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let width = c.len_utf8();
        let is_level = matches!(c, 'Ⅰ'..='Ⅻ');
        if u32::from(c) < 0x2e80 && c.is_alphabetic() && !is_level {
            word.extend(c.to_lowercase());
            continue;
        }
        flush(&mut word, &mut out);
        // Times and numbers are compared by their value: 09:30 is 9时30分, 1.28万 12800, and 三月九日 3月9日.
        let is_inside = || out.last().is_some_and(|c| c.is_ascii_digit() || *c == '.');
        let is_first = (c.is_ascii_digit() || is_numeral(c)) && !is_inside();
        let rest = text.get(text.len() - chars.as_str().len() - width..).unwrap_or("");
        if is_first && let Some(time) = Time::read(rest) {
            time.write(&mut out);
            chars = rest.get(time.length..).unwrap_or("").chars();
            continue;
        }
        let written = match c {
            '0'..='9' if is_first => in_metres(rest).or_else(|| in_digits(c, chars.as_str())),
            c if is_numeral(c) => {
                in_date(c, chars.as_str()).or_else(|| in_words(c, chars.as_str(), out.last().copied()))
            }
            '两' | '百' => in_words(c, chars.as_str(), out.last().copied()),
            _ => None,
        };
        if let Some((digits, length)) = written {
            out.extend(digits.chars());
            chars = chars.as_str().get(length..).unwrap_or("").chars();
            continue;
        }
        let next = || chars.clone().next().map(simplify);
        let is_decimal =
            || c == '.' && out.last().is_some_and(char::is_ascii_digit) && next().is_some_and(|c| c.is_ascii_digit());
        // Most characters are Chinese; check that range first because it is cheap.
        if matches!(c, '\u{4e00}'..='\u{9fff}') || c.is_alphanumeric() || is_decimal() {
            out.push(c);
        }
        if out.len() >= MAX_COMPARED {
            break;
        }
    }
    flush(&mut word, &mut out);
    out
}

/// Returns the words, in lower case, of scripts that separate words: those that [`fold`] turns into one character each.
pub(super) fn words(text: &str) -> HashSet<String> {
    let is_of_word = |c: char| u32::from(c) < 0x2e80 && c.is_alphabetic();
    let words = text.split(|c: char| !is_of_word(simplify(c))).filter(|word| !word.is_empty());
    words.take(MAX_COMPARED).map(|word| word.chars().map(simplify).flat_map(char::to_lowercase).collect()).collect()
}

fn hash(window: &[char]) -> u64 {
    let mut bytes = [0_u8; 4 * SHINGLE];
    for (slot, c) in bytes.chunks_exact_mut(4).zip(window) {
        slot.copy_from_slice(&u32::from(*c).to_le_bytes());
    }
    xxh3_64(&bytes)
}

/// A set of hashes, used without hashing them again.
pub(super) type Hashes = HashSet<u64, BuildHasherDefault<SecretHasher>>;

/// Returns the hashes of all runs of four characters.
pub(super) fn shingles(folded: &[char]) -> Hashes {
    folded.windows(SHINGLE).map(hash).collect()
}

/// Returns the hashes of all runs of `length` characters (at most four) that contain no digit.
pub(super) fn runs(folded: &[char], length: usize) -> Hashes {
    let runs = folded.windows(length.clamp(1, SHINGLE));
    runs.filter(|run| !run.iter().any(char::is_ascii_digit)).map(hash).collect()
}

/// Returns the smallest hashes of a text's shingles in ascending order; empty if the text is too short to compare.
pub fn sketch(text: &str) -> Vec<u32> {
    let folded = fold(&without_boilerplate(text));
    if folded.len() < 40 {
        return Vec::new();
    }
    let mut least: Vec<u32> = Vec::with_capacity(SKETCH + 1);
    for window in folded.windows(SHINGLE) {
        // Only the upper half is kept, so it also decides the order.
        let hash = u32::try_from(hash(window) >> 32).unwrap_or(0);
        let is_less = least.len() < SKETCH || least.last().is_some_and(|most| hash < *most);
        if is_less && let Err(at) = least.binary_search(&hash) {
            least.insert(at, hash);
            least.truncate(SKETCH);
        }
    }
    least
}

/// Returns the share of the smaller set that the larger one contains.
pub(super) fn containment(a: &Hashes, b: &Hashes) -> f64 {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if small.is_empty() {
        return 0.0;
    }
    let shared = small.iter().filter(|hash| large.contains(hash)).count();
    ratio(shared, small.len())
}

pub(super) fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap_or(u32::MAX)) / f64::from(u32::try_from(whole.max(1)).unwrap_or(u32::MAX))
}

/// A place where two texts differ: what each has there, and the context before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap<'t> {
    pub(super) a: &'t [char],
    pub(super) b: &'t [char],
    /// Up to six characters before the gap.
    pub(super) before: &'t [char],
    /// Up to four characters after the gap.
    pub(super) after: &'t [char],
}

/// Returns where two texts differ in corresponding places. The texts are aligned on runs of four characters that occur
/// exactly once in each.
pub(super) fn differences<'t>(a: &'t [char], b: &'t [char], anchors: &[(usize, usize)]) -> Vec<Gap<'t>> {
    let mut found = Vec::new();
    let (mut end_a, mut end_b) = (0, 0);
    for (from_a, from_b) in anchors.iter().copied().chain([(a.len(), b.len())]) {
        if from_a >= end_a && from_b >= end_b {
            // 县 after 平定 and 盂 shows that they are places.
            let ranked = a.get(from_a).is_some_and(|c| RANKS.contains(c)) && from_a > end_a && from_b > end_b;
            let (to_a, to_b) = (from_a + usize::from(ranked), from_b + usize::from(ranked));
            let gap = Gap { a: a.get(end_a..to_a).unwrap_or(&[]), ..gap(a, b, (end_a, end_b), (from_a, to_b)) };
            let is_edge = end_a == 0 || from_a == a.len();
            // Before the first anchor and after the last, one text often just has more.
            if !gap.a.is_empty() && !gap.b.is_empty() && (!is_edge || gap.a.len().max(gap.b.len()) <= 40) {
                found.push(gap);
            }
        }
        // 23500 and 235000 have the same runs: only the shift between the texts shows the other number.
        let is_shifted = from_a < a.len() && (from_a < end_a || from_b < end_b) && end_a + from_b != end_b + from_a;
        if is_shifted && let (Some(one), Some(other)) = (number_at(a, from_a), number_at(b, from_b)) {
            found.push(Gap { a: one, b: other, before: &[], after: &[] });
        }
        end_a = end_a.max(from_a + SHINGLE);
        end_b = end_b.max(from_b + SHINGLE);
    }
    found
}

/// Returns where two texts differ between two places that both share, or before the first one; also where only one of
/// them has something.
pub(super) fn aligned<'t>(a: &'t [char], b: &'t [char], anchors: &[(usize, usize)]) -> Vec<Gap<'t>> {
    let mut found = Vec::new();
    let (mut end_a, mut end_b) = (0_usize, 0_usize);
    for (from_a, from_b) in anchors.iter().copied() {
        // Where both ends of a replaced piece have the same characters, the runs around it overlap.
        let overlap = end_a.saturating_sub(from_a).max(end_b.saturating_sub(from_b));
        if end_a + from_b != end_b + from_a || overlap == 0 {
            let (to_a, to_b) = (from_a + overlap, from_b + overlap);
            let gap = gap(a, b, (end_a, end_b), (to_a, to_b));
            if gap.a != gap.b {
                found.push(gap);
            }
        }
        end_a = end_a.max(from_a + SHINGLE);
        end_b = end_b.max(from_b + SHINGLE);
    }
    found
}

/// Returns the difference between two places in both texts.
fn gap<'t>(a: &'t [char], b: &'t [char], from: (usize, usize), to: (usize, usize)) -> Gap<'t> {
    Gap {
        a: a.get(from.0..to.0).unwrap_or(&[]),
        b: b.get(from.1..to.1).unwrap_or(&[]),
        before: a.get(from.0.saturating_sub(6)..from.0).unwrap_or(&[]),
        after: a.get(to.0..(to.0 + SHINGLE).min(a.len())).unwrap_or(&[]),
    }
}

/// Returns the whole number of which the character at a position is a digit.
fn number_at(text: &[char], at: usize) -> Option<&[char]> {
    let is_digit = |c: &char| c.is_ascii_digit() || *c == '.';
    let before = text.get(..at)?.iter().rev().take_while(|c| is_digit(c)).count();
    let behind = text.get(at..)?.iter().take_while(|c| is_digit(c)).count();
    (behind > 0).then(|| text.get(at - before..at + behind)).flatten()
}

/// Returns the positions, in both texts, of the runs of four characters that occur once in each, in an order both
/// share.
pub(super) fn anchors(a: &[char], b: &[char]) -> Vec<(usize, usize)> {
    let once = |text: &[char]| -> HashMap<u64, Option<usize>, BuildHasherDefault<SecretHasher>> {
        let mut seen: HashMap<u64, Option<usize>, BuildHasherDefault<SecretHasher>> = HashMap::default();
        for (at, window) in text.windows(SHINGLE).enumerate() {
            seen.entry(hash(window)).and_modify(|place| *place = None).or_insert(Some(at));
        }
        seen
    };
    let (in_a, in_b) = (once(a), once(b));
    let mut anchors: Vec<(usize, usize)> =
        in_a.iter().filter_map(|(hash, at)| Some(((*at)?, (*in_b.get(hash)?)?))).collect();
    anchors.sort_unstable();
    rising(&anchors)
}

/// Returns the longest subsequence of the pairs in which the second value increases too.
fn rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; pairs.len()];
    for (at, (_, value)) in pairs.iter().enumerate() {
        let place = tails.partition_point(|tail| pairs.get(*tail).is_some_and(|(_, other)| other < value));
        if let Some(slot) = before.get_mut(at) {
            *slot = place.checked_sub(1).and_then(|last| tails.get(last)).copied();
        }
        match tails.get_mut(place) {
            Some(tail) => *tail = at,
            None => tails.push(at),
        }
    }
    let mut out = Vec::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(at) = next {
        out.extend(pairs.get(at).copied());
        next = before.get(at).copied().flatten();
    }
    out.reverse();
    out
}
