//! The requests to subscribers: verifications and deliveries.

use std::net::IpAddr;

use super::book::Delivery;
use super::signature::sign;
use super::token;
use super::wish::{Mode, Wish};
use crate::fetch::{Fetcher, Push};

/// How much of the answer to a verification is read, in bytes; the challenge is far shorter.
const MAX_ECHO: usize = 1024;

/// Asks a callback whether it wants what was asked for in its name (WebSub, section 5.3), or tells it that it is denied
/// (5.2). It is asked at the address whose turn it is: its name might lead to another one by now. Returns whether it agreed.
pub(super) async fn verify(fetcher: &Fetcher, wish: &Wish, address: IpAddr) -> bool {
    let Some(challenge) = token::random() else { return false };
    let lease = wish.lease.to_string();
    let mut pairs = vec![("hub.mode", wish.mode.word()), ("hub.topic", wish.topic.as_str())];
    match wish.mode {
        Mode::Deny(reason) => pairs.push(("hub.reason", reason)),
        Mode::Subscribe => pairs.extend([("hub.challenge", challenge.as_str()), ("hub.lease_seconds", lease.as_str())]),
        Mode::Unsubscribe => pairs.push(("hub.challenge", challenge.as_str())),
    }
    let answered = fetcher.ask_receiver(&wish.callback.with_query(&pairs), address, MAX_ECHO).await;
    match answered {
        Ok((status, body)) => (200..300).contains(&status) && body == challenge.as_bytes(),
        Err(error) => {
            tracing::debug!(callback = %wish.callback, error = &error as &dyn std::error::Error, "a callback did not answer its verification");
            false
        }
    }
}

/// Sends a feed to a subscriber (WebSub, section 7), and returns the status of its answer.
pub(super) async fn deliver(fetcher: &Fetcher, delivery: &Delivery, hub: &str) -> Option<u16> {
    let mut headers = vec![("link", links(hub, &delivery.topic))];
    if let Some(secret) = &delivery.secret {
        headers.push(("x-hub-signature", sign(secret, &delivery.content.bytes)));
    }
    let push =
        Push { content_type: delivery.content.media_type.clone(), headers, body: delivery.content.bytes.clone() };
    match fetcher.push(&delivery.callback, push).await {
        Ok(status) => Some(status),
        Err(error) => {
            tracing::debug!(callback = %delivery.callback, error = &error as &dyn std::error::Error, "a feed could not be delivered");
            None
        }
    }
}

fn links(hub: &str, topic: &str) -> String {
    format!("<{hub}>; rel=\"hub\", <{topic}>; rel=\"self\"")
}
