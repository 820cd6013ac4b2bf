//! What says that an item belongs to a region.

use crate::model::RegionId;

/// A region that an item concerns, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The region.
    pub region: RegionId,
    /// What says so.
    pub evidence: Evidence,
}

/// The evidence of a region. The order is that of the store, to which new kinds are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The region is that of the source, and nothing stronger was found.
    Inherited,
    /// A county is named in full.
    County,
    /// A city is named.
    City,
    /// A province is named.
    Province,
    /// A county is named by its short name.
    ShortName,
    /// A former name stands there.
    FormerName,
    /// The text speaks of 我市, 我县, 我省 or the like, as the source's own.
    Own,
    /// It is the place of the dateline.
    Dateline,
    /// A part of the address spells it.
    Path,
    /// It is the code of the authority that the item comes from.
    Code,
    /// A township is named, of which the source's region has only one.
    Township,
}

impl Evidence {
    /// All kinds, with the keywords that stand in records and JSON.
    const WORDS: [(Self, &'static str); 11] = [
        (Self::Inherited, "inherited"),
        (Self::County, "county"),
        (Self::City, "city"),
        (Self::Province, "province"),
        (Self::ShortName, "short-name"),
        (Self::FormerName, "former-name"),
        (Self::Own, "own"),
        (Self::Dateline, "dateline"),
        (Self::Path, "path"),
        (Self::Code, "code"),
        (Self::Township, "township"),
    ];

    /// Returns the keyword.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(evidence, _)| *evidence == self).map_or("inherited", |(_, word)| word)
    }

    /// Returns the evidence of a keyword; `None` if there is none.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(evidence, _)| *evidence)
    }

    /// Returns the place in the order.
    pub fn number(self) -> usize {
        Self::WORDS.iter().position(|(evidence, _)| *evidence == self).unwrap_or(0)
    }

    /// Returns the evidence at a place in the order; `Inherited` if there is none.
    pub fn at(number: usize) -> Self {
        Self::WORDS.get(number).map_or(Self::Inherited, |(evidence, _)| *evidence)
    }
}
