//! What sites allow programs (robots.txt, RFC 9309), asked once a day for each site.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use robotxt::AccessResult;

use crate::model::{Link, Moment, Robots};

/// How long an answer holds, in seconds (RFC 9309, section 2.4).
pub(super) const HOLDS: i64 = 24 * 3600;
/// How long a site whose robots.txt cannot be had is left alone, in seconds.
pub(super) const WAIT: i64 = 3600;
/// The longest pause between two requests that is kept for a site, in milliseconds.
const LONGEST_DELAY: i64 = 60_000;
/// The longest robots.txt that is read, in bytes (RFC 9309, section 2.5).
const LONGEST: usize = 500 * 1024;
/// What is kept of a robots.txt, in bytes; one that says more to a single program forbids everything.
const MAX_KEPT: usize = 16 * 1024;
/// The most sites that are remembered: with what is kept of each, 32 MiB at the very most.
const MOST: usize = 2000;
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

/// What is known of a site.
#[derive(Debug)]
struct Known {
    /// `None` where its robots.txt could not be had.
    rules: Option<robotxt::Robots>,
    until: Moment,
}

/// What sites allow, by the address of their robots.txt.
#[derive(Debug, Default)]
pub(super) struct RobotsCache(Mutex<HashMap<String, Known>>);

impl RobotsCache {
    /// Whether a page may be asked, as far as its site said so lately; `None` where it has to be asked.
    pub(super) fn permission(&self, link: &Link, now: Moment) -> Option<Permission> {
        let site = site_of(link)?;
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = asked.get(site.as_str()).filter(|known| known.until > now)?;
        let Some(rules) = &known.rules else { return Some(Permission::Unknown) };
        if !rules.is_allowed(&link.path_and_query()) {
            return Some(Permission::Forbidden);
        }
        let delay = rules.crawl_delay().map_or(0, |delay| i64::try_from(delay.as_millis()).unwrap_or(LONGEST_DELAY));
        Some(Permission::Allowed(delay.min(LONGEST_DELAY)))
    }

    /// Takes in what a site said.
    pub(super) fn learn(&self, link: &Link, said: &Robots, now: Moment) {
        let Some(site) = site_of(link) else { return };
        let rules = said.text.as_ref().map(|text| rules(AccessResult::Successful(text)));
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= MOST {
            asked.retain(|_, known| known.until > now);
        }
        if asked.len() >= MOST {
            asked.clear();
        }
        asked.insert(site.as_str().to_owned(), Known { rules, until: said.until });
    }
}

/// The address of the robots.txt of a page's site.
pub fn site_of(link: &Link) -> Option<Link> {
    link.join("/robots.txt").ok()
}

/// Of a robots.txt only what is said to us, in its own form: what is kept of a site is its verdict, whatever it sends.
pub(super) fn condensed(text: &[u8]) -> Vec<u8> {
    let text = without_versions(text.get(..LONGEST).unwrap_or(text));
    let said = rules(AccessResult::Successful(&text));
    let mut kept = String::from("user-agent: *\n");
    if let Some(delay) = said.crawl_delay() {
        kept.push_str(&format!("crawl-delay: {}\n", delay.as_secs_f32()));
    }
    // What is forbidden comes first, should there be too much.
    let (forbidden, allowed): (Vec<_>, Vec<_>) = said.rules().iter().partition(|rule| !rule.is_allow());
    for (word, rule) in
        forbidden.into_iter().map(|rule| ("disallow", rule)).chain(allowed.into_iter().map(|rule| ("allow", rule)))
    {
        let line = format!("{word}: {}\n", rule.pattern());
        if kept.len() + line.len() > MAX_KEPT {
            // What cannot be kept is not passed over: the site has to be asked in another way.
            return b"user-agent: *\ndisallow: /\n".to_vec();
        }
        kept.push_str(&line);
    }
    kept.into_bytes()
}

/// The same with only the product token of every name (RFC 9309, section 2.2.1): `Dayuan/1.0` is told to `dayuan`.
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
