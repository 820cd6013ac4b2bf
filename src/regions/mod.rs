//! Places items: finds the regions an item is about from place names, codes and its URL, and gives the evidence.
//!
//! Pure: the regions and their names are passed in as arguments.

mod gazetteer;
mod geocode;

pub use geocode::{EVIDENCE, Places, Tag};
