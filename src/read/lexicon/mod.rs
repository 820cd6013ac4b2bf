//! What dayuan knows of languages: one file for each in this folder, all with the same keys.

mod languages;
mod page_words;
mod words;

pub(in crate::read) use languages::{LANGUAGES, Language, Unit};
#[cfg(test)]
pub(in crate::read) use languages::{entries, keys};
pub(in crate::read) use page_words::Label;
pub(in crate::read) use words::{LabelWord, Phrases, words};
