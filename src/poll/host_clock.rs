//! Spaces the requests of all sources at hosts that are not their own.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::Moment;

/// Maximum number of hosts that are remembered.
const MAX_HOSTS: usize = 4096;

/// A host is never reserved for longer than this.
const MAX_AHEAD: Duration = Duration::from_secs(2 * 3600);

/// When each host may be asked again by a source whose host it is not: many lists may lead to the articles of one site.
#[derive(Debug, Default)]
pub struct HostClock {
    free: Mutex<HashMap<String, Moment>>,
}

impl HostClock {
    /// Reserves the next request at a host, `gap` after the one before; returns how long to wait for it. `None` if that is
    /// longer than `most`, or if too many hosts are being asked; nothing is reserved then.
    pub(super) fn reserve(&self, host: &str, now: Moment, gap: Duration, most: Duration) -> Option<Duration> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() >= MAX_HOSTS {
            free.retain(|_, until| *until > now);
        }
        // A time further ahead is from before our clock was set back.
        let is_sensible = |until: &&Moment| until.duration_since(now) <= MAX_AHEAD;
        let at = free.get(host).filter(is_sensible).map_or(now, |until| (*until).max(now));
        if at.duration_since(now) > most || free.len() >= MAX_HOSTS {
            return None;
        }
        free.insert(host.to_owned(), at + gap);
        Some(at.duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_asked_once_a_gap_however_many_sources_lead_to_it() {
        let (clock, now) = (HostClock::default(), Moment::from_seconds(1_678_330_000));
        let [gap, most] = [1, 3].map(Duration::from_secs);
        let waits: Vec<_> = (0..6).map(|_| clock.reserve("a.cn", now, gap, most).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(0), Some(1), Some(2), Some(3), None, None]);
        assert_eq!(clock.reserve("b.cn", now, gap, most), Some(Duration::ZERO));
        assert_eq!(clock.reserve("a.cn", now.plus_seconds(9), gap, most), Some(Duration::ZERO));
        assert_eq!(clock.reserve("a.cn", now.plus_seconds(-86_400), gap, most), Some(Duration::ZERO));
    }
}
