//! The pieces of a written date, and the day that they name.

use crate::model::{Stamp, Zone};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A number, and how many digits it has.
    Number(i64, usize),
    /// A word in a script other than Han and Hangul, in lower case.
    Word(String),
    /// Any other character except a space.
    Mark(char),
}

pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_ascii_digit() {
            let mut digits = String::from(c);
            while let Some(next) = chars.next_if(char::is_ascii_digit) {
                digits.push(next);
            }
            tokens.push(Token::Number(digits.parse().unwrap_or(i64::MAX), digits.len()));
        } else if c.is_alphabetic() && !is_han(c) && !is_hangul(c) {
            let mut word = String::from(c);
            while let Some(next) = chars.next_if(|c| c.is_alphabetic() && !is_han(*c)) {
                word.push(next);
            }
            tokens.push(Token::Word(word));
        } else if c != ' ' {
            tokens.push(Token::Mark(c));
        }
    }
    tokens
}

/// Year, month and day of a date; `None` if the date does not give them.
pub(super) struct Day {
    pub(super) year: Option<i64>,
    pub(super) month: i64,
    pub(super) day: Option<i64>,
}

/// Completes a short year: 00 to 68 are in this century (RFC 5322, section 4.3, and POSIX).
pub(super) const fn century(year: i64, digits: usize) -> i64 {
    match (digits, year) {
        (..=2, 0..=68) => year + 2000,
        (..=2, _) => year + 1900,
        (3, _) => year + 1900,
        // The Buddhist calendar, used in Thailand.
        (4, 2450..=2650) => year - 543,
        _ => year,
    }
}

pub(super) fn ordinal(year: i64, day: i64) -> Option<Day> {
    let first = Stamp::at_offset((i16::try_from(year).ok()?, 1, 1), None, 0)?;
    let (_, month, day, ..) = first.at.plus_seconds((day - 1) * 86_400).wall(&Zone::utc());
    Some(Day { year: Some(year), month: month.into(), day: Some(day.into()) })
}

impl Token {
    /// Returns the value of a number.
    pub(super) const fn value(&self) -> Option<i64> {
        match self {
            Self::Number(value, _) => Some(*value),
            _ => None,
        }
    }
}

pub(in crate::read) fn is_han(c: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&c)
}

pub(in crate::read) fn is_hangul(c: char) -> bool {
    ('\u{ac00}'..='\u{d7a3}').contains(&c)
}
