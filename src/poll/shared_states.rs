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
    let changes = poll_states.changes()?;
    node.put_poll_states(&changes).inspect_err(|_| poll_states.keep_changes(&changes)).map_err(ShareError::from)
}

/// Takes over the poll states of the machine that polled before. It blocks.
///
/// # Errors
/// If they cannot be had or saved.
pub fn take_over(poll_states: &PollStates, node: &Node) -> Result<(), ShareError> {
    let mut after = Vec::new();
    loop {
        let pairs = node.engine.poll_states(&after)?;
        let Some((last, _)) = pairs.last() else { break };
        after.clone_from(last);
        poll_states.take_in(pairs)?;
    }
    poll_states.flush()?;
    Ok(())
}
