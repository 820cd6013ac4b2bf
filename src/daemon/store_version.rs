//! The version of a store: a file in its folder says which layout it has and which dayuan wrote it last, so that an older
//! dayuan leaves a newer store alone instead of taking it for damaged.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Layout of the store that this dayuan writes. It is raised when an older dayuan could not go on with what a newer one
/// wrote: log, view or poll states. A golden store of every layout is in `tests/fixtures/stores`.
pub const STORE_VERSION: u32 = 1;

/// Maximum size of the file, in bytes.
const MAX_BYTES: u64 = 256;

/// Why this dayuan cannot go on with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreVersionError {
    /// A newer dayuan wrote the store.
    #[error("the store {} is of version {version}, written by {writer}; this is dayuan {} and knows up to version {STORE_VERSION}: start that dayuan again, or restore a backup that this one made", store.display(), env!("CARGO_PKG_VERSION"))]
    Newer {
        /// The folder of the store.
        store: PathBuf,
        /// Its version.
        version: String,
        /// The dayuan that wrote it last.
        writer: String,
    },
    /// The version of the store cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file that holds it.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
}

fn path(store: &Path) -> PathBuf {
    store.join("version")
}

/// Checks that this dayuan can go on with a store. One without the file is new, or of a dayuan that wrote none yet.
///
/// # Errors
/// If a newer dayuan wrote it.
pub fn check_store(store: &Path) -> Result<(), StoreVersionError> {
    let text = match begin_of(&path(store)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(StoreVersionError::Unreadable { path: path(store), source }),
    };
    // After a power cut the file may be there without its text.
    if text.chars().all(|c| c == '\0' || c.is_whitespace()) {
        return Ok(());
    }
    let (version, writer) = text.trim().split_once(' ').unwrap_or((text.trim(), "a newer dayuan"));
    match version.parse::<u32>() {
        Ok(version) if version <= STORE_VERSION => Ok(()),
        // What cannot be read as a number was not written by this dayuan or an older one.
        _ => Err(StoreVersionError::Newer {
            store: store.to_owned(),
            version: crate::model::one_line(version).to_string(),
            writer: crate::model::one_line(writer).to_string(),
        }),
    }
}

/// Reads the beginning of a file. What is no file is not opened: a pipe would never answer, a device never end.
fn begin_of(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a file; move it away"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Marks a store as written by this dayuan. On a full disk the old mark stays, which is true as well.
pub(super) fn mark_store(store: &Path) {
    let text = format!("{STORE_VERSION} dayuan {}\n", env!("CARGO_PKG_VERSION"));
    if begin_of(&path(store)).is_ok_and(|old| old == text.as_bytes()) {
        return;
    }
    let fresh = path(store).with_extension("new");
    let write = || {
        let mut file = File::create(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, path(store))?;
        File::open(store)?.sync_all()
    };
    let written: std::io::Result<()> = write();
    if let Err(error) = written {
        tracing::warn!(
            event = "store_version_unsaved",
            error = &error as &dyn std::error::Error,
            "cannot write the version of the store"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_a_power_cut_emptied_is_none() {
        let store = tempfile::tempdir().unwrap();
        for text in ["", "\0\0\0\0", "1 dayuan 0.1.0\n"] {
            std::fs::write(path(store.path()), text).unwrap();
            assert!(check_store(store.path()).is_ok(), "{text:?}");
        }
        std::fs::write(path(store.path()), "2 dayuan 9.0.0\n").unwrap();
        assert!(check_store(store.path()).is_err());
        mark_store(store.path());
        assert!(check_store(store.path()).is_ok());
    }
}
