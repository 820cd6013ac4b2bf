//! Wiring: the rooms below, put together and kept running. The only room that spawns, reads the clock, hears signals
//! and talks to systemd.

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
