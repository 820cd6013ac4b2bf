//! What a place is to which finished documents are written: a folder or a bucket.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::document::Document;
use crate::fetch::BucketError;

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
    /// The bucket cannot be used.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The place holds something else.
    #[error("{0} is not empty, and dayuan did not fill it: name another place as [publish] to")]
    Foreign(String),
    /// Another program writes there.
    #[error("another dayuan writes to {0}: name another place as [publish] to, or end the other one")]
    Taken(String),
    /// It is another machine's turn to write.
    #[error("another machine writes the documents now")]
    NotOurTurn,
    /// The store is not open, or a part of it cannot be read for now.
    #[error("the store cannot be read for now")]
    Closed,
}

/// Tells whether it is still this machine's turn to write; asked right before each document takes its place.
#[derive(Clone)]
pub struct Turn(Arc<dyn Fn() -> bool + Send + Sync>);

impl Turn {
    /// Makes it of what tells so.
    pub fn new(is_ours: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_ours))
    }

    /// # Errors
    /// If it is not.
    pub(super) fn check(&self) -> Result<(), StaticError> {
        if (self.0)() { Ok(()) } else { Err(StaticError::NotOurTurn) }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

/// One document, as whoever serves or uploads it must know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) content_type: String,
    pub(super) cache_control: String,
    /// Strong validator of the bytes without packing; empty if the document is not as it should be.
    pub(super) etag: String,
    /// Seconds since 1970; later than that of the bytes before.
    pub(super) modified: i64,
    pub(super) length: usize,
    /// Endings of the packed forms beside it.
    #[serde(default)]
    pub(super) packed: Vec<String>,
    /// The object's content coding, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_encoding: Option<String>,
    /// The object's own validator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<String>,
}

/// What is to be done with a document.
#[derive(Debug)]
pub(super) enum Change {
    /// It is written; the entry lacks only how.
    Put(Box<Document>, Entry),
    Remove,
}

/// What was found where documents were written before.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Those that are not as they were written.
    pub(super) lost: Vec<String>,
    /// Those that are there and not known.
    pub(super) strays: Vec<String>,
}

/// Where documents are written. One program at a time does so: whoever opens a place holds it until it is released.
pub(super) trait Place: fmt::Debug + Send {
    /// Keeps others away although nothing is written.
    fn stay(&mut self) -> Result<(), StaticError>;

    /// Returns the list of all documents as it was written, `None` if there was none.
    fn manifest(&mut self) -> Result<Option<Vec<u8>>, StaticError>;

    /// Writes it.
    fn write_manifest(&mut self, bytes: Vec<u8>) -> Result<(), StaticError>;

    /// Looks what is there of these documents, and removes what an earlier run did not finish.
    fn survey(&mut self, documents: &BTreeMap<String, Entry>) -> Result<Survey, StaticError>;

    /// Removes what none of these documents has.
    fn tidy(&mut self, documents: &BTreeMap<String, Entry>) -> Result<(), StaticError>;

    /// Writes the rules for a web server in front, if the place has one. `root` is the path before every path of the site.
    fn write_rules(&mut self, root: &str) -> Result<(), StaticError>;

    /// Carries out changes, each as far as it is possible, and returns how each was written.
    fn carry_out(&mut self, changes: Vec<(String, Change)>) -> Vec<Outcome>;

    /// How many pieces of the site are rendered before what they changed is carried out at one time.
    fn pieces_at_once(&self) -> usize;

    /// Lets others write here.
    fn release(&mut self);
}

/// What became of a change: its path, the entry of what was written, `None` for what was removed.
pub(super) type Outcome = (String, Result<Option<Entry>, StaticError>);
