//! From markup to plain text: collapses white space, removes unwanted characters, and measures what is left.

use std::borrow::Cow;

pub(in crate::read) use super::references::{Definitions, is_allowed, resolve};
use super::tokens::{Token, Tokens, cut};
use crate::read::tables::elements::{elements, holds};
use crate::read::work;

/// The most characters of a title, a label or a name.
const TITLE: usize = 512;
/// The most combining marks in a row; longer runs are attacks on the reader's screen.
const MARKS: usize = 8;

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
    Tokens::new(text).any(|token| match token {
        Token::Start { name, .. } | Token::End { name } => holds(&elements().markup, name),
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
