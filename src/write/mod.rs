//! From items to what readers get: Atom, RSS, JSON Feed, OPML and pages.
//!
//! Pure: the same items make the same bytes. It does not know where items come from or who asks for them.

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
pub use health::{Fare, Note, health_feed, sources};
pub use json::json;
pub use opml::{Outline, opml};
pub use page::{Beside, Crumb, Language, Listed, Page, Words, fault, home, item, region, stylesheet};
pub use rss::rss;
