//! Month names in the languages of the sources, and dates in other calendars and scripts.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::numeric::TEXT;
use super::tokens::Token;
use crate::read::lexicon::{LANGUAGES, Language};

/// The English short names, to which other forms are translated.
const ENGLISH: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Every whole word that names a month.
static MONTHS: LazyLock<HashMap<&str, i64>> = LazyLock::new(|| {
    let names = |language: &'static Language| {
        language.months.iter().zip(1..).flat_map(|(names, at)| names.iter().map(move |name| (name.as_str(), at)))
    };
    LANGUAGES.iter().filter(|language| !language.joined).flat_map(names).collect()
});

/// Month names that may occur anywhere in a text, longest first, each with the English name.
static JOINED: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let names = |language: &'static Language| {
        language
            .months
            .iter()
            .zip(ENGLISH)
            .flat_map(|(names, english)| names.iter().map(move |name| (name.as_str(), english)))
    };
    let mut all: Vec<_> = LANGUAGES.iter().filter(|language| language.joined).flat_map(names).collect();
    all.sort_by_key(|(name, _)| Reverse(name.len()));
    all
});

/// An era, from which years are counted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Era {
    name: String,
    /// The year before its first.
    before: u32,
}

static ERAS: LazyLock<Vec<Era>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Table {
        era: Vec<Era>,
    }
    match toml::from_str::<Table>(TEXT) {
        Ok(table) => table.era,
        Err(error) => unreachable!("src/read/date/forms.toml: {error}"),
    }
});

/// The first characters of the names of eras.
static ERA_BEGINS: LazyLock<String> = LazyLock::new(|| ERAS.iter().filter_map(|era| era.name.chars().next()).collect());

/// Roman numbers, as far as they stand for months.
static ROMAN: LazyLock<Vec<String>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Roman {
        months: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Table {
        roman: Roman,
    }
    match toml::from_str::<Table>(TEXT) {
        Ok(table) => table.roman.months,
        Err(error) => unreachable!("src/read/date/forms.toml: {error}"),
    }
});

/// Replaces a Roman number between a day and a year by the month: 5 XI 2026, 5.XI.2026.
pub(super) fn unroman(mut tokens: Vec<Token>) -> Vec<Token> {
    let is_number = |at: Option<usize>, digits: &[usize]| {
        let token = at.and_then(|at| tokens.get(at));
        matches!(token, Some(Token::Number(_, length)) if digits.contains(length))
    };
    let is_mark = |at: Option<usize>| matches!(at.and_then(|at| tokens.get(at)), Some(Token::Mark('.' | '/' | '-')));
    let found = tokens.iter().enumerate().find_map(|(at, token)| {
        let Token::Word(word) = token else { return None };
        let english = ROMAN.iter().zip(ENGLISH).find(|(roman, _)| *roman == word).map(|(_, english)| english)?;
        let day = at.checked_sub(if is_mark(at.checked_sub(1)) { 2 } else { 1 });
        let year = at + if is_mark(Some(at + 1)) { 2 } else { 1 };
        (is_number(day, &[1, 2]) && is_number(Some(year), &[4])).then_some((at, english))
    });
    if let Some((at, english)) = found
        && let Some(token) = tokens.get_mut(at)
    {
        *token = Token::Word(english.to_owned());
    }
    tokens
}

/// The fewest letters of a truncated or misspelt name.
const MIN_LETTERS: usize = 4;

/// Returns the month named by a whole word in lower case.
pub(in crate::read) fn named(word: &str) -> Option<i64> {
    MONTHS.get(word).copied()
}

/// Returns the month like [`named`], but also accepts truncated names and names with a doubled letter, as feeds write
/// them: `septemb`, `marcch`.
pub(in crate::read) fn meant(word: &str) -> Option<i64> {
    let is_slip = |name: &str| {
        let (short, long) = if word.len() < name.len() { (word, name) } else { (name, word) };
        let is_cut = name.len() > word.len() && long.starts_with(short);
        let has_it_twice = word.len() > name.len()
            && word.char_indices().any(|(at, c)| {
                let rest = word.get(at + c.len_utf8()..).unwrap_or("");
                rest.starts_with(c) && word.get(..at).is_some_and(|head| name.strip_prefix(head) == Some(rest))
            });
        is_cut || has_it_twice
    };
    named(word).or_else(|| {
        if word.chars().count() < MIN_LETTERS || word.len() > 24 {
            return None;
        }
        let mut months = MONTHS.iter().filter(|(name, _)| name.chars().count() >= MIN_LETTERS && is_slip(name));
        let month = *months.next()?.1;
        // An ambiguous word names no month.
        months.all(|(_, other)| *other == month).then_some(month)
    })
}

/// Returns whether the text may hold digits, months or years for [`translate`].
pub(in crate::read) fn is_foreign(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{0600}'..='\u{0fff}') || ERA_BEGINS.contains(c)) || text.contains("tháng")
}

/// Translates to the forms that the parser knows: digits of other scripts, months without word boundaries, years of
/// Japanese eras (令和6年) and of the Republic of China (民國113年), and the Vietnamese words for day, month and year.
pub(in crate::read) fn translate(text: &str) -> String {
    let mut out: String = text.chars().map(|c| digit(c).unwrap_or(c)).collect();
    for (name, english) in JOINED.iter() {
        if out.contains(name) {
            out = out.replace(name, &format!(" {english} "));
        }
    }
    if out.contains("tháng") {
        out = out.replace("ngày", " ").replace("tháng", ".").replace("năm", ".");
    }
    for era in ERAS.iter() {
        out = era_years(&out, &era.name, era.before);
    }
    out
}

fn digit(c: char) -> Option<char> {
    let zero = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50]
        .into_iter()
        .find(|zero| (*zero..*zero + 10).contains(&u32::from(c)))?;
    char::from_digit(u32::from(c) - zero, 10)
}

fn era_years(text: &str, era: &str, before: u32) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(era);
    out.push_str(parts.next().unwrap_or(""));
    for part in parts {
        let rest = part.trim_start();
        let digits: String =
            rest.chars().take_while(|c| c.is_ascii_digit() || ('０'..='９').contains(c) || *c == '元').collect();
        let plain: String = digits.chars().map(|c| if c == '元' { '1' } else { ascii(c) }).collect();
        match plain.parse::<u32>() {
            Ok(year) if year < 200 => {
                out.push_str(&(before + year).to_string());
                out.push_str(rest.strip_prefix(&*digits).unwrap_or(rest));
            }
            _ => {
                out.push_str(era);
                out.push_str(part);
            }
        }
    }
    out
}

fn ascii(c: char) -> char {
    match c {
        '０'..='９' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_languages() {
        for (word, month) in [
            ("maart", 3),
            ("września", 9),
            ("července", 7),
            ("června", 6),
            ("ağustos", 8),
            ("marzo", 3),
            ("березня", 3),
        ] {
            assert_eq!(named(word), Some(month), "{word}");
        }
        assert_eq!(named("market"), None);
        assert_eq!((meant("marcch"), meant("septemb"), meant("janaury")), (Some(3), Some(9), None));
        for word in ["des", "dessau", "desde", "marché", "mayor", "junior", "sie", "augen"] {
            assert_eq!(meant(word), None, "{word}");
        }
        assert_eq!(translate("令和６年3月9日"), "2024年3月9日");
    }
}
