//! What changed of the poll states, for machines that share them.

use std::sync::{Mutex, PoisonError};

use super::error::ViewError;
use super::poll_states::{PollStates, StoredPair};

impl PollStates {
    /// Notes from now on what changes, for [`changes`](Self::changes).
    pub fn tracked(self) -> Self {
        Self { changed: Some(Mutex::default()), ..self }
    }

    /// Returns the keys and values that changed since the last call, as the store has them; removed ones have no value.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read; the changes are kept.
    pub fn changes(&self) -> Result<Vec<StoredPair>, ViewError> {
        let Some(changed) = &self.changed else { return Ok(Vec::new()) };
        let keys = std::mem::take(&mut *changed.lock().unwrap_or_else(PoisonError::into_inner));
        let pairs: Result<Vec<_>, ViewError> =
            keys.iter().map(|key| Ok((key.clone(), self.engine.get(key)?.map(|value| value.to_vec())))).collect();
        pairs.inspect_err(|_| changed.lock().unwrap_or_else(PoisonError::into_inner).extend(keys))
    }

    /// Gives back changes that could not be passed on, so that the next call of [`changes`](Self::changes) has them.
    pub fn keep_changes(&self, pairs: &[StoredPair]) {
        if let Some(changed) = &self.changed {
            let keys = pairs.iter().map(|(key, _)| key.clone());
            changed.lock().unwrap_or_else(PoisonError::into_inner).extend(keys);
        }
    }

    /// Forgets what changed: another machine polls now and knows better.
    pub fn forget_changes(&self) {
        if let Some(changed) = &self.changed {
            changed.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// Takes in what other machines know, but for what changed here and was not passed on yet: that is newer.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn take_in(&self, mut pairs: Vec<StoredPair>) -> Result<(), ViewError> {
        if let Some(changed) = &self.changed {
            let changed = changed.lock().unwrap_or_else(PoisonError::into_inner);
            pairs.retain(|(key, _)| !changed.contains(key));
        }
        self.engine.write(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PollState, SourceId};

    /// A machine that polls again must not put what it knew in its former term over what was found since.
    #[test]
    fn what_changed_in_a_former_term_is_not_passed_on() {
        let folder = tempfile::tempdir().unwrap();
        let states = PollStates::open(&folder.path().join("visits")).unwrap().0.tracked();
        let (old, new) = (SourceId::new("old").unwrap(), SourceId::new("new").unwrap());
        states.put(&old, &PollState::default()).unwrap();
        let kept = states.changes().unwrap();
        states.keep_changes(&kept);
        states.forget_changes();
        states.put(&new, &PollState::default()).unwrap();
        let keys: Vec<Vec<u8>> = states.changes().unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [b"new".to_vec()]);
        assert!(states.changes().unwrap().is_empty(), "each change is passed on once");
    }

    /// What a site answered while the shared log was away must not give way to what was known before.
    #[test]
    fn what_was_not_passed_on_yet_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let states = PollStates::open(&folder.path().join("visits")).unwrap().0.tracked();
        let source = SourceId::new("s").unwrap();
        states.put(&source, &PollState::default()).unwrap();
        let shared = states.changes().unwrap();
        states.put(&source, &PollState { failures: 7, ..PollState::default() }).unwrap();
        states.take_in(shared.clone()).unwrap();
        assert_eq!(states.get(&source).unwrap().unwrap().failures, 7);
        states.forget_changes();
        states.take_in(shared).unwrap();
        assert_eq!(states.get(&source).unwrap().unwrap().failures, 0);
    }
}
