//! What is remembered of the entries of a listing: each is one hash, which says what became of the entry, too.

use std::collections::HashSet;

use xxhash_rust::xxh3::Xxh3;

use crate::dedup::Fingerprint;
use crate::model::Draft;

/// An entry of a listing, as a hash of everything that the listing says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(u64);

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is in the log, or waits among the articles to read again.
    Done,
    /// The rules of this version left it out because of its page, which need not be read at every poll.
    LeftOut(u64),
    /// It ended a truncated document and may be incomplete: it counts once the next poll shows the same.
    Cut,
    /// It is nothing without its page, which could not be read.
    Unread,
}

impl Entry {
    pub(super) fn of(draft: &Draft) -> Self {
        let mut hasher = Xxh3::new();
        for part in [draft.guid.as_deref(), draft.link.as_deref()] {
            hasher.update(part.unwrap_or("").as_bytes());
            hasher.update(b"\0");
        }
        hasher.update(&Fingerprint::content_of(draft).to_le_bytes());
        Self(hasher.digest())
    }

    /// Returns where it stands in an order that differs from poll to poll.
    pub(super) const fn turn(self, polls: u64) -> u64 {
        self.0.wrapping_mul(polls | 1)
    }

    const fn marked(self, mark: Mark) -> u64 {
        match mark {
            Mark::Done => self.0,
            Mark::LeftOut(rules) => self.0 ^ rules,
            Mark::Cut => !self.0,
            Mark::Unread => self.0.rotate_left(17),
        }
    }
}

/// The marks of the listing before, and those of this one.
#[derive(Debug, Default)]
pub(super) struct Listed {
    before: HashSet<u64>,
    now: Vec<u64>,
}

impl Listed {
    pub(super) fn new(before: &[u64]) -> Self {
        Self { before: before.iter().copied().collect(), now: Vec::new() }
    }

    /// Returns whether the listing before left this mark.
    pub(super) fn had(&self, entry: Entry, mark: Mark) -> bool {
        self.before.contains(&entry.marked(mark))
    }

    pub(super) fn note(&mut self, entry: Entry, mark: Mark) {
        self.now.push(entry.marked(mark));
    }

    /// Returns the marks of this listing and of the rules by which it was read, sorted.
    pub(super) fn end(mut self, reading: u64) -> Vec<u64> {
        self.now.push(reading);
        self.now.sort_unstable();
        self.now.dedup();
        self.now
    }
}
