//! The report log: what sources said, in the order in which we saw it. The only truth about items.
//!
//! Append-only, checksummed, synced before anything else happens. It knows nothing of what its records mean: the view
//! derives that. Records are reached by [`Position`], or all in order with [`Log::replay`]; a stream of a distributed
//! log could stand behind the same three calls.

mod archive;
mod error;
mod record;
mod segment;
mod store;

pub use archive::{backup, examine, restore};
pub use error::LogError;
pub use record::{Control, Record, SourceFacts};
pub use store::{Appended, Damage, Log, Position, Replayed};
