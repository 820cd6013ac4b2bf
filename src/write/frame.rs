//! What every page has: its head, the links of the site, and the time for which it is rendered.

use super::channel::Format;
use super::words::{Language, Words};
use crate::model::{Moment, Zone};

/// What every page needs.
#[derive(Debug)]
pub struct Page<'a> {
    /// Title of the whole site.
    pub site: &'a str,
    /// Language of the page.
    pub language: Language,
    /// Time zone in which times are shown.
    pub zone: &'a Zone,
    /// The hour for which the page is rendered: what is called today, or two hours ago.
    pub now: Moment,
    /// Base URL of the site, without a slash at the end.
    pub url: &'a str,
    /// Path of that URL, before every path of the site; empty if there is none.
    pub root: &'a str,
    /// Whom to write to about mistakes: an address of mail or of a page.
    pub contact: Option<&'a str>,
    /// Whether the site has a search.
    pub has_search: bool,
}

/// The parts that all pages have.
pub(super) struct Frame<'a> {
    pub(super) lang: &'static str,
    pub(super) w: &'static Words,
    pub(super) site: &'a str,
    pub(super) root: &'a str,
    pub(super) title: &'a str,
    /// Absolute address of the page; empty if it has none of its own.
    pub(super) address: String,
    pub(super) description: &'a str,
    pub(super) kind: &'static str,
    pub(super) feeds: Vec<FeedLink>,
    pub(super) contact: Option<(String, &'a str)>,
    pub(super) has_search: bool,
}

pub(super) struct FeedLink {
    pub(super) path: String,
    pub(super) media_type: &'static str,
    pub(super) name: &'static str,
}

impl<'a> Page<'a> {
    /// Makes the frame of a page: `path` is its own, without that of the site.
    pub(super) fn frame(&self, title: &'a str, path: &str) -> Frame<'a> {
        let contact = self.contact.map(|contact| {
            let is_mail = contact.contains('@') && !contact.contains("://");
            (if is_mail { format!("mailto:{contact}") } else { contact.to_owned() }, contact)
        });
        Frame {
            lang: self.language.tag(),
            w: self.language.words(),
            site: self.site,
            root: self.root,
            title,
            address: if path.is_empty() { String::new() } else { format!("{}{path}", self.url) },
            description: "",
            kind: "website",
            feeds: Vec::new(),
            contact,
            has_search: self.has_search,
        }
    }

    /// Returns the links to the feeds of a page.
    pub(super) fn feed_links(&self, (path, query): &(String, String)) -> Vec<FeedLink> {
        let link = |format: &Format| FeedLink {
            path: format!("{}{path}/{}{query}", self.root, format.file()),
            media_type: format.media_type().split(';').next().unwrap_or(""),
            name: format.name(),
        };
        Format::ALL.iter().map(link).collect()
    }
}
