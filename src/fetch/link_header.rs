//! The `Link` header (RFC 8288), as far as WebSub needs it.

use reqwest::header::{self, HeaderMap};

/// How much of the headers is looked at, in bytes.
const MAX_BYTES: usize = 8192;

/// Returns the targets of the first links with the relations `hub` and `self`, as they are written (WebSub, section 4).
/// Both, or none: a hub without a topic is of no use.
pub(super) fn hub(headers: &HeaderMap) -> Option<(String, String)> {
    let mut room = MAX_BYTES;
    let (mut hub, mut topic) = (None, None);
    for value in headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok()) {
        room = room.checked_sub(value.len())?;
        for (target, parameters) in links(value) {
            let is = |relation: &str| relations(parameters).any(|name| name.eq_ignore_ascii_case(relation));
            if hub.is_none() && is("hub") {
                hub = Some(target.to_owned());
            } else if topic.is_none() && is("self") {
                topic = Some(target.to_owned());
            }
        }
    }
    hub.zip(topic)
}

/// Splits a header into targets and their parameters.
fn links(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let (target, after) = rest.split_once('<')?.1.split_once('>')?;
        let (parameters, further) = at_unquoted(after, b',');
        rest = further;
        Some((target.trim(), parameters))
    })
}

/// Returns the names in the first `rel` parameter, which may be several.
fn relations(parameters: &str) -> impl Iterator<Item = &str> {
    let mut rest = parameters;
    let mut pairs = std::iter::from_fn(|| {
        let (pair, further) = at_unquoted(rest, b';');
        rest = further;
        (!pair.is_empty() || !rest.is_empty()).then_some(pair)
    });
    let rel = pairs.find_map(|pair| pair.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("rel")));
    rel.map_or("", |(_, value)| value).trim().trim_matches('"').split_whitespace()
}

/// Splits a text at the first such byte that is not between quotation marks.
fn at_unquoted(text: &str, mark: u8) -> (&str, &str) {
    let mut is_quoted = false;
    let at = text.bytes().position(|byte| {
        is_quoted ^= byte == b'"';
        byte == mark && !is_quoted
    });
    let (before, after) = text.split_at_checked(at.unwrap_or(text.len())).unwrap_or((text, ""));
    (before, after.get(1..).unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], expected: Option<(&str, &str)>) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::LINK, value.parse().unwrap());
        }
        let expected = expected.map(|(hub, topic)| (hub.to_owned(), topic.to_owned()));
        assert_eq!(hub(&headers), expected, "{values:?}");
    }

    #[test]
    fn hub_and_self_in_one_header_or_two() {
        let both = Some(("https://hub.example/", "https://a.example/feed"));
        check(&["<https://hub.example/>; rel=\"hub\", <https://a.example/feed>; rel=\"self\""], both);
        check(
            &["<https://hub.example/>; rel=hub", "<https://a.example/feed>; title=\"a, b; rel=x\"; REL=\"self x\""],
            both,
        );
        check(
            &["<https://a.example/?a,b>; rel=next, <https://hub.example/>; rel=hub,<https://a.example/feed>;rel=self"],
            both,
        );
    }

    #[test]
    fn a_hub_without_a_topic_and_nonsense_are_none() {
        check(&["<https://hub.example/>; rel=hub"], None);
        check(&["https://hub.example/; rel=hub, <x>; rel=self"], None);
        check(&["<https://hub.example/>; rel=github, <x>; rel=self"], None);
        check(&["<<<<<", ",,,", "<>; rel"], None);
        check(&[&"<a>; rel=x,".repeat(900), "<h>; rel=hub, <t>; rel=self"], None);
    }
}
