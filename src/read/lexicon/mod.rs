//! What dayuan knows of languages: one file for each in this folder, all with the same keys.

mod languages;
mod page_words;
mod words;

pub(in crate::read) use languages::{LANGUAGES, Language, Unit};
pub(in crate::read) use page_words::Label;
pub(in crate::read) use words::{LabelWord, words};
