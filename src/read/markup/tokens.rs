//! Tags and text only: a tokeniser for XML and HTML as found in the wild.
//!
//! It never fails and never recurses. Whatever is not a tag is text; whatever is not closed ends with the document. It
//! does not check well-formedness: a parser that insists on it loses every twelfth real feed.

/// A token of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) enum Token<'a> {
    /// `<name …>` or `<name …/>`.
    Start {
        /// The name as written, with its prefix.
        name: &'a str,
        /// The text between the name and the end of the tag.
        inside: &'a str,
        /// Whether the tag ends with `/>`.
        closed: bool,
    },
    /// `</name>`.
    End {
        /// The name as written, with its prefix.
        name: &'a str,
    },
    /// Text, with references unresolved.
    Text(&'a str),
    /// The content of a CDATA section, to be taken literally.
    Cdata(&'a str),
    /// The content of `<!DOCTYPE …>`.
    Doctype(&'a str),
}

/// The tokens of a document, with their positions. Skips comments and processing instructions.
pub(in crate::read) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    start: usize,
    /// Cleared when a comment has no end: no later one has an end either, and searching again would take quadratic
    /// time.
    comments_close: bool,
    /// Whether there was a document type already; later ones are skipped.
    typed: bool,
}

impl<'a> Tokens<'a> {
    pub(in crate::read) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, start: 0, comments_close: true, typed: false }
    }

    /// Returns where the last token starts, in bytes.
    pub(in crate::read) const fn start(&self) -> usize {
        self.start
    }

    /// Returns where the last token ends, in bytes.
    pub(in crate::read) const fn end(&self) -> usize {
        self.at
    }

    /// Goes back to the start of a token, so that it is returned again.
    pub(in crate::read) const fn back(&mut self, to: usize) {
        self.at = to;
    }

    fn rest(&self) -> &'a str {
        cut(self.text, self.at, self.text.len())
    }

    /// Takes the text up to `mark` and skips the mark; without a mark, takes the rest.
    fn until(&mut self, from: usize, mark: &str) -> &'a str {
        let rest = cut(self.text, from, self.text.len());
        let length = rest.find(mark);
        self.at = from + length.map_or(rest.len(), |length| length + mark.len());
        cut(rest, 0, length.unwrap_or(rest.len()))
    }

    /// Reads the token that starts with `<` here; `None` if it is skipped.
    fn markup(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        let at = self.at;
        if let Some(comment) = rest.strip_prefix("<!--") {
            let end = if self.comments_close { comment_length(comment) } else { None };
            // An unclosed comment would swallow the document, so only its tag is skipped.
            self.comments_close = end.is_some();
            match end {
                Some(length) => self.at = at + 4 + length,
                None => drop(self.until(at + 4, ">")),
            }
            return None;
        }
        if rest.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("<![CDATA[")) {
            return Some(Token::Cdata(self.until(at + 9, "]]>")));
        }
        if rest.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("<!DOCTYPE")) && !self.typed {
            self.typed = true;
            let length = doctype_length(rest);
            self.at = at + length;
            return Some(Token::Doctype(cut(rest, 9, length.saturating_sub(1))));
        }
        if rest.starts_with("<!") || rest.starts_with("<?") {
            self.until(at + 2, ">");
            return None;
        }
        if let Some(name) = rest.strip_prefix("</") {
            let name = name_at_start(name);
            if !name.is_empty() {
                self.until(at + 2 + name.len(), ">");
                return Some(Token::End { name });
            }
            // `</>` and `</ …>` are comments (HTML, section 13.2.5.7).
            if rest.len() > 2 {
                self.until(at + 2, ">");
                return None;
            }
        }
        let name = name_at_start(cut(rest, 1, rest.len()));
        if name.is_empty() { Some(self.text_from(at + 1)) } else { Some(self.start_tag(name)) }
    }

    /// Reads the start tag of this name, which begins with `<` here.
    fn start_tag(&mut self, name: &'a str) -> Token<'a> {
        let from = self.at + 1 + name.len();
        let length = tag_length(cut(self.text, from, self.text.len()));
        let inside = cut(self.text, from, from + length);
        self.at = from + length;
        if self.rest().starts_with('>') {
            self.at += 1;
        }
        // In `<a href=http://a/>` the slash belongs to the address.
        let last = inside.rsplit(char::is_whitespace).next().unwrap_or("");
        let in_value = last.contains('=') && !last.contains(['"', '\'']);
        let (inside, closed) = match inside.strip_suffix('/') {
            Some(shorter) if !in_value => (shorter, true),
            _ => (inside, false),
        };
        Token::Start { name, inside, closed }
    }

    /// Reads text from `self.at`; the bytes before `from` are known to be text.
    fn text_from(&mut self, from: usize) -> Token<'a> {
        let start = self.at;
        let rest = cut(self.text, from, self.text.len());
        self.at = from + rest.find('<').unwrap_or(rest.len());
        Token::Text(cut(self.text, start, self.at))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        while self.at < self.text.len() {
            self.start = self.at;
            if !crate::read::work::charge(1) {
                return None;
            }
            if !self.rest().starts_with('<') {
                return Some(self.text_from(self.at));
            }
            if let Some(token) = self.markup() {
                return Some(token);
            }
        }
        None
    }
}

/// Returns `text` from byte `from` to byte `to`; empty if out of range or inside a character.
pub(in crate::read) fn cut(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or("")
}

/// Returns the length of a comment after its `<!--`, with its end mark (HTML, sections 13.2.5.43 to 13.2.5.52); `None`
/// if unclosed.
fn comment_length(text: &str) -> Option<usize> {
    if let Some(empty) = [">", "->"].iter().find(|end| text.starts_with(**end)) {
        return Some(empty.len());
    }
    let mut rest = text;
    loop {
        // `--->` and `---!>` close a comment, too.
        rest = cut(rest, rest.find("--")?, rest.len()).trim_start_matches('-');
        if let Some(end) = [">", "!>"].iter().find(|end| rest.starts_with(**end)) {
            return Some(text.len() - rest.len() + end.len());
        }
    }
}

fn name_at_start(text: &str) -> &str {
    let begins = |c: char| c.is_alphabetic() || c == '_' || c == ':';
    if !text.starts_with(begins) {
        return "";
    }
    let end =
        text.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/' | '<' | '=' | '"' | '\'')).unwrap_or(text.len());
    cut(text, 0, end)
}

/// Returns the length of a start tag, without its `>`. A `<` outside quotes ends a tag that was not closed.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    let mut previous = b' ';
    for (at, byte) in text.bytes().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'>' || byte == b'<' => return at,
            // A quote opens a value only after `=`; elsewhere it is a mistake.
            None if matches!(byte, b'"' | b'\'') && previous == b'=' => quote = Some(byte),
            None => {}
        }
        if !byte.is_ascii_whitespace() {
            previous = byte;
        }
    }
    // The quote is never closed, so the tag ends at the first `>`.
    text.find('>').unwrap_or(text.len())
}

/// Returns the length of a document type, with its `>`; its internal subset may contain `>` in brackets and quotes.
fn doctype_length(text: &str) -> usize {
    let mut quote = None;
    let mut in_brackets = false;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => in_brackets = true,
            (None, b']') => in_brackets = false,
            (None, b'>') if !in_brackets => return at + 1,
            _ => {}
        }
    }
    text.find('>').map_or(text.len(), |at| at + 1)
}

/// The attributes of a tag, as name and raw value; at most 256.
pub(in crate::read) struct Attributes<'a> {
    rest: &'a str,
    left: usize,
}

pub(in crate::read) const fn attributes(inside: &str) -> Attributes<'_> {
    Attributes { rest: inside, left: 256 }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '='));
        if rest.is_empty() || self.left == 0 {
            return None;
        }
        let length = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\'')).unwrap_or(rest.len());
        let name = cut(rest, 0, length);
        let after = cut(rest, length, rest.len()).trim_start();
        self.left -= 1;
        let Some(value) = after.strip_prefix('=') else {
            self.rest = after;
            return Some((name, ""));
        };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, next) = match quote {
            Some(quote) => {
                let value = cut(value, 1, value.len());
                let end = value.find(quote).unwrap_or(value.len());
                (cut(value, 0, end), cut(value, end + 1, value.len()))
            }
            None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        self.rest = next;
        Some((name, value))
    }
}

/// Returns the raw value of the attribute `name`, ignoring case.
pub(in crate::read) fn attribute<'a>(inside: &'a str, name: &str) -> Option<&'a str> {
    // Most elements lack the attribute; this cheap test rules them out.
    let first = name.bytes().next()?.to_ascii_lowercase();
    let is_there = |(at, byte): (usize, u8)| {
        byte.to_ascii_lowercase() == first
            && inside.as_bytes().get(at..at + name.len()).is_some_and(|here| here.eq_ignore_ascii_case(name.as_bytes()))
    };
    if !inside.bytes().enumerate().any(is_there) {
        return None;
    }
    attributes(inside).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[Token<'_>]) {
        assert_eq!(Tokens::new(text).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn wild_markup() {
        use Token::*;
        check("a < b", &[Text("a "), Text("< b")]);
        check(
            "<a href=x>1</a >",
            &[Start { name: "a", inside: " href=x", closed: false }, Text("1"), End { name: "a" }],
        );
        check("<a t='>'/>", &[Start { name: "a", inside: " t='>'", closed: true }]);
        check("<![CDATA[<b>", &[Cdata("<b>")]);
        check("<!DOCTYPE a [<!ENTITY b \">\">]>c", &[Doctype(" a [<!ENTITY b \">\">]"), Text("c")]);
        for comment in ["<!-->", "<!--->", "<!---->", "<!--a--!>", "<!--a--->", "<!-- a -- b -->", "<!--!>-->"] {
            check(&format!("{comment}c"), &[Text("c")]);
        }
        check("<!-- <a> --><b", &[Start { name: "b", inside: "", closed: false }]);
        check(
            "<t<b>",
            &[Start { name: "t", inside: "", closed: false }, Start { name: "b", inside: "", closed: false }],
        );
    }

    #[test]
    fn wild_attributes() {
        let found: Vec<_> = attributes(" a='1' b = \"2\"c=3 d e=x/y").collect();
        assert_eq!(found, [("a", "1"), ("b", "2"), ("c", "3"), ("d", ""), ("e", "x/y")]);
    }

    #[test]
    fn a_million_attributes_end_soon() {
        let many = " a=1".repeat(1_000_000);
        assert_eq!(attributes(&many).count(), 256);
    }
}
