//! The records of the log.

use crate::model::{Authority, ItemId, Link, Moment, Origin, RegionId, Report, Scope, SourceId, Takedown, Zone};

/// One event in the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A source was added, or its config changed.
    Source(SourceFacts),
    /// A source reported an item.
    Report(Box<Report>),
    /// A source was paused or resumed by an admin, or was found to be gone or back again.
    Control {
        /// The source.
        source: SourceId,
        /// The new state of the source.
        state: Control,
        /// When.
        at: Moment,
    },
    /// An item is withdrawn from everything published.
    Withdraw {
        /// The item.
        item: ItemId,
        /// The admin's reason, verbatim; never published.
        reason: String,
        /// What readers are told.
        public_reason: Option<String>,
        /// When.
        at: Moment,
    },
    /// A withdrawn item is published again.
    Restore {
        /// The item.
        item: ItemId,
        /// When.
        at: Moment,
    },
    /// What the scope covers is not published, now and later. The items that it covers already follow, in one record or
    /// several.
    Takedown {
        /// The decision.
        takedown: Takedown,
        /// Items that it covers.
        items: Vec<ItemId>,
        /// Whether all of those that came before the decision are named, here and in earlier records.
        is_whole: bool,
        /// When.
        at: Moment,
    },
    /// A takedown ends.
    Lift {
        /// Who decided on it.
        origin: Origin,
        /// What it covered.
        scope: Scope,
        /// When.
        at: Moment,
    },
    /// An item is gone at its source: its page repeatedly answered 404 or 410. Other reports of its story stay.
    Gone {
        /// The item.
        item: ItemId,
        /// When.
        at: Moment,
    },
    /// An item that was gone at its source is available again.
    Back {
        /// The item.
        item: ItemId,
        /// When.
        at: Moment,
    },
    /// The segments up to this day are dropped.
    Expire {
        /// The last day that is dropped, `YYYY-MM-DD`.
        day: String,
        /// Items that are dropped with their stories, although later segments mention them.
        items: Vec<ItemId>,
        /// When.
        at: Moment,
    },
}

impl Record {
    /// Returns whether only the node that polls may write it: what sources reported, and what follows from that. Anything
    /// else is the decision of an admin, who may take it anywhere.
    pub const fn is_of_polls(&self) -> bool {
        match self {
            Self::Source(_) | Self::Report(_) | Self::Gone { .. } | Self::Back { .. } | Self::Expire { .. } => true,
            Self::Control { state, .. } => matches!(state, Control::Gone),
            Self::Withdraw { .. } | Self::Restore { .. } | Self::Takedown { .. } | Self::Lift { .. } => false,
        }
    }
}

/// What the view needs to know about a source, as of the time its reports came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFacts {
    /// Id of the source.
    pub id: SourceId,
    /// Display name.
    pub title: String,
    /// Its address.
    pub link: String,
    /// Region of the source.
    pub region: RegionId,
    /// Who wins as the original of a story.
    pub authority: Authority,
    /// Time zone assumed for dates that name none.
    pub zone: Zone,
    /// Rights notice for items of the source.
    pub rights: Option<String>,
    /// Former ids of the source.
    pub was: Vec<SourceId>,
    /// Regions other than its own for which the admin lets it issue warnings; [`ALL`](Self::ALL) means all regions.
    pub alerts_for: Vec<RegionId>,
    /// Time from which these facts apply.
    pub at: Moment,
}

impl SourceFacts {
    /// Value in `alerts_for` that stands for all regions.
    pub const ALL: &str = "all";

    /// Returns the address of the source.
    pub fn address(&self) -> Option<Link> {
        Link::parse(&self.link).ok()
    }
}

/// Reason that older versions wrote for withdrawals made by the daemon itself rather than by an admin.
pub(super) const GONE_AT_THE_SOURCE: &str = "gone at the source (404 or 410 twice)";

/// States that a control record can set for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// It is not polled.
    Paused,
    /// It is polled again.
    Resumed,
    /// Its server says that it is permanently gone (410).
    Gone,
}

impl Control {
    /// Returns the word used in the log and by `status`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Gone => "gone",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Paused, Self::Resumed, Self::Gone].into_iter().find(|state| state.word() == word)
    }
}
