//! A bucket of finished documents, which a CDN or a web server hands on as they stand.
//!
//! An object has the path of its document's address as its key, so that a page needs no rule to be found. It is packed as every
//! browser and reader unpacks it, and says so itself. The one program that writes holds a lock object, which it renews and which
//! another takes once it was not renewed for a while; no clocks are compared.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::runtime::Handle;

use super::document::{Coding, Document};
use super::static_documents::MANIFEST;
use super::static_place::{Change, Entry, Outcome, Place, StaticError, Survey, Turn};
use crate::fetch::{Bucket, BucketError, BucketOptions, Condition, Served};

/// What the keys of objects that are no documents begin with.
const OWN: &str = ".dayuan/";
/// The object that the program that writes renews.
const LOCK: &str = ".dayuan/lock";
/// How often it does, how long it writes without, and when another takes it. No request takes longer than
/// the difference between the last two.
const RENEW: Duration = Duration::from_secs(5);
const HOLD: Duration = Duration::from_secs(12);
const SILENCE: Duration = Duration::from_secs(30);
/// How many requests are on their way at one time, and for how many pieces of the site.
const REQUESTS: usize = 32;
const PIECES: usize = 16;
/// Most objects that are looked at.
const MAX_LISTED: usize = 5_000_000;
/// The pages that have an ending also in their addresses: stores show them for a folder and in place of what is missing.
const NAMED: [&str; 2] = ["index.html", "404.html"];

/// How the lock is served: not at all.
const PRIVATE: Served<'static> =
    Served { content_type: "application/json", cache_control: "no-store", content_encoding: None };

/// A bucket as the config names it, and what was seen of its lock.
#[derive(Clone, Debug)]
pub struct BucketTarget {
    options: BucketOptions,
    /// The lock of another program, and since when it is the same.
    seen: Arc<Mutex<Option<(String, Instant)>>>,
}

impl BucketTarget {
    /// Makes it of its settings.
    pub fn new(options: BucketOptions) -> Self {
        Self { options, seen: Arc::default() }
    }

    /// Returns its name as an address.
    pub fn address(&self) -> String {
        format!("s3://{}/{}", self.options.name, self.options.prefix)
    }
}

/// The bucket, held by this program.
#[derive(Debug)]
pub(super) struct StaticBucket {
    bucket: Bucket,
    address: String,
    turn: Turn,
    runtime: Handle,
    /// Who we are in the lock, and how many times it was renewed.
    owner: (u64, u64),
    /// The validator of our lock, and when it was renewed.
    lock: (String, Instant),
}

impl StaticBucket {
    /// Opens a bucket; called on a blocking thread of the runtime.
    pub(super) fn open(target: &BucketTarget, turn: Turn) -> Result<Self, StaticError> {
        let runtime = Handle::current();
        let bucket = Bucket::new(&target.options)?;
        let owner = (RandomState::new().hash_one(0_u8), 0);
        let began = Instant::now();
        let etag = runtime.block_on(take(&bucket, target, owner))?;
        Ok(Self { bucket, address: target.address(), turn, runtime, owner, lock: (etag, began) })
    }

    /// Renews the lock if it is time, and returns until when requests may begin.
    fn hold(&mut self) -> Result<Instant, StaticError> {
        self.turn.check()?;
        let began = Instant::now();
        if began.duration_since(self.lock.1) >= RENEW {
            match self.renew() {
                Err(BucketError::Changed(_)) => {
                    // Not ours: it must not be removed.
                    self.lock.0.clear();
                    return Err(StaticError::Taken(self.address.clone()));
                }
                renewed => self.lock = (renewed?, began),
            }
        }
        Ok(self.lock.1 + HOLD)
    }

    /// Writes the lock anew. It may have been renewed already, by a request whose answer was lost.
    fn renew(&mut self) -> Result<String, BucketError> {
        self.owner.1 += 1;
        let once =
            |etag: &str| self.runtime.block_on(self.bucket.put(LOCK, body(self.owner), PRIVATE, Condition::Is(etag)));
        match once(&self.lock.0) {
            Err(BucketError::Changed(key)) => match self.runtime.block_on(self.bucket.get(LOCK))? {
                Some((bytes, etag)) if bytes.starts_with(owner_of(self.owner.0).as_bytes()) => once(&etag),
                _ => Err(BucketError::Changed(key)),
            },
            renewed => renewed,
        }
    }
}

impl Drop for StaticBucket {
    /// Whatever failed after the lock was taken, the next one need not wait for it.
    fn drop(&mut self) {
        if !self.lock.0.is_empty() && self.lock.1.elapsed() < HOLD {
            let bucket = self.bucket.clone();
            drop(self.runtime.spawn(async move { drop(bucket.remove(LOCK).await) }));
        }
    }
}

impl Place for StaticBucket {
    fn stay(&mut self) -> Result<(), StaticError> {
        self.hold().map(drop)
    }

    fn manifest(&mut self) -> Result<Option<Vec<u8>>, StaticError> {
        self.hold()?;
        let found = self.runtime.block_on(self.bucket.get(&format!("{OWN}{MANIFEST}")))?;
        if found.is_none() {
            let there = self.runtime.block_on(self.bucket.list(2))?;
            if there.iter().any(|object| object.key != LOCK) {
                self.release();
                return Err(StaticError::Foreign(self.address.clone()));
            }
        }
        Ok(found.map(|(bytes, _)| bytes.to_vec()))
    }

    fn write_manifest(&mut self, bytes: Vec<u8>) -> Result<(), StaticError> {
        self.hold()?;
        let key = format!("{OWN}{MANIFEST}");
        self.runtime.block_on(self.bucket.put(&key, bytes.into(), PRIVATE, Condition::Always))?;
        Ok(())
    }

    fn survey(&mut self, documents: &BTreeMap<String, Entry>) -> Result<Survey, StaticError> {
        let objects = self.runtime.block_on(self.bucket.list(MAX_LISTED))?;
        let mut there: HashMap<String, String> = objects.into_iter().map(|object| (object.key, object.etag)).collect();
        let is_lost = |(path, entry): &(&String, &Entry)| entry.object.as_ref() != there.get(key_of(path));
        let lost = documents.iter().filter(is_lost).map(|(path, _)| path.clone()).collect();
        for path in documents.keys() {
            there.remove(key_of(path));
        }
        let strays = there.into_keys().filter(|key| !key.starts_with(OWN)).map(|key| path_of(&key)).collect();
        Ok(Survey { lost, strays })
    }

    /// Objects appear whole, so nothing is ever left unfinished.
    fn tidy(&mut self, _documents: &BTreeMap<String, Entry>) -> Result<(), StaticError> {
        Ok(())
    }

    fn write_rules(&mut self, _root: &str) -> Result<(), StaticError> {
        Ok(())
    }

    fn carry_out(&mut self, changes: Vec<(String, Change)>) -> Vec<Outcome> {
        let mut done = Vec::new();
        let mut left = changes.into_iter().peekable();
        while left.peek().is_some() {
            let some: Vec<_> = left.by_ref().take(REQUESTS).collect();
            match self.hold() {
                Ok(until) => {
                    let (bucket, turn) = (&self.bucket, &self.turn);
                    let requests = some.into_iter().map(|(path, change)| async move {
                        let outcome = carry_out(bucket, turn, until, &path, change).await;
                        (path, outcome)
                    });
                    let requests = stream::iter(requests).buffer_unordered(REQUESTS).collect::<Vec<_>>();
                    done.extend(self.runtime.block_on(requests));
                }
                Err(error) => {
                    // The last one says why, the others only that they wait.
                    let mut failed = some.into_iter().chain(left.by_ref()).map(|(path, _)| path);
                    let first = failed.next().unwrap_or_default();
                    done.extend(failed.map(|path| (path.clone(), Err(late(path)))));
                    done.push((first, Err(error)));
                }
            }
        }
        done
    }

    fn pieces_at_once(&self) -> usize {
        PIECES
    }

    fn release(&mut self) {
        if !self.lock.0.is_empty() && self.lock.1.elapsed() < HOLD {
            // Whoever comes next waits if it cannot be removed.
            drop(self.runtime.block_on(self.bucket.remove(LOCK)));
            self.lock.0.clear();
        }
    }
}

async fn carry_out(
    bucket: &Bucket,
    turn: &Turn,
    until: Instant,
    path: &str,
    change: Change,
) -> Result<Option<Entry>, StaticError> {
    turn.check()?;
    if Instant::now() > until {
        return Err(late(path.to_owned()));
    }
    let key = key_of(path);
    match change {
        Change::Remove => {
            bucket.remove(key).await?;
            Ok(None)
        }
        Change::Put(document, entry) => {
            let (bytes, coding) = form_of(&document);
            let served = Served {
                content_type: &entry.content_type,
                cache_control: &entry.cache_control,
                content_encoding: coding,
            };
            let etag = bucket.put(key, bytes, served, Condition::Always).await?;
            let content_encoding = coding.map(str::to_owned);
            Ok(Some(Entry { content_encoding, object: Some(etag), ..entry }))
        }
    }
}

/// Says that the store was too slow for a document to be written while the lock is surely ours.
const fn late(path: String) -> StaticError {
    StaticError::Bucket(BucketError::Silent(path, HOLD.as_secs()))
}

/// Returns the bytes of a document as they are stored, and how they are packed: as everybody unpacks them.
fn form_of(document: &Document) -> (Bytes, Option<&'static str>) {
    let packed = document.representation(Coding::Gzip).map(|form| (form.bytes.clone(), Some(Coding::Gzip.name())));
    let plain = || document.representation(Coding::Identity).map(|form| (form.bytes.clone(), None));
    packed.or_else(plain).unwrap_or_default()
}

/// Takes the lock; returns its validator.
async fn take(bucket: &Bucket, target: &BucketTarget, owner: (u64, u64)) -> Result<String, StaticError> {
    let there = bucket.get(LOCK).await?.map(|(_, etag)| etag);
    let is_silent = |etag: &String| {
        let mut seen = target.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match &*seen {
            Some((known, since)) if known == etag => since.elapsed() >= SILENCE,
            _ => {
                *seen = Some((etag.clone(), Instant::now()));
                false
            }
        }
    };
    if there.as_ref().is_some_and(|etag| !is_silent(etag)) {
        return Err(StaticError::Taken(target.address()));
    }
    let condition = there.as_deref().map_or(Condition::IsNew, Condition::Is);
    match bucket.put(LOCK, body(owner), PRIVATE, condition).await {
        Err(BucketError::Changed(_)) => Err(StaticError::Taken(target.address())),
        taken => Ok(taken?),
    }
}

/// Returns the lock's content, never the same twice: stores validate objects by it.
fn body((owner, turn): (u64, u64)) -> Bytes {
    format!("{}\"turn\":{turn}}}", owner_of(owner)).into()
}

/// Returns what the content of an owner's lock begins with.
fn owner_of(owner: u64) -> String {
    format!("{{\"owner\":\"{owner:016x}\",")
}

/// Returns the key of a document's object: its address, so without the ending of a page.
fn key_of(path: &str) -> &str {
    let is_named = NAMED.iter().any(|name| path.rsplit('/').next() == Some(*name));
    path.strip_suffix(".html").filter(|_| !is_named).unwrap_or(path)
}

/// Returns the path of the document with this key.
fn path_of(key: &str) -> String {
    let has_ending = key.starts_with(OWN) || key.rsplit('/').next().is_some_and(|name| name.contains('.'));
    if has_ending { key.to_owned() } else { format!("{key}.html") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_addresses_and_lead_back_to_paths() {
        for (path, key) in [
            ("regions/140300.html", "regions/140300"),
            ("regions/140300/atom.xml", "regions/140300/atom.xml"),
            ("regions/140300/archive/2026-11-1.xml", "regions/140300/archive/2026-11-1.xml"),
            ("news/index.html", "news/index.html"),
            ("404.html", "404.html"),
            ("style.css", "style.css"),
            ("about.html", "about"),
        ] {
            assert_eq!((key_of(path), path_of(key).as_str()), (key, path));
        }
    }
}
