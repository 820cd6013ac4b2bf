//! A draft: what reading yields for one item, with its limits of length and number.

use std::borrow::Cow;

use super::{Link, Stamp};

/// An item as one source lists it, parsed but not yet judged. An absent field means that the source did not give it.
/// The limits below hold after [`Draft::bounded`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Title as plain text, at most 512 characters.
    pub title: String,
    /// Address of the story, absolute if it could be resolved. Not yet checked to be fetchable; at most 2048 bytes.
    pub link: Option<String>,
    /// Id given by the source, resolved if it is a relative address; at most 1024 bytes.
    pub guid: Option<String>,
    /// Publication date, as claimed by the source.
    pub published: Option<Stamp>,
    /// Date of the last change, as claimed by the source.
    pub updated: Option<Stamp>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Editors (责编, 编辑, 网络编辑), at most 32.
    pub editors: Vec<String>,
    /// Where the source says it got the story (来源, `<source>`, `atom:source`).
    pub credit: Option<Credit>,
    /// Labels, at most 32.
    pub categories: Vec<String>,
    /// Summary as plain text, at most 256 KiB.
    pub summary: String,
    /// Body as HTML from the source, not sanitised, at most 256 KiB.
    pub content_html: String,
    /// Body as plain text with paragraphs separated by line ends, at most 256 KiB.
    pub text: String,
    /// Attached files, at most 32.
    pub enclosures: Vec<Enclosure>,
    /// Address of the discussion page.
    pub comments: Option<String>,
    /// Number of comments, if the source gives it.
    pub replies: Option<u32>,
    /// Rights notice, at most 1000 characters.
    pub rights: Option<String>,
    /// Identifier of a warning issued by an authority. Warnings are told apart by it alone.
    pub alert: Option<String>,
    /// Code of the region whose authority issued it (GB/T 2260, six digits), if a page or an identifier gives one.
    pub code: Option<String>,
    /// How each field was found: the field, and the element or rule.
    pub found: Vec<(&'static str, Cow<'static, str>)>,
}

/// Maximum length of a title, in characters.
const MAX_TITLE: usize = 512;
/// Maximum length of an address, in bytes; longer ones are dropped.
const MAX_LINK: usize = 2048;
/// Maximum length of a guid, in bytes; longer ones are replaced by their hash.
const MAX_GUID: usize = 1024;
/// Maximum length of the name of a person, a label or a medium, in characters.
const MAX_NAME: usize = 200;
/// Maximum number of authors, editors, categories and enclosures, each.
const MAX_LISTED: usize = 32;
/// Maximum length of a rights notice, in characters.
const MAX_RIGHTS: usize = 1000;
/// Maximum length of a summary, a text or a body, in bytes.
const MAX_TEXT: usize = 256 * 1024;

impl Draft {
    /// Returns the draft with every field limited: texts and lists are cut. A guid that is too long becomes its hash,
    /// so that it still identifies the item; an address that is too long is dropped.
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

    /// Returns the total length of the texts, names and addresses in bytes; the credit is not counted.
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

    /// Returns the link if it is a valid [`Link`].
    pub fn checked_link(&self) -> Option<Link> {
        self.link.as_deref().and_then(|link| Link::parse(link).ok())
    }

    /// Returns the plain text, or the summary if there is none.
    pub fn words(&self) -> &str {
        if self.text.is_empty() { &self.summary } else { &self.text }
    }

    /// Returns whether there is nothing to show: no title, link, text or summary.
    pub fn is_empty(&self) -> bool {
        self.title.is_empty() && self.link.is_none() && self.text.is_empty() && self.summary.is_empty()
    }
}

/// Cuts a text to `most` characters and frees the rest of its memory.
fn limit_chars(text: &mut String, most: usize) {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.shrink_to_fit();
    }
}

/// Cuts a text to at most `most` bytes at a character boundary, and frees the rest of its memory.
fn limit_bytes(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.shrink_to_fit();
    }
}

/// The medium that a source credits for a story.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Name of the medium.
    pub name: String,
    /// Address of its feed or page.
    pub link: Option<String>,
}

/// A file that belongs to an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enclosure {
    /// Address of the file, absolute if it could be resolved.
    pub url: String,
    /// Media type, if the source gives it.
    pub kind: Option<String>,
    /// Size in bytes, if the source gives it.
    pub length: Option<u64>,
}
