//! The right to poll: one node has it at a time, for as long as it says so.
//!
//! No clock is compared with another one's. A node that wants the lease watches it, and takes it once it was not renewed for
//! the whole length of a lease by the watcher's own steady clock; while the engine is away nobody can renew it, so that time does
//! not count. A holder that could not renew it for two thirds of that time stops polling by its own clock, which goes on while a
//! process is stopped. As long as nobody took it since, it goes on with the same token: it alone knows what sites answered last.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::engine::{Engine, EngineError, LeaseRow};

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// This node may poll.
    Holds,
    /// Another one may.
    Waits {
        /// The name of that node; empty if it is unknown.
        holder: String,
    },
}

/// The lease as one node sees it.
#[derive(Debug)]
pub struct Lease {
    node: String,
    length: Duration,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The lease as it was seen last, and since when it is the same.
    row: Option<(LeaseRow, Instant)>,
    /// The token of this node, kept until another one has the lease, and until when it may poll.
    held: Option<(u64, Instant)>,
}

impl Lease {
    /// Creates a lease of this length that a node does not hold yet. The name must be its own.
    pub fn new(node: String, length: Duration) -> Self {
        Self { node, length, seen: Mutex::default() }
    }

    /// Returns the name of this node.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Returns how often a turn should be taken.
    pub fn interval(&self) -> Duration {
        self.length / 6
    }

    /// Returns the token if this node may poll now.
    pub fn token(&self) -> Option<u64> {
        let held = self.seen().held;
        held.filter(|(_, until)| Instant::now() < *until).map(|(token, _)| token)
    }

    /// Returns the node that has the lease, as far as this one knows.
    pub fn holder(&self) -> String {
        self.seen().row.as_ref().map(|(row, _)| row.holder.clone()).unwrap_or_default()
    }

    /// Returns whether another node may have polled since this one did.
    pub fn is_lost(&self) -> bool {
        self.seen().held.is_none()
    }

    /// Renews the lease, takes it if it is free, or goes on watching it.
    ///
    /// # Errors
    /// If the engine is away; the lease then ends by itself.
    pub fn turn(&self, engine: &dyn Engine) -> Result<Turn, EngineError> {
        let asked = Instant::now();
        let row = engine.lease().inspect_err(|_away| self.watch_anew())?;
        let held = self.seen().held.map(|(token, _)| token).filter(|token| *token == row.token);
        let new = match held {
            Some(token) => LeaseRow { holder: self.node.clone(), token, beat: row.beat + 1 },
            None if self.is_free(&row, asked) => {
                LeaseRow { holder: self.node.clone(), token: row.token + 1, beat: row.beat + 1 }
            }
            None => return Ok(self.waits(row)),
        };
        if !engine.replace_lease(&row, &new)? {
            return Ok(self.waits(engine.lease()?));
        }
        let mut seen = self.seen();
        seen.held = Some((new.token, asked + self.length * 2 / 3));
        seen.row = Some((new, asked));
        Ok(Turn::Holds)
    }

    /// Gives the lease back, so that another node need not wait for its end.
    ///
    /// # Errors
    /// If the engine is away; the lease then ends by itself.
    pub fn release(&self, engine: &dyn Engine) -> Result<(), EngineError> {
        let Some((token, _)) = self.seen().held.take() else { return Ok(()) };
        let row = engine.lease()?;
        if row.token == token {
            // If it was changed meanwhile, it is not ours.
            let free = LeaseRow { holder: String::new(), token: row.token + 1, beat: row.beat + 1 };
            engine.replace_lease(&row, &free)?;
        }
        Ok(())
    }

    /// Begins to watch the lease anew.
    fn watch_anew(&self) {
        if let Some((_, since)) = &mut self.seen().row {
            *since = Instant::now();
        }
    }

    /// Returns whether nobody holds the lease any more.
    fn is_free(&self, row: &LeaseRow, now: Instant) -> bool {
        let mut seen = self.seen();
        match &seen.row {
            _ if row.holder.is_empty() => true,
            Some((known, since)) if known == row => now.duration_since(*since) >= self.length,
            _ => {
                seen.row = Some((row.clone(), now));
                false
            }
        }
    }

    fn waits(&self, row: LeaseRow) -> Turn {
        let holder = row.holder.clone();
        let mut seen = self.seen();
        seen.held = None;
        if seen.row.as_ref().is_none_or(|(known, _)| *known != row) {
            seen.row = Some((row, Instant::now()));
        }
        Turn::Waits { holder }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
