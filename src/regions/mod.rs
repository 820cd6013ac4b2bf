//! Places items: finds the regions an item is about from place names, codes and its URL, and gives the evidence.
//!
//! Pure: the regions and their names are passed in as arguments.

mod boundary;
mod context;
mod directory;
mod evidence;
mod geocode;
mod names;
mod own;
mod places;
mod scene;
mod spelling;
mod townships;
mod words;

pub use directory::Directory;
pub use evidence::{Evidence, Tag};
pub use places::Places;
