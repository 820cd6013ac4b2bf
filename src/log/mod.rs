//! The report log: what sources reported, in the order we saw it. It is the only source of truth about items.
//!
//! The log is append-only and checksummed, and a record is synced to disk before anything acts on it. The log does not
//! interpret its records: the view does that. Records are read by [`Position`], or all in order with [`Log::replay`].
//!
//! Several nodes have one log if each mirrors the same [`Line`]s with [`Log::mirror`]: numbers, segments and positions are
//! then the same on all of them, byte for byte, and so are their views.

mod archive;
mod encoding;
mod error;
mod mirror;
mod position;
mod record;
mod recovery;
mod replay;
mod segment;
mod store;

pub use archive::{backup, examine, restore};
pub use error::LogError;
pub use mirror::{Line, encode};
pub use position::{Appended, Damage, Position, Replayed};
pub use record::{Control, Record, SourceFacts};
pub use segment::KEPT;
pub use store::Log;
