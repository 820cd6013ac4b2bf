//! Wiring: puts the other modules together and keeps them running. Only this module reads the wall clock, handles
//! signals and talks to systemd.

mod admin;
mod answers;
mod clock;
mod error;
mod expiry;
mod explain;
mod keeper;
mod logging;
mod run;
mod service;
mod status;

pub use admin::{Answered, Request, ask};
pub use answers::Loader;
pub use clock::now;
pub use error::DaemonError;
pub use explain::{decided, explain, no_item, withdrawn};
pub use logging::start as start_logging;
pub use run::{Started, run};
pub use status::{DaemonStatus, SourceStatus};
