//! Finds out from the clocks of servers whether our own is wrong.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::Moment;

/// Number of servers whose time is remembered; the least recently heard one is dropped.
const MAX_SERVERS: usize = 1000;
/// How far our clock may differ from those of the servers, in seconds.
const MAX_SKEW: i64 = 86_400;
/// Servers whose clocks differ by at most this agree, in seconds.
const NEAR: i64 = 600;
/// Number of agreeing servers that are believed over our own clock.
const WITNESSES: usize = 3;
/// Before this (2025-01-01) our clock cannot be right: a machine without a clock battery has not had its time set yet.
pub(super) const EARLIEST: Moment = Moment::from_seconds(1_735_689_600);

/// Differences between the servers' clocks (`Date` headers) and ours. A clock that is years off would make new items
/// look old, or expire items too early. Each server counts once, however often it is polled.
#[derive(Debug, Default)]
pub struct ClockCheck(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    /// Per server, the sequence number of its last answer and the difference in seconds.
    servers: HashMap<String, (u64, i64)>,
    answers: u64,
    /// Set after our clock was changed by more than a day: then a single server can outweigh it.
    is_doubtful: bool,
}

impl Told {
    fn median(&self) -> Option<i64> {
        let mut sorted: Vec<i64> = self.servers.values().map(|(_, skew)| *skew).collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}

impl ClockCheck {
    /// Records that a server's clock is this many seconds ahead of ours.
    pub fn note(&self, server: &str, seconds: i64) {
        let mut told = self.told();
        told.answers += 1;
        if told.servers.len() >= MAX_SERVERS
            && !told.servers.contains_key(server)
            && let Some(oldest) = told.servers.iter().min_by_key(|(_, (at, _))| *at).map(|(server, _)| server.clone())
        {
            told.servers.remove(&oldest);
        }
        let at = told.answers;
        told.servers.insert(server.to_owned(), (at, seconds));
    }

    /// Records that our clock was set by this many seconds, which invalidates earlier differences.
    pub fn set(&self, seconds: i64) {
        *self.told() = Told { is_doubtful: seconds.abs() > MAX_SKEW, ..Told::default() };
    }

    /// Returns whether the servers show that our clock is wrong: at least three agree with each other to within ten
    /// minutes, and they are more than twice as many as agree with us. So nobody with two servers can stop the daemon.
    pub fn contradict(&self) -> bool {
        let told = self.told();
        let witnesses = if told.is_doubtful { 1 } else { WITNESSES };
        let mut others: Vec<i64> =
            told.servers.values().map(|(_, skew)| *skew).filter(|skew| skew.abs() > MAX_SKEW).collect();
        if others.len() < witnesses {
            return false;
        }
        let with_us = told.servers.len() - others.len();
        // Find the largest group that agrees on another time.
        others.sort_unstable();
        let agreed = (0..others.len()).map(|from| {
            let first = others.get(from).copied().unwrap_or_default();
            others.get(from..).unwrap_or(&[]).partition_point(|skew| skew - first <= NEAR)
        });
        let agreed = agreed.max().unwrap_or(0);
        agreed >= witnesses && (told.is_doubtful && agreed > with_us || agreed > 2 * with_us)
    }

    /// Returns why nothing is polled or accepted, if our clock is to blame.
    pub fn wrong(&self, now: Moment) -> Option<String> {
        if now < EARLIEST {
            return Some(format!("the clock says {}; nothing is polled until it is set", now.day()));
        }
        self.contradict().then(|| {
            "the clock differs by more than a day from the servers' clocks; nothing is accepted until it is set"
                .to_owned()
        })
    }

    /// Returns whether at least `answers` answers came since the start or the last clock change, and the servers'
    /// median is within a day of our clock.
    pub fn agree(&self, answers: u64) -> bool {
        let told = self.told();
        told.answers >= answers && told.median().is_some_and(|median| median.abs() <= MAX_SKEW)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 31 servers that answer in turn.
    fn clock_check(seconds: &[i64]) -> ClockCheck {
        let clock_check = ClockCheck::default();
        seconds.iter().enumerate().for_each(|(at, seconds)| clock_check.note(&format!("s{}", at % 31), *seconds));
        clock_check
    }

    #[test]
    fn d6_one_server_has_one_voice() {
        let clock_check = clock_check(&[0, 0, 0]);
        for _ in 0..1000 {
            clock_check.note("liar", -315_360_000);
        }
        assert!(!clock_check.contradict() && clock_check.agree(5));
        clock_check.note("a", -315_360_000);
        assert!(!clock_check.contradict(), "two of five");
        for server in ["b", "c", "d", "e", "f"] {
            assert!(!clock_check.contradict(), "no more than twice as many as agree with us");
            clock_check.note(server, -315_360_000);
        }
        assert!(clock_check.contradict());
        let few = self::clock_check(&[0, 3 * 86_400, 3 * 86_400]);
        assert!(!few.contradict(), "two that lie together stop nobody");
        clock_check.set(3600);
        assert!(!clock_check.contradict());
        clock_check.note("a", -315_360_000);
        assert!(!clock_check.contradict(), "one server may be wrong");
        clock_check.set(315_360_000);
        assert!(!clock_check.contradict(), "nobody has told");
        clock_check.note("a", -315_360_000);
        assert!(clock_check.contradict(), "a clock that was just set by years is believed less than any server");
    }

    #[test]
    fn d6_many_servers_know_better_than_our_clock() {
        const DECADE: i64 = 315_360_000;
        assert!(clock_check(&[0, 1, -2, 5, 0]).agree(5));
        assert!(!clock_check(&[]).agree(5) && !clock_check(&[]).contradict());
        assert!(!clock_check(&[0; 4]).agree(5), "too few have told their time");
        assert!(clock_check(&[-DECADE; 31]).contradict(), "our clock is ten years ahead");
        let now = EARLIEST.plus_seconds(1);
        assert!(clock_check(&[-DECADE; 31]).wrong(now).unwrap().contains("nothing is accepted"));
        assert_eq!(clock_check(&[0; 31]).wrong(now), None);
        let told = clock_check(&[]).wrong(Moment::from_seconds(60)).unwrap();
        assert_eq!(told, "the clock says 1970-01-01; nothing is polled until it is set");
        assert!(clock_check(&[0, 1, 2, 3, -DECADE]).agree(5), "one server's is wrong");
        assert!(clock_check(&[vec![-DECADE; 31], vec![0; 31]].concat()).agree(5), "ours was set right");
    }
}
