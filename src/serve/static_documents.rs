//! The finished documents of a place: what is there, what is waiting to be written, and the manifest of all. Only what changed is
//! written.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::answer::FRESH;
use super::document::{Document, Rendered};
use super::static_place::{Change, Entry, Place, StaticError};
use crate::model::Moment;

/// The list of all documents.
pub(super) const MANIFEST: &str = "manifest.json";
/// How long the manifest may be behind, and how many times as long as it takes to write.
const BEHIND: Duration = Duration::from_secs(3);
const TIMES: u32 = 20;

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

/// The documents.
#[derive(Debug)]
pub(super) struct Documents {
    place: Box<dyn Place>,
    documents: BTreeMap<String, Entry>,
    /// What is to be done, by path, and for which of the pieces that are being written; the last word on a path counts.
    waiting: BTreeMap<String, (usize, Change)>,
    piece: usize,
    handled: Handled,
    /// Whether the manifest is behind.
    is_unsaved: bool,
    /// Until when it may be.
    save_at: Instant,
    /// Whether the manifest named no document because it could not be parsed: what lies there is kept until all is written.
    is_blind: bool,
    written: u64,
}

/// A document that could not be written or removed.
pub(super) struct Failed {
    pub(super) piece: usize,
    pub(super) path: String,
    pub(super) error: StaticError,
}

impl Documents {
    /// Opens a place. Nothing but the first manifest is written: what must go can go also when there is no room. What is there,
    /// is not known and could be ours by its path counts as known, so that it can be removed.
    pub(super) fn open(mut place: Box<dyn Place>, is_ours: impl Fn(&str) -> bool) -> Result<Self, StaticError> {
        let read = place.manifest()?;
        let known: Option<Manifest> =
            read.as_ref().map_or(Some(Manifest::default()), |bytes| serde_json::from_slice(bytes).ok());
        let is_blind = known.is_none();
        let Manifest { documents, handled } = known.unwrap_or_default();
        let (waiting, piece, written) = Default::default();
        let (is_unsaved, save_at) = (read.is_none(), Instant::now() + BEHIND);
        let mut opened = Self { place, documents, waiting, piece, handled, is_unsaved, save_at, is_blind, written };
        opened.save()?;
        if !is_blind {
            opened.place.tidy(&opened.documents)?;
        }
        let survey = opened.place.survey(&opened.documents)?;
        for path in survey.strays.into_iter().filter(|path| is_ours(path)) {
            opened.documents.insert(path, Entry::default());
        }
        // One that is not as it was written is written again; until then it counts as there, so that it can also be removed.
        for path in survey.lost {
            opened.documents.entry(path).and_modify(|entry| entry.etag.clear());
        }
        Ok(opened)
    }

    /// Writes the rules for a web server if they changed.
    pub(super) fn put_rules(&mut self, root: &str) -> Result<(), StaticError> {
        self.place.write_rules(root)
    }

    /// Notes that all is written: what lies there without a document is nobody's.
    pub(super) fn finish(&mut self) -> Result<(), StaticError> {
        self.place.stay()?;
        if std::mem::take(&mut self.is_blind) {
            self.place.tidy(&self.documents)?;
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

    /// Returns how many pieces are rendered at one time.
    pub(super) fn pieces_at_once(&self) -> usize {
        self.place.pieces_at_once()
    }

    /// Notes for which piece changes are made from now on.
    pub(super) const fn begin(&mut self, piece: usize) {
        self.piece = piece;
    }

    /// Has a document written if its bytes changed.
    pub(super) fn put(&mut self, path: &str, rendered: Rendered, now: Moment) {
        let before = self.documents.get(path);
        let etag = Document::tag(&rendered.bytes);
        if before.is_some_and(|before| before.etag == etag) {
            self.waiting.remove(path);
            return;
        }
        // Web servers make validators of the date and the length: no date may come twice.
        let modified = before.map_or(0, |before| before.modified + 1).max(now.seconds());
        let entry = Entry {
            content_type: rendered.media_type.to_owned(),
            cache_control: FRESH.to_owned(),
            etag,
            modified,
            length: rendered.bytes.len(),
            ..Entry::default()
        };
        let document = Document::new(rendered.media_type, rendered.bytes, Moment::from_seconds(modified));
        self.waiting.insert(path.to_owned(), (self.piece, Change::Put(Box::new(document), entry)));
    }

    /// Has a document removed with all its forms.
    pub(super) fn remove(&mut self, path: &str) {
        self.waiting.insert(path.to_owned(), (self.piece, Change::Remove));
    }

    /// Carries out what is waiting; returns what failed.
    pub(super) fn flush(&mut self) -> Vec<Failed> {
        let waiting = std::mem::take(&mut self.waiting);
        let pieces: BTreeMap<String, usize> = waiting.iter().map(|(path, (piece, _))| (path.clone(), *piece)).collect();
        let changes = waiting.into_iter().map(|(path, (_, change))| (path, change)).collect();
        let mut failed = Vec::new();
        for (path, outcome) in self.place.carry_out(changes) {
            match outcome {
                Ok(Some(entry)) => {
                    self.documents.insert(path, entry);
                    self.is_unsaved = true;
                    self.written += 1;
                }
                Ok(None) => self.is_unsaved |= self.documents.remove(&path).is_some(),
                Err(error) => {
                    // It may be there all the same: it is written anew, and can be removed.
                    self.documents.entry(path.clone()).or_default().etag.clear();
                    let piece = pieces.get(&path).copied().unwrap_or_default();
                    failed.push(Failed { piece, path, error });
                }
            }
        }
        failed
    }

    /// Writes the manifest if it has been behind for a while.
    pub(super) fn save_in_time(&mut self) -> Result<(), StaticError> {
        self.place.stay()?;
        if Instant::now() < self.save_at { Ok(()) } else { self.save() }
    }

    /// Writes the manifest if it is behind.
    pub(super) fn save(&mut self) -> Result<(), StaticError> {
        if !self.is_unsaved {
            return Ok(());
        }
        let began = Instant::now();
        let manifest = Manifest { documents: std::mem::take(&mut self.documents), handled: self.handled };
        let bytes = serde_json::to_vec_pretty(&manifest);
        self.documents = manifest.documents;
        let bytes = bytes.map_err(|error| StaticError::File { path: PathBuf::from(MANIFEST), source: error.into() });
        let saved = bytes.and_then(|bytes| self.place.write_manifest(bytes));
        self.save_at = Instant::now() + BEHIND.max(began.elapsed() * TIMES);
        saved?;
        self.is_unsaved = false;
        Ok(())
    }

    /// Lets others write here; what is known is written first.
    pub(super) fn release(&mut self) -> Result<(), StaticError> {
        let saved = self.save();
        self.place.release();
        saved
    }
}
