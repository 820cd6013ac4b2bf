//! Lists of feeds (OPML 1.0 to 2.0), as feed readers export them.

use super::charset::decode;
use super::markup::text::{Definitions, resolve};
use super::markup::tokens::{Token, Tokens, attributes};

/// Most outlines of a document.
const MAX_OUTLINES: usize = 50_000;
/// Deepest nesting of folders that is told apart.
const MAX_FOLDERS: usize = 16;

/// An entry of a list of feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Names of the folders that it lies in, the outermost first.
    pub folders: Vec<String>,
    /// All its attributes, as written, in their order.
    pub attributes: Vec<(String, String)>,
}

impl Outline {
    /// Returns the value of an attribute, whatever its case; empty ones count as missing.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Returns its name.
    pub fn title(&self) -> Option<&str> {
        self.attribute("title").or_else(|| self.attribute("text"))
    }
}

/// What a list of feeds holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutlineList {
    /// The feeds, in their order.
    pub feeds: Vec<Outline>,
    /// Entries that are neither feeds nor folders, and folders with settings of their own.
    pub others: Vec<Outline>,
    /// Whether the document is longer than what is read of it.
    pub is_cut: bool,
}

/// Reads a list of feeds; `None` if the document is none.
pub fn outlines(bytes: &[u8]) -> Option<OutlineList> {
    let (text, _) = decode(bytes, None, None);
    let mut list = OutlineList::default();
    // The open outlines: the name of a folder, `None` for a feed.
    let mut open: Vec<Option<String>> = Vec::new();
    let (mut is_opml, mut seen) = (false, 0);
    for token in Tokens::new(&text) {
        match token {
            Token::Start { name, .. } if name.eq_ignore_ascii_case("opml") => is_opml = true,
            Token::Start { name, inside, closed } if is_opml && name.eq_ignore_ascii_case("outline") => {
                if seen == MAX_OUTLINES {
                    list.is_cut = true;
                    break;
                }
                seen += 1;
                let folders = open.iter().flatten().take(MAX_FOLDERS).cloned().collect();
                let outline = Outline { folders, attributes: read_attributes(inside) };
                let is_feed = outline.attribute("xmlUrl").is_some();
                if !closed {
                    open.push((!is_feed).then(|| outline.title().unwrap_or("").to_owned()));
                }
                let is_plain = |(name, _): &(String, String)| matches!(name.to_lowercase().as_str(), "text" | "title");
                if is_feed {
                    list.feeds.push(outline);
                } else if closed || !outline.attributes.iter().all(is_plain) {
                    list.others.push(outline);
                }
            }
            Token::End { name } if name.eq_ignore_ascii_case("outline") => {
                open.pop();
            }
            _ => {}
        }
    }
    is_opml.then_some(list)
}

fn read_attributes(inside: &str) -> Vec<(String, String)> {
    let none = Definitions::none();
    let read = |(name, raw): (&str, &str)| (name.to_owned(), resolve(raw, &none).into_owned());
    attributes(inside).map(read).filter(|(name, _)| !name.is_empty() && !name.starts_with("xmlns")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_nest_and_feeds_do_not() {
        let list = outlines(
            "<?xml version='1.0'?><opml version='2.0'><body><outline text='甲'><outline title='乙' text='x'>\
             <outline text='a &amp; b' type='rss' xmlUrl='http://a.cn/?x=1&amp;y=2'/></outline>\
             <outline text='note'/></outline><outline xmlurl='http://b.cn/'><outline text='c' xmlUrl='http://c.cn/'/></outline>"
                .as_bytes(),
        )
        .unwrap();
        let told: Vec<_> =
            list.feeds.iter().map(|feed| (feed.folders.concat(), feed.attribute("xmlUrl").unwrap())).collect();
        assert_eq!(
            told,
            [
                ("甲乙".to_owned(), "http://a.cn/?x=1&y=2"),
                (String::new(), "http://b.cn/"),
                (String::new(), "http://c.cn/")
            ]
        );
        assert_eq!(list.feeds[0].title(), Some("a & b"));
        assert_eq!(list.others.len(), 1);
        assert!(outlines(b"<rss><outline xmlUrl='x'/></rss>").is_none());
    }
}
