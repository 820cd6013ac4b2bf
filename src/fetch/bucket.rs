//! A bucket of an S3-compatible store that the admin named. What it answers comes from the admin's own store, so no guard stands
//! before it.

use crate::model::Secret;

/// Where a bucket is, and who we are there. What is missing is taken from the variables of the environment that other programs
/// take it from (`AWS_REGION`, `AWS_ACCESS_KEY_ID` and so on).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketOptions {
    /// Its name.
    pub name: String,
    /// What the keys of all objects begin with, without slashes around it.
    pub prefix: String,
    /// The address of the store.
    pub endpoint: Option<String>,
    /// The region of the store.
    pub region: Option<String>,
    /// Who we are.
    pub access_key: Option<String>,
    /// What proves it.
    pub secret_key: Option<Secret>,
}

/// How an object is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served<'a> {
    /// Its media type.
    pub content_type: &'a str,
    /// How long it may be kept.
    pub cache_control: &'a str,
    /// How it is packed, if it is.
    pub content_encoding: Option<&'static str>,
}

/// An object as the bucket lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key behind the prefix.
    pub key: String,
    /// What the store validates its bytes with.
    pub etag: String,
}

/// When an object may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// In any case.
    Always,
    /// If there is none yet.
    IsNew,
    /// If it is still the one with this validator.
    Is(&'a str),
}

/// Why something could not be done with a bucket.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// It is not part of this program.
    #[error(
        "this dayuan was built without object stores: build it with --features s3, or name a folder as [publish] to"
    )]
    NotBuilt,
    /// Nothing says who we are.
    #[error(
        "nothing says who dayuan is at the object store: set access_key and secret_key of [s3], or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of the service"
    )]
    Nobody,
    /// The object is another than was meant.
    #[error("{0} was changed by another program")]
    Changed(String),
    /// The store did not answer in time.
    #[error("{0}: the object store did not answer within {1} seconds")]
    Silent(String, u64),
    /// The store refuses, or cannot be reached.
    #[error("{0}: the object store cannot be used")]
    Failed(String, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Returns whether this program can write to buckets.
pub const fn has_buckets() -> bool {
    cfg!(feature = "s3")
}
