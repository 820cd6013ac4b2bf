//! How much one reading may do: steps are counted where pages are walked and texts looked through, and when a document has
//! used up what its size allows, every walk over it ends. Then the reading is worth nothing and is told as a fault.
//!
//! One reading is the affair of one thread from beginning to end, so that the count needs to be handed to nobody.

use std::cell::Cell;

/// The steps that every document has.
const FREE: u64 = 2_000_000;
/// The steps for each of its bytes. Of a thousand real pages none took more than six (measured 2026-11).
const PER_BYTE: u64 = 16;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// Counts steps; `false` when there are none left.
pub(super) fn charge(steps: usize) -> bool {
    let steps = u64::try_from(steps).unwrap_or(u64::MAX);
    LEFT.with(|left| {
        let now = left.get().saturating_sub(steps);
        left.set(now);
        now > 0
    })
}

/// The steps of one reading. Where it ends, nothing is counted any more.
#[derive(Debug)]
pub(super) struct Budget {
    most: u64,
}

impl Budget {
    /// Begins to count for a document of so many bytes.
    pub(super) fn begin(bytes: usize) -> Self {
        let most = FREE + PER_BYTE.saturating_mul(u64::try_from(bytes).unwrap_or(u64::MAX));
        LEFT.with(|left| left.set(most));
        Self { most }
    }

    /// The steps so far.
    pub(super) fn used(&self) -> u64 {
        LEFT.with(|left| self.most - left.get().min(self.most))
    }

    /// Are there none left?
    pub(super) fn is_spent(&self) -> bool {
        self.used() >= self.most
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        LEFT.with(|left| left.set(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_and_come_back() {
        let budget = Budget::begin(0);
        assert!(charge(1000) && budget.used() == 1000 && !budget.is_spent());
        assert!(!charge(usize::MAX) && budget.is_spent());
        drop(budget);
        assert!(charge(1 << 40));
    }
}
