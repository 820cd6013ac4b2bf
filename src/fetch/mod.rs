//! One polite, guarded way out to the network.
//!
//! Every address that anything wants to get passes the guard three times: as it is written, as it is resolved, and at
//! every redirect. Bodies are read in pieces and cut at a limit of their decoded size. This room does not know what a
//! feed is, when to ask, or what to do with an answer.

mod answer;
mod ask_robots;
mod client;
mod crowd;
mod error;
mod guard;
mod resolver;
mod robots;
mod unpack;

pub use answer::Answer;
pub use client::{Fetcher, Options, Request, install_crypto};
pub use crowd::Room;
pub use error::FetchError;
pub use guard::{Guard, Network, NetworkError};
pub use robots::{Permission, site_of};
