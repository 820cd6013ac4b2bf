//! The segments of the index: in memory, and in a folder.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use super::builder::failed;
use super::error::SearchError;
use super::metrics::Metrics;
use super::segment::Segment;
use super::terms;
use crate::model::Regions;

/// Version of the terms. Another one means that the index is made anew.
const VERSION: u32 = 1;

/// Where the index is.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its folder.
    pub folder: PathBuf,
}

/// The index.
#[derive(Debug)]
pub struct SearchIndex {
    folder: PathBuf,
    segments: RwLock<Arc<Vec<Arc<Segment>>>>,
    regions: RwLock<(Arc<Regions>, [u8; 16])>,
    /// Number of the next file.
    next: AtomicU64,
    /// Whether the index may lack something or have too much of it.
    is_doubtful: AtomicBool,
    is_complete: AtomicBool,
    version: AtomicU64,
    is_loaded: AtomicBool,
    is_stopped: AtomicBool,
    /// Held while segments are merged.
    merging: Mutex<()>,
    /// For those who wait for something to do.
    waiting: (Mutex<()>, Condvar),
    metrics: Metrics,
}

impl SearchIndex {
    /// Creates an index that holds nothing yet; [`Follower::follow`](super::Follower::follow) opens its folder.
    pub fn new(options: Options, regions: Arc<Regions>, metrics: Metrics) -> Self {
        let rules = rules(&regions);
        Self {
            folder: options.folder,
            segments: RwLock::default(),
            regions: RwLock::new((regions, rules)),
            next: AtomicU64::new(1),
            is_doubtful: AtomicBool::new(true),
            is_complete: AtomicBool::new(false),
            version: AtomicU64::new(0),
            is_loaded: AtomicBool::new(false),
            is_stopped: AtomicBool::new(false),
            merging: Mutex::new(()),
            waiting: (Mutex::new(()), Condvar::new()),
            metrics,
        }
    }

    /// Opens the files of the folder, creating it if necessary. Files that cannot be used are removed; what is missing is
    /// made anew later.
    pub(super) fn load(&self) -> Result<(), SearchError> {
        std::fs::create_dir_all(&self.folder).map_err(failed("make", &self.folder))?;
        let (segments, last) = load(&self.folder, self.regions().1)?;
        self.next.store(last + 1, Ordering::Relaxed);
        self.change(|known| {
            *known = segments;
            Vec::new()
        });
        Ok(())
    }

    /// Takes over the regions of a new config. If they lie otherwise to each other, the index is made anew.
    pub fn set_regions(&self, regions: Arc<Regions>) {
        let rules = rules(&regions);
        let is_other = {
            let mut known = self.regions.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *known, (regions, rules)).1 != rules
        };
        if is_other {
            self.change(std::mem::take);
            self.doubt();
        }
    }

    /// Returns a number that is another one whenever the index has changed.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Returns whether any document has a label.
    ///
    /// # Errors
    /// If the index is damaged.
    pub fn has_topic(&self, topic: &str) -> Result<bool, SearchError> {
        for segment in self.segments().iter() {
            let listing = segment.listing(terms::topic(topic));
            if listing.map_err(|error| self.note_damage(segment, error))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends everything that works on the index, soon.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        self.waiting.1.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    /// Waits until there may be something to do.
    pub(super) fn wait(&self, at_most: Duration) {
        let guard = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_stopped() {
            drop(self.waiting.1.wait_timeout(guard, at_most));
        }
    }

    /// Waits until nobody else merges segments.
    pub(super) fn merging(&self) -> MutexGuard<'_, ()> {
        self.merging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait.
    pub(super) fn wake(&self) {
        self.waiting.1.notify_all();
    }

    /// Returns whether every item of the view can be found.
    pub fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Acquire)
    }

    /// Returns whether the files of the folder are open.
    pub(super) fn is_loaded(&self) -> bool {
        self.is_loaded.load(Ordering::Acquire)
    }

    pub(super) fn set_loaded(&self) {
        self.is_loaded.store(true, Ordering::Release);
    }

    pub(super) fn set_complete(&self, is_complete: bool) {
        if self.is_complete.swap(is_complete, Ordering::AcqRel) != is_complete {
            self.version.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Has the index compared with the view.
    pub(super) fn doubt(&self) {
        self.set_complete(false);
        self.is_doubtful.store(true, Ordering::Release);
        self.wake();
    }

    /// Returns whether the index is to be compared with the view, and forgets it.
    pub(super) fn take_doubt(&self) -> bool {
        self.is_doubtful.swap(false, Ordering::AcqRel)
    }

    pub(super) fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        Arc::clone(&self.segments.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn regions(&self) -> (Arc<Regions>, [u8; 16]) {
        let known = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&known.0), known.1)
    }

    pub(super) const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns the number and the path of a new file.
    pub(super) fn new_file(&self) -> (u64, PathBuf) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number, path(&self.folder, number))
    }

    /// Adds a segment, unless it was made by other rules.
    pub(super) fn add(&self, segment: Segment) {
        if segment.header.rules == self.regions().1 {
            self.change(|segments| {
                segments.push(Arc::new(segment));
                Vec::new()
            });
        }
    }

    /// Puts one segment in the place of several; not if one of them is gone meanwhile. A segment without documents only
    /// takes them out.
    pub(super) fn replace(&self, old: &[Arc<Segment>], new: Segment) {
        let is_one = |segment: &Arc<Segment>| old.iter().any(|old| Arc::ptr_eq(old, segment));
        self.change(|segments| {
            if segments.iter().filter(|segment| is_one(segment)).count() != old.len() {
                return vec![Arc::new(new)];
            }
            let gone = segments.extract_if(.., |segment| is_one(segment)).collect();
            if new.len() > 0 {
                segments.push(Arc::new(new));
                gone
            } else {
                [gone, vec![Arc::new(new)]].concat()
            }
        });
    }

    /// Takes a segment out if an error means that it is damaged, and passes the error on.
    pub(super) fn note_damage(&self, segment: &Arc<Segment>, error: SearchError) -> SearchError {
        if matches!(error, SearchError::Damaged(_)) {
            tracing::warn!(
                event = "search_part_damaged",
                error = &error as &dyn std::error::Error,
                file = segment.file,
                "a part of the search index is made anew"
            );
            self.change(|segments| segments.extract_if(.., |known| Arc::ptr_eq(known, segment)).collect());
            self.doubt();
        }
        error
    }

    /// Changes the list of segments and removes the files of those that are returned.
    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Segment>>) -> Vec<Arc<Segment>>) {
        let gone = {
            let mut shared = self.segments.write().unwrap_or_else(PoisonError::into_inner);
            let mut segments = shared.as_ref().clone();
            let gone = change(&mut segments);
            *shared = Arc::new(segments);
            gone
        };
        self.version.fetch_add(1, Ordering::AcqRel);
        // Those who still read them have the files open.
        for path in gone.iter().filter_map(|segment| segment.path.as_ref()) {
            if let Err(error) = std::fs::remove_file(path) {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a file of the search index cannot be removed"
                );
            }
        }
        self.measure();
    }

    fn measure(&self) {
        let segments = self.segments();
        let size = segments.iter().map(|segment| segment.size()).sum();
        self.metrics.measure(segments.iter().map(|segment| segment.len()).sum(), size, segments.len());
    }
}

/// Opens all files that can be used, and returns them with the highest number of a file.
fn load(folder: &Path, rules: [u8; 16]) -> Result<(Vec<Arc<Segment>>, u64), SearchError> {
    let (mut segments, mut unusable, mut last) = (Vec::new(), Vec::new(), 0);
    for entry in std::fs::read_dir(folder).map_err(failed("read", folder))? {
        let path = entry.map_err(failed("read", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let Some(number) = name.strip_suffix(".ix").and_then(|number| number.parse().ok()) else {
            // A file that was being written.
            if name.ends_with(".new") {
                unusable.push(path);
            }
            continue;
        };
        last = last.max(number);
        match Segment::open(&path, number) {
            Ok(segment) if segment.header.rules == rules => segments.push(Arc::new(segment)),
            Ok(_) => unusable.push(path),
            Err(error) => {
                tracing::warn!(
                    event = "search_part_damaged",
                    error = &error as &dyn std::error::Error,
                    file = number,
                    "a part of the search index is made anew"
                );
                unusable.push(path);
            }
        }
    }
    let replaced: Vec<u64> =
        segments.iter().flat_map(|segment: &Arc<Segment>| segment.header.replaces.clone()).collect();
    last = last.max(replaced.iter().copied().max().unwrap_or(0));
    let is_replaced = |segment: &mut Arc<Segment>| segment.file.is_some_and(|number| replaced.contains(&number));
    unusable.extend(segments.extract_if(.., is_replaced).filter_map(|segment| segment.path.clone()));
    for path in unusable {
        std::fs::remove_file(&path).map_err(failed("remove", &path))?;
    }
    Ok((segments, last))
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.ix"))
}

/// Returns a hash of what the index depends on besides the items: its version, and how the regions lie to each other.
fn rules(regions: &Regions) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&VERSION.to_be_bytes());
    let mut all: Vec<_> = regions.all().collect();
    all.sort_by(|one, other| one.id.cmp(&other.id));
    for region in all {
        for id in [Some(&region.id), region.parent.as_ref()].into_iter().flatten().chain(&region.members) {
            hasher.update(id.as_str().as_bytes());
            hasher.update(b" ");
        }
        hasher.update(b"\n");
    }
    let mut rules = [0; 16];
    hasher.finalize_xof().fill(&mut rules);
    rules
}
