//! The storage engine under the view and the poll states: open, read and write. Only this file names sled.

use std::io::Write;
use std::ops::RangeBounds;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::error::ViewError;

/// Maximum number of operations per batch: with a thousand, sled 0.34 keeps gigabytes of garbage.
const BATCH: usize = 120;
/// Size of sled's page cache, in bytes. Records are read only once, at startup.
const CACHE: u64 = 1024 * 1024;

/// How often sled flushes to the operating system, in milliseconds. What the view loses in a crash comes back from the
/// log; whoever writes poll states that must not be lost flushes them.
const FLUSH: u64 = 5000;

/// How long to wait for the lock of a store that was just closed.
const LOCKED_FOR: Duration = Duration::from_secs(5);
/// Pause between two attempts to open it.
const AGAIN: Duration = Duration::from_millis(20);

/// A key and its new value; `None` removes the key.
pub(super) type Change = (Vec<u8>, Option<Vec<u8>>);

#[derive(Debug)]
pub(super) struct Engine {
    /// `None` if the store was closed and could not be reopened.
    db: RwLock<Option<sled::Db>>,
    path: PathBuf,
    /// Whether a write failed. sled then refuses all writes, even with free space again, until it is reopened.
    is_broken: AtomicBool,
}

impl Engine {
    /// Opens or creates the store.
    pub(super) fn open(path: &Path) -> Result<Self, ViewError> {
        let db = open(path)?;
        Ok(Self { db: RwLock::new(Some(db)), path: path.to_owned(), is_broken: AtomicBool::new(false) })
    }

    /// Returns a store that cannot be opened now, for example because the disk is full; [`heal`](Self::heal) opens it.
    pub(super) fn closed(path: &Path) -> Self {
        Self { db: RwLock::new(None), path: path.to_owned(), is_broken: AtomicBool::new(true) }
    }

    /// Returns whether a write failed.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    /// Reopens a store that refused to write. The most recent writes may be missing from it.
    pub(super) fn heal(&self) -> Result<(), ViewError> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        // Close it first: a process can open it only once. sled tries to write again while closing and may panic; the
        // instance is discarded anyway.
        let closed = db.take();
        drop(catch_unwind(AssertUnwindSafe(|| drop(closed))));
        *db = Some(open(&self.path)?);
        self.is_broken.store(false, Ordering::Release);
        Ok(())
    }

    fn db(&self) -> Result<sled::Db, ViewError> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        db.clone().ok_or_else(|| ViewError::Closed(self.path.clone()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns all keys and values in key order.
    pub(super) fn all(&self) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), ViewError>> + '_ {
        self.within::<&[u8]>(..)
    }

    /// Returns the keys and values of a range in key order.
    pub(super) fn within<K: AsRef<[u8]>>(
        &self,
        keys: impl RangeBounds<K>,
    ) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), ViewError>> + '_ {
        let (pairs, closed) = match self.db() {
            Ok(db) => (Some(db.range(keys)), None),
            Err(closed) => (None, Some(Err(closed))),
        };
        let pairs = pairs.into_iter().flatten().map(|pair| pair.map_err(|source| self.failed("read", source)));
        closed.into_iter().chain(pairs)
    }

    /// Returns the value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, ViewError> {
        self.db()?.get(key).map_err(|source| self.failed("read", source))
    }

    /// Writes changes in bounded batches, in order, so that the last one is written last.
    pub(super) fn write(&self, changes: Vec<Change>) -> Result<(), ViewError> {
        let db = self.db()?;
        let mut changes = changes.into_iter().peekable();
        while changes.peek().is_some() {
            let mut batch = sled::Batch::default();
            for (key, value) in changes.by_ref().take(BATCH) {
                match value {
                    Some(value) => batch.insert(key, value),
                    None => batch.remove(key),
                }
            }
            db.apply_batch(batch).map_err(|source| self.refused(source))?;
        }
        Ok(())
    }

    /// Removes everything.
    pub(super) fn clear(&self) -> Result<(), ViewError> {
        self.db()?.clear().map_err(|source| self.refused(source))
    }

    /// Writes one value. A batch of one would make sled flush its buffer at once.
    pub(super) fn put(&self, key: &[u8], value: Vec<u8>) -> Result<(), ViewError> {
        self.db()?.insert(key, value).map(drop).map_err(|source| self.refused(source))
    }

    /// Flushes everything to the operating system.
    pub(super) fn flush(&self) -> Result<(), ViewError> {
        self.db()?.flush().map(drop).map_err(|source| self.refused(source))
    }

    fn refused(&self, source: sled::Error) -> ViewError {
        self.is_broken.store(true, Ordering::Release);
        self.failed("write", source)
    }

    fn failed(&self, doing: &'static str, source: sled::Error) -> ViewError {
        ViewError::Store { doing, path: self.path.clone(), source }
    }
}

/// Returns whether the disk has room for a file next to this path.
pub(super) fn has_room(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(path);
    let filled = tempfile::tempfile_in(folder).and_then(|mut file| file.write_all(&[0; 64 * 1024]));
    !filled.is_err_and(|error| error.kind() == std::io::ErrorKind::StorageFull)
}

/// Opens or creates a store. sled panics on some kinds of damage; that is reported as an error like any other.
fn open(path: &Path) -> Result<sled::Db, ViewError> {
    let config =
        sled::Config::new().path(path).cache_capacity(CACHE).flush_every_ms(Some(FLUSH)).mode(sled::Mode::LowSpace);
    let began = Instant::now();
    loop {
        let opened =
            catch_unwind(AssertUnwindSafe(|| config.open())).map_err(|_panic| ViewError::Broken(path.to_owned()))?;
        match opened {
            Ok(db) => return Ok(db),
            // sled's own thread may hold the lock of a store that was just closed for a moment.
            Err(error) if is_locked(&error) && began.elapsed() < LOCKED_FOR => std::thread::sleep(AGAIN),
            Err(source) => return Err(ViewError::Store { doing: "open", path: path.to_owned(), source }),
        }
    }
}

fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}
