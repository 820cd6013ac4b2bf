//! What reading a document gives: its drafts, where it goes on, and what was wrong with it.

use std::collections::HashSet;

use super::fault::{Fault, FaultKind};
use super::list::Detection;
use crate::model::{Draft, Format, Link, Moment, Stamp};

/// The most drafts of one document; further ones are left out and reported.
pub const MAX_DRAFTS: usize = 500;

/// Returns which items of a document are read, in their order: the newest `most`, because a document may begin with the
/// oldest. An item without a date counts as old as the one before it. Of those that are equally old, those nearest to the
/// end with the newer dates are read; if the dates have no direction, as in a document without any, those at both ends, at
/// one of which new ones are added.
pub(super) fn newest(dates: &[Option<Moment>], most: usize) -> Vec<usize> {
    if dates.len() <= most {
        return (0..dates.len()).collect();
    }
    // A few dates among many items without one say nothing of the order.
    let is_dated = dates.iter().flatten().count() * 2 >= dates.len();
    let mut last = dates.iter().flatten().next().copied().filter(|_| is_dated);
    let mut order: Vec<(Option<Moment>, usize)> = Vec::with_capacity(dates.len());
    for (at, date) in dates.iter().enumerate() {
        last = date.filter(|_| is_dated).or(last);
        order.push((last, at));
    }
    order.sort_by_key(|(date, at)| (std::cmp::Reverse(*date), *at));
    let limit = order.get(most).map(|(date, _)| *date);
    let from = order.iter().position(|(date, _)| Some(*date) == limit).unwrap_or(most);
    let to = order.iter().rposition(|(date, _)| Some(*date) == limit).map_or(most, |last| last + 1);
    let room = most.saturating_sub(from);
    let ends = (dates.iter().flatten().next(), dates.iter().flatten().next_back());
    let at_end = match ends {
        (Some(first), Some(last)) if is_dated && first > last => 0,
        (Some(first), Some(last)) if is_dated && first < last => room,
        _ => room / 2,
    };
    let kept = order.iter().take(most - at_end).chain(order.iter().take(to).skip(to - at_end));
    let mut kept: Vec<usize> = kept.map(|(_, at)| *at).collect();
    kept.sort_unstable();
    kept
}

/// Keeps the drafts that are read of a document that lists too many; returns the fault if it does.
pub(super) fn keep_newest(drafts: &mut Vec<Draft>, place: &str) -> Option<Fault> {
    let fault = too_many(drafts.len(), place)?;
    let dates: Vec<Option<Moment>> = drafts.iter().map(|draft| draft.published.map(|stamp| stamp.at)).collect();
    let kept: HashSet<usize> = newest(&dates, MAX_DRAFTS).into_iter().collect();
    let mut at = 0..;
    drafts.retain(|_| at.next().is_some_and(|at| kept.contains(&at)));
    Some(fault)
}

/// Returns the fault of a document with more items than are read.
pub(super) fn too_many(items: usize, place: &str) -> Option<Fault> {
    let detail = format!(
        "{items} items, of which only the newest {MAX_DRAFTS} are read; where dates do not tell, the first and the last"
    );
    (items > MAX_DRAFTS).then(|| Fault::new(FaultKind::TooMany, place, detail))
}

/// Returns whether a date is the zero of a clock, 1970-01-01 in some zone: what programs write where they have none.
pub(super) fn is_unset(stamp: Stamp) -> bool {
    stamp.at.seconds().abs() < 86_400
}

/// The result of reading a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The format of the document: `rss`, `atom`, `rdf`, `cdf`, `json`, `list`, `json-list`, `xml-records` or
    /// `sitemap`; empty if it is none of these.
    pub format: Format,
    /// The title of the feed or page.
    pub title: String,
    /// The page that the document belongs to.
    pub link: Option<String>,
    /// The items, in document order.
    pub drafts: Vec<Draft>,
    /// Whether the document ends in the middle of its last item.
    pub is_cut: bool,
    /// How the list was found, if the document is a list.
    pub detection: Option<Detection>,
    /// Where the items are instead, one hop away: a frame, a redirect in the page, a hanweb data proxy, a part of a
    /// sitemap.
    pub follow: Option<Link>,
    /// The next page of a list.
    pub next: Option<Link>,
    /// The least time between two polls that the document asks for (`ttl`, `sy:updatePeriod`), in seconds; 0 if it does
    /// not.
    pub wait: u64,
    /// When the document asks not to be polled.
    pub skip: Skip,
    /// The hub and the topic that a feed names (WebSub, section 4).
    pub hub: Option<(String, String)>,
    /// What was wrong with it.
    pub faults: Vec<Fault>,
    /// Steps of work that reading took.
    pub work: u64,
}

/// When a source does not want to be polled (`skipHours`, `skipDays` of RSS 2.0).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skip {
    /// Hours of the day in UTC.
    pub hours: Vec<u8>,
    /// Days of the week in UTC, Monday = 0.
    pub days: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_items_are_read_wherever_they_stand() {
        let at = |hour: i64| Some(Moment::from_seconds(hour * 3600));
        let ascending: Vec<_> = (0..700).map(at).collect();
        assert_eq!(newest(&ascending, 500), (200..700).collect::<Vec<_>>());
        let descending: Vec<_> = (0..700).rev().map(at).collect();
        assert_eq!(newest(&descending, 500), (0..500).collect::<Vec<_>>());
        assert_eq!(newest(&[at(1), None], 500), [0, 1]);
    }

    #[test]
    fn of_equally_old_items_those_at_both_ends_are_read() {
        let at = |hour: i64| Some(Moment::from_seconds(hour * 3600));
        let both: Vec<usize> = (0..250).chain(450..700).collect();
        assert_eq!(newest(&vec![None; 700], 500), both);
        assert_eq!(newest(&vec![at(1); 700], 500), both);
        let mut dates = vec![None; 700];
        dates[3] = at(1);
        assert_eq!(newest(&dates, 500), both, "one date");
        assert_eq!(newest(&[at(3), at(1), at(1), at(1), at(1), at(2)], 4), [0, 1, 2, 5], "falling");
        assert_eq!(newest(&[at(2), at(1), at(1), at(1), at(1), at(3)], 4), [0, 3, 4, 5], "rising");
        assert_eq!(newest(&[at(1), at(1), at(2), at(2)], 2), [2, 3]);
        assert_eq!(newest(&[at(1), at(1), at(1)], 1), [0]);
    }
}
