//! What an engine does, done by the two streams.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::{Client, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;

use super::super::engine::{Engine, EngineError, LeaseRow, Pair};
use super::super::nats_address::NatsAddress;
use super::link::Link;
use super::log::SharedLog;
use super::states::{self, StateHead};
use super::stream::Stream;
use crate::log::Line;

/// How often something is tried again because others were faster.
const MAX_TRIES: usize = 4;

/// The engine.
#[derive(Debug)]
pub(in super::super) struct Nats {
    link: Link,
    replicas: usize,
    log: SharedLog,
    states: Stream<StateHead>,
    /// What tells of appends.
    appended: String,
    hearing: Mutex<Option<Subscriber>>,
    /// Held by who writes to a stream, so that the threads of this machine do not overtake each other.
    appending: Mutex<()>,
    saving: Mutex<()>,
}

impl Nats {
    /// Creates the engine from its address; nothing is asked yet.
    pub(in super::super) fn new(url: &str, secret: Option<String>) -> Result<Self, EngineError> {
        let odd = || EngineError::Settings("the address of the shared log is no address of NATS servers".to_owned());
        let address = NatsAddress::parse(url).ok_or_else(odd)?;
        let (name, replicas) = (address.name.clone(), address.replicas());
        Ok(Self {
            link: Link::new(address, secret)?,
            replicas,
            log: SharedLog::new(&name),
            states: Stream::new(&name, "states"),
            appended: format!("{name}.appended"),
            hearing: Mutex::default(),
            appending: Mutex::default(),
            saving: Mutex::default(),
        })
    }

    fn with<T>(&self, work: impl AsyncFnOnce(&Client) -> Result<T, EngineError>) -> Result<T, EngineError> {
        let prepare = async |client: &Client| {
            self.log.stream.prepare(client, self.replicas).await?;
            self.states.prepare(client, self.replicas).await
        };
        self.link.with(prepare, work)
    }
}

impl Engine for Nats {
    fn append(&self, lines: &[Line], token: Option<u64>) -> Result<(), EngineError> {
        let _one_at_a_time = held(&self.appending);
        self.with(async |client| {
            self.log.append(client, lines, token).await?;
            // If it is lost, the others look in a second.
            drop(client.publish(self.appended.clone(), Bytes::new()).await);
            Ok(())
        })
    }

    fn lines(&self, after: u64, most: usize) -> Result<Vec<Line>, EngineError> {
        self.with(async |client| self.log.lines(client, after, most).await)
    }

    fn newest(&self) -> Result<(u64, u32), EngineError> {
        self.with(async |client| self.log.stream.tip(client).await.map(|(.., head)| (head.newest, head.day)))
    }

    fn wait(&self, most: Duration) -> Result<(), EngineError> {
        let heard = held(&self.hearing).take();
        let heard = self.with(async |client| {
            let Some(mut heard) = heard else {
                // What was appended before is not told.
                return client
                    .subscribe(self.appended.clone())
                    .await
                    .map_err(|error| EngineError::Away(error.to_string()));
            };
            let _told = tokio::time::timeout(most, heard.next()).await;
            Ok(heard)
        })?;
        *held(&self.hearing) = Some(heard);
        Ok(())
    }

    fn lease(&self) -> Result<LeaseRow, EngineError> {
        self.with(async |client| self.states.tip(client).await.map(|(.., head)| head.lease()))
    }

    fn replace_lease(&self, seen: &LeaseRow, new: &LeaseRow) -> Result<bool, EngineError> {
        let _one_at_a_time = held(&self.saving);
        self.with(async |client| {
            for _ in 0..MAX_TRIES {
                let (_, place, head) = self.states.tip(client).await?;
                if head.lease() != *seen {
                    return Ok(false);
                }
                match self.states.append(client, place, &head.with(new), b"").await {
                    Ok(_) if new.token == seen.token => return Ok(true),
                    // Before its holder polls, nobody else appends any more.
                    Ok(_) => return self.log.raise(client, new.token).await.map(|()| true),
                    Err(EngineError::Behind) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(false)
        })
    }

    fn put_poll_states(&self, token: u64, pairs: &[Pair]) -> Result<(), EngineError> {
        let _one_at_a_time = held(&self.saving);
        let tip = self.with(async |client| {
            let mut known = self.states.known_tip();
            for _ in 0..MAX_TRIES {
                let tip = match known.take() {
                    Some(known) => known,
                    None => self.states.tip(client).await.map(|(_, place, head)| (place, head))?,
                };
                if tip.1.token != token {
                    return Err(EngineError::Displaced);
                }
                match states::put(&self.states, client, tip, pairs).await {
                    Err(EngineError::Behind) => {}
                    put => return put,
                }
            }
            Err(EngineError::Behind)
        })?;
        // They are saved. What is not tidied now is tidied next time.
        drop(self.with(async |client| states::tidy(&self.states, client, tip).await));
        Ok(())
    }

    fn poll_states(&self, after: u64) -> Result<(Vec<Pair>, u64), EngineError> {
        self.with(async |client| states::read(&self.states, client, after).await)
    }

    fn drop_before(&self, first: u64, kept: &[u64], day: u32, token: u64) -> Result<u64, EngineError> {
        let _one_at_a_time = held(&self.appending);
        self.with(async |client| self.log.drop_before(client, (first, kept, day), token).await)
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
