//! Asks sites for their robots.txt, and remembers what they allow.

use super::client::{Fetcher, Request};
use super::error::FetchError;
use super::robots::{Permission, RETRY_AFTER, VALIDITY, condensed, site_of};
use crate::model::{Link, Moment, Robots, Validators};

impl Fetcher {
    /// Returns whether a page may be fetched according to the cached rules; `None` if the robots.txt must be fetched
    /// first.
    pub fn permission(&self, link: &Link, now: Moment) -> Option<Permission> {
        self.robots.permission(link, now)
    }

    /// Caches the rules of a site.
    pub fn learn(&self, link: &Link, said: &Robots, now: Moment) {
        self.robots.learn(link, said, now);
    }

    /// Fetches the robots.txt of a page's site.
    ///
    /// # Errors
    /// If nothing answers, the guard refuses the request, or the certificate is not trusted: none of these says
    /// anything about the site's rules.
    pub async fn ask_robots(&self, request: &Request<'_>, now: Moment) -> Result<Robots, FetchError> {
        let Some(robots) = site_of(request.link) else {
            return Ok(Robots { text: None, until: now.plus_seconds(RETRY_AFTER) });
        };
        let none = Validators::default();
        let request =
            Request { link: &robots, validators: &none, given_by: None, post: None, is_page: false, ..*request };
        let text = match self.get(request, now).await {
            Ok(answer) if answer.status == 200 => Some(condensed(&answer.body)),
            // A missing robots.txt forbids nothing (RFC 9309, section 2.3.1.3).
            Ok(answer) if (400..500).contains(&answer.status) && answer.status != 429 => Some(Vec::new()),
            // A certificate that this source does not accept may be fine for a source with `tls = "lenient"`.
            Err(error) if error.is_silence() || matches!(error, FetchError::Blocked(_) | FetchError::Tls { .. }) => {
                return Err(error);
            }
            _ => None,
        };
        let holds = if text.is_some() { VALIDITY } else { RETRY_AFTER };
        Ok(Robots { text, until: now.plus_seconds(holds) })
    }
}
