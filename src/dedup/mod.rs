//! Tells items apart: whether an item is new, unchanged or changed, and whether it is another source's report of a
//! known story.
//!
//! Pure: the caller passes in what is known. [`judge`] compares links, [`compare`] texts; [`sketch`] finds candidates.

mod alteration;
mod changes;
mod clock;
mod contradiction;
mod fact_overlap;
mod identity;
mod number;
mod place;
mod replacement;
mod roundup;
mod similarity;
mod story;
mod substitution;
mod text;
mod warning;
mod words;

pub use alteration::is_altered;
pub use changes::changes;
pub use fact_overlap::{TELLING, fact_pairs};
pub use identity::{Fingerprint, Identity, Known, Neighbours, Verdict, identify, repeated};
pub use roundup::is_roundup;
pub use similarity::{Comparison, Likeness, Story, compare, is_short, title_likeness};
pub use story::{Candidate, judge};
pub use text::sketch;
pub use warning::is_same_step;
