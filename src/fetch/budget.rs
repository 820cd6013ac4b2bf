//! How much a source may make us ask: counted before each request is sent, whoever it goes to and whatever comes of it.

use std::fmt;

use crate::model::{Link, Moment};

/// What a source may still make us ask and receive.
pub trait Budget: fmt::Debug + Send + Sync {
    /// Counts a request that is about to be sent: of a page, of a robots.txt, or to where a redirect leads.
    ///
    /// # Errors
    /// Returns why it must not be sent.
    fn take(&self, link: &Link, now: Moment) -> Result<(), String>;

    /// Counts bytes of an answer as they come, so that those of an answer that fails count, too.
    fn receive(&self, link: &Link, bytes: usize);
}
