//! From bytes to drafts: charsets, feeds, dates. Returns what it got *and* what was wrong.
//!
//! It is pure: bytes, the source's own settings and the present moment come in as arguments. It does not know where a
//! document came from, what was read before, or what becomes of it.
//!
//! The way of a document: `charset` makes text of it, `markup` makes tags of the text, `outline` makes elements of the
//! tags, and `feed` finds the fields of drafts in the elements.

mod charset;
mod date;
mod fault;
mod feed;
mod json;
mod markup;
mod namespace;
mod outline;
mod sanitise;
mod text;

use crate::model::{Draft, Kind, Moment, Page, Zone};

pub use charset::is_charset;
pub use fault::{Fault, FaultKind};
pub use sanitise::sanitise;

/// The version of this reader, which every report names.
pub const VERSION: u16 = 1;

/// The most drafts of one document; what lies behind them is left out and said so.
pub const MOST_DRAFTS: usize = 500;

/// What a source's config says of its documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What the document is meant to be.
    pub kind: Kind,
    /// The charset that overrides what the document says.
    pub charset: Option<String>,
    /// The zone of dates that name none.
    pub zone: Zone,
}

impl Default for Rules {
    fn default() -> Self {
        Self { kind: Kind::Auto, charset: None, zone: Zone::shanghai() }
    }
}

/// What was read in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What kind of document it is: `rss`, `atom`, `rdf`, `cdf` or `json`; empty where it is none of them.
    pub format: &'static str,
    /// The title of the whole.
    pub title: String,
    /// The page that the whole belongs to.
    pub link: Option<String>,
    /// The items, in the order of the document.
    pub drafts: Vec<Draft>,
    /// The least seconds between two polls that the document asks for (`ttl`, `sy:updatePeriod`).
    pub wait: u64,
    /// Hours of the day in UTC, and days of the week from Monday = 0, in which not to poll.
    pub skip: Skip,
    /// What was wrong with it.
    pub faults: Vec<Fault>,
}

/// When a source does not want to be polled (`skipHours`, `skipDays` of RSS 2.0).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skip {
    /// Hours of the day in UTC.
    pub hours: Vec<u8>,
    /// Days of the week in UTC, Monday = 0.
    pub days: Vec<u8>,
}

/// Reads a document.
pub fn read(page: &Page, rules: &Rules, now: Moment) -> Reading {
    let (text, mojibake) = charset::decode(&page.body, page.content_type.as_deref(), rules.charset.as_deref());
    if let Some(fault) = mojibake {
        return Reading { faults: vec![fault], ..Reading::default() };
    }
    let clock =
        date::Clock { now, zone: &rules.zone, chinese: text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)) };
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if start.is_empty() {
        let fault = Fault::new(FaultKind::Empty, "document", "the answer has no content".to_owned());
        return Reading { faults: vec![fault], ..Reading::default() };
    }
    if start.starts_with(['{', '[']) {
        json::read(start, &page.url, clock)
    } else {
        feed::read(&text, &page.url, clock)
    }
}
