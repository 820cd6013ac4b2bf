//! What polling asks of the announcements of hubs.

use std::fmt;

use crate::model::{Link, Moment, SourceId};

/// What the hubs of sources announce (WebSub), as far as it changes how often a source is polled.
pub trait Announcements: fmt::Debug + Send + Sync {
    /// Takes in which hub and topic a source names; `None` if none.
    fn named(&self, source: &SourceId, hub: Option<(Link, String)>);

    /// Takes in which sources are polled from now on; those of others are forgotten.
    fn listed(&self, is_listed: &dyn Fn(&SourceId) -> bool);

    /// Returns whether a hub announces what is new at a source, so that it need not be polled often. `found` is given if a
    /// poll has just found something new: the time of the poll before. If nothing was announced since then, the hub is
    /// not relied on until it announces something again.
    fn covers(&self, source: &SourceId, found: Option<Moment>) -> bool;
}
