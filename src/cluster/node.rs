//! This machine among those that share a log.

use std::sync::Arc;

use super::engine::{Engine, EngineError, Pair};
use super::lease::Lease;

/// A node: the engine, and this machine's right to poll.
#[derive(Clone, Debug)]
pub struct Node {
    /// The shared log.
    pub engine: Arc<dyn Engine>,
    /// The right to poll.
    pub lease: Arc<Lease>,
}

impl Node {
    /// Returns whether this node may poll now.
    pub fn polls(&self) -> bool {
        self.lease.token().is_some()
    }

    /// Saves poll states where the node that polls next finds them.
    ///
    /// # Errors
    /// If this node does not poll any more, or the engine is away.
    pub fn put_poll_states(&self, pairs: &[Pair]) -> Result<(), EngineError> {
        let token = self.lease.token().ok_or(EngineError::Displaced)?;
        if pairs.is_empty() { Ok(()) } else { self.engine.put_poll_states(token, pairs) }
    }
}
