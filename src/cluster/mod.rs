//! One log for several machines: an engine holds its order and says which node polls, and every node takes it into a log of
//! its own.
//!
//! The engine is transport and order only. Each node mirrors the engine's lines into its own checksummed segments and derives
//! its view from there, so it serves, verifies, rebuilds and backs up as a single machine does, also while the engine is away.
//! The module does not know what records mean.

mod connection;
mod engine;
mod lease;
#[cfg(feature = "nats")]
mod nats;
mod nats_address;
mod node;
#[cfg(feature = "postgres")]
mod postgres;
mod transfer;

pub use connection::{Connection, connect};
pub use engine::{Engine, EngineError, LeaseRow, Pair};
pub use lease::{Lease, Turn};
pub use nats_address::NatsAddress;
pub use node::Node;
pub use transfer::{CHUNK, compare, drop_expired, is_behind, pull, push, take_in};
