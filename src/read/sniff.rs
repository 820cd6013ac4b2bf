//! What a document begins like.

use super::markup::{text, tokens};
use super::tables::elements::{elements, holds};

/// What a document starts like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    Json,
    Html,
    Xml,
    Sitemap,
    /// Records of the hanweb platform.
    Records,
    /// JSONP, or a script that assigns a variable.
    Script,
}

/// How far into a document a feed may begin, in bytes: programs write warnings, styles and whole pages around it.
const MAX_BEFORE_FEED: usize = 64 * 1024;

/// Returns a document from the root of its feed on, if something else stands before: a warning of a program, a style,
/// the page that a template put around it.
pub(super) fn feed_within(text: &str) -> Option<&str> {
    let mut tokens = tokens::Tokens::new(text);
    let mut raw: Option<&str> = None;
    let mut is_first = true;
    while let Some(token) = tokens.next() {
        if tokens.start() > MAX_BEFORE_FEED {
            return None;
        }
        match token {
            tokens::Token::End { name } if raw.is_some_and(|open| open.eq_ignore_ascii_case(name)) => raw = None,
            tokens::Token::Start { name, inside, closed } if raw.is_none() => {
                if is_feed_root(name, inside) {
                    return if is_first { None } else { text.get(tokens.start()..) };
                }
                is_first = false;
                const RAW: [&str; 5] = ["script", "style", "textarea", "xmp", "template"];
                raw = RAW.into_iter().find(|known| !closed && known.eq_ignore_ascii_case(name));
            }
            _ => {}
        }
    }
    None
}

/// The most text before an escaped feed, in bytes: a page that writes about feeds has more.
const MAX_TEXT_BEFORE: usize = 200;

/// Returns the feed that a page shows as text in its `<pre>`, as some systems and viewers send it.
pub(super) fn feed_escaped(page: &str) -> Option<String> {
    let mut before = 0;
    let mut is_open = false;
    let mut feed = String::new();
    for token in tokens::Tokens::new(page) {
        match token {
            tokens::Token::Start { name, .. } if !is_open && name.eq_ignore_ascii_case("pre") => is_open = true,
            tokens::Token::End { name } if is_open && name.eq_ignore_ascii_case("pre") => break,
            tokens::Token::Text(raw) if is_open => {
                feed.push_str(&text::resolve(raw, &text::Definitions::none()));
            }
            tokens::Token::Text(raw) => before += raw.trim().len(),
            _ => {}
        }
        if before > MAX_TEXT_BEFORE {
            return None;
        }
    }
    let mut shown = tokens::Tokens::new(&feed);
    let root = shown.find_map(|token| match token {
        tokens::Token::Start { name, inside, .. } => Some(is_feed_root(name, inside)),
        _ => None,
    });
    (root == Some(true)).then_some(feed)
}

/// Returns whether a tag is the root of a feed beyond doubt, as pages have none.
fn is_feed_root(name: &str, inside: &str) -> bool {
    let local = name.rsplit(':').next().unwrap_or(name);
    let says = |part: &str| tokens::attributes(inside).any(|(_, value)| value.to_ascii_lowercase().contains(part));
    match local.to_ascii_lowercase().as_str() {
        "rss" => tokens::attribute(inside, "version").is_some(),
        "feed" => says("/atom"),
        "rdf" => says("purl.org/rss/") || says("netscape.com/rdf"),
        _ => false,
    }
}

pub(super) fn sniff(start: &str) -> Sniffed {
    if start.starts_with(['{', '[']) {
        return Sniffed::Json;
    }
    let head: String = start.chars().take(200).take_while(|c| *c != '<').collect();
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || " _$.;=\n\r\t/*()?typeof'".contains(c))
    };
    if head.find(['(', '=']).is_some_and(|_| head.find(['{', '[']).is_some_and(|at| is_name(text::head(&head, at)))) {
        return Sniffed::Script;
    }
    let first = tokens::Tokens::new(text::head(start, 64 * 1024)).find_map(|token| match token {
        tokens::Token::Doctype(inside)
            if inside.trim_start().get(..4).is_some_and(|name| name.eq_ignore_ascii_case("html")) =>
        {
            Some(Sniffed::Html)
        }
        tokens::Token::Start { name, .. } if holds(&elements().page, name) => Some(Sniffed::Html),
        tokens::Token::Start { name, .. }
            if ["urlset", "sitemapindex"].iter().any(|root| name.eq_ignore_ascii_case(root)) =>
        {
            Some(Sniffed::Sitemap)
        }
        tokens::Token::Start { name, .. }
            if ["datastore", "recordset"].iter().any(|root| name.eq_ignore_ascii_case(root)) =>
        {
            Some(Sniffed::Records)
        }
        tokens::Token::Start { .. } => Some(Sniffed::Xml),
        _ => None,
    });
    first.unwrap_or(Sniffed::Xml)
}
