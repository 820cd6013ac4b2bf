//! dayuan (大院) polls local-government and regional news sources, works out which items are new, which are one story
//! and which region they belong to, and republishes a merged feed for every region.
//!
//! One item, in a straight line: a [`model::Source`] is due ([`poll`] says so) → [`fetch`] gets its page → [`read`] makes
//! drafts of it → [`dedup`] says which are new → they become reports in the [`log`] → [`view`] applies them → the shelf of
//! [`serve`] forgets the regions they concern → at the next request, [`write`](mod@write) makes the feed.
//!
//! The rooms lie on floors, and a room uses rooms on lower floors only; ARCHITECTURE.md has the plan, and
//! `tests/floorplan.rs` holds it.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod dedup;
pub mod fetch;
pub mod log;
pub mod model;
pub mod poll;
pub mod read;
pub mod regions;
pub mod serve;
pub mod view;
pub mod write;
