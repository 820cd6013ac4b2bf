//! Inward: when to ask a source, the one straight line from its answer to the view, and the loop that asks them all.
//!
//! `schedule` is pure, `poll_source` reads like a sentence, `commit` puts what all polls found into the log and the view in
//! one order. This room does not know how items are published.

mod articles;
mod command;
mod commit;
mod control;
mod house;
mod listing;
mod load;
mod metrics;
mod options;
mod outcome;
mod permission;
mod poll_source;
mod poller;
mod pulse;
mod quota;
mod reports;
mod revisits;
mod schedule;
mod skews;
mod watched;

pub use command::{Command, PollRefused};
pub use commit::{Commit, CommitError, Committer, Ledger};
pub use house::{Clock, House, Pause};
pub use metrics::Metrics;
pub use options::Options;
pub use poller::Poller;
pub use pulse::Pulse;
pub use quota::Limits;
pub use schedule::{Pace, next, spread};
pub use skews::Skews;
