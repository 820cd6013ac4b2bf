//! What of the config decides what is published.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Policy, Regions, Source, SourceId, Zone};

/// What of the config is published; it changes with a reload.
#[derive(Clone, Debug)]
pub struct Published {
    /// Options for publishing.
    pub options: Options,
    /// The region tree.
    pub regions: Regions,
    /// How the items of each source are published.
    pub sources: HashMap<SourceId, Publication>,
    /// The sources as the config lists them.
    pub listing: Vec<Arc<Source>>,
}

/// Options for publishing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The title of the whole site.
    pub title: String,
    /// The language of the pages and feeds (BCP 47).
    pub language: String,
    /// The zone in which pages show times.
    pub zone: Zone,
    /// The most items of a feed.
    pub items: usize,
    /// Whose the collection is.
    pub rights: Option<String>,
    /// Whom to write to.
    pub contact: Option<String>,
    /// The most bytes on the shelf.
    pub shelf: usize,
    /// The address below which the site lies, without a slash at the end. Links come from here, never from a request.
    pub public_url: String,
}

/// How the items of a source are published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    /// How much of them.
    pub policy: Policy,
    /// Whose they are, where they do not say so themselves.
    pub rights: Option<String>,
    /// Labels that all of them get.
    pub topics: Vec<String>,
}
