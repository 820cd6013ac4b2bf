//! The connection to the servers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event, HeaderMap, Request};
use bytes::Bytes;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, watch};

use super::super::engine::EngineError;
use super::super::nats_address::NatsAddress;
use crate::model::with_causes;

/// How long an answer may take before the servers count as away.
const MAX_ANSWER: Duration = Duration::from_secs(3);
/// How long a connection may take.
const MAX_CONNECT: Duration = Duration::from_secs(3);
/// How long to wait before the next server is tried.
const NEXT_SERVER: Duration = Duration::from_millis(200);
/// How often it is asked whether the server is still there.
const PING: Duration = Duration::from_secs(2);

/// An error that the JetStream API tells (its `err_code`).
pub(super) mod code {
    pub(in super::super) const NO_MESSAGE: u64 = 10_037;
    pub(in super::super) const NAME_TAKEN: u64 = 10_058;
    pub(in super::super) const NO_STREAM: u64 = 10_059;
    /// The message that was expected to be the last is not: alone, on a leader that has another one on its way, and of a subject.
    pub(in super::super) const OVERTAKEN: [u64; 3] = [10_070, 10_071, 10_164];
}

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The servers say so, with a code and a text.
    Told(u64, String),
    /// Anything else.
    Other(EngineError),
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Told(code, _) if code::OVERTAKEN.contains(&code) => Self::Behind,
            Failure::Told(_, text) => Self::Refused(text),
            Failure::Other(error) => error,
        }
    }
}

/// The connection, made when it is first used and remade by itself.
pub(super) struct Link {
    address: NatsAddress,
    secret: Option<String>,
    /// Runs the connection; only taken when it ends.
    runtime: Option<Runtime>,
    client: Mutex<Option<Client>>,
    /// Rises whenever a connection was lost, with what was on its way.
    losses: Arc<watch::Sender<u64>>,
    /// Whether the streams are known to be there.
    is_prepared: AtomicBool,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("servers", &self.address.servers).finish_non_exhaustive()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // It may be dropped where one must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Link {
    /// Creates a connection that is not made yet.
    pub(super) fn new(address: NatsAddress, secret: Option<String>) -> Result<Self, EngineError> {
        let settings = |detail: String| EngineError::Settings(format!("the address of the shared log: {detail}"));
        if address.user.is_some() && secret.is_none() {
            return Err(settings(
                "it names a user; put the password into a file and name it as password_file".to_owned(),
            ));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("shared-log")
            .enable_all()
            .build()
            .map_err(|error| settings(error.to_string()))?;
        Ok(Self {
            address,
            secret,
            runtime: Some(runtime),
            client: Mutex::default(),
            losses: Arc::new(watch::Sender::new(0)),
            is_prepared: AtomicBool::default(),
        })
    }

    /// Does something with the connection. `prepare` comes first if it is not known that the streams are there.
    pub(super) fn with<T>(
        &self,
        prepare: impl AsyncFnOnce(&Client) -> Result<(), EngineError>,
        work: impl AsyncFnOnce(&Client) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let Some(runtime) = &self.runtime else { return Err(EngineError::Away("it is being closed".to_owned())) };
        runtime.block_on(async {
            let client = self.client().await?;
            let mut losses = self.losses.subscribe();
            let done = async {
                if !self.is_prepared.load(Ordering::Acquire) {
                    prepare(&client).await?;
                    self.is_prepared.store(true, Ordering::Release);
                }
                work(&client).await
            };
            let outcome = tokio::select! {
                outcome = Box::pin(done) => outcome,
                // What is on its way may still arrive: whether it was done is not known.
                _ = losses.changed() => Err(EngineError::Away("the connection was lost".to_owned())),
            };
            // Servers that were away may have come back without what they had.
            if matches!(outcome, Err(EngineError::Away(_) | EngineError::Refused(_))) {
                self.is_prepared.store(false, Ordering::Release);
            }
            outcome
        })
    }

    async fn client(&self) -> Result<Client, EngineError> {
        let mut known = self.client.lock().await;
        let client = match &*known {
            Some(client) => client.clone(),
            None => known.insert(self.connect().await?).clone(),
        };
        drop(known);
        let connected = async {
            while client.connection_state() != State::Connected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(MAX_CONNECT, connected).await.is_err() {
            return Err(EngineError::Away(format!("no connection within {} s", MAX_CONNECT.as_secs())));
        }
        Ok(client)
    }

    async fn connect(&self) -> Result<Client, EngineError> {
        let losses = Arc::clone(&self.losses);
        let options = ConnectOptions::new()
            .name("dayuan")
            .connection_timeout(MAX_CONNECT)
            .request_timeout(Some(MAX_ANSWER))
            .ping_interval(PING)
            .reconnect_delay_callback(|attempts| if attempts > 1 { NEXT_SERVER } else { Duration::ZERO })
            // What is not named may be what this machine cannot reach.
            .ignore_discovered_servers()
            .require_tls(self.address.is_encrypted)
            .event_callback(move |event| {
                if matches!(event, Event::Disconnected) {
                    losses.send_modify(|count| *count += 1);
                }
                std::future::ready(())
            });
        let options = match (&self.address.user, &self.secret) {
            (Some(user), Some(secret)) => options.user_and_password(user.clone(), secret.clone()),
            (None, Some(secret)) => options.token(secret.clone()),
            (_, None) => options,
        };
        let client =
            options.connect(&self.address.servers).await.map_err(|error| EngineError::Away(with_causes(&error)))?;
        if client.is_server_compatible(2, 9, 0) {
            return Ok(client);
        }
        let version = client.server_info().version;
        Err(EngineError::Settings(format!(
            "the NATS server is of version {version}; the shared log needs 2.9 or newer"
        )))
    }
}

/// Sends a request, and returns its answer.
pub(super) async fn ask(client: &Client, subject: &str, headers: HeaderMap, body: Bytes) -> Result<Value, Failure> {
    let away = |text: String| Failure::Other(EngineError::Away(text));
    let request = Request::new().headers(headers).payload(body);
    let answer = match client.send_request(subject.to_owned(), request).await {
        Ok(answer) => answer,
        Err(error) => {
            return Err(match error.kind() {
                RequestErrorKind::NoResponders => {
                    away("no server answers for JetStream; is it switched on, and may this user use it?".to_owned())
                }
                RequestErrorKind::TimedOut => {
                    // Another server may answer.
                    drop(client.force_reconnect().await);
                    away(format!("no answer within {} s", MAX_ANSWER.as_secs()))
                }
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                    Failure::Other(EngineError::Refused(with_causes(&error)))
                }
                RequestErrorKind::Other => away(with_causes(&error)),
            });
        }
    };
    let answer: Value = serde_json::from_slice(&answer.payload).map_err(|error| away(with_causes(&error)))?;
    let Some(error) = answer.get("error") else { return Ok(answer) };
    let number = |name: &str| error.get(name).and_then(Value::as_u64).unwrap_or(0);
    let text = error.get("description").and_then(Value::as_str).unwrap_or("an error without a text").to_owned();
    // 503: no leader yet, or no room; the same request may be done later.
    Err(if number("code") == 503 { away(text) } else { Failure::Told(number("err_code"), text) })
}
