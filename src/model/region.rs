//! A region: its id, name, parent and former names.

use std::fmt;

/// The name of a region: `[a-z0-9-]+`, at most 64 characters; for China the six-digit code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(String);

/// Why a region cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// A character is not allowed.
    #[error("`{0}` cannot be the id or slug of a region; use up to 64 of a-z, 0-9 and `-`")]
    Id(String),
    /// The parent or a member does not exist.
    #[error("region `{region}` names `{missing}`, which does not exist")]
    Missing {
        /// The region that names it.
        region: RegionId,
        /// What it names.
        missing: RegionId,
    },
    /// Its parents lead back to itself.
    #[error("the parents of region `{0}` lead back to itself")]
    Circle(RegionId),
    /// Two regions have one slug.
    #[error("regions `{0}` and `{1}` have the same slug")]
    Slug(RegionId, RegionId),
}

impl RegionId {
    /// The id written as `text`.
    ///
    /// # Errors
    /// [`RegionError::Id`] where a character is not allowed, or it is empty or too long.
    pub fn new(text: &str) -> Result<Self, RegionError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !text.is_empty() && text.len() <= 64 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RegionError::Id(text.to_owned()))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A link to a service of the government, shown on a region's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub title: String,
    /// Its address.
    pub url: String,
}

/// A place, or a group of places, that has a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its id.
    pub id: RegionId,
    /// Its name for people.
    pub name: String,
    /// Other names of today.
    pub aliases: Vec<String>,
    /// Its name in addresses, where the config gives one.
    pub slug: Option<RegionId>,
    /// Its former slugs.
    pub was: Vec<RegionId>,
    /// The region above it.
    pub parent: Option<RegionId>,
    /// The regions of a group, which then has no place in the tree of its own.
    pub members: Vec<RegionId>,
    /// Services of its government.
    pub services: Vec<Service>,
    /// Former names, each with the year in which it ended.
    pub former: Vec<(String, u16)>,
}

impl Region {
    /// A region with nothing but its name.
    pub const fn new(id: RegionId, name: String) -> Self {
        Self {
            id,
            name,
            aliases: Vec::new(),
            slug: None,
            was: Vec::new(),
            parent: None,
            members: Vec::new(),
            services: Vec::new(),
            former: Vec::new(),
        }
    }
}
