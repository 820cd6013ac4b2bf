use std::net::SocketAddr;
use std::path::PathBuf;

use crate::fetch::FetchError;
use crate::log::LogError;
use crate::view::ViewError;

/// Why the daemon cannot run, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}; change [http] {setting}, or stop what listens there")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The setting that names it.
        setting: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The admin socket cannot be made.
    #[error("cannot make the admin socket {}", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The view or the visits cannot be used.
    #[error(transparent)]
    View(#[from] ViewError),
    /// There is no way out.
    #[error("cannot prepare fetching")]
    Fetch(#[from] FetchError),
    /// The threads that poll cannot be made.
    #[error("cannot make the threads that poll")]
    Threads(#[source] std::io::Error),
    /// Signals cannot be heard.
    #[error("cannot listen for signals")]
    Signals(#[source] std::io::Error),
    /// A part ended that must not.
    #[error("the {0} ended by itself; please report this with the log")]
    Ended(&'static str),
}
