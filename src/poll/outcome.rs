//! Outcomes of polls, worded for an admin.

use std::time::Duration;

use super::commit::CommitError;
use crate::fetch::{Answer, FetchError};
use crate::model::{Outcome, Source};

/// What an answer says of what the source holds.
pub(super) enum Accepted {
    /// It holds what it held, and is not to be asked for this long.
    Unchanged(Duration),
    /// It holds this.
    Document(Box<Answer>),
}

/// Returns how long an answer asks us to wait at least, whatever its status.
pub(super) fn least_wait(answer: &Answer) -> Duration {
    answer.fresh.max(answer.retry_after.unwrap_or_default())
}

pub(super) fn refused(status: u16, answer: &Answer) -> Outcome {
    let reason = match status {
        401 => "the site wants a password (401)".to_owned(),
        403 => "the site refuses us (403)".to_owned(),
        404 => "there is nothing at this address (404)".to_owned(),
        412 | 521 => format!("the site blocks automated clients ({status})"),
        429 => "the site asks us to come less often (429)".to_owned(),
        503 => "the site is overloaded or being repaired (503)".to_owned(),
        500..=599 => format!("the site reports a server error ({status})"),
        other => format!("the site answered {other} instead of a document"),
    };
    if matches!(status, 429 | 503) || answer.retry_after.is_some() {
        Outcome::Busy { wait: answer.retry_after, reason }
    } else {
        Outcome::Failed { blocked: matches!(status, 401 | 403 | 412 | 521), reason }
    }
}

pub(super) fn unsaved(source: &Source, error: &CommitError) -> Outcome {
    tracing::error!(event = "items_unsaved", source = %source.id, error = error as &dyn std::error::Error, "cannot save the source's items; it will be polled again");
    Outcome::Unsaved
}

pub(super) fn failed(error: &FetchError) -> Outcome {
    Outcome::Failed { blocked: false, reason: error.to_string() }
}

pub(super) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Read { .. } => "read",
        Outcome::Unchanged { .. } => "unchanged",
        Outcome::Failed { blocked: false, .. } => "failed",
        Outcome::Failed { blocked: true, .. } => "blocked",
        Outcome::Busy { .. } => "busy",
        Outcome::Offline => "offline",
        Outcome::Unsaved => "unsaved",
        Outcome::Gone => "gone",
    }
}

pub(super) fn log(source: &Source, outcome: &Outcome) {
    match outcome {
        Outcome::Read { new, .. } => tracing::debug!(source = %source.id, new, "read"),
        Outcome::Unchanged { .. } => tracing::debug!(source = %source.id, "unchanged"),
        Outcome::Failed { reason, .. } | Outcome::Busy { reason, .. } => {
            tracing::warn!(event = "poll_failed", source = %source.id, reason, "poll failed")
        }
        Outcome::Offline => tracing::debug!(source = %source.id, "nothing answers"),
        // Already logged where it happened.
        Outcome::Unsaved => {}
        Outcome::Gone => tracing::warn!(event = "source_gone", source = %source.id, "gone for good (410)"),
    }
}
