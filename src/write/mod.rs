//! Renders items as Atom, RSS, JSON Feed, OPML and HTML pages.
//!
//! Pure: the same items give the same bytes. This module does not know where items come from or who requests them.

mod atom;
mod channel;
mod clean;
mod health;
mod json;
mod opml;
mod page;
mod rss;

pub use atom::atom;
pub use channel::{Channel, Format};
pub use clean::excerpt;
pub use health::{Note, SourceHealth, health_feed, sources};
pub use json::json;
pub use opml::{Outline, opml};
pub use page::{Beside, Crumb, Language, Listed, Page, Words, fault, home, item, region, stylesheet};
pub use rss::rss;
