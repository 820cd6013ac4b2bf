//! Renders items as Atom, RSS, JSON Feed, OPML and HTML pages.
//!
//! Pure: the same items give the same bytes. This module does not know where items come from or who requests them.

mod added;
mod atom;
mod body;
mod channel;
mod clean;
mod digest;
mod frame;
mod health;
mod json;
mod notices;
mod opml;
mod origin;
mod page;
mod picture;
mod reasons;
mod rows;
mod rss;
mod search;
mod source_list;
mod words;

pub use atom::atom;
pub use channel::{Chain, Channel, Footer, Format, PlaceName};
pub use clean::excerpt;
pub(crate) use clean::percent_decoded;
pub use digest::digest;
pub use frame::Page;
pub use health::{AboutSource, Note, SourceHealth, health_feed, source, sources};
pub use json::json;
pub use notices::forbids_copies;
pub use opml::{Outline, opml};
pub use page::{
    Around, Beside, Listed, about, fault, favicon, feed_stylesheet, home, icon, item, region, regions, stylesheet,
};
pub use picture::picture;
pub use reasons::{public_reason, reason, reasons};
pub use rows::{Crumb, Listing};
pub use rss::rss;
pub use search::{Piece, SearchPage, SearchResult, opensearch, search};
pub use source_list::{SourceOutline, source_list};
pub use words::{Language, all_topics};
