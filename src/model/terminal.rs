//! Making external text safe for terminals, logs and tables.

/// Maximum length of a line made from external text, in characters.
const MAX_LINE: usize = 500;

/// Returns whether a character could control the display: a control character (C0, C1), a bidirectional formatting
/// character (Unicode Standard Annex 9), a line separator, or a similar invisible character.
const fn steers(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200d}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns whether a character is a control character, or changes the order in which the text around it is read: a name that
/// holds one reads as another. Joiners and other spaces without width stay: scripts and emoji need them.
pub const fn misleads(c: char) -> bool {
    steers(c) && !matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{feff}')
}

/// Escapes a character as in JSON (RFC 8259, section 7), so that JSON stays valid: as its one or two UTF-16 units.
fn escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}

/// Escapes every character that could control a terminal, except line ends and tabs.
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

/// Converts a text to one line of at most 500 characters, with control characters escaped.
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

/// Formats a number with its noun in the singular or plural.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Formats an error with all its causes, separated by colons.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_they_are_written() {
        assert!("\0\u{7}\u{9b}\u{61c}\u{200e}\u{2028}\u{202e}\u{2066}\u{2069}\u{fff9}\u{e0041}".chars().all(misleads));
        assert!(!"阳泉 a\u{3000}\u{200d}\u{200b}\u{feff}é".contains(misleads));
    }

    #[test]
    fn nothing_steers_a_terminal_and_everything_else_stays() {
        assert_eq!(printable("a\u{1b}[31m\u{9b}b\u{202e}c\n阳泉 é"), "a\\u001b[31m\\u009bb\\u202ec\n阳泉 é");
        assert_eq!(one_line("a\nb"), "a\\u000ab");
        let long = one_line(&"啊".repeat(600));
        assert_eq!((long.chars().count(), long.ends_with('…')), (501, true));
    }
}
