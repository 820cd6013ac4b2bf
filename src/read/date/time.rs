//! Times of day, and the zones named behind them.

use std::sync::LazyLock;

use serde::Deserialize;

use super::clock::Clock;
use super::tokens::Token;

/// A time of day, and the tokens that it spans.
pub(super) struct Time {
    pub(super) parts: (i8, i8, Option<i8>),
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Words by which a number is known as a time of day whose hours and minutes a dot divides.
#[derive(Debug, Deserialize)]
struct DottedTime {
    before: Vec<String>,
    behind: Vec<String>,
}

fn is_hour(tokens: &[Token], at: usize) -> bool {
    #[derive(Deserialize)]
    struct Table {
        dotted_time: DottedTime,
    }
    static WORDS: LazyLock<DottedTime> = LazyLock::new(|| match toml::from_str::<Table>(super::numeric::TEXT) {
        Ok(table) => table.dotted_time,
        Err(error) => unreachable!("src/read/date/forms.toml: {error}"),
    });
    let is_word = |at: Option<usize>, words: &[String]| matches!(at.and_then(|at| tokens.get(at)), Some(Token::Word(word)) if words.contains(word));
    let is_dot = matches!(at.checked_sub(1).and_then(|at| tokens.get(at)), Some(Token::Mark('.' | ':')));
    is_word(at.checked_sub(if is_dot { 2 } else { 1 }), &WORDS.before) || is_word(Some(at + 3), &WORDS.behind)
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
    let before = |a: char, b: char| found.from >= 2 && mark(found.from - 2, &[a]) && mark(found.from - 1, &[b]);
    let word = |text: &str| tokens.iter().any(|token| matches!(token, Token::Word(word) if word == text));
    let (mut hour, minute, second) = found.parts;
    let afternoon = before('下', '午') || before('晚', '上') || before('오', '후') || word("pm");
    if afternoon && hour < 12 {
        hour += 12;
    }
    if (word("am") || before('上', '午') || before('오', '전')) && hour == 12 {
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

/// Returns the offset of a named zone, in seconds: those of RFC 5322, section 4.3, and others that feeds use.
fn zone_named(word: &str, clock: Clock<'_>) -> Option<i32> {
    let half_hours = match word {
        "ist" => 11,
        "npt" => return Some(20_700),
        _ => 2 * zone_hours(word, clock)?,
    };
    Some(half_hours * 1800)
}

fn zone_hours(word: &str, clock: Clock<'_>) -> Option<i32> {
    Some(match word {
        "z" | "ut" | "utc" | "gmt" | "wet" => 0,
        "est" => -5,
        "edt" => -4,
        "cst" if clock.chinese && clock.zone.offset(clock.now) == 8 * 3600 => 8,
        "cst" => -6,
        "cdt" => -5,
        "mst" => -7,
        "mdt" => -6,
        "pst" => -8,
        "pdt" => -7,
        "akst" => -9,
        "akdt" => -8,
        "hst" => -10,
        "ast" => -4,
        "adt" => -3,
        "bst" | "cet" | "west" | "met" => 1,
        "cest" | "mest" | "eet" | "sast" => 2,
        "msk" | "eest" => 3,
        "hkt" | "awst" | "sgt" => 8,
        "jst" | "kst" => 9,
        "aest" => 10,
        "aedt" => 11,
        "nzst" => 12,
        "nzdt" => 13,
        "wib" | "ict" => 7,
        "wita" | "pht" => 8,
        "wit" => 9,
        "pkt" => 5,
        "gst" => 4,
        "trt" => 3,
        "brt" => -3,
        _ => return None,
    })
}
