use super::{Draft, ItemId, Link, Moment, Validators, one_line};

/// How a source fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Health {
    /// Not polled yet.
    #[default]
    New,
    /// The last poll went well.
    Ok,
    /// Polls fail or bring something doubtful; the last good items stay.
    Degraded,
    /// The site refuses us.
    Blocked,
    /// The site says that it is gone for good (410).
    Gone,
    /// An admin paused it.
    Paused,
    /// It answers well, but has been silent for much longer than it used to be.
    Stale,
}

impl Health {
    /// The word of `status` and metrics.
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

    /// Every state, in the order of their numbers in the store.
    pub const ALL: [Self; 7] =
        [Self::New, Self::Ok, Self::Degraded, Self::Blocked, Self::Gone, Self::Paused, Self::Stale];
}

/// What came of one poll, as far as the next one depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Items were read; so many of them were new.
    Read {
        /// How many were new or changed.
        new: usize,
        /// The least seconds that the source asks to wait (max-age, ttl, sy), already counted from now.
        wait: u64,
    },
    /// 304, or the same bytes.
    Unchanged {
        /// As in [`Outcome::Read`].
        wait: u64,
    },
    /// An answer that brought nothing to read, or none at all.
    Failed {
        /// Is it a refusal by the site?
        blocked: bool,
        /// The sentence for the admin.
        reason: String,
    },
    /// 429, 503 or any answer with Retry-After: not before so many seconds have passed.
    Busy {
        /// The seconds that the site asks for; `None` where it names none.
        wait: Option<u64>,
        /// The sentence for the admin.
        reason: String,
    },
    /// Nothing answered, as with most others at the same time: it is our own network, and counts against nobody.
    Offline,
    /// What it brought could not be saved: that is our affair, and counts against nobody.
    Unsaved,
    /// 410.
    Gone,
}

impl Outcome {
    /// The same with its reason in one short line, whatever a site put into it.
    #[must_use]
    pub fn cleaned(self) -> Self {
        match self {
            Self::Failed { blocked, reason } => Self::Failed { blocked, reason: one_line(&reason) },
            Self::Busy { wait, reason } => Self::Busy { wait, reason: one_line(&reason) },
            other => other,
        }
    }
}

/// An article that is read again: corrections come within days, and what is taken back is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revisit {
    /// The item.
    pub item: ItemId,
    /// What the list said of it: guid, link, title and date.
    pub listed: Draft,
    /// When to read it.
    pub due: Moment,
    /// How often it was read again.
    pub step: u8,
    /// How often in a row it was not there (404 or 410).
    pub misses: u8,
    /// Since when it was not there.
    pub missed: Option<Moment>,
    /// Was that written into the log?
    pub is_gone: bool,
}

/// What we remember of a source's list beside its visits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The address of the source that all this was learned from; of another one nothing of it holds.
    pub page: Option<Link>,
    /// What kind of document it was.
    pub format: String,
    /// How many rows it usually has.
    pub usual: u32,
    /// Where the items are, where the source's address only leads there.
    pub follow: Option<Link>,
    /// Articles to be read again.
    pub revisits: Vec<Revisit>,
    /// The least seconds between two polls that the document last asked for (`ttl`, `sy:updatePeriod`).
    pub wait: u64,
    /// The hours of the day in UTC in which not to poll, as bits from the lowest for midnight.
    pub skip_hours: u32,
    /// The days of the week in UTC in which not to poll, as bits from the lowest for Monday.
    pub skip_days: u32,
    /// When the source's own address was asked last, where its items are at another one.
    pub page_asked: Option<Moment>,
    /// The hosts of others that its articles led to and that want to be left alone, each until then.
    pub busy_hosts: Vec<(String, Moment)>,
}

/// What we remember of a source between two polls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// The address that gave the validators.
    pub url: Option<Link>,
    /// What makes the next request conditional.
    pub validators: Validators,
    /// When the next poll is due.
    pub due: Moment,
    /// When the last request went out.
    pub asked: Option<Moment>,
    /// When the last answer came that could be read or was a 304.
    pub succeeded: Option<Moment>,
    /// When the last new item came.
    pub last_new: Option<Moment>,
    /// Not before this, by Retry-After.
    pub not_before: Moment,
    /// The current interval in seconds.
    pub interval: u32,
    /// Failures in a row.
    pub failures: u32,
    /// How it fares.
    pub health: Health,
    /// Why it is not well, in a sentence; empty where it is.
    pub reason: String,
    /// Where it moved to, and since when that answer has been the same.
    pub moved: Option<(Link, Moment)>,
    /// Hashes of what the source listed last, key and content, sorted.
    pub listed: Vec<u64>,
    /// Polls since the beginning.
    pub polls: u64,
    /// The usual seconds between two polls that bring something new; 0 while that is not known.
    pub rhythm: u32,
    /// Since when it fares as it does.
    pub since: Option<Moment>,
    /// What an admin should know although it is well, in a sentence; empty where there is nothing.
    pub doubt: String,
    /// Since when its own address has said that it is gone (410), and how often in a row.
    pub gone: Option<(Moment, u32)>,
}

impl Visit {
    /// Has it ever been read?
    pub const fn is_first(&self) -> bool {
        self.succeeded.is_none()
    }
}

/// What a site says to programs (robots.txt, RFC 9309).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Robots {
    /// Its robots.txt, empty where it has none; `None` where it could not be had.
    pub text: Option<Vec<u8>>,
    /// Until when it holds.
    pub until: Moment,
}
