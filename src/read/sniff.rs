//! What a document begins like.

use super::markup::{text, tokens};

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

pub(super) fn sniff(start: &str) -> Sniffed {
    const HTML: [&str; 16] = [
        "html", "head", "body", "meta", "title", "script", "style", "link", "div", "table", "ul", "center", "section",
        "main", "p", "a",
    ];
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
        tokens::Token::Start { name, .. } if HTML.iter().any(|html| html.eq_ignore_ascii_case(name)) => {
            Some(Sniffed::Html)
        }
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
