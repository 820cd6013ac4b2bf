//! What every engine does, and how it fails.

use std::fmt::Debug;
use std::time::Duration;

use crate::log::{Line, LogError};

/// A key of the poll states, and its value; none if it was removed.
pub type Pair = (Vec<u8>, Option<Vec<u8>>);

/// Who has the right to poll, as the engine holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseRow {
    /// The node that has it; empty if it was given back.
    pub holder: String,
    /// Rises whenever the holder changes. Appends of polls name it, so a displaced node cannot append any.
    pub token: u64,
    /// Rises whenever the holder renews it.
    pub beat: u64,
}

/// A log that others keep right: it holds the lines of all nodes in one order. Its calls block.
pub trait Engine: Send + Sync + Debug {
    /// Appends lines in one transaction, and returns once they are durable. The first must follow the newest one there.
    /// With a token they are only appended while that token is the lease's.
    ///
    /// # Errors
    /// [`EngineError::Behind`] if other lines came before, [`EngineError::Displaced`] if the token is not the lease's any more.
    /// After [`EngineError::Away`] it is unknown whether they were appended.
    fn append(&self, lines: &[Line], token: Option<u64>) -> Result<(), EngineError>;

    /// Returns lines with numbers above `after` in order: at least one if there is any, and no more once they have `most`
    /// bytes.
    ///
    /// # Errors
    /// If the engine is away.
    fn lines(&self, after: u64, most: usize) -> Result<Vec<Line>, EngineError>;

    /// Returns the number of the newest line (0 if there is none) and the day of its segment.
    ///
    /// # Errors
    /// If the engine is away.
    fn newest(&self) -> Result<(u64, u32), EngineError>;

    /// Waits until something was appended, for at most this time. It may return early.
    ///
    /// # Errors
    /// If the engine is away.
    fn wait(&self, most: Duration) -> Result<(), EngineError>;

    /// Returns the lease; the default if nobody ever had it.
    ///
    /// # Errors
    /// If the engine is away.
    fn lease(&self) -> Result<LeaseRow, EngineError>;

    /// Replaces the lease if it is still `seen`, and returns whether it did.
    ///
    /// # Errors
    /// If the engine is away; it is then unknown whether it was replaced.
    fn replace_lease(&self, seen: &LeaseRow, new: &LeaseRow) -> Result<bool, EngineError>;

    /// Saves poll states while this token is the lease's.
    ///
    /// # Errors
    /// If the token is not the lease's any more, or the engine is away.
    fn put_poll_states(&self, token: u64, pairs: &[Pair]) -> Result<(), EngineError>;

    /// Returns the poll states that were saved after this version, in the order of their saving, and up to which version that is;
    /// none if there are no more.
    ///
    /// # Errors
    /// If the engine is away.
    fn poll_states(&self, after: u64) -> Result<(Vec<Pair>, u64), EngineError>;

    /// Drops the lines before the line `first` but those with the numbers `kept`, which become lines of the segment `day`, while
    /// this token is the lease's. Returns how many were dropped.
    ///
    /// # Errors
    /// If the token is not the lease's any more, or the engine is away.
    fn drop_before(&self, first: u64, kept: &[u64], day: u32, token: u64) -> Result<u64, EngineError>;
}

/// Why the engine did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It cannot be reached, or did not answer in time.
    #[error("the shared log cannot be reached: {0}")]
    Away(String),
    /// It answered, but does not do it.
    #[error("the shared log refuses: {0}")]
    Refused(String),
    /// Another node appended first.
    #[error("the shared log has records that this node has not taken in yet")]
    Behind,
    /// Another node polls now.
    #[error("another node polls now")]
    Displaced,
    /// This node's log is not the beginning of the shared one.
    #[error("{0}")]
    Foreign(String),
    /// This node's own log cannot take the lines in.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The config asks for what this build lacks.
    #[error("this dayuan was built without {0}; install a package of the project, or build it with --features {1}")]
    NotBuilt(&'static str, &'static str),
    /// The settings of the connection cannot be used.
    #[error("{0}")]
    Settings(String),
}
