//! Renders the health of every source: a page for people, and a feed that an admin subscribes to.

use askama::Template;
use atom_syndication as atom;

use super::clean;
use super::page::{FeedLink, Page, Words, moment, render};
use crate::model::{Health, ItemId, Key, Moment, SourceId};

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
    /// Why the source is not healthy, in a sentence; else empty.
    pub reason: String,
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
    /// A sentence about what looks wrong with the source.
    Doubt(String),
}

impl SourceHealth {
    /// Returns whether the source needs the attention of the admin. One or two failed polls do not.
    const fn is_ill(&self) -> bool {
        match self.health {
            Health::Degraded => self.failures >= 3,
            Health::Blocked | Health::Gone | Health::Stale => true,
            Health::New | Health::Ok | Health::Paused => false,
        }
    }
}

struct Row<'a> {
    source: &'a SourceHealth,
    word: &'static str,
    succeeded: Option<(String, String)>,
    last_new: Option<(String, String)>,
    notes: Vec<String>,
}

#[derive(Template)]
#[template(path = "sources.html", config = "src/write/askama.toml")]
struct Sources<'a> {
    lang: &'static str,
    w: &'static Words,
    site: &'a str,
    title: &'a str,
    feeds: Vec<FeedLink>,
    counts: Vec<(&'static str, usize)>,
    rows: Vec<Row<'a>>,
}

/// Path of the feed.
const HEALTH_FEED: &str = "/sources/atom.xml";

/// Renders the page: unhealthy sources first, otherwise in the order of the config.
pub fn sources(page: &Page<'_>, healths: &[SourceHealth]) -> Vec<u8> {
    let words = page.language.words();
    let note = |note: &Note| match note {
        Note::Moved(to) => format!("{} {to}", words.moved),
        Note::Unchecked => words.unchecked.to_owned(),
        Note::Doubt(doubt) => doubt.clone(),
    };
    let mut rows: Vec<Row<'_>> = healths
        .iter()
        .map(|source| Row {
            source,
            word: words.health(source.health),
            succeeded: source.succeeded.map(|at| moment(page, at)),
            last_new: source.last_new.map(|at| moment(page, at)),
            notes: source.notes.iter().map(note).collect(),
        })
        .collect();
    rows.sort_by_key(|row| !row.source.is_ill());
    let count = |health: Health| healths.iter().filter(|source| source.health == health).count();
    render(&Sources {
        lang: page.language.tag(),
        w: words,
        site: page.site,
        title: words.sources,
        feeds: vec![FeedLink { path: HEALTH_FEED.to_owned(), media_type: "application/atom+xml", name: "Atom" }],
        counts: Health::ALL
            .into_iter()
            .map(|health| (words.health(health), count(health)))
            .filter(|(_, number)| *number > 0)
            .collect(),
        rows,
    })
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
            summary: Some(atom::Text::plain(clean::xml(&source.reason))),
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
    feed.write_to(Vec::new()).unwrap_or_default()
}
