//! What the view and the visits need of a store: open, all records, write some, and no more. Only here sled is named.

use std::io::Write;
use std::ops::RangeBounds;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::error::ViewError;

/// The most operations of one batch: sled 0.34 keeps gigabytes of garbage with a thousand.
const BATCH: usize = 120;
/// The memory that sled may use for its pages, in bytes. Records are read once, at open.
const CACHE: u64 = 8 * 1024 * 1024;

/// How often sled hands to the system what was written, in milliseconds. What a crash loses of the view comes back from
/// the log, and what must not be lost of the visits is flushed by whoever wrote it.
const FLUSH: u64 = 5000;

/// How long a store may still be held by whoever closed it.
const LOCKED_FOR: Duration = Duration::from_secs(5);
/// Between two tries to open it.
const AGAIN: Duration = Duration::from_millis(20);

/// A key and, unless it is to be removed, its value.
pub(super) type Change = (Vec<u8>, Option<Vec<u8>>);

#[derive(Debug)]
pub(super) struct Engine {
    /// `None` after it was closed to be opened again, where that failed.
    db: RwLock<Option<sled::Db>>,
    path: PathBuf,
    /// Did it refuse to write? sled stays so, even when there is room again, until it is opened anew.
    is_broken: AtomicBool,
}

impl Engine {
    /// Opens or makes the store.
    pub(super) fn open(path: &Path) -> Result<Self, ViewError> {
        let db = open(path)?;
        Ok(Self { db: RwLock::new(Some(db)), path: path.to_owned(), is_broken: AtomicBool::new(false) })
    }

    /// A store that cannot be opened now, as where the disk is full; [`heal`](Self::heal) opens it.
    pub(super) fn closed(path: &Path) -> Self {
        Self { db: RwLock::new(None), path: path.to_owned(), is_broken: AtomicBool::new(true) }
    }

    /// Did it refuse to write?
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    /// Opens a store anew that refused to write. What it took last may be gone from it.
    pub(super) fn heal(&self) -> Result<(), ViewError> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        // It must be closed before: one process may hold it once. On closing it tries to write again, which may make it
        // panic; it is given up anyway.
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

    /// Every key and value, by key.
    pub(super) fn all(&self) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), ViewError>> + '_ {
        self.within::<&[u8]>(..)
    }

    /// The keys of a range and their values, by key.
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

    /// One value.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, ViewError> {
        self.db()?.get(key).map_err(|source| self.failed("read", source))
    }

    /// Writes changes, in batches of bounded size. The last one of them is written last.
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

    /// Writes one value. A batch of one would make sled write its buffer out at once.
    pub(super) fn put(&self, key: &[u8], value: Vec<u8>) -> Result<(), ViewError> {
        self.db()?.insert(key, value).map(drop).map_err(|source| self.refused(source))
    }

    /// Hands everything to the system.
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

/// Is there room to make a file beside this one?
pub(super) fn has_room(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(path);
    let filled = tempfile::tempfile_in(folder).and_then(|mut file| file.write_all(&[0; 64 * 1024]));
    !filled.is_err_and(|error| error.kind() == std::io::ErrorKind::StorageFull)
}

/// Opens or makes a store. sled panics on some kinds of damage; that is an error like any other here.
fn open(path: &Path) -> Result<sled::Db, ViewError> {
    let config =
        sled::Config::new().path(path).cache_capacity(CACHE).flush_every_ms(Some(FLUSH)).mode(sled::Mode::LowSpace);
    let began = Instant::now();
    loop {
        let opened =
            catch_unwind(AssertUnwindSafe(|| config.open())).map_err(|_panic| ViewError::Broken(path.to_owned()))?;
        match opened {
            Ok(db) => return Ok(db),
            // A store that was just closed is held by sled's own thread for a moment.
            Err(error) if is_locked(&error) && began.elapsed() < LOCKED_FOR => std::thread::sleep(AGAIN),
            Err(source) => return Err(ViewError::Store { doing: "open", path: path.to_owned(), source }),
        }
    }
}

fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}
