//! Facts that a retelling keeps: numbers with what they count, dates, times and quoted names.
//!
//! Two retellings of one event share fewer than a quarter of their four-character runs, but nearly all of these facts.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use super::number::{Number, in_date, is_numeral};
use crate::model::simplify;

/// Maximum number of characters searched per text.
const MAX_SEARCHED: usize = 8_000;
/// Maximum number of facts per text.
const MAX_FACTS: usize = 200;
/// How many of the weightiest facts are paired to find retellings of a text.
const PAIRED: usize = 7;
/// Minimum weight, in tenths, of a paired fact: small numbers occur in every text.
const MIN_PAIRED: u32 = 9;

/// Marks a pair that is strong evidence, such as a number of three significant digits with one of two.
pub const TELLING: u32 = 1 << 31;
/// Minimum combined weight of such a pair, in tenths.
const MIN_TELLING: u32 = 42;

/// The facts of a text, keyed by hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts(BTreeMap<u32, Fact>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fact {
    /// Weight in tenths.
    weight: u32,
    /// Whether it only repeats another fact together with the unit counted.
    is_derived: bool,
}

/// The overlap of the facts of two texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shared {
    /// Weight of the shared facts.
    pub(super) weight: f64,
    /// Its share of the total weight of the text with fewer facts.
    pub(super) share: f64,
}

/// Returns hashes by which the retellings of a text find each other; those with the bit [`TELLING`] count double.
pub fn fact_pairs(title: &str, text: &str) -> Vec<u32> {
    Facts::of(title, text).pairs()
}

impl Facts {
    /// Extracts the facts of a title and a text.
    pub(super) fn of(title: &str, text: &str) -> Self {
        let mut chars: Vec<char> = Vec::with_capacity(MAX_SEARCHED.min((title.len() + text.len()) / 2 + 1));
        for part in [title, "\n", text] {
            let mut rest = part.chars();
            while let Some(c) = rest.next().filter(|_| chars.len() < MAX_SEARCHED) {
                match c {
                    '\u{200b}'..='\u{200f}' | '\u{feff}' => {}
                    // 三月九日 is 3月9日.
                    c if is_numeral(c)
                        && let Some((digits, length)) = in_date(c, rest.as_str()) =>
                    {
                        chars.extend(digits.chars());
                        rest = rest.as_str().get(length..).unwrap_or("").chars();
                    }
                    c => chars.push(simplify(c)),
                }
            }
        }
        let mut scan = Scan { chars: &chars, at: 0, found: Self::default(), month: None };
        while scan.at < chars.len() && scan.found.0.len() < MAX_FACTS {
            scan.step();
        }
        scan.found
    }

    pub(super) fn shared(&self, other: &Self) -> Shared {
        let weight: u32 =
            self.0.iter().filter(|(hash, _)| other.0.contains_key(hash)).map(|(_, fact)| fact.weight).sum();
        let least = self.total().min(other.total()).max(10);
        Shared { weight: f64::from(weight) / 10.0, share: f64::from(weight) / f64::from(least) }
    }

    fn total(&self) -> u32 {
        self.0.values().map(|fact| fact.weight).sum()
    }

    /// Returns hashes of pairs of the weightiest facts, by which retellings find each other: one number occurs in many
    /// texts, two together in few. The strongest pairs have the highest bit, [`TELLING`].
    pub(super) fn pairs(&self) -> Vec<u32> {
        let mut heavy: Vec<(u32, u32)> = self
            .0
            .iter()
            .filter(|(_, fact)| fact.weight >= MIN_PAIRED && !fact.is_derived)
            .map(|(hash, fact)| (fact.weight, *hash))
            .collect();
        heavy.sort_unstable_by_key(|(weight, hash)| (std::cmp::Reverse(*weight), *hash));
        heavy.truncate(PAIRED);
        let mut pairs = Vec::with_capacity(PAIRED * (PAIRED - 1) / 2);
        for (at, (weight, one)) in heavy.iter().enumerate() {
            for (other_weight, other) in heavy.iter().skip(at + 1) {
                let hash = (one.min(other).rotate_left(13) ^ one.max(other)) & !TELLING;
                pairs.push(if weight + other_weight >= MIN_TELLING { hash | TELLING } else { hash });
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    fn put(&mut self, fact: &[u8], weight: u32, is_derived: bool) {
        let hash = u32::try_from(xxh3_64(fact) >> 32).unwrap_or(0);
        self.0.insert(hash, Fact { weight, is_derived });
    }

    /// Adds a fact of two small numbers: a date or a time of day.
    fn put_two(&mut self, kind: u8, one: u32, two: u32, weight: u32) {
        let [.., one] = one.to_be_bytes();
        let [.., two] = two.to_be_bytes();
        self.put(&[kind, one, two], weight, false);
    }

    /// Adds a name.
    fn put_name(&mut self, name: &str, weight: u32) {
        self.put(format!("q{name}").as_bytes(), weight, false);
    }
}

struct Scan<'t> {
    chars: &'t [char],
    at: usize,
    found: Facts,
    /// The last month named, for the end of a date range.
    month: Option<u32>,
}

impl Scan<'_> {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\n')
    }

    fn step(&mut self) {
        let c = self.peek(0);
        match c {
            '0'..='9' => self.number(),
            '“' | '「' | '《' | '"' => self.quoted(c),
            'A'..='Z' if !self.at.checked_sub(1).is_some_and(|at| self.is_letter(at)) => self.latin_name(),
            _ => self.at += 1,
        }
    }

    fn is_letter(&self, at: usize) -> bool {
        self.chars.get(at).is_some_and(|c| c.is_alphabetic() && u32::from(*c) < 0x2e80)
    }

    /// Parses the number at a position, ignoring thousands separators; returns it and its end.
    fn digits(&self, from: usize) -> (Number, usize) {
        let digit = |at: usize| self.chars.get(at).and_then(|c| if c.is_ascii() { c.to_digit(10) } else { None });
        let (mut number, mut at) = (Number::default(), from);
        while let Some(c) = self.chars.get(at) {
            match (digit(at), c) {
                (Some(value), _) => number.push(value),
                (None, ',')
                    if !number.is_fraction
                        && (1..=3).all(|ahead| digit(at + ahead).is_some())
                        && digit(at + 4).is_none()
                        && number.length > 0 => {}
                (None, '.') if !number.is_fraction && digit(at + 1).is_some() => {
                    number.is_fraction = true;
                    number.length += 1;
                }
                _ => break,
            }
            at += 1;
        }
        (number, at)
    }

    fn number(&mut self) {
        let start = self.at;
        let (number, end) = self.digits(start);
        self.at = end;
        let small = number.small();
        match self.peek(0) {
            '年' if !number.is_fraction && (1900..=2100).contains(&number.digits) => {}
            '月' => {
                self.month = small.filter(|month| (1..=12).contains(month));
                let (day, after) = self.digits(self.at + 1);
                if let (Some(month), Some(day)) = (self.month, day.small())
                    && matches!(self.chars.get(after), Some('日' | '号'))
                {
                    self.at = after + 1;
                    self.date(month, day);
                    self.span(month);
                }
            }
            '日' | '号' if small.is_some() => {}
            '时' | '点' | ':' if small.is_some_and(|hour| hour <= 24) => self.time(start, small.unwrap_or(0)),
            _ if self.english_date(start, small) => {}
            _ => self.count(number),
        }
    }

    fn date(&mut self, month: u32, day: u32) {
        if (1..=31).contains(&day) {
            self.found.put_two(b'd', month, day, 10);
        }
    }

    /// Parses the end of a date range (8月5日至20日), skipping times of day and brackets in between.
    fn span(&mut self, month: u32) {
        let mut at = self.at;
        let limit = at + 14;
        while at < limit
            && self
                .chars
                .get(at)
                .is_some_and(|c| c.is_ascii_digit() || "时分点:：上午下中晚早前后(含)（）".contains(*c))
        {
            at += 1;
        }
        if !self.chars.get(at).is_some_and(|c| "至到-—–~～、".contains(*c)) {
            return;
        }
        while self.chars.get(at).is_some_and(|c| "至到-—–~～、".contains(*c)) {
            at += 1;
        }
        let (day, after) = self.digits(at);
        if let (Some(day), Some('日' | '号')) = (day.small(), self.chars.get(after)) {
            self.date(month, day);
        }
    }

    /// Parses a time of day, with 上午, 下午 or 晚 before it if present.
    fn time(&mut self, start: usize, hour: u32) {
        let before = |back: usize| start.checked_sub(back).and_then(|at| self.chars.get(at)).copied().unwrap_or(' ');
        let is_late = matches!((before(2), before(1)), ('下', '午') | ('晚', '上') | ('傍', '晚')) || before(1) == '晚';
        let hour = if is_late && hour < 12 { hour + 12 } else { hour };
        self.at += 1;
        let minute = if self.peek(0) == '半' {
            30
        } else {
            let (number, end) = self.digits(self.at);
            match number.small() {
                Some(minute) if minute < 60 => {
                    self.at = end;
                    minute
                }
                _ => 0,
            }
        };
        self.found.put_two(b't', hour, minute, 6);
    }

    /// Adds a count as two facts: the value alone, and the value with the first character of the unit.
    fn count(&mut self, number: Number) {
        let power = match self.peek(0) {
            '百' => 2,
            '千' => 3,
            '万' => 4,
            '亿' => 8,
            _ => 0,
        };
        if power > 0 {
            self.at += 1;
        }
        while matches!(self.peek(0), '多' | '余' | '来' | '几') {
            self.at += 1;
        }
        let number = Number { exponent: number.exponent + power, ..number }.trimmed();
        let value = number.value();
        let unit = self.peek(0);
        // A year without 年, or a telephone number.
        if power == 0 && ((1900.0..=2100.0).contains(&value) && !is_unit(unit) || number.length >= 7) {
            return;
        }
        let weight = match (number.significant, value) {
            (_, ..10.0) => 3,
            (3.., _) => 30,
            (2, 100.0..) => 20,
            (2, _) => 12,
            (_, 100.0..) => 10,
            _ => 6,
        };
        let ([a, b, c, d, e, f, g, h], [i, j, k, l]) = (number.digits.to_be_bytes(), number.exponent.to_be_bytes());
        self.found.put(&[b'n', a, b, c, d, e, f, g, h, i, j, k, l], weight, false);
        if is_unit(unit) {
            let [m, n, o, p] = u32::from(unit).to_be_bytes();
            self.found.put(&[b'u', a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p], weight / 2, true);
        }
    }

    fn quoted(&mut self, open: char) {
        let close = match open {
            '“' => '”',
            '「' => '」',
            '《' => '》',
            other => other,
        };
        let inside: String = self.chars.iter().skip(self.at + 1).take(24).take_while(|c| **c != close).collect();
        let length = inside.chars().count();
        self.at += 1;
        // If it is not a name, its contents are scanned like the rest.
        if (2..=20).contains(&length) && !inside.contains(|c: char| "，。；！？\n".contains(c)) {
            self.found.put_name(&inside, 20);
        }
    }

    /// Parses an English date: 9 March, March 9.
    fn english_date(&mut self, start: usize, day: Option<u32>) -> bool {
        let Some(day) = day else { return false };
        let mut behind = self.at;
        while self.chars.get(behind).is_some_and(|c| "stndrh ".contains(*c)) && behind < self.at + 4 {
            behind += 1;
        }
        let after = self.chars.get(behind..).unwrap_or(&[]);
        let mut before = start;
        while before > 0 && self.chars.get(before - 1) == Some(&' ') {
            before -= 1;
        }
        let mut word = before;
        while word > 0 && self.is_letter(word - 1) {
            word -= 1;
        }
        let month = month(after).or_else(|| month(self.chars.get(word..before)?));
        if let Some(month) = month {
            self.date(month, day);
        }
        month.is_some()
    }

    /// Adds a run of capitalised words as a name.
    fn latin_name(&mut self) {
        let (mut at, mut words) = (self.at, 0);
        let mut name = String::new();
        loop {
            let word: String = self.chars.iter().skip(at).take_while(|c| c.is_alphanumeric() || **c == '\'').collect();
            if !word.starts_with(|c: char| c.is_ascii_uppercase()) {
                break;
            }
            words += 1;
            at += word.chars().count();
            name.push_str(&word.to_lowercase());
            if self.chars.get(at) != Some(&' ') {
                break;
            }
            at += 1;
        }
        if words >= 2 {
            self.found.put_name(&name, 15);
        }
        self.at = at.max(self.at + 1);
    }
}

/// Returns the month whose English name a text begins with.
fn month(text: &[char]) -> Option<u32> {
    Some(match text {
        ['J', 'a', 'n', ..] => 1,
        ['F', 'e', 'b', ..] => 2,
        ['M', 'a', 'r', ..] => 3,
        ['A', 'p', 'r', ..] => 4,
        ['M', 'a', 'y', ..] => 5,
        ['J', 'u', 'n', ..] => 6,
        ['J', 'u', 'l', ..] => 7,
        ['A', 'u', 'g', ..] => 8,
        ['S', 'e', 'p', ..] => 9,
        ['O', 'c', 't', ..] => 10,
        ['N', 'o', 'v', ..] => 11,
        ['D', 'e', 'c', ..] => 12,
        _ => return None,
    })
}

/// Returns whether a character can be a unit.
fn is_unit(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '%' | '℃' | '°' | '€' | '£')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(a: &str, b: &str) -> Shared {
        Facts::of("", a).shared(&Facts::of("", b))
    }

    #[test]
    fn a_retelling_states_the_same() {
        let notice = "市体育馆自3月9日8时至16日22时免费开放，日接待不超过1200人，设乒乓球台36张，开放“夜间专场”。";
        let paper =
            "早8点开门、晚10点关门！3月9日起一周，体育馆不收钱，一天最多进1,200人，36张球台随便打，还有“夜间专场”。";
        let found = shared(notice, paper);
        assert!(found.weight >= 9.0 && found.share > 0.8, "{found:?}");
        assert!(
            Facts::of("", notice).pairs().iter().filter(|pair| Facts::of("", paper).pairs().contains(pair)).count()
                >= 3
        );
    }

    #[test]
    fn numbers_are_compared_by_their_value() {
        for (a, b) in [
            ("1.2万人", "12000人"),
            ("4300余个岗位", "4300多个岗位"),
            ("１２６３万元", "1263万元"),
            ("3,126户", "3126户"),
        ] {
            assert_eq!(shared(a, b).share, shared(a, a).share, "{a} | {b}");
        }
        assert_eq!(shared("2023年", "2023年").weight, 0.0, "a year tells nothing apart");
        assert_eq!(shared("on 9 March", "on March 9").weight, 1.0);
        assert_eq!(shared("下午6时", "18时").weight, 0.6);
    }

    #[test]
    fn other_numbers_are_no_retelling() {
        let found =
            shared("改造小区62个，惠及居民8400户，投资5840万元。", "改造小区58个，惠及居民7100户，投资4930万元。");
        assert!(found.share < 0.1, "{found:?}");
    }
}
