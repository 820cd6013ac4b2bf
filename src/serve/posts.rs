//! What is posted to the site: requests to the hub.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, StatusCode, header};

use super::answer::{self, Answer};
use super::route::below;
use super::site::Site;

/// Path of the hub.
pub(super) const HUB: &str = "/hub";
/// Largest form, in bytes.
const MAX_FORM: usize = 16 * 1024;
/// How long a form may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(9);

/// Answers a POST.
pub(super) async fn answer(site: &Site, request: Request<Incoming>) -> Answer {
    let Some(hub) = site.hub.get().filter(|_| below(request.uri().path(), site.published().options.root()) == HUB)
    else {
        return if site.published().options.hub {
            answer::busy(5, "the store is being opened\n")
        } else {
            answer::plain(StatusCode::NOT_FOUND, "there is no hub here\n")
        };
    };
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = media_type.split(';').next().unwrap_or("").trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return answer::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/x-www-form-urlencoded\n");
    }
    let body = Limited::new(request.into_body(), MAX_FORM);
    match tokio::time::timeout(ARRIVAL, body.collect()).await {
        Ok(Ok(form)) => {
            let (status, text) = hub.ask(&form.to_bytes());
            answer::told(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), text)
        }
        Ok(Err(_large)) => answer::plain(StatusCode::PAYLOAD_TOO_LARGE, "the form is too large\n"),
        Err(_late) => answer::plain(StatusCode::REQUEST_TIMEOUT, "the form came too slowly\n"),
    }
}
