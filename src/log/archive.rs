use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use super::error::LogError;
use super::store::Log;

/// The first line of an archive.
const MAGIC: &str = "dayuan log backup 1";

/// Writes all of the log as one archive: zstd over a line for each segment (its name and length) and its bytes. Returns
/// how many bytes of log it holds.
///
/// # Errors
/// Where a segment cannot be read or the archive cannot be written.
pub fn backup(log: &Log, out: impl Write) -> Result<u64, LogError> {
    let failed = |source| LogError::File { doing: "write", path: "the archive".into(), source };
    let mut out = zstd::Encoder::new(out, 3).map_err(failed)?;
    writeln!(out, "{MAGIC}").map_err(failed)?;
    let mut bytes = 0;
    for (path, length) in log.files()? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        writeln!(out, "{name} {length}").map_err(failed)?;
        let unread = |source| LogError::File { doing: "read", path: path.clone(), source };
        let segment = File::open(&path).map_err(unread)?;
        let copied = std::io::copy(&mut segment.take(length), &mut out).map_err(failed)?;
        if copied != length {
            return Err(unread(std::io::ErrorKind::UnexpectedEof.into()));
        }
        bytes += length;
    }
    writeln!(out, "end {bytes}").map_err(failed)?;
    out.finish().and_then(|mut out| out.flush()).map_err(failed)?;
    Ok(bytes)
}

/// Reads an archive through and says how many segments it has, without keeping any.
///
/// # Errors
/// Where it is none, is cut off or damaged.
pub fn examine(archive: &Path) -> Result<usize, LogError> {
    let mut input = open(archive)?;
    segments(&mut input, None, &|detail| LogError::Archive { path: archive.to_owned(), detail: detail.to_owned() })
}

fn open(archive: &Path) -> Result<BufReader<zstd::Decoder<'static, BufReader<File>>>, LogError> {
    let unread = |source| LogError::File { doing: "read", path: archive.to_owned(), source };
    let file = File::open(archive).map_err(unread)?;
    let mut input = BufReader::new(zstd::Decoder::new(file).map_err(unread)?);
    if line(&mut input).as_deref() == Some(MAGIC) {
        Ok(input)
    } else {
        Err(LogError::Archive { path: archive.to_owned(), detail: "it does not begin like one".to_owned() })
    }
}

/// Makes a log of an archive, in a folder that must not hold one. Returns how many segments it has.
///
/// # Errors
/// Where the archive is none or is cut off, or the folder holds a log already. Then nothing is left behind.
pub fn restore(archive: &Path, folder: &Path) -> Result<usize, LogError> {
    if folder.exists() && !super::segment::days(folder)?.is_empty() {
        return Err(LogError::Occupied(folder.to_owned()));
    }
    let no_archive = |detail: &str| LogError::Archive { path: archive.to_owned(), detail: detail.to_owned() };
    let mut input = open(archive)?;
    let fresh = folder.with_extension("restoring");
    let failed = |source| LogError::File { doing: "write", path: fresh.clone(), source };
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(failed)?;
    }
    std::fs::create_dir_all(&fresh).map_err(failed)?;
    let outcome = segments(&mut input, Some(&fresh), &no_archive);
    match outcome {
        Ok(count) => {
            if folder.exists() {
                std::fs::remove_dir_all(folder).map_err(failed)?;
            }
            std::fs::rename(&fresh, folder).map_err(failed)?;
            Ok(count)
        }
        Err(error) => {
            std::fs::remove_dir_all(&fresh).map_err(failed)?;
            Err(error)
        }
    }
}

fn segments(
    input: &mut impl BufRead,
    fresh: Option<&Path>,
    no_archive: &impl Fn(&str) -> LogError,
) -> Result<usize, LogError> {
    let mut count = 0;
    let mut bytes = 0;
    loop {
        let head = line(input).ok_or_else(|| no_archive("it is cut off"))?;
        let (name, length) = head.split_once(' ').ok_or_else(|| no_archive("it is damaged"))?;
        let length: u64 = length.parse().map_err(|_invalid| no_archive("it is damaged"))?;
        if name == "end" {
            return if length == bytes { Ok(count) } else { Err(no_archive("it is damaged")) };
        }
        if super::segment::named(name).is_none() {
            return Err(no_archive("it holds a file that is no segment"));
        }
        let mut segment = input.take(length);
        let copied = match fresh.map(|fresh| fresh.join(name)) {
            Some(path) => {
                let failed = |source| LogError::File { doing: "write", path: path.clone(), source };
                let mut file = File::create(&path).map_err(failed)?;
                let copied = std::io::copy(&mut segment, &mut file);
                file.sync_all().map_err(failed)?;
                copied
            }
            None => std::io::copy(&mut segment, &mut std::io::sink()),
        };
        if copied.ok() != Some(length) {
            return Err(no_archive("it is cut off"));
        }
        bytes += length;
        count += 1;
    }
}

fn line(input: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    // A line of an archive is short; a file that is none may have no line end at all.
    input.take(256).read_line(&mut line).ok()?;
    line.strip_suffix('\n').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::{Control, Record};
    use super::*;
    use crate::model::{Moment, SourceId};

    #[test]
    fn a_restored_log_is_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let (log, _) = Log::open(&folder.path().join("log")).unwrap();
        let source = SourceId::new("a").unwrap();
        for day in 0..3 {
            let at = Moment::from_seconds(1_678_330_000 + day * 86_400);
            log.append(&[Record::Control { source: source.clone(), state: Control::Paused, at }], at).unwrap();
        }
        let archive = folder.path().join("backup.zst");
        backup(&log, File::create(&archive).unwrap()).unwrap();
        assert_eq!(examine(&archive).unwrap(), 3);
        let other = folder.path().join("other");
        assert_eq!(restore(&archive, &other).unwrap(), 3);
        let (copy, _) = Log::open(&other).unwrap();
        let all = |log: &Log| log.replay(0).unwrap().map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(all(&copy), all(&log));
        assert!(matches!(restore(&archive, &other), Err(LogError::Occupied(_))));

        let bytes = std::fs::read(&archive).unwrap();
        std::fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
        assert!(examine(&archive).is_err());
        let third = folder.path().join("third");
        assert!(restore(&archive, &third).is_err());
        assert!(!third.exists() && !third.with_extension("restoring").exists());
    }
}
