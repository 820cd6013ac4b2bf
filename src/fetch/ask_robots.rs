//! Asks sites for their robots.txt, and remembers what they allow.

use super::client::{Fetcher, Request};
use super::error::FetchError;
use super::robots::{HOLDS, Permission, WAIT, condensed, site_of};
use crate::model::{Link, Moment, Robots, Validators};

impl Fetcher {
    /// Whether a page may be asked, as far as its site said so lately; `None` where it has to be asked.
    pub fn permission(&self, link: &Link, now: Moment) -> Option<Permission> {
        self.robots.permission(link, now)
    }

    /// Takes in what a site said.
    pub fn learn(&self, link: &Link, said: &Robots, now: Moment) {
        self.robots.learn(link, said, now);
    }

    /// Asks the site of a page for its robots.txt.
    ///
    /// # Errors
    /// Where nothing answers at all, the guard refuses to go there, or its certificate is not trusted: that says nothing of the
    /// site.
    pub async fn ask_robots(&self, request: &Request<'_>, now: Moment) -> Result<Robots, FetchError> {
        let Some(robots) = site_of(request.link) else {
            return Ok(Robots { text: None, until: now.plus_seconds(WAIT) });
        };
        let none = Validators::default();
        let request =
            Request { link: &robots, validators: &none, given_by: None, post: None, is_page: false, ..*request };
        let text = match self.get(request, now).await {
            Ok(answer) if answer.status == 200 => Some(condensed(&answer.body)),
            // What is not there forbids nothing (RFC 9309, section 2.3.1.3).
            Ok(answer) if (400..500).contains(&answer.status) && answer.status != 429 => Some(Vec::new()),
            // That another source trusts no broken certificate says nothing of the site to who does.
            Err(error) if error.is_silence() || matches!(error, FetchError::Blocked(_) | FetchError::Tls { .. }) => {
                return Err(error);
            }
            _ => None,
        };
        let holds = if text.is_some() { HOLDS } else { WAIT };
        Ok(Robots { text, until: now.plus_seconds(holds) })
    }
}
