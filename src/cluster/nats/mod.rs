//! The engine on NATS JetStream, 2.9 or newer. Only this folder names it.
//!
//! It has two streams. That of the log holds groups of lines, that of the poll states holds what was saved and, with every
//! message, who has the lease. Every message says what is so after it, and is taken only if the one that its writer knew is
//! still the last. So whoever reads the last message knows everything that an append depends on, and nobody appends or saves
//! who does not know that the lease changed hands: a token rises in both streams before its holder polls.
//!
//! A few requests of the JetStream API are made here, as JSON; the client's own API for it would bring eight crates, and does
//! not understand every answer of 2.9.

mod engine;
mod group;
mod link;
mod log;
mod states;
mod stream;

pub(super) use engine::Nats;
