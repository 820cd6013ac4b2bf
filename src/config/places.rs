//! Where the service manager puts things.

use std::path::PathBuf;

/// Directories assigned by the service manager through the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// `$STATE_DIRECTORY`: default location of the store.
    pub state: Option<PathBuf>,
    /// `$RUNTIME_DIRECTORY`: default location of the admin socket.
    pub runtime: Option<PathBuf>,
    /// `$CREDENTIALS_DIRECTORY`: the secrets that the service was given.
    pub credentials: Option<PathBuf>,
}
