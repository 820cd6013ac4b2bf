//! Years as headings above rows whose dates have none.

use super::row_date::Row;
use crate::model::{Moment, Precision, Stamp};
use crate::read::date::{self, Clock};
use crate::read::markup::tree::{Id, Tree};

/// The most nodes of a page that are looked at, and the most years.
const MAX_NODES: usize = 40_000;
const MAX_YEARS: usize = 60;
/// The longest text of a month that is looked at, in bytes.
const MAX_MONTH: usize = 40;

/// A text that is nothing but a year, and where the element ends that it heads.
pub(super) struct YearHeading {
    at: Id,
    end: Id,
    year: i16,
}

/// Finds the years that stand alone outside of links: `2024`, `2024年`, or with a month: `令和6年11月`.
pub(super) fn year_headings(tree: &Tree<'_>, clock: Clock<'_>) -> Vec<YearHeading> {
    let headings = tree.texts_between(0, tree.len().min(MAX_NODES)).filter_map(|(at, piece)| {
        let bare = piece.trim();
        let year = bare.trim_end_matches(['年', '度', ':', '：']);
        let is_year = year.len() == 4 && (year.starts_with("19") || year.starts_with("20"));
        let year: i16 = if is_year { year.parse().ok()? } else { year_of_month(bare, clock)? };
        let parent = tree.parent(at);
        if tree.ancestors(parent).take(4).any(|up| tree.is(up, &["a", "option", "button", "time"])) {
            return None;
        }
        let end = tree.ancestors(parent).map(|up| tree.end(up)).find(|end| *end > at + 1)?;
        Some(YearHeading { at, end, year })
    });
    headings.take(MAX_YEARS).collect()
}

/// 令和6年11月, 2024年11月: returns the year of a text that is a month.
fn year_of_month(text: &str, clock: Clock<'_>) -> Option<i16> {
    if !text.contains('年') || !text.ends_with('月') || text.len() > MAX_MONTH {
        return None;
    }
    let stamp = date::parse(text, clock).filter(|stamp| stamp.precision == Precision::Month)?;
    Some(stamp.at.wall(clock.zone).0)
}

/// Returns a clock for dates without a year in this row, if a year before that of `stamp` heads it: it shows the end of
/// that year.
pub(super) fn clock_of_year<'a>(
    headings: &[YearHeading],
    row: &Row,
    stamp: Stamp,
    clock: Clock<'a>,
) -> Option<Clock<'a>> {
    let heading = headings.iter().rev().find(|heading| heading.at < row.from && row.from < heading.end)?;
    let (year, ..) = stamp.at.wall(clock.zone);
    // From noon of the last day but one, the last day lies ahead by less than a day, and the new year by more.
    let now: Moment = Stamp::in_zone((heading.year, 12, 30), Some((12, 0, None)), clock.zone)?.at;
    (heading.year != year && now < clock.now).then_some(Clock { now, ..clock })
}

/// Returns whether both dates are the same but for the year.
pub(super) fn differs_in_year(one: Stamp, other: Stamp, clock: Clock<'_>) -> bool {
    let (_, month, day, ..) = one.at.wall(clock.zone);
    let (_, its_month, its_day, ..) = other.at.wall(clock.zone);
    one.precision == other.precision && (month, day) == (its_month, its_day) && one.at != other.at
}
