//! Placing items: which regions an item is about, from the names of places in it, codes and its address, with the evidence.
//!
//! Pure: the regions and their names come in as arguments.

mod gazetteer;
mod geocode;

pub use geocode::{EVIDENCE, Places, Tag};
