//! The languages, read from their files.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::page_words::PageWords;

/// The language files, each with its language code (BCP 47).
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// A language. All words are in lower case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct Language {
    /// The language's own name.
    #[cfg_attr(not(test), expect(dead_code, reason = "for who reads the file"))]
    name: String,
    /// Whether words may occur anywhere in a text. Otherwise they must be whole words.
    pub(in crate::read) joined: bool,
    /// The names of the twelve months.
    pub(in crate::read) months: Vec<Vec<String>>,
    /// The names of the seven days of the week, from Monday on.
    pub(in crate::read) weekdays: Vec<Vec<String>>,
    /// Example dates in this language and their meaning.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the tests"))]
    examples: Vec<(String, String)>,
    pub(in crate::read) relative: Relative,
    pub(super) page: PageWords,
}

/// How a language expresses relative times.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct Relative {
    /// Words before a number and its unit.
    pub(in crate::read) before: Vec<String>,
    /// Words after a number and its unit.
    pub(in crate::read) after: Vec<String>,
    second: Vec<String>,
    minute: Vec<String>,
    hour: Vec<String>,
    day: Vec<String>,
    week: Vec<String>,
    month: Vec<String>,
    year: Vec<String>,
    /// Words for "just now".
    pub(in crate::read) now: Vec<String>,
    today: Vec<String>,
    yesterday: Vec<String>,
    day_before_yesterday: Vec<String>,
    /// Words between a day and a time of day.
    pub(in crate::read) at: Vec<String>,
    /// Number words.
    pub(in crate::read) numbers: HashMap<String, i64>,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Relative {
    /// Returns the units with their words.
    pub(in crate::read) fn units(&self) -> [(Unit, &[String]); 7] {
        [
            (Unit::Second, &self.second),
            (Unit::Minute, &self.minute),
            (Unit::Hour, &self.hour),
            (Unit::Day, &self.day),
            (Unit::Week, &self.week),
            (Unit::Month, &self.month),
            (Unit::Year, &self.year),
        ]
    }

    /// Returns the words for days, with how many days ago each is.
    pub(in crate::read) fn days(&self) -> [(i64, &[String]); 3] {
        [(0, &self.today), (1, &self.yesterday), (2, &self.day_before_yesterday)]
    }
}

/// All languages, ordered by code.
pub(in crate::read) static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|(code, text)| match toml::from_str(text) {
            Ok(language) => language,
            Err(error) => unreachable!("src/read/lexicon/{code}.toml: {error}"),
        })
        .collect()
});

/// Returns the words of all languages in a list of their pages, as they are written, each with the code of its language.
#[cfg(test)]
pub(in crate::read) fn entries(key: &str) -> Vec<(&'static str, String)> {
    let words = |text: &str| {
        let file: toml::Table = toml::from_str(text).unwrap();
        let list = file.get("page").and_then(|page| page.get(key)).and_then(toml::Value::as_array).cloned();
        list.unwrap_or_default().into_iter().filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    FILES.iter().flat_map(|(code, text)| words(text).into_iter().map(|word| (*code, word))).collect()
}

/// Returns the names of the lists that a language has of its pages.
#[cfg(test)]
pub(in crate::read) fn keys() -> Vec<String> {
    let file: toml::Table = toml::from_str(FILES.iter().map(|(_, text)| *text).next().unwrap()).unwrap();
    file.get("page").and_then(toml::Value::as_table).unwrap().keys().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Moment, Precision, Zone};
    use crate::read::date::{self, Clock, Order};

    #[test]
    fn every_language_has_examples_that_are_read_right() {
        let zone = Zone::shanghai();
        let now = Moment::from_rfc3339("2026-11-24T10:00:00+08:00").unwrap();
        let mut wrong = Vec::new();
        for ((code, _), language) in FILES.iter().zip(LANGUAGES.iter()) {
            assert!(language.examples.len() >= 3 && !language.name.is_empty(), "{code}");
            for (text, expected) in &language.examples {
                let clock = Clock { now, zone: &zone, chinese: false, order: Order::Unknown };
                let found = date::parse(text, clock).map_or_else(
                    || "none".to_owned(),
                    |stamp| format!("{stamp}{}", if stamp.precision == Precision::Month { " month" } else { "" }),
                );
                if found != *expected {
                    wrong.push(format!("{code}: {text}: {found} instead of {expected}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn no_word_means_two_things() {
        let mut months: HashMap<&str, (usize, &str)> = HashMap::new();
        for ((code, _), language) in FILES.iter().zip(LANGUAGES.iter()) {
            assert_eq!(language.months.len(), 12, "{code}");
            for (names, month) in language.months.iter().zip(1..) {
                for name in names {
                    assert_eq!(*name, name.to_lowercase(), "{code}");
                    let (known, other) = *months.entry(name).or_insert((month, code));
                    assert_eq!(known, month, "{name} of {code} and {other}");
                }
            }
            assert_eq!(language.weekdays.len(), 7, "{code}");
            for name in language.weekdays.iter().flatten() {
                assert_eq!(*name, name.to_lowercase(), "{code}");
            }
            let mut labels: Vec<&String> = language.page.labels().into_iter().flat_map(|(_, words)| words).collect();
            let all = labels.len();
            labels.sort();
            labels.dedup();
            assert_eq!(labels.len(), all, "{code} has a label twice");
            let relative = &language.relative;
            let units = relative.units().into_iter().flat_map(|(_, words)| words);
            let days = relative.days().into_iter().flat_map(|(_, words)| words);
            let mut roles: Vec<&String> =
                units.chain(days).chain(&relative.now).chain(language.weekdays.iter().flatten()).collect();
            roles.sort();
            let all = roles.len();
            roles.dedup();
            assert_eq!(roles.len(), all, "{code} has a word twice");
        }
    }
}
