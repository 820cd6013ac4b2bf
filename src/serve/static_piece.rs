//! The pieces of the site as files, and which of them makes the document at a path.

use super::published::PublishConfig;
use super::static_rules::root_of;
use crate::model::{ItemId, Month, RegionId, SourceId};
use crate::write::Format;

/// A piece of the site that is written in one step; of one rank, those named first here go first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Piece {
    /// A document that is none of this site any more.
    Lost(String),
    /// The feeds and the page of a region, and the pages of the stories there.
    Region(RegionId),
    /// The home page, the feeds of the site and the lists of regions.
    Front,
    /// All months of a region's archive.
    Archive(RegionId),
    Month(RegionId, Month),
    /// What is part of the program.
    Fixed,
    Sources,
    Source(SourceId),
    Item(ItemId),
}

/// Returns the path of a document below the folder: that of its address.
pub(super) fn path_of(published: &PublishConfig, path: &str) -> String {
    let root = root_of(&published.options);
    let root = root.trim_matches('/');
    if root.is_empty() { path.to_owned() } else { format!("{root}/{path}") }
}

/// Returns the piece that makes the document at this path; `None` if it is none of this site any more.
pub(super) fn piece_of(published: &PublishConfig, path: &str) -> Option<Piece> {
    let own = path.strip_prefix(&path_of(published, ""))?;
    let (folder, rest) = own.split_once('/').unwrap_or(("", own));
    let name = rest.strip_suffix(".html");
    match folder {
        "regions" => {
            let id = rest.split_once('/').map(|(id, _)| id).or(name)?;
            let known = RegionId::new(id).ok().filter(|id| published.regions.get(id).is_some());
            known.filter(|id| published.regions.is_published(id)).map(Piece::Region)
        }
        "items" => item_of(path).map(Piece::Item),
        "sources" => match rest {
            "atom.xml" | "digest.xml" => Some(Piece::Sources),
            _ => SourceId::new(name?).ok().map(Piece::Source),
        },
        _ => match own {
            "sources.html" => Some(Piece::Sources),
            "index.html" | "regions.html" | "opml.xml" => Some(Piece::Front),
            _ if Format::ALL.iter().any(|format| format.file() == own) => Some(Piece::Front),
            "about.html" | "404.html" => Some(Piece::Fixed),
            _ => super::handler::fixed_files().iter().any(|(file, ..)| *file == own).then_some(Piece::Fixed),
        },
    }
}

/// Returns the story whose page is at this path.
pub(super) fn item_of(path: &str) -> Option<ItemId> {
    ItemId::parse(path.rsplit('/').next()?.strip_suffix(".html")?)
}
