//! Reads config files of bounded size, and checks who may read them.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::fault::{Fault, Faults};
use crate::read;

/// Largest config file that is read, in bytes: enough for about 200,000 sources.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Reads a config file: a regular file of bounded size, in UTF-8.
pub(super) fn load(path: &Path, faults: &mut Faults) -> Option<(PathBuf, String)> {
    let mut fault = |message: &str, help: &str| {
        faults.push(Fault::of_file(path, message, help));
        None
    };
    // Reading a pipe or a device could block forever.
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            return fault("this is not a regular file", "put an ordinary file in its place");
        }
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            return fault("this file is larger than 64 MiB", "split it into several files");
        }
        Ok(_) => {}
        Err(error) => {
            return fault(&format!("this file cannot be read: {error}"), "let the user of the daemon read it");
        }
    }
    let mut bytes = Vec::new();
    if let Err(error) = File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)) {
        return fault(&format!("this file cannot be read: {error}"), "let the user of the daemon read it");
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some((path.to_owned(), text)),
        Err(error) => {
            faults.push(not_utf8(path, error.as_bytes()));
            None
        }
    }
}

/// Describes a file in another charset, such as the GBK of an older editor.
fn not_utf8(path: &Path, bytes: &[u8]) -> Fault {
    let (charset, text) = read::decoded(bytes);
    let at = text.find(|c: char| !c.is_ascii()).unwrap_or(0);
    let length = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    Fault {
        path: path.to_owned(),
        place: Some((text.into(), at..at + length)),
        message: format!("this file is not in UTF-8, but in {charset}"),
        help: format!("save it as UTF-8: iconv -f {charset} -t UTF-8 {} > NEW", path.display()),
    }
}

/// Returns whether the path is certain not to exist; one that cannot be accessed may exist.
pub(super) fn is_missing(path: &Path) -> bool {
    std::fs::metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// Warns about a world-writable config file: whoever edits it controls what the daemon fetches.
pub(super) fn writable_by_others(path: &Path) -> Option<Fault> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & 0o002 != 0).then(|| {
        let message = format!("this file is writable by everyone (mode {mode:o})");
        Fault::of_file(path, &message, "remove the permission: chmod o-w")
    })
}
