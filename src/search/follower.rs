//! Follows the view: indexes what is new, compares the index with the view, and merges segments.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::builder::Batch;
use super::error::SearchError;
use super::index::SearchIndex;
use super::merge::merge;
use super::pages::PageWriter;
use super::postings;
use super::segment::{Header, MAX_MERGED, Row, Segment};
use crate::log::{Log, Record};
use crate::model::RegionId;
use crate::view::View;

/// Interval between two looks for new items.
const INTERVAL: Duration = Duration::from_millis(200);
/// Interval between two comparisons with the view.
const COMPARING: Duration = Duration::from_secs(86_400);
/// How many items of the view are looked at with one lock.
const AT_ONCE: usize = 1024;
/// While more documents than this are in memory, or more segments than this wait for being merged, there are no new ones.
const MAX_WAITING: usize = 20 * 1024;
const MAX_SEGMENTS: usize = 128;

/// The classes of segments by their number of documents; so many neighbours of a class become one of the next.
const CLASSES: [(usize, usize); 3] = [(16, 16), (1024, 16), (16_384, 16)];
/// Segments with more documents than this are in files.
const MAX_IN_MEMORY: usize = 1024;

/// What keeps the index up to date.
#[derive(Clone, Debug)]
pub struct Follower {
    /// The index.
    pub index: Arc<SearchIndex>,
    /// The log, which has the texts.
    pub log: Arc<Log>,
    /// The view, which says what there is.
    pub view: Arc<View>,
}

impl Follower {
    /// Indexes new items until [`SearchIndex::stop`]. It blocks, so it needs a thread of its own.
    pub fn follow(&self) {
        while let Err(error) = self.index.load() {
            tracing::error!(
                event = "search_unopened",
                error = &error as &dyn std::error::Error,
                "cannot open the search index; trying again"
            );
            self.index.wait(Duration::from_secs(60));
            if self.index.is_stopped() {
                return;
            }
        }
        self.index.set_loaded();
        let mut compared = Instant::now();
        while !self.index.is_stopped() {
            let is_doubtful = self.index.take_doubt() || compared.elapsed() > COMPARING;
            let reported = self.view.take_reported().filter(|_| !is_doubtful);
            let numbers = match reported {
                Some(numbers) => numbers,
                None => {
                    compared = Instant::now();
                    self.missing()
                }
            };
            if let Err(error) = self.index_all(&numbers) {
                if !matches!(error, SearchError::Stopped) {
                    tracing::error!(
                        event = "search_not_indexed",
                        error = &error as &dyn std::error::Error,
                        "cannot index new items; trying again"
                    );
                    self.index.doubt();
                    self.index.wait(Duration::from_secs(5));
                }
                continue;
            }
            self.index.set_complete(true);
            self.index.wait(INTERVAL);
        }
    }

    /// Merges segments until [`SearchIndex::stop`]. It blocks, so it needs a thread of its own.
    pub fn merge(&self) {
        while !self.index.is_stopped() {
            if !self.index.is_loaded() {
                self.index.wait(INTERVAL);
                continue;
            }
            match self.merge_some() {
                Ok(true) => self.index.wake(),
                Ok(false) => self.index.wait(INTERVAL),
                Err(SearchError::Stopped) => {}
                Err(error) => {
                    tracing::error!(
                        event = "search_not_merged",
                        error = &error as &dyn std::error::Error,
                        "cannot merge parts of the search index; trying again"
                    );
                    self.index.wait(Duration::from_secs(60));
                }
            }
        }
    }

    /// Does once what [`follow`](Self::follow) and [`merge`](Self::merge) do, until there is nothing left to do.
    ///
    /// # Errors
    /// If the index cannot be read or written.
    pub fn catch_up(&self) -> Result<(), SearchError> {
        if !self.index.is_loaded() {
            self.index.load()?;
            self.index.set_loaded();
        }
        let is_doubtful = self.index.take_doubt();
        let numbers = self.view.take_reported().filter(|_| !is_doubtful);
        let numbers = numbers.unwrap_or_else(|| self.missing());
        self.index_all(&numbers)?;
        self.index.set_complete(true);
        while self.merge_some()? {}
        Ok(())
    }

    /// Returns the items that the index lacks. Segments of which nothing is up to date are taken out.
    fn missing(&self) -> Vec<u64> {
        let segments = self.index.segments();
        // The number, the stamp and the segment of each document.
        let mut known: Vec<(u64, u32, u32)> = Vec::with_capacity(segments.iter().map(|segment| segment.len()).sum());
        for (at, segment) in (0..).zip(segments.iter()) {
            known.extend(segment.rows().map(|row| (row.item.number, row.item.stamp, at)));
        }
        known.sort_unstable();
        let mut valid = vec![0_usize; segments.len()];
        let (mut missing, mut after) = (Vec::new(), 0);
        loop {
            let items = self.view.indexed(after, AT_ONCE);
            let Some(last) = items.last() else { break };
            after = last.number;
            for item in items {
                let from = known.partition_point(|(number, stamp, _)| (*number, *stamp) < (item.number, item.stamp));
                let is_it = |known: &&(u64, u32, u32)| (known.0, known.1) == (item.number, item.stamp);
                let mut is_missing = true;
                for (.., segment) in known.get(from..).unwrap_or(&[]).iter().take_while(is_it) {
                    is_missing = false;
                    valid.get_mut(postings::index(*segment)).into_iter().for_each(|valid| *valid += 1);
                }
                if is_missing {
                    missing.push(item.number);
                }
            }
            if self.index.is_stopped() {
                return Vec::new();
            }
        }
        self.purge(&segments, &valid);
        missing
    }

    /// Writes segments anew of which most is out of date.
    fn purge(&self, segments: &[Arc<Segment>], valid: &[usize]) {
        let _merging = self.index.merging();
        let stale = segments.iter().zip(valid).filter(|(segment, valid)| **valid * 2 < segment.len());
        for (segment, _) in stale {
            if let Err(error) = self.merge_these(std::slice::from_ref(segment))
                && !matches!(error, SearchError::Stopped)
            {
                tracing::warn!(
                    event = "search_not_removed",
                    error = &error as &dyn std::error::Error,
                    "cannot remove old parts of the search index"
                );
            }
        }
    }

    fn index_all(&self, numbers: &[u64]) -> Result<(), SearchError> {
        let mut holders = Holders::default();
        let mut batch = Batch::default();
        for (at, number) in numbers.iter().enumerate() {
            if self.index.is_stopped() {
                return Err(SearchError::Stopped);
            }
            self.add(*number, &mut batch, &mut holders)?;
            if batch.is_full() {
                self.end_batch(std::mem::take(&mut batch), &mut holders)?;
                self.index.metrics().lag(numbers.len() - at);
            }
        }
        self.end_batch(batch, &mut holders)?;
        self.index.metrics().lag(0);
        Ok(())
    }

    /// Adds an item to a batch, if it is there and its text can be read.
    fn add(&self, number: u64, batch: &mut Batch, holders: &mut Holders) -> Result<(), SearchError> {
        let Some(facts) = self.view.index_facts(number) else { return Ok(()) };
        let report = match self.log.read(facts.position) {
            Ok(Record::Report(report)) => report,
            // A damaged line is reported by those who watch the log.
            Ok(_) => return Ok(()),
            Err(error) if error.is_passing() => return Err(SearchError::Log(error)),
            Err(_) => return Ok(()),
        };
        let regions = holders.of(&facts.regions, &self.index);
        batch.push(&facts, &report.draft, &regions);
        self.index.metrics().index(1);
        Ok(())
    }

    fn end_batch(&self, batch: Batch, holders: &mut Holders) -> Result<(), SearchError> {
        if !batch.is_empty() {
            self.index.add(batch.finish(holders.rules(&self.index))?);
            self.index.wake();
        }
        *holders = Holders { known: std::mem::take(&mut holders.known), ..Holders::default() };
        while self.is_full() {
            if self.index.is_stopped() {
                return Err(SearchError::Stopped);
            }
            if !self.merge_some()? {
                break;
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        let segments = self.index.segments();
        let in_memory = segments.iter().filter(|segment| segment.file.is_none());
        segments.len() > MAX_SEGMENTS || in_memory.map(|segment| segment.len()).sum::<usize>() > MAX_WAITING
    }

    /// Merges segments of the lowest class that has enough of them; returns whether there were any.
    fn merge_some(&self) -> Result<bool, SearchError> {
        let _merging = self.index.merging();
        let segments = self.index.segments();
        for (class, (_, count)) in CLASSES.iter().enumerate() {
            let same: Vec<Arc<Segment>> =
                segments.iter().filter(|segment| self::class(segment) == class).take(*count).cloned().collect();
            if same.len() == *count {
                self.merge_these(&same)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn merge_these(&self, old: &[Arc<Segment>]) -> Result<(), SearchError> {
        let inputs: Vec<&Segment> = old.iter().map(AsRef::as_ref).collect();
        let replaces = old.iter().filter_map(|segment| segment.file).take(MAX_MERGED).collect();
        let header = Header { rules: self.index.regions().1, replaces };
        let count: usize = inputs.iter().map(|segment| segment.len()).sum();
        let is_in_file = count > MAX_IN_MEMORY || inputs.iter().any(|segment| segment.file.is_some());
        let is_valid = |row: &Row| self.view.is_as_indexed(row.item);
        let is_over = || self.index.is_stopped();
        let merged = if is_in_file {
            self.merge_into_file(&inputs, header, &is_valid, &is_over)
        } else {
            merge(&inputs, PageWriter::Memory(Vec::new()), header, &is_valid, &is_over)
        };
        match merged {
            Ok(segment) => self.index.replace(old, segment),
            Err(SearchError::Damaged(_)) => self.drop_damaged(old),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn merge_into_file(
        &self,
        inputs: &[&Segment],
        header: Header,
        is_valid: &dyn Fn(&Row) -> bool,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Segment, SearchError> {
        let (number, path) = self.index.new_file();
        let fresh = path.with_extension("new");
        let failed = |doing| super::builder::failed(doing, &path);
        let file = std::fs::File::options().create(true).truncate(true).read(true).write(true).open(&fresh);
        let out = PageWriter::to_file(file.map_err(failed("make"))?);
        let merged = merge(inputs, out, header, is_valid, is_over);
        if merged.is_err() {
            // A file that stays behind is removed at the next start.
            drop(std::fs::remove_file(&fresh));
        }
        let merged = merged?;
        std::fs::rename(&fresh, &path).map_err(failed("move"))?;
        Ok(merged.in_file(path, number))
    }

    /// Takes out those segments that cannot be read to the end.
    fn drop_damaged(&self, segments: &[Arc<Segment>]) {
        for segment in segments {
            let (mut terms, mut docs) = (segment.all(), Vec::new());
            loop {
                docs.clear();
                match terms.next(&mut docs) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(error) => {
                        self.index.note_damage(segment, error);
                        break;
                    }
                }
            }
        }
    }
}

/// Returns the class of a segment.
fn class(segment: &Segment) -> usize {
    CLASSES.iter().take_while(|(most, _)| segment.len() > *most).count()
}

/// The regions and groups that hold a region.
#[derive(Debug, Default)]
struct Holders {
    rules: Option<[u8; 16]>,
    known: HashMap<RegionId, Vec<RegionId>>,
}

impl Holders {
    /// Returns the rules by which the regions of the batch lie to each other.
    fn rules(&mut self, index: &SearchIndex) -> [u8; 16] {
        *self.rules.get_or_insert_with(|| index.regions().1)
    }

    /// Returns all regions and groups that hold one of these.
    fn of(&mut self, regions: &[RegionId], index: &SearchIndex) -> Vec<RegionId> {
        let (tree, rules) = index.regions();
        if self.rules.is_some_and(|known| known != rules) {
            self.known.clear();
        }
        self.rules.get_or_insert(rules);
        let mut all = Vec::new();
        for region in regions {
            let held = self.known.entry(region.clone()).or_insert_with(|| tree.holders(region));
            all.extend(held.iter().cloned());
        }
        all
    }
}
