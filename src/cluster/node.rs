//! This machine among those that share a log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::engine::{Engine, EngineError, Pair};
use super::lease::Lease;

/// A node: the engine, and this machine's right to poll.
#[derive(Clone, Debug)]
pub struct Node {
    /// The shared log.
    pub engine: Arc<dyn Engine>,
    /// The right to poll.
    pub lease: Arc<Lease>,
    /// The last poll states that were to be saved in the engine could not be.
    is_cut_off: Arc<AtomicBool>,
    /// Held while poll states are saved.
    saving: Arc<Mutex<()>>,
    /// Told when poll states should be saved at once.
    urgent: Arc<Notify>,
}

impl Node {
    /// Creates the node of this machine.
    pub fn new(engine: Arc<dyn Engine>, lease: Lease) -> Self {
        Self {
            engine,
            lease: Arc::new(lease),
            is_cut_off: Arc::default(),
            saving: Arc::default(),
            urgent: Arc::default(),
        }
    }

    /// Returns whether this node has the right to poll.
    pub fn polls(&self) -> bool {
        self.lease.token().is_some()
    }

    /// Returns whether this node may ask sites now. While it cannot save what they answer, the node that polls next would not
    /// know of it, a Retry-After for one.
    pub fn may_ask(&self) -> bool {
        self.polls() && !self.is_cut_off.load(Ordering::Relaxed)
    }

    /// Asks for poll states to be saved at once: what a site asked for must not be lost with this machine.
    pub fn hurry(&self) {
        self.urgent.notify_one();
    }

    /// Waits until poll states should be saved at once.
    pub async fn hurried(&self) {
        self.urgent.notified().await;
    }

    /// Lets one set of poll states be read and saved at a time, so that an older state never follows a newer one, and versions
    /// become visible in their order.
    pub fn saving(&self) -> MutexGuard<'_, ()> {
        self.saving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Saves poll states where the node that polls next finds them.
    ///
    /// # Errors
    /// If this node does not poll any more, or the engine is away.
    pub fn put_poll_states(&self, pairs: &[Pair]) -> Result<(), EngineError> {
        let token = self.lease.token().ok_or(EngineError::Displaced)?;
        let saved = if pairs.is_empty() { Ok(()) } else { self.engine.put_poll_states(token, pairs) };
        self.is_cut_off.store(saved.is_err(), Ordering::Relaxed);
        saved
    }
}
