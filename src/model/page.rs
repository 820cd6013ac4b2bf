//! A document as a server sent it.

use super::Link;

/// A document as a server sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Final address, after redirects.
    pub url: Link,
    /// The `Content-Type` header, if there was one.
    pub content_type: Option<String>,
    /// The decoded body.
    pub body: Vec<u8>,
}

/// Validators for a conditional request (RFC 9110, section 8.8): the bytes as received, never parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// The `ETag`.
    pub etag: Option<Vec<u8>>,
    /// The `Last-Modified`.
    pub last_modified: Option<Vec<u8>>,
}

impl Validators {
    /// Returns whether there are no validators.
    pub const fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}
