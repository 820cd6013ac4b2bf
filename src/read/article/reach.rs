//! Tests that entries of the tables of words can act: most are found in an example made of themselves, and the others are
//! written as the functions that look them up need them.

use std::collections::HashSet;

use super::boilerplate::{ends_story, is_above_comments, is_boilerplate, is_tool, may_end_story};
use super::labels;
use crate::read::byline::labelled;
use crate::read::lexicon::{Label, entries, keys, words};
use crate::read::names::{Trust, in_byline, names};
use crate::read::tables::tables;

/// Whether an entry of a list of pages acts.
type Acts = fn(&str) -> bool;

/// The lists of each language, and what their entries do.
const LISTS: [(&str, Acts); 31] = [
    ("next", |word| words().next.contains(&word.to_lowercase())),
    ("paging", |word| words().paging.contains(&word.to_lowercase())),
    ("generic", |word| words().generic.contains(&word.to_lowercase())),
    ("title_prefixes", |word| words().title_prefixes.iter().any(|prefix| prefix == word)),
    ("published", |word| is_label(word, Label::Date)),
    ("time", |word| is_label(word, Label::Time)),
    ("source", |word| is_label(word, Label::Source)),
    ("sender", |word| is_label(word, Label::Sender)),
    ("author", |word| is_label(word, Label::Author)),
    ("editor", |word| is_label(word, Label::Editor)),
    ("updated", |word| is_label(word, Label::Updated)),
    ("other", |word| is_label(word, Label::Other)),
    ("by", |word| !in_byline(&format!("{word} Jane Miller")).is_empty()),
    ("and", |word| names(&format!("Jane Miller {word} Tom Reed"), Trust::Line).len() == 2),
    ("role", |word| words().role.iter().any(|role| role == word)),
    ("no_name", |word| is_small(word) && !word.contains(char::is_whitespace)),
    ("before_date", |word| words().before_date.contains(&word.to_lowercase())),
    ("title_columns", is_small),
    ("popular", is_small),
    ("attachments", |word| words().attachments.contains(&word.to_lowercase())),
    ("ends_story", ends_story),
    ("ends_story_always", |word| ends_story(&format!("{word} abc abc abc abc abc abc"))),
    ("ends_story_above_links", may_end_story),
    ("missing", |word| words().missing.are_in(&word.to_lowercase())),
    ("clock", |word| words().clock.are_in(word)),
    ("boilerplate_begins", |word| {
        ["", "abc", " abc", "：abc"].iter().any(|rest| is_boilerplate(&format!("{word}{rest}")))
    }),
    ("boilerplate_sure", |word| entries("boilerplate_begins").iter().any(|(_, begins)| begins.starts_with(word))),
    ("boilerplate_holds", |word| is_boilerplate(&format!("abc {word} abc"))),
    ("boilerplate_or_prose", |word| {
        ["", "abc", " abc", "：abc"].iter().any(|rest| is_boilerplate(&format!("{word}{rest}")))
    }),
    ("tools", is_tool),
    ("forbids_reprint", |word| words().forbids_reprint.are_in(word)),
];

fn is_small(word: &str) -> bool {
    word == word.to_lowercase()
}

fn is_label(word: &str, label: Label) -> bool {
    let word = word.trim_end_matches('：');
    labelled(&format!("{word}：2024-05-06 abc")).first().is_some_and(|(found, _)| *found == label)
}

#[test]
fn every_word_of_a_language_acts() {
    let known: HashSet<&str> = LISTS.iter().map(|(key, _)| *key).collect();
    let missing: Vec<String> = keys().into_iter().filter(|key| !known.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "lists without an example here: {missing:?}");
    let idle: Vec<String> = LISTS
        .iter()
        .flat_map(|(key, acts)| entries(key).into_iter().filter(|(_, word)| !acts(word)).map(move |entry| (key, entry)))
        .map(|(key, (code, word))| format!("{code}.toml: {key}: {word}"))
        .collect();
    assert!(idle.is_empty(), "these never act:\n{}", idle.join("\n"));
}

#[test]
fn every_word_of_a_class_acts() {
    let classes = &tables().classes;
    let lists = [
        ("body", &classes.body),
        ("not_body", &classes.not_body),
        ("foreign", &classes.foreign),
        ("foreign_unless_prose", &classes.foreign_unless_prose),
        ("caption", &classes.caption),
        ("date", &classes.date),
        ("of_others", &classes.of_others),
        ("byline", &classes.byline),
        ("not_byline", &classes.not_byline),
        ("title", &classes.title),
        ("beside_title", &classes.beside_title),
        ("source", &classes.source),
    ];
    let beside: HashSet<String> = classes.beside.keys().cloned().collect();
    let acts = |word: &str| is_small(word) && labels::words(word).eq([word]);
    let idle: Vec<String> = lists
        .into_iter()
        .chain([("beside", &beside)])
        .flat_map(|(list, words)| words.iter().filter(|word| !acts(word)).map(move |word| format!("{list}: {word}")))
        .collect();
    assert!(idle.is_empty(), "these never act:\n{}", idle.join("\n"));
    let headings = &tables().names.comment_headings;
    let idle: Vec<&String> = headings.iter().filter(|heading| !is_above_comments(heading)).collect();
    assert!(idle.is_empty(), "these never act: {idle:?}");
}
