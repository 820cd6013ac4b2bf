//! From bytes to characters: finds out which charset a document really uses.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use super::{Fault, FaultKind};

/// How far into a document to look for its own charset declaration, in bytes.
const DECLARATION: usize = 64 * 1024;

/// Decodes a document. The charset comes from, in this order: the source's config, a byte order mark, the shape of
/// UTF-16, valid multi-byte UTF-8 with few stray bytes (whatever is declared), HTTP, the document's own declaration, statistics. Every label
/// of the GB family means GB18030, a superset of the others.
///
/// Returns a fault if more than 1 % of the characters are U+FFFD.
pub(super) fn decode(bytes: &[u8], content_type: Option<&str>, configured: Option<&str>) -> (String, Option<Fault>) {
    let (encoding, text) = choose(bytes, content_type, configured);
    let strange = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
    let fault = (strange > 0 && strange * 100 > text.chars().count()).then(|| {
        Fault::new(
            FaultKind::Mojibake,
            encoding.name(),
            format!("{strange} characters cannot be decoded as {}; set `charset` for this source", encoding.name()),
        )
    });
    (text, fault)
}

fn choose(bytes: &[u8], content_type: Option<&str>, configured: Option<&str>) -> (&'static Encoding, String) {
    if let Some(encoding) = configured.and_then(labelled) {
        return (encoding, read(bytes, encoding));
    }
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return (encoding, read(bytes.get(length..).unwrap_or(&[]), encoding));
    }
    if let Some(encoding) = sixteen_bits(bytes) {
        return (encoding, read(bytes, encoding));
    }
    // A document cut off inside a character is still UTF-8.
    let valid =
        std::str::from_utf8(bytes).map_or_else(|e| if e.error_len().is_none() { e.valid_up_to() } else { 0 }, str::len);
    let is_ascii = bytes.is_ascii();
    if !is_ascii && (valid > 0 && valid + 4 > bytes.len() || is_damaged_utf8(bytes, MIN_PER_STRAY)) {
        return (UTF_8, read(bytes, UTF_8));
    }
    let http = content_type.and_then(charset_parameter).and_then(labelled);
    let declared = http.or_else(|| declaration(bytes).and_then(|label| labelled(&label)));
    match declared {
        // Seven-bit charsets look like ASCII but are not.
        Some(encoding) if is_ascii && encoding == encoding_rs::ISO_2022_JP => (encoding, read(bytes, encoding)),
        _ if is_ascii => (UTF_8, read(bytes, UTF_8)),
        // If the declared charset does not fit the bytes, the guess wins if it has fewer unreadable characters.
        Some(encoding) if encoding != UTF_8 => {
            let text = read(bytes, encoding);
            if text.contains(char::REPLACEMENT_CHARACTER) {
                let (guess, guessed) = guess(bytes);
                if strange(&guessed) < strange(&text) { (guess, guessed) } else { (encoding, text) }
            } else {
                (encoding, text)
            }
        }
        Some(_) if is_damaged_utf8(bytes, 1) => (UTF_8, read(bytes, UTF_8)),
        Some(_) => mostly_utf8(bytes),
        None => guess(bytes),
    }
}

/// How many characters of several bytes a document must have for each stray byte to be UTF-8. In GB18030, two bytes of
/// three are no UTF-8, in charsets of one byte nearly all.
const MIN_PER_STRAY: usize = 3;

/// Decodes a text whose charset nobody tells; returns its name, too. Bytes of the GB family are `GB18030`.
pub fn decoded(bytes: &[u8]) -> (&'static str, String) {
    let (encoding, text) = choose(bytes, None, None);
    let name = if encoding.name().eq_ignore_ascii_case("gbk") { "GB18030" } else { encoding.name() };
    (if name == "gb18030" { "GB18030" } else { name }, text)
}

/// Returns whether a document has this many characters of UTF-8 for each stray byte: it is UTF-8 but for a few stray bytes, as where a text of another charset was pasted in.
fn is_damaged_utf8(bytes: &[u8], least: usize) -> bool {
    let (mut whole, mut stray) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        stray += usize::from(!chunk.invalid().is_empty());
    }
    whole > 0 && whole >= stray * least
}

/// Decodes a document that is declared as UTF-8 but invalid: a few bytes are broken, or the charset is another one.
fn mostly_utf8(bytes: &[u8]) -> (&'static Encoding, String) {
    let text = read(bytes, UTF_8);
    let (guess, guessed) = guess(bytes);
    if strange(&guessed) < strange(&text) && strange(&text) * 100 > text.chars().filter(|c| !c.is_ascii()).count() * 5 {
        (guess, guessed)
    } else {
        (UTF_8, text)
    }
}

fn guess(bytes: &[u8]) -> (&'static Encoding, String) {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes.get(..bytes.len().min(256 * 1024)).unwrap_or(bytes), true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    let guess = if guess == encoding_rs::GBK { GB18030 } else { guess };
    // Short Chinese texts are often mistaken for something else: GB18030 wins if every byte is valid and the non-ASCII
    // part decodes mostly to common Han characters.
    let chinese = read(bytes, GB18030);
    if guess != GB18030 && strange(&chinese) == 0 && is_chinese(&chinese) {
        return (GB18030, chinese);
    }
    (guess, read(bytes, guess))
}

fn strange(text: &str) -> usize {
    text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count()
}

/// Returns whether the non-ASCII characters are nearly all GB2312 Han characters or Chinese punctuation.
fn is_chinese(text: &str) -> bool {
    let (mut han, mut other) = (0_usize, 0_usize);
    for c in text.chars().filter(|c| !c.is_ascii()) {
        match c {
            '\u{4e00}'..='\u{9fff}'
            | '\u{3000}'..='\u{3011}'
            | '\u{ff00}'..='\u{ff5e}'
            | '“'
            | '”'
            | '—'
            | '…'
            | '·' => {
                // GB2312 holds the common characters; a wrong guess lands anywhere in GB18030.
                if is_common(c) { han += 1 } else { other += 1 }
            }
            _ => other += 1,
        }
    }
    han >= 4 && han > other * 6
}

/// Returns whether the character is in GB2312, where the second byte is never below 0xA1.
fn is_common(c: char) -> bool {
    let mut buffer = [0; 4];
    let (bytes, _, _) = GB18030.encode(c.encode_utf8(&mut buffer));
    matches!(*bytes, [0xa1..=0xf7, 0xa1..=0xfe])
}

fn read(bytes: &[u8], encoding: &'static Encoding) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// Returns the encoding for a label (WHATWG Encoding, section 4.2); GB18030 for the whole GB family.
fn labelled(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().to_ascii_lowercase();
    if label.starts_with("gb") || label.starts_with("x-gb") || label.contains("2312") || label == "cp936" {
        return Some(GB18030);
    }
    Encoding::for_label(label.as_bytes())
}

/// Returns whether a charset has this name. Sites may misspell it, a config may not.
pub fn is_charset(label: &str) -> bool {
    let label = label.trim().to_ascii_lowercase();
    label == "cp936" || Encoding::for_label(label.as_bytes()).is_some()
}

/// Detects UTF-16 without a byte order mark, from the zero bytes around the first `<`.
fn sixteen_bits(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes.get(..4)? {
        [b'<', 0, b, 0] if *b != 0 => Some(UTF_16LE),
        [0, b'<', 0, b] if *b != 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// Returns the `charset` of a media type (RFC 9110, section 8.3.2).
fn charset_parameter(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// The longest meta element in which a charset is looked for, in bytes.
const MAX_META: usize = 1024;

/// Returns the document's own declaration: the XML declaration, or `charset=` anywhere in a `<meta>`.
fn declaration(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(DECLARATION))?;
    let head = String::from_utf8_lossy(head);
    let start = head.trim_start();
    if let Some(declaration) =
        start.strip_prefix("<?xml").and_then(|rest| rest.split_once('>')).map(|(inside, _)| inside)
        && let Some(label) = super::markup::tokens::attribute(declaration.trim_end_matches('?'), "encoding")
    {
        return Some(label.to_owned());
    }
    let lower = head.to_ascii_lowercase();
    lower.match_indices("<meta").find_map(|(at, _)| {
        let tag = super::markup::text::head(lower.get(at..)?, MAX_META).split_once('>')?.0;
        let value = tag.split_once("charset")?.1.trim_start().strip_prefix('=')?;
        let label: String = value
            .trim_start_matches([' ', '"', '\''])
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "-_:".contains(*c))
            .collect();
        (!label.is_empty()).then_some(label)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], content_type: Option<&str>, expected: &str) {
        let (text, fault) = decode(bytes, content_type, None);
        assert_eq!(text, expected);
        assert_eq!(fault, None);
    }

    #[test]
    fn the_chain() {
        let gbk = GB18030.encode("<t>阳泉市人民政府关于道路封闭的通告</t>").0.into_owned();
        let expected = "<t>阳泉市人民政府关于道路封闭的通告</t>";
        check(&gbk, None, expected);
        check(&gbk, Some("text/xml; charset=utf-8"), expected);
        check(&gbk, Some("text/xml; charset=gb2312"), expected);
        check(expected.as_bytes(), Some("text/xml; charset=gbk"), expected);
        check(expected.as_bytes(), Some("text/xml; charset=x-nosuch"), expected);
        let sixteen: Vec<u8> = expected.encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&sixteen, None, expected);
        let stray = [b"<t>\xe9", expected.as_bytes()].concat();
        for declared in [None, Some("text/xml; charset=gbk"), Some("text/xml; charset=utf-8")] {
            assert_eq!(decode(&stray, declared, None).0, format!("<t>\u{fffd}{expected}"), "{declared:?}");
        }
        let declared = "<?xml version=\"1.0\" encoding=\"gb2312\"?><t>平定县</t>";
        check(&GB18030.encode(declared).0, None, declared);
        check("﻿<t>é</t>".as_bytes(), Some("text/xml; charset=iso-8859-1"), "<t>é</t>");
    }

    #[test]
    fn four_byte_characters() {
        let text = "<t>㐀𠀀 阳泉市</t>";
        check(&GB18030.encode(text).0, Some("text/xml; charset=gbk"), text);
    }

    #[test]
    fn mojibake_is_told() {
        let mut bytes = b"<t>".to_vec();
        bytes.extend([0x81].repeat(40));
        let (_, fault) = decode(&bytes, Some("text/xml; charset=utf-8"), Some("utf-8"));
        assert_eq!(fault.map(|f| f.kind), Some(FaultKind::Mojibake));
    }
}
