//! A folder of finished documents: each with its packed forms, and a manifest of all.
//!
//! A document is written beside its place, synced and renamed, so a reader sees the old or the new one. What the folder holds
//! beside that is removed when it is opened: a program that ended in between leaves nothing behind. Files and folders are for
//! every web server to read, whatever the umask, and one program at a time writes them.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::document::{Coding, Document};
use super::static_documents::MANIFEST;
use super::static_place::{Change, Entry, Outcome, Place, StaticError, Survey, Turn};
use super::static_rules;

/// The packed forms that are written, by the ending of their files.
const PACKED: [(Coding, &str); 2] = [(Coding::Gzip, "gz"), (Coding::Brotli, "br")];
/// What files are called until they are complete.
const UNFINISHED: &str = "unfinished";
/// The rules for nginx.
const RULES: &str = "nginx.conf";
/// What the program that writes holds.
const LOCK: &str = "lock";
/// Who may read: web servers are other users.
const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

/// The folder.
#[derive(Debug)]
pub(super) struct StaticFolder {
    folder: PathBuf,
    turn: Turn,
    /// Held while this lives.
    _lock: File,
}

impl StaticFolder {
    /// Opens a folder, which is made if it is missing.
    pub(super) fn open(folder: &Path, turn: Turn) -> Result<Self, StaticError> {
        make_folder(folder).map_err(at(folder))?;
        let is_new = !folder.join(MANIFEST).try_exists().map_err(at(folder))?;
        if is_new && is_foreign(folder).map_err(at(folder))? {
            return Err(StaticError::Foreign(folder.display().to_string()));
        }
        let lock = lock(folder)?;
        let site = folder.join("site");
        make_folder(&site).map_err(at(&site))?;
        Ok(Self { folder: folder.to_owned(), turn, _lock: lock })
    }

    fn place(&self, path: &str) -> PathBuf {
        self.folder.join("site").join(path)
    }

    /// Writes a document with its packed forms.
    fn put(&self, path: &str, document: &Document, entry: Entry) -> Result<Entry, StaticError> {
        let place = self.place(path);
        let (mut packed, mut gone) = (Vec::new(), Vec::new());
        for (coding, ending) in PACKED {
            let beside = with_ending(&place, ending);
            match document.representation(coding) {
                Some(form) => {
                    self.replace(&beside, &form.bytes, Some(entry.modified))?;
                    packed.push(ending.to_owned());
                }
                None => gone.push(beside),
            }
        }
        let plain = document.representation(Coding::Identity).map(|plain| plain.bytes.clone()).unwrap_or_default();
        self.replace(&place, &plain, Some(entry.modified))?;
        gone.iter().try_for_each(|beside| remove(beside))?;
        Ok(Entry { packed, ..entry })
    }

    /// Removes a document with all its forms.
    fn remove(&self, path: &str) -> Result<(), StaticError> {
        self.turn.check()?;
        let place = self.place(path);
        for (_, ending) in PACKED {
            remove(&with_ending(&place, ending))?;
        }
        remove(&place)
    }

    /// Writes a file whole: beside its place, synced, then renamed.
    fn replace(&self, place: &Path, bytes: &[u8], modified: Option<i64>) -> Result<(), StaticError> {
        let folder = place.parent().unwrap_or(&self.folder);
        let unfinished = with_ending(place, UNFINISHED);
        let write = || -> io::Result<()> {
            let mut file = match File::create(&unfinished) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    make_folder(folder)?;
                    File::create(&unfinished)?
                }
                file => file?,
            };
            file.set_permissions(Permissions::from_mode(FILE_MODE))?;
            file.write_all(bytes)?;
            if let Some(modified) = modified {
                let since = Duration::from_secs(u64::try_from(modified).unwrap_or(0));
                file.set_modified(SystemTime::UNIX_EPOCH + since)?;
            }
            file.sync_all()
        };
        // Whoever's turn it is now may have written a newer one.
        let place_it = || fs::rename(&unfinished, place).map_err(at(place));
        let written = write().map_err(at(place)).and_then(|()| self.turn.check()).and_then(|()| place_it());
        if written.is_err() {
            // On a full disk it would take the place of what is to be written next.
            drop(fs::remove_file(&unfinished));
        }
        written
    }

    /// Removes the files that no document has. What a link leads to is not of this folder.
    fn tidy_below(&self, folder: &Path, documents: &BTreeMap<String, Entry>) -> Result<(), StaticError> {
        open_to_all(folder, FOLDER_MODE).map_err(at(folder))?;
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let entry = entry.map_err(at(folder))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(at(folder))?);
            if kind.is_dir() {
                self.tidy_below(&path, documents)?;
            } else if !self.is_known(&path, documents) {
                remove(&path)?;
            } else if kind.is_file() {
                open_to_all(&path, FILE_MODE).map_err(at(&path))?;
            }
        }
        Ok(())
    }

    fn is_known(&self, path: &Path, documents: &BTreeMap<String, Entry>) -> bool {
        let Some(path) = path.strip_prefix(self.folder.join("site")).ok().and_then(Path::to_str) else { return false };
        let of = |ending: &String| {
            let plain = path.strip_suffix(ending.as_str()).and_then(|rest| rest.strip_suffix('.'));
            plain.and_then(|plain| documents.get(plain)).is_some_and(|entry| entry.packed.contains(ending))
        };
        documents.contains_key(path) || PACKED.iter().any(|(_, ending)| of(&(*ending).to_owned()))
    }
}

impl Place for StaticFolder {
    /// The lock of a file stays as long as it is open.
    fn stay(&mut self) -> Result<(), StaticError> {
        Ok(())
    }

    fn manifest(&mut self) -> Result<Option<Vec<u8>>, StaticError> {
        let path = self.folder.join(MANIFEST);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(at(&path)),
        }
    }

    fn write_manifest(&mut self, bytes: Vec<u8>) -> Result<(), StaticError> {
        self.replace(&self.folder.join(MANIFEST), &bytes, None)?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(at(&self.folder))
    }

    fn survey(&mut self, documents: &BTreeMap<String, Entry>) -> Result<Survey, StaticError> {
        let lost = documents.iter().filter(|(path, entry)| !is_at(entry, &self.place(path)));
        Ok(Survey { lost: lost.map(|(path, _)| path.clone()).collect(), strays: Vec::new() })
    }

    fn tidy(&mut self, documents: &BTreeMap<String, Entry>) -> Result<(), StaticError> {
        self.tidy_below(&self.folder.join("site"), documents)
    }

    fn write_rules(&mut self, root: &str) -> Result<(), StaticError> {
        let path = self.folder.join(RULES);
        let rules = static_rules::nginx(&self.folder.join("site"), root);
        let is_same = fs::read(&path).is_ok_and(|bytes| bytes == rules.as_bytes());
        if is_same { Ok(()) } else { self.replace(&path, rules.as_bytes(), None) }
    }

    fn carry_out(&mut self, changes: Vec<(String, Change)>) -> Vec<Outcome> {
        let carry_out = |(path, change): (String, Change)| {
            let done = match change {
                Change::Put(document, entry) => self.put(&path, &document, entry).map(Some),
                Change::Remove => self.remove(&path).map(|()| None),
            };
            (path, done)
        };
        changes.into_iter().map(carry_out).collect()
    }

    fn pieces_at_once(&self) -> usize {
        1
    }

    fn release(&mut self) {}
}

/// Returns whether the file is the one that was written.
fn is_at(entry: &Entry, place: &Path) -> bool {
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(entry.modified).unwrap_or(0));
    let is_same = |data: &fs::Metadata| data.modified().is_ok_and(|at| at == modified);
    let forms = entry.packed.iter().map(|ending| with_ending(place, ending));
    let length = u64::try_from(entry.length).unwrap_or(0);
    fs::metadata(place).is_ok_and(|data| is_same(&data) && data.len() == length)
        && forms.into_iter().all(|form| fs::metadata(form).is_ok_and(|data| is_same(&data)))
}

/// Makes a folder with those above it, for all to read.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.and_then(|()| fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))),
    }
}

/// Mends what was written under a umask that lets nobody read.
fn open_to_all(path: &Path, mode: u32) -> io::Result<()> {
    let is_open = fs::metadata(path)?.permissions().mode() & 0o777 == mode;
    if is_open { Ok(()) } else { fs::set_permissions(path, Permissions::from_mode(mode)) }
}

/// Returns whether a folder without a manifest holds what is not ours.
fn is_foreign(folder: &Path) -> io::Result<bool> {
    let own = [LOCK.to_owned(), format!("{MANIFEST}.{UNFINISHED}")];
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if !own.iter().any(|own| name == own.as_str()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Keeps others from writing here until the file is closed.
fn lock(folder: &Path) -> Result<File, StaticError> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StaticError::Taken(folder.display().to_string())),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

fn with_ending(place: &Path, ending: &str) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn remove(path: &Path) -> Result<(), StaticError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StaticError + use<> {
    let path = path.to_owned();
    |source| StaticError::File { path, source }
}
