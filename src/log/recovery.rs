//! Opening a log: finds where each day ends, cuts off torn ends, and reports gaps.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::encoding::{self, Unreadable};
use super::error::LogError;
use super::position::Damage;
use super::segment::{self, Day, Lines};
use crate::model::with_causes;

/// The largest gap between the sequence numbers of two records; records may be missing if they expired or are damaged.
pub(super) const MAX_GAP: u64 = 1 << 32;

/// Finds where writing must continue. `torn` handles the end of the last segment and returns any damage to report.
pub(super) fn survey(
    folder: &Path,
    torn: impl Fn(Day, &Tail) -> Result<Option<Damage>, LogError>,
) -> Result<(Writer, Vec<Damage>), LogError> {
    let mut damages = Vec::new();
    let days = segment::days(folder)?;
    let mut writer = Writer { file: None, day: days.last().copied(), end: 0, next: 1 };
    // The last segment may be empty; numbering continues from the newest record.
    let mut oldest_read = 0;
    for (at, day) in days.iter().enumerate().rev() {
        let tail = look(folder, *day)?;
        if Some(*day) == writer.day {
            writer.end = tail.end;
            damages.extend(torn(*day, &tail)?);
        }
        if let Some(seq) = tail.last {
            writer.next = seq + 1;
            oldest_read = at;
            break;
        }
    }
    // If a later segment was stored under an earlier day's name, at least none of its numbers may be assigned again.
    for day in days.iter().take(oldest_read) {
        match first_seq(folder, *day) {
            Ok(Some(first)) if first >= writer.next => {
                writer.next = writer.next.max(look(folder, *day)?.last.map_or(0, |last| last + 1));
            }
            Ok(_) => {}
            // What is written later does not depend on an old day.
            Err(error) => damages.push(unread(folder, *day, &error)),
        }
    }
    Ok((writer, damages))
}

/// How a segment ends.
pub(super) struct Tail {
    /// Sequence number of the last valid record.
    pub(super) last: Option<u64>,
    /// Offset after that record and its line end.
    pub(super) end: u64,
    /// What is wrong with the data after it.
    pub(super) torn: Option<String>,
}

/// Finds missing records between two segments: each must continue where the previous one ends. Expiry leaves no gap,
/// because it drops the oldest segment.
pub(super) fn gaps(folder: &Path) -> Result<Vec<Damage>, LogError> {
    let mut damages = Vec::new();
    let mut last: Option<u64> = None;
    for day in segment::days(folder)?.into_iter().filter(|day| *day != segment::KEPT) {
        let (first, newest) = match ends(folder, day) {
            Ok(ends) => ends,
            Err(error) => {
                damages.push(unread(folder, day, &error));
                (None, None)
            }
        };
        if let (Some(last), Some(first)) = (last, first)
            && first > last + 1
        {
            damages.push(Damage { path: segment::path(folder, day), offset: 0, detail: missing(last, first) });
        }
        // If the last line cannot be decoded, the scrub has already reported it.
        last = newest;
    }
    Ok(damages)
}

pub(super) fn missing(last: u64, first: u64) -> String {
    format!(
        "records {} to {} are missing before this file: a segment of the log is lost; restore it from a backup",
        last + 1,
        first - 1
    )
}

/// Returns the numbers of a segment's first valid record and of its last line.
fn ends(folder: &Path, day: Day) -> Result<(Option<u64>, Option<u64>), LogError> {
    let last = segment::last_line(&segment::path(folder, day))?;
    Ok((first_seq(folder, day)?, last.and_then(|line| encoding::decode(&line).ok()).map(|(seq, _)| seq)))
}

/// Returns the sequence number of a segment's first valid record.
pub(super) fn first_seq(folder: &Path, day: Day) -> Result<Option<u64>, LogError> {
    for found in Lines::open(&segment::path(folder, day))? {
        if let Ok((seq, _)) = found?.record {
            return Ok(Some(seq));
        }
    }
    Ok(None)
}

/// A segment that cannot be read.
fn unread(folder: &Path, day: Day, error: &LogError) -> Damage {
    Damage { path: segment::path(folder, day), offset: 0, detail: with_causes(error) }
}

pub(super) fn look(folder: &Path, day: Day) -> Result<Tail, LogError> {
    let mut tail = Tail { last: None, end: 0, torn: None };
    for found in Lines::open(&segment::path(folder, day))? {
        let found = found?;
        match found.record {
            Ok((seq, _)) if found.ended => {
                tail = Tail { last: Some(seq), end: found.offset + u64::from(found.length) + 1, torn: None };
            }
            Ok(_) => tail.torn = Some("the last line is not terminated".to_owned()),
            // An intact record of a newer version is never cut off.
            Err(Unreadable::Newer(detail)) if found.ended => {
                return Err(LogError::Newer { path: segment::path(folder, day), offset: found.offset, detail });
            }
            Err(unreadable) => tail.torn = tail.torn.or(Some(unreadable.to_string())),
        }
    }
    Ok(tail)
}

/// Cuts off what a crash left after the last valid record. It is saved beside the segment unless it is all NULs.
pub(super) fn cut_tail(folder: &Path, day: Day, tail: &Tail) -> Result<Option<Damage>, LogError> {
    let Some(detail) = &tail.torn else { return Ok(None) };
    let path = segment::path(folder, day);
    let failed = |doing| {
        let path = path.clone();
        move |source| LogError::File { doing, path, source }
    };
    let mut file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed("open"))?;
    file.seek(SeekFrom::Start(tail.end)).map_err(failed("read"))?;
    let mut torn = Vec::new();
    file.read_to_end(&mut torn).map_err(failed("read"))?;
    if torn.iter().any(|byte| *byte != 0) {
        let aside = path.with_extension(format!("torn-at-{}", tail.end));
        std::fs::write(&aside, &torn).map_err(|source| LogError::File {
            doing: "write",
            path: aside.clone(),
            source,
        })?;
    }
    file.set_len(tail.end).map_err(failed("cut"))?;
    file.sync_all().map_err(failed("sync"))?;
    Ok(Some(Damage {
        path,
        offset: tail.end,
        detail: format!("{} bytes after the last valid record were cut off: {detail}", torn.len()),
    }))
}

#[derive(Debug)]
pub(super) struct Writer {
    /// The segment open for writing; `None` before the first append and after an error, until the segment is reopened
    /// and its tail truncated.
    pub(super) file: Option<File>,
    /// The day whose segment is written to; `None` if there is no segment yet.
    pub(super) day: Option<Day>,
    /// End of the acknowledged data, in bytes.
    pub(super) end: u64,
    pub(super) next: u64,
}
