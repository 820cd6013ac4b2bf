//! Times of day, and the zones named behind them.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::clock::Clock;
use super::tokens::Token;
use crate::model::Zone;

/// A time of day, and the tokens that it spans.
pub(super) struct Time {
    pub(super) parts: (i8, i8, Option<i8>),
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Words of times of day, in `forms.toml`.
#[derive(Debug, Deserialize)]
struct TimeWords {
    dotted_time: DottedTime,
    half_days: HalfDays,
    /// In minutes east of UTC.
    zones: HashMap<String, i32>,
    /// Names of the time-zone database.
    seasonal_zones: HashMap<String, String>,
}

/// Words by which a number is known as a time of day whose hours and minutes a dot divides.
#[derive(Debug, Deserialize)]
struct DottedTime {
    before: Vec<String>,
    behind: Vec<String>,
}

/// What halves of the day are called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HalfDays {
    morning: Vec<String>,
    afternoon: Vec<String>,
    dotted: Vec<(String, String)>,
}

static WORDS: LazyLock<TimeWords> = LazyLock::new(|| match toml::from_str(super::numeric::TEXT) {
    Ok(table) => table,
    Err(error) => unreachable!("src/read/date/forms.toml: {error}"),
});

/// Returns the words for the halves of the day.
pub(super) fn half_day_words() -> impl Iterator<Item = &'static str> {
    WORDS.half_days.morning.iter().chain(&WORDS.half_days.afternoon).map(String::as_str)
}

/// Replaces 5:09 p.m. by 5:09 pm.
pub(super) fn undot(text: &mut String) {
    for (dotted, plain) in &WORDS.half_days.dotted {
        if text.contains(dotted.as_str()) {
            *text = text.replace(dotted.as_str(), plain);
        }
    }
}

fn is_hour(tokens: &[Token], at: usize) -> bool {
    let words = &WORDS.dotted_time;
    let is_word = |at: Option<usize>, words: &[String]| matches!(at.and_then(|at| tokens.get(at)), Some(Token::Word(word)) if words.contains(word));
    let is_dot = matches!(at.checked_sub(1).and_then(|at| tokens.get(at)), Some(Token::Mark('.' | ':')));
    is_word(at.checked_sub(if is_dot { 2 } else { 1 }), &words.before) || is_word(Some(at + 3), &words.behind)
}

/// Returns whether one of the words belongs to the time at token `at`: in letters anywhere, in characters right before.
fn is_told(tokens: &[Token], at: usize, words: &[String]) -> bool {
    let is_before = |word: &str| {
        word.chars().rev().zip(1..).all(|(c, back)| {
            let token = at.checked_sub(back).and_then(|before| tokens.get(before));
            matches!(token, Some(Token::Mark(mark)) if *mark == c)
        })
    };
    words.iter().any(|known| match known.is_ascii() {
        true => tokens.iter().any(|token| matches!(token, Token::Word(word) if word == known)),
        false => is_before(known),
    })
}

/// Finds a time: 8:05, 8:05:09.0, 8时5分, 8点, with am and pm, 上午 and 下午.
pub(super) fn time(tokens: &[Token]) -> Option<Time> {
    let number = |at: usize| match tokens.get(at) {
        Some(Token::Number(value, digits)) if *digits <= 2 => i8::try_from(*value).ok(),
        _ => None,
    };
    let mark = |at: usize, marks: &[char]| matches!(tokens.get(at), Some(Token::Mark(c)) if marks.contains(c));
    let found = (0..tokens.len()).find_map(|at| {
        let hour = number(at).filter(|hour| *hour <= 24)?;
        // 10h27, in French and Portuguese
        let is_h = matches!(tokens.get(at + 1), Some(Token::Word(word)) if word == "h");
        // kl. 8.30, om 11.30 uur, 9.40 Uhr
        let is_dotted =
            || mark(at + 1, &['.']) && matches!(tokens.get(at + 2), Some(Token::Number(_, 2))) && is_hour(tokens, at);
        if mark(at + 1, &[':']) || is_h || is_dotted() {
            let minute = number(at + 2).filter(|minute| *minute < 60)?;
            let second = if mark(at + 3, &[':', '.']) { number(at + 4).filter(|second| *second < 61) } else { None };
            let mut to = at + if second.is_some() { 5 } else { 3 };
            if second.is_some() && mark(to, &['.', ',']) && matches!(tokens.get(to + 1), Some(Token::Number(..))) {
                to += 2;
            }
            return Some(Time { parts: (hour, minute, second), from: at, to });
        }
        if mark(at + 1, &['时', '時', '点', '點', '시']) {
            let minute = number(at + 2).filter(|_| !mark(at + 3, &['月', '日', '年']));
            let has_second = minute.is_some() && mark(at + 3, &['分', '분']) && mark(at + 5, &['秒', '초']);
            let second = if has_second { number(at + 4) } else { None };
            let to = at
                + if has_second {
                    6
                } else if minute.is_some() {
                    4
                } else {
                    2
                };
            return Some(Time { parts: (hour, minute.unwrap_or(0), second), from: at, to: to.min(tokens.len()) });
        }
        None
    })?;
    let (mut hour, minute, second) = found.parts;
    if is_told(tokens, found.from, &WORDS.half_days.afternoon) && hour < 12 {
        hour += 12;
    }
    if is_told(tokens, found.from, &WORDS.half_days.morning) && hour == 12 {
        hour = 0;
    }
    Some(Time { parts: (hour, minute, second), ..found })
}

/// Returns the offset named after a time, in seconds east of UTC.
pub(super) fn zone(tokens: &[Token], clock: Clock<'_>) -> Option<i32> {
    let named = tokens.iter().find_map(|token| match token {
        Token::Word(word) => zone_named(word, clock),
        _ => None,
    });
    let sign = tokens.iter().take(2).position(|token| matches!(token, Token::Mark('+' | '-')));
    let Some(sign) = sign else { return named };
    let negative = matches!(tokens.get(sign), Some(Token::Mark('-')));
    let minutes = match (tokens.get(sign + 1), tokens.get(sign + 2), tokens.get(sign + 3)) {
        (Some(Token::Number(hours, 1 | 2)), Some(Token::Mark(':')), Some(Token::Number(minutes, 2))) => {
            hours * 60 + minutes
        }
        // After 23:59, `-05-2023` is a date, not an offset.
        (Some(Token::Number(_, 1 | 2)), Some(Token::Mark('-' | '/' | '.')), _) => return named,
        (Some(Token::Number(hours, 1 | 2)), _, _) => hours * 60,
        (Some(Token::Number(both, 3 | 4)), _, _) => both / 100 * 60 + both % 100,
        _ => return named,
    };
    // No offset exceeds 14 hours.
    let seconds = i32::try_from(minutes * 60).ok().filter(|seconds| *seconds <= 14 * 3600)?;
    Some(if negative { -seconds } else { seconds })
}

/// Returns the zone named right behind a time whose offset depends on the day: 6:15 p.m. CT.
/// `to` is where the time ends.
pub(super) fn seasonal_zone(tokens: &[Token], to: usize) -> Option<Zone> {
    let is_half_day =
        |token: &Token| matches!(token, Token::Word(word) if matches!(word.as_str(), "am" | "pm" | "a" | "p"));
    let has_half_day = tokens.iter().any(is_half_day);
    let tokens = tokens.get(to..)?;
    let is_passed = |token: &Token| match token {
        Token::Word(word) => matches!(word.as_str(), "am" | "pm"),
        Token::Mark(mark) => *mark == '.',
        Token::Number(..) => false,
    };
    let mut rest = tokens.iter().skip_while(|token| is_passed(token));
    let Some(Token::Word(named)) = rest.next() else { return None };
    // 14:00 et mis à jour: such a name is a word in other languages, too.
    if !has_half_day && rest.any(|token| matches!(token, Token::Word(_))) {
        return None;
    }
    WORDS.seasonal_zones.get(named).and_then(|name| Zone::named(name).ok())
}

/// Returns the offset of a named zone, in seconds.
fn zone_named(word: &str, clock: Clock<'_>) -> Option<i32> {
    let china = clock.zone.offset(clock.now);
    if word == "cst" && clock.chinese && china == 8 * 3600 {
        return Some(china);
    }
    WORDS.zones.get(word).map(|minutes| minutes * 60)
}
