//! The open connections, and which one is evicted when there are too many.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// How long a connection may wait for its request before it becomes the first to be evicted.
const FAIR: Duration = Duration::from_secs(1);

/// The open connections; decides which one is evicted when there are too many.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    began: Instant,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
}

/// A connection, shared by its task and the accept loop.
#[derive(Debug)]
pub(super) struct Connection {
    number: u64,
    began: Instant,
    doing: AtomicU8,
    /// Time of the last change of state, in milliseconds since `began`.
    since: AtomicU64,
    /// Tells the task of the connection to close: at once, or after the current response if the server stops.
    pub(super) evict: CancellationToken,
}

/// State of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Waiting for a complete request; nothing that was sent before is stuck.
    Waiting,
    /// Rendering the response to a request.
    Answering,
    /// The peer does not read what is sent.
    Stalled,
}

impl Connection {
    pub(super) fn mark(&self, doing: Doing) {
        self.doing.store(doing as u8, Ordering::Relaxed);
        self.since.store(milliseconds(self.began), Ordering::Relaxed);
    }

    fn doing(&self) -> Doing {
        match self.doing.load(Ordering::Relaxed) {
            0 => Doing::Waiting,
            1 => Doing::Answering,
            _ => Doing::Stalled,
        }
    }
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        Self { most, began: Instant::now(), open: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// Admits a connection. At the limit another one is evicted: the one that has waited longest without a complete
    /// request, then the slowest reader, then the one whose state is oldest. The second value says whether one was
    /// evicted.
    pub(super) fn admit(&self) -> (Arc<Connection>, bool) {
        let connection = Arc::new(Connection {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            began: self.began,
            doing: AtomicU8::new(Doing::Waiting as u8),
            since: AtomicU64::new(milliseconds(self.began)),
            evict: CancellationToken::new(),
        });
        let mut open = self.lock();
        let mut evicted = false;
        if open.len() >= self.most {
            let now = milliseconds(self.began);
            let patience = |one: &Arc<Connection>| {
                let since = one.since.load(Ordering::Relaxed);
                let class = match one.doing() {
                    Doing::Waiting if u128::from(now.saturating_sub(since)) >= FAIR.as_millis() => 0,
                    Doing::Stalled => 1,
                    // A connection that was just opened has not had the time to send a request.
                    Doing::Waiting | Doing::Answering => 2,
                };
                (class, since)
            };
            let slowest = open.values().min_by_key(|one| patience(one)).cloned();
            if let Some(slowest) = slowest {
                slowest.evict.cancel();
                open.remove(&slowest.number);
                evicted = true;
            }
        }
        open.insert(connection.number, Arc::clone(&connection));
        (connection, evicted)
    }

    /// Evicts the connections that have waited for a request, or have not read what is sent, for too long.
    pub(super) fn sweep(&self, head: Duration, stall: Duration) {
        let now = milliseconds(self.began);
        for connection in self.lock().values() {
            let limit = match connection.doing() {
                Doing::Waiting => head,
                Doing::Stalled => stall,
                Doing::Answering => continue,
            };
            if u128::from(now.saturating_sub(connection.since.load(Ordering::Relaxed))) > limit.as_millis() {
                connection.evict.cancel();
            }
        }
    }

    /// Tells every connection to close.
    pub(super) fn call_all(&self) {
        self.lock().values().for_each(|connection| connection.evict.cancel());
    }

    pub(super) fn leave(&self, connection: &Connection) {
        self.lock().remove(&connection.number);
    }

    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn milliseconds(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The stream of a connection; records whether the peer reads what is sent.
pub(super) struct Wire<S> {
    stream: TokioIo<S>,
    connection: Arc<Connection>,
}

impl<S> Wire<S> {
    pub(super) const fn new(stream: TokioIo<S>, connection: Arc<Connection>) -> Self {
        Self { stream, connection }
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(_) if self.connection.doing() != Doing::Answering => self.connection.mark(Doing::Waiting),
            Poll::Ready(_) => {}
            Poll::Pending => self.connection.mark(Doing::Stalled),
        }
    }
}

impl<S: AsyncRead + Unpin> Read for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> Write for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_longest_goes_first_and_who_is_answered_last() {
        let long_ago = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        let connections = Connections { began: long_ago, ..Connections::new(4) };
        let all: Vec<Arc<Connection>> = (0..4).map(|_| connections.admit().0).collect();
        all[0].mark(Doing::Answering);
        all[1].mark(Doing::Stalled);
        all[2].since.store(0, Ordering::Relaxed);
        let gone = || all.iter().map(|one| one.evict.is_cancelled()).collect::<Vec<_>>();
        // The idle connection goes first, then the stalled one, but not one that was just opened.
        assert!(connections.admit().1);
        assert_eq!(gone(), [false, false, true, false]);
        assert!(connections.admit().1);
        assert_eq!(gone(), [false, true, true, false]);
        assert_eq!(connections.count(), 4);
    }

    #[test]
    fn who_says_nothing_and_who_takes_nothing_is_closed_in_its_time() {
        let connections = Connections::new(8);
        let all: Vec<Arc<Connection>> = (0..3).map(|_| connections.admit().0).collect();
        all[1].mark(Doing::Answering);
        all[2].mark(Doing::Stalled);
        std::thread::sleep(Duration::from_millis(5));
        connections.sweep(Duration::ZERO, Duration::from_secs(30));
        assert_eq!(all.iter().map(|one| one.evict.is_cancelled()).collect::<Vec<_>>(), [true, false, false]);
        connections.sweep(Duration::ZERO, Duration::ZERO);
        assert!(all[2].evict.is_cancelled());
    }
}
