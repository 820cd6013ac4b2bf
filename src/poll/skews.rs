use std::sync::{Mutex, PoisonError};

use crate::model::Moment;

/// How many servers' times are remembered, the newest.
const KEPT: usize = 31;
/// How far our clock may be from those of the servers, in seconds.
const MOST: i64 = 86_400;
/// How many of them are believed more than our own.
const WITNESSES: usize = 3;
/// Before this our clock cannot be right: it is that of a machine without a battery, before it was told the time.
pub(super) const EARLIEST: Moment = Moment::from_seconds(1_735_689_600);

/// How far the clocks of servers are from ours, as their answers say (`Date`). A clock that is years off would make old
/// items of new ones, or drop what is to be kept.
#[derive(Debug, Default)]
pub struct Skews(Mutex<Vec<i64>>);

impl Skews {
    /// A server's clock is so many seconds ahead of ours.
    pub fn note(&self, seconds: i64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(seconds);
    }

    /// The median of what at least so many servers said; `None` where fewer did.
    pub fn median(&self, witnesses: usize) -> Option<i64> {
        let mut sorted = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() >= witnesses)
    }

    /// Do the servers say that our clock is wrong?
    pub fn contradict(&self) -> bool {
        self.median(WITNESSES).is_some_and(|median| median.abs() > MOST)
    }

    /// Why nothing is polled or taken in, where our clock is to blame.
    pub fn wrong(&self, now: Moment) -> Option<String> {
        if now < EARLIEST {
            return Some(format!("the clock says {}; nothing is polled until it is set", now.day()));
        }
        self.contradict().then(|| {
            "the clock differs by more than a day from those of the servers; nothing is taken in until it is set"
                .to_owned()
        })
    }

    /// Do so many servers agree with our clock to within a day?
    pub fn agree(&self, witnesses: usize) -> bool {
        self.median(witnesses).is_some_and(|median| median.abs() <= MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skews(seconds: &[i64]) -> Skews {
        let skews = Skews::default();
        seconds.iter().for_each(|seconds| skews.note(*seconds));
        skews
    }

    #[test]
    fn d6_many_servers_know_better_than_our_clock() {
        const DECADE: i64 = 315_360_000;
        assert!(skews(&[0, 1, -2, 5, 0]).agree(5));
        assert!(!skews(&[]).agree(5) && !skews(&[]).contradict());
        assert!(!skews(&[0; 4]).agree(5), "too few have told their time");
        assert!(skews(&[-DECADE; 31]).contradict(), "our clock is ten years ahead");
        let now = EARLIEST.plus_seconds(1);
        assert!(skews(&[-DECADE; 31]).wrong(now).unwrap().contains("nothing is taken in"));
        assert_eq!(skews(&[0; 31]).wrong(now), None);
        let told = skews(&[]).wrong(Moment::from_seconds(60)).unwrap();
        assert_eq!(told, "the clock says 1970-01-01; nothing is polled until it is set");
        assert!(skews(&[0, 1, 2, 3, -DECADE]).agree(5), "one server's is wrong");
        assert!(skews(&[vec![-DECADE; 31], vec![0; 31]].concat()).agree(5), "ours was set right");
    }
}
