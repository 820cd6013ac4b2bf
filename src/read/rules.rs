//! What a source's config says of its documents.

use super::article::ArticleRules;
use super::list::ListRules;
use super::markup::Selector;
use crate::model::{Kind, Source, Zone};

/// The source's settings for reading its documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The kind of document expected.
    pub kind: Kind,
    /// The charset, overriding what the document says.
    pub charset: Option<String>,
    /// The zone of dates that do not name one.
    pub zone: Zone,
    /// Configured selectors for the parts of a list page.
    pub list: ListRules,
    /// Configured selectors for the parts of an article.
    pub article: ArticleRules,
}

impl Rules {
    /// Returns the rules of a source. Its selectors were checked with the config; an invalid one counts as absent.
    pub fn of(source: &Source) -> Self {
        let pick = |pins: &[(&'static str, String)], name: &str| {
            pins.iter()
                .filter(|(key, _)| *key == name)
                .filter_map(|(_, text)| Selector::parse(text).ok())
                .collect::<Vec<_>>()
        };
        let list = |name| pick(&source.pins.list, name).pop();
        let article = |name| pick(&source.pins.article, name).pop();
        Self {
            kind: source.kind,
            charset: source.charset.clone(),
            zone: source.zone.clone(),
            list: ListRules {
                item: list("item"),
                link: list("link"),
                title: list("title"),
                date: list("date"),
                paths: source.pins.list.clone(),
            },
            article: ArticleRules {
                title: article("title"),
                body: article("body"),
                date: article("date"),
                source: article("source"),
                author: article("author"),
                remove: pick(&source.pins.article, "remove"),
            },
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            kind: Kind::Auto,
            charset: None,
            zone: Zone::shanghai(),
            list: ListRules::default(),
            article: ArticleRules::default(),
        }
    }
}
