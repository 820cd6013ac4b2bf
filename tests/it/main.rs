//! The real daemon on port 0 against loopback sites: one binary, a module for each side of it.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends with its first surprise")]
#![expect(clippy::print_stdout, reason = "what cannot run here says SKIPPED")]
#![expect(clippy::disallowed_methods, reason = "tests stand outside and connect to the daemon as anyone does")]

mod answers;
mod archives;
#[cfg(feature = "s3")]
mod buckets;
#[cfg(feature = "postgres")]
mod cluster;
#[cfg(all(feature = "nats", feature = "postgres"))]
mod cluster_nats;
mod commands;
mod conditional;
mod configs;
mod credentials;
#[cfg(feature = "postgres")]
mod database;
mod demo;
mod digest;
mod disaster;
mod documentation;
mod entries;
#[cfg(feature = "postgres")]
mod faults;
mod feed_lists;
mod files;
mod front;
mod guard;
mod hostile_content;
mod hostile_http;
mod http;
mod hub;
mod installation;
mod kill;
mod language;
mod lists;
mod manual;
mod monitoring;
#[cfg(all(feature = "nats", feature = "postgres"))]
mod nats;
mod neighbours;
mod once;
mod pages;
mod politeness;
mod restart;
mod search;
mod serving;
mod stage;
mod stores;
mod stories;
mod straight_line;
mod strangers;
mod takedowns;
mod unit;
mod until;
