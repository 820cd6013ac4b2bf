//! What reading a document gives: its drafts, where it goes on, and what was wrong with it.

use super::fault::Fault;
use super::list::Detection;
use crate::model::{Draft, Format, Link, Moment, Stamp};

/// The most drafts of one document; further ones are left out and reported.
pub const MAX_DRAFTS: usize = 500;

/// Returns which of the items of a document are read, in their order: the newest, because a document may begin with
/// the oldest; the first, if most have no date. An item without a date counts as old as the one before it.
pub(super) fn newest(dates: &[Option<Moment>]) -> Vec<usize> {
    let dated = dates.iter().flatten().count();
    if dates.len() <= MAX_DRAFTS || dated * 2 < dates.len() {
        return (0..dates.len().min(MAX_DRAFTS)).collect();
    }
    let mut last = dates.iter().flatten().next().copied();
    let mut order: Vec<(Option<Moment>, usize)> = Vec::with_capacity(dates.len());
    for (at, date) in dates.iter().enumerate() {
        last = date.or(last);
        order.push((last, at));
    }
    // Of equal dates, the first items.
    order.sort_by_key(|(date, at)| (std::cmp::Reverse(*date), *at));
    order.truncate(MAX_DRAFTS);
    let mut kept: Vec<usize> = order.into_iter().map(|(_, at)| at).collect();
    kept.sort_unstable();
    kept
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
        assert_eq!(newest(&ascending), (200..700).collect::<Vec<_>>());
        let descending: Vec<_> = (0..700).rev().map(at).collect();
        assert_eq!(newest(&descending), (0..500).collect::<Vec<_>>());
        assert_eq!(newest(&vec![None; 700]), (0..500).collect::<Vec<_>>());
        assert_eq!(newest(&vec![at(1); 700]), (0..500).collect::<Vec<_>>());
    }
}
