//! What reading a document gives: its drafts, where it goes on, and what was wrong with it.

use super::fault::Fault;
use super::list::Detection;
use crate::model::{Draft, Format, Link};

/// The most drafts of one document; further ones are left out and reported.
pub const MOST_DRAFTS: usize = 500;

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
