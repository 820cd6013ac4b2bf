//! What is asked of a site, and with which rights.

use super::address_limiter::PollPlace;
use super::budget::Budget;
use crate::model::{Link, RequestOptions, Source, Tls, Validators};

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The address to fetch.
    pub link: &'a Link,
    /// Validators received with the last answer.
    pub validators: &'a Validators,
    /// Address that gave the validators: the requested one, or one that it redirects to. They are sent to no other
    /// address.
    pub given_by: Option<&'a Link>,
    /// Port of the source's own address, which is therefore allowed.
    pub own_port: u16,
    /// Whether connections may go into the networks that an admin allowed; only set for sources whose own address is
    /// there.
    pub is_inside: bool,
    /// Where a redirect needs the permission of a robots.txt.
    pub robots: RobotsScope,
    /// What its sending is counted against.
    pub budget: Option<&'a dyn Budget>,
    /// The source for which it is sent, whose own headers, credentials and proxy it has.
    pub source: Option<&'a Source>,
    /// How certificates are checked.
    pub tls: Tls,
    /// Form to be posted, if the address answers to POST only.
    pub post: Option<&'a str>,
    /// Where the poll of this host is; its host is asked at that IP address.
    pub place: Option<&'a PollPlace>,
}

/// Where a redirect needs the permission of a robots.txt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RobotsScope {
    /// Nowhere: what is asked for is a robots.txt, or asked for by an admin's hand.
    Nowhere,
    /// On other sites: the address may be that of a feed, for which its own site needs to give none.
    OtherSites,
    /// Everywhere.
    Everywhere,
}

/// The validators of a document that was never fetched.
pub(super) static NO_VALIDATORS: Validators = Validators { etag: None, last_modified: None };

impl<'a> Request<'a> {
    /// Requests an address without any rights: no validators, no form, no allowed network; its own port is allowed.
    pub fn to(link: &'a Link) -> Self {
        Self {
            link,
            validators: &NO_VALIDATORS,
            given_by: None,
            own_port: link.port(),
            is_inside: false,
            robots: RobotsScope::Nowhere,
            budget: None,
            source: None,
            tls: Tls::Strict,
            post: None,
            place: None,
        }
    }

    /// Requests the page at `link` for a source, with the rights that the source has: without validators or form, and
    /// free to redirect.
    pub fn page(source: &'a Source, link: &'a Link) -> Self {
        Self {
            own_port: source.url.port(),
            is_inside: source.is_inside,
            robots: RobotsScope::Everywhere,
            source: Some(source),
            tls: source.tls,
            ..Self::to(link)
        }
    }

    /// Returns whether a redirect to an address needs the permission of its robots.txt.
    pub(super) fn needs_permission(&self, target: &Link) -> bool {
        match self.robots {
            RobotsScope::Nowhere => false,
            RobotsScope::OtherSites => target.registrable_domain() != self.link.registrable_domain(),
            RobotsScope::Everywhere => true,
        }
    }

    /// Returns what the source's requests carry besides the usual.
    pub(super) fn options(&self) -> Option<&'a RequestOptions> {
        self.source.and_then(|source| source.request.as_deref())
    }
}
