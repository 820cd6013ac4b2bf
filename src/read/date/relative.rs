//! Times told by how long ago they are, in the words of `lexicon/`: of one language at a time, whole words, the longest
//! first.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::read::lexicon::{LANGUAGES, Language, Unit};

/// What a text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) enum Told {
    /// So many units ago; none of them is just now.
    Ago(i64, Unit),
    /// A day, counted back from today.
    Day(i64),
    /// The last day of the week with this number; Monday is 0.
    Weekday(i64),
}

/// The longest text that tells a time so, in characters, and the longest that names a day.
const MAX_AGO: usize = 32;
const MAX_DAY: usize = 24;
/// The largest number before a unit, in digits.
const MAX_DIGITS: usize = 3;
/// The days of the week in Chinese; the last two are Sunday.
const WEEKDAYS: &str = "一二三四五六日天";

/// What a text in small letters tells; `None` where it tells no such time.
pub(in crate::read) fn find(text: &str) -> Option<Told> {
    let text = text.trim();
    if text.chars().count() > MAX_AGO {
        return None;
    }
    // Most texts hold no word that could tell one, and are told apart by this alone.
    let words = words(text);
    let has_word = words.iter().any(|word| SIGNS.words.contains(word));
    let has_mark = !text.is_ascii() && text.chars().any(|c| SIGNS.marks.contains(&c));
    LANGUAGES
        .iter()
        .filter(|language| if language.joined { has_mark } else { has_word })
        .find_map(|language| if language.joined { joined(text, language) } else { spaced(&words, language) })
        .or_else(|| weekday(text))
}

/// Without which no text tells such a time.
struct Signs {
    /// The first words of phrases, where words are spaced.
    words: HashSet<&'static str>,
    /// The first characters of words, where they are not.
    marks: HashSet<char>,
}

static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    let mut signs = Signs { words: HashSet::new(), marks: HashSet::new() };
    for language in LANGUAGES.iter() {
        let relative = &language.relative;
        let days = relative.days().into_iter().flat_map(|(_, words)| words);
        for phrase in days.chain(&relative.now).chain(&relative.before).chain(&relative.after) {
            if language.joined {
                signs.marks.extend(phrase.chars().next());
            } else {
                signs.words.extend(phrase.split(' ').next());
            }
        }
    }
    signs
});

/// Runs of letters, with the apostrophes and hyphens in them, and runs of digits.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(from) = rest.find(char::is_alphanumeric) {
        rest = rest.get(from..).unwrap_or("");
        let is_number = rest.starts_with(|c: char| c.is_ascii_digit());
        let belongs = |c: char| {
            if is_number { c.is_ascii_digit() } else { c.is_alphabetic() || matches!(c, '\'' | '’' | '-') }
        };
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len()).max(1);
        words.push(rest.get(..length).unwrap_or(""));
        rest = rest.get(length..).unwrap_or("");
    }
    words
}

/// How many of these words a phrase takes at their beginning; 0 where it does not stand there.
fn taken(words: &[&str], phrase: &str) -> usize {
    let count = phrase.split(' ').count();
    let is_it = words.len() >= count && phrase.split(' ').zip(words).all(|(wanted, word)| wanted == *word);
    if is_it { count } else { 0 }
}

/// The longest of some phrases at the beginning of these words.
fn longest(words: &[&str], phrases: &[String]) -> usize {
    phrases.iter().map(|phrase| taken(words, phrase)).max().unwrap_or(0)
}

fn spaced(words: &[&str], language: &Language) -> Option<Told> {
    let relative = &language.relative;
    let whole = |phrases: &[String]| !words.is_empty() && longest(words, phrases) == words.len();
    if whole(&relative.now) {
        return Some(Told::Ago(0, Unit::Second));
    }
    for (days, phrases) in relative.days() {
        let length = longest(words, phrases);
        let is_time = |word: &&str| {
            word.bytes().all(|b| b.is_ascii_digit())
                || matches!(*word, "h" | "am" | "pm" | "uhr")
                || relative.at.iter().any(|at| at == word)
        };
        if length > 0 && words.get(length..)?.iter().all(is_time) {
            return Some(Told::Day(days));
        }
    }
    let number = |word: &str| {
        let is_number = word.len() <= MAX_DIGITS && word.bytes().all(|b| b.is_ascii_digit());
        if is_number { word.parse().ok() } else { relative.numbers.get(word).copied() }
    };
    let unit = |word: &str| {
        relative.units().into_iter().find(|(_, words)| words.iter().any(|known| known == word)).map(|(unit, _)| unit)
    };
    // The first number with its unit; a unit alone is one.
    let told = |words: &[&str]| {
        let numbered = words.windows(2).find_map(|pair| match pair {
            [first, second] => Some((number(first)?, unit(second)?)),
            _ => None,
        });
        // Romanian says "20 de minute".
        let apart = || match words {
            [first, _, last] => Some((number(first)?, unit(last)?)),
            [only] => Some((1, unit(only)?)),
            _ => None,
        };
        numbered.or_else(apart).map(|(number, unit)| Told::Ago(number, unit))
    };
    let behind = relative.after.iter().filter_map(|phrase| {
        let from = words.len().checked_sub(phrase.split(' ').count())?;
        (from > 0 && taken(words.get(from..)?, phrase) > 0).then_some(from)
    });
    let before = relative.before.iter().filter_map(|phrase| {
        let length = taken(words, phrase);
        (length > 0).then_some(length)
    });
    let (head, tail) = (before.max().unwrap_or(0), behind.min().unwrap_or(words.len()));
    if head == 0 && tail == words.len() { None } else { told(words.get(head..tail)?) }
}

fn joined(text: &str, language: &Language) -> Option<Told> {
    let relative = &language.relative;
    if relative.now.iter().any(|now| text.contains(now.as_str())) {
        return Some(Told::Ago(0, Unit::Second));
    }
    if text.chars().count() <= MAX_DAY {
        // The longest wins: a word for the day before yesterday may end with the one for yesterday.
        let named = relative.days().into_iter().flat_map(|(days, words)| words.iter().map(move |word| (word, days)));
        let found = named.filter(|(word, _)| text.contains(word.as_str())).max_by_key(|(word, _)| word.len());
        if let Some((_, days)) = found {
            return Some(Told::Day(days));
        }
    }
    let ago = |text: &str| {
        let digits = text.find(|c: char| c.is_ascii_digit()).map(|from| text.get(from..).unwrap_or(""));
        let (number, rest) = match digits {
            Some(digits) => {
                let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
                (digits.get(..length).filter(|digits| digits.len() <= MAX_DIGITS)?.parse().ok()?, digits.get(length..)?)
            }
            None => {
                relative.numbers.iter().find_map(|(word, number)| Some((*number, text.split_once(word.as_str())?.1)))?
            }
        };
        let rest = rest.trim();
        let units = relative.units();
        let (unit, _) = units.iter().find(|(_, words)| words.iter().any(|word| word == rest))?;
        Some(Told::Ago(number, *unit))
    };
    let behind = relative.after.iter().filter_map(|word| text.strip_suffix(word.as_str())).find_map(ago);
    behind.or_else(|| relative.before.iter().filter_map(|word| text.strip_prefix(word.as_str())).find_map(ago))
}

/// 周二 8:00, 星期二.
fn weekday(text: &str) -> Option<Told> {
    let name = text.split_once('周').or_else(|| text.split_once("星期"))?.1;
    let day = WEEKDAYS.chars().position(|c| name.starts_with(c))?.min(6);
    Some(Told::Weekday(i64::try_from(day).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_like_a_time_is_none() {
        for text in [
            "sie sind hier",
            "hier klicken",
            "3 minutes",
            "ago",
            "vor ort",
            "2 wochen",
            "前进",
            "提前3天",
            "日前",
            "vor dem rathaus",
            "1234 days ago",
            "today's news",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
