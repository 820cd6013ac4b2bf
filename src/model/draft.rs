use std::borrow::Cow;

use super::{Link, Stamp};

/// An item as one source lists it, read but not yet judged. Absent means the source did not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Plain text, at most 512 characters.
    pub title: String,
    /// The address of the story, absolute where it could be made so. Not yet checked to be fetchable.
    pub link: Option<String>,
    /// The id that the source gives it, resolved where it is a relative address.
    pub guid: Option<String>,
    /// When it was published, as the source claims.
    pub published: Option<Stamp>,
    /// When it was changed last, as the source claims.
    pub updated: Option<Stamp>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Who put it up (责编, 编辑, 网络编辑).
    pub editors: Vec<String>,
    /// Where the source says it has the story from (来源, `<source>`, `atom:source`).
    pub credit: Option<Credit>,
    /// Labels, at most 32.
    pub categories: Vec<String>,
    /// Plain text of the short version.
    pub summary: String,
    /// The body as the source wrote it, not sanitised, at most 256 KiB.
    pub content_html: String,
    /// Plain text of the body, paragraphs divided by line ends.
    pub text: String,
    /// Attached files.
    pub enclosures: Vec<Enclosure>,
    /// The page where it is discussed.
    pub comments: Option<String>,
    /// Whose it is and what may be done with it.
    pub rights: Option<String>,
    /// The identifier of a warning that an authority gave out; it alone tells warnings apart.
    pub alert: Option<String>,
    /// The code of the region whose authority it comes from (GB/T 2260, six digits), where a page or an identifier has one.
    pub code: Option<String>,
    /// How each field was found: the field, and the element or rule.
    pub found: Vec<(&'static str, Cow<'static, str>)>,
}

impl Draft {
    /// The link, where it can be fetched.
    pub fn checked_link(&self) -> Option<Link> {
        self.link.as_deref().and_then(|link| Link::parse(link).ok())
    }

    /// What it says, as plain text: its text, or the summary where there is none.
    pub fn words(&self) -> &str {
        if self.text.is_empty() { &self.summary } else { &self.text }
    }

    /// Does it hold anything that a reader could show?
    pub fn is_empty(&self) -> bool {
        self.title.is_empty() && self.link.is_none() && self.text.is_empty() && self.summary.is_empty()
    }
}

/// Where a story comes from, as its source says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// The name of the medium.
    pub name: String,
    /// Its feed or page.
    pub link: Option<String>,
}

/// A file that belongs to an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enclosure {
    /// Where it lies, absolute where it could be made so.
    pub url: String,
    /// Its media type, where the source says it.
    pub kind: Option<String>,
    /// Its size in bytes, where the source says it.
    pub length: Option<u64>,
}
