//! Serves finished feeds and pages over HTTP.
//!
//! The response cache holds finished bytes and is tried first; what it does not hold is rendered on a small bounded
//! pool. A request never leaves anything in memory for an unknown path, never makes a metric label from input and never
//! waits on an unbounded queue. This module does not know how items came in.

mod answer;
mod archives;
mod cache;
mod connections;
mod document;
mod feeds;
mod filter;
mod handler;
mod hub_door;
mod known_topics;
mod metrics;
mod pages;
mod part;
mod posts;
mod published;
mod recent;
mod renderer;
mod results;
mod route;
mod selection;
mod server;
mod site;
mod static_bucket;
mod static_documents;
mod static_folder;
mod static_piece;
mod static_place;
mod static_rules;
mod static_site;
mod static_target;
mod static_write;
mod stories;
mod subjects;
mod topics;

pub use feeds::too_large_for;
pub use hub_door::{CallbackDoor, Delivery, HubDoor};
pub use metrics::Metrics;
pub use published::{Options, PublishConfig};
pub use server::{Handler, Limits, adopt, converse, listen, serve};
pub use site::Site;
pub use static_bucket::BucketTarget;
pub use static_place::{StaticError, Turn};
pub use static_site::StaticSite;
pub use static_target::Target;
pub use topics::Feed;
