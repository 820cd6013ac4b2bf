//! What is remembered of a source between two polls.

use std::time::Duration;

use super::{Draft, Format, ItemId, Link, Moment, Reason, Validators};

/// State of a source, as shown to the admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Health {
    /// Not polled yet.
    #[default]
    New,
    /// The last poll succeeded.
    Ok,
    /// Polls fail or return something doubtful; the last good items stay.
    Degraded,
    /// The site refuses our requests.
    Blocked,
    /// The site says that it is permanently gone (410).
    Gone,
    /// An admin paused it.
    Paused,
    /// Polls succeed, but nothing new has come for much longer than usual.
    Stale,
}

impl Health {
    /// Returns the word used by `status` and in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Blocked => "blocked",
            Self::Gone => "gone",
            Self::Paused => "paused",
            Self::Stale => "stale",
        }
    }

    /// Returns whether a source needs the attention of the admin. One or two failed polls do not.
    pub const fn is_ill(self, failures: u32) -> bool {
        match self {
            Self::Degraded => failures >= 3,
            Self::Blocked | Self::Gone | Self::Stale => true,
            Self::New | Self::Ok | Self::Paused => false,
        }
    }

    /// All states, in the order of their numbers in the store.
    pub const ALL: [Self; 7] =
        [Self::New, Self::Ok, Self::Degraded, Self::Blocked, Self::Gone, Self::Paused, Self::Stale];
}

/// Result of a poll, as far as it affects the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Items were read.
    Read {
        /// Number of new or changed items.
        new: usize,
        /// Minimum wait that the source asks for (max-age, ttl, sy), counted from now.
        wait: Duration,
    },
    /// The answer was 304 (Not Modified).
    Unchanged {
        /// As in [`Outcome::Read`].
        wait: Duration,
    },
    /// There was no answer, or nothing in it could be read.
    Failed {
        /// Whether the site refuses our requests.
        blocked: bool,
        /// Why.
        reason: Reason,
    },
    /// The answer was 429 or 503, or had a Retry-After header.
    Busy {
        /// Wait that the site asks for; `None` if it gives none.
        wait: Option<Duration>,
        /// Why.
        reason: Reason,
    },
    /// Nothing answered, and neither did most other sites at that time: our own network is down, so this is not counted
    /// as a failure of the source.
    Offline,
    /// Our own limits let nothing more be received at that time, so this is not counted as a failure of the source.
    Crowded,
    /// The result could not be saved. That is our own fault, so it is not counted as a failure of the source.
    Unsaved,
    /// The source is considered gone: 410 for several days.
    Gone,
}

/// An article to be fetched again: corrections come within days, and retracted articles disappear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revisit {
    /// The item.
    pub item: ItemId,
    /// What the list said about it: guid, link, title and date.
    pub listed: Draft,
    /// Time at which to fetch it.
    pub due: Moment,
    /// Number of rereadings scheduled after a successful one; selects the next interval.
    pub step: u8,
    /// How many times in a row it was missing (404 or 410).
    pub misses: u8,
    /// Time since which it has been missing.
    pub missed: Option<Moment>,
    /// Whether its absence has been written to the log.
    pub is_gone: bool,
}

impl Revisit {
    /// Returns whether its text has been read and nothing is missing: a further reading only looks for corrections.
    pub const fn is_well(&self) -> bool {
        self.step > 0 && self.missed.is_none()
    }
}

/// What a source's document looked like, and where its list is. If the address of the source changes, all of it is
/// discarded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Address of the source from which this was learned.
    pub page: Option<Link>,
    /// Time of the last request to that address, which may only lead to the items.
    pub page_asked: Option<Moment>,
    /// Address of the actual list, if the source's address only leads to it.
    pub follow: Option<Link>,
    /// Format of the last document.
    pub format: Format,
    /// Usual number of rows.
    pub usual: u32,
    /// How many documents in a row were not trusted because most rows were missing.
    pub drifts: u32,
    /// Hashes of the entries last listed (guid, link and content), and of the rules by which they were read, sorted.
    pub hashes: Vec<u64>,
    /// Minimum time between two polls that the document last asked for (`ttl`, `sy:updatePeriod`).
    pub wait: Duration,
    /// Hours (UTC) in which not to poll, as a bit mask; the lowest bit is midnight.
    pub skip_hours: u32,
    /// Weekdays (UTC) on which not to poll, as a bit mask; the lowest bit is Monday.
    pub skip_days: u32,
}

/// State of a source between two polls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PollState {
    /// Address that gave the validators.
    pub url: Option<Link>,
    /// What makes the next request conditional.
    pub validators: Validators,
    /// Time at which the next poll is due.
    pub due: Moment,
    /// Time for which the last poll was planned, saved up to 30 s before its first request.
    pub asked: Option<Moment>,
    /// Time of the last answer that could be read or was a 304.
    pub succeeded: Option<Moment>,
    /// Time of the last new or changed item.
    pub last_new: Option<Moment>,
    /// Earliest time of the next poll, because of Retry-After.
    pub not_before: Moment,
    /// Current polling interval, in whole seconds.
    pub interval: Duration,
    /// Number of consecutive failures.
    pub failures: u32,
    /// Current health.
    pub health: Health,
    /// Why it is not well; `None` if it is well.
    pub reason: Option<Reason>,
    /// Address to which it has moved, and the time since which the server has said so.
    pub moved: Option<(Link, Moment)>,
    /// Number of polls so far.
    pub polls: u64,
    /// Usual time between two polls that return something new, in whole seconds; `None` if unknown.
    pub rhythm: Option<Duration>,
    /// Time since which it has had its current health.
    pub since: Option<Moment>,
    /// What the admin should know although polls succeed.
    pub doubts: Vec<Reason>,
    /// Since when its own address has answered 410, and how many times in a row.
    pub gone: Option<(Moment, u32)>,
    /// Hosts that asked not to be contacted until the given time.
    pub busy_hosts: Vec<(String, Moment)>,
    /// What its document looked like.
    pub listing: Listing,
}

impl PollState {
    /// Returns whether the source has never been read successfully.
    pub const fn is_first(&self) -> bool {
        self.succeeded.is_none()
    }

    /// Moves what lies in the future, because our clock was ahead, to now.
    pub fn forget_future(&mut self, now: Moment) {
        for at in [&mut self.succeeded, &mut self.last_new, &mut self.since] {
            *at = at.map(|at| at.min(now));
        }
        if let Some((_, since)) = &mut self.moved {
            *since = (*since).min(now);
        }
        if let Some((since, _)) = &mut self.gone {
            *since = (*since).min(now);
        }
    }
}

/// The robots.txt of a site (RFC 9309).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Robots {
    /// Text of the robots.txt, empty if the site has none; `None` if it was unavailable.
    pub text: Option<Vec<u8>>,
    /// Time until which it is valid.
    pub until: Moment,
}
