//! Months of the calendar in UTC, as archives are divided.

use std::fmt;
use std::ops::RangeInclusive;

use super::Moment;

/// A month in UTC, counted from January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u32);

impl Month {
    /// Parses `YYYY-MM`; `None` for anything else, and for months before 1970.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |text: &str, length: usize| {
            (text.len() == length && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse::<u32>().ok())?
        };
        let (year, month) = (digits(year, 4)?, digits(month, 2)?);
        (1..=12).contains(&month).then_some(())?;
        Some(Self(year.checked_sub(1970)? * 12 + month - 1))
    }

    /// Returns the month of a moment; the first one for moments before 1970.
    pub fn of(at: Moment) -> Self {
        Self::parse(at.day().get(..7).unwrap_or("")).unwrap_or(Self(0))
    }

    /// Returns the month of a day, counted from 1970-01-01.
    pub fn of_day(day: u32) -> Self {
        Self::of(Moment::from_seconds(i64::from(day) * 86_400))
    }

    /// Returns the days of the month, counted from 1970-01-01.
    pub fn days(self) -> RangeInclusive<u32> {
        let first = |month: Self| {
            let at = Moment::from_rfc3339(&format!("{month}-01T00:00:00Z")).unwrap_or_default();
            u32::try_from(at.seconds() / 86_400).unwrap_or(0)
        };
        first(self)..=first(self.next()).saturating_sub(1)
    }

    /// Returns the month after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the month before this one; `None` before 1970.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12 + 1970, self.0 % 12 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other_over_the_year() {
        let month = Month::parse("2024-12").unwrap();
        assert_eq!((month.next().to_string(), month.to_string()), ("2025-01".to_owned(), "2024-12".to_owned()));
        assert_eq!(month.next().previous(), Some(month));
        assert_eq!(
            *Month::parse("2024-02").unwrap().days().end() - *Month::parse("2024-02").unwrap().days().start(),
            28
        );
        assert_eq!(Month::of_day(*month.days().end()), month);
        assert_eq!(Month::of_day(*month.days().end() + 1), month.next());
    }

    #[test]
    fn what_is_no_month() {
        for text in ["2024-13", "2024-00", "2024-1", "24-01", "1969-12", "2024-01-01", "+024-01", "2024", ""] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }
}
