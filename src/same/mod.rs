//! Is it new, the same or changed; is it another source's report of a known story; and which regions does it concern.
//!
//! Pure: the caller brings what is known. Texts are compared in a later version; the place for that is [`judge`].

mod identity;
mod places;
mod story;

pub use identity::{Fingerprint, Identity, Known, Neighbours, Verdict, identify, repeated};
pub use places::{EVIDENCE, Places, Tag};
pub use story::{Candidate, judge};
