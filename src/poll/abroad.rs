//! Limits what a source makes us ask of hosts other than its own, per day.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use crate::fetch::Budget;
use crate::model::{Link, Moment, Source};

/// Maximum number of other hosts that a source may make us contact per day.
const MAX_HOSTS: usize = 20;
/// How many more of them its list may lead to, once its articles have had theirs.
const MAX_HOSTS_OF_LIST: usize = 5;
/// Maximum number of requests for articles at other hosts that a source may make us send per day.
const MAX_REQUESTS: u16 = 500;

/// Maximum number of bytes of articles that a source may make us receive from other hosts per day.
const MAX_BYTES: usize = 64 << 20;

/// What a source has made us ask of other hosts today.
#[derive(Debug, Default)]
pub(super) struct Abroad(Mutex<Spent>);

#[derive(Debug, Default)]
struct Spent {
    day: i64,
    /// Hashes of the hosts.
    hosts: Vec<u64>,
    requests: u16,
    bytes: usize,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// The source's list. It comes first, so that no number of articles keeps it from being read.
    List,
    /// Its articles.
    Articles,
}

/// The budget of one source for one kind of errand.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    home: String,
    abroad: Arc<Abroad>,
    errand: Errand,
}

impl Allowance {
    pub(super) fn new(source: &Source, abroad: Arc<Abroad>, errand: Errand) -> Self {
        Self { home: source.url.host_text().to_owned(), abroad, errand }
    }

    /// Returns the budget of the same source for its articles.
    pub(super) fn for_articles(&self) -> Self {
        Self { errand: Errand::Articles, ..self.clone() }
    }

    /// Returns whether a host may be asked, without counting it.
    pub(super) fn has_room(&self, host: &str, now: Moment) -> bool {
        host == self.home || self.spent(now).has_room(xxh3_64(host.as_bytes()), self.errand)
    }

    fn spent(&self, now: Moment) -> MutexGuard<'_, Spent> {
        let mut spent = self.abroad.0.lock().unwrap_or_else(PoisonError::into_inner);
        let day = now.seconds().div_euclid(86_400);
        if spent.day != day {
            *spent = Spent { day, ..Spent::default() };
        }
        spent
    }
}

impl Spent {
    fn has_room(&self, host: u64, errand: Errand) -> bool {
        let is_known = self.hosts.contains(&host);
        match errand {
            Errand::List => is_known || self.hosts.len() < MAX_HOSTS + MAX_HOSTS_OF_LIST,
            Errand::Articles => {
                let has_rest = self.requests < MAX_REQUESTS && self.bytes < MAX_BYTES;
                has_rest && (is_known || self.hosts.len() < MAX_HOSTS)
            }
        }
    }
}

impl Budget for Allowance {
    fn take(&self, link: &Link, now: Moment) -> Result<(), String> {
        let name = link.host_text();
        if name == self.home {
            return Ok(());
        }
        let host = xxh3_64(name.as_bytes());
        let mut spent = self.spent(now);
        if !spent.has_room(host, self.errand) {
            return Err(format!("{name} is not asked, because this source has reached today's limit of other sites"));
        }
        if !spent.hosts.contains(&host) {
            spent.hosts.push(host);
        }
        if self.errand == Errand::Articles {
            spent.requests += 1;
        }
        Ok(())
    }

    fn receive(&self, link: &Link, bytes: usize) {
        if link.host_text() != self.home && self.errand == Errand::Articles {
            let mut spent = self.abroad.0.lock().unwrap_or_else(PoisonError::into_inner);
            spent.bytes = spent.bytes.saturating_add(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Moment = Moment::from_seconds(1_678_330_000);

    fn link(host: &str) -> Link {
        Link::parse(&format!("http://{host}/a")).unwrap()
    }

    /// A list that moved to another host after its articles led to many.
    #[test]
    fn the_list_is_read_however_many_hosts_its_articles_lead_to() {
        let list = Allowance { home: "a.cn".to_owned(), abroad: Arc::default(), errand: Errand::List };
        let articles = list.for_articles();
        let taken = (0..40).filter(|host| articles.take(&link(&format!("h{host}.cn")), NOON).is_ok()).count();
        assert_eq!(taken, MAX_HOSTS);
        assert!(list.take(&link("www.a.cn"), NOON).is_ok());
        let more = (0..40).filter(|host| list.take(&link(&format!("l{host}.cn")), NOON).is_ok()).count();
        assert_eq!(more, MAX_HOSTS_OF_LIST - 1, "nor may a list lead to ever more");
    }

    /// Large files of one other site, each within its limit.
    #[test]
    fn what_other_hosts_send_is_counted_in_bytes_as_well() {
        let list = Allowance { home: "a.cn".to_owned(), abroad: Arc::default(), errand: Errand::List };
        let articles = list.for_articles();
        let mut asked = 0;
        while articles.take(&link("b.cn"), NOON).is_ok() {
            articles.receive(&link("b.cn"), 8 << 20);
            articles.receive(&link("a.cn"), 8 << 20);
            asked += 1;
        }
        assert_eq!(asked, 8);
        assert!(articles.take(&link("a.cn"), NOON).is_ok(), "its own host is its own");
        assert!(list.take(&link("b.cn"), NOON).is_ok(), "its list may be there");
        assert!(articles.take(&link("b.cn"), NOON.plus_seconds(86_400)).is_ok(), "tomorrow is another day");
    }
}
