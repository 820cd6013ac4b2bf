//! Reads a log from a record on, in order, past what is damaged.

use std::path::PathBuf;

use super::error::LogError;
use super::position::{Damage, Position, Replayed};
use super::recovery::{MAX_GAP, first_seq, missing};
use super::segment::{self, Day, Lines};
use super::store::Log;

impl Log {
    /// Iterates over all records with a sequence number above `after`, in order. Damaged lines are yielded as
    /// [`Damage`] and do not stop the iteration.
    ///
    /// # Errors
    /// If the folder cannot be read; a single segment that cannot be read is yielded as [`Damage`].
    pub fn replay(&self, after: u64) -> Result<impl Iterator<Item = Result<Replayed, Damage>> + use<>, LogError> {
        let records = self.records(after.saturating_add(1))?;
        Ok(records.filter(move |found| found.as_ref().is_ok_and(|replayed| replayed.seq > after) || found.is_err()))
    }

    /// Iterates over the records of the segment in which `from` is or would be, and of all later ones.
    pub(super) fn records(
        &self,
        from: u64,
    ) -> Result<impl Iterator<Item = Result<Replayed, Damage>> + use<>, LogError> {
        let mut days = segment::days(self.folder())?;
        // Skip whole segments before it, unless the segments are out of order.
        if from > 1 {
            let first = |day: &Day| first_seq(self.folder(), *day).ok().flatten().unwrap_or(0);
            let firsts: Vec<u64> = days.iter().map(first).collect();
            if firsts.iter().filter(|first| **first > 0).is_sorted()
                && let Some(at) = firsts.iter().rposition(|first| (1..=from).contains(first))
            {
                days.drain(..at);
            }
        }
        let folder = self.folder().to_owned();
        let (last, safe) = self.end();
        let lines = days.into_iter().flat_map(move |day| {
            let path = segment::path(&folder, day);
            let is_safe = move |offset: u64| Some(day) != last || offset < safe;
            let (lines, failed) = match Lines::open(&path) {
                Ok(lines) => (Some(lines), None),
                Err(error) => (None, Some(Err(Damage { path: path.clone(), offset: 0, detail: error.to_string() }))),
            };
            let lines = lines.into_iter().flatten().filter_map(move |found| match found {
                Ok(found) if !is_safe(found.offset) => None,
                Ok(found) => Some(match found.record {
                    Ok((seq, record)) => Ok(Replayed {
                        seq,
                        position: Position { day, length: found.length, offset: found.offset },
                        record,
                    }),
                    Err(unreadable) => {
                        Err(Damage { path: path.clone(), offset: found.offset, detail: unreadable.to_string() })
                    }
                }),
                Err(error) => Some(Err(Damage { path: path.clone(), offset: 0, detail: error.to_string() })),
            });
            failed.into_iter().chain(lines)
        });
        let mut order = Order { folder: self.folder().to_owned(), newest: 0, day: segment::KEPT, is_broken: false };
        Ok(lines.flat_map(move |found| order.check(found)))
    }
}

/// Checks the order of records across segments: numbers only rise, and continue without a gap from one segment to the
/// next. A record that breaks this is in the wrong file or was not written by this log; a gap between two segments means
/// that a file is lost.
struct Order {
    folder: PathBuf,
    /// The number of the last record, and its day.
    newest: u64,
    day: Day,
    /// Whether a damaged line came after it.
    is_broken: bool,
}

impl Order {
    /// Passes a record on, after the damage that it shows, if any.
    fn check(&mut self, found: Result<Replayed, Damage>) -> Vec<Result<Replayed, Damage>> {
        let replayed = match found {
            Ok(replayed) => replayed,
            Err(damage) => {
                self.is_broken = true;
                return vec![Err(damage)];
            }
        };
        let (seq, position, newest) = (replayed.seq, replayed.position, self.newest);
        let path = segment::path(&self.folder, position.day);
        if seq <= newest || newest > 0 && seq - newest > MAX_GAP {
            let detail = format!("record {seq} cannot follow record {newest}; does this file belong to another log?");
            return vec![Err(Damage { path, offset: position.offset, detail })];
        }
        let is_next_day = self.day != segment::KEPT && position.day != self.day;
        // A gap after a damaged line is that line's record, not a lost file.
        let lost = (is_next_day && seq > newest + 1 && !self.is_broken).then(|| missing(newest, seq));
        self.is_broken = false;
        (self.newest, self.day) = (seq, position.day);
        let lost = lost.map(|detail| Err(Damage { path, offset: 0, detail }));
        lost.into_iter().chain([Ok(replayed)]).collect()
    }
}
