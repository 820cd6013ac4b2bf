use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

/// The open connections, and which of them has to go when there are too many.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    began: Instant,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
}

/// One connection, as its task and the accept loop both see it.
#[derive(Debug)]
pub(super) struct Connection {
    number: u64,
    /// Is a request being answered? Else it waits for one to be complete.
    is_answering: AtomicBool,
    /// Since when it does the one or the other, in milliseconds.
    since: AtomicU64,
    /// Tells its task to close at once.
    pub(super) evict: CancellationToken,
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self { most, began: Instant::now(), open: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// Admits a connection. At the limit another one has to go: the one that has waited longest without a complete
    /// request, else the one that takes longest to be answered. The second value says whether one had to.
    pub(super) fn admit(&self) -> (Arc<Connection>, bool) {
        let connection = Arc::new(Connection {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            is_answering: AtomicBool::new(false),
            since: AtomicU64::new(self.now()),
            evict: CancellationToken::new(),
        });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut evicted = false;
        if open.len() >= self.most {
            let slowest = open
                .values()
                .min_by_key(|one| (one.is_answering.load(Ordering::Relaxed), one.since.load(Ordering::Relaxed)))
                .cloned();
            if let Some(slowest) = slowest {
                slowest.evict.cancel();
                open.remove(&slowest.number);
                evicted = true;
            }
        }
        open.insert(connection.number, Arc::clone(&connection));
        (connection, evicted)
    }

    pub(super) fn leave(&self, connection: &Connection) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&connection.number);
    }

    pub(super) fn mark(&self, connection: &Connection, is_answering: bool) {
        connection.is_answering.store(is_answering, Ordering::Relaxed);
        connection.since.store(self.now(), Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_longest_goes_first_and_who_is_answered_last() {
        let connections = Connections::new(2);
        let (answering, _) = connections.admit();
        connections.mark(&answering, true);
        let (waiting, _) = connections.admit();
        let (_, evicted) = connections.admit();
        assert!(evicted && waiting.evict.is_cancelled() && !answering.evict.is_cancelled());
        assert_eq!(connections.count(), 2);
    }
}
