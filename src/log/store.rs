//! The log itself: appends, reads, scrubs and removes days.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::encoding::{self};
use super::error::LogError;
use super::position::{Appended, Damage, Position};
use super::record::Record;
use super::recovery::{Writer, cut_tail, gaps, survey};
use super::segment::{self, Day, Lines};
use crate::model::{Moment, with_causes};

/// Number of segments kept open for reading.
const OPEN_SEGMENTS: usize = 64;
/// Number of segments that a backup opens before it copies the first: one day an hour expires at most.
const OPENED_AHEAD: usize = 64;

/// A log stored as segments in a local folder. Only one process can hold it at a time.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    writer: Mutex<Writer>,
    readers: Mutex<HashMap<Day, Arc<File>>>,
    /// Lock file; held for the lifetime of the log.
    lock: Option<File>,
    /// Why the last append failed; `None` if it succeeded.
    refusal: Mutex<Option<String>>,
}

impl Log {
    /// Opens the log in `folder`, creating it if necessary. A torn tail of the last segment is cut off, saved beside
    /// the segment and reported.
    ///
    /// # Errors
    /// If the folder cannot be used, another process holds it, or a newer dayuan wrote to it.
    pub fn open(folder: &Path) -> Result<(Self, Vec<Damage>), LogError> {
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| LogError::File { doing, path, source }
        };
        std::fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let lock = hold(folder)?;
        let (writer, damages) = survey(folder, |day, tail| cut_tail(folder, day, tail))?;
        Ok((Self::of(folder, writer, Some(lock)), damages))
    }

    /// Opens the log in `folder` read-only: nothing is created, truncated or written; a torn tail is only reported.
    ///
    /// # Errors
    /// If there is no log, it cannot be read, another process holds it, or a newer dayuan wrote to it.
    pub fn inspect(folder: &Path) -> Result<(Self, Vec<Damage>), LogError> {
        if !folder.is_dir() {
            return Err(LogError::Missing(folder.to_owned()));
        }
        let lock = File::open(folder.join("lock")).ok();
        if lock.as_ref().is_some_and(|lock| lock.try_lock().is_err()) {
            return Err(held(folder));
        }
        let (writer, damages) = survey(folder, |day, tail| {
            let path = segment::path(folder, day);
            let detail = |torn: &String| format!("incomplete data after the last valid record: {torn}");
            Ok(tail.torn.as_ref().map(|torn| Damage { path, offset: tail.end, detail: detail(torn) }))
        })?;
        Ok((Self::of(folder, writer, lock), damages))
    }

    fn of(folder: &Path, writer: Writer, lock: Option<File>) -> Self {
        let writer = Mutex::new(writer);
        Self { folder: folder.to_owned(), writer, readers: Mutex::default(), lock, refusal: Mutex::default() }
    }

    /// Returns the folder of the log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the sequence number of the newest record; 0 if there is none.
    pub fn last_seq(&self) -> u64 {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).next - 1
    }

    /// Returns where the acknowledged data ends: the day of the newest segment, if there is one, and the offset in it.
    pub(super) fn end(&self) -> (Option<Day>, u64) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        (writer.day, writer.end)
    }

    /// Returns the day of the segment that is written to, as days since 1970-01-01; 0 if there is none.
    pub fn newest_day(&self) -> Day {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).day.unwrap_or(segment::KEPT)
    }

    /// Appends records and returns once they are synced to disk: one write and one `fdatasync` for all of them. `now`
    /// selects the segment; if the clock goes back, the newest segment is used.
    ///
    /// # Errors
    /// If writing or syncing fails. Then none of the records count, and the next call reopens the segment.
    pub fn append(&self, records: &[Record], now: Moment) -> Result<Vec<Appended>, LogError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let outcome = self.append_all(records, now);
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) =
            outcome.as_ref().err().map(|error| with_causes(error));
        outcome
    }

    /// Returns why the last append failed; `None` if it succeeded.
    pub fn refusal(&self) -> Option<String> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks whether the log can be written again after a failed append, and clears the refusal if so.
    pub fn probe(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.refusal().is_some()
            && writer.file.is_none()
            && let Some(day) = writer.day
            && let Ok(file) = self.open_segment(&mut writer, day)
        {
            writer.file = Some(file);
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    fn append_all(&self, records: &[Record], now: Moment) -> Result<Vec<Appended>, LogError> {
        self.append_encoded(segment::day_at(now), |last, lines| {
            let mut ends = Vec::with_capacity(records.len());
            for (record, seq) in records.iter().zip(last + 1..) {
                encoding::encode(seq, record, lines)?;
                ends.push((seq, lines.len()));
            }
            Ok(ends)
        })
    }

    /// Appends the lines that `fill` makes: it is given the number of the newest record and where to put the lines, and
    /// returns the number of each and where it ends. `day` selects the segment, unless there is a newer one.
    pub(super) fn append_encoded(
        &self,
        day: Day,
        fill: impl FnOnce(u64, &mut Vec<u8>) -> Result<Vec<(u64, usize)>, LogError>,
    ) -> Result<Vec<Appended>, LogError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = Vec::new();
        // Before anything changes: lines that are refused must not begin a day.
        let ends = fill(writer.next - 1, &mut lines)?;
        let day = writer.day.map_or(day, |newest| newest.max(day));
        // It is given back once everything is written: what failed halfway must not be used again.
        let mut file = match writer.file.take().filter(|_| writer.day == Some(day)) {
            Some(file) => file,
            None => self.open_segment(&mut writer, day)?,
        };
        let path = segment::path(&self.folder, day);
        let bytes = |length: usize| u64::try_from(length).unwrap_or(0);
        let mut appended = Vec::with_capacity(ends.len());
        let mut start = 0;
        for (seq, end) in &ends {
            let length = u32::try_from(end - start - 1).unwrap_or(u32::MAX);
            let position = Position { day, length, offset: writer.end + bytes(start) };
            appended.push(Appended { seq: *seq, position });
            start = *end;
        }
        match file.write_all(&lines) {
            Ok(()) => file.sync_data().map_err(|source| LogError::File { doing: "sync", path, source }),
            // It is unknown how much of the data reached the disk.
            Err(source) => Err(LogError::File { doing: "write", path, source }),
        }?;
        writer.file = Some(file);
        writer.end += bytes(lines.len());
        writer.next = ends.last().map_or(writer.next, |(seq, _)| seq + 1);
        Ok(appended)
    }

    /// Opens the segment of a day for writing, positioned at the end of the acknowledged data. If that of a new day cannot be
    /// opened, nothing more is written to the one before.
    fn open_segment(&self, writer: &mut Writer, day: Day) -> Result<File, LogError> {
        if writer.day != Some(day) {
            writer.day = Some(day);
            writer.end = 0;
        }
        let path = segment::path(&self.folder, day);
        let failed = |doing| {
            let path = path.clone();
            move |source| LogError::File { doing, path, source }
        };
        let is_new = !path.exists();
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed("open"))?;
        let length = file.metadata().map_err(failed("read"))?.len();
        if length > writer.end {
            // Data after the acknowledged end was never promised to anyone.
            file.set_len(writer.end).map_err(failed("cut"))?;
            file.sync_data().map_err(failed("sync"))?;
        }
        file.seek(SeekFrom::Start(writer.end)).map_err(failed("read"))?;
        if is_new {
            sync_folder(&self.folder)?;
        }
        Ok(file)
    }

    /// Reads the record at a position.
    ///
    /// # Errors
    /// If the record cannot be read or is damaged.
    pub fn read(&self, position: Position) -> Result<Record, LogError> {
        let line = self.read_line(position)?;
        encoding::decode(&line).map(|(_, record)| record).map_err(|unreadable| LogError::Damaged {
            path: segment::path(&self.folder, position.day),
            offset: position.offset,
            detail: unreadable.to_string(),
        })
    }

    /// Reads the bytes at a position.
    pub(super) fn read_line(&self, position: Position) -> Result<Vec<u8>, LogError> {
        let path = segment::path(&self.folder, position.day);
        let failed = |source| LogError::File { doing: "read", path: path.clone(), source };
        let file = {
            let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            match readers.get(&position.day) {
                Some(file) => Arc::clone(file),
                None => {
                    let file = File::open(&path).map_err(failed)?;
                    if readers.len() >= OPEN_SEGMENTS {
                        readers.clear();
                    }
                    let file = Arc::new(file);
                    readers.insert(position.day, Arc::clone(&file));
                    file
                }
            }
        };
        let mut line = vec![0; usize::try_from(position.length).unwrap_or(0)];
        file.read_exact_at(&mut line, position.offset).map_err(failed)?;
        Ok(line)
    }

    /// Verifies the checksum of every acknowledged line and returns the damaged ones; `is_over` stops it early.
    ///
    /// # Errors
    /// If a segment cannot be read at all.
    pub fn scrub(&self, is_over: &dyn Fn() -> bool) -> Result<Vec<Damage>, LogError> {
        let mut damages = Vec::new();
        for (path, safe) in self.files()? {
            let mut tell = |offset: u64, detail: &str| {
                if offset < safe {
                    damages.push(Damage { path: path.clone(), offset, detail: detail.to_owned() });
                }
            };
            if !segment::scrub(&path, is_over, &mut tell)? {
                break;
            }
        }
        damages.extend(gaps(&self.folder)?);
        Ok(damages)
    }

    /// Returns the oldest day that has a segment, as `YYYY-MM-DD`.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn oldest_day(&self) -> Result<Option<String>, LogError> {
        let oldest = segment::days(&self.folder)?.into_iter().find(|day| *day != segment::KEPT);
        Ok(oldest.map(|day| Moment::from_seconds(i64::from(day) * 86_400).day()))
    }

    /// Drops the segment of a day, except the records by which later days are judged: source facts, controls,
    /// withdrawals and restorations. The `expire` record must be synced to disk before this is called.
    ///
    /// # Errors
    /// If the segment cannot be read, kept in part, or removed. The day then still exists and can be dropped again.
    pub fn drop_day(&self, day: &str) -> Result<(), LogError> {
        let Some(day) = segment::day_of(day) else { return Ok(()) };
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.day.is_none_or(|newest| day >= newest) {
            return Ok(());
        }
        let path = segment::path(&self.folder, day);
        self.keep(&path)?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.remove(&day);
        readers.remove(&segment::KEPT);
        drop(readers);
        std::fs::remove_file(&path).map_err(|source| LogError::File { doing: "remove", path, source })?;
        sync_folder(&self.folder)
    }

    /// Appends the records of a segment that outlive it to the kept segment, atomically.
    fn keep(&self, segment: &Path) -> Result<(), LogError> {
        let kept = segment::path(&self.folder, segment::KEPT);
        let (mut lines, mut known) = (Vec::new(), HashSet::new());
        if kept.exists() {
            // Copied byte for byte: a damaged line stays and keeps being reported.
            lines =
                std::fs::read(&kept).map_err(|source| LogError::File { doing: "read", path: kept.clone(), source })?;
            for found in Lines::open(&kept)? {
                known.extend(found?.record.ok().map(|(seq, _)| seq));
            }
        }
        for found in Lines::open(segment)? {
            // Skip records that an interrupted attempt already kept.
            if let Ok((seq, record)) = found?.record
                && !matches!(
                    record,
                    Record::Report(_) | Record::Expire { .. } | Record::Gone { .. } | Record::Back { .. }
                )
                && known.insert(seq)
            {
                encoding::encode(seq, &record, &mut lines)?;
            }
        }
        let fresh = kept.with_extension("new");
        let failed = |doing| {
            let path = fresh.clone();
            move |source| LogError::File { doing, path, source }
        };
        let mut file = File::create(&fresh).map_err(failed("make"))?;
        file.write_all(&lines).map_err(failed("write"))?;
        file.sync_all().map_err(failed("sync"))?;
        std::fs::rename(&fresh, &kept).map_err(failed("move"))?;
        sync_folder(&self.folder)
    }

    /// Returns the files of a backup: their paths, the acknowledged length of each in bytes, and the oldest ones open, since
    /// days may expire while the backup is made.
    ///
    /// # Errors
    /// If the folder, the size of a file or one of the oldest files cannot be read.
    pub(super) fn backed_up(&self) -> Result<Vec<(PathBuf, u64, Option<File>)>, LogError> {
        // Under the same lock as `drop_day`.
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |(at, (path, length)): (usize, (PathBuf, u64))| {
            if at >= OPENED_AHEAD {
                return Ok((path, length, None));
            }
            let file = File::open(&path);
            file.map_err(|source| LogError::File { doing: "read", path: path.clone(), source })
                .map(|file| (path, length, Some(file)))
        };
        self.files_of(&writer)?.into_iter().enumerate().map(open).collect()
    }

    /// Returns the files of the log with the acknowledged length of each, in bytes.
    ///
    /// # Errors
    /// If the folder or the size of a file cannot be read.
    fn files(&self) -> Result<Vec<(PathBuf, u64)>, LogError> {
        self.files_of(&self.writer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn files_of(&self, writer: &Writer) -> Result<Vec<(PathBuf, u64)>, LogError> {
        let mut files = Vec::new();
        for day in segment::days(&self.folder)? {
            let path = segment::path(&self.folder, day);
            let length = std::fs::metadata(&path)
                .map_err(|source| LogError::File { doing: "read", path: path.clone(), source })?
                .len();
            files.push((path, if Some(day) == writer.day { writer.end } else { length }));
        }
        Ok(files)
    }
}

impl Drop for Log {
    /// Unlocks explicitly: closing the file would leave the lock with a child process that was just forked and has not
    /// called exec yet.
    fn drop(&mut self) {
        if let Some(lock) = &self.lock
            && let Err(error) = lock.unlock()
        {
            tracing::warn!(
                event = "log_lock_kept",
                error = &error as &dyn std::error::Error,
                "cannot unlock the log; another dayuan may be unable to open it for a moment"
            );
        }
    }
}

/// Takes the lock that keeps a second process out (flock; the system releases it however the process ends).
fn hold(folder: &Path) -> Result<File, LogError> {
    let path = folder.join("lock");
    let failed = |source| LogError::File { doing: "open", path: path.clone(), source };
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
    if file.try_lock().is_err() {
        return Err(held(folder));
    }
    file.set_len(0).map_err(failed)?;
    file.write_all(std::process::id().to_string().as_bytes()).map_err(failed)?;
    Ok(file)
}

/// Builds the error that names the holder of a log: its pid, if it could be read.
fn held(folder: &Path) -> LogError {
    let pid = std::fs::read_to_string(folder.join("lock")).ok();
    LogError::Held { path: folder.to_owned(), pid: pid.and_then(|pid| pid.trim().parse().ok()) }
}

pub(super) fn sync_folder(folder: &Path) -> Result<(), LogError> {
    let failed = |source| LogError::File { doing: "sync", path: folder.to_owned(), source };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests;
