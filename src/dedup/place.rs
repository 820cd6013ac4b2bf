//! A piece of a text, and what the words around it make of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::text::{RANKS, fold};
use super::words::words;

/// Characters around a piece in which the word it belongs to is looked for.
const WORD_WITHIN: usize = 4;
/// Characters before a piece in which a word of a credit is looked for, and most of them between the two.
const CREDIT_WITHIN: usize = 7;
const MAX_CREDITED: usize = 3;

/// `substitution.toml`, whose comments say what each list is for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tables {
    pub(super) exclusive: Vec<Vec<Vec<String>>>,
    pub(super) exclusive_chars: Vec<String>,
    pub(super) denials: String,
    pub(super) denial_words: Vec<String>,
    pub(super) no_denial: Vec<String>,
    pub(super) particles: String,
    pub(super) filler: String,
    pub(super) credits: Vec<String>,
    pub(super) leads: Vec<String>,
    pub(super) per: String,
    pub(super) person: Vec<String>,
    pub(super) titles: Vec<String>,
    pub(super) heads: Vec<String>,
    pub(super) firm: Vec<String>,
    pub(super) look_alike: Vec<String>,
    pub(super) more: Vec<String>,
}

/// The lists.
pub(super) static TABLES: LazyLock<Tables> =
    LazyLock::new(|| match toml::from_str(include_str!("substitution.toml")) {
        Ok(tables) => tables,
        Err(error) => unreachable!("src/dedup/substitution.toml: {error}"),
    });

/// A word of a class, folded, with the numbers of its class and of its list: words of two lists of a class exclude each
/// other.
pub(super) struct Member {
    pub(super) word: Vec<char>,
    class: usize,
    list: usize,
}

/// The words of all classes by their first character.
pub(super) static MEMBERS: LazyLock<HashMap<char, Vec<Member>>> = LazyLock::new(|| {
    let mut members: HashMap<char, Vec<Member>> = HashMap::new();
    for (class, lists) in TABLES.exclusive.iter().enumerate() {
        for (list, word) in
            lists.iter().enumerate().flat_map(|(list, words)| words.iter().map(move |word| (list, word)))
        {
            let word = fold(word);
            if let Some(first) = word.first() {
                members.entry(*first).or_default().push(Member { class, list, word });
            }
        }
    }
    members
});

/// The words of mere wording, in the same form.
pub(super) static WORDING: LazyLock<HashSet<Vec<char>>> =
    LazyLock::new(|| words().wording.iter().map(|word| word.chars().collect()).collect());
/// The words of credits.
static CREDITS: LazyLock<Vec<Vec<char>>> = LazyLock::new(|| TABLES.credits.iter().map(|word| fold(word)).collect());
/// Words that deny, of scripts that separate words.
static DENIALS: LazyLock<HashSet<Vec<char>>> =
    LazyLock::new(|| TABLES.denial_words.iter().map(|word| fold(word)).collect());
/// What stands at the end of a text that was cut off.
pub(super) static MORE: LazyLock<Vec<Vec<char>>> =
    LazyLock::new(|| TABLES.more.iter().map(|word| fold(word)).collect());

/// A piece of a text, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'t> {
    pub(super) text: &'t [char],
    pub(super) from: usize,
    pub(super) to: usize,
}

impl<'t> Place<'t> {
    pub(super) fn piece(&self) -> &'t [char] {
        self.text.get(self.from..self.to).unwrap_or(&[])
    }

    pub(super) fn before(&self, length: usize) -> &'t [char] {
        self.text.get(self.from.saturating_sub(length)..self.from).unwrap_or(&[])
    }

    pub(super) fn after(&self, length: usize) -> &'t [char] {
        self.text.get(self.to..(self.to + length).min(self.text.len())).unwrap_or(&[])
    }

    pub(super) fn part(&self, from: usize, to: usize) -> Self {
        Self { from: self.from + from, to: self.from + to, ..*self }
    }

    /// Returns the piece with the rest of the numbers at its ends.
    pub(super) fn with_digits(&self) -> &'t [char] {
        let is_digit = |c: &char| c.is_ascii_digit() || *c == '.';
        let before = self.text.get(..self.from).unwrap_or(&[]).iter().rev().take_while(|c| is_digit(c)).count();
        let after = self.text.get(self.to..).unwrap_or(&[]).iter().take_while(|c| is_digit(c)).count();
        self.text.get(self.from - before..self.to + after).unwrap_or(&[])
    }

    /// Returns whether all of the piece belongs to words of mere wording.
    pub(super) fn is_wording(&self) -> bool {
        let mut at = self.from;
        while at < self.to {
            let c = self.text.get(at).copied().unwrap_or(' ');
            let word = || {
                // The word may begin before the piece.
                let starts = at.saturating_sub(WORD_WITHIN)..=at;
                starts.filter_map(|from| wording_at(self.text, from)).filter(|end| *end > at).max()
            };
            let own = || {
                let is_own = words().own.iter().any(|word| word.starts_with(c));
                is_own && self.text.get(at + 1).is_some_and(|next| RANKS.contains(next))
            };
            at = match word() {
                Some(end) => end,
                // 该县, 全市
                None if own() => at + 2,
                None if words().function.contains(c) || TABLES.filler.contains(c) => at + 1,
                None => return false,
            };
        }
        true
    }

    /// Returns whether the piece is (part of) the name behind a word of a credit: 记者王晓, but not 记者从县人社局获悉.
    pub(super) fn is_credited(&self) -> bool {
        let before = self.before(CREDIT_WITHIN);
        let is_name = |rest: &[char]| rest.len() <= MAX_CREDITED && !rest.iter().any(|c| words().function.contains(*c));
        let ends = CREDITS.iter().filter_map(|word| {
            let at = before.windows(word.len().max(1)).rposition(|window| window == word.as_slice())?;
            before.get(at + word.len()..)
        });
        ends.into_iter().any(is_name)
    }

    /// Returns whether the piece denies something.
    pub(super) fn denies(&self) -> bool {
        if is_denial(self.piece()) {
            return true;
        }
        let harmless: Vec<char> = TABLES.no_denial.iter().flat_map(|word| word.chars()).collect();
        let around = |at: usize| self.text.get(at.saturating_sub(1)..(at + 2).min(self.text.len())).unwrap_or(&[]);
        let is_harmless =
            |at: usize| around(at).windows(2).any(|pair| harmless.chunks_exact(2).any(|word| word == pair));
        let denial = |at: &usize| self.text.get(*at).is_some_and(|c| TABLES.denials.contains(*c));
        (self.from..self.to).filter(denial).any(|at| !is_harmless(at))
    }

    /// Returns the words of classes that the piece is, is part of, or holds: of each class the list of the longest.
    pub(super) fn lists(&self) -> BTreeMap<usize, usize> {
        let mut found: BTreeMap<usize, &Member> = BTreeMap::new();
        let last = self.to.max(self.from + 1);
        for at in self.from.saturating_sub(WORD_WITHIN)..last.min(self.text.len()) {
            let within = self.text.get(at..(self.to + WORD_WITHIN).min(self.text.len())).unwrap_or(&[]);
            for member in within.first().and_then(|first| MEMBERS.get(first)).into_iter().flatten() {
                let is_longer = || found.get(&member.class).is_none_or(|known| known.word.len() < member.word.len());
                if within.starts_with(&member.word) && at + member.word.len() > self.from && is_longer() {
                    found.insert(member.class, member);
                }
            }
        }
        found.into_iter().map(|(class, member)| (class, member.list)).collect()
    }
}

/// Returns where the longest word of mere wording ends that begins at a place.
fn wording_at(text: &[char], from: usize) -> Option<usize> {
    (2..=WORD_WITHIN).rev().find_map(|length| {
        let word = text.get(from..from + length)?;
        WORDING.contains(word).then_some(from + length)
    })
}

/// Returns whether a piece is a word that denies, of a script that separates words.
pub(super) fn is_denial(piece: &[char]) -> bool {
    DENIALS.contains(piece)
}
