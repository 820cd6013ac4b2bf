//! What sites allow programs (robots.txt, RFC 9309), asked once a day for each site.

use std::collections::HashMap;
use std::sync::PoisonError;

use robotxt::{AccessResult, Robots};

use super::client::{Fetcher, Request};
use crate::model::{Link, Moment, Tls, Validators};

/// How long an answer holds, in seconds (RFC 9309, section 2.4).
const HOLDS: i64 = 24 * 3600;
/// How long a site whose robots.txt cannot be had is left alone, in seconds.
const WAIT: i64 = 3600;
/// The longest pause between two requests that is kept for a site, in milliseconds.
const LONGEST_DELAY: i64 = 60_000;
/// The most sites that are remembered.
const MOST: usize = 10_000;
/// The name that groups of robots.txt are looked up by.
const NAME: &str = "dayuan";

/// May a page be asked?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Yes, with so many milliseconds between two requests to the site, where it asks for that (Crawl-delay).
    Allowed(i64),
    /// The site forbids it.
    Forbidden,
    /// The site does not say: its robots.txt cannot be had, and its pages are left alone until it can.
    Unknown,
}

/// What a site said.
#[derive(Debug)]
pub(super) struct Said {
    /// `None` where it could not be had.
    rules: Option<Robots>,
    until: Moment,
}

/// The sites that were asked, by scheme, host and port.
pub(super) type Asked = HashMap<String, Said>;

impl Fetcher {
    /// Whether a page may be asked, and whether the site was asked for its robots.txt just now. `request` is the one for
    /// the page.
    pub async fn permission(&self, request: &Request<'_>, now: Moment) -> (Permission, bool) {
        let Ok(robots) = request.link.join("/robots.txt") else { return (Permission::Allowed(0), false) };
        let site = robots.as_str().to_owned();
        if let Some(known) = self.recall(&site, request.link, now) {
            return (known, false);
        }
        let said = self.ask(&robots, request.own_port, request.tls, now).await;
        {
            let mut asked = self.robots.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.len() >= MOST {
                asked.retain(|_, said| said.until > now);
            }
            if asked.len() >= MOST {
                asked.clear();
            }
            asked.insert(site.clone(), said);
        }
        (self.recall(&site, request.link, now).unwrap_or(Permission::Unknown), true)
    }

    fn recall(&self, site: &str, link: &Link, now: Moment) -> Option<Permission> {
        let asked = self.robots.lock().unwrap_or_else(PoisonError::into_inner);
        let said = asked.get(site).filter(|said| said.until > now)?;
        let Some(rules) = &said.rules else { return Some(Permission::Unknown) };
        if !rules.is_allowed(&link.path_and_query()) {
            return Some(Permission::Forbidden);
        }
        let delay = rules.crawl_delay().map_or(0, |delay| i64::try_from(delay.as_millis()).unwrap_or(LONGEST_DELAY));
        Some(Permission::Allowed(delay.min(LONGEST_DELAY)))
    }

    async fn ask(&self, robots: &Link, own_port: u16, tls: Tls, now: Moment) -> Said {
        let request = Request { link: robots, validators: &Validators::default(), own_port, tls, post: None };
        let answer = self.get(request, now).await;
        let rules = match answer {
            Ok(answer) if answer.status == 200 => Some(AccessResult::Successful(&answer.body)).map(rules),
            // What is not there forbids nothing (RFC 9309, section 2.3.1.3).
            Ok(answer) if (400..500).contains(&answer.status) && answer.status != 429 => {
                Some(rules(AccessResult::Unavailable))
            }
            _ => None,
        };
        let wait = if rules.is_some() { HOLDS } else { WAIT };
        Said { rules, until: now.plus_seconds(wait) }
    }
}

fn rules(access: AccessResult<'_>) -> Robots {
    Robots::from_access(access, NAME)
}
