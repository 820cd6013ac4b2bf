//! The domain types: sources, drafts, reports, items and regions.
//!
//! This module does no I/O, reads no clock, does not log, and does not know how things are stored or sent. Constructors
//! validate, so a value that exists is valid.

mod atlas;
mod chronicle;
mod draft;
mod filter;
mod format;
mod identity;
mod item;
mod link;
mod moment;
mod month;
mod page;
mod poll_state;
mod reason;
mod region;
mod region_tree;
mod report;
mod request_options;
mod secret_hasher;
mod simplified;
mod source;
mod subscription;
mod takedown;
mod terminal;

pub use atlas::{divisions, townships};
pub use chronicle::{Chronicle, Condition, Turn, Week};
pub use draft::{Credit, Draft, Enclosure};
pub use filter::{Filter, Part, Pattern, PatternError};
pub use format::Format;
pub use identity::{ItemId, Key};
pub use item::{Change, Item, Provenance, Related, Revision};
pub use link::{Host, Link, LinkError, form_pairs, form_text};
pub use moment::{Moment, Precision, Stamp, Zone, ZoneError};
pub use month::Month;
pub use page::{Page, Validators};
pub use poll_state::{Health, Listing, Outcome, PollState, Revisit, Robots};
pub use reason::{Reason, Trouble};
pub use region::{Point, Region, RegionError, RegionId, Service};
pub use region_tree::{Named, Regions};
pub use report::Report;
pub use request_options::{Login, Proxy, RequestOptions, Secret};
pub use secret_hasher::SecretHasher;
pub use simplified::{is_ignorable, simplify};
pub use source::{Authority, Kind, Policy, SelectorOverrides, Source, SourceError, SourceId, Tls};
pub use subscription::{SourceSubscription, Subscription};
pub use takedown::{Origin, Scope, Takedown};
pub use terminal::{counted, misleads, one_line, printable, with_causes};
