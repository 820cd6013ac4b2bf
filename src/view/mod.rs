//! Everything derived from the log, and the poll state of each source (visits).
//!
//! The view keeps one record per item in sled and its indexes in memory; it may be deleted at any time and is rebuilt
//! from the log with the same ids. `apply` is a pure function of the log: it reads records only, never the config or
//! the clock. The storage engine is hidden behind the few functions of `engine.rs`, so another one is easy to try.
//!
//! The visits are in a directory of their own, which a rebuild never touches.

mod arrange;
mod check;
mod engine;
mod error;
#[cfg(test)]
mod house;
mod index;
mod join;
mod keys;
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
mod story;
mod visits;

pub use check::{Check, Verdict};
pub use error::ViewError;
pub use outline::Outline;
pub use store::{Notice, Options, View};
pub use story::{Entry, Report, Story};
pub use visits::Visits;
