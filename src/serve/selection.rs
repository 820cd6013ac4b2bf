//! Which stories a page or a feed lists: the newest ones, older ones, those of a topic or of a source.

use super::filter::{Reach, query};
use crate::model::{ItemId, Moment, RegionId, SourceId};

/// What a page of stories is about; absent parts choose everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Selection {
    pub(super) region: Option<RegionId>,
    pub(super) source: Option<SourceId>,
    /// Id of a topic.
    pub(super) topic: Option<String>,
    /// The story that the page begins with: a page of older stories.
    pub(super) from: Option<Cursor>,
    /// The regions whose stories a feed holds.
    pub(super) reach: Reach,
}

impl Selection {
    /// Returns the query of a feed of these stories, always in the same form; empty if it is none.
    pub(super) fn query(&self) -> String {
        query(self.reach.parts().chain(self.topic.iter().map(|topic| format!("topic={topic}"))))
    }
}

/// A story as the first of a page: its date and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Cursor {
    pub(super) at: Moment,
    pub(super) item: ItemId,
}

impl Cursor {
    /// Parses what [`Cursor`] is written as in addresses: milliseconds since 1970, a dot, and the id.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (at, item) = text.split_once('.')?;
        Some(Self { at: Moment::from_millis(at.parse().ok()?), item: ItemId::parse(item)? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at.millis(), self.item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors() {
        let text = "1700000000000.4af6dea3-a202-8ca2-8bb6-1f0dbbbed5b6";
        assert_eq!(Cursor::parse(text).unwrap().to_string(), text);
        for bad in ["", "1", "x.4af6dea3-a202-8ca2-8bb6-1f0dbbbed5b6", "1.2", "1700000000000."] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }
}
