//! Feeds as Atom 1.0.

use std::collections::BTreeMap;

use atom_syndication as atom;
use atom_syndication::extension::{Extension, ExtensionMap};

use super::added;
use super::channel::Channel;
use super::clean;
use crate::model::{Item, ItemId, Moment, Provenance};

/// Writes a feed as Atom 1.0 (RFC 4287).
pub fn atom(channel: &Channel<'_>) -> Vec<u8> {
    let feed = atom::Feed {
        title: text(&channel.title),
        id: channel.id.clone(),
        updated: date(channel.updated),
        generator: Some(generator()),
        subtitle: Some(text(&channel.description)),
        rights: channel.rights.map(text),
        links: feed_links(channel),
        authors: vec![person(&channel.title)],
        entries: channel.items.iter().map(|item| entry(channel, item)).collect(),
        lang: Some(channel.language.to_owned()),
        extensions: extensions(channel),
        namespaces: namespaces(channel),
        ..atom::Feed::default()
    };
    // Writing to memory cannot fail; if it did, every reader would get an empty document.
    clean::styled(entries_last(&feed.write_to(Vec::new()).unwrap_or_default()), channel.root)
}

/// The namespaces that a feed uses beside its own.
const HISTORY: (&str, &str) = ("fh", "http://purl.org/syndication/history/1.0");
const TOMBSTONES: (&str, &str) = ("at", "http://purl.org/atompub/tombstones/1.0");

/// Returns the namespaces that a feed uses; those of what it lacks are left out.
fn namespaces(channel: &Channel<'_>) -> BTreeMap<String, String> {
    let has_picture = channel.items.iter().any(|item| item.picture.is_some());
    let has_point = channel.point.is_some() || channel.items.iter().any(|item| channel.point_of(item).is_some());
    let used = [
        (HISTORY, channel.chain.is_archive),
        (TOMBSTONES, !channel.deleted.is_empty()),
        (added::MEDIA, has_picture),
        (added::GEORSS, has_point),
        (added::THREADS, channel.items.iter().any(|item| item.replies.is_some())),
    ];
    used.into_iter().filter(|(_, is_used)| *is_used).map(|((name, uri), _)| (name.to_owned(), uri.to_owned())).collect()
}

/// Puts the elements that stand behind the entries before them, where the grammar of RFC 4287 (section 4.1.1) has them. The
/// writer escapes whatever is text, so that tags are found as they are written.
fn entries_last(document: &[u8]) -> Vec<u8> {
    const OPEN: &[u8] = b"<entry>";
    const CLOSE: &[u8] = b"</entry>";
    let first = document.windows(OPEN.len()).position(|window| window == OPEN);
    let last = document.windows(CLOSE.len()).rposition(|window| window == CLOSE).map(|at| at + CLOSE.len());
    let end = document.windows(7).rposition(|window| window == b"</feed>");
    let parts = first.zip(last).zip(end).and_then(|((first, last), end)| {
        Some([document.get(..first)?, document.get(last..end)?, document.get(first..last)?, document.get(end..)?])
    });
    parts.map_or_else(|| document.to_vec(), |parts| parts.concat())
}

/// Returns the links of a feed: its own, its page, the documents before and after it (RFC 5005), and services of the region.
fn feed_links(channel: &Channel<'_>) -> Vec<atom::Link> {
    const ATOM: Option<&str> = Some("application/atom+xml");
    let chain = &channel.chain;
    let mut links = vec![link("self", &channel.self_link, ATOM), link("alternate", &channel.page, Some("text/html"))];
    let others = [("current", &chain.current), ("prev-archive", &chain.previous), ("next-archive", &chain.next)];
    links.extend(channel.hub.as_deref().map(|hub| link("hub", hub, None)));
    links.extend(others.into_iter().filter_map(|(rel, url)| Some(link(rel, url.as_deref()?, ATOM))));
    links.extend(channel.services.iter().map(|service| atom::Link {
        title: Some(clean::xml(&service.title)),
        ..link("related", &service.url, Some("text/html"))
    }));
    links
}

/// Returns the elements of a feed that other standards added: that it is an archive (RFC 5005), and the items that were
/// withdrawn, for readers that had them (RFC 6721).
fn extensions(channel: &Channel<'_>) -> ExtensionMap {
    let entry = |(id, at): &(ItemId, Moment)| Extension {
        name: "at:deleted-entry".to_owned(),
        attrs: BTreeMap::from([("ref".to_owned(), id.urn()), ("when".to_owned(), at.rfc3339())]),
        ..Extension::default()
    };
    let entries: Vec<Extension> = channel.deleted.iter().map(entry).collect();
    let archive = channel.chain.is_archive.then(|| Extension { name: "fh:archive".to_owned(), ..Extension::default() });
    let point = channel.point.map(|point| extension(added::point(point)));
    grouped(point.into_iter().chain(archive).chain(entries).collect())
}

fn extension(element: added::Element) -> Extension {
    Extension { name: element.name.to_owned(), attrs: element.attributes, value: element.text, ..Extension::default() }
}

/// Groups elements as the writer wants them. It takes their names from themselves.
fn grouped(elements: Vec<Extension>) -> ExtensionMap {
    BTreeMap::from([(String::new(), BTreeMap::from([(String::new(), elements)]))])
}

/// Returns the links of an entry: the original page, its page here, other reports of the story, and attached files.
fn links(channel: &Channel<'_>, item: &Item) -> Vec<atom::Link> {
    let mut links = Vec::new();
    if let Some(original) = &item.link {
        links.push(link("alternate", original, Some("text/html")));
        links.push(link("via", original, None));
    } else {
        links.push(link("alternate", &channel.item_page(item), Some("text/html")));
    }
    links.push(atom::Link {
        title: Some("dayuan".to_owned()),
        ..link("related", &channel.item_page(item), Some("text/html"))
    });
    for other in &item.related {
        links.push(atom::Link {
            title: Some(clean::xml(&format!("{}: {}", other.source, other.title))),
            ..link("related", &other.link, None)
        });
    }
    for file in &item.enclosures {
        links.push(atom::Link {
            length: file.length.map(|length| length.to_string()),
            ..link("enclosure", &file.url, file.kind.as_deref())
        });
    }
    if let Some(comments) = &item.comments {
        links.push(link("replies", comments, Some("text/html")));
    }
    links
}

fn entry(channel: &Channel<'_>, item: &Item) -> atom::Entry {
    let provenance = &item.provenance;
    let authors = if item.authors.is_empty() {
        vec![person(&provenance.title)]
    } else {
        item.authors.iter().map(|name| person(name)).collect()
    };
    atom::Entry {
        title: text(&item.title),
        id: item.id.urn(),
        updated: date(item.updated),
        published: Some(date(item.published.at)),
        authors,
        contributors: item.editors.iter().map(|name| person(name)).collect(),
        categories: categories(channel, item),
        links: links(channel, item),
        rights: item.rights.as_deref().map(text),
        source: Some(atom::Source {
            title: text(&provenance.title),
            id: clean::xml(&provenance.link),
            updated: date(item.updated),
            links: source_links(provenance),
            ..atom::Source::default()
        }),
        summary: (!item.excerpt.is_empty()).then(|| text(&item.excerpt)),
        extensions: grouped(
            added::of_item(channel, item).into_iter().chain(added::replies("thr:total", item)).map(extension).collect(),
        ),
        content: channel.content(item).map(|html| atom::Content {
            value: Some(clean::xml(&html)),
            content_type: Some("html".to_owned()),
            ..atom::Content::default()
        }),
        ..atom::Entry::default()
    }
}

/// Returns the labels of an item, and its regions under a scheme of their own.
fn categories(channel: &Channel<'_>, item: &Item) -> Vec<atom::Category> {
    let labels = item.categories.iter().map(|label| atom::Category { term: clean::xml(label), ..Default::default() });
    let regions = channel.places_of(item).map(|(region, place)| atom::Category {
        term: region.as_str().to_owned(),
        scheme: Some(channel.region_scheme()),
        label: Some(clean::xml(&place.name)),
    });
    labels.chain(regions).collect()
}

/// Returns the links of a source: its feed and its site, or the page that lists its items.
fn source_links(provenance: &Provenance) -> Vec<atom::Link> {
    match provenance.site() {
        Some(site) => vec![link("self", &provenance.link, None), link("alternate", &site, Some("text/html"))],
        None => vec![link("alternate", &provenance.link, None)],
    }
}

fn text(value: &str) -> atom::Text {
    atom::Text::plain(clean::xml(value))
}

fn person(name: &str) -> atom::Person {
    atom::Person { name: clean::xml(name), ..atom::Person::default() }
}

fn generator() -> atom::Generator {
    atom::Generator { value: "dayuan".to_owned(), uri: None, version: Some(env!("CARGO_PKG_VERSION").to_owned()) }
}

fn link(rel: &str, href: &str, media_type: Option<&str>) -> atom::Link {
    atom::Link {
        href: clean::xml(href),
        rel: rel.to_owned(),
        mime_type: media_type.map(clean::xml),
        ..atom::Link::default()
    }
}

fn date(at: Moment) -> atom::FixedDateTime {
    chrono::DateTime::from_timestamp_millis(at.millis()).unwrap_or_default().fixed_offset()
}
