//! Wiring: puts the other modules together and keeps them running. Only this module reads the wall clock, handles
//! signals and talks to systemd.

mod admin;
mod admin_handler;
mod chronicle;
mod clock;
mod cluster;
mod differences;
mod disk;
mod error;
mod expiry;
mod explain;
mod figures;
mod hub;
mod limits;
mod logging;
mod opening;
mod parts;
mod polling;
mod publishing;
mod run;
mod searching;
mod service;
mod signals;
mod sockets;
mod static_site;
mod status;
mod store_monitor;
mod store_version;
mod takedowns;
mod why;

pub use admin::{AdminReply, AdminRequest, ask, note_offline};
pub use admin_handler::Loader;
pub use clock::now;
pub use disk::disk;
pub use error::DaemonError;
pub use explain::{decided, explain, no_item, withdrawn};
pub use logging::start as start_logging;
pub use run::{Started, run};
pub use status::{DaemonStatus, SourceStatus};
pub use store_version::{STORE_VERSION, StoreVersionError, check_store};
pub use takedowns::{carry_out, of_source, told};
pub use why::{Stores, why};
