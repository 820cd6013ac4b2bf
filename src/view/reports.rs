//! What reports say: their dates, whom they credit, and whether two tell the same.

use super::texts::Text;
use crate::dedup::{self, Likeness};
use crate::log::Record;
use crate::model::{Draft, Moment, Precision, Report, Stamp};

/// Prepares a draft for comparison.
pub(super) fn story(draft: &Draft) -> dedup::Story {
    dedup::Story::new(&draft.title, draft.words())
}

/// Returns whether a draft tells the same story as a report of the log, or at least the same event: by their texts, or
/// by their titles if one text is too short.
pub(super) fn tells_the_same(draft: &Draft, other: &Text) -> bool {
    match dedup::compare(&story(draft), other.story()).likeness {
        Likeness::Same | Likeness::Event | Likeness::Altered => true,
        Likeness::Different if dedup::is_short(draft.words()) || dedup::is_short(other.draft().words()) => {
            is_titled_alike(draft, other.draft())
        }
        _ => false,
    }
}

/// Returns whether a draft tells something else than a report of the log: both have a text, and neither these nor their
/// titles have anything in common. A link with a word or two says nothing else, nor does one with words of its own about
/// the same.
pub(super) fn tells_another(draft: &Draft, other: &Text) -> bool {
    !dedup::is_short(draft.words())
        && !dedup::is_short(other.draft().words())
        && dedup::title_likeness(&draft.title, &other.draft().title) < least_title_likeness(draft, other.draft())
        && dedup::compare(&story(draft), other.story()).containment < MIN_TEXT_TOUCH
        && !tells_the_same(draft, other)
}

/// Returns how alike the titles of two reports of one address must be at least if their texts are not: titles of notices
/// have set words in common, but a teaser of a line or two has no more to show than its title.
fn least_title_likeness(one: &Draft, other: &Draft) -> f64 {
    let least = one.words().chars().count().min(other.words().chars().count());
    if least < MAX_TEASER { MIN_TITLE_TOUCH } else { MIN_TITLE_LIKENESS }
}

/// Two titles, and two texts, that have less in common than this are of different things, from 0 to 1. Fitted in
/// November 2026 on the demo's retelling and on unrelated notices (titles up to .16).
const MIN_TITLE_TOUCH: f64 = 0.2;
const MIN_TEXT_TOUCH: f64 = 0.1;
/// Texts shorter than this are teasers, in characters.
const MAX_TEASER: usize = 80;

/// Returns whether two titles may be those of one text.
pub(super) fn is_titled_alike(one: &Draft, other: &Draft) -> bool {
    dedup::title_likeness(&one.title, &other.title) >= MIN_TITLE_LIKENESS
}

/// Minimum similarity of two titles of one text, from 0 to 1.
pub(super) const MIN_TITLE_LIKENESS: f64 = 0.4;

/// How close an address is to a source. Many offices share their city's domain, each with its own host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Home {
    Elsewhere,
    /// Another host of the source's domain.
    Domain,
    /// The source's own host.
    Host,
}

/// A day, in milliseconds.
pub(super) const DAY: i64 = 24 * 3_600_000;

/// How far a date may lie after the time the item was first seen, in milliseconds.
const MAX_AHEAD: i64 = 10 * 60 * 1000;

/// Returns the date of an item: the one its source gives, unless it lies in the future; otherwise the time it was first
/// seen.
pub(super) fn published(report: &Report) -> Stamp {
    let said = report.draft.published.or(report.draft.updated);
    let seen = Stamp { at: report.seen, precision: Precision::Second, offset: 0 };
    match said {
        Some(stamp) if stamp.at.since(report.seen) <= MAX_AHEAD => stamp,
        Some(stamp) => Stamp { offset: stamp.offset, ..seen },
        None => seen,
    }
}

/// Returns the update time for a record: when it was seen, plus milliseconds from its number so that reports of one
/// poll differ. It depends only on the record, however much of the log remains.
pub(super) fn updated_at(seq: u64, seen: Moment) -> Moment {
    seen.plus_millis(i64::try_from(seq % 1000).unwrap_or(0))
}

/// Returns whether a story with this date was new when first seen, so that readers saw it among the new ones.
pub(super) fn was_new(date: Stamp, seen: Moment) -> bool {
    let days = match date.precision {
        // Dated to the beginning of its month, where nobody looks for new stories.
        Precision::Month => 0,
        Precision::Day | Precision::Minute | Precision::Second => 1,
    };
    seen.since(date.at) <= days * DAY
}

/// Returns the time of a record.
pub(super) fn moment(record: &Record) -> Moment {
    match record {
        Record::Source(facts) => facts.at,
        Record::Report(report) => report.seen,
        Record::Control { at, .. }
        | Record::Withdraw { at, .. }
        | Record::Restore { at, .. }
        | Record::Takedown { at, .. }
        | Record::Lift { at, .. }
        | Record::Gone { at, .. }
        | Record::Back { at, .. }
        | Record::Expire { at, .. } => *at,
    }
}
