//! Renders the health of every source: a page for people, and a feed that an admin subscribes to.

use askama::Template;
use atom_syndication as atom;

use super::clean;
use super::digest;
use super::frame::{FeedLink, Frame, Page};
use super::page::render;
use super::reasons::public_reason;
use super::rows::{Crumb, Day, Listing, Time, days};
use crate::model::{Health, ItemId, Key, Moment, Reason, SourceId};

/// Health of a source, as it is shown.
#[derive(Clone, Debug)]
pub struct SourceHealth {
    /// Id of the source.
    pub id: SourceId,
    /// Title of the source.
    pub title: String,
    /// Address of the source.
    pub url: String,
    /// Current health.
    pub health: Health,
    /// Why the source is not healthy.
    pub reason: Option<Reason>,
    /// Time since which the health is the same.
    pub since: Option<Moment>,
    /// Consecutive failures.
    pub failures: u32,
    /// Time of the last response that could be read, or was a 304.
    pub succeeded: Option<Moment>,
    /// Time of the last new item.
    pub last_new: Option<Moment>,
    /// What an admin should know although the source is healthy.
    pub notes: Vec<Note>,
}

/// What an admin should know about a source that is healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The site says that it has moved to this address for good.
    Moved(String),
    /// Invalid certificates are accepted (`tls = "lenient"`).
    Unchecked,
    /// What looks wrong with the source.
    Doubt(Reason),
}

impl SourceHealth {
    const fn is_ill(&self) -> bool {
        self.health.is_ill(self.failures)
    }
}

struct Row<'a> {
    source: &'a SourceHealth,
    word: &'static str,
    succeeded: Option<Time>,
    last_new: Option<Time>,
    /// What is wrong, and what the admin should know.
    notes: Vec<String>,
}

#[derive(Template)]
#[template(path = "sources.html", config = "src/write/askama.toml")]
struct Sources<'a> {
    f: Frame<'a>,
    counts: Vec<(&'static str, usize)>,
    rows: Vec<Row<'a>>,
}

#[derive(Template)]
#[template(path = "source.html", config = "src/write/askama.toml")]
struct SourcePage<'a> {
    f: Frame<'a>,
    crumbs: &'a [Crumb],
    link: &'a str,
    row: Option<Row<'a>>,
    days: Vec<Day<'a>>,
    older: Option<&'a str>,
    newest: Option<&'a str>,
}

/// What the page of a source shows besides its stories.
#[derive(Clone, Debug)]
pub struct AboutSource<'a> {
    /// Title of the source.
    pub title: &'a str,
    /// Address of the source.
    pub link: &'a str,
    /// The way to its region from the top.
    pub crumbs: Vec<Crumb>,
    /// How it fares; `None` if the config does not list it any more.
    pub health: Option<SourceHealth>,
    /// Path of the page, without that of the site.
    pub path: String,
    /// Path and query of the next older stories.
    pub older: Option<String>,
    /// Path of the newest stories, on a page of older ones.
    pub newest: Option<String>,
    /// Path below which its feeds are, and their query.
    pub feeds: Option<(String, String)>,
}

/// Path of the feed.
const HEALTH_FEED: &str = "/sources/atom.xml";

/// Renders the page of all sources: unhealthy ones first, otherwise in the order of the config.
pub fn sources(page: &Page<'_>, healths: &[SourceHealth]) -> Vec<u8> {
    let words = page.language.words();
    let mut rows: Vec<Row<'_>> = healths.iter().map(|source| row(page, source)).collect();
    rows.sort_by_key(|row| !row.source.is_ill());
    let count = |health: Health| healths.iter().filter(|source| source.health == health).count();
    let feed =
        |path: &str, name| FeedLink { path: format!("{}{path}", page.root), media_type: "application/atom+xml", name };
    render(&Sources {
        f: Frame {
            feeds: vec![feed(HEALTH_FEED, "Atom"), feed(digest::PATH, words.weekly)],
            ..page.frame(words.sources, "/sources")
        },
        counts: Health::ALL
            .into_iter()
            .map(|health| (words.health(health), count(health)))
            .filter(|(_, number)| *number > 0)
            .collect(),
        rows,
    })
}

/// Renders the page of a source: how it fares, and its stories.
pub fn source(page: &Page<'_>, about: &AboutSource<'_>, stories: &[Listing]) -> Vec<u8> {
    let feeds = about.feeds.as_ref().map(|feeds| page.feed_links(feeds)).unwrap_or_default();
    render(&SourcePage {
        f: Frame { feeds, ..page.frame(about.title, &about.path) },
        crumbs: &about.crumbs,
        link: about.link,
        row: about.health.as_ref().map(|source| row(page, source)),
        days: days(page, stories),
        older: about.older.as_deref(),
        newest: about.newest.as_deref(),
    })
}

fn row<'a>(page: &Page<'_>, source: &'a SourceHealth) -> Row<'a> {
    let words = page.language.words();
    let note = |note: &Note| match note {
        Note::Moved(to) => format!("{} {to}", words.moved),
        Note::Unchecked => words.unchecked.to_owned(),
        Note::Doubt(doubt) => public_reason(doubt, page.language),
    };
    Row {
        source,
        word: words.health(source.health),
        succeeded: source.succeeded.map(|at| Time::minute(page, at)),
        last_new: source.last_new.map(|at| Time::minute(page, at)),
        notes: source
            .reason
            .iter()
            .map(|why| public_reason(why, page.language))
            .chain(source.notes.iter().map(note))
            .collect(),
    }
}

/// Renders the feed (RFC 4287): an entry for each unhealthy source, newest first. A source that becomes unhealthy again
/// gets another entry. `root` is the base URL of the site.
pub fn health_feed(page: &Page<'_>, root: &str, healths: &[SourceHealth]) -> Vec<u8> {
    const MAX_ENTRIES: usize = 200;
    let words = page.language.words();
    let mut ill: Vec<&SourceHealth> = healths.iter().filter(|source| source.is_ill()).collect();
    ill.sort_by_key(|source| (std::cmp::Reverse(source.since), source.id.clone()));
    ill.truncate(MAX_ENTRIES);
    let link = |rel: &str, href: String, media_type: Option<&str>| atom::Link {
        href: clean::xml(&href),
        rel: rel.to_owned(),
        mime_type: media_type.map(str::to_owned),
        ..atom::Link::default()
    };
    let date = |at: Option<Moment>| {
        chrono::DateTime::from_timestamp_millis(at.unwrap_or_default().millis()).unwrap_or_default().fixed_offset()
    };
    let person = |name: &str| vec![atom::Person { name: clean::xml(name), ..atom::Person::default() }];
    let entry = |source: &&SourceHealth| {
        let when = source.since.unwrap_or_default().millis();
        let why = source.reason.as_ref().map(|why| public_reason(why, page.language));
        let key = Key::from_text(format!("health {} {when}", source.health.word()));
        atom::Entry {
            title: atom::Text::plain(clean::xml(&format!("{}: {}", source.title, words.health(source.health)))),
            id: ItemId::of(&source.id, &key).urn(),
            updated: date(source.since),
            published: Some(date(source.since)),
            authors: person(&source.title),
            links: vec![
                link("alternate", format!("{root}/sources#{}", source.id), Some("text/html")),
                link("related", source.url.clone(), None),
            ],
            summary: Some(atom::Text::plain(clean::xml(&why.unwrap_or_default()))),
            ..atom::Entry::default()
        }
    };
    let feed = atom::Feed {
        title: atom::Text::plain(clean::xml(&format!("{} · {}", words.sources, page.site))),
        id: format!("{root}/sources"),
        updated: date(ill.first().and_then(|source| source.since)),
        authors: person(page.site),
        links: vec![
            link("self", format!("{root}{HEALTH_FEED}"), Some("application/atom+xml")),
            link("alternate", format!("{root}/sources"), Some("text/html")),
        ],
        entries: ill.iter().map(entry).collect(),
        lang: Some(page.language.tag().to_owned()),
        ..atom::Feed::default()
    };
    // Writing to memory cannot fail; if it did, every reader would get an empty document.
    clean::styled(feed.write_to(Vec::new()).unwrap_or_default(), root)
}
