//! Everything derived from the log, and the poll state of each source.
//!
//! The view keeps one record per item in sled and its indexes in memory; it may be deleted at any time and is rebuilt
//! from the log with the same ids. `apply` is a pure function of the log: it reads records only, never the config or
//! the clock. The storage engine is hidden behind the few functions of `engine.rs`, so another one is easy to try.
//!
//! The poll states are in a directory of their own, which a rebuild never touches.

mod apply;
mod arrange;
mod candidates;
mod check;
mod credit;
mod deletions;
mod engine;
mod error;
mod events;
mod expiry;
mod fair_share;
mod geography;
mod history;
mod index;
mod item_state;
mod item_table;
mod items;
mod join;
mod judge;
mod keys;
mod leaving;
mod moves;
mod new_item;
mod notice;
mod numbers;
mod open;
mod persist;
mod poll_states;
mod queries;
mod record;
mod reported;
mod reports;
mod revisits;
mod searched;
mod similar;
mod similarity_index;
mod snapshot;
mod sources;
mod state;
mod state_changes;
mod store;
mod story;
mod subscriptions;
mod tags;
mod takedowns;
#[cfg(test)]
mod test_store;
mod texts;
mod timelines;
mod withdrawn;

pub use check::{Check, Verdict};
pub use error::ViewError;
pub use notice::Notice;
pub use numbers::StoryNo;
pub use poll_states::{PollStates, StoredPair};
pub use searched::{Hit, IndexFacts, Indexed};
pub use snapshot::Outline;
pub use store::{Options, View};
pub use story::{Begun, Entry, Report, Story};
pub use subscriptions::Subscriptions;
pub use takedowns::Standing;
