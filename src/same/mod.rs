//! Is it new, the same or changed; is it another source's report of a known story; and which regions does it concern.
//!
//! Pure: the caller brings what is known. [`judge`] compares links, [`compare`] texts; [`sketch`] finds what is worth it.

mod changes;
mod fact;
mod identity;
mod names;
mod number;
mod places;
mod reprint;
mod roundup;
mod story;
mod text;

pub use changes::changes;
pub use fact::{TELLING, fact_pairs};
pub use identity::{Fingerprint, Identity, Known, Neighbours, Verdict, identify, repeated};
pub use places::{EVIDENCE, Places, Tag};
pub use reprint::{Comparison, Likeness, Story, compare, is_over, is_short, title_likeness};
pub use roundup::is_roundup;
pub use story::{Candidate, judge};
pub use text::sketch;
