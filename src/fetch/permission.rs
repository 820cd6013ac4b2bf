//! Whether a page may be fetched, according to the robots.txt of its site: the only place that keeps them.

use super::client::Fetcher;
use super::error::FetchError;
use super::request::{NO_VALIDATORS, Request, RobotsScope};
use super::robots::{Permission, RETRY_AFTER, VALIDITY, condensed, site_of};
use crate::model::{Link, Moment, Robots};

impl Fetcher {
    /// Returns whether the page of a request may be fetched. Fetches the site's robots.txt at most once a day, across
    /// restarts.
    ///
    /// # Errors
    /// If robots.txt is requested and nothing answers, the guard refuses the request, or the certificate is not trusted:
    /// none of these says anything about the site's rules.
    pub async fn permission(&self, request: &Request<'_>, now: Moment) -> Result<Permission, FetchError> {
        if let Some(known) = self.robots.permission(request.link, now) {
            return Ok(known);
        }
        let Some(site) = site_of(request.link) else { return Ok(Permission::Unknown) };
        let kept = self.robots_store.as_ref().and_then(|store| store.robots(&site)).filter(|kept| kept.until > now);
        let is_new = kept.is_none();
        let robots = match kept {
            Some(kept) => kept,
            None => Box::pin(self.ask_robots(request, &site, now)).await?,
        };
        self.learn(&site, &robots, now, is_new);
        Ok(match self.robots.permission(request.link, now) {
            Some(Permission::Allowed { delay, .. }) => Permission::Allowed { delay, was_asked: is_new },
            Some(refusal) => refusal,
            None => Permission::Unknown,
        })
    }

    /// Forgets that the robots.txt of a page's site could not be fetched, so that it is fetched anew.
    pub fn forget_unknown(&self, link: &Link, now: Moment) {
        let Some(site) = site_of(link) else { return };
        let kept = self.robots_store.as_ref().and_then(|store| store.robots(&site));
        if kept.is_some_and(|kept| kept.text.is_none() && kept.until > now) {
            self.learn(&site, &Robots { text: None, until: now }, now, true);
        }
    }

    fn learn(&self, site: &Link, robots: &Robots, now: Moment, is_new: bool) {
        if let Some(store) = self.robots_store.as_ref().filter(|_| is_new) {
            store.keep(site, robots);
        }
        self.robots.learn(site, robots, now);
    }

    async fn ask_robots(&self, request: &Request<'_>, site: &Link, now: Moment) -> Result<Robots, FetchError> {
        let asked = Request {
            link: site,
            validators: &NO_VALIDATORS,
            given_by: None,
            post: None,
            robots: RobotsScope::Nowhere,
            ..*request
        };
        let text = match self.get(asked, now).await {
            Ok(answer) if answer.status == 200 => Some(condensed(&answer.body)),
            // A missing robots.txt forbids nothing (RFC 9309, section 2.3.1.3).
            Ok(answer) if (400..500).contains(&answer.status) && answer.status != 429 => Some(Vec::new()),
            Err(error) if error.is_silence() || error.is_own() => return Err(error),
            _ => None,
        };
        let holds = if text.is_some() { VALIDITY } else { RETRY_AFTER };
        Ok(Robots { text, until: now + holds })
    }
}
