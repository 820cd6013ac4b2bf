//! Finds dates in longer texts and in web addresses.

use std::ops::Range;

use super::clock::Clock;
use super::parse::{AHEAD, BEHIND, parse};
use super::time::half_day_words;
use super::tokens::{is_han, is_hangul};
use crate::model::{Precision, Stamp};
use crate::read::date::month;
use crate::read::markup::text;
use crate::read::markup::tokens::cut;
use crate::read::work;

/// Finds the first date in a longer text, and its byte range. A date without a year counts only if the text holds
/// nothing else.
pub(in crate::read) fn find(text: &str, clock: Clock<'_>) -> Option<(Stamp, Range<usize>)> {
    work::charge(1 + text.len() / 2);
    let text = text::head(text, 2048);
    if month::is_foreign(text) {
        let translated = month::translate(text);
        // Translation moves the byte positions, so the whole text counts as the range.
        if translated != text {
            return find_plain(&translated, clock).map(|(stamp, _)| (stamp, 0..text.len()));
        }
    }
    find_plain(text, clock)
}

fn find_plain(text: &str, clock: Clock<'_>) -> Option<(Stamp, Range<usize>)> {
    let mut at = 0;
    while at < text.len() {
        let rest = cut(text, at, text.len());
        let c = rest.chars().next()?;
        let word_before = cut(text, 0, at).chars().next_back().is_some_and(char::is_alphanumeric);
        // The number of a letter or a document: XZ20261101.
        let is_code = c.is_ascii_digit()
            && cut(text, 0, at).chars().next_back().is_some_and(|before| before.is_ascii_alphabetic())
            && run_length(rest, |c| c.is_ascii_digit()) >= 8;
        let length = if is_code {
            0
        } else if is_digit(c) {
            boxed_length(rest).unwrap_or_else(|| run_length(rest, is_date_char))
        } else if c.is_alphabetic() && !is_han(c) && !word_before {
            let word = run_length(rest, |c| c.is_alphabetic() && !is_han(c));
            if is_month_word(cut(rest, 0, word)) { run_length(rest, |c| is_date_char(c) || is_latin(c)) } else { 0 }
        } else {
            0
        };
        if length == 0 {
            at += if is_code { run_length(rest, |c| c.is_ascii_digit()) } else { c.len_utf8() };
            continue;
        }
        // 9 March 2023: the day comes first.
        let follows = cut(rest, length, rest.len()).chars().next().is_some_and(is_latin);
        let length = if follows && is_digit(c) { run_length(rest, |c| is_date_char(c) || is_latin(c)) } else { length };
        let candidate = cut(rest, 0, length).trim_end_matches(|c: char| !c.is_alphanumeric());
        let is_all = text.trim_matches(|c: char| !c.is_alphanumeric()).len() <= candidate.len() + 2;
        if (has_year(candidate) || is_all)
            && let Some((stamp, length)) = longest(candidate, clock)
        {
            let (stamp, length) = with_time(rest, stamp, length, clock)
                .or_else(|| with_half_day(rest, stamp, length, clock))
                .unwrap_or((stamp, length));
            return Some((stamp, at..at + length));
        }
        at += if is_digit(c) { run_length(rest, is_date_char).max(1) } else { length };
    }
    None
}

/// 9 | 03 | 2026: returns the length of a date whose parts bars divide.
fn boxed_length(text: &str) -> Option<usize> {
    let head = text::head(text, 24);
    let length = run_length(head, |c| c.is_ascii_digit() || c == '|' || c == ' ');
    let boxed = cut(head, 0, length).trim_end_matches([' ', '|']);
    let mut parts = boxed.split('|').map(str::trim);
    let digits: Vec<usize> = parts.by_ref().take(4).map(str::len).collect();
    let is_plain = !boxed.split('|').any(|part| part.trim().contains(' '));
    (is_plain && matches!(digits.as_slice(), [1 | 2, 1 | 2, 4] | [4, 1 | 2, 1 | 2])).then_some(boxed.len())
}

/// 17 May 2023 | 10:45 WIB: returns a day with the time that stands behind a bar, and the length of both.
fn with_time(text: &str, day: Stamp, length: usize, clock: Clock<'_>) -> Option<(Stamp, usize)> {
    let rest = cut(text, length, text.len());
    let time = rest.trim_start().strip_prefix(['|', '｜', '·', '•', '/', '–', '—'])?.trim_start();
    let from = text.len() - time.len();
    let head = text::head(time, 24);
    let run = head.find(|c: char| !c.is_alphanumeric() && !": +".contains(c)).unwrap_or(head.len());
    let time = cut(head, 0, run);
    let digits = time.find(|c: char| !c.is_ascii_digit()).filter(|digits| (1..=2).contains(digits))?;
    if day.precision != Precision::Day || !cut(time, digits, time.len()).starts_with(':') {
        return None;
    }
    let words: Vec<usize> = time.char_indices().filter(|(_, c)| *c == ' ').map(|(at, _)| at).chain([run]).collect();
    words.into_iter().rev().take(4).find_map(|end| {
        let stamp = parse(&format!("{} {}", cut(text, 0, length), cut(time, 0, end)), clock)?;
        (stamp.precision >= Precision::Minute).then_some((stamp, from + end))
    })
}

/// 2024年6月3日 午前5時00分: returns a day with the time behind the word for its half, and the length of both.
fn with_half_day(text: &str, day: Stamp, length: usize, clock: Clock<'_>) -> Option<(Stamp, usize)> {
    let time = cut(text, length, text.len()).trim_start();
    let word = half_day_words().find(|word| !word.is_ascii() && time.starts_with(word))?;
    if day.precision != Precision::Day {
        return None;
    }
    let from = text.len() - time.len();
    let behind = cut(time, word.len(), time.len());
    let head = text::head(behind, 24);
    let run = head.find(|c: char| !(is_digit(c) || "時时点點分秒:：시분".contains(c))).unwrap_or(head.len());
    let time = cut(time, 0, word.len() + run);
    let stamp = parse(&format!("{} {time}", cut(text, 0, length)), clock)?;
    (stamp.precision >= Precision::Minute).then_some((stamp, from + time.len()))
}

/// Returns the date of a candidate, and the length of the shortest beginning that still gives it.
fn longest(candidate: &str, clock: Clock<'_>) -> Option<(Stamp, usize)> {
    let mut found: Option<(Stamp, usize)> = None;
    for piece in pieces(candidate) {
        match (parse(piece, clock), &found) {
            (Some(stamp), None) => found = Some((stamp, piece.len())),
            // The year belongs to the date, also where it would be guessed.
            (Some(stamp), Some((known, _))) if stamp == *known && (has_year(piece) || !has_year(candidate)) => {
                found = Some((stamp, piece.trim_end().len()))
            }
            (None, None) => {}
            _ => break,
        }
    }
    found
}

/// Yields the candidate, then the candidate with words removed from its end one by one.
fn pieces(candidate: &str) -> impl Iterator<Item = &str> {
    let words: Vec<usize> = candidate
        .char_indices()
        .filter(|(_, c)| c.is_whitespace())
        .map(|(at, _)| at)
        .chain([candidate.len()])
        .collect();
    words.into_iter().rev().take(8).filter_map(|end| candidate.get(..end)).filter(|piece| {
        let mut words = piece.split(|c: char| !c.is_alphabetic());
        let tuesday = words.clone().next().is_some_and(|word| word.eq_ignore_ascii_case("mar"));
        // One month may have two names: 24 نيسان / أبريل 2020.
        let mut months: Vec<i64> = words.by_ref().filter_map(|word| month::named(&word.to_lowercase())).collect();
        months.dedup();
        let months = months.len();
        months <= 1 + usize::from(tuesday) && (piece.bytes().any(|b| b.is_ascii_digit()) || !piece.is_ascii())
    })
}

fn run_length(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('０'..='９').contains(&c) || "〇零○一二三四五六七八九十".contains(c)
}

fn is_latin(c: char) -> bool {
    c.is_alphabetic() && !is_han(c) && !is_hangul(c)
}

fn is_date_char(c: char) -> bool {
    is_digit(c)
        || c.is_whitespace()
        || "年月日号时時点點分秒上下午星期周:：∶︰•.,，-–—/TtZ()（）".contains(c)
        || is_hangul(c)
}

/// Returns whether a year is written out, or all three parts of a date are there.
fn has_year(text: &str) -> bool {
    let groups: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
    let four = groups.iter().any(|group| group.len() == 4 && (group.starts_with("19") || group.starts_with("20")));
    let long = groups
        .iter()
        .any(|group| matches!(group.len(), 6 | 8 | 14) && (group.starts_with("19") || group.starts_with("20")));
    let three = || {
        let mut marks = text.split(|c: char| c.is_ascii_digit()).filter(|mark| !mark.is_empty());
        groups.len() >= 3
            && groups.iter().take(3).all(|group| group.len() <= 2)
            && matches!((marks.next(), marks.next()), (Some(a), Some(b)) if a == b && matches!(a, "-" | "/" | "."))
    };
    let chinese = || text.contains('年') && text.contains('月');
    four && groups.len() > 1 || long || chinese() || three()
}

fn is_month_word(word: &str) -> bool {
    month::named(&word.to_lowercase()).is_some()
}

/// Finds the date in a web address: `/2023-03/09/`, `t20230309_1`, `/art/2016/11/22/`, `/20/0816/22/`. Day precision.
///
/// In the address of an archive's copy, only the copied address counts.
pub(in crate::read) fn in_address(path: &str, clock: Clock<'_>) -> Option<Stamp> {
    let path = ["http:/", "https:/"]
        .iter()
        .filter_map(|mark| path.rsplit_once(mark))
        .map(|(_, rest)| rest)
        .next()
        .unwrap_or(path);
    let is_break = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_digit());
    let digits = |text: &str, count: usize| {
        let part = text.get(..count)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i64>().ok()).flatten()
    };
    let day = |year: i64, month: i64, day: i64| {
        let date = (i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        Stamp::in_zone(date, None, clock.zone)
            .filter(|stamp| (-BEHIND..=AHEAD).contains(&(stamp.at.seconds() - clock.now.seconds())) && year >= 1990)
    };
    path.char_indices().find_map(|(at, c)| {
        if !c.is_ascii_digit() || !is_break(path.get(..at)?.chars().next_back()) {
            return None;
        }
        let rest = path.get(at..)?;
        let run = run_length(rest, |c| c.is_ascii_digit());
        let after = rest.get(run..)?;
        match run {
            8.. if run == 8 || matches!(run, 12 | 14 | 17) => {
                day(digits(rest, 4)?, digits(rest.get(4..)?, 2)?, digits(rest.get(6..)?, 2)?)
            }
            4 | 6 => {
                let year = digits(rest, 4)?;
                let after = if run == 4 { after.get(1..)? } else { rest.get(4..)? };
                let divided = |text: &'_ str| -> Option<(i64, usize)> {
                    let run = run_length(text, |c| c.is_ascii_digit());
                    (1..=2).contains(&run).then(|| Some((digits(text, run)?, run))).flatten()
                };
                if run == 4 {
                    // 2023/0309 or 2023/03/09
                    if run_length(after, |c| c.is_ascii_digit()) == 4 {
                        return day(year, digits(after, 2)?, digits(after.get(2..)?, 2)?);
                    }
                    let (month, length) = divided(after)?;
                    let (date, _) = divided(after.get(length + 1..)?)?;
                    return day(year, month, date);
                }
                // 202303/09; the date of 202303/t20230309_1 is found in its later part
                let month = digits(after, 2)?;
                let (date, _) = divided(after.get(3..)?)?;
                day(year, month, date)
            }
            // 20/0816/22/, as on some portals
            2 => {
                let rest = after.strip_prefix('/')?;
                (run_length(rest, |c| c.is_ascii_digit()) == 4 && rest.get(4..)?.starts_with('/'))
                    .then(|| day(2000 + digits(path.get(at..)?, 2)?, digits(rest, 2)?, digits(rest.get(2..)?, 2)?))
                    .flatten()
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Moment, Zone};
    use crate::read::date::Order;

    #[test]
    fn a_date_beside_the_characters_of_an_era_is_found_alone() {
        let clock = Clock {
            now: Moment::from_seconds(1_678_328_822),
            zone: &Zone::shanghai(),
            chinese: true,
            order: Order::Unknown,
        };
        let found = |text: &'static str| find(text, clock).and_then(|(_, at)| text.get(at));
        assert_eq!(found("平定县人民政府 2019-09-26 10:56:28 人民网"), Some("2019-09-26 10:56:28"));
        assert_eq!(found("民国文献 2019-09-26"), Some("2019-09-26"));
        assert_eq!(found("令和5年3月9日"), Some("令和5年3月9日"));
        assert_eq!(found("Gmina Lipowo 9 | 03 | 2022 | Aktualności"), Some("9 | 03 | 2022"));
        assert_eq!(found("Opublikowano: 5 XI 2022, Urząd Gminy"), Some("5 XI 2022,"));
        assert_eq!(found("1 | 2 | 3 | 4"), None);
        assert_eq!(found("Jueves, 26 de noviembre de 2020 | 07:45"), Some("26 de noviembre de 2020 | 07:45"));
        assert_eq!(found("Jueves, 2 de febrero de 2023 | 07:45"), Some("2 de febrero de 2023 | 07:45"), "this year");
        assert_eq!(found("来信XZ20261101 2021-11-24"), Some("2021-11-24"));
    }
}
