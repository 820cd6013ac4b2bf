//! Is it new, the same or changed; is it another source's report of a known story; and which regions does it concern.
//!
//! Pure: the caller brings what is known. [`judge`] compares links, [`compare`] texts; [`sketch`] finds what is worth it.

mod fact;
mod identity;
mod places;
mod reprint;
mod story;
mod text;

pub use identity::{Fingerprint, Identity, Known, Neighbours, Verdict, identify, repeated};
pub use places::{EVIDENCE, Places, Tag};
pub use reprint::{Comparison, Likeness, Story, compare};
pub use story::{Candidate, judge};
pub use text::sketch;

/// Hashes by which the retellings of a text find each other; see [`compare`].
pub fn fact_pairs(title: &str, text: &str) -> Vec<u32> {
    fact::Facts::of(title, text).pairs()
}
