//! Where the site is written to, as the config names it.

use std::path::PathBuf;

use super::static_bucket::{BucketTarget, StaticBucket};
use super::static_folder::StaticFolder;
use super::static_place::{Place, StaticError, Turn};

/// Where the site is written to.
#[derive(Clone, Debug)]
pub enum Target {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of an object store.
    Bucket(BucketTarget),
}

impl Target {
    /// Returns how it is named in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Folder(folder) => folder.display().to_string(),
            Self::Bucket(bucket) => bucket.address(),
        }
    }

    pub(super) fn open(&self, turn: Turn) -> Result<Box<dyn Place>, StaticError> {
        Ok(match self {
            Self::Folder(folder) => Box::new(StaticFolder::open(folder, turn)?),
            Self::Bucket(bucket) => Box::new(StaticBucket::open(bucket, turn)?),
        })
    }
}
