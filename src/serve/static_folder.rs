//! A folder of finished documents: each with its packed forms, written only where its bytes changed, and a manifest of all.
//!
//! A document is written beside its place, synced and renamed, so a reader sees the old or the new one. What the folder holds
//! beside that is removed when it is opened: a program that ended in between leaves nothing behind. Files and folders are for
//! every web server to read, whatever the umask, and one program at a time writes them.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::answer::FRESH;
use super::document::{Coding, Document, Rendered};
use super::static_rules;
use crate::model::Moment;

/// The packed forms that are written, by the ending of their files.
const PACKED: [(Coding, &str); 2] = [(Coding::Gzip, "gz"), (Coding::Brotli, "br")];
/// What files are called until they are complete.
const UNFINISHED: &str = "unfinished";
/// The list of all documents.
const MANIFEST: &str = "manifest.json";
/// The rules for nginx.
const RULES: &str = "nginx.conf";
/// What the program that writes holds.
const LOCK: &str = "lock";
/// Who may read: web servers are other users.
const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;
/// How long the manifest may be behind, and how many times as long as it takes to write.
const BEHIND: Duration = Duration::from_secs(3);
const TIMES: u32 = 20;

/// Why a document could not be published.
#[derive(Debug, thiserror::Error)]
pub enum StaticError {
    /// The folder, or a file in it, cannot be read or written.
    #[error("{} cannot be used: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The folder holds something else.
    #[error("{} is not empty, and dayuan did not fill it: name another folder as [publish] to", .0.display())]
    Foreign(PathBuf),
    /// Another program writes there.
    #[error("another dayuan writes to {}: name another folder as [publish] to, or end the other one", .0.display())]
    Taken(PathBuf),
    /// The store is not open, or a part of it cannot be read for now.
    #[error("the store cannot be read for now")]
    Closed,
}

/// One document, as whoever uploads it must know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    content_type: String,
    cache_control: String,
    /// Strong validator of the bytes without packing.
    etag: String,
    /// Seconds since 1970; later than that of the bytes before.
    modified: i64,
    length: usize,
    /// Endings of the packed forms beside it.
    packed: Vec<String>,
}

#[derive(Default, Serialize, Deserialize)]
struct Manifest {
    documents: BTreeMap<String, Entry>,
    /// What was withdrawn from all documents.
    #[serde(default)]
    handled: Handled,
}

/// Which withdrawals no document shows any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Handled {
    /// What [`crate::view::View::removals`] was.
    pub(super) removals: u64,
    /// Until when, in seconds since 1970.
    pub(super) until: i64,
}

/// The folder.
#[derive(Debug)]
pub(super) struct StaticFolder {
    folder: PathBuf,
    documents: BTreeMap<String, Entry>,
    handled: Handled,
    /// Whether the manifest is behind.
    is_unsaved: bool,
    /// Until when it may be.
    save_at: Instant,
    /// Whether the manifest named no document because it could not be parsed: what lies there is kept until all is written.
    is_blind: bool,
    written: u64,
    /// Held while this lives.
    _lock: File,
}

impl StaticFolder {
    /// Opens a folder, which is made if it is missing, and removes what an earlier run did not finish. Nothing but the first
    /// manifest is written: what must go can go also when the disk is full.
    pub(super) fn open(folder: &Path) -> Result<Self, StaticError> {
        make_folder(folder).map_err(at(folder))?;
        let path = folder.join(MANIFEST);
        let read = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => Some(read.map_err(at(&path))?),
        };
        if read.is_none() && is_foreign(folder).map_err(at(folder))? {
            return Err(StaticError::Foreign(folder.to_owned()));
        }
        let lock = lock(folder)?;
        let known: Option<Manifest> =
            read.as_ref().map_or(Some(Manifest::default()), |bytes| serde_json::from_slice(bytes).ok());
        let is_blind = known.is_none();
        let Manifest { documents, handled } = known.unwrap_or_default();
        let (is_unsaved, save_at, folder) = (read.is_none(), Instant::now() + BEHIND, folder.to_owned());
        let mut opened = Self { folder, documents, handled, is_unsaved, save_at, is_blind, written: 0, _lock: lock };
        opened.save()?;
        let site = opened.folder.join("site");
        make_folder(&site).map_err(at(&site))?;
        if !is_blind {
            opened.tidy(&site)?;
        }
        // One that is not as it was written is written again; until then it counts as there, so that it can also be removed.
        let base = site.as_path();
        let lost = opened.documents.iter_mut().filter(|(path, entry)| !entry.is_at(&base.join(path)));
        lost.for_each(|(_, entry)| entry.etag.clear());
        Ok(opened)
    }

    /// Writes the rules for nginx if they changed. `root` is the path before every path of the site.
    pub(super) fn put_rules(&self, root: &str) -> Result<(), StaticError> {
        let path = self.folder.join(RULES);
        let rules = static_rules::nginx(&self.folder.join("site"), root);
        let is_same = fs::read(&path).is_ok_and(|bytes| bytes == rules.as_bytes());
        if is_same { Ok(()) } else { self.replace(&path, rules.as_bytes(), None) }
    }

    /// Notes that all is written: what lies there without a document is nobody's.
    pub(super) fn finish(&mut self) -> Result<(), StaticError> {
        if std::mem::take(&mut self.is_blind) {
            self.tidy(&self.folder.join("site"))?;
        }
        self.save()
    }

    /// Returns which withdrawals no document shows any more.
    pub(super) const fn handled(&self) -> Handled {
        self.handled
    }

    /// Notes which withdrawals no document shows any more.
    pub(super) fn set_handled(&mut self, handled: Handled) -> Result<(), StaticError> {
        self.handled = handled;
        self.is_unsaved = true;
        self.save()
    }

    /// Returns the paths of the documents that begin like this.
    pub(super) fn paths<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = &'a str> {
        let from = self.documents.range(beginning.to_owned()..);
        from.map(|(path, _)| path.as_str()).take_while(move |path| path.starts_with(beginning))
    }

    /// Returns whether there is a document at this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.documents.contains_key(path)
    }

    /// Returns how many documents were written.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    /// Writes a document if its bytes changed.
    pub(super) fn put(&mut self, path: &str, rendered: Rendered, now: Moment) -> Result<(), StaticError> {
        let before = self.documents.get(path);
        let etag = Document::tag(&rendered.bytes);
        if before.is_some_and(|before| before.etag == etag) {
            return Ok(());
        }
        // Web servers make validators of the date and the length: no date may come twice.
        let modified = before.map_or(0, |before| before.modified + 1).max(now.seconds());
        let document = Document::new(rendered.media_type, rendered.bytes, Moment::from_seconds(modified));
        let Some(plain) = document.representation(Coding::Identity) else { return Ok(()) };
        let place = self.place(path);
        let (mut packed, mut gone) = (Vec::new(), Vec::new());
        for (coding, ending) in PACKED {
            let beside = with_ending(&place, ending);
            match document.representation(coding) {
                Some(form) => {
                    self.replace(&beside, &form.bytes, Some(modified))?;
                    packed.push(ending.to_owned());
                }
                None => gone.push(beside),
            }
        }
        self.replace(&place, &plain.bytes, Some(modified))?;
        gone.iter().try_for_each(|beside| remove(beside))?;
        let entry = Entry {
            content_type: rendered.media_type.to_owned(),
            cache_control: FRESH.to_owned(),
            etag,
            modified,
            length: plain.bytes.len(),
            packed,
        };
        self.documents.insert(path.to_owned(), entry);
        self.is_unsaved = true;
        self.written += 1;
        Ok(())
    }

    /// Removes a document with all its forms.
    pub(super) fn remove(&mut self, path: &str) -> Result<(), StaticError> {
        let place = self.place(path);
        for (_, ending) in PACKED {
            remove(&with_ending(&place, ending))?;
        }
        remove(&place)?;
        self.is_unsaved |= self.documents.remove(path).is_some();
        Ok(())
    }

    /// Writes the manifest if it has been behind for a while.
    pub(super) fn save_in_time(&mut self) -> Result<(), StaticError> {
        if Instant::now() < self.save_at { Ok(()) } else { self.save() }
    }

    /// Writes the manifest if it is behind.
    pub(super) fn save(&mut self) -> Result<(), StaticError> {
        if !self.is_unsaved {
            return Ok(());
        }
        let began = Instant::now();
        let path = self.folder.join(MANIFEST);
        let manifest = Manifest { documents: std::mem::take(&mut self.documents), handled: self.handled };
        let bytes = serde_json::to_vec_pretty(&manifest);
        self.documents = manifest.documents;
        let bytes = bytes.map_err(|error| StaticError::File { path: path.clone(), source: error.into() });
        let saved = bytes.and_then(|bytes| self.replace(&path, &bytes, None));
        self.save_at = Instant::now() + BEHIND.max(began.elapsed() * TIMES);
        saved?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(at(&self.folder))?;
        self.is_unsaved = false;
        Ok(())
    }

    fn place(&self, path: &str) -> PathBuf {
        self.folder.join("site").join(path)
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
            file.sync_all()?;
            fs::rename(&unfinished, place)
        };
        let written = write();
        if written.is_err() {
            // On a full disk it would take the place of what is to be written next.
            drop(fs::remove_file(&unfinished));
        }
        written.map_err(at(place))
    }

    /// Removes the files that no document has. What a link leads to is not of this folder.
    fn tidy(&self, folder: &Path) -> Result<(), StaticError> {
        open_to_all(folder, FOLDER_MODE).map_err(at(folder))?;
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let entry = entry.map_err(at(folder))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(at(folder))?);
            if kind.is_dir() {
                self.tidy(&path)?;
            } else if !self.is_known(&path) {
                remove(&path)?;
            } else if kind.is_file() {
                open_to_all(&path, FILE_MODE).map_err(at(&path))?;
            }
        }
        Ok(())
    }

    fn is_known(&self, path: &Path) -> bool {
        let Some(path) = path.strip_prefix(self.folder.join("site")).ok().and_then(Path::to_str) else { return false };
        let of = |ending: &String| {
            let plain = path.strip_suffix(ending.as_str()).and_then(|rest| rest.strip_suffix('.'));
            plain.and_then(|plain| self.documents.get(plain)).is_some_and(|entry| entry.packed.contains(ending))
        };
        self.documents.contains_key(path) || PACKED.iter().any(|(_, ending)| of(&(*ending).to_owned()))
    }
}

impl Entry {
    /// Returns whether the file is the one that was written.
    fn is_at(&self, place: &Path) -> bool {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(self.modified).unwrap_or(0));
        let is_same = |data: &fs::Metadata| data.modified().is_ok_and(|at| at == modified);
        let forms = self.packed.iter().map(|ending| with_ending(place, ending));
        let length = u64::try_from(self.length).unwrap_or(0);
        fs::metadata(place).is_ok_and(|data| is_same(&data) && data.len() == length)
            && forms.into_iter().all(|form| fs::metadata(form).is_ok_and(|data| is_same(&data)))
    }
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
        Err(TryLockError::WouldBlock) => Err(StaticError::Taken(folder.to_owned())),
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
