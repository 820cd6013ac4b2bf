//! Points in time, dates with their precision, and time zones.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(i64);

impl Moment {
    /// Returns the moment `millis` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the moment `seconds` seconds after 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Returns the whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns this moment plus `millis` milliseconds, which may be negative.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Returns this moment plus `seconds` seconds, which may be negative.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }

    /// Returns the milliseconds from `earlier` to this moment; negative if `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the time from `earlier` to this moment; zero if `earlier` is later.
    pub fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.since(earlier)).unwrap_or(0))
    }

    /// Formats as RFC 3339 in UTC with milliseconds: `2023-03-09T02:27:02.000Z`.
    pub fn rfc3339(self) -> String {
        let at = self.civil(Offset::UTC);
        format!("{}T{}Z", day_text(at.date()), clock_text(at.time(), Some(self.0.rem_euclid(1000))))
    }

    /// Parses RFC 3339 with any offset; `None` for anything else.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        text.parse::<Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }

    /// Formats as IMF-fixdate (RFC 9110, section 5.6.7): `Thu, 09 Mar 2023 02:27:02 GMT`.
    pub fn http_date(self) -> String {
        let at = self.civil(Offset::UTC);
        format!("{} GMT", rfc5322_text(at))
    }

    /// Formats as RFC 5322 in UTC, as RSS requires: `Thu, 09 Mar 2023 02:27:02 +0000`.
    pub fn rfc2822(self) -> String {
        format!("{} +0000", rfc5322_text(self.civil(Offset::UTC)))
    }

    /// Returns the calendar day in UTC: `2023-03-09`.
    pub fn day(self) -> String {
        day_text(self.civil(Offset::UTC).date())
    }

    /// Returns the wall-clock time in `zone`: year, month, day, hour, minute, second, and the offset in seconds east of
    /// UTC.
    pub fn wall(self, zone: &Zone) -> (i16, i8, i8, i8, i8, i8, i32) {
        let offset = zone.offset(self);
        let at = self.civil(Offset::from_seconds(offset).unwrap_or(Offset::UTC));
        (at.year(), at.month(), at.day(), at.hour(), at.minute(), at.second(), offset)
    }

    /// Returns date and time in `zone` to the minute, such as `2026-11-29 08:05`.
    pub fn to_the_minute(self, zone: &Zone) -> String {
        let (year, month, day, hour, minute, ..) = self.wall(zone);
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
    }

    fn timestamp(self) -> Timestamp {
        let clamped = self.0.clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
        Timestamp::from_millisecond(clamped).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn civil(self, offset: Offset) -> DateTime {
        offset.to_datetime(self.timestamp())
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    /// A moment too late to be written is the last one.
    fn add(self, length: Duration) -> Self {
        self.plus_millis(millis(length))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, length: Duration) -> Self {
        self.plus_millis(-millis(length))
    }
}

fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

fn day_text(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

fn clock_text(time: Time, millis: Option<i64>) -> String {
    let clock = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    match millis {
        Some(millis) => format!("{clock}.{millis:03}"),
        None => clock,
    }
}

fn rfc5322_text(at: DateTime) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name =
        |names: &[&'static str], at: i8| usize::try_from(at).ok().and_then(|i| names.get(i)).copied().unwrap_or("");
    format!(
        "{}, {:02} {} {:04} {}",
        name(&DAYS, at.weekday().to_monday_zero_offset()),
        at.day(),
        name(&MONTHS, at.month() - 1),
        at.year(),
        clock_text(at.time(), None)
    )
}

/// How precisely a date was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// Only a month or a year; its first day stands for it.
    Month,
    /// A day without a time of day.
    Day,
    /// To the minute.
    Minute,
    /// To the second or finer.
    Second,
}

impl Precision {
    /// Returns the word used in JSON and in the log: `second`, `minute`, `day` or `month`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Day => "day",
            Self::Minute => "minute",
            Self::Second => "second",
        }
    }

    /// Parses the word that [`Precision::word`] returns.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Month, Self::Day, Self::Minute, Self::Second].into_iter().find(|p| p.word() == word)
    }
}

/// A date as given by a source: the moment, its precision, and the offset in which it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The moment; for a date without a time of day, 00:00 at the offset.
    pub at: Moment,
    /// How precisely it was given.
    pub precision: Precision,
    /// Offset in seconds east of UTC.
    pub offset: i32,
}

impl Stamp {
    /// Makes a stamp from a wall-clock time at `offset` seconds east of UTC. Returns `None` if there is no such time.
    pub fn at_offset(date: (i16, i8, i8), time: Option<(i8, i8, Option<i8>)>, offset: i32) -> Option<Self> {
        let precision = precision_of(time);
        let local = civil(date, time)?;
        let at = Offset::from_seconds(offset).ok()?.to_timestamp(local).ok()?;
        Some(Self { at: Moment(at.as_millisecond()), precision, offset })
    }

    /// Makes a stamp from a wall-clock time in `zone`. In the gap or the fold of a clock change, the offset before the
    /// change applies. Returns `None` if there is no such time.
    pub fn in_zone(date: (i16, i8, i8), time: Option<(i8, i8, Option<i8>)>, zone: &Zone) -> Option<Self> {
        let precision = precision_of(time);
        let local = civil(date, time)?;
        let at = zone.0.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(Self { at: Moment(at.as_millisecond()), precision, offset: zone.0.to_offset(at).seconds() })
    }

    /// Returns this stamp with another precision.
    #[must_use]
    pub const fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Formats as RFC 3339 with the offset, even if only the day is known; the log stores this with the precision.
    pub fn rfc3339(self) -> String {
        let offset = Offset::from_seconds(self.offset).unwrap_or(Offset::UTC);
        let local = self.at.civil(offset);
        let minutes = offset.seconds() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
        format!("{}T{}{sign}{hours:02}:{minutes:02}", day_text(local.date()), clock_text(local.time(), None))
    }

    /// Parses what [`Stamp::rfc3339`] and [`Precision::word`] return; `None` for anything else.
    pub fn from_rfc3339(text: &str, precision: &str) -> Option<Self> {
        let at = Moment::from_rfc3339(text)?;
        let (sign, zone) = match text.rsplit_once(['+', '-'])? {
            (rest, zone) if text.as_bytes().get(rest.len()) == Some(&b'-') => (-1, zone),
            (_, zone) => (1, zone),
        };
        let offset = match zone.split_once(':') {
            Some((hours, minutes)) => hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60,
            None => 0,
        };
        Some(Self { at, precision: Precision::from_word(precision)?, offset: sign * offset })
    }

    /// Returns the calendar day at the offset: `2023-03-09`.
    pub fn day(self) -> String {
        day_text(self.at.civil(Offset::from_seconds(self.offset).unwrap_or(Offset::UTC)).date())
    }
}

impl fmt::Display for Stamp {
    /// Formats as RFC 3339 with the offset, or as `YYYY-MM-DD` if there is no time of day.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&if self.precision <= Precision::Day { self.day() } else { self.rfc3339() })
    }
}

fn precision_of(time: Option<(i8, i8, Option<i8>)>) -> Precision {
    match time {
        None => Precision::Day,
        Some((_, _, None)) => Precision::Minute,
        Some((_, _, Some(_))) => Precision::Second,
    }
}

fn civil((year, month, day): (i16, i8, i8), time: Option<(i8, i8, Option<i8>)>) -> Option<DateTime> {
    let date = Date::new(year, month, day).ok()?;
    let (hour, minute, second) = time.unwrap_or((0, 0, None));
    // ISO 8601 allows 24:00 as the end of the day, and second 60 is a leap second.
    let (hour, next) = if hour == 24 { (0, true) } else { (hour, false) };
    let second = second.unwrap_or(0).min(59);
    let date = if next { date.tomorrow().ok()? } else { date };
    Some(date.to_datetime(Time::new(hour, minute, second, 0).ok()?))
}

/// A time zone, named as in the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// Error: no time zone has this name.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a time zone; write an IANA name such as Asia/Shanghai")]
pub struct ZoneError(String);

impl Zone {
    /// Returns the zone with this IANA name, such as `Asia/Shanghai`.
    ///
    /// # Errors
    /// If the time zone database has no such name.
    pub fn named(name: &str) -> Result<Self, ZoneError> {
        TimeZone::get(name).map(Self).map_err(|_unknown| ZoneError(name.to_owned()))
    }

    /// Returns UTC.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Returns the zone of this machine (`TZ`, else /etc/localtime), UTC if it has none.
    pub fn system() -> Self {
        Self(TimeZone::system())
    }

    /// Returns Asia/Shanghai, the default zone of sources.
    pub fn shanghai() -> Self {
        Self::named("Asia/Shanghai").unwrap_or_else(|_absent| Self(TimeZone::fixed(jiff::tz::offset(8))))
    }

    /// Returns the offset at `at`, in seconds east of UTC.
    pub fn offset(&self, at: Moment) -> i32 {
        self.0.to_offset(at.timestamp()).seconds()
    }

    /// Returns the IANA name, or `UTC` if the zone has none.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_saturate() {
        let (early, late) = (Moment::from_millis(1_500), Moment::from_millis(4_000));
        assert_eq!(late.duration_since(early), Duration::from_millis(2_500));
        assert_eq!(early.duration_since(late), Duration::ZERO, "a clock that was set back");
        assert_eq!(early + Duration::from_millis(2_500), late);
        assert_eq!(late - Duration::from_millis(2_500), early);
        assert_eq!((late + Duration::MAX).millis(), i64::MAX);
    }
}
