//! What a source's requests carry besides the usual, and the proxy that they go through.

use std::fmt;
use std::sync::Arc;

use super::Link;

/// A text that only its receiver may see: it has no `Display`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the text, to be sent and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A user and a password (RFC 7617).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// An HTTP proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its address.
    pub link: Link,
    /// What it wants of who uses it.
    pub login: Option<Login>,
}

/// What a source's requests carry besides the usual, and the proxy that they go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestOptions {
    /// Contact address in the `User-Agent`, in the place of the general one.
    pub contact: Option<String>,
    /// Headers for the source's own site. Any of them may be a secret.
    pub headers: Vec<(String, Secret)>,
    /// User and password for the source's own site.
    pub login: Option<Login>,
    /// The proxy.
    pub proxy: Option<Proxy>,
    /// Why a secret is not there, if so: then nothing is requested.
    pub missing: Option<String>,
}
