//! Places items: finds the regions an item is about from place names, codes and its URL, and gives the evidence.
//!
//! Pure: the regions and their names are passed in as arguments.

mod evidence;
mod gazetteer;
mod geocode;

pub use evidence::Evidence;
pub use geocode::{Places, Tag};
