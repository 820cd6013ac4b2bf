//! A stream as a chain: every message says in its head what is so after it, and is taken only behind the one that its writer
//! knew as the last.

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use async_nats::{Client, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::engine::EngineError;
use super::link::{Failure, ask, code};
use crate::model::Moment;

/// How many bytes of a body a message holds. Servers take 1 MiB by default, and encode what they are asked for as base64.
pub(super) const PART: usize = 256 << 10;
/// How many messages are asked for at one time.
pub(super) const WINDOW: u64 = 16;
/// The form of our messages.
const VERSION: u64 = 1;

/// A message.
#[derive(Debug)]
pub(super) struct Message<H> {
    /// Its place in the stream.
    pub(super) place: u64,
    /// When the server took it.
    pub(super) at: Moment,
    pub(super) head: H,
    pub(super) body: Vec<u8>,
}

/// The stream, with what is known of its end.
#[derive(Debug)]
pub(super) struct Stream<H> {
    name: String,
    subject: String,
    tip: Mutex<Option<(u64, H)>>,
    head: PhantomData<H>,
}

impl<H: Serialize + DeserializeOwned + Clone + Default> Stream<H> {
    /// Creates a stream of a log; nothing is asked yet.
    pub(super) fn new(log: &str, part: &str) -> Self {
        Self {
            name: format!("{log}_{part}"),
            subject: format!("{log}.{part}"),
            tip: Mutex::default(),
            head: PhantomData,
        }
    }

    /// Makes the stream with its first message if it is not there, and has it kept by at least so many servers.
    pub(super) async fn prepare(&self, client: &Client, replicas: usize) -> Result<(), EngineError> {
        self.set_tip(None);
        let mut info = match self.api(client, "STREAM.INFO", &json!({})).await {
            Err(Failure::Told(code::NO_STREAM, _)) => {
                let config = json!({
                    "name": self.name, "subjects": [self.subject], "retention": "limits", "storage": "file",
                    "num_replicas": replicas, "deny_delete": true,
                });
                match self.api(client, "STREAM.CREATE", &config).await {
                    // Another machine made it just now.
                    Err(Failure::Told(code::NAME_TAKEN, _)) => self.api(client, "STREAM.INFO", &json!({})).await?,
                    made => made?,
                }
            }
            info => info?,
        };
        let kept_by = info.pointer("/config/num_replicas").and_then(Value::as_u64).unwrap_or(1);
        if kept_by < u64::try_from(replicas).unwrap_or(1)
            && let Some(config) = info.get_mut("config")
            && let Some(number) = config.get_mut("num_replicas")
        {
            *number = json!(replicas);
            self.api(client, "STREAM.UPDATE", &config.take()).await?;
        }
        if number(&info, "/state/last_seq") == 0 {
            // Two machines may do so at once: by its name, the second one is dropped.
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", format!("{}-first", self.name));
            ask(client, &self.subject, headers, payload(&H::default(), b"")?).await?;
        }
        Ok(())
    }

    /// Returns the places of the first and the last message, and the head of the last.
    pub(super) async fn tip(&self, client: &Client) -> Result<(u64, u64, H), EngineError> {
        let info = self.api(client, "STREAM.INFO", &json!({})).await?;
        let (first, last) = (number(&info, "/state/first_seq"), number(&info, "/state/last_seq"));
        if let Some((place, head)) = self.known_tip()
            && place == last
        {
            return Ok((first, last, head));
        }
        let head = self.message(client, last).await?.head;
        self.set_tip(Some((last, head.clone())));
        Ok((first, last, head))
    }

    /// Returns the last message's place and head as they were last known, which others may have changed since.
    pub(super) fn known_tip(&self) -> Option<(u64, H)> {
        self.tip.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_tip(&self, tip: Option<(u64, H)>) {
        *self.tip.lock().unwrap_or_else(PoisonError::into_inner) = tip;
    }

    /// Appends a message behind the one at this place, and returns its own once it is stored.
    ///
    /// # Errors
    /// [`EngineError::Behind`] if that one is not the last.
    pub(super) async fn append(&self, client: &Client, behind: u64, head: &H, body: &[u8]) -> Result<u64, EngineError> {
        self.set_tip(None);
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Expected-Last-Sequence", behind.to_string());
        let stored = ask(client, &self.subject, headers, payload(head, body)?).await?;
        let place = number(&stored, "/seq");
        self.set_tip(Some((place, head.clone())));
        Ok(place)
    }

    /// Returns the message at a place.
    pub(super) async fn message(&self, client: &Client, place: u64) -> Result<Message<H>, EngineError> {
        let answer = match self.api(client, "STREAM.MSG.GET", &json!({ "seq": place })).await {
            Err(Failure::Told(code::NO_MESSAGE, _)) => return Err(self.wrong(place, "is lost")),
            answer => answer?,
        };
        let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let at = Moment::from_rfc3339(text("/message/time")).unwrap_or_default();
        let mut bytes = STANDARD.decode(text("/message/data")).map_err(|_odd| self.wrong(place, "is damaged"))?;
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let body = bytes.split_off((end + 1).min(bytes.len()));
        let head: Value = serde_json::from_slice(&bytes).map_err(|_odd| self.wrong(place, "is damaged"))?;
        if head.get("v").and_then(Value::as_u64) != Some(VERSION) {
            return Err(self.wrong(place, "was not written by this version of dayuan; upgrade it"));
        }
        let head = serde_json::from_value(head).map_err(|_odd| self.wrong(place, "is damaged"))?;
        Ok(Message { place, at, head, body })
    }

    /// Returns the messages from one place to another in order, at most [`WINDOW`] of them.
    pub(super) async fn window(&self, client: &Client, from: u64, to: u64) -> Result<Vec<Message<H>>, EngineError> {
        let places = (from..=to).take(usize::try_from(WINDOW).unwrap_or(1));
        join_all(places.map(|place| self.message(client, place))).await.into_iter().collect()
    }

    /// Removes the messages before a place.
    pub(super) async fn purge(&self, client: &Client, before: u64) -> Result<(), EngineError> {
        Ok(self.api(client, "STREAM.PURGE", &json!({ "seq": before })).await.map(drop)?)
    }

    fn wrong(&self, place: u64, what: &str) -> EngineError {
        EngineError::Refused(format!(
            "message {place} of the stream {} {what}; where it cannot be restored, name another log in [cluster] url on every machine, and push the one that has all records",
            self.name
        ))
    }

    async fn api(&self, client: &Client, verb: &str, body: &Value) -> Result<Value, Failure> {
        let subject = format!("$JS.API.{verb}.{}", self.name);
        ask(client, &subject, HeaderMap::new(), Bytes::from(body.to_string())).await
    }
}

fn number(answer: &Value, pointer: &str) -> u64 {
    answer.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// The head is a line of JSON before the body.
fn payload<H: Serialize>(head: &H, body: &[u8]) -> Result<Bytes, EngineError> {
    let odd = |error: serde_json::Error| EngineError::Refused(error.to_string());
    let mut head = serde_json::to_value(head).map_err(odd)?;
    if let Some(fields) = head.as_object_mut() {
        fields.insert("v".to_owned(), json!(VERSION));
    }
    let mut bytes = serde_json::to_vec(&head).map_err(odd)?;
    bytes.reserve(body.len() + 1);
    bytes.push(b'\n');
    bytes.extend_from_slice(body);
    Ok(Bytes::from(bytes))
}
