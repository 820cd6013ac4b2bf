//! One file a day, and what is found in it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::LogError;
use super::record::{self, Record, Unreadable};

/// A day, counted from 1970-01-01; it names a segment.
pub(super) type Day = u32;

/// The segment of what outlived the days that were dropped. It comes before all others: what was reported later is judged
/// by what was known of its source then.
pub(super) const KEPT: Day = 0;

/// The file of a day.
pub(super) fn path(folder: &Path, day: Day) -> PathBuf {
    match day {
        KEPT => folder.join("kept.jsonl"),
        day => folder.join(format!("{}.jsonl", crate::model::Moment::from_seconds(i64::from(day) * 86_400).day())),
    }
}

/// The day whose file has this name.
pub(super) fn named(name: &str) -> Option<Day> {
    match name.strip_suffix(".jsonl")? {
        "kept" => Some(KEPT),
        day => day_of(day),
    }
}

/// The days that have a segment, oldest first.
pub(super) fn days(folder: &Path) -> Result<Vec<Day>, LogError> {
    let failed = |source| LogError::File { doing: "read", path: folder.to_owned(), source };
    let mut days = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        days.extend(name.to_str().and_then(named));
    }
    days.sort_unstable();
    Ok(days)
}

/// The day written as `YYYY-MM-DD`.
pub(super) fn day_of(text: &str) -> Option<Day> {
    let at = crate::model::Moment::from_rfc3339(&format!("{text}T00:00:00Z"))?;
    u32::try_from(at.seconds().div_euclid(86_400)).ok()
}

/// Looks at the checksums of a segment's lines; `tell` gets the place of each damaged one and what is wrong with it.
/// `false` where `is_over` said so before the end.
pub(super) fn scrub(
    path: &Path,
    is_over: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(u64, &str),
) -> Result<bool, LogError> {
    let failed = |source| LogError::File { doing: "read", path: path.to_owned(), source };
    let mut reader = BufReader::with_capacity(256 * 1024, File::open(path).map_err(failed)?);
    let (mut line, mut offset) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
        if length == 0 {
            return Ok(true);
        }
        if let Err(detail) = record::checked(line.strip_suffix(b"\n").unwrap_or(&line)) {
            tell(offset, detail);
        }
        let before = offset;
        offset += u64::try_from(length).unwrap_or(0);
        if before >> 20 != offset >> 20 {
            // A megabyte at a time, so that it is in nobody's way.
            std::thread::sleep(std::time::Duration::from_millis(5));
            if is_over() {
                return Ok(false);
            }
        }
    }
}

/// The last line of a segment that has an end, without it; `None` where there is none within its last 64 MiB.
pub(super) fn last_line(path: &Path) -> Result<Option<Vec<u8>>, LogError> {
    const MAX_TAIL: u64 = 64 << 20;
    let failed = |source| LogError::File { doing: "read", path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut size: u64 = 64 * 1024;
    loop {
        let from = length.saturating_sub(size);
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        (&file).take(size).read_to_end(&mut tail).map_err(failed)?;
        let ended = tail.iter().rposition(|byte| *byte == b'\n').and_then(|end| tail.get(..end)).unwrap_or(&[]);
        match ended.iter().rposition(|byte| *byte == b'\n') {
            Some(begin) => return Ok(ended.get(begin + 1..).map(<[u8]>::to_vec)),
            None if from == 0 => return Ok((!ended.is_empty()).then(|| ended.to_vec())),
            None if size >= MAX_TAIL => return Ok(None),
            None => size *= 16,
        }
    }
}

/// A line of a segment.
pub(super) struct Found {
    /// Where it begins, in bytes.
    pub(super) offset: u64,
    /// Its length in bytes, without the line end.
    pub(super) length: u32,
    /// Did it end with a line end?
    pub(super) ended: bool,
    /// What it says, or why it cannot be read.
    pub(super) record: Result<(u64, Record), Unreadable>,
}

/// The lines of a segment, in order.
pub(super) struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    offset: u64,
    line: Vec<u8>,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let file =
            File::open(path).map_err(|source| LogError::File { doing: "read", path: path.to_owned(), source })?;
        Ok(Self {
            reader: BufReader::with_capacity(256 * 1024, file),
            path: path.to_owned(),
            offset: 0,
            line: Vec::new(),
        })
    }
}

impl Iterator for Lines {
    type Item = Result<Found, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line.clear();
        let length = match self.reader.read_until(b'\n', &mut self.line) {
            Ok(0) => return None,
            Ok(length) => length,
            Err(source) => return Some(Err(LogError::File { doing: "read", path: self.path.clone(), source })),
        };
        let offset = self.offset;
        self.offset += u64::try_from(length).unwrap_or(0);
        let ended = self.line.last() == Some(&b'\n');
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
        Some(Ok(Found { offset, length, ended, record: record::decode(line) }))
    }
}
