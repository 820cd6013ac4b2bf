//! Everything that is derived from the log, and the visits.
//!
//! The view keeps one record an item in sled and its indexes in memory; it may be deleted at any time and is made anew
//! from the log, to the same ids. `apply` is a pure function of the log: it reads records only, never a config and never
//! a clock. The engine stands behind the few functions of `engine.rs`; another one could be tried in an afternoon.
//!
//! The visits lie in a directory of their own, which a rebuild never touches.

mod arrange;
mod check;
mod engine;
mod error;
#[cfg(test)]
mod house;
mod index;
mod join;
mod likes;
mod newcomer;
mod opening;
mod outline;
mod questions;
mod record;
mod reports;
mod share;
mod shelves;
mod slot;
mod state;
mod store;
mod stored;
mod visits;

pub use check::{Check, Verdict};
pub use error::ViewError;
pub use outline::Outline;
pub use state::{Entry, Report, Story};
pub use store::{Notice, Options, View};
pub use visits::Visits;
