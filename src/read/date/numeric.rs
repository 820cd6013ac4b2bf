//! Dates in numbers only, by the forms of `forms.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::order::Order;
use super::tokens::{Day, Token, century, ordinal};

#[derive(Debug, Deserialize)]
struct Forms {
    form: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    parts: Vec<String>,
    order: Option<String>,
    #[serde(default)]
    open: bool,
    #[serde(default)]
    alone: bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the tests"))]
    example: (String, String),
}

/// A form of dates.
#[derive(Debug)]
struct Form {
    parts: Vec<Part>,
    /// The order of the document's dates that it takes; `None` for any.
    order: Option<Order>,
    /// Whether no divider may stand behind.
    is_open: bool,
    /// Whether no divider may stand before or behind.
    is_alone: bool,
}

/// A part of a form: what a number means, or the characters one of which divides two numbers.
#[derive(Debug)]
enum Part {
    Year,
    /// A year of so many digits.
    YearOf(usize),
    /// A year of the calendar of the Republic of China.
    RepublicYear,
    /// With so many digits at the most; exactly so many if the second is set.
    Month(bool),
    Day(bool),
    /// A day, if there is one.
    MayBeDay,
    DayOfYear,
    YearMonth,
    YearMonthDay,
    Divider(String),
}

impl Part {
    fn parse(text: &str) -> Self {
        match text {
            "Y" => Self::Year,
            "Y4" => Self::YearOf(4),
            "Y2" => Self::YearOf(2),
            "R3" => Self::RepublicYear,
            "M" => Self::Month(false),
            "M2" => Self::Month(true),
            "D" => Self::Day(false),
            "D2" => Self::Day(true),
            "D?" => Self::MayBeDay,
            "O3" => Self::DayOfYear,
            "YM6" => Self::YearMonth,
            "YMD8" => Self::YearMonthDay,
            dividers => Self::Divider(dividers.to_owned()),
        }
    }
}

/// The table of forms.
pub(super) const TEXT: &str = include_str!("forms.toml");

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let forms: Forms = match toml::from_str(TEXT) {
        Ok(forms) => forms,
        Err(error) => unreachable!("src/read/date/forms.toml: {error}"),
    };
    let order = |name: String| match name.as_str() {
        "month" => Order::MonthFirst,
        "day" => Order::DayFirst,
        _ => Order::Unknown,
    };
    let form = |row: Row| Form {
        parts: row.parts.iter().map(|part| Part::parse(part)).collect(),
        order: row.order.map(order),
        is_open: row.open || row.alone,
        is_alone: row.alone,
    };
    forms.form.into_iter().map(form).collect()
});

/// Parses a date in numbers only: the first place at which a form fits.
pub(super) fn numeric(tokens: &[Token], order: Order) -> Option<Day> {
    let forms = || FORMS.iter().filter(|form| form.order.is_none_or(|needed| needed == order));
    (0..tokens.len()).find_map(|at| forms().find_map(|form| form.at(tokens, at)))
}

impl Form {
    /// Returns the day if the form fits at token `at`.
    fn at(&self, tokens: &[Token], at: usize) -> Option<Day> {
        let is_divider = |at: usize| matches!(tokens.get(at), Some(Token::Mark('-' | '/' | '.')));
        let is_mark = |at: usize| matches!(tokens.get(at), Some(Token::Mark(_)));
        if self.is_open && is_mark(at + self.parts.len()) || self.is_alone && at.checked_sub(1).is_some_and(is_divider)
        {
            return None;
        }
        let (mut year, mut month, mut day) = (None, None, None);
        for (part, token) in self.parts.iter().zip(at..).map(|(part, at)| (part, tokens.get(at))) {
            let (value, digits) = match (part, token) {
                (Part::Divider(dividers), Some(Token::Mark(mark))) if dividers.contains(*mark) => continue,
                (Part::MayBeDay, token) => {
                    let found = matches!(token, Some(Token::Number(..))).then_some(token).flatten();
                    day = found.and_then(Token::value).filter(|day| (1..=31).contains(day));
                    continue;
                }
                (Part::Divider(_), _) => return None,
                (_, Some(Token::Number(value, digits))) => (*value, *digits),
                _ => return None,
            };
            match part {
                // 113年 counts from the founding of the Republic of China.
                Part::Year if digits == 3 && value < 200 => year = Some(value + 1911),
                Part::Year => year = Some(century(value, digits)),
                Part::YearOf(length) if digits == *length => year = Some(century(value, digits)),
                Part::RepublicYear if digits == 3 && (80..200).contains(&value) => year = Some(value + 1911),
                Part::Month(exactly) if digits == 2 || digits == 1 && !exactly => month = Some(value),
                Part::Day(exactly) if digits == 2 || digits == 1 && !exactly => day = Some(value),
                Part::DayOfYear if digits == 3 && (1..=366).contains(&value) => return ordinal(year?, value),
                Part::YearMonth if digits == 6 => (year, month) = (Some(value / 100), Some(value % 100)),
                Part::YearMonthDay if digits == 8 => {
                    (year, month, day) = (Some(value / 10_000), Some(value / 100 % 100), Some(value % 100));
                }
                _ => return None,
            }
        }
        let month = month.filter(|month| (1..=12).contains(month))?;
        day.is_none_or(|day| (1..=31).contains(&day)).then_some(Day { year, month, day })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Moment, Precision, Zone};
    use crate::read::date::{Clock, parse};

    #[test]
    fn every_form_reads_its_example() {
        let forms: Forms = toml::from_str(TEXT).unwrap();
        let now = Moment::from_rfc3339("2026-11-24T10:00:00+08:00").unwrap();
        for row in forms.form {
            let order = match row.order.as_deref() {
                Some("month") => Order::MonthFirst,
                Some("day") => Order::DayFirst,
                _ => Order::Unknown,
            };
            let clock = Clock { now, zone: &Zone::shanghai(), chinese: true, order };
            let stamp = parse(&row.example.0, clock).unwrap();
            let month = if stamp.precision == Precision::Month { " month" } else { "" };
            assert_eq!(format!("{stamp}{month}"), row.example.1, "{}", row.example.0);
        }
    }
}
