//! Remembers the topics of reports.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::log::Position;

/// How many reports are remembered at least with their topics; at most twice as many are.
const REMEMBERED: usize = 1 << 16;

/// The topics of reports as they follow from one config, so that those of old stories are not read from the log for each
/// page anew. The numbers are places in the order of the topics.
#[derive(Debug, Default)]
pub(super) struct KnownTopics(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    newer: HashMap<Position, Box<[u16]>>,
    /// Those that are forgotten next, unless somebody asks for them.
    older: HashMap<Position, Box<[u16]>>,
}

impl KnownTopics {
    pub(super) fn get(&self, of: Position) -> Option<Box<[u16]>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topics) = known.newer.get(&of) {
            return Some(topics.clone());
        }
        let topics = known.older.remove(&of)?;
        known.insert(of, topics.clone());
        Some(topics)
    }

    pub(super) fn insert(&self, of: Position, topics: Box<[u16]>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(of, topics);
    }
}

impl Known {
    fn insert(&mut self, of: Position, topics: Box<[u16]>) {
        if self.newer.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(of, topics);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asks_for_is_forgotten() {
        let known = KnownTopics::default();
        let at = |offset| Position { day: 1, length: 1, offset };
        known.insert(at(0), Box::new([7]));
        for offset in 1..REMEMBERED * 4 {
            known.insert(at(offset as u64), Box::default());
            if offset % 1000 == 0 {
                assert_eq!(known.get(at(0)).as_deref(), Some(&[7][..]), "whoever is asked for stays");
            }
        }
        assert_eq!(known.get(at(1)), None);
        let inner = known.0.lock().unwrap();
        assert!(inner.newer.len() + inner.older.len() <= 2 * REMEMBERED);
    }
}
