//! Limits the work of one reading: walks over pages and scans of text count steps, and once a document has used up the
//! steps that its size allows, every walk ends. The result is then discarded and a fault reported.
//!
//! A reading stays on one thread from start to end, so that the counter is a thread-local and need not be passed
//! around.

use std::cell::Cell;

/// Steps that every document may take.
const FREE: u64 = 2_000_000;
/// Steps for each byte. Of a thousand real pages none took more than six (measured 2026-11).
const PER_BYTE: u64 = 16;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// Counts steps; `false` if none are left.
pub(super) fn charge(steps: usize) -> bool {
    let steps = u64::try_from(steps).unwrap_or(u64::MAX);
    LEFT.with(|left| {
        let now = left.get().saturating_sub(steps);
        left.set(now);
        now > 0
    })
}

/// The step budget of one reading. Counting stops when it is dropped.
#[derive(Debug)]
pub(super) struct Budget {
    most: u64,
}

impl Budget {
    /// Starts counting for a document of this many bytes.
    pub(super) fn begin(bytes: usize) -> Self {
        let most = FREE + PER_BYTE.saturating_mul(u64::try_from(bytes).unwrap_or(u64::MAX));
        LEFT.with(|left| left.set(most));
        Self { most }
    }

    /// Returns the steps used so far.
    pub(super) fn used(&self) -> u64 {
        LEFT.with(|left| self.most - left.get().min(self.most))
    }

    /// Returns whether no steps are left.
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
