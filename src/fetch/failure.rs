//! Finds out what an error of the HTTP client means.

use std::time::Duration;

use super::error::FetchError;
use crate::model::Link;

/// What the HTTP client says where a proxy answered CONNECT, but not with success: it has no type of its own for that, and
/// does not tell the status.
const NO_TUNNEL: &str = "tunnel error: unsuccessful";

/// Returns why a request failed, as far as it concerns the admin. `proxy` is the one that it went through, `timeout` the
/// limit of the whole request.
pub(super) fn explain(error: &reqwest::Error, link: &Link, proxy: Option<String>, timeout: Duration) -> FetchError {
    let causes = || std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source());
    for cause in causes() {
        match cause.downcast_ref::<FetchError>() {
            Some(FetchError::Blocked(reason)) => return FetchError::Blocked(reason.clone()),
            Some(FetchError::Name(name)) => return FetchError::Name(name.clone()),
            _ => {}
        }
    }
    let host = link.host_text().to_owned();
    // The innermost cause says what happened; the outer ones only say where.
    let detail = causes().last().map(ToString::to_string).unwrap_or_default();
    if error.is_timeout() {
        return FetchError::Timeout(timeout);
    }
    if causes().any(|cause| cause.is::<rustls::Error>() || cause.to_string().contains("certificate")) {
        return FetchError::Tls { host, detail };
    }
    if let Some(proxy) = proxy.filter(|_| error.is_connect()) {
        if detail == NO_TUNNEL {
            return FetchError::BeyondProxy { proxy, host };
        }
        return FetchError::Proxy { proxy, detail };
    }
    if error.is_connect() {
        return FetchError::Connect { host, detail };
    }
    // A server that hangs up before it answers counts as silent, like one that never accepts. Depending on timing
    // this shows up as an incomplete message, a reset, or a request that was never sent. Only a received message
    // can violate the protocol.
    let is_garbled = causes()
        .any(|cause| cause.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_parse() || error.is_user()));
    if error.is_request() && !is_garbled {
        let detail = "it closed the connection without an answer".to_owned();
        return FetchError::Connect { host, detail };
    }
    FetchError::Protocol { host, detail }
}
