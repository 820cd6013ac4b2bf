//! Requests that wait for their verification: so many of each domain and in all.

use std::collections::{HashMap, VecDeque};

use super::options::{MAX_PENDING, MAX_PENDING_PER_DOMAIN};
use super::wish::Wish;
use crate::model::Link;

/// The requests that wait, and how many there are, those in verification included. A registrable domain has one owner and any
/// number of names, so it counts as one.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    wishes: VecDeque<Wish>,
    of_domain: HashMap<String, usize>,
    /// Their sum.
    all: usize,
}

impl Waiting {
    /// Lets a request wait; `false` if too many do.
    pub(super) fn push(&mut self, wish: Wish) -> bool {
        let domain = wish.callback.registrable_domain();
        let of_domain = self.of_domain.get(domain).copied().unwrap_or(0);
        if self.all >= MAX_PENDING || of_domain >= MAX_PENDING_PER_DOMAIN {
            return false;
        }
        self.of_domain.insert(domain.to_owned(), of_domain + 1);
        self.all += 1;
        self.wishes.push_back(wish);
        true
    }

    /// Takes the next request for its verification; it counts until [`done`](Self::done).
    pub(super) fn pop(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    /// Counts a verification of this callback as done.
    pub(super) fn done(&mut self, callback: &Link) {
        let domain = callback.registrable_domain();
        let Some(count) = self.of_domain.get_mut(domain) else { return };
        *count -= 1;
        self.all -= 1;
        if *count == 0 {
            self.of_domain.remove(domain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::wish::Mode;

    fn wish(host: &str) -> Wish {
        let callback = Link::parse(&format!("http://{host}/hook")).unwrap();
        Wish { mode: Mode::Subscribe, topic: "t".to_owned(), callback, lease: 60, secret: None }
    }

    /// One domain with many names, whose server of names never answers.
    #[test]
    fn hub_many_names_of_a_domain_take_no_room_of_others() {
        let mut waiting = Waiting::default();
        let taken = (0..1000).filter(|name| waiting.push(wish(&format!("n{name}.slow.example")))).count();
        assert_eq!(taken, MAX_PENDING_PER_DOMAIN);
        assert!(waiting.push(wish("quick.example")));
        let first = waiting.pop().unwrap();
        assert!(!waiting.push(wish("n1.slow.example")), "it is in verification");
        waiting.done(&first.callback);
        assert!(waiting.push(wish("n1.slow.example")));
        while let Some(wish) = waiting.pop() {
            waiting.done(&wish.callback);
        }
        assert!(waiting.of_domain.is_empty() && waiting.all == 0, "{waiting:?}");
    }
}
