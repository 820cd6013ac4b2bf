//! From markup to plain text: resolves references, collapses white space, and removes unwanted characters.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use super::tokens::{Token, Tokens, cut};
use crate::read::work;

/// The most characters of a title, a label or a name.
const TITLE: usize = 512;
/// The most combining marks in a row; longer runs are attacks on the reader's screen.
const MARKS: usize = 8;

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
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        match reference(after, definitions) {
            Some((text, length)) => {
                out.push_str(&text);
                rest = cut(after, length, after.len());
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
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

/// Removes the characters that XML forbids.
pub(in crate::read) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_allowed) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().filter(|c| is_allowed(*c)).collect())
    }
}

/// Makes one line: single spaces, none at the ends; no forbidden and no direction characters, few combining marks, at
/// most 512 characters.
pub(in crate::read) fn line(text: &str) -> String {
    work::charge(text.len().min(8192) / 4);
    let mut out = String::with_capacity(text.len().min(4 * TITLE));
    let (mut count, mut marks, mut space) = (0, 0, false);
    for c in text.chars() {
        if !is_allowed(c) || is_unseen(c) {
            continue;
        }
        if c.is_whitespace() {
            space = !out.is_empty();
            continue;
        }
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS {
            continue;
        }
        if count + usize::from(space) >= TITLE {
            break;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
            count += 1;
        }
        out.push(c);
        count += 1;
    }
    out
}

/// Makes one paragraph: single spaces, none at the ends; no forbidden, direction or zero-width space characters.
pub(in crate::read) fn paragraph(text: &str) -> String {
    work::charge(text.len() / 4);
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        let is_common = matches!(c, '!'..='~' | '\u{3001}'..='\u{3163}' | '\u{3165}'..='\u{9fff}');
        if !is_common && (!is_allowed(c) || is_unseen(c)) {
            continue;
        }
        if !is_common && c.is_whitespace() {
            space = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut space) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// Characters that nobody sees: those that change the direction of the text after them, and can thereby change the meaning
/// of a title, and fillers, with which two titles look alike and are not. Joiners stay: scripts and emoji need them.
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Returns the first `limit` bytes, cut at a character boundary.
pub(in crate::read) fn head(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    cut(text, 0, end)
}

/// Converts HTML to plain text: blocks on lines of their own, no scripts, references resolved.
pub(in crate::read) fn plain(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut skipped: Option<&str> = None;
    let none = Definitions::none();
    // The reading aid of a ruby annotation repeats its base; its end tag may be left out (HTML, section 4.5.11).
    let is_aid = |name: &str| ["rt", "rp", "rtc"].iter().any(|aid| aid.eq_ignore_ascii_case(name));
    for token in Tokens::new(html) {
        match token {
            Token::Start { name, closed, .. } => {
                if skipped.is_some_and(is_aid) && ["rb", "ruby"].iter().any(|base| base.eq_ignore_ascii_case(name)) {
                    skipped = None;
                }
                if (skipped.is_none() || skipped.is_some_and(is_aid)) && !closed && (is_hidden(name) || is_aid(name)) {
                    skipped = Some(name);
                }
                break_line(&mut out, name);
            }
            Token::End { name } => {
                let ends = |open: &str| open.eq_ignore_ascii_case(name) || is_aid(open) && is_block_or_ruby(name);
                if skipped.is_some_and(ends) {
                    skipped = None;
                }
                break_line(&mut out, name);
            }
            Token::Text(raw) if skipped.is_none() => push_words(&mut out, &resolve(raw, &none)),
            Token::Cdata(text) if skipped.is_none() => push_words(&mut out, text),
            _ => {}
        }
    }
    let length = out.trim_end().len();
    out.truncate(length);
    out
}

fn is_block_or_ruby(name: &str) -> bool {
    name.eq_ignore_ascii_case("ruby") || is_block(&name.to_ascii_lowercase())
}

fn is_hidden(name: &str) -> bool {
    ["script", "style", "noscript", "template", "iframe", "object", "textarea", "select"]
        .iter()
        .any(|hidden| hidden.eq_ignore_ascii_case(name))
}

fn break_line(out: &mut String, name: &str) {
    let lower = if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    };
    match &*lower {
        // The cells of a row stay on one line.
        "td" | "th" if !out.is_empty() && !out.ends_with([' ', '\n']) => out.push(' '),
        "td" | "th" | "tbody" | "thead" | "tfoot" => {}
        "br" | "legend" | "option" => end_line(out),
        name if is_block(name) => end_line(out),
        _ => {}
    }
}

fn end_line(out: &mut String) {
    let length = out.trim_end_matches(' ').len();
    out.truncate(length);
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// Returns whether an element is a block; most of them end an open paragraph.
pub(in crate::read) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "center"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "dd"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "ul"
            | "tr"
            | "td"
            | "th"
            | "tbody"
            | "thead"
            | "tfoot"
            | "caption"
    )
}

fn push_words(out: &mut String, text: &str) {
    // Most text is Chinese, so test for that first.
    let is_word = |c| matches!(c, '\u{3400}'..='\u{9fff}') || is_allowed(c) && !is_unseen(c) && !c.is_whitespace();
    let mut from = 0;
    for (at, c) in text.char_indices().filter(|(_, c)| !is_word(*c)) {
        out.push_str(cut(text, from, at));
        from = at + c.len_utf8();
        if c.is_whitespace() && is_allowed(c) && !out.is_empty() && !out.ends_with([' ', '\n']) {
            out.push(' ');
        }
    }
    out.push_str(cut(text, from, text.len()));
}

/// Returns whether a text holds an HTML tag and would look wrong if shown as it is.
pub(in crate::read) fn looks_like_html(text: &str) -> bool {
    const KNOWN: [&str; 30] = [
        "b", "i", "em", "strong", "a", "br", "p", "span", "font", "sub", "sup", "u", "img", "div", "small", "code",
        "ruby", "rt", "script", "style", "iframe", "svg", "math", "object", "form", "input", "button", "link", "meta",
        "base",
    ];
    Tokens::new(text).any(|token| match token {
        Token::Start { name, .. } | Token::End { name } => KNOWN.iter().any(|tag| tag.eq_ignore_ascii_case(name)),
        _ => false,
    })
}

/// Returns the width of a text in Latin letters: Chinese characters count two, white space nothing.
pub(in crate::read) fn width(text: &str) -> usize {
    work::charge(1 + text.len() / 8);
    text.chars()
        .map(|c| match u32::from(c) {
            // The common cases first: asking whether one of these is white space means a look into a table.
            0x3001.. => 2,
            0x21..=0x7e => 1,
            _ if c.is_whitespace() => 0,
            0x2e80.. => 2,
            _ => 1,
        })
        .sum()
}

/// How many bytes of a text are squeezed; longer texts are not titles.
const MAX_SQUEEZED: usize = 16 * 1024;

/// Removes white space and punctuation, and folds width and case, for comparison.
pub(in crate::read) fn squeeze(text: &str) -> String {
    head(text, MAX_SQUEEZED)
        .chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            c => c,
        })
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
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

    #[test]
    fn plain_text_of_html() {
        let check = |html, expected| assert_eq!(plain(html), expected, "{html}");
        check("<p>第一段&nbsp;a</p>\n<p>第二段<br>b</p><script>x</script>", "第一段 a\n第二段\nb");
        check("1 < 2", "1 < 2");
        check("<table><tr><th>Time</th><td>8:30</td></tr><tr><td>a<td>b</table>c", "Time 8:30\na b\nc");
        check("<details><summary>More</summary>Text</details><center>x</center>y", "More\nText\nx\ny");
        check(
            "<p><ruby>橋<rp>(</rp><rt>はし</rt><rp>)</rp></ruby>の<ruby>工事<rt>こうじ</ruby>。</p>a",
            "橋の工事。\na",
        );
    }

    #[test]
    fn one_line() {
        assert_eq!(line(" a\n\u{202e}b\u{0}  c "), "a b c");
        assert_eq!(line("通\u{3164}\u{ad}告\u{e0041}\u{2060}"), "通告");
        assert_eq!(paragraph("通\u{3164}\u{ad}告\u{200b}"), "通告");
        assert_eq!(line(&"字".repeat(600)).chars().count(), 512);
        assert_eq!(line(&format!("{} {}", "字".repeat(511), "b".repeat(600))).chars().count(), 511);
        assert_eq!(line(&format!("a{}", "\u{301}".repeat(200))).chars().count(), 9);
    }
}
