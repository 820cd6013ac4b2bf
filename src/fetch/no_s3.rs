//! What takes the place of a bucket in a program without the feature `s3`.

use bytes::Bytes;

use super::bucket::{BucketError, BucketOptions, Condition, Object, Served};

/// A bucket that this program cannot reach: it was built without.
#[derive(Clone, Debug)]
pub struct Bucket(std::convert::Infallible);

#[expect(clippy::unused_async, reason = "the same as with the feature")]
impl Bucket {
    /// Makes none.
    ///
    /// # Errors
    /// Always.
    pub const fn new(_options: &BucketOptions) -> Result<Self, BucketError> {
        Err(BucketError::NotBuilt)
    }

    /// Writes an object, and returns what validates it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn put(&self, _: &str, _: Bytes, _: Served<'_>, _: Condition<'_>) -> Result<String, BucketError> {
        match self.0 {}
    }

    /// Returns the bytes of an object and what validates them; `None` if it is not there.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn get(&self, _: &str) -> Result<Option<(Bytes, String)>, BucketError> {
        match self.0 {}
    }

    /// Removes an object; it need not be there.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub async fn remove(&self, _: &str) -> Result<(), BucketError> {
        match self.0 {}
    }

    /// Returns all objects, or as many as were asked for.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn list(&self, _: usize) -> Result<Vec<Object>, BucketError> {
        match self.0 {}
    }
}
