//! Outcomes of polls, and why they are what they are.

use std::time::Duration;

use super::commit::CommitError;
use crate::fetch::{Answer, FetchError};
use crate::model::{Link, Outcome, Reason, Source, Trouble};
use crate::write::{self, Language};

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
    let trouble = match status {
        401 => Trouble::Password,
        403 => Trouble::Refused,
        404 => Trouble::NothingThere,
        412 | 521 => Trouble::BlocksPrograms,
        429 => Trouble::TooOften,
        503 => Trouble::Overloaded,
        500..=599 => Trouble::ServerError,
        _ => Trouble::Answered,
    };
    let reason = Reason::new(trouble, [&status]);
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
    match error {
        FetchError::Crowded => Outcome::Crowded,
        // The site was not asked.
        FetchError::Elsewhere => Outcome::Unsaved,
        error => Outcome::Failed { blocked: false, reason: reason(error) },
    }
}

/// Says of which further page an outcome tells.
pub(super) fn at(link: &Link, outcome: Outcome) -> Outcome {
    let leads_to = |cause: Reason| Reason::new(Trouble::LeadsTo, [link]).because(cause);
    match outcome {
        Outcome::Failed { blocked, reason } => Outcome::Failed { blocked, reason: leads_to(reason) },
        Outcome::Busy { wait, reason } => Outcome::Busy { wait, reason: leads_to(reason) },
        other => other,
    }
}

/// Returns why a request had no answer.
pub(super) fn reason(error: &FetchError) -> Reason {
    match error {
        FetchError::Blocked(why) | FetchError::Spent(why) => Reason::new(Trouble::NotAllowed, [why]),
        FetchError::Secret(why) => Reason::new(Trouble::NoSecret, [why]),
        FetchError::Name(name) => Reason::new(Trouble::NoName, [name]),
        FetchError::Connect { host, detail } => Reason::new(Trouble::NoConnection, [host, detail]),
        FetchError::Tls { host, detail } => Reason::new(Trouble::NoEncryption, [host, detail]),
        FetchError::Proxy { proxy, detail } => Reason::new(Trouble::NoProxy, [proxy, detail]),
        FetchError::BeyondProxy { proxy, host } => Reason::new(Trouble::BeyondProxy, [proxy, host]),
        FetchError::Client(why) => Reason::told(why),
        FetchError::Timeout(limit) => Reason::new(Trouble::TooSlow, [&limit.as_secs()]),
        FetchError::Elsewhere => Reason::new(Trouble::OtherNode, []),
        FetchError::Crowded => Reason::new(Trouble::Crowded, []),
        FetchError::TooLarge(bytes) => Reason::new(Trouble::TooLarge, [&(bytes / 1024)]),
        FetchError::Redirects(most) => Reason::new(Trouble::Redirects, [most]),
        FetchError::Protocol { host, detail } => Reason::new(Trouble::Garbled, [host, detail]),
    }
}

pub(super) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Read { .. } => "read",
        Outcome::Unchanged { .. } => "unchanged",
        Outcome::Failed { blocked: false, .. } => "failed",
        Outcome::Failed { blocked: true, .. } => "blocked",
        Outcome::Busy { .. } => "busy",
        Outcome::Offline => "offline",
        Outcome::Crowded => "crowded",
        Outcome::Unsaved => "unsaved",
        Outcome::Gone => "gone",
    }
}

pub(super) fn log(source: &Source, outcome: &Outcome) {
    match outcome {
        Outcome::Read { new, .. } => tracing::debug!(source = %source.id, new, "read"),
        Outcome::Unchanged { .. } => tracing::debug!(source = %source.id, "unchanged"),
        Outcome::Failed { reason, .. } | Outcome::Busy { reason, .. } => {
            let reason = write::reason(reason, Language::English);
            tracing::warn!(event = "poll_failed", source = %source.id, reason, "poll failed");
        }
        Outcome::Offline => tracing::debug!(source = %source.id, "nothing answers"),
        Outcome::Crowded => {
            tracing::debug!(source = %source.id, "too many large answers came at one time; it is tried again")
        }
        // Already logged where it happened.
        Outcome::Unsaved => {}
        Outcome::Gone => tracing::warn!(event = "source_gone", source = %source.id, "gone for good (410)"),
    }
}
