//! The hub: sends feeds to subscribers as soon as they change (W3C Recommendation WebSub, 2018-01-23).
//!
//! A subscriber is asked whether it really wants what was asked for in its name, then gets the whole feed after every
//! change, signed if it gave a secret. No body waits for anyone: what is kept per subscription is the hash of the bytes
//! that it took last, and whoever lags gets the newest. This module knows neither how a feed is made nor how requests
//! arrive.

mod book;
mod content;
mod delivery;
mod listener;
mod metrics;
mod options;
mod places;
mod queue;
mod rate;
mod service;
mod signature;
mod token;
mod waiting;
mod wish;
mod work;

pub use content::{Content, Found, Topics};
pub use listener::{Arrival, Call, Listener};
pub use metrics::Metrics;
pub use options::Options;
pub use service::{ClockTrust, Hub, Reply};
