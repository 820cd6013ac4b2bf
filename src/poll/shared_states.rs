//! Poll states on their way between the machines that share a log, so that the one that polls next knows what the one before
//! it knew: validators, due times, what hosts asked for.

use crate::cluster::{EngineError, Node};
use crate::view::{PollStates, ViewError};

/// Why poll states did not get to the other machines, or from them.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The shared log did not take or give them.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The own store cannot be read or written.
    #[error(transparent)]
    Store(#[from] ViewError),
}

/// Saves what changed of the poll states in the shared log. It blocks.
///
/// # Errors
/// If they cannot be read or saved; the next call tries again.
pub fn share(poll_states: &PollStates, node: &Node) -> Result<(), ShareError> {
    let _one_at_a_time = node.saving();
    let changes = poll_states.changes()?;
    node.put_poll_states(&changes).inspect_err(|_| poll_states.keep_changes(&changes)).map_err(ShareError::from)
}

/// Takes over the poll states that were saved after this version, and returns the version of the newest. It blocks. A machine
/// that polls must not do so: it knows better.
///
/// # Errors
/// If they cannot be had or saved.
pub fn take_over(poll_states: &PollStates, node: &Node, mut after: u64) -> Result<u64, ShareError> {
    let mut is_changed = false;
    loop {
        let (pairs, newest) = node.engine.poll_states(after)?;
        after = newest;
        if pairs.is_empty() {
            break;
        }
        is_changed = true;
        poll_states.take_in(pairs)?;
    }
    if is_changed {
        poll_states.flush()?;
    }
    Ok(after)
}
