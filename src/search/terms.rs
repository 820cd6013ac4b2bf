//! The terms of a text, as the numbers under which the index keeps them.

use std::collections::HashSet;

use xxhash_rust::xxh3::xxh3_64;

use super::text::{Folded, GAP, is_unspaced};

/// Maximum number of different terms of one item, so that no text, whatever it holds, makes the index grow beyond it.
pub(super) const MAX_TERMS: usize = 8192;
/// Longest text whose terms need not be counted, in characters.
const SHORT: usize = MAX_TERMS;

/// Number of bits of a term.
const BITS: u32 = 44;
/// Number of bits of a character.
const CHAR: u32 = 21;

/// What a term says of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its title or its text has these two characters.
    Pair = 0,
    /// Its title has them.
    TitlePair = 1,
    /// Its title or its text has this word.
    Word = 2,
    /// Its title has it.
    TitleWord = 3,
    /// It is in this region or below it.
    Region = 4,
    /// It is from this source.
    Source = 5,
    /// It has this label.
    Topic = 6,
}

/// Number of a term; the kind is in the bits above [`BITS`].
pub(super) type Term = u64;

const fn term(kind: Kind, value: u64) -> Term {
    (kind as u64) << BITS | value
}

/// Returns the term of a word, a region, a source or a label.
pub(super) fn named(kind: Kind, name: &str) -> Term {
    term(kind, xxh3_64(name.as_bytes()) >> (64 - BITS))
}

/// Returns the term of a label, however it is written.
pub(super) fn topic(name: &str) -> Term {
    named(Kind::Topic, &Folded::of(name).chars.iter().collect::<String>())
}

fn pair(kind: Kind, first: char, second: Option<char>) -> Term {
    term(kind, u64::from(u32::from(first)) << CHAR | u64::from(second.map_or(0, u32::from)))
}

/// Returns the terms of all pairs that begin with a character: the first, and the one after the last.
pub(super) fn beginning(kind: Kind, first: char) -> (Term, Term) {
    let from = pair(kind, first, None);
    (from, from + (1 << CHAR))
}

/// Which kinds the terms of a text have: of pairs, and of words.
pub(super) const TEXT: (Kind, Kind) = (Kind::Pair, Kind::Word);
/// The same for a title alone.
pub(super) const TITLE: (Kind, Kind) = (Kind::TitlePair, Kind::TitleWord);

/// Calls `tell` with each term of a folded text, in order.
pub(super) fn each(chars: &[char], (pairs, words): (Kind, Kind), mut tell: impl FnMut(Term)) {
    let mut word = String::new();
    let mut rest = chars.iter().copied().peekable();
    while let Some(c) = rest.next() {
        if is_unspaced(c) {
            tell(pair(pairs, c, rest.peek().copied().filter(|next| is_unspaced(*next))));
        } else if c != GAP {
            word.push(c);
            if rest.peek().is_none_or(|next| *next == GAP || is_unspaced(*next)) {
                tell(named(words, &word));
                word.clear();
            }
        }
    }
}

/// Appends the terms of an item's title and text; there may be some twice.
pub(super) fn of_item(title: &Folded, text: &Folded, mut tell: impl FnMut(Term)) {
    each(&title.chars, TITLE, &mut tell);
    each(&title.chars, TEXT, &mut tell);
    if text.chars.len() <= SHORT {
        each(&text.chars, TEXT, tell);
        return;
    }
    let mut known = HashSet::new();
    each(&text.chars, TEXT, |term| {
        if known.len() < MAX_TERMS && known.insert(term) {
            tell(term);
        }
    });
}

/// Returns the terms that a text with this phrase has, and whether they prove that it has the phrase. A single character
/// stands for all pairs that begin with it, which is for the caller.
pub(super) fn of_phrase(phrase: &[char], kinds: (Kind, Kind)) -> (Vec<Term>, bool) {
    let mut terms = Vec::new();
    each(phrase, kinds, |term| terms.push(term));
    // The last character of a run stands with any other in the text.
    let mut fixed = Vec::new();
    let mut at = 0;
    each_end(phrase, |is_open| {
        if !is_open {
            fixed.extend(terms.get(at).copied());
        }
        at += 1;
    });
    let is_pair = phrase.len() == 2 && phrase.iter().all(|c| is_unspaced(*c));
    let is_word = !phrase.iter().any(|c| is_unspaced(*c) || *c == GAP);
    let is_proven = is_pair || is_word;
    fixed.sort_unstable();
    fixed.dedup();
    (fixed, is_proven)
}

/// Tells for each term of a phrase, in order, whether the phrase leaves open what follows in it.
fn each_end(phrase: &[char], mut tell: impl FnMut(bool)) {
    for (at, c) in phrase.iter().enumerate() {
        let next = phrase.get(at + 1);
        if is_unspaced(*c) {
            tell(next.is_none_or(|next| !is_unspaced(*next)));
        } else if *c != GAP && next.is_none_or(|next| *next == GAP || is_unspaced(*next)) {
            tell(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        let mut terms = Vec::new();
        each(&Folded::of(text).chars, TEXT, |term| terms.push(term));
        terms.len()
    }

    #[test]
    fn each_character_begins_a_term_and_a_word_is_one() {
        assert_eq!(count("阳泉市"), 3);
        assert_eq!(count("Covid-19疫情"), 4);
        assert_eq!(count("关  于"), count("关于"));
        assert_eq!(count(""), 0);
    }

    #[test]
    fn terms_fit_beside_the_number_of_a_document() {
        assert!(term(Kind::Topic, (1 << BITS) - 1) < 1 << 54);
        assert!(u32::from(char::MAX) < 1 << CHAR);
    }

    #[test]
    fn two_characters_prove_themselves_and_more_do_not() {
        let check = |phrase: &str, terms: usize, is_proven: bool| {
            let (found, proven) = of_phrase(&Folded::of(phrase).chars, TEXT);
            assert_eq!((found.len(), proven), (terms, is_proven), "{phrase}");
        };
        check("阳泉", 1, true);
        check("卫生城市", 3, false);
        check("泉", 0, false);
        check("covid", 1, true);
        check("covid 19", 2, false);
        check("12345热线", 2, false);
        check("a泉", 1, false);
    }

    #[test]
    fn a_text_of_any_length_has_no_more_terms_than_the_limit() {
        let text: String = (0..200_000_u32).filter_map(|at| char::from_u32(0x4e00 + at * 7919 % 20_000)).collect();
        let mut found = HashSet::new();
        of_item(&Folded::default(), &Folded::of(&text), |term| {
            found.insert(term);
        });
        assert_eq!(found.len(), MAX_TERMS);
    }
}
