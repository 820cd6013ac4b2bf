//! Inward: when to ask a source, the one straight line from its answer to the view, and the loop that asks them all.
//!
//! `schedule` is pure, `turn` reads like a sentence, `commit` puts what all turns found into the log and the view in
//! one order. This room does not know how items are published.

mod articles;
mod commit;
mod house;
mod metrics;
mod options;
mod order;
mod outcome;
mod permission;
mod poller;
mod quota;
mod schedule;
mod skews;
mod turn;

pub use commit::{Commit, CommitError, Committer, Ledger};
pub use house::{Clock, House, Pause};
pub use metrics::Metrics;
pub use options::Options;
pub use order::{Command, PollRefused};
pub use poller::{Poller, Pulse};
pub use quota::Limits;
pub use schedule::{Pace, next, spread};
pub use skews::Skews;
