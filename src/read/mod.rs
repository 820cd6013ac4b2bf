//! From bytes to drafts: charsets, feeds, list pages, articles, dates. Returns what was read *and* what was wrong.
//!
//! The module is pure: bytes, the source's settings and the current time come in as arguments. It does not know where a
//! document came from, what was read before, or what becomes of it.
//!
//! For a feed, `charset` decodes the text, `markup` splits it into tags, `outline` builds elements, and `feed` finds
//! the fields of the drafts. For a page, `tree` builds elements, `list` finds the rows and `row` reads each. For an
//! article, `body` finds the text, `title` and `credit` what belongs to it, and `article` decides which place to trust.
//! `json` reads JSON Feed, `objects` other lists in JSON, and `records` hanweb records and sitemaps.

mod alert;
mod article;
mod block_page;
mod byline;
mod charset;
mod date;
mod fault;
mod feed;
mod json;
mod lexicon;
mod list;
mod markup;
mod tables;
mod work;

use crate::model::{Draft, Kind, Link, Moment, Page, Source, Zone};
use date::Clock;
use feed::xml;
use list::{hanweb, json_list, sitemap};
use markup::{text, tokens, tree};
use work::Budget;

pub use alert::mark_alert;
pub use article::{Article, ArticleRules, complete};
pub use charset::is_charset;
pub use fault::{Fault, FaultKind};
pub use list::{Detection, ListRules};
pub use markup::{Selector, SelectorError, sanitise};

/// The version of this reader, recorded in every report.
pub const VERSION: u16 = 1;

/// The most drafts of one document; further ones are left out and reported.
pub const MOST_DRAFTS: usize = 500;

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

/// The most faults reported for one document.
const MAX_FAULTS: usize = 200;

/// The result of reading a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The format of the document: `rss`, `atom`, `rdf`, `cdf`, `json`, `list`, `json-list`, `xml-records` or
    /// `sitemap`; empty if it is none of these.
    pub format: &'static str,
    /// The title of the feed or page.
    pub title: String,
    /// The page that the document belongs to.
    pub link: Option<String>,
    /// The items, in document order.
    pub drafts: Vec<Draft>,
    /// Whether the document ends in the middle of its last item.
    pub is_cut: bool,
    /// How the list was found, if the document is a list.
    pub detection: Option<Detection>,
    /// Where the items are instead, one hop away: a frame, a redirect in the page, a hanweb data proxy, a part of a
    /// sitemap.
    pub follow: Option<Link>,
    /// The next page of a list.
    pub next: Option<Link>,
    /// The least time between two polls that the document asks for (`ttl`, `sy:updatePeriod`), in seconds; 0 if it does
    /// not.
    pub wait: u64,
    /// When the document asks not to be polled.
    pub skip: Skip,
    /// What was wrong with it.
    pub faults: Vec<Fault>,
    /// Steps of work that reading took.
    pub work: u64,
}

/// Returns the fault of a document that takes more work than its size allows.
fn too_much() -> Fault {
    let detail = "reading it takes more work than a document of its size may; it is broken or an attack";
    Fault::new(FaultKind::TooMuch, "document", detail.to_owned())
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
    let budget = Budget::begin(page.body.len());
    let mut reading = document(page, rules, now);
    reading.work = budget.used();
    if budget.is_spent() {
        return Reading { work: reading.work, faults: vec![too_much()], ..Reading::default() };
    }
    reading.drafts = std::mem::take(&mut reading.drafts).into_iter().map(Draft::bounded).collect();
    for draft in &mut reading.drafts {
        mark_alert(draft, rules.kind == Kind::Alerts);
    }
    reading.faults.truncate(MAX_FAULTS);
    reading
}

fn document(page: &Page, rules: &Rules, now: Moment) -> Reading {
    let failed = |fault| Reading { faults: vec![fault], ..Reading::default() };
    let (text, mojibake) = charset::decode(&page.body, page.content_type.as_deref(), rules.charset.as_deref());
    if let Some(fault) = mojibake {
        return failed(fault);
    }
    let clock = Clock { now, zone: &rules.zone, chinese: is_chinese(&text), order: date::Order::Unknown };
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if start.is_empty() {
        return failed(Fault::new(FaultKind::Empty, "document", "the answer has no content".to_owned()));
    }
    // Alert sources may use any document format.
    let kind = if rules.kind == Kind::Alerts { Kind::Auto } else { rules.kind };
    match (kind, sniff(start)) {
        (Kind::Feed, Sniffed::Json) => feed::json::read(start, &page.url, clock),
        (Kind::Feed, _) => xml::read(&text, &page.url, clock),
        (Kind::Auto, Sniffed::Json) => {
            let reading = feed::json::read(start, &page.url, clock);
            let has = |kind| reading.faults.iter().any(|fault| fault.kind == kind);
            if has(FaultKind::TooMuch) || !reading.faults.iter().any(|fault| fault.kind.is_fatal()) {
                return reading;
            }
            let listed = objects(&text, &page.url, rules, clock);
            // Broken JSON is the cause of both failures.
            if listed.drafts.is_empty() && has(FaultKind::Json) { reading } else { listed }
        }
        (Kind::Json, _) => objects(&text, &page.url, rules, clock),
        (Kind::Sitemap, _) | (Kind::Auto, Sniffed::Sitemap) => sitemap(&text, &page.url, clock),
        (Kind::Auto, Sniffed::Xml) => xml::read(&text, &page.url, clock),
        (Kind::Auto, Sniffed::Script) => {
            let reading = objects(&text, &page.url, rules, clock);
            if reading.drafts.is_empty() { xml::read(&text, &page.url, clock) } else { reading }
        }
        (Kind::List, Sniffed::Json | Sniffed::Script) => objects(&text, &page.url, rules, clock),
        (Kind::Auto | Kind::List | Kind::XmlRecords | Kind::Alerts, _) => list_page(&text, &page.url, rules, clock),
    }
}

fn objects(text: &str, url: &Link, rules: &Rules, clock: Clock<'_>) -> Reading {
    let mut faults = Vec::new();
    match json_list::read(text, url, &rules.list, clock, &mut faults) {
        Some((drafts, detection)) if !drafts.is_empty() => listing("json-list", url, drafts, detection, faults),
        _ => {
            faults.push(Fault::new(
                FaultKind::NoList,
                "document",
                "this JSON holds no list of objects with a title and a link; name its place with [source.list] item"
                    .to_owned(),
            ));
            Reading { faults, ..Reading::default() }
        }
    }
}

fn sitemap(text: &str, url: &Link, clock: Clock<'_>) -> Reading {
    let (drafts, follow) = sitemap::read(text, url, clock);
    let mut faults = Vec::new();
    if drafts.is_empty() && follow.is_none() {
        faults.push(Fault::new(FaultKind::NoList, "document", "this sitemap names no page".to_owned()));
    }
    Reading { format: "sitemap", link: Some(url.as_str().to_owned()), drafts, follow, faults, ..Reading::default() }
}

fn listing(format: &'static str, url: &Link, drafts: Vec<Draft>, detection: Detection, faults: Vec<Fault>) -> Reading {
    Reading {
        format,
        link: Some(url.as_str().to_owned()),
        drafts,
        detection: Some(detection),
        faults,
        ..Reading::default()
    }
}

/// What a document starts like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sniffed {
    Json,
    Html,
    Xml,
    Sitemap,
    /// Records of the hanweb platform.
    Records,
    /// JSONP, or a script that assigns a variable.
    Script,
}

fn sniff(start: &str) -> Sniffed {
    const HTML: [&str; 16] = [
        "html", "head", "body", "meta", "title", "script", "style", "link", "div", "table", "ul", "center", "section",
        "main", "p", "a",
    ];
    if start.starts_with(['{', '[']) {
        return Sniffed::Json;
    }
    let head: String = start.chars().take(200).take_while(|c| *c != '<').collect();
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || " _$.;=\n\r\t/*()?typeof'".contains(c))
    };
    if head.find(['(', '=']).is_some_and(|_| head.find(['{', '[']).is_some_and(|at| is_name(text::head(&head, at)))) {
        return Sniffed::Script;
    }
    let first = tokens::Tokens::new(text::head(start, 64 * 1024)).find_map(|token| match token {
        tokens::Token::Doctype(inside)
            if inside.trim_start().get(..4).is_some_and(|name| name.eq_ignore_ascii_case("html")) =>
        {
            Some(Sniffed::Html)
        }
        tokens::Token::Start { name, .. } if HTML.iter().any(|html| html.eq_ignore_ascii_case(name)) => {
            Some(Sniffed::Html)
        }
        tokens::Token::Start { name, .. }
            if ["urlset", "sitemapindex"].iter().any(|root| name.eq_ignore_ascii_case(root)) =>
        {
            Some(Sniffed::Sitemap)
        }
        tokens::Token::Start { name, .. }
            if ["datastore", "recordset"].iter().any(|root| name.eq_ignore_ascii_case(root)) =>
        {
            Some(Sniffed::Records)
        }
        tokens::Token::Start { .. } => Some(Sniffed::Xml),
        _ => None,
    });
    first.unwrap_or(Sniffed::Xml)
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

fn list_page(text: &str, url: &Link, rules: &Rules, mut clock: Clock<'_>) -> Reading {
    let mut faults = Vec::new();
    let tree = tree::Tree::parse(text);
    clock.order = date::order(&tree);
    let title = tree
        .elements(0)
        .find(|id| tree.is(*id, &["title"]))
        .map(|id| text::line(&text::resolve(tree.raw(id), &text::Definitions::none())))
        .unwrap_or_default();
    if let Some((drafts, detection)) = hanweb::read(text, url, &rules.list, clock, &mut faults) {
        return Reading { title, ..listing("xml-records", url, drafts, detection, faults) };
    }
    let (drafts, detection) = list::read(&tree, url, &rules.list, clock, &mut faults);
    if rules.kind == Kind::List && !drafts.is_empty() || detection.confidence >= SURE {
        let next = list::next_page(&tree, text, url);
        return Reading { title, next, ..listing("list", url, drafts, detection, faults) };
    }
    // No list in the markup: look in scripts, then for a challenge page, then for a frame or proxy to follow.
    let scripted = tree.elements(0).filter(|id| tree.is(*id, &["script"])).find_map(|id| {
        let raw = tree.raw(id);
        if !raw.contains(['[', '{']) || raw.len() < 200 {
            return None;
        }
        json_list::read(raw, url, &rules.list, clock, &mut faults).filter(|(drafts, _)| drafts.len() >= 3)
    });
    if let Some((drafts, mut detection)) = scripted {
        detection.reasons.insert(0, "a variable of a script".to_owned());
        return Reading { title, ..listing("json-list", url, drafts, detection, faults) };
    }
    if let Some(why) = block_page::of(&tree, &title, text.len()) {
        faults.push(Fault::new(FaultKind::Challenge, "document", why));
        return Reading { title, faults, ..Reading::default() };
    }
    if let Some(follow) = hanweb::proxy(text, url).or_else(|| list::elsewhere(&tree, url)) {
        return Reading { title, follow: Some(follow), ..listing("list", url, Vec::new(), detection, faults) };
    }
    let why = detection.reasons.join(", ");
    faults.push(Fault::new(
        FaultKind::NoList,
        "document",
        format!(
            "no list of items was found in this page ({why}); if it has one, name its rows with [source.list] item"
        ),
    ));
    Reading { title, detection: Some(detection), faults, ..Reading::default() }
}

/// The least confidence, in percent, of a detected list.
const SURE: u8 = 45;

/// Returns the plain text of HTML, with paragraphs on lines of their own.
pub fn plain_text(html: &str) -> String {
    text::plain(html)
}

/// Returns the media type of an attached file, from the extension of its address; `None` if the extension is unknown.
pub fn file_kind(address: &str) -> Option<&'static str> {
    article::file_kind(address)
}

/// Returns the feeds that a page links to (`<link rel="alternate">`, HTML, section 4.6.7.1), with their titles.
pub fn feeds_of(page: &Page, rules: &Rules) -> Vec<(Link, String)> {
    let (text, _) = charset::decode(&page.body, page.content_type.as_deref(), rules.charset.as_deref());
    let tree = tree::Tree::parse(&text);
    let base = markup::page::base(&tree, &page.url);
    tree.elements(0)
        .filter(|id| tree.is(*id, &["link"]))
        .filter(|id| {
            let has = |name: &str, words: &[&str]| {
                tree.attribute(*id, name)
                    .is_some_and(|value| words.iter().any(|word| value.to_ascii_lowercase().contains(word)))
            };
            has("rel", &["alternate"])
                && has(
                    "type",
                    &["application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"],
                )
        })
        .filter_map(|id| {
            let link = base.join(tree.attribute(id, "href")?.trim()).ok()?;
            Some((link, tree.attribute(id, "title").map(|title| text::line(&title)).unwrap_or_default()))
        })
        .take(20)
        .collect()
}

/// Reads a page as an article.
pub fn read_article(page: &Page, rules: &Rules, now: Moment) -> Article {
    let budget = Budget::begin(page.body.len());
    let (text, mojibake) = charset::decode(&page.body, page.content_type.as_deref(), rules.charset.as_deref());
    if let Some(fault) = mojibake {
        return Article { faults: vec![fault], ..Article::default() };
    }
    let tree = tree::Tree::parse(&text);
    let clock = Clock { now, zone: &rules.zone, chinese: is_chinese(&text), order: date::order(&tree) };
    let article = article::read(&tree, &page.url, &rules.article, clock);
    let work = budget.used();
    if budget.is_spent() {
        return Article { work, faults: vec![too_much()], ..Article::default() };
    }
    Article { draft: article.draft.map(Draft::bounded), work, ..article }
}
