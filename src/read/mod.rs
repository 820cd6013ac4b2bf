//! From bytes to drafts: charsets, feeds, dates. Returns what it got *and* what was wrong.
//!
//! It is pure: bytes, the source's own settings and the present moment come in as arguments. It does not know where a
//! document came from, what was read before, or what becomes of it.
//!
//! The way of a document: `charset` makes text of it, `markup` makes tags of the text, `outline` makes elements of the
//! tags, and `feed` finds the fields of drafts in the elements.

mod article;
mod body;
mod byline;
mod charset;
mod date;
mod fault;
mod feed;
mod json;
mod list;
mod markup;
mod namespace;
mod outline;
mod row;
mod sanitise;
mod selector;
mod text;
mod tree;

use crate::model::{Draft, Kind, Link, Moment, Page, Source, Zone};

pub use charset::is_charset;
pub use article::{Article, ArticleRules};
pub use fault::{Fault, FaultKind};
pub use list::{Detection, ListRules};
pub use sanitise::sanitise;
pub use selector::{Selector, SelectorError};

/// The version of this reader, which every report names.
pub const VERSION: u16 = 1;

/// The most drafts of one document; what lies behind them is left out and said so.
pub const MOST_DRAFTS: usize = 500;

/// What a source's config says of its documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What the document is meant to be.
    pub kind: Kind,
    /// The charset that overrides what the document says.
    pub charset: Option<String>,
    /// The zone of dates that name none.
    pub zone: Zone,
    /// Where the parts of a list page are, as far as the config says it.
    pub list: ListRules,
    /// Where the parts of an article are, as far as the config says it.
    pub article: ArticleRules,
}

impl Rules {
    /// The rules of a source. Its selectors were checked with the config; what is no selector counts as absent.
    pub fn of(source: &Source) -> Self {
        let pick = |pins: &[(&'static str, String)], name: &str| {
            pins.iter().filter(|(key, _)| *key == name).filter_map(|(_, text)| Selector::parse(text).ok()).collect::<Vec<_>>()
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
        Self { kind: Kind::Auto, charset: None, zone: Zone::shanghai(), list: ListRules::default(), article: ArticleRules::default() }
    }
}

/// What was read in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What kind of document it is: `rss`, `atom`, `rdf`, `cdf` or `json`; empty where it is none of them.
    pub format: &'static str,
    /// The title of the whole.
    pub title: String,
    /// The page that the whole belongs to.
    pub link: Option<String>,
    /// The items, in the order of the document.
    pub drafts: Vec<Draft>,
    /// How the list was found, where the document is a page.
    pub detection: Option<Detection>,
    /// The least seconds between two polls that the document asks for (`ttl`, `sy:updatePeriod`).
    pub wait: u64,
    /// Hours of the day in UTC, and days of the week from Monday = 0, in which not to poll.
    pub skip: Skip,
    /// What was wrong with it.
    pub faults: Vec<Fault>,
}

/// When a source does not want to be polled (`skipHours`, `skipDays` of RSS 2.0).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skip {
    /// Hours of the day in UTC.
    pub hours: Vec<u8>,
    /// Days of the week in UTC, Monday = 0.
    pub days: Vec<u8>,
}

/// Reads a document.
pub fn read(page: &Page, rules: &Rules, now: Moment) -> Reading {
    let failed = |fault| Reading { faults: vec![fault], ..Reading::default() };
    let (text, mojibake) = charset::decode(&page.body, page.content_type.as_deref(), rules.charset.as_deref());
    if let Some(fault) = mojibake {
        return failed(fault);
    }
    let clock = date::Clock { now, zone: &rules.zone, chinese: is_chinese(&text), order: date::Order::Unknown };
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if start.is_empty() {
        return failed(Fault::new(FaultKind::Empty, "document", "the answer has no content".to_owned()));
    }
    match (rules.kind, sniff(start)) {
        (Kind::Auto | Kind::Feed, Sniffed::Json) => json::read(start, &page.url, clock),
        (Kind::Feed, _) | (Kind::Auto, Sniffed::Xml) => feed::read(&text, &page.url, clock),
        _ => list_page(&text, &page.url, rules, clock),
    }
}

/// What a document begins like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sniffed {
    Json,
    Html,
    Xml,
}

fn sniff(start: &str) -> Sniffed {
    const HTML: [&str; 16] = [
        "html", "head", "body", "meta", "title", "script", "style", "link", "div", "table", "ul", "center", "section", "main", "p", "a",
    ];
    if start.starts_with(['{', '[']) {
        return Sniffed::Json;
    }
    let first = markup::Tokens::new(text::head(start, 64 * 1024)).find_map(|token| match token {
        markup::Token::Doctype(inside) if inside.trim_start().get(..4).is_some_and(|name| name.eq_ignore_ascii_case("html")) => Some(Sniffed::Html),
        markup::Token::Start { name, .. } if HTML.iter().any(|html| html.eq_ignore_ascii_case(name)) => Some(Sniffed::Html),
        markup::Token::Start { .. } => Some(Sniffed::Xml),
        _ => None,
    });
    first.unwrap_or(Sniffed::Xml)
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

fn list_page(text: &str, url: &Link, rules: &Rules, mut clock: date::Clock<'_>) -> Reading {
    let tree = tree::Tree::parse(text);
    clock.order = list::order(&tree);
    let mut faults = Vec::new();
    let (drafts, detection) = list::read(&tree, url, &rules.list, clock, &mut faults);
    let title = tree.elements(0).find(|id| tree.is(*id, &["title"])).map(|id| text::line(tree.raw(id))).unwrap_or_default();
    Reading { format: "list", title, link: Some(url.as_str().to_owned()), drafts, detection: Some(detection), faults, ..Reading::default() }
}

/// Reads a page as the article that it is.
pub fn read_article(page: &Page, rules: &Rules, now: Moment) -> Article {
    let (text, mojibake) = charset::decode(&page.body, page.content_type.as_deref(), rules.charset.as_deref());
    if let Some(fault) = mojibake {
        return Article { faults: vec![fault], ..Article::default() };
    }
    let clock = date::Clock { now, zone: &rules.zone, chinese: is_chinese(&text), order: date::Order::Unknown };
    article::read(&tree::Tree::parse(&text), &page.url, &rules.article, clock)
}
