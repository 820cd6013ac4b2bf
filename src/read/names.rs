//! Names of people in alphabetic scripts, with what stands before, between and behind them in bylines.

use super::lexicon::words;
use super::markup::text;
use super::tables::tables;

/// The longest text that is read as names, in bytes.
const MAX_TEXT: usize = 400;
/// The longest name, in characters, and the most words of one.
const MAX_NAME: usize = 60;
const MAX_WORDS: usize = 6;
/// The most names of a byline.
const MAX_NAMES: usize = 8;
/// What ends the names of a byline.
const ENDS: &str = "|(<[{@•–—/\\…:;\"“”«»!?&+*#=\n";

/// How much a place may be trusted to hold names and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// A field for names: a single word may be one.
    Field,
    /// A line of the page: a name has two words.
    Line,
}

/// Returns the names in a text that holds names, perhaps behind "By".
pub(super) fn names(text: &str, trust: Trust) -> Vec<String> {
    let text = text::head(text.trim(), MAX_TEXT);
    if text.contains("://") || text.contains("www.") {
        return Vec::new();
    }
    let text = without_by(text).filter(|rest| rest.split_whitespace().nth(1).is_some()).unwrap_or(text);
    let mut found: Vec<String> = Vec::new();
    for piece in pieces(text) {
        if !is_name(&piece, trust) {
            // Behind what is no name stand the role and the medium.
            break;
        }
        if !found.contains(&piece) && found.len() < MAX_NAMES {
            found.push(piece);
        }
    }
    // A single word beside full names is a medium or a place.
    if found.iter().any(|name| name.contains(' ')) {
        found.retain(|name| name.contains(' '));
    }
    found
}

/// Returns the names of a line that begins as a byline: "By Jane Miller and Tom Reed, Staff Writers".
pub(super) fn in_byline(line: &str) -> Vec<String> {
    without_by(line.trim()).map(|rest| names(without_rest(text::head(rest, MAX_TEXT)), Trust::Line)).unwrap_or_default()
}

/// Strips a small word from the end of a byline, which led to the date or place behind it: "Jane Miller on".
fn without_rest(line: &str) -> &str {
    let line = line.trim_end();
    let Some((before, last)) = line.rsplit_once(char::is_whitespace) else { return line };
    let is_small = last.chars().all(char::is_lowercase) && !tables().names.particles.contains(last);
    if is_small && before.split_whitespace().nth(1).is_some() { before } else { line }
}

/// Strips the word before the names of a byline; `None` if there is none.
pub(super) fn without_by(line: &str) -> Option<&str> {
    words().by.iter().find_map(|by| {
        let length = by.chars().count();
        let end = line.char_indices().nth(length).map(|(at, _)| at)?;
        let (head, rest) = (line.get(..end)?, line.get(end..)?);
        let is_apart = rest.starts_with(|c: char| c.is_whitespace() || ":：".contains(c));
        (is_apart && head.to_lowercase() == *by)
            .then(|| rest.trim_start_matches(|c: char| c.is_whitespace() || ":：".contains(c)))
    })
}

/// Splits a text into names at commas and at words such as "and".
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in text.split_whitespace() {
        let (bare, ends_piece) = match word.strip_suffix([',', '、', '،']) {
            Some(bare) => (bare, true),
            None => (word, false),
        };
        let is_and = words().and.contains(bare.to_lowercase().as_str()) && bare.chars().all(char::is_lowercase)
            || matches!(bare, "&" | "/" | ";" | "+");
        // Jane Miller on Tuesday, Jane Miller for the Courier
        let is_full = pieces.last().is_some_and(|piece| piece.contains(' '));
        if is_full && !is_and && bare.chars().all(char::is_lowercase) && !tables().names.particles.contains(bare) {
            break;
        }
        let cut = if is_and { 0 } else { bare.find(|c: char| ENDS.contains(c)).unwrap_or(bare.len()) };
        let is_over = !is_and && cut < bare.len() && !(cut + 1 == bare.len() && bare.ends_with([';', '&', '/']));
        // The address of a writer stands behind the name.
        let is_address = bare.get(cut..).is_some_and(|rest| rest.starts_with('@'));
        let part = if is_address { "" } else { bare.get(..cut).unwrap_or("") };
        if let Some(piece) = pieces.last_mut()
            && !part.is_empty()
            && part != "-"
        {
            if !piece.is_empty() {
                piece.push(' ');
            }
            piece.push_str(part);
        }
        if is_over || part == "-" {
            break;
        }
        if ends_piece || is_and || cut < bare.len() {
            pieces.push(String::new());
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Returns whether a text looks like the name of a person.
fn is_name(text: &str, trust: Trust) -> bool {
    let names = &tables().names;
    let parts: Vec<&str> = text.split_whitespace().collect();
    let is_particle = |part: &str| names.particles.contains(part.to_lowercase().as_str());
    let begins_well = |part: &str| {
        let first = part.trim_start_matches(['‘', '’', '\'']).chars().next();
        first.is_some_and(|c| c.is_alphabetic() && !c.is_lowercase()) || is_particle(part)
    };
    let least = if trust == Trust::Field { 1 } else { 2 };
    let is_strange = |c: char| !(c.is_alphanumeric() || c.is_whitespace() || "-.'’‘‐·".contains(c));
    (least..=MAX_WORDS).contains(&parts.len())
        && text.chars().count() <= MAX_NAME
        && text.chars().filter(|c| c.is_alphabetic()).count() >= 2
        && !text.chars().any(|c| c.is_ascii_digit() || is_strange(c))
        // christian.meier is an account.
        && !(parts.len() == 1 && text.contains('.') && !text.contains(char::is_uppercase))
        && !names.accounts.contains(text.to_lowercase().as_str())
        && !words().by.contains(&text.to_lowercase())
        && !parts.iter().any(|part| {
            words().no_name.contains(part.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().as_str())
        })
        && parts.iter().all(|part| begins_well(part) || trust == Trust::Field && parts.len() == 1)
        && !parts.iter().all(|part| is_particle(part))
        && !names.office_ends_of_korea.iter().any(|end| text.ends_with(end.as_str()) && text != end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_what_stands_around_them() {
        let line = |text| in_byline(text).join("; ");
        assert_eq!(line("By Jane Miller and Tom Reed, Staff Writers | Posted Feb. 3, 2022"), "Jane Miller; Tom Reed");
        assert_eq!(
            line("Von Anna van der Berg, Karl-Heinz Groß und Eva Klein"),
            "Anna van der Berg; Karl-Heinz Groß; Eva Klein"
        );
        assert_eq!(line("Par Élodie Martin"), "Élodie Martin");
        assert_eq!(line("Posted by Jane Miller on"), "Jane Miller");
        assert_eq!(line("Submitted by Jane Miller on Tue,"), "Jane Miller");
        assert_eq!(line("By Jane Miller for the Bridge Gazette"), "Jane Miller");
        for none in
            ["By the river stands a mill", "Von der Redaktion", "By Staff Writer", "Byron Miller", "By 5:09 p.m."]
        {
            assert_eq!(line(none), "", "{none}");
        }
        assert_eq!(names("de Vries", Trust::Field), ["de Vries"]);
        assert_eq!(names("mkoenig", Trust::Field), ["mkoenig"]);
        assert_eq!(names("admin", Trust::Field), [""; 0]);
        assert_eq!(names("Jane Miller, The Bridge Gazette", Trust::Field), ["Jane Miller"]);
        assert_eq!(names("Jane Miller / Courier", Trust::Field), ["Jane Miller"]);
    }
}
