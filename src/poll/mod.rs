//! Inbound: when to poll a source, one poll from the request to the saved state, and the loop that polls all sources.
//!
//! `schedule` is pure, `poll_source` is one poll in order, and `commit` writes what all polls found to the log and the view
//! in one order. The module does not know how items are published.

mod abroad;
mod announcements;
mod answer;
mod articles;
mod busy_hosts;
mod clock_check;
mod command;
mod commit;
mod context;
mod control;
mod finish;
mod heartbeat;
mod host_clock;
mod listed;
mod listing;
mod load;
mod metrics;
mod moved;
mod options;
mod outcome;
mod parse;
mod permission;
mod poll_source;
mod poller;
mod quota;
mod reports;
mod revisits;
mod schedule;
mod shared_states;
mod silence;
mod watched;

pub use announcements::Announcements;
pub use clock_check::ClockCheck;
pub use command::{Command, PollRefused};
pub use commit::{Commit, CommitError, Committer, LogWriter, SharedLog};
pub use context::{Clock, Pause, PollContext};
pub use heartbeat::Heartbeat;
pub use host_clock::HostClock;
pub use metrics::Metrics;
pub use options::Options;
pub use poller::{Poller, gap_of};
pub use quota::Limits;
pub use schedule::{Pace, next, spread};
pub use shared_states::{ShareError, share, take_over};

#[cfg(test)]
mod tests;
