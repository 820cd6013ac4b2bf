//! Full-text search over everything that is kept.
//!
//! The index is derived from the log and the view: a folder of immutable files that may be deleted at any time. It
//! holds no texts and decides nothing: which items there are, whether a hit may be shown and where its text is, is asked
//! of the view for each hit, so that what is withdrawn is gone at once. It takes no part in acknowledging anything. What
//! the index lacks, has too much of or has damaged is found by comparing it with the view, and made anew from the log.
//!
//! Every Chinese character begins one term, itself with the next one, so that no dictionary is needed and every word of
//! two characters is found by one look-up; longer ones are checked in the text. This module does not know how results
//! are shown.

mod builder;
mod cursor;
mod error;
mod find;
mod follower;
mod index;
mod merge;
mod metrics;
mod pages;
mod plan;
mod postings;
mod query;
mod segment;
mod terms;
mod text;

pub use error::SearchError;
pub use find::{Found, Place, Results};
pub use follower::Follower;
pub use index::{Options, SearchIndex};
pub use metrics::Metrics;
pub use query::{Filters, Order, Query};
pub use text::Piece;

#[cfg(test)]
mod tests;
