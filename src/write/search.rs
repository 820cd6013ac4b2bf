//! Renders the search page, and what tells browsers that there is a search.

use askama::Template;

use super::clean;
use super::frame::{FeedLink, Frame, Page};
use super::page::render;
use super::rows::{Crumb, Time};
use super::words::Language;
use crate::model::Item;

/// A part of a text that is shown; what was searched for is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it is marked.
    pub is_hit: bool,
}

/// A result of a search.
#[derive(Clone, Debug)]
pub struct SearchResult {
    /// The story.
    pub item: Item,
    /// Its title.
    pub title: Vec<Piece>,
    /// The part of its text around what was searched for.
    pub excerpt: Vec<Piece>,
}

/// What the form shows, and which results there are.
#[derive(Clone, Debug, Default)]
pub struct SearchPage {
    /// What was searched for, as it was written.
    pub query: String,
    /// Whether anything was searched for.
    pub is_asked: bool,
    /// Days between which results were published, as they were written.
    pub from: String,
    /// The last day.
    pub to: String,
    /// Whether one of them cannot be read.
    pub is_day_unread: bool,
    /// Whether results are sorted by relevance.
    pub by_relevance: bool,
    /// Regions to choose from: id, name, whether it is chosen.
    pub regions: Vec<(String, String, bool)>,
    /// Source of the results: id and title.
    pub source: Option<(String, String)>,
    /// Topic or label of the results, as it stands in addresses, and its name.
    pub topic: Option<(String, String)>,
    /// Results.
    pub results: Vec<SearchResult>,
    /// Whether the index lacks something.
    pub is_incomplete: bool,
    /// Paths of the feeds of this search: media type, name, path.
    pub feeds: Vec<(&'static str, &'static str, String)>,
    /// Path of the page with further results.
    pub next: Option<String>,
}

/// The interface texts of the search page.
#[derive(Debug)]
struct SearchWords {
    search: &'static str,
    results_of: &'static str,
    hint: &'static str,
    none: &'static str,
    none_hint: &'static str,
    incomplete: &'static str,
    unread_day: &'static str,
    region: &'static str,
    all_regions: &'static str,
    source: &'static str,
    topic: &'static str,
    without: &'static str,
    from: &'static str,
    to: &'static str,
    sort: &'static str,
    newest: &'static str,
    relevance: &'static str,
    more: &'static str,
    first: &'static str,
    filters: &'static str,
}

const CHINESE: SearchWords = SearchWords {
    search: "搜索",
    results_of: "搜索结果",
    hint: "多个词用空格隔开，结果包含所有的词；“加引号”按原文查找；-词 表示不含这个词。繁体、简体和地名拼音都可以。",
    none: "没有找到。",
    none_hint: "可以少用几个词、换一个说法，或者扩大地区和日期的范围。",
    incomplete: "索引正在建立，结果可能不全，请过一会儿再试。",
    unread_day: "日期看不懂，没有按它筛选。请写成 2026-01-31。",
    region: "地区",
    all_regions: "所有地区",
    source: "来源",
    topic: "主题",
    without: "不限",
    from: "从",
    to: "到",
    sort: "排序",
    newest: "最新在前",
    relevance: "标题有的在前",
    more: "更多结果",
    first: "回到第一页",
    filters: "筛选",
};

const ENGLISH: SearchWords = SearchWords {
    search: "Search",
    results_of: "Results",
    hint: "Results have all of the words; \"phrases in quotes\" are found as they are written; -word leaves out results with that word. Traditional and simplified characters and the pinyin of places are understood.",
    none: "Nothing was found.",
    none_hint: "Try fewer or other words, or more regions and days.",
    incomplete: "The index is being made, so results may be missing; please try again soon.",
    unread_day: "A date cannot be understood and was left out. Please write it like 2026-01-31.",
    region: "Region",
    all_regions: "All regions",
    source: "Source",
    topic: "Topic",
    without: "any",
    from: "From",
    to: "To",
    sort: "Order",
    newest: "Newest first",
    relevance: "In the title first",
    more: "More results",
    first: "Back to the first page",
    filters: "Filters",
};

struct Row<'a> {
    result: &'a SearchResult,
    time: Time,
}

#[derive(Template)]
#[template(path = "search.html", config = "src/write/askama.toml")]
struct Search<'a> {
    f: Frame<'a>,
    s: &'static SearchWords,
    page: &'a SearchPage,
    rows: Vec<Row<'a>>,
    first: Option<Crumb>,
}

/// Renders the search page. `first` is the path of the first page of results if this is another one.
pub fn search(page: &Page<'_>, asked: &SearchPage, first: Option<String>) -> Vec<u8> {
    let words = match page.language {
        Language::Chinese => &CHINESE,
        Language::English => &ENGLISH,
    };
    let title = match asked.query.as_str() {
        "" => words.search.to_owned(),
        query => format!("{query} · {}", words.search),
    };
    let feed = |(media_type, name, path): &(&'static str, &'static str, String)| FeedLink {
        path: format!("{}{path}", page.root),
        media_type,
        name,
    };
    render(&Search {
        f: Frame { feeds: asked.feeds.iter().map(feed).collect(), ..page.frame(&title, "") },
        s: words,
        page: asked,
        rows: asked.results.iter().map(|result| row(page, result)).collect(),
        first: first.map(|path| Crumb { name: words.first.to_owned(), path }),
    })
}

fn row<'a>(page: &Page<'_>, result: &'a SearchResult) -> Row<'a> {
    Row { result, time: Time::of(page, result.item.published) }
}

/// Renders the description of the search for browsers (OpenSearch 1.1). `root` is the base URL of the site.
pub fn opensearch(page: &Page<'_>, root: &str) -> Vec<u8> {
    let name: String = page.site.chars().take(16).collect();
    let words = if page.language == Language::Chinese { &CHINESE } else { &ENGLISH };
    let url = |media_type: &str, path: &str| {
        format!("<Url type=\"{media_type}\" template=\"{}{path}?q={{searchTerms}}\"/>\n", clean::escape(root))
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<OpenSearchDescription xmlns=\"http://a9.com/-/spec/opensearch/1.1/\">\n<ShortName>{}</ShortName>\n<Description>{} · {}</Description>\n<InputEncoding>UTF-8</InputEncoding>\n{}{}{}</OpenSearchDescription>\n",
        clean::escape(&name),
        clean::escape(page.site),
        words.search,
        url("text/html", "/search"),
        url("application/atom+xml", "/search.atom"),
        url("application/rss+xml", "/search.rss"),
    )
    .into_bytes()
}
