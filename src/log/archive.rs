//! Backups: a tar archive of the segments followed by a manifest, in one zstd frame with a checksum (RFC 8878, section
//! 3.1.1), so that an admin can list it with `tar --zstd -tf`.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::LogError;
use super::segment;
use super::store::{Log, sync_folder};

/// Archive format that is written.
const FORM: &str = "dayuan backup 2";
/// Name of the manifest.
const MANIFEST: &str = "manifest.json";
/// Size limit when reading a manifest, in bytes: enough for a hundred years of segments.
const MAX_MANIFEST: u64 = 16 << 20;
/// Copy buffer size, in bytes.
const COPIED_AT_ONCE: usize = 64 * 1024;

/// Contents of an archive; stored as its last file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    form: String,
    segments: Vec<Segment>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Segment {
    name: String,
    /// In bytes.
    size: u64,
    /// BLAKE3 hash in hexadecimal.
    hash: String,
}

/// A reader that hashes and counts the bytes read through it.
struct Hashed<T> {
    inner: T,
    hasher: blake3::Hasher,
    size: u64,
}

impl<T> Hashed<T> {
    fn new(inner: T) -> Self {
        Self { inner, hasher: blake3::Hasher::new(), size: 0 }
    }

    fn segment(&self, name: String) -> Segment {
        Segment { name, size: self.size, hash: self.hasher.finalize().to_hex().to_string() }
    }

    fn count(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.size += u64::try_from(bytes.len()).unwrap_or(0);
    }
}

impl<T: Read> Read for Hashed<T> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count(buffer.get(..read).unwrap_or(&[]));
        Ok(read)
    }
}

/// Writes the whole log as one archive. Returns how many bytes of log it holds.
///
/// # Errors
/// If a segment cannot be read or the archive cannot be written.
pub fn backup(log: &Log, out: impl Write) -> Result<u64, LogError> {
    let failed = |source| LogError::File { doing: "write", path: "the archive".into(), source };
    let mut encoder = zstd::Encoder::new(out, 3).map_err(failed)?;
    encoder.include_checksum(true).map_err(failed)?;
    let mut archive = tar::Builder::new(encoder);
    let mut manifest = Manifest { form: FORM.to_owned(), segments: Vec::new() };
    for (path, length, file) in log.backed_up()? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unread = |source| LogError::File { doing: "read", path: path.clone(), source };
        let file = file.map_or_else(|| File::open(&path), Ok).map_err(unread)?;
        let mut segment = Hashed::new(file.take(length));
        archive.append_data(&mut header(length), &name, &mut segment).map_err(failed)?;
        if segment.size != length {
            return Err(unread(std::io::ErrorKind::UnexpectedEof.into()));
        }
        manifest.segments.push(segment.segment(name));
    }
    let written = serde_json::to_vec_pretty(&manifest).map_err(|error| failed(error.into()))?;
    let length = u64::try_from(written.len()).unwrap_or(u64::MAX);
    archive.append_data(&mut header(length), MANIFEST, written.as_slice()).map_err(failed)?;
    let encoder = archive.into_inner().map_err(failed)?;
    encoder.finish().and_then(|mut out| out.flush()).map_err(failed)?;
    Ok(manifest.segments.iter().map(|segment| segment.size).sum())
}

/// Returns the tar header of a file of this size. It has no timestamps, so the same log makes the same archive.
fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header
}

/// Reads and verifies a whole archive without extracting it. Returns the number of segments.
///
/// # Errors
/// If the file is not an archive, or is truncated or damaged.
pub fn examine(archive: &Path) -> Result<usize, LogError> {
    segments(archive, None)
}

/// Restores an archive as a log in a folder that must not hold one yet. Returns the number of segments.
///
/// # Errors
/// If the file is not an archive, or is truncated or damaged, or the folder already holds a log. Nothing is left behind
/// in these cases.
pub fn restore(archive: &Path, folder: &Path) -> Result<usize, LogError> {
    let (fresh, replaced) = (folder.with_extension("restoring"), folder.with_extension("replaced"));
    let failed = |source| LogError::File { doing: "write", path: fresh.clone(), source };
    // A restore that was cut short left the former folder there.
    if replaced.exists() && !folder.exists() {
        std::fs::rename(&replaced, folder).map_err(failed)?;
    }
    if folder.exists() && !segment::days(folder)?.is_empty() {
        return Err(LogError::Occupied(folder.to_owned()));
    }
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(failed)?;
    }
    // Accessible to its owner only, like folders made under the service's umask.
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&fresh).map_err(failed)?;
    match segments(archive, Some(&fresh)) {
        Ok(count) => put_in_place(&fresh, folder, &replaced).map(|()| count),
        Err(error) => {
            std::fs::remove_dir_all(&fresh).map_err(failed)?;
            Err(error)
        }
    }
}

/// Puts a restored folder in the place of an empty log. Whatever else was there, such as a torn tail, is in both folders
/// before the first of them moves, and the former one is removed last.
fn put_in_place(fresh: &Path, folder: &Path, replaced: &Path) -> Result<(), LogError> {
    let failed = |source| LogError::File { doing: "write", path: folder.to_owned(), source };
    let was_there = folder.exists();
    if was_there {
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            std::fs::copy(entry.path(), fresh.join(entry.file_name())).map_err(failed)?;
        }
    }
    sync_folder(fresh)?;
    if was_there {
        std::fs::rename(folder, replaced).map_err(failed)?;
    }
    std::fs::rename(fresh, folder).map_err(failed)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_folder(parent.unwrap_or_else(|| Path::new(".")))?;
    if was_there {
        std::fs::remove_dir_all(replaced).map_err(failed)?;
    }
    Ok(())
}

/// Reads the segments of an archive, and extracts them into `fresh` if it is given. Compares everything with the
/// manifest and the checksum of the frame.
fn segments(archive: &Path, fresh: Option<&Path>) -> Result<usize, LogError> {
    let no_archive = |detail: &str| LogError::Archive { path: archive.to_owned(), detail: detail.to_owned() };
    // tar's own message about a bad header does not help an admin with a damaged archive.
    let broken = |_: std::io::Error| no_archive("it is truncated or damaged");
    let unread = |source| LogError::File { doing: "read", path: archive.to_owned(), source };
    let file = File::open(archive).map_err(unread)?;
    let decoder = zstd::Decoder::new(BufReader::new(file)).map_err(unread)?;
    let mut input = tar::Archive::new(decoder);
    let (mut found, mut manifest) = (Vec::new(), None);
    for entry in input.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.to_string_lossy().into_owned();
        if manifest.is_some() {
            return Err(no_archive("it contains data after its manifest"));
        }
        if name == MANIFEST {
            let mut text = Vec::new();
            entry.take(MAX_MANIFEST).read_to_end(&mut text).map_err(broken)?;
            let read: Manifest =
                serde_json::from_slice(&text).map_err(|_no| no_archive("its manifest cannot be read"))?;
            manifest = Some(read);
            continue;
        }
        if segment::named(&name).is_none() || entry.header().entry_type() != tar::EntryType::Regular {
            return Err(no_archive("it contains a file that is not a log segment"));
        }
        let mut segment = Hashed::new(&mut entry);
        match fresh.map(|fresh| fresh.join(&name)) {
            Some(path) => {
                let failed = |source| LogError::File { doing: "write", path: path.clone(), source };
                let mut options = std::fs::OpenOptions::new();
                let mut file = options.write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
                let mut buffer = vec![0; COPIED_AT_ONCE];
                loop {
                    let read = segment.read(&mut buffer).map_err(broken)?;
                    if read == 0 {
                        break;
                    }
                    file.write_all(buffer.get(..read).unwrap_or(&[])).map_err(failed)?;
                }
                file.sync_all().map_err(failed)?;
            }
            None => drop(std::io::copy(&mut segment, &mut std::io::sink()).map_err(broken)?),
        }
        let segment = segment.segment(name);
        found.push(segment);
    }
    // Read to the end of the frame: its checksum comes last.
    std::io::copy(&mut input.into_inner(), &mut std::io::sink()).map_err(broken)?;
    match manifest {
        None => Err(no_archive("it has no manifest: it is truncated, or was not made by dayuan")),
        Some(manifest) if manifest.form != FORM => Err(no_archive(&format!(
            "unsupported archive format `{}`; use the dayuan version that made it",
            manifest.form
        ))),
        Some(manifest) if manifest.segments != found => Err(no_archive("its contents do not match its manifest")),
        Some(_) => Ok(found.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Control, Record};
    use super::*;
    use crate::model::{Moment, SourceId};

    fn archived(folder: &Path) -> (Log, std::path::PathBuf) {
        let (log, _) = Log::open(&folder.join("log")).unwrap();
        let source = SourceId::new("a").unwrap();
        for day in 0..3 {
            let at = Moment::from_seconds(1_678_330_000 + day * 86_400);
            log.append(&[Record::Control { source: source.clone(), state: Control::Paused, at }], at).unwrap();
        }
        let archive = folder.join("backup.zst");
        backup(&log, File::create(&archive).unwrap()).unwrap();
        (log, archive)
    }

    #[test]
    fn a_restored_log_is_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let (log, archive) = archived(folder.path());
        assert_eq!(examine(&archive).unwrap(), 3);
        let other = folder.path().join("other");
        assert_eq!(restore(&archive, &other).unwrap(), 3);
        let (copy, _) = Log::open(&other).unwrap();
        let all = |log: &Log| log.replay(0).unwrap().map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(all(&copy), all(&log));
        assert!(matches!(restore(&archive, &other), Err(LogError::Occupied(_))));
    }

    #[test]
    fn a_restore_that_was_cut_short_loses_nothing_of_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let (log, archive) = archived(folder.path());
        let all = |log: &Log| log.replay(0).unwrap().map(Result::unwrap).collect::<Vec<_>>();
        let other = folder.path().join("other");
        let torn = "2023-03-09.torn-at-7";
        // It ended between the two moves: the former folder is aside, and the new one is not in its place yet.
        std::fs::create_dir_all(folder.path().join("other.replaced")).unwrap();
        std::fs::write(folder.path().join("other.replaced").join(torn), "x").unwrap();
        std::fs::create_dir_all(folder.path().join("other.restoring")).unwrap();
        assert_eq!(restore(&archive, &other).unwrap(), 3);
        assert_eq!(std::fs::read_to_string(other.join(torn)).unwrap(), "x");
        assert!(["replaced", "restoring"].iter().all(|end| !other.with_extension(end).exists()));
        assert_eq!(all(&Log::open(&other).unwrap().0), all(&log));
    }

    #[test]
    fn a_day_that_expires_while_a_backup_is_made_is_in_it() {
        /// Drops the oldest day as soon as something is written.
        struct Dropping<'a>(&'a Log, File);
        impl Write for Dropping<'_> {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                if let Some(day) = self.0.oldest_day().unwrap().filter(|day| day != "2023-03-11") {
                    self.0.drop_day(&day).unwrap();
                }
                self.1.write(bytes)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                self.1.flush()
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let (log, archive) = archived(folder.path());
        backup(&log, Dropping(&log, File::create(&archive).unwrap())).unwrap();
        assert_eq!(examine(&archive).unwrap(), 3);
    }

    #[test]
    fn an_archive_with_a_flipped_bit_or_cut_off_is_refused_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (log, archive) = archived(folder.path());
        let bytes = std::fs::read(&archive).unwrap();
        let third = folder.path().join("third");
        let all = |log: &Log| log.replay(0).unwrap().map(Result::unwrap).collect::<Vec<_>>();
        let bits = bytes.len() * 8;
        let step = (bits / 1000).max(1);
        for bit in (0..bits).step_by(step) {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&archive, &damaged).unwrap();
            // A flipped bit in the frame header may be ignored by zstd; then the contents must still be intact.
            if restore(&archive, &third).is_ok() {
                assert_eq!(all(&Log::open(&third).unwrap().0), all(&log), "bit {bit} of {bits}");
                std::fs::remove_dir_all(&third).unwrap();
            }
            assert!(!third.exists() && !third.with_extension("restoring").exists());
        }
        for length in (0..bytes.len()).step_by(7) {
            std::fs::write(&archive, &bytes[..length]).unwrap();
            assert!(examine(&archive).is_err(), "{length} of {} bytes", bytes.len());
        }
    }
}
