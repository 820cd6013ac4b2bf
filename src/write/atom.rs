use atom_syndication as atom;

use super::channel::Channel;
use super::clean;
use crate::model::{Item, Moment};

/// Writes a feed as Atom 1.0 (RFC 4287).
pub fn atom(channel: &Channel<'_>) -> Vec<u8> {
    let feed = atom::Feed {
        title: text(&channel.title),
        id: channel.id.clone(),
        updated: date(channel.updated),
        generator: Some(generator()),
        subtitle: Some(text(&channel.description)),
        rights: channel.rights.map(text),
        links: vec![
            link("self", &channel.self_link, Some("application/atom+xml")),
            link("alternate", &channel.page, Some("text/html")),
        ],
        authors: vec![person(&channel.title)],
        entries: channel.items.iter().map(|item| entry(channel, item)).collect(),
        lang: Some(channel.language.to_owned()),
        ..atom::Feed::default()
    };
    // Writing to memory cannot fail; if it did, every reader would get an empty document.
    feed.write_to(Vec::new()).unwrap_or_default()
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
        categories: item
            .categories
            .iter()
            .map(|label| atom::Category { term: clean::xml(label), ..atom::Category::default() })
            .collect(),
        links: links(channel, item),
        rights: item.rights.as_deref().map(text),
        source: Some(atom::Source {
            title: text(&provenance.title),
            id: clean::xml(&provenance.link),
            updated: date(item.updated),
            links: vec![link("alternate", &provenance.link, None)],
            ..atom::Source::default()
        }),
        summary: (!item.excerpt.is_empty()).then(|| text(&item.excerpt)),
        content: item.content_html.as_deref().map(|html| atom::Content {
            value: Some(clean::xml(html)),
            content_type: Some("html".to_owned()),
            ..atom::Content::default()
        }),
        ..atom::Entry::default()
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
