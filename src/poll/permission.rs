//! Whether a page may be requested, by its site's robots.txt; how often, then; and where that is kept.

use std::time::Duration;

use super::context::{PollContext, wait};
use super::outcome;
use crate::fetch::{FetchError, Permission, Request, RobotsStore};
use crate::model::{Link, Outcome, Reason, Robots, Trouble};
use crate::view::PollStates;

/// Why a page may not be requested.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The site forbids it.
    #[error("robots.txt of {0} disallows this page")]
    Forbidden(String),
    /// The site cannot be asked.
    #[error("cannot fetch robots.txt of {0}; its pages are not polled until that works")]
    Unknown(String),
    /// Nothing answers.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl Refusal {
    /// Returns what it means for a poll.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Fetch(error) => outcome::failed(error),
            Self::Forbidden(_) => Outcome::Failed { blocked: true, reason: self.reason() },
            Self::Unknown(_) => Outcome::Failed { blocked: false, reason: self.reason() },
        }
    }

    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Forbidden(host) => Reason::new(Trouble::RobotsForbid, [host]),
            Self::Unknown(host) => Reason::new(Trouble::RobotsUnknown, [host]),
            Self::Fetch(error) => outcome::reason(error),
        }
    }
}

/// Asks whether a page may be requested, and pauses if its site was asked for its robots.txt. Raises `gap` to the interval
/// that the site wants between two requests.
///
/// # Errors
/// Returns an error if the page may not be requested.
pub(super) async fn permit(context: &PollContext, request: &Request<'_>, gap: &mut Duration) -> Result<(), Refusal> {
    let host = || request.link.host_text().to_owned();
    match context.fetcher.permission(request, (context.clock)()).await? {
        Permission::Allowed { delay, was_asked } => {
            *gap = delay.max(*gap);
            if was_asked {
                wait(context, *gap).await;
            }
            Ok(())
        }
        Permission::Forbidden => Err(Refusal::Forbidden(host())),
        Permission::Unknown => Err(Refusal::Unknown(host())),
    }
}

impl RobotsStore for PollStates {
    fn robots(&self, site: &Link) -> Option<Robots> {
        // A robots.txt that cannot be read is fetched again.
        Self::robots(self, site).unwrap_or_default()
    }

    fn keep(&self, site: &Link, robots: &Robots) {
        if let Err(error) = self.put_robots(site, robots) {
            tracing::error!(
                event = "robots_unsaved",
                error = &error as &dyn std::error::Error,
                "a robots.txt cannot be saved"
            );
        }
    }
}
