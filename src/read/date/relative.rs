//! Relative times in the words of `lexicon/`: one language at a time, whole words, longest match first.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::read::lexicon::{LANGUAGES, Language, Unit};

/// The meaning of a relative time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) enum Told {
    /// So many units ago; 0 means just now.
    Ago(i64, Unit),
    /// A day, counted back from today.
    Day(i64),
    /// The most recent day of the week with this number; Monday is 0.
    Weekday(i64),
}

/// The longest relative time, and the longest name of a day, in characters.
const MAX_AGO: usize = 32;
const MAX_DAY: usize = 24;
/// The most digits of a number before a unit.
const MAX_DIGITS: usize = 3;

/// Reads a lower-case text; `None` if it is not a relative time.
pub(in crate::read) fn find(text: &str) -> Option<Told> {
    let text = text.trim();
    if text.chars().count() > MAX_AGO {
        return None;
    }
    // Most texts contain none of the words; this cheap test rules them out.
    let words = words(text);
    let has_word = words.iter().any(|word| SIGNS.words.contains(word));
    let has_mark = !text.is_ascii() && text.chars().any(|c| SIGNS.marks.contains(&c));
    LANGUAGES
        .iter()
        .filter(|language| if language.joined { has_mark } else { has_word })
        .find_map(|language| if language.joined { joined(text, language) } else { spaced(text, &words, language) })
}

/// Words and characters of which a relative time contains at least one.
struct Signs {
    /// The first words of phrases, in languages with spaces.
    words: HashSet<&'static str>,
    /// The first characters of words, in languages without.
    marks: HashSet<char>,
}

static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    let mut signs = Signs { words: HashSet::new(), marks: HashSet::new() };
    for language in LANGUAGES.iter() {
        let relative = &language.relative;
        let days = relative.days().into_iter().flat_map(|(_, words)| words);
        let weekdays = language.weekdays.iter().flatten();
        for phrase in days.chain(&relative.now).chain(&relative.before).chain(&relative.after).chain(weekdays) {
            if language.joined {
                signs.marks.extend(phrase.chars().next());
            } else {
                signs.words.extend(phrase.split(' ').next());
            }
        }
    }
    signs
});

/// Splits a text into runs of letters, with apostrophes and hyphens, and runs of digits.
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

/// Returns the number of words that a phrase matches at the start; 0 if it does not match.
fn taken(words: &[&str], phrase: &str) -> usize {
    let count = phrase.split(' ').count();
    let is_it = words.len() >= count && phrase.split(' ').zip(words).all(|(wanted, word)| wanted == *word);
    if is_it { count } else { 0 }
}

/// Returns the length of the longest matching phrase at the start, in words.
fn longest(words: &[&str], phrases: &[String]) -> usize {
    phrases.iter().map(|phrase| taken(words, phrase)).max().unwrap_or(0)
}

fn spaced(text: &str, words: &[&str], language: &Language) -> Option<Told> {
    let relative = &language.relative;
    let whole = |phrases: &[String]| !words.is_empty() && longest(words, phrases) == words.len();
    if whole(&relative.now) {
        return Some(Told::Ago(0, Unit::Second));
    }
    for (days, phrases) in relative.days() {
        let length = longest(words, phrases);
        if length > 0 && words.get(length..)?.iter().all(|word| is_time(word, language)) {
            return Some(Told::Day(days));
        }
    }
    if let Some(told) = spaced_weekday(text, words, language) {
        return Some(told);
    }
    let number = |word: &str| {
        let is_number = word.len() <= MAX_DIGITS && word.bytes().all(|b| b.is_ascii_digit());
        if is_number { word.parse().ok() } else { relative.numbers.get(word).copied() }
    };
    let unit = |word: &str| {
        relative.units().into_iter().find(|(_, words)| words.iter().any(|known| known == word)).map(|(unit, _)| unit)
    };
    // The first number directly before a unit; a unit alone counts as one.
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
        // The longest match wins: "the day before yesterday" may contain the word for "yesterday".
        let named = relative.days().into_iter().flat_map(|(days, words)| words.iter().map(move |word| (word, days)));
        let found = named.filter(|(word, _)| text.contains(word.as_str())).max_by_key(|(word, _)| word.len());
        if let Some((_, days)) = found {
            return Some(Told::Day(days));
        }
        if let Some(told) = joined_weekday(text, language) {
            return Some(told);
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

/// Returns the days of the week of a language with the number of each; Monday is 0.
fn weekdays(language: &Language) -> impl Iterator<Item = (i64, &Vec<String>)> {
    (0..).zip(&language.weekdays)
}

/// Parses "Thursday, 5:09 pm" and "kell 14.30, neljapäev". The name of a day alone is no date: it may be a heading, or an
/// opening time.
fn spaced_weekday(text: &str, words: &[&str], language: &Language) -> Option<Told> {
    weekdays(language).find_map(|(day, phrases)| {
        let ahead = longest(words, phrases);
        let behind = phrases.iter().find(|phrase| {
            let from = words.len().checked_sub(phrase.split(' ').count());
            from.is_some_and(|from| words.get(from..).is_some_and(|words| taken(words, phrase) > 0))
        });
        let rest = match behind {
            _ if ahead > 0 => words.get(ahead..)?,
            Some(phrase) => words.get(..words.len() - phrase.split(' ').count())?,
            None => return None,
        };
        let is_number = |word: &&str| word.bytes().all(|b| b.is_ascii_digit());
        let has_word = rest.iter().any(|word| !is_number(word));
        // 5:09 and kell 14.30 are times; 13.11., 9-13 and 12.50 are none.
        let is_told = match rest.iter().filter(|word| is_number(word)).count() {
            1 => has_word,
            2 => {
                let gap = between_digits(text);
                gap == ":" || has_word && matches!(gap, "." | "h")
            }
            _ => false,
        };
        (is_told && rest.iter().all(|word| is_time(word, language))).then_some(Told::Weekday(day))
    })
}

/// Returns what stands between the first run of digits and the last.
fn between_digits(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_ascii_digit()).trim_matches(|c: char| c.is_ascii_digit()).trim()
}

/// Parses 星期二 and 周二 8:00. With other numbers it is a date that has a day of the week.
fn joined_weekday(text: &str, language: &Language) -> Option<Told> {
    let named = weekdays(language).flat_map(|(day, names)| names.iter().map(move |name| (day, name)));
    // The longest one wins: in Persian Saturday is a part of other names.
    let (day, name) = named.filter(|(_, name)| text.contains(name.as_str())).max_by_key(|(_, name)| name.len())?;
    let (head, tail) = text.split_once(name.as_str())?;
    // A part of another word.
    if head.ends_with(char::is_alphabetic) || tail.starts_with(char::is_alphabetic) {
        return None;
    }
    let rest = format!("{head} {tail}");
    let gap = between_digits(&rest);
    let has_digit = rest.contains(|c: char| c.is_ascii_digit());
    let is_alone = head.is_empty() && tail.is_empty();
    let is_hour = has_digit && gap.is_empty() && rest.contains(['点', '时', '時', '點']);
    (is_alone || is_hour || matches!(gap, ":" | "：" | "点" | "时" | "時" | "點")).then_some(Told::Weekday(day))
}

/// Returns whether a word may stand in a time of day.
fn is_time(word: &str, language: &Language) -> bool {
    word.bytes().all(|b| b.is_ascii_digit())
        || matches!(word, "h" | "am" | "pm" | "uhr")
        || language.relative.at.iter().any(|at| at == word)
}

/// Returns whether a text is nothing but the name of a day of the week: 星期四, Thursday.
pub(in crate::read) fn is_weekday(text: &str) -> bool {
    if text.chars().count() > MAX_DAY {
        return false;
    }
    let text = text.to_lowercase();
    LANGUAGES.iter().any(|language| language.weekdays.iter().flatten().any(|name| *name == text))
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
