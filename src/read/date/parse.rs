//! Parses dates as sources write them: RFC 3339 and RFC 5322 including broken forms, Chinese, numeric and relative
//! dates.

use std::borrow::Cow;

use super::clock::Clock;
use super::month;
use super::numeric::numeric;
use super::order::Order;
use super::relative::{self, Told};
use super::time::{seasonal_zone, time, undot, zone};
use super::tokens::{Day, Token, century, tokens};
use crate::model::{Moment, Precision, Stamp};
use crate::read::lexicon::Unit;

/// How far ahead a date may lie, in seconds. One more than a day ahead is a mistake, or meant to keep an item on top.
pub(in crate::read) const AHEAD: i64 = 24 * 3600;
/// How far back a date may lie, in seconds. One more than a hundred years ago is a bug of the site's software.
pub(in crate::read) const BEHIND: i64 = 36_525 * 24 * 3600;

/// Parses a text that should be a single date. `None` if it is not one, lies more than 24 hours ahead or more than 100
/// years back.
pub(in crate::read) fn parse(text: &str, clock: Clock<'_>) -> Option<Stamp> {
    let text = fold(crate::read::markup::text::head(text.trim(), 256));
    let stamp = relative(&text, clock)
        .or_else(|| epoch(&text, clock))
        .or_else(|| absolute(&month::unroman(tokens(&text)), clock))?;
    let ahead = stamp.at.seconds() - clock.now.seconds();
    (-BEHIND..=AHEAD).contains(&ahead).then_some(stamp)
}

/// Normalises full-width forms, unusual spaces and Chinese numbers to the forms that the parser knows.
fn fold(text: &str) -> String {
    let text = &if month::is_foreign(text) { Cow::Owned(month::translate(text)) } else { Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        out.push(match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c).to_ascii_lowercase(),
            '•' | '∶' | '︰' => ':',
            '–' | '—' => '-',
            c if c.is_whitespace() => ' ',
            c if c.is_ascii() => c.to_ascii_lowercase(),
            c => c.to_lowercase().next().unwrap_or(c),
        });
    }
    undot(&mut out);
    if out.is_ascii() { out } else { arabic(&out) }
}

/// Replaces Chinese numbers by digits: 二〇二三 → 2023, 十一 → 11, 二十 → 20.
fn arabic(text: &str) -> String {
    let digit = |c: char| {
        "〇一二三四五六七八九".chars().position(|d| d == c).or((c == '零').then_some(0)).or((c == '○').then_some(0))
    };
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    let flush = |run: &mut String, out: &mut String| {
        // 周一 and 星期一 are names, not numbers.
        if out.ends_with(['周', '週', '期', '拜']) && run.chars().count() == 1 {
            out.push_str(run);
        } else if let Some((tens, ones)) = run.split_once('十') {
            let value = |part: &str, empty| part.chars().next().map_or(empty, |c| digit(c).unwrap_or(0));
            out.push_str(&(value(tens, 1) * 10 + value(ones, 0)).to_string());
        } else {
            out.extend(run.chars().filter_map(digit).filter_map(|d| char::from_digit(u32::try_from(d).ok()?, 10)));
        }
        run.clear();
    };
    for c in text.chars() {
        if digit(c).is_some() || c == '十' {
            run.push(c);
        } else {
            flush(&mut run, &mut out);
            out.push(c);
        }
    }
    flush(&mut run, &mut out);
    out
}

/// Returns whether a text is a relative time, such as 3分钟前.
pub(in crate::read) fn is_relative(text: &str) -> bool {
    relative::find(&text.to_lowercase()).is_some()
}

/// Parses 刚刚, 3分钟前, 昨天 20:00, 周二 8:00, and their counterparts in other languages.
fn relative(text: &str, clock: Clock<'_>) -> Option<Stamp> {
    let (days, has_time) = match relative::find(text)? {
        Told::Ago(0, _) => (0, false),
        Told::Ago(number, unit) => {
            let (seconds, precision) = match unit {
                Unit::Second => (1, Precision::Second),
                Unit::Minute => (60, Precision::Minute),
                Unit::Hour => (3600, Precision::Minute),
                Unit::Day => (86_400, Precision::Day),
                Unit::Week => (7 * 86_400, Precision::Day),
                Unit::Month => (30 * 86_400, Precision::Month),
                Unit::Year => (365 * 86_400, Precision::Month),
            };
            let at = clock.now.plus_seconds(-number.checked_mul(seconds)?);
            return match precision {
                Precision::Day => on_day(at, None, clock),
                Precision::Month => on_day(at, None, clock).map(|stamp| stamp.with_precision(Precision::Month)),
                _ => Some(Stamp { at, precision, offset: clock.zone.offset(at) }),
            };
        }
        Told::Day(days) => (days, true),
        Told::Weekday(day) => {
            let (year, month, date, ..) = clock.now.wall(clock.zone);
            ((weekday(year, month, date)? + 7 - day) % 7, true)
        }
    };
    if !has_time {
        let at = clock.now;
        return Some(Stamp { at, precision: Precision::Minute, offset: clock.zone.offset(at) });
    }
    if text.chars().filter(char::is_ascii_digit).count() > 6 {
        return None;
    }
    on_day(clock.now.plus_seconds(-86_400 * days), time(&tokens(text)).map(|time| time.parts), clock)
}

/// Returns the day of the week; Monday is 0.
fn weekday(year: i16, month: i8, day: i8) -> Option<i64> {
    let stamp = Stamp::at_offset((year, month, day), None, 0)?;
    Some((stamp.at.seconds().div_euclid(86_400) + 3).rem_euclid(7))
}

fn on_day(at: Moment, time: Option<(i8, i8, Option<i8>)>, clock: Clock<'_>) -> Option<Stamp> {
    let (year, month, day, ..) = at.wall(clock.zone);
    Stamp::in_zone((year, month, day), time, clock.zone)
}

/// Parses seconds or milliseconds since 1970.
fn epoch(text: &str, clock: Clock<'_>) -> Option<Stamp> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    let at = match text.len() {
        9 | 10 => Moment::from_seconds(number),
        12 if number / 100_000_000 > 2100 => Moment::from_millis(number),
        13 => Moment::from_millis(number),
        _ => return None,
    };
    Some(Stamp { at, precision: Precision::Second, offset: clock.zone.offset(at) })
}

fn absolute(tokens: &[Token], clock: Clock<'_>) -> Option<Stamp> {
    if let [Token::Number(number, digits)] = tokens {
        return run_of_digits(*number, *digits, clock);
    }
    let time = time(tokens);
    let (from, to) = time.as_ref().map_or((tokens.len(), tokens.len()), |time| (time.from, time.to));
    let zone = time.as_ref().and_then(|_| zone(tokens.get(to..)?, clock));
    let seasonal = time.as_ref().and_then(|_| seasonal_zone(tokens, to));
    let before = tokens.get(..from).unwrap_or(tokens);
    let after = tokens.get(to..).unwrap_or(&[]);
    let order = order_of_marks(tokens, clock);
    // A whole date in numbers is one, whatever word beside it may also name a month: 2022-03-14 May Miller.
    let whole = numeric(before, order).filter(|day| day.year.is_some() && day.day.is_some());
    let day = whole
        .or_else(|| named(before, after))
        .or_else(|| if has_month(tokens) { None } else { numeric(before, order).or_else(|| numeric(after, order)) })?;
    let parts = |year: i64| {
        Some((i16::try_from(year).ok()?, i8::try_from(day.month).ok()?, i8::try_from(day.day.unwrap_or(1)).ok()?))
    };
    let time = time.map(|time| time.parts);
    let stamp = |year: i64| match zone {
        Some(offset) => Stamp::at_offset(parts(year)?, time, offset),
        None => Stamp::in_zone(parts(year)?, time, seasonal.as_ref().unwrap_or(clock.zone)),
    };
    let stamp = match day.year {
        Some(year) => stamp(year)?,
        // Without a year: the latest year in which the date is not too far ahead; 29 February may need an older one.
        None => {
            let this = i64::from(clock.now.wall(clock.zone).0);
            (0..=8).filter_map(|back| stamp(this - back)).find(|stamp| stamp.at.since(clock.now) <= AHEAD * 1000)?
        }
    };
    Some(if day.day.is_none() { stamp.with_precision(Precision::Month) } else { stamp })
}

/// Returns the order of numeric dates; outside China, Japan and Korea, 02.12.19 begins with the day.
fn order_of_marks(tokens: &[Token], clock: Clock<'_>) -> Order {
    let has_dot = tokens.iter().any(|token| matches!(token, Token::Mark('.')));
    if clock.order == Order::Unknown && !clock.chinese && has_dot { Order::DayFirst } else { clock.order }
}

fn has_month(tokens: &[Token]) -> bool {
    tokens.iter().any(|token| matches!(token, Token::Word(word) if month::named(word).is_some()))
}

/// Parses a run of digits: 20230309, 20230309102702, 202303091027, 202303, 230309, 2023.
fn run_of_digits(number: i64, digits: usize, clock: Clock<'_>) -> Option<Stamp> {
    let part = |divisor: i64, modulus: i64| i8::try_from(number / divisor % modulus).ok();
    let year = |divisor: i64| i16::try_from(number / divisor).ok().filter(|year| (1000..=9999).contains(year));
    let zone = clock.zone;
    match digits {
        14 => Stamp::in_zone(
            (year(10_000_000_000)?, part(100_000_000, 100)?, part(1_000_000, 100)?),
            Some((part(10_000, 100)?, part(100, 100)?, Some(part(1, 100)?))),
            zone,
        ),
        12 => Stamp::in_zone(
            (year(100_000_000)?, part(1_000_000, 100)?, part(10_000, 100)?),
            Some((part(100, 100)?, part(1, 100)?, None)),
            zone,
        ),
        8 => Stamp::in_zone((year(10_000)?, part(100, 100)?, part(1, 100)?), None, zone),
        6 if part(1, 100)? <= 12 && (19..=20).contains(&(number / 10_000)) => {
            Stamp::in_zone((year(100)?, part(1, 100)?, 1), None, zone).map(|s| s.with_precision(Precision::Month))
        }
        6 => Stamp::in_zone(
            (i16::try_from(century(number / 10_000, 2)).ok()?, part(100, 100)?, part(1, 100)?),
            None,
            zone,
        ),
        4 => Stamp::in_zone((year(1)?, 1, 1), None, zone).map(|s| s.with_precision(Precision::Month)),
        _ => None,
    }
}

/// Parses a date with a named month.
fn named(before: &[Token], after: &[Token]) -> Option<Day> {
    let all = || before.iter().chain(after.iter());
    let months: Vec<i64> = all()
        .filter_map(|token| match token {
            Token::Word(word) => month::meant(word),
            _ => None,
        })
        .collect();
    // In French, the first word of "Mar 12 Nov 2013" means Tuesday.
    let is_tuesday = matches!(before.first(), Some(Token::Word(word)) if word == "mar") && months.len() > 1;
    let month = *months.get(usize::from(is_tuesday))?;
    if is_span(before) || is_span(after) {
        return None;
    }
    // The number after a sign behind the time is an offset, not a year.
    let offset = after.iter().position(|token| matches!(token, Token::Mark('+' | '-')));
    let numbers = before.iter().chain(
        after.iter().enumerate().filter(|(at, _)| offset.is_none_or(|sign| *at != sign + 1)).map(|(_, token)| token),
    );
    let (mut day, mut year) = (None, None);
    for token in numbers {
        if let Token::Number(value, digits) = token {
            if *digits >= 3 || *value > 31 {
                year = year.or(Some(century(*value, *digits)));
            } else if day.is_none() {
                day = Some(*value);
            } else {
                year = year.or(Some(century(*value, *digits)));
            }
        }
    }
    Some(Day { year, month, day })
}

/// Returns whether two short numbers stand before the month, as in 10-12 May 2014 and 3 al 5 de septiembre.
fn is_span(tokens: &[Token]) -> bool {
    let at = tokens.iter().position(|token| matches!(token, Token::Word(word) if month::meant(word).is_some()));
    let before = tokens.get(..at.unwrap_or(0)).unwrap_or(&[]);
    let is_short = |token: &&Token| matches!(token, Token::Number(value, 1 | 2) if *value <= 31);
    before.iter().filter(is_short).count() > 1
}

#[cfg(test)]
mod tests;
