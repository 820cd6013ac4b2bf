//! Makes text safe to publish, whatever came in, and cuts excerpts.

use super::notices::is_about_text;

/// Maximum number of Han characters in an excerpt.
const HAN: usize = 120;
/// Maximum number of other characters in an excerpt.
const OTHERS: usize = 300;

/// Removes the characters that XML 1.0 forbids (section 2.2), because the libraries that write feeds do not.
pub(super) fn xml(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')).collect()
}

/// Adds the stylesheet for browsers to a feed; readers ignore it (xml-stylesheet, W3C). It must be on the same site.
/// `root` is the base URL of the site, whose host a reader may know by another name.
pub(super) fn styled(document: Vec<u8>, root: &str) -> Vec<u8> {
    let host = root.split_once("://").map_or(root, |(_, host)| host);
    let path = host.find('/').and_then(|at| host.get(at..)).unwrap_or("");
    let style = format!("\n<?xml-stylesheet type=\"text/css\" href=\"{}/feed.css\"?>\n", escape(path));
    let style = style.as_bytes();
    let declaration = document.windows(2).position(|two| two == b"?>").map(|at| at + 2);
    match declaration.filter(|_| document.starts_with(b"<?xml ")).and_then(|at| document.split_at_checked(at)) {
        Some((declaration, rest)) => [declaration, style, rest.trim_ascii_start()].concat(),
        None => [b"<?xml version=\"1.0\" encoding=\"utf-8\"?>".as_slice(), style, &document].concat(),
    }
}

/// Escapes plain text for HTML.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in xml(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// Decodes the percent-encoding of a part of a URL for people to read (RFC 3986, section 2.1).
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    // A name in GBK is shown as it stands in the address.
    String::from_utf8(bytes).unwrap_or_else(|_invalid| text.to_owned())
}

/// Returns the first paragraph, cut to 120 Han characters or 300 others; a final `…` means that there is more.
pub fn excerpt(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_about_text(line));
    let first = lines.next().unwrap_or("");
    let has_more = lines.next().is_some();
    // A Han character counts as two and a half others.
    let mut left = HAN * OTHERS;
    let mut out = String::new();
    for c in first.chars() {
        let cost =
            if ('\u{2e80}'..='\u{9fff}').contains(&c) || ('\u{f900}'..='\u{ffef}').contains(&c) { OTHERS } else { HAN };
        if left < cost {
            out.push('…');
            return out;
        }
        left -= cost;
        out.push(c);
    }
    if has_more && !out.ends_with('…') {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts() {
        assert_eq!(excerpt("一。\n\n二。"), "一。…");
        assert_eq!(excerpt("一。"), "一。");
        assert_eq!(excerpt("网络编辑：魏　业　阳泉\n一。"), "一。");
        assert_eq!(excerpt(&"字".repeat(200)).chars().count(), 121);
        assert_eq!(excerpt(&"a".repeat(400)).chars().count(), 301);
        assert_eq!(excerpt(""), "");
    }

    #[test]
    fn forbidden_characters_go() {
        assert_eq!(xml("a\u{0}\u{b}\u{fffe}b\tc"), "ab\tc");
    }
}
