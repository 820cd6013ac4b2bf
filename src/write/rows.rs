//! Stories as the rows of a page, under the days on which they were published.

use super::frame::Page;
use crate::model::{Item, ItemId, Moment, Precision, RegionId, Stamp};

use super::words::Words;

/// A story on a page that lists many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The story.
    pub item: Item,
    /// The regions it is about, as far as they are not the whole page's.
    pub places: Vec<Crumb>,
}

/// A named link on a page: to a region, a topic or a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    /// Name of the region, or title of the story.
    pub name: String,
    /// Path on this site, without the path of the site itself.
    pub path: String,
}

impl Crumb {
    /// Makes the link to the page of a region.
    pub fn to_region(id: &RegionId, name: &str) -> Self {
        Self { name: name.to_owned(), path: format!("/regions/{id}") }
    }

    /// Makes the link to the page of a story.
    pub fn to_item(id: ItemId, name: &str) -> Self {
        Self { name: name.to_owned(), path: format!("/items/{id}") }
    }
}

/// The stories of one day.
pub(super) struct Day<'a> {
    /// `今天`, `昨天` or nothing.
    pub(super) word: &'static str,
    pub(super) name: String,
    pub(super) machine: String,
    pub(super) rows: Vec<Row<'a>>,
}

pub(super) struct Row<'a> {
    pub(super) item: &'a Item,
    pub(super) places: &'a [Crumb],
    pub(super) title: &'a str,
    pub(super) time: Time,
    pub(super) others: String,
}

/// A time on a page.
pub(super) struct Time {
    /// For programs: RFC 3339, or a date.
    pub(super) machine: String,
    /// Day, and time if it is known.
    pub(super) full: String,
    /// Time of day; empty if only the day is known.
    pub(super) clock: String,
    /// How many hours ago, within a day; else empty.
    pub(super) ago: String,
}

impl Time {
    pub(super) fn of(page: &Page<'_>, stamp: Stamp) -> Self {
        const DAY: i64 = 24;
        let machine = stamp.to_string();
        if stamp.precision <= Precision::Day {
            return Self { machine, full: stamp.day(), clock: String::new(), ago: String::new() };
        }
        let (year, month, day, hour, minute, ..) = stamp.at.wall(page.zone);
        let clock = format!("{hour:02}:{minute:02}");
        let age = page.now.since(stamp.at).div_euclid(3_600_000) + 1;
        let ago = if age <= DAY { page.language.words().hours_ago(age) } else { String::new() };
        Self { machine, full: format!("{year:04}-{month:02}-{day:02} {clock}"), clock, ago }
    }

    pub(super) fn minute(page: &Page<'_>, at: Moment) -> Self {
        Self::of(page, Stamp { at, precision: Precision::Minute, offset: page.zone.offset(at) })
    }
}

/// Groups stories, newest first, by the day on which they were published.
pub(super) fn days<'a>(page: &Page<'_>, listings: &'a [Listing]) -> Vec<Day<'a>> {
    let words = page.language.words();
    let today = date(page, page.now);
    let yesterday = date(page, page.now.plus_seconds(-86_400));
    let mut days: Vec<((i16, i8, i8), Day<'a>)> = Vec::new();
    for listing in listings {
        let stamp = listing.item.published;
        // A date without a time is the day that its source wrote, in whatever zone.
        let on = if stamp.precision <= Precision::Day { written(stamp) } else { date(page, stamp.at) };
        let row = row(page, words, listing);
        match days.last_mut() {
            Some((last, day)) if *last == on => day.rows.push(row),
            _ => {
                let word = match on {
                    on if on == today => words.today,
                    on if on == yesterday => words.yesterday,
                    _ => "",
                };
                let name = words.day(on, weekday(on), on.0 != today.0);
                let machine = format!("{:04}-{:02}-{:02}", on.0, on.1, on.2);
                days.push((on, Day { word, name, machine, rows: vec![row] }));
            }
        }
    }
    days.into_iter().map(|(_, day)| day).collect()
}

fn row<'a>(page: &Page<'_>, words: &Words, listing: &'a Listing) -> Row<'a> {
    let item = &listing.item;
    let others = if item.related.is_empty() { String::new() } else { words.others(item.related.len()) };
    let title = if item.title.is_empty() { &item.excerpt } else { &item.title };
    Row { item, places: &listing.places, title, time: Time::of(page, item.published), others }
}

fn date(page: &Page<'_>, at: Moment) -> (i16, i8, i8) {
    let (year, month, day, ..) = at.wall(page.zone);
    (year, month, day)
}

fn written(stamp: Stamp) -> (i16, i8, i8) {
    let shifted = stamp.at.plus_seconds(i64::from(stamp.offset));
    let (year, month, day, ..) = shifted.wall(&crate::model::Zone::utc());
    (year, month, day)
}

/// Returns the day of the week, Monday being 0, by Sakamoto's method.
fn weekday((year, month, day): (i16, i8, i8)) -> usize {
    const SHIFTS: [i32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = i32::from(year) - i32::from(month < 3);
    let shift = usize::try_from(month - 1).ok().and_then(|index| SHIFTS.get(index)).copied().unwrap_or(0);
    let sunday = (year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + shift + i32::from(day))
        .rem_euclid(7);
    usize::try_from((sunday + 6) % 7).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_week() {
        assert_eq!(weekday((2026, 11, 29)), 6);
        assert_eq!(weekday((2023, 3, 9)), 3);
        assert_eq!(weekday((2024, 2, 29)), 3);
        assert_eq!(weekday((2000, 1, 1)), 5);
    }
}
