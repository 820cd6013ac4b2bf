//! What is made of files of the system, and made anew when they change.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// How a file was when it was looked at: device, inode, length, and when it changed; `None` if it was missing.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// A value that is made of files. They are looked at whenever it is asked for.
#[derive(Debug)]
pub(super) struct MadeOf<T> {
    files: Vec<PathBuf>,
    made: Mutex<Option<(Vec<Stamp>, T)>>,
}

impl<T: Clone> MadeOf<T> {
    pub(super) fn new(files: &[&str]) -> Self {
        Self { files: files.iter().map(PathBuf::from).collect(), made: Mutex::default() }
    }

    /// Returns the value, after `make` has made it if a file has changed. If that fails, the value stays as it was: a file
    /// may be incomplete while it is written.
    pub(super) fn get<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let now: Vec<Stamp> = self.files.iter().map(stamp).collect();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stamps, value)) = &*made
            && *stamps == now
        {
            return Ok(value.clone());
        }
        match (make(), &*made) {
            (Ok(value), _) => {
                *made = Some((now, value.clone()));
                Ok(value)
            }
            (Err(_), Some((_, value))) => Ok(value.clone()),
            (Err(error), None) => Err(error),
        }
    }
}

fn stamp(file: &PathBuf) -> Stamp {
    let found = std::fs::metadata(file).ok()?;
    Some((found.dev(), found.ino(), found.len(), found.ctime(), found.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_resolv_conf_counts_from_the_next_lookup_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resolv.conf");
        let value = MadeOf::new(&[path.to_str().unwrap()]);
        let get = || value.get(|| std::fs::read_to_string(&path));
        assert!(get().is_err());
        std::fs::write(&path, "nameserver 192.0.2.1").unwrap();
        assert_eq!(get().unwrap(), "nameserver 192.0.2.1");
        let before = value.get(|| -> std::io::Result<String> { panic!("it has not changed") });
        assert_eq!(before.unwrap(), "nameserver 192.0.2.1");
        std::fs::write(folder.path().join("new"), "nameserver 192.0.2.2").unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(get().unwrap(), "nameserver 192.0.2.2");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(get().unwrap(), "nameserver 192.0.2.2", "what was known stays");
    }
}
