//! What polling needs of an HTTP response: validators, freshness, Retry-After, Date.

use std::time::Duration;

use headers::{CacheControl, HeaderMapExt};
use reqwest::header::{self, HeaderMap};

use crate::model::{Link, Moment, Validators};

/// Longest freshness hint that is honoured.
const MAX_FRESHNESS: Duration = Duration::from_secs(24 * 3600);
/// Longest Retry-After that is honoured.
const MAX_RETRY: Duration = Duration::from_secs(7 * 24 * 3600);

/// An HTTP response, as far as polling needs it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Address that answered, after redirects.
    pub url: Link,
    /// Status code (RFC 9110, section 15).
    pub status: u16,
    /// The decoded body; empty unless the status is 200.
    pub body: Vec<u8>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// What makes the next request conditional.
    pub validators: Validators,
    /// How long the answer stays fresh (RFC 9111, section 4.2), at most a day.
    pub fresh: Duration,
    /// After how long to try again (RFC 9110, section 10.2.3), at most a week.
    pub retry_after: Option<Duration>,
    /// The `Date` header: the server's own clock.
    pub date: Option<Moment>,
    /// The address to use from now on, if every redirect on the way was permanent.
    pub moved: Option<Link>,
    /// Whether a redirect led from https to http.
    pub downgraded: bool,
    /// Whether the request was sent with validators.
    pub is_conditional: bool,
    /// The hub and the topic that its `Link` headers name (WebSub, section 4), as they are written.
    pub hub: Option<(String, String)>,
}

/// Returns the validators of a response as raw bytes; a value over 1024 bytes is dropped.
pub(super) fn validators(headers: &HeaderMap) -> Validators {
    let bytes = |name| {
        headers
            .get(name)
            .map(|value: &header::HeaderValue| value.as_bytes().to_vec())
            .filter(|value| value.len() <= 1024)
    };
    Validators { etag: bytes(header::ETAG), last_modified: bytes(header::LAST_MODIFIED) }
}

/// Returns the freshness: max-age minus Age, or else Expires relative to the server's own Date.
pub(super) fn fresh(headers: &HeaderMap, now: Moment) -> Duration {
    let control = headers.typed_get::<CacheControl>();
    if control.as_ref().is_some_and(|control| control.no_cache() || control.no_store()) {
        return Duration::ZERO;
    }
    let age = text(headers, header::AGE).and_then(|age| age.trim().parse::<u64>().ok()).unwrap_or(0);
    let fresh = match control.and_then(|control| control.max_age()) {
        Some(most) => most.saturating_sub(Duration::from_secs(age)),
        None => {
            let from = date(headers).unwrap_or(now);
            let until = text(headers, header::EXPIRES).and_then(http_date);
            until.map_or(Duration::ZERO, |until| until.duration_since(from))
        }
    };
    fresh.min(MAX_FRESHNESS)
}

/// Returns Retry-After, whether written as seconds or a date; invalid values and past dates are ignored.
pub(super) fn retry_after(headers: &HeaderMap, now: Moment) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER)?.trim();
    let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let wait = if is_number {
        value.parse().map_or(MAX_RETRY, Duration::from_secs)
    } else {
        let from = date(headers).unwrap_or(now);
        let until = http_date(value)?;
        (until >= from).then(|| until.duration_since(from))?
    };
    Some(wait.min(MAX_RETRY))
}

pub(super) fn date(headers: &HeaderMap) -> Option<Moment> {
    text(headers, header::DATE).and_then(http_date)
}

fn http_date(text: &str) -> Option<Moment> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok().map(Moment::from_seconds)
}

pub(super) fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    const NOW: Moment = Moment::from_seconds(1_678_328_822);

    #[test]
    fn freshness_is_counted_from_the_servers_clock_and_capped_at_a_day() {
        let check =
            |pairs: &[_], expected| assert_eq!(fresh(&headers(pairs), NOW), Duration::from_secs(expected), "{pairs:?}");
        check(&[("cache-control", "max-age=600"), ("age", "100")], 500);
        check(&[("date", "Thu, 09 Mar 2000 02:00:00 GMT"), ("expires", "Thu, 09 Mar 2000 03:00:00 GMT")], 3600);
        check(&[("cache-control", "max-age=99999999")], 86_400);
        check(&[("cache-control", "no-cache, max-age=600")], 0);
        check(&[("expires", "0")], 0);
    }

    /// F8 of the fault list.
    #[test]
    fn retry_after_is_capped_at_a_week_and_never_negative() {
        let check = |value: &str, expected| {
            assert_eq!(retry_after(&headers(&[("retry-after", value)]), NOW), expected, "{value}")
        };
        check("120", Some(Duration::from_secs(120)));
        check("999999999999", Some(MAX_RETRY));
        check("99999999999999999999999999", Some(MAX_RETRY));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(MAX_RETRY));
        check("-5", None);
        check("Thu, 09 Mar 2000 02:00:00 GMT", None);
    }
}
