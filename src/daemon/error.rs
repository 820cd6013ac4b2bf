use std::net::SocketAddr;
use std::path::PathBuf;

use crate::fetch::FetchError;
use crate::log::LogError;
use crate::view::ViewError;

/// Why the daemon cannot start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The address is in use, or does not belong to this host.
    #[error("cannot listen on {address}; change [http] {setting}, or stop what listens there")]
    Listen {
        /// Address to listen on.
        address: SocketAddr,
        /// Setting in `[http]` that names it.
        setting: &'static str,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The admin socket cannot be created.
    #[error("cannot make the admin socket {}", path.display())]
    Socket {
        /// Path of the socket.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A newer dayuan wrote the store.
    #[error("the store {} is of version {version}, written by {writer}; this is dayuan {} and knows up to version {}: start that dayuan again, or restore a backup that this one made", store.display(), env!("CARGO_PKG_VERSION"), super::store_version::STORE_VERSION)]
    NewerStore {
        /// The folder of the store.
        store: PathBuf,
        /// Its version.
        version: String,
        /// The dayuan that wrote it last.
        writer: String,
    },
    /// The version of the store cannot be read.
    #[error("cannot read {}", path.display())]
    StoreVersion {
        /// The file that holds it.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The view or the poll states cannot be used.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The HTTP client cannot be created.
    #[error("cannot create the HTTP client for fetching")]
    Fetch(#[from] FetchError),
    /// The threads for polling cannot be started.
    #[error("cannot start the polling threads")]
    Threads(#[source] std::io::Error),
    /// The signal handlers cannot be installed.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    /// A task ended that must run until the stop.
    #[error("the {0} stopped unexpectedly; please report this with the log")]
    Ended(&'static str),
}
