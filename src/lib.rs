//! dayuan (大院) polls local-government and regional news sources, works out which items are new, which ones are the same
//! story and which region they belong to, and republishes a merged feed for every region.
//!
//! The path of one item: a [`model::Source`] is due, which [`poll`] decides → [`fetch`] gets its page → [`read`] parses
//! the page into drafts → [`dedup`] finds those that are new → they become reports in the [`log`] → [`view`] applies
//! them → [`serve`] drops the affected regions from its cache → at the next request, [`write`](mod@write) renders the
//! feed.
//!
//! The modules form layers, and a module uses only modules of lower layers; ARCHITECTURE.md shows the layers, and
//! `tests/floorplan.rs` enforces them.

pub mod cli;
pub mod cluster;
pub mod config;
pub mod daemon;
pub mod dedup;
pub mod fetch;
pub mod hub;
pub mod log;
pub mod model;
pub mod poll;
pub mod read;
pub mod regions;
pub mod search;
pub mod serve;
pub mod topics;
pub mod view;
pub mod write;
