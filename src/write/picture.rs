//! The picture that stands for an entry, which is linked and never copied.

use crate::model::{Enclosure, Link};

/// Pictures that are smaller than this are buttons and counters, in pixels.
const MIN_SIDE: u32 = 80;
/// How many pictures of a text are looked at.
const MAX_LOOKED_AT: usize = 20;

/// Returns the address of the picture of an item: the first attached one, else the first of its sanitised text. `base` is
/// the address of the page.
pub fn picture(enclosures: &[Enclosure], html: &str, base: &str) -> Option<String> {
    let attached = enclosures.iter().filter(|file| is_picture(file)).find_map(|file| Link::parse(&file.url).ok());
    let first = attached.or_else(|| {
        let base = Link::parse(base).ok();
        let tags = html.split("<img ").skip(1).take(MAX_LOOKED_AT).filter_map(|tag| tag.split('>').next());
        tags.filter(|tag| !is_small(tag)).find_map(|tag| {
            let address = attribute(tag, "src")?.replace("&amp;", "&");
            base.as_ref().map_or_else(|| Link::parse(&address).ok(), |base| base.join(&address).ok())
        })
    });
    first.map(|link| link.as_str().to_owned())
}

/// Returns whether an attached file is a picture, by its type or else by its name.
pub(super) fn is_picture(file: &Enclosure) -> bool {
    const ENDINGS: [&str; 7] = [".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".bmp"];
    match &file.kind {
        Some(kind) => kind.to_ascii_lowercase().starts_with("image/"),
        None => {
            let path = file.url.split(['?', '#']).next().unwrap_or("").to_ascii_lowercase();
            ENDINGS.iter().any(|ending| path.ends_with(ending))
        }
    }
}

fn is_small(tag: &str) -> bool {
    ["width", "height"].iter().any(|side| {
        let digits = attribute(tag, side).map(|value| value.trim_end_matches("px"));
        digits.and_then(|digits| digits.parse::<u32>().ok()).is_some_and(|side| side < MIN_SIDE)
    })
}

/// Returns the value of an attribute of a tag as the sanitiser writes it, in double quotes.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    while let Some((before, value)) = rest.split_once("=\"") {
        let (value, after) = value.split_once('"')?;
        if before.trim_start() == name {
            return Some(value);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_picture_of_some_size() {
        let of = |html: &str| picture(&[], html, "https://a.cn/x/1.html");
        assert_eq!(of("<p>一</p><img src=\"p.jpg?a=1&amp;b=2\">").as_deref(), Some("https://a.cn/x/p.jpg?a=1&b=2"));
        assert_eq!(
            of("<img width=\"16\" src=\"a.png\"><img alt=\"src=x\" src=\"/b.png\">").as_deref(),
            Some("https://a.cn/b.png")
        );
        assert_eq!(of("<img alt=\"x\"><img src=\"data:x\"><p>src=\"c.png\"</p>"), None);
    }

    #[test]
    fn an_attached_picture_comes_first() {
        let file =
            |url: &str, kind: Option<&str>| Enclosure { url: url.into(), kind: kind.map(Into::into), length: None };
        let files = [file("https://a.cn/1.pdf", None), file("https://a.cn/2", Some("image/jpeg"))];
        assert_eq!(picture(&files, "<img src=\"p.jpg\">", "https://a.cn/").as_deref(), Some("https://a.cn/2"));
        assert!(
            is_picture(&file("https://a.cn/p.JPG?x", None))
                && !is_picture(&file("https://a.cn/p.jpg", Some("text/html")))
        );
    }
}
