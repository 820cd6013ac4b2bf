//! Turns a document into a response: content negotiation, conditional requests and ranges (RFC 9110, sections 12 to
//! 14).

use bytes::Bytes;
use headers::{HeaderMapExt, IfModifiedSince, IfNoneMatch};
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::document::{Coding, Document, Representation};

/// The type of every response.
pub(super) type Answer = Response<Full<Bytes>>;

/// How long a cache may use a document without revalidation.
pub(super) const FRESH: &str = "max-age=300";
/// What a page may load and do (Content Security Policy).
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; img-src https: http:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Maximum length of the If-None-Match fields that are parsed, in bytes; no honest client sends more.
const MAX_CONDITION: usize = 8 * 1024;

/// Returns a document as the response to a request.
pub(super) fn document<B>(request: &Request<B>, document: &Document, is_page: bool) -> Answer {
    let headers = request.headers();
    let Some(chosen) = choose(headers, document) else {
        return plain(StatusCode::NOT_ACCEPTABLE, "no representation is acceptable\n");
    };
    let mut response = Response::new(Full::default());
    // Reserve space for all headers at once; growing the map header by header is a good part of the cost of a response.
    response.headers_mut().reserve(12);
    put_common(response.headers_mut(), document, chosen, is_page);
    if is_not_modified(headers, document) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let media_type = if document.is_xml_feed && is_opened(headers) {
        // Nothing in it may run, whatever slipped through.
        put_safe(response.headers_mut());
        HeaderValue::from_static("application/xml; charset=utf-8")
    } else {
        document.media_type.clone()
    };
    put(response.headers_mut(), header::CONTENT_TYPE, media_type);
    if chosen.coding != Coding::Identity {
        put(response.headers_mut(), header::CONTENT_ENCODING, HeaderValue::from_static(chosen.coding.name()));
    }
    let mut body = chosen.bytes.clone();
    // A range is of GET only (RFC 9110, section 14.2).
    let wanted = if request.method() == Method::GET { range(headers, chosen, document) } else { Range::Whole };
    match wanted {
        Range::Whole => {}
        Range::Part(from, to) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            put_text(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes {from}-{to}/{}", body.len()));
            body = body.slice(from..to + 1);
        }
        Range::Unsatisfiable => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            put_text(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{}", body.len()));
            body = Bytes::new();
        }
    }
    if request.method() == Method::HEAD {
        put(response.headers_mut(), header::CONTENT_LENGTH, body.len().into());
    } else {
        *response.body_mut() = Full::new(body);
    }
    response
}

/// Returns whether a browser opens the document, rather than a program or a page that reads it (Fetch Metadata, W3C).
fn is_opened(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-dest").is_some_and(|target| target == "document")
}

/// Returns a short response in plain text.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    put(response.headers_mut(), header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    put_safe(response.headers_mut());
    response
}

/// Returns a short response in plain text that is made for one request.
pub(super) fn told(status: StatusCode, text: String) -> Answer {
    let mut response = plain(status, "");
    *response.body_mut() = Full::new(text.into());
    response
}

/// Returns a permanent redirect.
pub(super) fn moved(location: &str) -> Answer {
    let mut response = plain(StatusCode::MOVED_PERMANENTLY, "moved\n");
    put_text(response.headers_mut(), header::LOCATION, location);
    response
}

/// Returns 503 with Retry-After, in seconds.
pub(super) fn busy(seconds: u64, text: &'static str) -> Answer {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, text);
    put(response.headers_mut(), header::RETRY_AFTER, seconds.into());
    response
}

/// Returns a page that is rendered for one request, such as an error page.
pub(super) fn page(status: StatusCode, html: Vec<u8>) -> Answer {
    let mut response = Response::new(Full::new(html.into()));
    *response.status_mut() = status;
    put(response.headers_mut(), header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    put_safe(response.headers_mut());
    response
}

fn put_common(headers: &mut HeaderMap, document: &Document, chosen: &Representation, is_page: bool) {
    put(headers, header::ETAG, chosen.etag.clone());
    if let Some(links) = &document.links {
        put(headers, header::LINK, links.clone());
    }
    put(headers, header::LAST_MODIFIED, document.last_modified_header.clone());
    put(headers, header::CACHE_CONTROL, HeaderValue::from_static(FRESH));
    put(headers, header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let vary = match (is_page, document.is_xml_feed) {
        (true, _) => "accept-encoding, accept-language",
        (false, true) => "accept-encoding, sec-fetch-dest",
        (false, false) => "accept-encoding",
    };
    put(headers, header::VARY, HeaderValue::from_static(vary));
    if is_page {
        put_safe(headers);
    } else {
        put(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        put(headers, header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
}

/// Adds the headers that keep a browser from running scripts, loading frames or sending referrers.
fn put_safe(headers: &mut HeaderMap) {
    put(headers, header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    put(headers, header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    put(headers, header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.insert(name, value);
}

fn put_text(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Returns the best representation that the client accepts; among equal preferences, the smallest.
fn choose<'a>(headers: &HeaderMap, document: &'a Document) -> Option<&'a Representation> {
    let Some(accepted) = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()) else {
        return document.representation(Coding::Identity);
    };
    let mut any = None;
    let mut named: [(Coding, Option<u16>); 4] =
        [(Coding::Brotli, None), (Coding::Zstd, None), (Coding::Gzip, None), (Coding::Identity, None)];
    for part in accepted.split(',').take(32) {
        let mut pieces = part.split(';');
        let name = pieces.next().unwrap_or("").trim();
        let weight = pieces.find_map(|piece| weight(piece.trim())).unwrap_or(1000);
        if name == "*" {
            any = Some(weight);
        }
        for (coding, wish) in &mut named {
            if coding.name().eq_ignore_ascii_case(name)
                || (*coding == Coding::Gzip && name.eq_ignore_ascii_case("x-gzip"))
            {
                *wish = Some(weight);
            }
        }
    }
    let wishes = named.iter().filter_map(|(coding, wish)| {
        let implied = match (coding, any) {
            (Coding::Identity, Some(0)) => 0,
            // If the client does not name it, the identity coding is acceptable but least preferred.
            (Coding::Identity, _) => 1,
            (_, any) => any.unwrap_or(0),
        };
        let weight = wish.unwrap_or(implied);
        let representation = document.representation(*coding).filter(|_| weight > 0)?;
        Some((weight, std::cmp::Reverse(representation.bytes.len()), representation))
    });
    wishes.max_by_key(|(weight, size, _)| (*weight, *size)).map(|(_, _, representation)| representation)
}

/// Parses a quality value, in thousandths.
fn weight(parameter: &str) -> Option<u16> {
    let value: f32 = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?.trim().parse().ok()?;
    [0, 1000]
        .into_iter()
        .find(|end| f32::from(*end) == value * 1000.0)
        .or_else(|| (1..1000).find(|thousandths| f32::from(*thousandths) >= value * 1000.0 - 0.5))
}

/// Returns whether the client holds the current document. If-None-Match takes precedence over If-Modified-Since. The
/// validator of any representation matches, because all of them are of the same document.
fn is_not_modified(headers: &HeaderMap, document: &Document) -> bool {
    let conditions = headers.get_all(header::IF_NONE_MATCH);
    let length: usize = conditions.iter().map(HeaderValue::len).sum();
    if length > 0 {
        if length > MAX_CONDITION {
            return false;
        }
        // The common case, without parsing.
        if document
            .representations()
            .any(|representation| conditions.iter().any(|condition| condition == representation.etag))
        {
            return true;
        }
        let parsed = headers.typed_get::<IfNoneMatch>();
        return parsed.is_some_and(|condition| {
            document.representations().filter_map(etag).any(|etag| !condition.precondition_passes(&etag))
        });
    }
    // Only the exact date that was sent proves which bytes the client holds: if the clock was set back, or the config
    // changed twice within a second, a later date proves nothing.
    let since = headers.typed_get::<IfModifiedSince>();
    since.is_some_and(|since| {
        let modified = std::time::UNIX_EPOCH
            + std::time::Duration::from_secs(u64::try_from(document.last_modified.seconds()).unwrap_or(0));
        std::time::SystemTime::from(since) == modified
    })
}

fn etag(representation: &Representation) -> Option<headers::ETag> {
    representation.etag.to_str().ok()?.parse().ok()
}

enum Range {
    Whole,
    /// First and last byte, both included.
    Part(usize, usize),
    Unsatisfiable,
}

/// Parses a single range; several ranges, or one that is malformed, are ignored.
fn range(headers: &HeaderMap, chosen: &Representation, document: &Document) -> Range {
    let Some(wanted) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Range::Whole };
    if let Some(condition) = headers.get(header::IF_RANGE)
        && *condition != chosen.etag
        && *condition != document.last_modified_header
    {
        return Range::Whole;
    }
    let Some((from, to)) = wanted.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Range::Whole;
    };
    let length = chosen.bytes.len();
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let part = match (from.trim(), to.trim()) {
        ("", last) => number(last).map(|last| (length.saturating_sub(last), length.saturating_sub(1))),
        (first, "") => number(first).map(|first| (first, length.saturating_sub(1))),
        (first, last) => number(first).zip(number(last)).filter(|(first, last)| first <= last),
    };
    match part {
        None => Range::Whole,
        Some((from, _)) if from >= length => Range::Unsatisfiable,
        Some((from, to)) => Range::Part(from, to.min(length - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Moment;

    fn feed() -> Document {
        let bytes = "<feed>阳泉</feed>".repeat(200).into_bytes();
        Document::new("application/atom+xml", bytes, Moment::from_seconds(1_678_328_822))
    }

    fn ask(pairs: &[(&'static str, &str)]) -> Answer {
        let mut request = Request::new(());
        for (name, value) in pairs {
            request.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        document(&request, &feed(), false)
    }

    fn coding(answer: &Answer) -> &str {
        answer.headers().get("content-encoding").map_or("identity", |value| value.to_str().unwrap())
    }

    #[test]
    fn representations_are_chosen_as_asked() {
        let check = |accepted: &str, expected: &str| {
            assert_eq!(coding(&ask(&[("accept-encoding", accepted)])), expected, "{accepted}")
        };
        check("gzip", "gzip");
        check("gzip;q=0.5, br;q=0.9", "br");
        check("identity", "identity");
        check("gzip;q=0", "identity");
        check("nonsense", "identity");
        assert_ne!(coding(&ask(&[("accept-encoding", "*")])), "identity");
        assert_eq!(ask(&[("accept-encoding", "identity;q=0, gzip;q=0")]).status(), 406);
        assert_eq!(coding(&ask(&[])), "identity");
    }

    #[test]
    fn each_representation_has_its_own_validator_and_each_is_honoured() {
        let tags: Vec<String> = ["identity", "gzip", "br", "zstd"]
            .map(|coding| ask(&[("accept-encoding", coding)]).headers()["etag"].to_str().unwrap().to_owned())
            .into();
        assert_eq!(tags.iter().collect::<std::collections::HashSet<_>>().len(), 4);
        for tag in &tags {
            assert_eq!(ask(&[("if-none-match", tag)]).status(), 304);
            assert_eq!(ask(&[("if-none-match", &format!("\"x\", W/{tag}"))]).status(), 304);
        }
        assert_eq!(ask(&[("if-none-match", "*")]).status(), 304);
        assert_eq!(ask(&[("if-none-match", "\"x\"")]).status(), 200);
        assert_eq!(ask(&[("if-none-match", &format!("\"{}\"", "x".repeat(1 << 20)))]).status(), 200);
    }

    #[test]
    fn dates_are_honoured_only_without_validators() {
        let check =
            |pairs: &[(&'static str, &str)], expected: u16| assert_eq!(ask(pairs).status(), expected, "{pairs:?}");
        check(&[("if-modified-since", "Thu, 09 Mar 2023 02:27:02 GMT")], 304);
        check(&[("if-modified-since", "Thu, 09 Mar 2023 02:27:01 GMT")], 200);
        check(&[("if-modified-since", "Thu, 09 Mar 2023 02:27:02 GMT"), ("if-none-match", "\"x\"")], 200);
        check(&[("if-modified-since", "yesterday")], 200);
    }

    #[test]
    fn one_range_or_all() {
        let check = |range: &str, status: u16, content: Option<&str>| {
            let answer = ask(&[("range", range)]);
            assert_eq!(answer.status(), status, "{range}");
            assert_eq!(answer.headers().get("content-range").map(|v| v.to_str().unwrap()), content, "{range}");
        };
        check("bytes=0-9", 206, Some("bytes 0-9/3800"));
        check("bytes=-5", 206, Some("bytes 3795-3799/3800"));
        check("bytes=3790-", 206, Some("bytes 3790-3799/3800"));
        check("bytes=3800-", 416, Some("bytes */3800"));
        check("bytes=0-0,1-1", 200, None);
        check(&format!("bytes={}", "0-0,".repeat(1000)), 200, None);
        check("bytes=5-2", 200, None);
    }

    #[test]
    fn an_evil_path_cannot_split_a_header() {
        assert!(moved("/a\r\nevil: 1").headers().get("location").is_none());
    }
}
