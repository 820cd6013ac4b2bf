//! What changed of the poll states, for machines that share them.

use std::sync::{Mutex, PoisonError};

use super::error::ViewError;
use super::poll_states::{PollStates, StoredPair};

impl PollStates {
    /// Notes from now on what changes, for [`changes`](Self::changes).
    pub fn tracked(self) -> Self {
        Self { changed: Some(Mutex::default()), ..self }
    }

    /// Returns the keys and values that changed since the last call, as the store has them. Removed ones are left out.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read; the changes are kept.
    pub fn changes(&self) -> Result<Vec<StoredPair>, ViewError> {
        let Some(changed) = &self.changed else { return Ok(Vec::new()) };
        let keys = std::mem::take(&mut *changed.lock().unwrap_or_else(PoisonError::into_inner));
        let pairs: Result<Vec<_>, ViewError> = keys
            .iter()
            .map(|key| Ok(self.engine.get(key)?.map(|value| (key.clone(), value.to_vec()))))
            .filter_map(Result::transpose)
            .collect();
        pairs.inspect_err(|_| changed.lock().unwrap_or_else(PoisonError::into_inner).extend(keys))
    }

    /// Gives back changes that could not be passed on, so that the next call of [`changes`](Self::changes) has them.
    pub fn keep_changes(&self, pairs: &[StoredPair]) {
        if let Some(changed) = &self.changed {
            let keys = pairs.iter().map(|(key, _)| key.clone());
            changed.lock().unwrap_or_else(PoisonError::into_inner).extend(keys);
        }
    }

    /// Takes in what another machine knows.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn take_in(&self, pairs: Vec<StoredPair>) -> Result<(), ViewError> {
        self.engine.write(pairs.into_iter().map(|(key, value)| (key, Some(value))).collect())
    }
}
