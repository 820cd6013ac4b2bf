//! What pages say around their stories, in all languages: links, labels, headings, notices.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use super::languages::{LANGUAGES, Language};
use super::page_words::{Label, PageWords};

/// A label in some language.
#[derive(Debug)]
pub(in crate::read) struct LabelWord {
    pub(in crate::read) word: String,
    pub(in crate::read) label: Label,
    /// Whether it counts only with a colon behind it, because it may begin a sentence: "Source code is…".
    pub(in crate::read) needs_colon: bool,
}

/// The words of all languages, by their role.
#[derive(Debug)]
pub(in crate::read) struct Words {
    /// Links to the next page.
    pub(in crate::read) next: HashSet<String>,
    /// Links to any page of a list.
    pub(in crate::read) paging: HashSet<String>,
    /// Link texts that do not say where the link leads.
    pub(in crate::read) generic: HashSet<String>,
    /// What stands before titles in links, longest first.
    pub(in crate::read) title_prefixes: Vec<String>,
    /// What stands before the names of authors, longest first, each with the space behind it.
    pub(in crate::read) by: Vec<String>,
    pub(in crate::read) and: HashSet<String>,
    /// What stands behind the name of an author, longest first.
    pub(in crate::read) role: Vec<String>,
    pub(in crate::read) no_name: HashSet<String>,
    pub(in crate::read) before_date: HashSet<String>,
    pub(in crate::read) title_columns: Vec<String>,
    pub(in crate::read) popular: Vec<String>,
    /// Headings of the files that belong to a text, in small letters.
    pub(in crate::read) attachments: HashSet<String>,
    /// Written without white space, in small letters.
    pub(in crate::read) ends_story: Phrases,
    pub(in crate::read) ends_story_always: Phrases,
    /// Written like those of `ends_story`.
    pub(in crate::read) ends_story_above_links: Phrases,
    pub(in crate::read) missing: Phrases,
    pub(in crate::read) clock: Phrases,
    pub(in crate::read) boilerplate_begins: Phrases,
    pub(in crate::read) boilerplate_sure: Phrases,
    pub(in crate::read) boilerplate_holds: Phrases,
    pub(in crate::read) boilerplate_or_prose: Phrases,
    pub(in crate::read) tools: HashSet<String>,
    pub(in crate::read) forbids_reprint: Phrases,
    labels: ByFirst<LabelWord>,
}

impl Words {
    fn of(languages: &[Language]) -> Self {
        type Role = fn(&PageWords) -> &Vec<String>;
        let all = |role: Role| languages.iter().flat_map(move |language| role(&language.page)).cloned();
        let phrases = |role: Role| Phrases::new(all(role));
        let next: HashSet<String> = all(|page| &page.next).collect();
        let paging: HashSet<String> = all(|page| &page.paging).chain(next.iter().cloned()).collect();
        Self {
            generic: all(|page| &page.generic).chain(paging.iter().cloned()).collect(),
            next,
            paging,
            title_prefixes: longest_first(all(|page| &page.title_prefixes)),
            by: longest_first(all(|page| &page.by)),
            and: all(|page| &page.and).collect(),
            role: longest_first(all(|page| &page.role)),
            no_name: all(|page| &page.no_name).collect(),
            before_date: all(|page| &page.before_date).collect(),
            title_columns: all(|page| &page.title_columns).collect(),
            popular: all(|page| &page.popular).collect(),
            attachments: all(|page| &page.attachments).collect(),
            ends_story: Phrases::new(all(|page| &page.ends_story).map(|phrase| squeezed(&phrase))),
            ends_story_above_links: Phrases::new(
                all(|page| &page.ends_story_above_links).map(|phrase| squeezed(&phrase)),
            ),
            ends_story_always: phrases(|page| &page.ends_story_always),
            missing: phrases(|page| &page.missing),
            clock: phrases(|page| &page.clock),
            boilerplate_begins: phrases(|page| &page.boilerplate_begins),
            boilerplate_sure: phrases(|page| &page.boilerplate_sure),
            boilerplate_holds: phrases(|page| &page.boilerplate_holds),
            boilerplate_or_prose: phrases(|page| &page.boilerplate_or_prose),
            tools: all(|page| &page.tools).collect(),
            forbids_reprint: phrases(|page| &page.forbids_reprint),
            labels: labels(languages),
        }
    }

    /// Returns the labels that begin with a character, longest first. Most characters begin none.
    pub(in crate::read) fn labels_from(&self, first: char) -> &[LabelWord] {
        self.labels.from(first)
    }
}

/// Returns a heading as lines are compared with it: without white space and the mark at its end, in small letters.
fn squeezed(phrase: &str) -> String {
    let squeezed: String = phrase.to_lowercase().split_whitespace().collect();
    squeezed.trim_end_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

fn longest_first(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut words: Vec<String> = words.collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    words
}

fn labels(languages: &[Language]) -> ByFirst<LabelWord> {
    let mut by_first: BTreeMap<char, Vec<LabelWord>> = BTreeMap::new();
    for language in languages {
        for (label, words) in language.page.labels() {
            for written in words {
                // 来自： may be a label, 来自北京 is none.
                let word = written.trim_end_matches('：');
                let needs_colon = !language.joined || word.len() < written.len();
                let Some(first) = word.chars().next() else { continue };
                let same = by_first.entry(first).or_default();
                if same.iter().all(|known| known.word != word) {
                    same.push(LabelWord { word: word.to_owned(), label, needs_colon });
                }
            }
        }
    }
    for same in by_first.values_mut() {
        same.sort_by_key(|label| std::cmp::Reverse(label.word.len()));
    }
    ByFirst::new(by_first)
}

/// Values by the first character of what they belong to. Most characters of a text begin nothing, which a look at one bit
/// tells for nearly all of them.
#[derive(Debug, Default)]
struct ByFirst<T> {
    /// A bit for each character, by its number modulo 1,024.
    bits: [u64; 16],
    /// Sorted by the character.
    values: Vec<(char, Vec<T>)>,
}

impl<T> ByFirst<T> {
    fn new(values: BTreeMap<char, Vec<T>>) -> Self {
        let mut bits = [0; 16];
        for first in values.keys() {
            let (word, bit) = Self::bit(*first);
            if let Some(word) = bits.get_mut(word) {
                *word |= bit;
            }
        }
        Self { bits, values: values.into_iter().collect() }
    }

    const fn bit(c: char) -> (usize, u64) {
        let number = c as u32 % 1024;
        ((number / 64) as usize, 1 << (number % 64))
    }

    fn from(&self, first: char) -> &[T] {
        let (word, bit) = Self::bit(first);
        if self.bits.get(word).is_none_or(|word| word & bit == 0) {
            return &[];
        }
        let found = self.values.binary_search_by_key(&first, |(first, _)| *first);
        found.ok().and_then(|at| self.values.get(at)).map_or(&[], |(_, values)| values)
    }
}

/// Phrases, looked up by their first character.
#[derive(Debug, Default)]
pub(in crate::read) struct Phrases(ByFirst<String>);

impl Phrases {
    fn new(phrases: impl Iterator<Item = String>) -> Self {
        let mut by_first: BTreeMap<char, Vec<String>> = BTreeMap::new();
        for phrase in phrases {
            if let Some(first) = phrase.chars().next() {
                by_first.entry(first).or_default().push(phrase);
            }
        }
        Self(ByFirst::new(by_first))
    }

    /// Returns whether one of them begins with this character.
    pub(in crate::read) fn may_begin_with(&self, first: char) -> bool {
        !self.0.from(first).is_empty()
    }

    /// Returns the phrases that a text begins with.
    pub(in crate::read) fn beginning<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let same = text.chars().next().map_or(&[][..], |first| self.0.from(first));
        same.iter().map(String::as_str).filter(move |phrase| text.starts_with(phrase))
    }

    /// Whether a text begins with one of them.
    pub(in crate::read) fn begin(&self, text: &str) -> bool {
        self.beginning(text).next().is_some()
    }

    /// Whether a text contains one of them.
    pub(in crate::read) fn are_in(&self, text: &str) -> bool {
        text.char_indices().any(|(at, c)| !self.0.from(c).is_empty() && self.begin(text.get(at..).unwrap_or("")))
    }
}

/// Returns the words of all languages.
pub(in crate::read) fn words() -> &'static Words {
    static WORDS: LazyLock<Words> = LazyLock::new(|| Words::of(&LANGUAGES));
    &WORDS
}
