//! Character references, and the entities that a document defines.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use super::tokens::cut;
use crate::read::work;

/// How many bytes references to a document's own entities may add, whatever the size of the document.
const FREE_EXPANSION: usize = 64 * 1024;
/// How many times the document's size such references may add beyond that. Entities are meant for names written once;
/// libexpat allows a factor of 100, which for 8 MiB would be 800 MiB.
const MAX_EXPANSION: usize = 2;

/// Entities that a document defines, and how many more bytes they may add.
#[derive(Debug, Default)]
pub(in crate::read) struct Definitions {
    texts: HashMap<String, String>,
    left: Cell<usize>,
}

impl Definitions {
    /// Returns the entities of a document with `length` bytes.
    pub(in crate::read) fn of(texts: HashMap<String, String>, length: usize) -> Self {
        Self { texts, left: Cell::new(FREE_EXPANSION + length.saturating_mul(MAX_EXPANSION)) }
    }

    /// Returns an empty set of entities.
    pub(in crate::read) fn none() -> Self {
        Self::default()
    }

    /// Returns whether the entities added more than the document may.
    pub(in crate::read) fn is_spent(&self) -> bool {
        !self.texts.is_empty() && self.left.get() == 0
    }

    /// Returns the text of an entity; empty once the limit is exceeded.
    fn text(&self, name: &str) -> Option<&str> {
        if self.texts.is_empty() {
            return None;
        }
        let text = self.texts.get(name)?;
        match self.left.get().checked_sub(text.len()) {
            Some(left) => {
                self.left.set(left);
                Some(text)
            }
            None => {
                self.left.set(0);
                Some("")
            }
        }
    }
}

/// Resolves character references and the named entities of HTML; an ampersand that starts neither is kept.
pub(in crate::read) fn resolve<'a>(raw: &'a str, definitions: &Definitions) -> Cow<'a, str> {
    work::charge(raw.len() / 16);
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut copied = 0;
    for (at, _) in raw.match_indices('&') {
        let after = cut(raw, at + 1, raw.len());
        // An ampersand that begins no reference is copied with the text around it.
        if let Some((text, length)) = reference(after, definitions) {
            out.push_str(cut(raw, copied, at));
            out.push_str(&text);
            copied = at + 1 + length;
        }
    }
    out.push_str(cut(raw, copied, raw.len()));
    Cow::Owned(out)
}

/// Returns the text for the reference after an ampersand, and the length of the reference.
fn reference<'a>(after: &str, definitions: &'a Definitions) -> Option<(Cow<'a, str>, usize)> {
    // The longest name in HTML has 31 characters.
    let belongs = |b: u8| b.is_ascii_alphanumeric() || b == b'#';
    let end = after.bytes().take(40).position(|b| !belongs(b)).or((after.len() <= 40).then_some(after.len()))?;
    if end == 0 {
        return None;
    }
    if after.as_bytes().get(end) != Some(&b';') {
        return unclosed(after, end);
    }
    let name = cut(after, 0, end);
    let text = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        Cow::Owned(code.map_or_else(|_too_large| String::new(), numbered))
    } else if let Some(text) = definitions.text(name) {
        Cow::Borrowed(text)
    } else if name == "nbsp" {
        Cow::Borrowed("\u{a0}")
    } else {
        let whole = format!("&{name};");
        let text = html_escape::decode_html_entities(&whole).into_owned();
        if text == whole {
            return None;
        }
        Cow::Owned(text)
    };
    Some((text, end + 1))
}

/// Returns the text for a reference without a semicolon, and its length: a number, or one of HTML's legacy names
/// (section 13.2.5.73). As in attributes, a name before `=` does not count, because addresses contain `&copy=1`.
fn unclosed(after: &str, end: usize) -> Option<(Cow<'static, str>, usize)> {
    let name = cut(after, 0, end);
    if let Some(number) = name.strip_prefix('#') {
        let (digits, radix) = number.strip_prefix(['x', 'X']).map_or((number, 10), |hex| (hex, 16));
        let length = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        let code = u32::from_str_radix(cut(digits, 0, length), radix).ok()?;
        return Some((Cow::Owned(numbered(code)), name.len() - digits.len() + length));
    }
    if after.as_bytes().get(end) == Some(&b'=') || !UNCLOSED.contains(&name) {
        return None;
    }
    if name == "nbsp" {
        return Some((Cow::Borrowed("\u{a0}"), end));
    }
    Some((Cow::Owned(html_escape::decode_html_entities(&format!("&{name};")).into_owned()), end))
}

/// The legacy names that need no semicolon.
const UNCLOSED: [&str; 106] = [
    "AElig", "AMP", "Aacute", "Acirc", "Agrave", "Aring", "Atilde", "Auml", "COPY", "Ccedil", "ETH", "Eacute", "Ecirc",
    "Egrave", "Euml", "GT", "Iacute", "Icirc", "Igrave", "Iuml", "LT", "Ntilde", "Oacute", "Ocirc", "Ograve", "Oslash",
    "Otilde", "Ouml", "QUOT", "REG", "THORN", "Uacute", "Ucirc", "Ugrave", "Uuml", "Yacute", "aacute", "acirc",
    "acute", "aelig", "agrave", "amp", "aring", "atilde", "auml", "brvbar", "ccedil", "cedil", "cent", "copy",
    "curren", "deg", "divide", "eacute", "ecirc", "egrave", "eth", "euml", "frac12", "frac14", "frac34", "gt",
    "iacute", "icirc", "iexcl", "igrave", "iquest", "iuml", "laquo", "lt", "macr", "micro", "middot", "nbsp", "not",
    "ntilde", "oacute", "ocirc", "ograve", "ordf", "ordm", "oslash", "otilde", "ouml", "para", "plusmn", "pound",
    "quot", "raquo", "reg", "sect", "shy", "sup1", "sup2", "sup3", "szlig", "thorn", "times", "uacute", "ucirc",
    "ugrave", "uml", "uuml", "yacute", "yen", "yuml",
];

/// Returns the character of a numeric reference. 128 to 159 mean windows-1252, as in HTML (section 13.2.5.80);
/// characters that XML 1.0 forbids are dropped.
fn numbered(code: u32) -> String {
    let code = match code {
        0x80..=0x9f => {
            let byte = [u8::try_from(code).unwrap_or(b'?')];
            return encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte).0.into_owned();
        }
        other => other,
    };
    char::from_u32(code).filter(|c| is_allowed(*c)).map(String::from).unwrap_or_default()
}

/// Returns whether XML 1.0 (section 2.2) allows a character. DEL and the C1 controls are allowed there, but excluded
/// here as useless.
pub(in crate::read) const fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let defined = Definitions::of(HashMap::from([("town".to_owned(), "阳泉".to_owned())]), 100);
        let check = |raw, expected| assert_eq!(resolve(raw, &defined), expected, "{raw}");
        check("a &amp; b &#38; c &#x26;", "a & b & c &");
        check("AT&T a=1&b=2; &nosuch; &", "AT&T a=1&b=2; &nosuch; &");
        check("&#146;&#0;&#xD800;&#99999999999;", "\u{2019}");
        check("&town;市 &nbsp;&eacute;", "阳泉市 \u{a0}é");
        check("北大街&nbsp部分路段 &copy 2023 &#60 &#x3c&", "北大街\u{a0}部分路段 © 2023 < <&");
        check("a=1&copy=2&section=3&lt", "a=1&copy=2&section=3<");
    }

    #[test]
    fn entities_bring_in_no_more_than_a_document_may() {
        let defined = Definitions::of(HashMap::from([("a".to_owned(), "x".repeat(256))]), 1000);
        let text = resolve(&"&a;".repeat(10_000), &defined).into_owned();
        assert!((64 * 1024..=64 * 1024 + 2000).contains(&text.len()), "{}", text.len());
        assert!(defined.is_spent());
    }
}
