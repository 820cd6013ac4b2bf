//! Why the daemon cannot start, or had to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::store_version::StoreVersionError;
use crate::cluster::EngineError;
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
    /// The store cannot be used by this version.
    #[error(transparent)]
    Version(#[from] StoreVersionError),
    /// The view or the poll states cannot be used.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The HTTP client cannot be created.
    #[error("cannot create the HTTP client for fetching")]
    Fetch(#[from] FetchError),
    /// The threads for polling cannot be started.
    #[error("cannot start the polling threads")]
    Threads(#[source] std::io::Error),
    /// The settings of the cluster cannot be used.
    #[error("cannot join the cluster")]
    Cluster(#[source] EngineError),
    /// The signal handlers cannot be installed.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    /// A task ended that must run until the stop.
    #[error("the {0} stopped unexpectedly; please report this with the log")]
    Ended(&'static str),
}
