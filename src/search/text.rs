//! Texts in the form in which they are searched, and where a phrase stands in them.

use crate::model::simplify;

/// What stands between two parts of a folded text that do not touch.
pub(super) const GAP: char = ' ';

/// A part of a text that is shown: plain, or what was searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it was searched for.
    pub is_hit: bool,
}

/// Returns whether a character belongs to a script that sets no spaces between words.
pub(super) const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '々' | '〇'
        | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ac00}'..='\u{d7a3}' | '\u{0e00}'..='\u{0eff}'
        | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// The folded texts of a report.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) title: Folded,
    /// The title, the text and the summary.
    pub(super) all: Folded,
}

/// A folded text: simplified characters of the usual width, lower case, no tone marks; what is neither letter nor digit
/// is a single gap, and spaces between Chinese characters are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    pub(super) chars: Vec<char>,
    /// For each character, the byte where it begins in the text that was folded last; only if that is wanted.
    pub(super) places: Vec<usize>,
}

impl Folded {
    pub(super) fn of(text: &str) -> Self {
        let mut folded = Self::default();
        folded.push(text);
        folded
    }

    /// Folds a text and keeps where each character comes from.
    pub(super) fn with_places(text: &str) -> Self {
        let mut folded = Self::default();
        folded.fold(text, |folded, at| folded.places.push(at));
        folded
    }

    /// Appends a text, after a gap.
    pub(super) fn push(&mut self, text: &str) {
        self.fold(text, |_, _| {});
    }

    fn fold(&mut self, text: &str, mut note: impl FnMut(&mut Self, usize)) {
        // What stands between the last character and the next one.
        let (mut is_gap, mut is_blank) = (!self.chars.is_empty(), false);
        for (at, c) in text.char_indices() {
            let c = plain(simplify(c));
            let is_unspaced = is_unspaced(c);
            if !is_unspaced && !c.is_alphanumeric() {
                is_blank = true;
                is_gap |= c == '\n' || !c.is_whitespace();
                continue;
            }
            if is_gap || is_blank {
                let is_before = self.chars.last().is_some_and(|last| self::is_unspaced(*last));
                if !self.chars.is_empty() && (is_gap || !is_before || !is_unspaced) {
                    self.chars.push(GAP);
                    note(self, at);
                }
                (is_gap, is_blank) = (false, false);
            }
            if c.is_ascii() || is_unspaced {
                self.chars.push(c.to_ascii_lowercase());
                note(self, at);
            } else {
                for lower in c.to_lowercase() {
                    self.chars.push(lower);
                    note(self, at);
                }
            }
        }
    }

    /// Returns where a phrase begins for the first time at or after a place; words must be whole.
    pub(super) fn find(&self, phrase: &[char], from: usize) -> Option<usize> {
        let first = *phrase.first()?;
        let last = self.chars.len().checked_sub(phrase.len())?;
        (from..=last).find(|at| {
            self.chars.get(*at) == Some(&first)
                && self.chars.get(*at..at + phrase.len()) == Some(phrase)
                && self.is_end(at.checked_sub(1), first)
                && phrase.last().is_some_and(|last| self.is_end(Some(at + phrase.len()), *last))
        })
    }

    /// Returns whether the character at a place does not continue a word that ends, or begins, with `edge`.
    fn is_end(&self, at: Option<usize>, edge: char) -> bool {
        let beside = at.and_then(|at| self.chars.get(at));
        is_unspaced(edge) || beside.is_none_or(|c| *c == GAP || is_unspaced(*c))
    }
}

/// Returns the letter without the tone mark of Hanyu Pinyin.
const fn plain(c: char) -> char {
    match c {
        'ā' | 'á' | 'ǎ' | 'à' | 'Ā' | 'Á' | 'Ǎ' | 'À' => 'a',
        'ē' | 'é' | 'ě' | 'è' | 'Ē' | 'É' | 'Ě' | 'È' => 'e',
        'ī' | 'í' | 'ǐ' | 'ì' | 'Ī' | 'Í' | 'Ǐ' | 'Ì' => 'i',
        'ō' | 'ó' | 'ǒ' | 'ò' | 'Ō' | 'Ó' | 'Ǒ' | 'Ò' => 'o',
        'ū' | 'ú' | 'ǔ' | 'ù' | 'Ū' | 'Ú' | 'Ǔ' | 'Ù' => 'u',
        'ǖ' | 'ǘ' | 'ǚ' | 'ǜ' | 'ü' | 'Ü' => 'v',
        c => c,
    }
}

/// Returns the part of a text around the first of several phrases, at most `most` characters long, with all phrases
/// marked.
pub(super) fn around(text: &str, phrases: &[Vec<char>], most: usize) -> Vec<Piece> {
    let folded = Folded::with_places(text);
    let mut marks: Vec<(usize, usize)> = Vec::new();
    for phrase in phrases {
        let mut from = 0;
        while let Some(at) = folded.find(phrase, from).filter(|_| marks.len() < MAX_MARKS) {
            let end = at + phrase.len();
            let begin = folded.places.get(at).copied().unwrap_or(0);
            let last = folded.places.get(end - 1).copied().unwrap_or(begin);
            let width = text.get(last..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            marks.push((begin, last + width));
            from = end;
        }
    }
    marks.sort_unstable();
    cut(text, &marks, most)
}

/// Maximum number of marks of one phrase or several in a text.
const MAX_MARKS: usize = 64;

/// Cuts a window out of a text, somewhat before the first mark, and splits it at the marks.
fn cut(text: &str, marks: &[(usize, usize)], most: usize) -> Vec<Piece> {
    let first = marks.first().map_or(0, |(begin, _)| *begin);
    let before = text.get(..first).unwrap_or("");
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let back = before.char_indices().rev().nth(most / 3).map_or(0, |(at, _)| at);
    let begin = back.max(line);
    let window: usize = text.get(begin..).unwrap_or("").chars().take(most).map(char::len_utf8).sum();
    let end = begin + window;
    let mut pieces: Vec<Piece> = Vec::new();
    let mut push = |from: usize, to: usize, is_hit: bool| {
        let text = text.get(from..to).unwrap_or("").replace('\n', " ");
        if !text.is_empty() {
            pieces.push(Piece { text, is_hit });
        }
    };
    let mut at = begin;
    for (from, to) in marks.iter().filter(|(_, to)| *to <= end) {
        if *from >= at {
            push(at, *from, false);
            push(*from, *to, true);
            at = *to;
        }
    }
    push(at, end, false);
    if begin > 0
        && let Some(first) = pieces.first_mut()
    {
        if first.is_hit {
            pieces.insert(0, Piece { text: "…".to_owned(), is_hit: false });
        } else {
            first.text.insert(0, '…');
        }
    }
    if end < text.len() {
        pieces.push(Piece { text: "…".to_owned(), is_hit: false });
    }
    pieces
}
