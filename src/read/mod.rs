//! From bytes to drafts: charsets, feeds, list pages, articles, dates. Returns what was read *and* what was wrong.
//!
//! The module is pure: bytes, the source's settings and the current time come in as arguments. It does not know where a
//! document came from, what was read before, or what becomes of it.
//!
//! `document` finds out what a document is and tries its readers in order. For a feed, `feed` splits the text into tags,
//! builds elements and finds the fields of the drafts. For a page, `markup` builds the tree, `list` finds the rows and
//! reads each, and `article` finds the text and decides which place to trust for each field. What dayuan knows of
//! languages is in `lexicon`, of pages and platforms in `tables`.

mod alert;
mod article;
mod block_page;
mod byline;
mod charset;
mod date;
mod discovery;
mod document;
mod fault;
mod feed;
mod json;
mod lexicon;
mod list;
mod markup;
mod names;
mod opml;
mod pane;
mod reading;
mod rules;
mod signature;
mod site;
mod sniff;
mod tables;
mod work;

pub use alert::mark_alert;
pub use article::{Article, ArticleRules, complete};
pub use charset::{decoded, is_charset};
pub use discovery::feeds_of;
pub use document::{read, read_article};
pub use fault::{Fault, FaultKind};
pub use list::{Detection, ListRules};
pub use markup::{Origin, Selector, SelectorError, css_of_xpath, sanitise};
pub use opml::{Outline, OutlineList, outlines};
pub use reading::{MAX_DRAFTS, Reading, Skip};
pub use rules::Rules;
pub use site::{is_official, medium_of, places_of, source_title};

/// The version of this reader, recorded in every report.
pub const VERSION: u16 = 1;

/// Returns the plain text of HTML, with paragraphs on lines of their own.
pub fn plain_text(html: &str) -> String {
    markup::text::plain(html)
}

/// Returns the media type of an attached file, from the extension of its address; `None` if the extension is unknown.
pub fn file_kind(address: &str) -> Option<&'static str> {
    article::file_kind(address)
}
