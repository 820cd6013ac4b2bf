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

/// The longest title, in characters.
const MAX_TITLE: usize = 512;
/// The longest address, in bytes; what is longer is no address.
const MAX_LINK: usize = 2048;
/// The longest guid, in bytes; a longer one is kept as its hash.
const MAX_GUID: usize = 1024;
/// The longest name of a person, a label or a medium, in characters.
const MAX_NAME: usize = 200;
/// The most persons, labels and files of each kind.
const MAX_LISTED: usize = 32;
/// The longest notice of rights, in characters.
const MAX_RIGHTS: usize = 1000;
/// The longest text or body, in bytes.
const MAX_TEXT: usize = 256 * 1024;

impl Draft {
    /// The draft with no field over its limit: past these, nothing exists. A guid that is too long becomes its hash, so
    /// that it still tells items apart; an address that is too long becomes none.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        limit_chars(&mut self.title, MAX_TITLE);
        limit_bytes(&mut self.summary, MAX_TEXT);
        limit_bytes(&mut self.content_html, MAX_TEXT);
        limit_bytes(&mut self.text, MAX_TEXT);
        self.link = self.link.filter(|link| link.len() <= MAX_LINK);
        self.comments = self.comments.filter(|link| link.len() <= MAX_LINK);
        self.guid = self.guid.map(|guid| match guid.len() {
            ..=MAX_GUID => guid,
            _ => format!("blake3:{}", blake3::hash(guid.as_bytes()).to_hex()),
        });
        for names in [&mut self.authors, &mut self.editors, &mut self.categories] {
            names.truncate(MAX_LISTED);
            names.shrink_to_fit();
            names.iter_mut().for_each(|name| limit_chars(name, MAX_NAME));
        }
        if let Some(credit) = &mut self.credit {
            limit_chars(&mut credit.name, MAX_NAME);
            credit.link = credit.link.take().filter(|link| link.len() <= MAX_LINK);
        }
        self.enclosures.retain(|file| file.url.len() <= MAX_LINK);
        self.enclosures.truncate(MAX_LISTED);
        self.enclosures.shrink_to_fit();
        for file in &mut self.enclosures {
            file.kind = file.kind.take().filter(|kind| kind.len() <= MAX_NAME);
        }
        if let Some(rights) = &mut self.rights {
            limit_chars(rights, MAX_RIGHTS);
        }
        self.alert = self.alert.filter(|alert| alert.len() <= MAX_NAME);
        self.code = self.code.filter(|code| code.len() <= MAX_NAME);
        self
    }

    /// The bytes of all that it says.
    pub fn size(&self) -> usize {
        let all = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
        let options = [&self.link, &self.guid, &self.comments, &self.rights, &self.alert, &self.code];
        self.title.len()
            + self.summary.len()
            + self.content_html.len()
            + self.text.len()
            + options.into_iter().flatten().map(String::len).sum::<usize>()
            + [&self.authors, &self.editors, &self.categories].into_iter().map(|texts| all(texts)).sum::<usize>()
            + self.enclosures.iter().map(|file| file.url.len()).sum::<usize>()
    }

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

/// Cuts a text after so many characters, and gives back what it no longer needs.
fn limit_chars(text: &mut String, most: usize) {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.shrink_to_fit();
    }
}

/// Cuts a text after so many bytes, between two characters, and gives back what it no longer needs.
fn limit_bytes(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.shrink_to_fit();
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
