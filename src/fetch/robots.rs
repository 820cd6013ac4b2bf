//! What sites allow programs to fetch (robots.txt, RFC 9309), requested once a day per site.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use robotxt::AccessResult;

use crate::model::{Link, Moment, Robots};

/// How long an answer is valid (RFC 9309, section 2.4).
pub(super) const VALIDITY: Duration = Duration::from_secs(24 * 3600);
/// How long a site is left alone if its robots.txt is unavailable.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(3600);
/// Longest Crawl-delay that is honoured.
const MAX_DELAY: Duration = Duration::from_secs(60);
/// Longest robots.txt that is parsed, in bytes (RFC 9309, section 2.5); the rest is ignored.
const MAX_TEXT_BYTES: usize = 500 * 1024;
/// Limit on the stored rules of a site, in bytes. If the rules that apply to us are longer, everything is forbidden.
const MAX_RULES_BYTES: usize = 16 * 1024;
/// Maximum number of cached sites; with [`MAX_RULES_BYTES`] bytes each, at most 32 MiB.
const MAX_SITES: usize = 2000;
/// Our product token in robots.txt.
const NAME: &str = "dayuan";

/// Whether a page may be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// The page may be fetched.
    Allowed {
        /// The Crawl-delay between two requests to the site; zero if none is given.
        delay: Duration,
        /// Whether its robots.txt was requested just now.
        was_asked: bool,
    },
    /// The site forbids it.
    Forbidden,
    /// The robots.txt is unavailable, so the pages of the site are left alone until it can be fetched.
    Unknown,
}

/// Keeps the robots.txt of sites across restarts.
pub trait RobotsStore: Send + Sync + fmt::Debug {
    /// Returns what is kept under the address of a robots.txt.
    fn robots(&self, site: &Link) -> Option<Robots>;
    /// Keeps a robots.txt under its address.
    fn keep(&self, site: &Link, robots: &Robots);
}

/// Cached rules of a site.
#[derive(Debug)]
struct Known {
    /// `None` if the robots.txt was unavailable.
    rules: Option<robotxt::Robots>,
    until: Moment,
}

/// What sites allow, by the address of their robots.txt.
#[derive(Debug, Default)]
pub(super) struct RobotsCache(Mutex<HashMap<String, Known>>);

impl RobotsCache {
    /// Returns whether a page may be fetched according to the cached rules; `None` if the robots.txt must be fetched
    /// first.
    pub(super) fn permission(&self, link: &Link, now: Moment) -> Option<Permission> {
        let site = site_of(link)?;
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked.get(site.as_str()).filter(|known| known.until > now)?;
        let Some(rules) = &known.rules else { return Some(Permission::Unknown) };
        if !rules.is_allowed(&link.path_and_query()) {
            return Some(Permission::Forbidden);
        }
        let delay = rules.crawl_delay().unwrap_or_default().min(MAX_DELAY);
        Some(Permission::Allowed { delay, was_asked: false })
    }

    /// Caches the rules of a site, by the address of its robots.txt.
    pub(super) fn learn(&self, site: &Link, said: &Robots, now: Moment) {
        let rules = said.text.as_ref().map(|text| rules(AccessResult::Successful(text)));
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= MAX_SITES {
            asked.retain(|_, known| known.until > now);
        }
        if asked.len() >= MAX_SITES {
            asked.clear();
        }
        asked.insert(site.as_str().to_owned(), Known { rules, until: said.until });
    }
}

/// Returns the address of the robots.txt of a page's site.
pub(super) fn site_of(link: &Link) -> Option<Link> {
    link.join("/robots.txt").ok()
}

/// Reduces a robots.txt to the rules that apply to us, so that the stored size is bounded whatever the site sends.
pub(super) fn condensed(text: &[u8]) -> Vec<u8> {
    let text = without_versions(text.get(..MAX_TEXT_BYTES).unwrap_or(text));
    let said = rules(AccessResult::Successful(&text));
    let mut kept = String::from("user-agent: *\n");
    if let Some(delay) = said.crawl_delay() {
        kept.push_str(&format!("crawl-delay: {}\n", delay.as_secs_f32()));
    }
    // Prohibitions first, in case the limit is reached.
    let (forbidden, allowed): (Vec<_>, Vec<_>) = said.rules().iter().partition(|rule| !rule.is_allow());
    for (word, rule) in
        forbidden.into_iter().map(|rule| ("disallow", rule)).chain(allowed.into_iter().map(|rule| ("allow", rule)))
    {
        let line = format!("{word}: {}\n", rule.pattern());
        if kept.len() + line.len() > MAX_RULES_BYTES {
            // Do not drop rules silently: forbid everything. The admin has to arrange access with the site in another
            // way.
            return b"user-agent: *\ndisallow: /\n".to_vec();
        }
        kept.push_str(&line);
    }
    kept.into_bytes()
}

/// Reduces every name to its product token (RFC 9309, section 2.2.1), so that `Dayuan/1.0` matches `dayuan`.
fn without_versions(text: &[u8]) -> Vec<u8> {
    const FIELD: &[u8] = b"user-agent";
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        let is_name = line.trim_ascii_start().get(..FIELD.len()).is_some_and(|start| start.eq_ignore_ascii_case(FIELD));
        match line.iter().position(|byte| *byte == b'/').filter(|_| is_name) {
            Some(end) => {
                out.extend_from_slice(line.get(..end).unwrap_or(line));
                out.push(b'\n');
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

fn rules(access: AccessResult<'_>) -> robotxt::Robots {
    robotxt::Robots::from_access(access, NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p14_a_name_with_a_version_is_a_name() {
        let said = b"User-agent: Dayuan/1.0 (+https://example.com)\nDisallow: /\n\nUser-agent: *\nAllow: /a/b\n";
        let kept = condensed(said);
        assert!(!rules(AccessResult::Successful(&kept)).is_allowed("/a/b"));
        let other = condensed(b"User-agent: Other/1.0\nDisallow: /\n");
        assert!(rules(AccessResult::Successful(&other)).is_allowed("/a/b"));
    }
}
