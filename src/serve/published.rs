//! The part of the config that determines what is published.

use std::sync::Arc;

use super::known_topics::KnownTopics;
use crate::model::{Moment, Policy, RegionId, Regions, Source, SourceId, Zone};
use crate::topics::Topics;
use crate::write::{Footer, Format, Language, Page};

/// The published part of the config; a reload replaces it.
#[derive(Clone, Debug)]
pub struct PublishConfig {
    /// Options for publishing.
    pub options: Options,
    /// The region tree; the config and the index share it.
    pub regions: Arc<Regions>,
    /// The topics of stories.
    pub topics: Topics,
    /// The sources, ordered by id.
    pub listing: Vec<Arc<Source>>,
    /// Whether documents are files, which have no queries behind their addresses.
    pub is_static: bool,
    /// The topics that reports have by this config, as far as they were asked for.
    pub(super) known_topics: Arc<KnownTopics>,
}

impl PublishConfig {
    /// Returns what is published by these parts of a config.
    pub fn new(options: Options, regions: Arc<Regions>, topics: Topics, listing: Vec<Arc<Source>>) -> Self {
        Self { options, regions, topics, listing, is_static: false, known_topics: Arc::default() }
    }

    /// Returns how the items of a source are published; a source that is not listed allows the least.
    pub(super) fn policy_of(&self, source: &SourceId) -> SourcePolicy {
        let at = self.listing.binary_search_by(|listed| listed.id.cmp(source)).ok();
        at.and_then(|at| self.listing.get(at)).map(|source| SourcePolicy::of(source)).unwrap_or_default()
    }

    /// Returns what every page in a language needs; `hour` is the one for which it is rendered.
    pub(super) fn page(&self, language: Language, hour: Moment) -> Page<'_> {
        let options = &self.options;
        Page {
            site: &options.title,
            language,
            zone: &options.zone,
            now: hour,
            url: &options.public_url,
            root: options.root(),
            contact: options.contact.as_deref(),
            has_search: options.search,
        }
    }
}

/// Options for publishing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Title of the whole site.
    pub title: String,
    /// Language of the pages and feeds (BCP 47).
    pub language: String,
    /// Time zone in which pages show times.
    pub zone: Zone,
    /// Maximum number of items in a feed.
    pub items: usize,
    /// Rights notice of the collection.
    pub rights: Option<String>,
    /// Which entries of feeds end with a line about their origin.
    pub footer: Footer,
    /// Maximum size of the response cache, in bytes.
    pub cache_size: usize,
    /// Whether the site has a search.
    pub search: bool,
    /// Base URL of the site, without a slash at the end. Links are built from it, never from a request.
    pub public_url: String,
    /// Whom readers write to about mistakes: an address of mail or of a page.
    pub contact: Option<String>,
    /// Whether the hub sends feeds to subscribers.
    pub hub: bool,
    /// Whether the hubs of sources are listened to.
    pub listens: bool,
}

impl Options {
    /// Returns the path of the base URL, before every path of the site; empty if there is none.
    pub fn root(&self) -> &str {
        let after = self.public_url.find("://").map_or(0, |at| at + 3);
        let rest = self.public_url.get(after..).unwrap_or("");
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("")
    }

    /// Returns the URL of the hub, if there is one.
    pub fn hub_url(&self) -> Option<String> {
        self.hub.then(|| format!("{}/hub", self.public_url))
    }

    /// Returns what our callbacks begin with.
    pub fn callback_base(&self) -> String {
        format!("{}/hub/in/", self.public_url)
    }

    /// Returns the URL of a region's feed.
    pub(super) fn feed_url(&self, region: &RegionId, format: Format) -> String {
        format!("{}/regions/{region}/{}", self.public_url, format.file())
    }
}

/// How the items of a source are published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SourcePolicy {
    /// How much of an item is published.
    pub(super) policy: Policy,
    /// Rights notice for items that have none of their own.
    pub(super) rights: Option<String>,
    /// Categories that every item gets.
    pub(super) topics: Vec<String>,
}

impl SourcePolicy {
    pub(super) fn of(source: &Source) -> Self {
        Self { policy: source.policy, rights: source.rights.clone(), topics: source.topics.clone() }
    }
}
