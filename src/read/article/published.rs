//! When an article was published.

use std::borrow::Cow;

use serde_json::Value;

use super::body::Line;
use super::reader::Reader;
use crate::model::Moment;
use crate::model::Precision;
use crate::model::Stamp;
use crate::read::date;
use crate::read::markup::text::squeeze;
use crate::read::markup::tree::Id;
use crate::read::tables::tables;

/// A date, and where it was found.
pub(super) type Found = (Stamp, &'static str);

/// The lines of a page that may hold its date.
pub(super) struct Dated<'l> {
    pub(super) title: &'l str,
    pub(super) body: Id,
    /// Between title and body.
    pub(super) below: &'l [Line],
    /// Above the title.
    pub(super) above: &'l [Line],
    /// Within the body.
    pub(super) inside: &'l [Line],
    /// Behind the body.
    pub(super) tail: &'l [Line],
}

impl Reader<'_> {
    pub(super) fn published(&mut self, lines: &Dated<'_>) -> Option<Stamp> {
        if let Some(id) = self.pinned("article.date", self.rules.date.as_ref()) {
            let line = self.tree.attribute(id, "datetime").map_or_else(|| self.tree.line(id), Cow::into_owned);
            let stamp =
                date::parse(&line, self.clock).or_else(|| date::find(&line, self.clock).map(|(stamp, _)| stamp));
            if let Some(stamp) = stamp {
                self.found.push(("published", "config".into()));
                return Some(stamp);
            }
        }
        let names = &tables().meta;
        let official = self.meta_date(&names.published);
        let linked = self.linked_date(&["datePublished", "pubDate"]);
        let weak = || self.meta_date(&names.dated);
        let in_address = || date::in_address(self.url.path(), self.clock).map(|stamp| (stamp, "address"));
        let below = without_title(lines.below, lines.title);
        let shown = self.shown_date(&below, lines.above, lines.inside).or_else(|| {
            let above = self.shown_date(lines.above, &[], &[])?;
            // An unlabelled date above the title may belong to anything; the address is more reliable.
            if above.1 == "labelled text" { Some(above) } else { in_address().or(Some(above)) }
        });
        let said = official.or(linked).or_else(|| self.marked_date(lines)).or_else(weak);
        let said = said.or_else(|| self.scripted_date());
        let behind =
            || self.date_behind(lines).or_else(|| self.classed_date(lines)).or_else(|| self.date_among_buttons(lines));
        let (stamp, by) = match (said, shown) {
            (Some(said), Some(shown)) => self.settle(said, shown),
            (said, shown) => said
                .or(shown)
                .or_else(behind)
                .or_else(in_address)
                .or_else(|| self.signed_date(lines))
                .or_else(|| self.pictured_date())
                .or_else(|| self.labelled_month(lines))?,
        };
        // A whole day in the address is that of the first publication; metadata may give that of the last change.
        let is_shown = shown.is_some_and(|(shown, _)| shown.day() == stamp.day());
        let first = in_address()
            .filter(|(first, _)| !self.is_chinese && !is_shown && said.is_some() && stamp.at.since(first.at) > LATE);
        let (stamp, by) = first.unwrap_or((stamp, by));
        self.found.push(("published", by.into()));
        Some(stamp)
    }

    /// Returns the day in the address of the page's picture, in whose folder sites put what they upload on a day.
    fn pictured_date(&self) -> Option<Found> {
        let picture = self.meta(&["og:image", "twitter:image"])?;
        let stamp = date::in_address(&picture, self.clock)?;
        let day = stamp.day().to_string().replace('-', "/");
        picture.contains(&format!("/{day}/")).then_some((stamp, "address of the picture"))
    }

    /// Returns when the article was last changed, if the page says so for machines.
    pub(super) fn updated(&self, published: Option<Stamp>) -> Option<Stamp> {
        let said = self.meta_date(&tables().meta.modified).or_else(|| self.linked_date(&["dateModified"]));
        said.map(|(stamp, _)| stamp).filter(|stamp| published.is_some_and(|published| stamp.at > published.at))
    }

    fn meta_date(&self, names: &[String]) -> Option<Found> {
        let written = names.iter().filter_map(|name| self.meta.get(name.as_str()));
        written.filter_map(|written| date::parse(written, self.clock)).map(|stamp| (stamp, "meta")).next()
    }

    fn linked_date(&self, names: &[&str]) -> Option<Found> {
        let data = self.linked_data.as_ref()?;
        let written = names.iter().filter_map(|name| data.get(name)).find_map(|value| match value {
            Value::Array(many) => many.first().and_then(Value::as_str),
            one => one.as_str(),
        })?;
        date::parse(written, self.clock).map(|stamp| (stamp, "JSON-LD"))
    }

    /// Returns the date in a script of the page, as on articles of WeChat public accounts.
    fn scripted_date(&self) -> Option<Found> {
        self.tree
            .elements(0)
            .filter(|id| self.tree.is(*id, &["script"]))
            .find_map(|id| {
                let raw = self.tree.raw(id);
                tables().scripts.published.iter().find_map(|name| {
                    let (_, rest) = raw.split_once(name.as_str())?;
                    let value = rest.trim_start_matches(|c: char| c.is_whitespace() || "=:\"'".contains(c));
                    let value = value.split(['"', '\'', ';', ',', '\n']).next()?;
                    date::parse(value, self.clock).filter(|stamp| stamp.precision != Precision::Month)
                })
            })
            .map(|stamp| (stamp, "script"))
    }

    /// Chooses between the declared and the shown date: the declared one, unless it is less precise or, on a Chinese page,
    /// the shown time in the wrong zone. A declared UTC time gets the offset in which the page shows it.
    fn settle(&self, said: Found, shown: Found) -> Found {
        let rank = |stamp: &Stamp| match stamp.precision {
            Precision::Month => 0,
            Precision::Day => 1,
            Precision::Minute => 2,
            Precision::Second => 3,
        };
        let apart = said.0.at.since(shown.0.at).abs();
        let minutes = apart / 60_000;
        let by_zone = minutes > 0 && minutes % 30 == 0 && minutes <= 14 * 60 && said.0.offset != shown.0.offset;
        let same_day = said.0.day() == shown.0.day();
        // Chinese sites write their own time as UTC.
        let is_mislabelled = by_zone && self.is_chinese && rank(&shown.0) >= 2;
        if is_mislabelled
            || rank(&said.0) <= 1 && rank(&shown.0) > rank(&said.0) && same_day
            || rank(&shown.0) == 3 && rank(&said.0) == 2 && apart < 60_000
        {
            return shown;
        }
        if said.0.offset == 0 && rank(&said.0) >= 2 && !same_day && !self.is_chinese {
            return (local(said.0, shown.0).unwrap_or(said.0), said.1);
        }
        said
    }
}

/// From how far behind the day in the address on a declared date is that of a change, in milliseconds.
const LATE: i64 = 3 * 86_400_000;
/// The largest offset from UTC, in seconds.
const MAX_OFFSET: i64 = 14 * 3600;

/// Returns a UTC time at the smallest whole offset that puts it on the day that the page shows.
fn local(utc: Stamp, shown: Stamp) -> Option<Stamp> {
    let day = |at: Moment, offset: i32| (at.seconds() + i64::from(offset)).div_euclid(86_400);
    let (here, there) = (day(utc.at, 0), day(shown.at, shown.offset));
    let into_day = utc.at.seconds().rem_euclid(86_400);
    let seconds = match there - here {
        1 => (86_400 - into_day + 3599) / 3600 * 3600,
        -1 => -(into_day / 3600 + 1) * 3600,
        _ => return None,
    };
    let offset = i32::try_from(seconds).ok().filter(|_| seconds.abs() <= MAX_OFFSET)?;
    Some(Stamp { offset, ..utc })
}

/// Returns the lines without those that only repeat the title, whose dates are those of events.
fn without_title(lines: &[Line], title: &str) -> Vec<Line> {
    let bare = squeeze(title);
    lines
        .iter()
        .filter(|line| bare.is_empty() || !bare.contains(&squeeze(&line.text)) || line.text.len() < 12)
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_day_of_a_utc_time() {
        let utc = |text| Stamp::from_rfc3339(text, "second").unwrap();
        let day = |text| Stamp::from_rfc3339(text, "day").unwrap();
        let local = |a, b| local(utc(a), day(b)).map(|stamp| stamp.to_string());
        let evening = local("2022-02-25T02:25:00+00:00", "2022-02-24T00:00:00+08:00");
        assert_eq!(evening.as_deref(), Some("2022-02-24T23:25:00-03:00"));
        let morning = local("2022-02-24T22:10:00+00:00", "2022-02-25T00:00:00+08:00");
        assert_eq!(morning.as_deref(), Some("2022-02-25T00:10:00+02:00"));
        assert_eq!(local("2022-02-24T22:10:00+00:00", "2022-02-27T00:00:00+08:00"), None);
    }
}
