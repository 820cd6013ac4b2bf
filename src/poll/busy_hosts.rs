//! The hosts that asked to be left alone.

use std::time::Duration;

use crate::fetch::Answer;
use crate::model::{Link, Moment};

/// Maximum number of hosts other than the source's own that are remembered.
const MAX_OTHERS: usize = 32;
/// How long a host is left alone if it does not say how long.
const DEFAULT_WAIT: Duration = Duration::from_secs(3600);

/// Until when hosts are left alone, as far as one source was told.
#[derive(Clone, Debug, Default)]
pub(super) struct BusyHosts(Vec<(String, Moment)>);

impl BusyHosts {
    pub(super) const fn new(hosts: Vec<(String, Moment)>) -> Self {
        Self(hosts)
    }

    /// Returns until when a host is to be left alone, if that is not over.
    pub(super) fn until(&self, host: &str, now: Moment) -> Option<Moment> {
        self.0.iter().find(|(busy, _)| busy == host).map(|(_, until)| *until).filter(|until| *until > now)
    }

    /// Notes that a host is to be left alone. `own` is the source, whose own host always has room.
    pub(super) fn note(&mut self, host: &str, until: Moment, own: &Link, now: Moment) {
        let is_own = host == own.host_text();
        self.0.retain(|(busy, until)| busy != host && *until > now);
        if is_own || self.0.len() < MAX_OTHERS {
            self.0.push((host.to_owned(), until));
        }
    }

    /// Notes what an answer says of the host that gave it: 429 and 503 apply to the whole host, whichever page was requested
    /// (RFC 6585, section 4; RFC 9110, 15.6.4), and to no other.
    pub(super) fn hear(&mut self, answer: &Answer, own: &Link, now: Moment) {
        if matches!(answer.status, 429 | 503) {
            self.note(answer.url.host_text(), now + answer.retry_after.unwrap_or(DEFAULT_WAIT), own, now);
        }
    }

    /// Returns those that are still to be left alone.
    pub(super) fn left(&self, now: Moment) -> Vec<(String, Moment)> {
        self.0.iter().filter(|(_, until)| *until > now).cloned().collect()
    }
}
