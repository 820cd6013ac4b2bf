//! What is posted to the site: requests to the hub, and what hubs of sources deliver.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, StatusCode, header};

use super::answer::{self, Answer};
use super::route::below;
use super::site::Site;

/// Path of the hub.
const HUB: &str = "/hub";
/// What the paths of our callbacks begin with.
const CALLBACKS: &str = "/hub/in/";
/// Largest form, in bytes.
const MAX_FORM: usize = 16 * 1024;
/// Largest delivery, in bytes.
const MAX_DELIVERY: usize = 16 * 1024 * 1024;
/// How long a form may take to arrive, or a delivery.
const ARRIVAL: Duration = Duration::from_secs(9);

/// Returns whether something may be posted to a path.
pub(super) fn is_taken(site: &Site, path: &str) -> bool {
    let published = site.published();
    let path = below(path, published.options.root());
    published.options.hub && path == HUB || published.options.listens && path.starts_with(CALLBACKS)
}

/// Answers a POST.
pub(super) async fn answer(site: &Site, request: Request<Incoming>) -> Answer {
    let published = site.published();
    match below(request.uri().path(), published.options.root()).strip_prefix(CALLBACKS).map(str::to_owned) {
        Some(token) => delivery(site, request, &token).await,
        None => form(site, request).await,
    }
}

/// Answers a hub that asks whether we want what was asked for in our name (WebSub, section 5.3).
pub(super) fn verification(site: &Site, token: &str, query: &str) -> Answer {
    match site.callbacks.get().and_then(|callbacks| callbacks.confirm(token, query)) {
        Some(challenge) => answer::told(StatusCode::OK, challenge),
        None => answer::plain(StatusCode::NOT_FOUND, "nothing was subscribed to with this callback\n"),
    }
}

/// Takes in what a hub delivers. A hub whose subscription is not ours is told that it has ended (WebSub, section 7).
async fn delivery(site: &Site, request: Request<Incoming>, token: &str) -> Answer {
    let Some(callbacks) = site.callbacks.get() else { return answer::busy(5, "the store is being opened\n") };
    let signature = request.headers().get("x-hub-signature").and_then(|value| value.to_str().ok());
    let Some(mut delivery) = callbacks.expect(token, signature) else {
        return answer::plain(StatusCode::GONE, "nothing is subscribed to with this callback\n");
    };
    let mut body = Limited::new(request.into_body(), MAX_DELIVERY);
    let arrived = async {
        while let Some(frame) = body.frame().await {
            if let Some(piece) = frame?.data_ref() {
                delivery.take(piece);
            }
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(delivery.end())
    };
    match tokio::time::timeout(ARRIVAL, arrived).await {
        Ok(Ok(true)) => answer::plain(StatusCode::ACCEPTED, "taken\n"),
        Ok(Ok(false)) => answer::busy(5, "too many deliveries; try again soon\n"),
        Ok(Err(_large)) => answer::plain(StatusCode::PAYLOAD_TOO_LARGE, "the delivery is too large\n"),
        Err(_late) => answer::plain(StatusCode::REQUEST_TIMEOUT, "the delivery came too slowly\n"),
    }
}

/// Answers a form that is posted to the hub.
async fn form(site: &Site, request: Request<Incoming>) -> Answer {
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
