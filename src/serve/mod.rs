//! Serves finished feeds and pages over HTTP.
//!
//! The response cache holds finished bytes and is tried first; what it does not hold is rendered on a small bounded
//! pool. A request never leaves anything in memory for an unknown path, never makes a metric label from input and never
//! waits on an unbounded queue. This module does not know how items came in.

mod answer;
mod connections;
mod desk;
mod document;
mod lately;
mod metrics;
mod published;
mod route;
mod server;
mod shelf;
mod site;

pub use metrics::Metrics;
pub use published::{Options, Publication, Published};
pub use server::{Handler, Limits, converse, listen, serve};
pub use site::Site;
