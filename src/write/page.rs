//! Renders the HTML pages, with one small stylesheet and no scripts.

use askama::Template;

use super::body;
use super::clean;
use super::frame::{Frame, Page};
use super::rows::{Crumb, Day, Listing, Time, days};
use super::words::Words;
use crate::model::{Change, Enclosure, Item, Revision, Service, Stamp};

/// A region in a list, and those below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name and path of the region.
    pub region: Crumb,
    /// Whether there are items in the region or below it.
    pub has_items: bool,
    /// The listed regions below it.
    pub below: Vec<Listed>,
}

impl Listed {
    /// Returns whether some of the regions have no items.
    pub(super) fn are_some_quiet(regions: &[Self]) -> bool {
        regions.iter().any(|listed| !listed.has_items)
    }
}

/// What a page that lists stories shows besides them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// The way from the top to this page, without the page itself.
    pub crumbs: Vec<Crumb>,
    /// Regions to choose from.
    pub regions: Vec<Listed>,
    /// Links to services of the region's government.
    pub services: Vec<Service>,
    /// Sources of the region.
    pub sources: Vec<Crumb>,
    /// Topics to choose from: the first is all of them.
    pub topics: Vec<Crumb>,
    /// Path and query of the topic that is shown.
    pub topic: Option<String>,
    /// Warnings in force.
    pub warnings: Vec<Listing>,
    /// Path and query of the next older stories.
    pub older: Option<String>,
    /// Path of the newest stories, on a page of older ones.
    pub newest: Option<String>,
    /// Path below which the page's feeds are, and their query.
    pub feeds: Option<(String, String)>,
    /// Whether the region has no source of its own.
    pub has_no_source: bool,
}

#[derive(Template)]
#[template(path = "list.html", config = "src/write/askama.toml")]
struct List<'a> {
    f: Frame<'a>,
    is_home: bool,
    around: &'a Around,
    warnings: Vec<Day<'a>>,
    days: Vec<Day<'a>>,
}

#[derive(Template)]
#[template(path = "regions.html", config = "src/write/askama.toml")]
struct Regions<'a> {
    f: Frame<'a>,
    regions: &'a [Listed],
}

#[derive(Template)]
#[template(path = "item.html", config = "src/write/askama.toml")]
struct ItemPage<'a> {
    f: Frame<'a>,
    item: &'a Item,
    content: Option<String>,
    time: Time,
    updated: Option<Time>,
    beside: &'a Beside,
    files: Vec<(&'a str, String)>,
    related: Vec<(&'a crate::model::Related, Option<Time>)>,
    event: Vec<(&'a Crumb, Time)>,
    revisions: Vec<Shown<'a>>,
}

/// A revision, formatted for a page.
struct Shown<'a> {
    time: Time,
    changes: Vec<(&'static str, &'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "fault.html", config = "src/write/askama.toml")]
struct Fault<'a> {
    f: Frame<'a>,
    detail: &'a str,
}

#[derive(Template)]
#[template(path = "about.html", config = "src/write/askama.toml")]
struct About<'a> {
    f: Frame<'a>,
    version: &'static str,
}

/// Renders the home page: the regions, and the newest stories of all of them.
pub fn home(page: &Page<'_>, around: &Around, stories: &[Listing]) -> Vec<u8> {
    list(page, page.frame(page.site, "/"), true, around, stories)
}

/// Renders the page of a region or a topic, or a page of its older stories: `path` is its own.
pub fn region(page: &Page<'_>, name: &str, path: &str, around: &Around, stories: &[Listing]) -> Vec<u8> {
    list(page, page.frame(name, path), false, around, stories)
}

fn list(page: &Page<'_>, frame: Frame<'_>, is_home: bool, around: &Around, stories: &[Listing]) -> Vec<u8> {
    let feeds = around.feeds.as_ref().map(|feeds| page.feed_links(feeds)).unwrap_or_default();
    let f = Frame { feeds, ..frame };
    render(&List { f, is_home, around, warnings: days(page, &around.warnings), days: days(page, stories) })
}

/// Renders the page with the whole tree of regions.
pub fn regions(page: &Page<'_>, regions: &[Listed]) -> Vec<u8> {
    render(&Regions { f: page.frame(page.language.words().all_regions, "/regions"), regions })
}

/// Renders the page about the site.
pub fn about(page: &Page<'_>) -> Vec<u8> {
    let f = page.frame(page.language.words().about, "/about");
    render(&About { f, version: env!("CARGO_PKG_VERSION") })
}

/// What the page of an item shows besides the item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Regions that the item is tagged with, each with the way to it from the top.
    pub regions: Vec<Vec<Crumb>>,
    /// Its topics.
    pub topics: Vec<Crumb>,
    /// Other stories of the same event, with their dates.
    pub event: Vec<(Crumb, Stamp)>,
    /// Stories that the item holds, if it is a round-up.
    pub parts: Vec<Crumb>,
    /// How the text of the item changed, newest first.
    pub revisions: Vec<Revision>,
}

/// Renders the page of an item.
pub fn item(page: &Page<'_>, item: &Item, beside: &Beside) -> Vec<u8> {
    let words = page.language.words();
    let show = |revision| shown(page, words, revision);
    let own = beside.regions.first().and_then(|path| path.last()).map(|own| (own.path.clone(), String::new()));
    let path = format!("/items/{}", item.id);
    let f = Frame {
        description: &item.excerpt,
        kind: "article",
        feeds: own.map(|own| page.feed_links(&own)).unwrap_or_default(),
        ..page.frame(&item.title, &path)
    };
    render(&ItemPage {
        f,
        item,
        content: item.content_html.as_deref().map(|html| body::on_page(html, words.picture)),
        time: Time::of(page, item.published),
        updated: beside.revisions.first().map(|newest| Time::minute(page, newest.at)),
        beside,
        files: item.enclosures.iter().map(|file| (file.url.as_str(), file_name(file))).collect(),
        related: item.related.iter().map(|other| (other, other.published.map(|at| Time::of(page, at)))).collect(),
        event: beside.event.iter().map(|(other, at)| (other, Time::of(page, *at))).collect(),
        revisions: beside.revisions.iter().map(show).collect(),
    })
}

fn shown<'a>(page: &Page<'_>, words: &'static Words, revision: &'a Revision) -> Shown<'a> {
    let changes = revision.changes.iter().map(|change| match change {
        Change::Kept(text) => ("kept", "", text.as_str()),
        Change::Added(text) => ("ins", words.added, text.as_str()),
        Change::Removed(text) => ("del", words.removed, text.as_str()),
    });
    Shown { time: Time::minute(page, revision.at), changes: changes.collect() }
}

/// Returns how an attached file is named: the last part of its address, and its size.
fn file_name(file: &Enclosure) -> String {
    let path = file.url.split(['?', '#']).next().unwrap_or("");
    let name = clean::percent_decoded(path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path));
    match file.length {
        None | Some(0) => name,
        Some(bytes @ ..1_000_000) => format!("{name} ({} kB)", bytes.div_ceil(1000)),
        Some(bytes) => format!("{name} ({}.{} MB)", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// Renders an error page with a sentence about what went wrong.
pub fn fault(page: &Page<'_>, title: &str, detail: &str) -> Vec<u8> {
    render(&Fault { f: page.frame(title, ""), detail })
}

/// Returns the stylesheet for feeds that are opened in a browser.
pub const fn feed_stylesheet() -> &'static str {
    include_str!("pages/feed.css")
}

/// Returns the stylesheet of all pages.
pub const fn stylesheet() -> &'static str {
    include_str!("pages/style.css")
}

/// Returns the icon of the site (SVG).
pub const fn icon() -> &'static str {
    include_str!("pages/icon.svg")
}

/// Returns the same icon as ICO, 32 pixels wide.
pub const fn favicon() -> &'static [u8] {
    include_bytes!("pages/favicon.ico")
}

pub(super) fn render(page: &impl Template) -> Vec<u8> {
    // The templates are checked at compile time, and writing to memory cannot fail.
    page.render().unwrap_or_default().into_bytes()
}
