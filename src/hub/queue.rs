//! Deliveries that wait, in which hosts take turns.

use std::collections::{HashMap, VecDeque};

/// Deliveries that wait, in which the hosts take turns, so that a host with many subscriptions delays nobody else.
#[derive(Debug)]
pub(super) struct Queue {
    limit: usize,
    per_host: usize,
    running: usize,
    hosts: HashMap<String, HostQueue>,
    /// The hosts that may have a turn.
    order: VecDeque<String>,
}

#[derive(Debug, Default)]
struct HostQueue {
    waiting: VecDeque<u64>,
    running: usize,
    is_in_order: bool,
}

impl Queue {
    pub(super) fn new(limit: usize, per_host: usize) -> Self {
        Self { limit, per_host, running: 0, hosts: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn push(&mut self, host: &str, id: u64) {
        self.hosts.entry(host.to_owned()).or_default().waiting.push_back(id);
        self.list(host);
    }

    /// Takes the next delivery, which holds a place until [`release`](Self::release) and its host's place until
    /// [`leave`](Self::leave).
    pub(super) fn pop(&mut self) -> Option<(u64, String)> {
        if self.running >= self.limit {
            return None;
        }
        while let Some(host) = self.order.pop_front() {
            let Some(queue) = self.hosts.get_mut(&host) else { continue };
            queue.is_in_order = false;
            let Some(id) = queue.waiting.pop_front() else { continue };
            queue.running += 1;
            self.running += 1;
            self.list(&host);
            return Some((id, host));
        }
        None
    }

    /// Gives the place back.
    pub(super) fn release(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// Gives the host's place back.
    pub(super) fn leave(&mut self, host: &str) {
        if let Some(queue) = self.hosts.get_mut(host) {
            queue.running = queue.running.saturating_sub(1);
            if queue.running == 0 && queue.waiting.is_empty() && !queue.is_in_order {
                self.hosts.remove(host);
            }
        }
        self.list(host);
    }

    fn list(&mut self, host: &str) {
        if let Some(queue) = self.hosts.get_mut(host)
            && !queue.is_in_order
            && !queue.waiting.is_empty()
            && queue.running < self.per_host
        {
            queue.is_in_order = true;
            self.order.push_back(host.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pop(queue: &mut Queue) -> Option<u64> {
        queue.pop().map(|(id, _)| id)
    }

    #[test]
    fn hosts_take_turns_and_none_takes_all_places() {
        let mut queue = Queue::new(4, 2);
        (0..5).for_each(|id| queue.push("many", id));
        queue.push("one", 9);
        let mut taken: Vec<u64> = std::iter::from_fn(|| pop(&mut queue)).collect();
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 9], "two of the host with many");
        queue.release();
        queue.leave("many");
        assert_eq!(pop(&mut queue), Some(2));
        queue.push("other", 10);
        queue.push("third", 11);
        assert_eq!((pop(&mut queue), pop(&mut queue)), (Some(10), None), "four at one time");
        // A slow one gives its place to another, but its host gets no further one.
        queue.release();
        assert_eq!((pop(&mut queue), pop(&mut queue)), (Some(11), None));
    }
}
