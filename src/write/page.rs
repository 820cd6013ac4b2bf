//! Renders the HTML pages, with one small stylesheet and no scripts.

use askama::Template;

use super::channel::Format;
use crate::model::{Change, Health, Item, Moment, Precision, Revision, Service, Stamp, Zone};

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Simplified Chinese.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// Returns the tag of the language (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// Returns the language for a tag such as `zh-CN`; English for any tag that is not Chinese.
    pub fn of_tag(tag: &str) -> Self {
        if tag.to_ascii_lowercase().starts_with("zh") { Self::Chinese } else { Self::English }
    }

    pub(super) const fn words(self) -> &'static Words {
        match self {
            Self::Chinese => &CHINESE,
            Self::English => &ENGLISH,
        }
    }
}

/// The interface texts of the pages.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field holds the words that its name says")]
pub struct Words {
    pub latest: &'static str,
    pub regions: &'static str,
    pub within: &'static str,
    pub services: &'static str,
    pub subscribe: &'static str,
    pub no_items: &'static str,
    pub source: &'static str,
    pub credit: &'static str,
    pub also: &'static str,
    pub original: &'static str,
    pub rights: &'static str,
    pub author: &'static str,
    pub files: &'static str,
    pub skip: &'static str,
    pub all_feeds: &'static str,
    pub home: &'static str,
    pub path: &'static str,
    pub excerpt_note: &'static str,
    pub event: &'static str,
    pub parts: &'static str,
    pub revisions: &'static str,
    pub added: &'static str,
    pub removed: &'static str,
    pub sources: &'static str,
    pub no_sources: &'static str,
    pub state: &'static str,
    pub succeeded: &'static str,
    pub last_new: &'static str,
    pub moved: &'static str,
    pub unchecked: &'static str,
    /// Names of the health states of a source, in the order of [`Health::ALL`].
    pub healths: [&'static str; 7],
}

impl Words {
    pub(super) fn health(&self, health: Health) -> &'static str {
        let found = Health::ALL.iter().zip(self.healths).find(|(known, _)| **known == health);
        found.map_or("", |(_, word)| word)
    }
}

const CHINESE: Words = Words {
    latest: "最新消息",
    regions: "地区",
    within: "下辖地区",
    services: "政务服务",
    subscribe: "订阅",
    no_items: "还没有消息。来源第一次被读取之后，消息会出现在这里。",
    source: "来源",
    credit: "转自",
    also: "其他来源的报道",
    original: "阅读原文",
    rights: "版权",
    author: "作者",
    files: "附件",
    skip: "跳到正文",
    all_feeds: "全部订阅（OPML）",
    home: "首页",
    path: "所在位置",
    excerpt_note: "这里是摘要，全文请看原文。",
    event: "同一事件的其他消息",
    parts: "其中的消息",
    revisions: "修订记录",
    added: "新增",
    removed: "删去",
    sources: "来源状况",
    no_sources: "还没有配置来源。",
    state: "状况",
    succeeded: "上次读取成功",
    last_new: "上次有新消息",
    moved: "已迁往",
    unchecked: "不检查证书",
    healths: ["尚未读取", "正常", "读取有误", "被对方拒绝", "已永久关闭", "已暂停", "久无更新"],
};

const ENGLISH: Words = Words {
    latest: "Latest news",
    regions: "Regions",
    within: "Regions within",
    services: "Government services",
    subscribe: "Subscribe",
    no_items: "No news yet. It will appear here once the sources have been read for the first time.",
    source: "Source",
    credit: "Taken from",
    also: "Also reported by",
    original: "Read the original",
    rights: "Rights",
    author: "Author",
    files: "Attachments",
    skip: "Skip to the content",
    all_feeds: "All feeds (OPML)",
    home: "Home",
    path: "You are here",
    excerpt_note: "This is an excerpt; the full text is at the original.",
    event: "Other stories of the same event",
    parts: "The stories in it",
    revisions: "What was changed",
    added: "added",
    removed: "removed",
    sources: "Status of the sources",
    no_sources: "No source is configured yet.",
    state: "State",
    succeeded: "Last read",
    last_new: "Last new item",
    moved: "It moved to",
    unchecked: "Its certificate is not checked",
    healths: ["not read yet", "well", "failing", "refused by the site", "gone for good", "paused", "silent for long"],
};

/// What every page needs.
#[derive(Debug)]
pub struct Page<'a> {
    /// Title of the whole site.
    pub site: &'a str,
    /// Language of the page.
    pub language: Language,
    /// Time zone in which times are shown.
    pub zone: &'a Zone,
}

/// A named link on a page: to a region or to a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    /// Name of the region, or title of the story.
    pub name: String,
    /// Path on this site.
    pub path: String,
}

/// A region in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name and path of the region.
    pub region: Crumb,
    /// Whether there are items in the region or below it.
    pub has_items: bool,
}

struct Row<'a> {
    item: &'a Item,
    page: String,
    day: String,
    machine: String,
}

pub(super) struct FeedLink {
    pub(super) path: String,
    pub(super) media_type: &'static str,
    pub(super) name: &'static str,
}

#[derive(Template)]
#[template(path = "home.html", config = "src/write/askama.toml")]
struct Home<'a> {
    lang: &'static str,
    w: &'static Words,
    site: &'a str,
    title: &'a str,
    feeds: Vec<FeedLink>,
    regions: &'a [Listed],
    rows: Vec<Row<'a>>,
}

#[derive(Template)]
#[template(path = "region.html", config = "src/write/askama.toml")]
struct Region<'a> {
    lang: &'static str,
    w: &'static Words,
    site: &'a str,
    title: &'a str,
    feeds: Vec<FeedLink>,
    crumbs: &'a [Crumb],
    children: &'a [Listed],
    services: &'a [Service],
    rows: Vec<Row<'a>>,
}

#[derive(Template)]
#[template(path = "item.html", config = "src/write/askama.toml")]
struct ItemPage<'a> {
    lang: &'static str,
    w: &'static Words,
    site: &'a str,
    title: &'a str,
    feeds: Vec<FeedLink>,
    item: &'a Item,
    day: String,
    machine: String,
    tags: &'a [Crumb],
    event: &'a [Crumb],
    parts: &'a [Crumb],
    revisions: Vec<Shown<'a>>,
}

/// A revision, formatted for a page.
struct Shown<'a> {
    day: String,
    machine: String,
    changes: Vec<(&'static str, &'static str, &'a str)>,
}

#[derive(Template)]
#[template(path = "fault.html", config = "src/write/askama.toml")]
struct Fault<'a> {
    lang: &'static str,
    w: &'static Words,
    site: &'a str,
    title: &'a str,
    feeds: Vec<FeedLink>,
    detail: &'a str,
}

/// Renders the home page: the regions, and the newest items of all of them. `feeds` is the path below which the feeds
/// of the whole site are.
pub fn home(page: &Page<'_>, feeds: Option<&str>, regions: &[Listed], items: &[Item]) -> Vec<u8> {
    render(&Home {
        lang: page.language.tag(),
        w: page.language.words(),
        site: page.site,
        title: page.site,
        feeds: feeds.map(feed_links).unwrap_or_default(),
        regions,
        rows: rows(page, items),
    })
}

/// Renders the page of a region: the path to it from the top (itself last), the regions below it, services and its
/// newest items.
pub fn region(page: &Page<'_>, crumbs: &[Crumb], children: &[Listed], services: &[Service], items: &[Item]) -> Vec<u8> {
    let own = crumbs.last();
    render(&Region {
        lang: page.language.tag(),
        w: page.language.words(),
        site: page.site,
        title: own.map_or("", |own| own.name.as_str()),
        feeds: own.map(|own| feed_links(&own.path)).unwrap_or_default(),
        crumbs: crumbs.split_last().map_or(&[], |(_, above)| above),
        children,
        services,
        rows: rows(page, items),
    })
}

/// What the page of an item shows besides the item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Regions that the item is tagged with.
    pub tags: Vec<Crumb>,
    /// Other stories of the same event.
    pub event: Vec<Crumb>,
    /// Stories that the item holds, if it is a round-up.
    pub parts: Vec<Crumb>,
    /// How the text of the item changed, newest first.
    pub revisions: Vec<Revision>,
}

/// Renders the page of an item.
pub fn item(page: &Page<'_>, item: &Item, beside: &Beside) -> Vec<u8> {
    let words = page.language.words();
    let revisions = beside
        .revisions
        .iter()
        .map(|revision| {
            let (day, machine) = moment(page, revision.at);
            let changes = revision.changes.iter().map(|change| match change {
                Change::Kept(text) => ("kept", "", text.as_str()),
                Change::Added(text) => ("ins", words.added, text.as_str()),
                Change::Removed(text) => ("del", words.removed, text.as_str()),
            });
            Shown { day, machine, changes: changes.collect() }
        })
        .collect();
    render(&ItemPage {
        lang: page.language.tag(),
        w: page.language.words(),
        site: page.site,
        title: &item.title,
        feeds: beside.tags.first().map(|tag| feed_links(&tag.path)).unwrap_or_default(),
        item,
        day: when(item.published, page.zone),
        machine: item.published.to_string(),
        tags: &beside.tags,
        event: &beside.event,
        parts: &beside.parts,
        revisions,
    })
}

/// Renders an error page with a sentence about what went wrong.
pub fn fault(page: &Page<'_>, title: &str, detail: &str) -> Vec<u8> {
    render(&Fault {
        lang: page.language.tag(),
        w: page.language.words(),
        site: page.site,
        title,
        feeds: Vec::new(),
        detail,
    })
}

/// Returns the stylesheet of all pages.
pub const fn stylesheet() -> &'static str {
    include_str!("pages/style.css")
}

pub(super) fn render(page: &impl Template) -> Vec<u8> {
    // The templates are checked at compile time, and writing to memory cannot fail.
    page.render().unwrap_or_default().into_bytes()
}

fn feed_links(path: &str) -> Vec<FeedLink> {
    Format::ALL
        .iter()
        .map(|format| FeedLink {
            path: format!("{path}/{}", format.file()),
            media_type: format.media_type().split(';').next().unwrap_or(""),
            name: format.name(),
        })
        .collect()
}

fn rows<'a>(page: &Page<'_>, items: &'a [Item]) -> Vec<Row<'a>> {
    items
        .iter()
        .map(|item| Row {
            item,
            page: format!("/items/{}", item.id),
            day: when(item.published, page.zone),
            machine: item.published.to_string(),
        })
        .collect()
}

/// Formats a time to the minute: for people, and for programs.
pub(super) fn moment(page: &Page<'_>, at: Moment) -> (String, String) {
    let stamp = Stamp { at, precision: Precision::Minute, offset: page.zone.offset(at) };
    (when(stamp, page.zone), stamp.to_string())
}

/// Formats a date for people: the day, and the time if it is known.
fn when(stamp: Stamp, zone: &Zone) -> String {
    if stamp.precision <= Precision::Day {
        return stamp.day();
    }
    let (year, month, day, hour, minute, ..) = Moment::wall(stamp.at, zone);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
}
