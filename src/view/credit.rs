//! Whom reports credit as their origin.

use super::sources::{Sources, host};
use crate::log::SourceFacts;
use crate::model::{Draft, Link};

/// Suffixes that may be added to a publisher's name without making it another publisher.
const TAILS: [&str; 18] = [
    "社",
    "报社",
    "网",
    "在线",
    "新闻网",
    "网站",
    "门户网站",
    "政府网",
    "官网",
    "官方",
    "微信",
    "微信公众号",
    "公众号",
    "微博",
    "客户端",
    "订阅",
    "新闻",
    "RSS",
];

impl Sources {
    /// Returns whether a report names this source as its origin.
    pub(super) fn credits(&self, draft: &Draft, facts: &SourceFacts) -> bool {
        let Some(credit) = &draft.credit else { return false };
        let squeezed = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let (name, title) = (squeezed(&credit.name), squeezed(&facts.title));
        let is_one = |short: &str, long: &str| {
            short.chars().count() >= 3 && long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || is_tail(rest))
        };
        is_one(&name, &title)
            || title.chars().count() >= 4 && name.starts_with(&title)
            || is_one(&title, &name)
            || self.leads_to(draft, credit.link.as_deref(), facts)
    }

    /// Returns whether the address that a report credits is a source's: at or above the source's own address, or anywhere
    /// on its host if no other source is there. A report that leads to its own site credits nobody.
    fn leads_to(&self, draft: &Draft, credited: Option<&str>, facts: &SourceFacts) -> bool {
        let parsed = |text: Option<&str>| Link::parse(text?).ok();
        let (Some(to), Some(source)) = (parsed(credited), parsed(Some(&facts.link))) else { return false };
        let leads_home = || parsed(draft.link.as_deref()).is_some_and(|own| host(&own) == host(&to));
        let is_within = || {
            let rest = source.path().strip_prefix(to.path().trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        host(&to) == host(&source) && !leads_home() && (is_within() || self.are_alone_at(&host(&to)))
    }
}

/// Returns whether the rest of a name consists of such suffixes only.
fn is_tail(mut rest: &str) -> bool {
    while let Some(tail) = TAILS.iter().filter(|tail| rest.ends_with(**tail)).max_by_key(|tail| tail.len()) {
        rest = rest.strip_suffix(*tail).unwrap_or("");
    }
    rest.is_empty()
}
