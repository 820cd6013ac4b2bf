//! How many connections there may be, by the number of files that the system lets us open.

use crate::serve::Limits;

/// Raises the limit of open files as far as the system allows, and returns it.
fn open_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::warn!(
            event = "few_files",
            error = &error as &dyn std::error::Error,
            "the limit of open files cannot be raised"
        );
    }
    getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}

/// Returns the limits of the public listener, which leave enough open files for polling, the log and the store.
pub(super) fn limits(polls: usize) -> Limits {
    let most = open_files().saturating_sub(128 + 6 * polls).max(32);
    let limits = Limits::default();
    if most < limits.connections {
        tracing::warn!(
            event = "few_files",
            connections = most,
            "few files may be open; raise LimitNOFILE for more connections"
        );
    }
    Limits { connections: limits.connections.min(most), ..limits }
}
