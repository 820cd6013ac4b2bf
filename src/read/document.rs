//! Reads a document: finds out what it is, and tries the readers in their order.

use super::article::{self, Article};
use super::date::{self, Clock};
use super::fault::{Fault, FaultKind};
use super::feed::{self, xml};
use super::list::{self, Detection, hanweb, json_list, sitemap};
use super::markup::{text, tree};
use super::reading::{Reading, is_unset};
use super::rules::Rules;
use super::sniff::{Sniffed, feed_escaped, feed_within, sniff};
use super::work::Budget;
use super::{alert::mark_alert, block_page, charset};
use crate::model::{Draft, Format, Kind, Link, Moment, Page};

/// The most faults reported for one document.
const MAX_FAULTS: usize = 200;

/// Returns the fault of a document that takes more work than its size allows.
fn too_much() -> Fault {
    let detail = "parsing exceeds the work limit for its size; the document is broken or malicious";
    Fault::new(FaultKind::TooMuch, "document", detail.to_owned())
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
        draft.published = draft.published.filter(|stamp| !is_unset(*stamp));
        draft.updated = draft.updated.filter(|stamp| !is_unset(*stamp));
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
        return failed(Fault::new(FaultKind::Empty, "document", "the response body is empty".to_owned()));
    }
    // Alert sources may use any document format.
    let kind = if rules.kind == Kind::Alerts { Kind::Auto } else { rules.kind };
    match (kind, sniff(start)) {
        (Kind::Feed | Kind::Auto, Sniffed::Html) if let Some(feed) = feed_escaped(start) => {
            xml::read(&feed, &page.url, clock)
        }
        (Kind::Feed, Sniffed::Json) => feed::json::read(start, &page.url, clock),
        (Kind::Feed, _) => xml::read(feed_within(&text).unwrap_or(&text), &page.url, clock),
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
        (Kind::Auto, Sniffed::Html | Sniffed::Xml) if let Some(feed) = feed_within(start) => {
            xml::read(feed, &page.url, clock)
        }
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
        Some((drafts, detection)) if !drafts.is_empty() => listing(Format::JsonList, url, drafts, detection, faults),
        _ => {
            faults.push(Fault::new(
                FaultKind::NoList,
                "document",
                "no list of objects with a title and a link in this JSON; set its path with [source.list] item"
                    .to_owned(),
            ));
            Reading { faults, ..Reading::default() }
        }
    }
}

fn sitemap(text: &str, url: &Link, clock: Clock<'_>) -> Reading {
    let sitemap::Sitemap { drafts, follow, pages } = sitemap::read(text, url, clock);
    let mut faults: Vec<Fault> = sitemap::too_many(pages).into_iter().collect();
    if drafts.is_empty() && follow.is_none() {
        faults.push(Fault::new(FaultKind::NoList, "document", "this sitemap lists no pages".to_owned()));
    }
    Reading {
        format: Format::Sitemap,
        link: Some(url.as_str().to_owned()),
        drafts,
        follow,
        faults,
        ..Reading::default()
    }
}

fn listing(format: Format, url: &Link, drafts: Vec<Draft>, detection: Detection, faults: Vec<Fault>) -> Reading {
    Reading {
        format,
        link: Some(url.as_str().to_owned()),
        drafts,
        detection: Some(detection),
        faults,
        ..Reading::default()
    }
}

/// A page that is expected to hold a list.
struct ListPage<'a> {
    tree: &'a tree::Tree<'a>,
    text: &'a str,
    url: &'a Link,
    rules: &'a Rules,
    clock: Clock<'a>,
    title: String,
    /// What the tree was found to list.
    drafts: Vec<Draft>,
    detection: Detection,
    faults: Vec<Fault>,
}

/// The readers of list pages; the first one that finds something decides.
const LIST_READERS: [fn(&ListPage<'_>) -> Option<Reading>; 5] = [records, rows, script, blocked, elsewhere];

fn list_page(text: &str, url: &Link, rules: &Rules, mut clock: Clock<'_>) -> Reading {
    let tree = tree::Tree::parse(text);
    clock.order = date::order(&tree);
    let title = tree
        .elements(0)
        .find(|id| tree.is(*id, &["title"]))
        .map(|id| text::line(&text::resolve(tree.raw(id), &text::Definitions::none())))
        .unwrap_or_default();
    let mut faults: Vec<Fault> = cut(&tree).into_iter().collect();
    let (drafts, detection) = list::read(&tree, url, &rules.list, clock, &mut faults);
    let page = ListPage { tree: &tree, text, url, rules, clock, title, drafts, detection, faults };
    let reading = LIST_READERS.iter().find_map(|read| read(&page)).unwrap_or_else(|| no_list(&page));
    Reading { title: page.title, ..reading }
}

/// Reads the records of the hanweb platform.
fn records(page: &ListPage<'_>) -> Option<Reading> {
    let mut faults = Vec::new();
    let (drafts, detection) = hanweb::read(page.text, page.url, &page.rules.list, page.clock, &mut faults)?;
    Some(listing(Format::XmlRecords, page.url, drafts, detection, faults))
}

/// Takes the rows of the page if they are a list without doubt.
fn rows(page: &ListPage<'_>) -> Option<Reading> {
    (page.detection.confidence >= MIN_CONFIDENCE).then(|| Reading {
        next: list::next_page(page.tree, page.text, page.url),
        ..listing(Format::List, page.url, page.drafts.clone(), page.detection.clone(), page.faults.clone())
    })
}

/// Reads a list that stands in a variable of a script.
fn script(page: &ListPage<'_>) -> Option<Reading> {
    let mut faults = page.faults.clone();
    let scripts = page.tree.elements(0).filter(|id| page.tree.is(*id, &["script"])).map(|id| page.tree.raw(id));
    let (drafts, mut detection) =
        scripts.filter(|raw| raw.contains(['[', '{']) && raw.len() >= MIN_SCRIPT).find_map(|raw| {
            json_list::read(raw, page.url, &page.rules.list, page.clock, &mut faults)
                .filter(|(drafts, _)| drafts.len() >= MIN_ROWS)
        })?;
    detection.reasons.insert(0, "a variable of a script".to_owned());
    Some(listing(Format::JsonList, page.url, drafts, detection, faults))
}

/// Recognises a page that was served in place of the list.
fn blocked(page: &ListPage<'_>) -> Option<Reading> {
    let why = block_page::of(page.tree, &page.title, page.text.len())?;
    let mut faults = page.faults.clone();
    faults.push(Fault::new(FaultKind::Challenge, "document", why));
    Some(Reading { faults, ..Reading::default() })
}

/// Finds the address of the list if the page only leads to it: a script of hanweb, a frame, a forwarding page.
fn elsewhere(page: &ListPage<'_>) -> Option<Reading> {
    let follow = hanweb::proxy(page.text, page.url).or_else(|| list::elsewhere(page.tree, page.url))?;
    let listing = listing(Format::List, page.url, Vec::new(), page.detection.clone(), page.faults.clone());
    Some(Reading { follow: Some(follow), ..listing })
}

fn no_list(page: &ListPage<'_>) -> Reading {
    let mut faults = page.faults.clone();
    let why = page.detection.reasons.join(", ");
    faults.push(Fault::new(
        FaultKind::NoList,
        "document",
        format!("no list of items found on this page ({why}); if it has one, select its rows with [source.list] item"),
    ));
    Reading { detection: Some(page.detection.clone()), faults, ..Reading::default() }
}

/// The least confidence, in percent, with which a list is taken, also where the config says that the page is one: its
/// menus are not published in place of a list that is missing.
const MIN_CONFIDENCE: u8 = 45;
/// The least bytes of a script that may hold a list.
const MIN_SCRIPT: usize = 200;
/// The fewest items of a list in a script.
const MIN_ROWS: usize = 3;

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// Returns a fault if a page has more elements than are read.
fn cut(tree: &tree::Tree<'_>) -> Option<Fault> {
    let detail = "the page has more elements than are read of its length; the rest was left out";
    tree.is_cut.then(|| Fault::new(FaultKind::TooMany, "document", detail.to_owned()))
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
    let faults = cut(&tree).into_iter().chain(article.faults).collect();
    Article { draft: article.draft.map(Draft::bounded), work, faults, ..article }
}
