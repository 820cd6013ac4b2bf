//! The usual slips of a Chinese keyboard: full-width characters where TOML wants ASCII. They are told by name, and mended in
//! a copy of the same length, so that everything else in the file can be checked, too, and nothing is told twice.

use std::ops::Range;

/// What was written instead of ASCII, and what was meant.
const PUNCTUATION: [(char, char); 16] = [
    ('，', ','),
    ('、', ','),
    ('：', '='),
    ('＝', '='),
    ('。', '.'),
    ('．', '.'),
    ('（', '['),
    ('）', ']'),
    ('【', '['),
    ('】', ']'),
    ('［', '['),
    ('］', ']'),
    ('｛', '{'),
    ('｝', '}'),
    ('＃', '#'),
    ('　', ' '),
];
/// Most slips of a file that are told.
const MAX_SLIPS: usize = 100;

/// A full-width character outside of a text in quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slip {
    /// Where it is.
    pub(super) span: Range<usize>,
    /// What is wrong, and what to do.
    pub(super) told: (String, String),
}

/// Returns the ASCII character that a full-width one stands for.
pub(super) fn half_width(c: char) -> Option<char> {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        '\u{3000}' => Some(' '),
        _ => None,
    }
}

/// Finds the slips in a file, and returns its text as it was meant, each byte where it was. Texts in quotes stay as they
/// are, whatever they hold.
pub(super) fn mended(text: &str) -> Option<(String, Vec<Slip>)> {
    if text.is_ascii() {
        return None;
    }
    // Most files have no slip, and need no copy.
    let mut mended: Option<String> = None;
    let mut slips: Vec<Slip> = Vec::new();
    let mut state = State::Plain;
    let mut at = 0;
    // What a run of slips is longer than what was meant: the room is left behind it, as 【【 is one mark and １０ one number.
    let mut room = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or("");
        let (meant, next) = state.read(c, rest);
        // Both quotes of a text and all slips of a line are one fault.
        if let Some(meant) = meant {
            tell(text, at, c, meant, &mut slips);
            mended.get_or_insert_with(|| text.get(..at).unwrap_or("").to_owned()).push(meant);
            room += c.len_utf8() - meant.len_utf8();
            at += c.len_utf8();
        } else {
            let length =
                if matches!(next, State::Long(_)) != matches!(state, State::Long(_)) { 3 } else { c.len_utf8() };
            if let Some(out) = &mut mended {
                out.extend(std::iter::repeat_n(' ', std::mem::take(&mut room)));
                out.push_str(rest.get(..length).unwrap_or(rest));
            }
            at += length;
        }
        state = next;
    }
    let mut out = mended?;
    out.extend(std::iter::repeat_n(' ', room));
    Some((out, slips))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Plain,
    Comment,
    /// In a text that this ASCII quote ends.
    Quoted(char),
    /// The same, behind a backslash.
    Escaped,
    /// In a text of several lines.
    Long(char),
    /// In a text that a Chinese quote began.
    Chinese,
}

impl State {
    /// Returns what a character was meant to be, if it is a slip, and the state behind it.
    fn read(self, c: char, rest: &str) -> (Option<char>, Self) {
        match self {
            Self::Comment => (None, if c == '\n' { Self::Plain } else { self }),
            Self::Escaped => (None, Self::Quoted('"')),
            Self::Quoted('"') if c == '\\' => (None, Self::Escaped),
            Self::Quoted(quote) => (None, if c == quote || c == '\n' { Self::Plain } else { self }),
            Self::Long(quote) => {
                let ends = [quote; 3].iter().collect::<String>();
                (None, if rest.starts_with(&ends) { Self::Plain } else { self })
            }
            Self::Chinese => match c {
                '”' | '“' | '＂' | '’' | '‘' => (Some('"'), Self::Plain),
                '"' | '\n' => (None, Self::Plain),
                _ => (None, self),
            },
            Self::Plain => match c {
                '#' => (None, Self::Comment),
                '＃' => (Some('#'), Self::Comment),
                '"' if rest.starts_with("\"\"\"") => (None, Self::Long('"')),
                '\'' if rest.starts_with("'''") => (None, Self::Long('\'')),
                '"' | '\'' => (None, Self::Quoted(c)),
                '“' | '”' | '＂' | '‘' | '’' => (Some('"'), Self::Chinese),
                c => {
                    let known = PUNCTUATION.iter().find(|(wide, _)| *wide == c).map(|(_, meant)| *meant);
                    (known.or_else(|| half_width(c)), self)
                }
            },
        }
    }
}

/// Adds a slip, unless its line has one of its kind already.
fn tell(text: &str, at: usize, c: char, meant: char, slips: &mut Vec<Slip>) {
    let is_quote = |c: char| matches!(c, '“' | '”' | '＂' | '‘' | '’');
    let same_line = |slip: &&mut Slip| text.get(slip.span.end..at).is_some_and(|between| !between.contains('\n'));
    if slips.len() >= MAX_SLIPS || slips.last_mut().filter(same_line).is_some() {
        return;
    }
    let told = if is_quote(c) {
        ("`“ ”` are Chinese quotes".to_owned(), "write straight quotes: \"…\"".to_owned())
    } else {
        (
            format!("`{c}` is a full-width character"),
            format!("write the half-width `{meant}` (switch the input method to English)"),
        )
    };
    slips.push(Slip { span: at..at + c.len_utf8(), told });
}

/// Returns the remedy for a text with full-width characters, before another one that there may be.
pub(super) fn remedy(narrowed: &str, help: &str) -> String {
    if help.is_empty() {
        format!("there are full-width characters in it: write {narrowed}")
    } else {
        format!("there are full-width characters in it: write {narrowed}; if not: {help}")
    }
}

/// Returns a text in quotes as it may have been meant, if it holds full-width characters that have a half-width form.
pub(super) fn narrowed(text: &str) -> Option<String> {
    let narrow = |c: char| half_width(c).unwrap_or(if c == '。' { '.' } else { c });
    let narrowed: String = text.chars().map(narrow).collect();
    (narrowed != text).then_some(narrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_mended_where_they_stand() {
        for (text, expected, slips) in [
            ("a = “甲”\n", "a = \"  甲\"  \n", 1),
            ("a = \"甲，乙\" # 注：（）\n", "a = \"甲，乙\" # 注：（）\n", 0),
            ("a = [\"x\"，\"y\"]\nb：1\n", "a = [\"x\",  \"y\"]\nb=  1\n", 2),
            ("a = \"\"\"\n“，\n\"\"\"\nb = １\n", "a = \"\"\"\n“，\n\"\"\"\nb = 1  \n", 1),
            ("［［a］］\nb = １２\n", "[[    a]]    \nb = 12    \n", 2),
            ("　a = 1\n", "   a = 1\n", 1),
            ("a = 'x，'\n", "a = 'x，'\n", 0),
            ("a = \"\\\"，\"\nb = \"甲\"\n", "a = \"\\\"，\"\nb = \"甲\"\n", 0),
            ("a = \"\"\nb = \"甲\"\n", "a = \"\"\nb = \"甲\"\n", 0),
        ] {
            let (mended, found) = mended(text).unwrap_or_else(|| (text.to_owned(), Vec::new()));
            assert_eq!((mended.as_str(), found.len()), (expected, slips), "{text}");
            assert_eq!(mended.len(), text.len());
        }
        assert_eq!(narrowed("http：／／a．cn").as_deref(), Some("http://a.cn"));
        assert_eq!(narrowed("http://a.cn"), None);
    }
}
