//! The page of one article: its title, date, source, authors and text.

mod bare_names;
mod body;
mod boilerplate;
mod captions;
mod chunks;
mod content_html;
mod credit;
mod density;
mod fields;
mod labels;
mod lead;
mod linked_data;
mod marked_date;
mod parts;
mod people;
mod published;
#[cfg(test)]
mod reach;
mod reader;
mod rules;
mod shown_date;
mod story;
mod teasers;
mod title;

pub(super) use body::file_kind;
pub(super) use fields::read;
pub use rules::{Article, ArticleRules, complete};
