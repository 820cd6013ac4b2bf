//! Text from outside made fit for a terminal, a journal and a line of a table.

/// The longest line that is made of what a site says, in characters.
const MAX_LINE: usize = 500;

/// Does a character steer what shows it: a control character (C0, C1), a mark of direction (Unicode Standard Annex 9), or
/// a separator of lines?
const fn steers(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

/// As in JSON, so that what is JSON stays so: all that steers has at most four digits.
fn escape(out: &mut String, c: char) {
    out.push_str(&format!("\\u{:04x}", u32::from(c)));
}

/// A text with every character escaped that would steer a terminal; line ends and tabs stay.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) && !matches!(c, '\n' | '\t') {
            escape(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

/// A text as one line of at most 500 characters, with what would steer a terminal escaped.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4 * MAX_LINE));
    for (number, c) in text.chars().enumerate() {
        if number >= MAX_LINE {
            out.push('…');
            break;
        }
        if steers(c) { escape(&mut out, c) } else { out.push(c) }
    }
    out
}

/// A number of things, with the word for them.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// An error with its causes, as one sentence.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal_and_everything_else_stays() {
        assert_eq!(printable("a\u{1b}[31m\u{9b}b\u{202e}c\n阳泉 é"), "a\\u001b[31m\\u009bb\\u202ec\n阳泉 é");
        assert_eq!(one_line("a\nb"), "a\\u000ab");
        let long = one_line(&"啊".repeat(600));
        assert_eq!((long.chars().count(), long.ends_with('…')), (501, true));
    }
}
