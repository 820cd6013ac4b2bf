//! Outward: finished feeds and pages for whoever asks.
//!
//! The shelf holds finished bytes and answers first; what it does not hold is put together by the desk, on a small
//! bounded pool. A request never allocates per unknown path, never makes a metric label from input and never waits on
//! an unbounded queue. This room does not know how items came in.

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
