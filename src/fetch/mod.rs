//! The only way out to the network: polite and guarded.
//!
//! Every address passes the guard three times: as written, as resolved, and at every redirect. Bodies are read in
//! chunks and limited by their decoded size. This module does not know what a feed is, when to fetch, or what to do
//! with an answer.

mod address_limiter;
mod answer;
mod body;
mod bucket;
mod budget;
mod client;
mod credentials;
mod error;
mod failure;
mod gate;
mod guard;
mod line;
mod link_header;
#[cfg(not(feature = "s3"))]
mod no_s3;
mod patience;
mod permission;
mod push;
mod relay;
mod request;
mod resolver;
mod robots;
#[cfg(feature = "s3")]
mod s3;
mod system_files;
mod unpack;
mod way;

pub use address_limiter::PollPlace;
pub use answer::Answer;
pub use bucket::{BucketError, BucketOptions, Condition, Object, Served, has_buckets};
pub use budget::Budget;
pub use client::{Fetcher, Options, install_crypto};
pub use error::FetchError;
pub use gate::Gate;
pub use guard::{Guard, Network, NetworkError};
#[cfg(not(feature = "s3"))]
pub use no_s3::Bucket;
pub use push::Push;
pub use request::{Request, RobotsScope};
pub use robots::{Permission, RobotsStore};
#[cfg(feature = "s3")]
pub use s3::Bucket;
