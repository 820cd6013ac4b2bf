//! A region: its id, name, parent and former names.

use std::fmt;

/// Id of a region: `[a-z0-9-]+`, at most 64 characters; for the divisions of China their six-digit code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(String);

/// Why a region is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// The id is empty, too long, or contains a character that is not allowed.
    #[error("`{0}` cannot be the id or slug of a region; use up to 64 of a-z, 0-9 and `-`")]
    Id(String),
    /// The parent, a member or a published region does not exist.
    #[error("region `{region}` names `{missing}`, which does not exist")]
    Missing {
        /// The region that refers to it; for `publish`, the missing region itself.
        region: RegionId,
        /// The region that does not exist.
        missing: RegionId,
    },
    /// The parents of a region form a cycle.
    #[error("the parents of region `{0}` lead back to itself")]
    Circle(RegionId),
    /// Two regions have the same slug.
    #[error("regions `{0}` and `{1}` have the same slug")]
    Slug(RegionId, RegionId),
    /// A slug or former slug of the second region is the id of the first, whose pages it could never lead to.
    #[error("the slug of region `{1}` is the id of region `{0}`")]
    SlugIsId(RegionId, RegionId),
    /// A group names a group as its member; groups hold regions of the tree.
    #[error("region `{group}` names `{member}` as a member, which is a group itself")]
    GroupOfGroups {
        /// The group that names it.
        group: RegionId,
        /// Its member.
        member: RegionId,
    },
}

impl RegionId {
    /// Parses an id.
    ///
    /// # Errors
    /// [`RegionError::Id`] if it is empty, too long, or contains a character that is not allowed.
    pub fn new(text: &str) -> Result<Self, RegionError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !text.is_empty() && text.len() <= 64 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RegionError::Id(text.to_owned()))
        }
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A link to a government service, shown on a region's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Name of the service.
    pub title: String,
    /// Address of the service.
    pub url: String,
}

/// A point on the earth, in millionths of a degree (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    latitude: i32,
    longitude: i32,
}

impl Point {
    /// Makes a point from degrees; `None` if there is no such point.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the ranges are checked, and a millionth of a degree is a step"
    )]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let is_there = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        let millionths = |degrees: f64| (degrees * 1e6).round() as i32;
        is_there.then(|| Self { latitude: millionths(latitude), longitude: millionths(longitude) })
    }
}

/// Latitude and longitude in degrees, as GeoRSS writes them.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", f64::from(self.latitude) / 1e6, f64::from(self.longitude) / 1e6)
    }
}

/// A place, or a group of places, with its own feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Id of the region.
    pub id: RegionId,
    /// Display name.
    pub name: String,
    /// Other current names.
    pub aliases: Vec<String>,
    /// Name used in addresses, if the config sets one.
    pub slug: Option<RegionId>,
    /// Former slugs, which are redirected.
    pub was: Vec<RegionId>,
    /// The region above this one.
    pub parent: Option<RegionId>,
    /// Members, if this is a group of regions rather than a place in the tree.
    pub members: Vec<RegionId>,
    /// Services of the region's government.
    pub services: Vec<Service>,
    /// Where it is, for maps.
    pub point: Option<Point>,
    /// Former names, with the year in which each ended.
    pub former: Vec<(String, u16)>,
}

impl Region {
    /// Creates a region with only an id and a name.
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
            point: None,
            former: Vec::new(),
        }
    }
}
