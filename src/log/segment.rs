//! Segments: one file per day, and reading the lines in them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::encoding::{self, Unreadable};
use super::error::LogError;
use super::record::Record;

/// Days since 1970-01-01; identifies a segment.
pub(super) type Day = u32;

/// The first day that has a segment of its own: the number of the one before it stands for [`KEPT`].
pub(super) const FIRST: Day = 1;

/// The segment of records that outlive the dropped days. It sorts before all others, because later reports are judged
/// by what was known about their source at the time.
pub const KEPT: Day = 0;

/// Returns the path of a day's segment.
pub(super) fn path(folder: &Path, day: Day) -> PathBuf {
    match day {
        KEPT => folder.join("kept.jsonl"),
        day => folder.join(format!("{}.jsonl", crate::model::Moment::from_seconds(i64::from(day) * 86_400).day())),
    }
}

/// Returns the day whose segment has this file name.
pub(super) fn named(name: &str) -> Option<Day> {
    match name.strip_suffix(".jsonl")? {
        "kept" => Some(KEPT),
        day => day_of(day),
    }
}

/// Returns the days that have a segment, oldest first; [`KEPT`] is one of them if it exists.
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

/// Parses a day written as `YYYY-MM-DD`.
pub(super) fn day_of(text: &str) -> Option<Day> {
    let at = crate::model::Moment::from_rfc3339(&format!("{text}T00:00:00Z"))?;
    u32::try_from(at.seconds().div_euclid(86_400)).ok().filter(|day| *day >= FIRST)
}

/// Returns the day of a moment; an earlier one than the [`FIRST`] counts as that.
pub(super) fn day_at(at: crate::model::Moment) -> Day {
    u32::try_from(at.seconds().div_euclid(86_400)).unwrap_or(FIRST).max(FIRST)
}

/// Verifies the checksum of every line of a segment; `tell` receives the offset of each damaged line and what is wrong
/// with it. Returns `false` if `is_over` stopped it before the end.
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
        if let Err(detail) = encoding::checked(line.strip_suffix(b"\n").unwrap_or(&line)) {
            tell(offset, detail);
        }
        let before = offset;
        offset += u64::try_from(length).unwrap_or(0);
        if before >> 20 != offset >> 20 {
            // Pause after each MiB so that the scrub does not hog the disk.
            std::thread::sleep(std::time::Duration::from_millis(5));
            if is_over() {
                return Ok(false);
            }
        }
    }
}

/// Returns the last complete line of a segment, without its line end; `None` if there is none, or if it starts more
/// than 256 MiB before the end of the file.
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
    /// Offset of the line, in bytes.
    pub(super) offset: u64,
    /// Its length in bytes, without the line end.
    pub(super) length: u32,
    /// Whether the line is terminated; the last one of a torn segment may not be.
    pub(super) ended: bool,
    /// Sequence number and record, or why the line cannot be decoded.
    pub(super) record: Result<(u64, Record), Unreadable>,
}

/// Iterator over the lines of a segment, in order. It ends with an error: what cannot be read now, cannot be read again and
/// again.
pub(super) struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    offset: u64,
    line: Vec<u8>,
    is_over: bool,
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
            is_over: false,
        })
    }
}

impl Iterator for Lines {
    type Item = Result<Found, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        self.line.clear();
        let length = match self.reader.read_until(b'\n', &mut self.line) {
            Ok(0) => return None,
            Ok(length) => length,
            Err(source) => {
                self.is_over = true;
                return Some(Err(LogError::File { doing: "read", path: self.path.clone(), source }));
            }
        };
        let offset = self.offset;
        self.offset += u64::try_from(length).unwrap_or(0);
        let ended = self.line.last() == Some(&b'\n');
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
        Some(Ok(Found { offset, length, ended, record: encoding::decode(line) }))
    }
}
