//! A folder of finished documents: each with its packed forms, written only where its bytes changed, and a manifest of all.
//!
//! A document is written beside its place, synced and renamed, so a reader sees the old or the new one. What the folder holds
//! beside that is removed when it is opened: a program that ended in between leaves nothing behind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

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
}

/// The folder.
#[derive(Debug)]
pub(super) struct StaticFolder {
    folder: PathBuf,
    documents: BTreeMap<String, Entry>,
    /// Whether the manifest is behind.
    is_unsaved: bool,
    written: u64,
}

impl StaticFolder {
    /// Opens a folder, which is made if it is missing, and removes what an earlier run did not finish.
    pub(super) fn open(folder: &Path, root: &str) -> Result<Self, StaticError> {
        let site = folder.join("site");
        fs::create_dir_all(folder).map_err(at(folder))?;
        let manifest = folder.join(MANIFEST);
        if !manifest.exists() && fs::read_dir(folder).map_err(at(folder))?.next().is_some() {
            return Err(StaticError::Foreign(folder.to_owned()));
        }
        // One that cannot be read is made anew, with every document.
        let known: Manifest =
            fs::read(&manifest).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let mut opened = Self { folder: folder.to_owned(), documents: known.documents, is_unsaved: true, written: 0 };
        opened.save()?;
        fs::create_dir_all(&site).map_err(at(&site))?;
        opened.replace(&folder.join(RULES), static_rules::nginx(&site, root).as_bytes(), None)?;
        opened.tidy(&site)?;
        let is_there = |(path, entry): (&String, &Entry)| (path.clone(), entry.is_at(&opened.place(path)));
        let lost: Vec<String> =
            opened.documents.iter().map(is_there).filter(|(_, is)| !is).map(|(path, _)| path).collect();
        for path in lost {
            opened.documents.remove(&path);
        }
        Ok(opened)
    }

    /// Returns the paths of the documents that begin like this.
    pub(super) fn paths<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = &'a str> {
        let from = self.documents.range(beginning.to_owned()..);
        from.map(|(path, _)| path.as_str()).take_while(move |path| path.starts_with(beginning))
    }

    /// Returns the date of the newest document.
    pub(super) fn newest(&self) -> Moment {
        let newest = self.documents.values().map(|entry| entry.modified).max();
        Moment::from_seconds(newest.unwrap_or(0))
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

    /// Writes the manifest if it is behind.
    pub(super) fn save(&mut self) -> Result<(), StaticError> {
        if !self.is_unsaved {
            return Ok(());
        }
        let path = self.folder.join(MANIFEST);
        let documents = std::mem::take(&mut self.documents);
        let manifest = Manifest { documents };
        let bytes = serde_json::to_vec_pretty(&manifest);
        self.documents = manifest.documents;
        let bytes = bytes.map_err(|error| StaticError::File { path: path.clone(), source: error.into() })?;
        self.replace(&path, &bytes, None)?;
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
                    fs::create_dir_all(folder)?;
                    File::create(&unfinished)?
                }
                file => file?,
            };
            file.write_all(bytes)?;
            if let Some(modified) = modified {
                let since = Duration::from_secs(u64::try_from(modified).unwrap_or(0));
                file.set_modified(SystemTime::UNIX_EPOCH + since)?;
            }
            file.sync_all()?;
            fs::rename(&unfinished, place)
        };
        write().map_err(at(place))
    }

    /// Removes the files that no document has.
    fn tidy(&self, folder: &Path) -> Result<(), StaticError> {
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let path = entry.map_err(at(folder))?.path();
            if path.is_dir() {
                self.tidy(&path)?;
            } else if !self.is_known(&path) {
                remove(&path)?;
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
