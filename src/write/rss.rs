//! Feeds as RSS 2.0.

use std::collections::BTreeMap;

use super::added;
use super::channel::Channel;
use super::clean;
use crate::model::Item;

/// Writes a feed as RSS 2.0 (rssboard.org/rss-specification), with atom:link, dc:creator and content:encoded.
pub fn rss(channel: &Channel<'_>) -> Vec<u8> {
    let own = rss::extension::atom::Link {
        href: channel.self_link.clone(),
        rel: "self".to_owned(),
        mime_type: Some("application/rss+xml".to_owned()),
        ..Default::default()
    };
    let hub = channel.hub.clone().map(|href| rss::extension::atom::Link {
        href,
        rel: "hub".to_owned(),
        ..Default::default()
    });
    let services = channel.services.iter().map(|service| related(service.url.clone(), service.title.clone()));
    let links = std::iter::once(own).chain(hub).chain(services).collect();
    let feed = rss::Channel {
        title: clean::xml(&channel.title),
        link: channel.page.clone(),
        description: clean::escape(&channel.description),
        language: Some(channel.language.to_owned()),
        copyright: channel.rights.map(clean::xml),
        last_build_date: Some(channel.updated.rfc2822()),
        generator: Some(concat!("dayuan ", env!("CARGO_PKG_VERSION")).to_owned()),
        docs: Some("https://www.rssboard.org/rss-specification".to_owned()),
        atom_ext: Some(rss::extension::atom::AtomExtension { links }),
        items: channel.items.iter().map(|item| entry(channel, item)).collect(),
        namespaces: BTreeMap::from([
            ("atom".to_owned(), "http://www.w3.org/2005/Atom".to_owned()),
            ("dc".to_owned(), "http://purl.org/dc/elements/1.1/".to_owned()),
            ("content".to_owned(), "http://purl.org/rss/1.0/modules/content/".to_owned()),
            (added::MEDIA.0.to_owned(), added::MEDIA.1.to_owned()),
            (added::SLASH.0.to_owned(), added::SLASH.1.to_owned()),
            (added::GEORSS.0.to_owned(), added::GEORSS.1.to_owned()),
        ]),
        ..rss::Channel::default()
    };
    // Writing to memory cannot fail; if it did, every reader would get an empty document.
    clean::styled(feed.write_to(Vec::new()).unwrap_or_default(), channel.root)
}

fn entry(channel: &Channel<'_>, item: &Item) -> rss::Item {
    let provenance = &item.provenance;
    let mut links = vec![related(channel.item_page(item), "dayuan".to_owned())];
    links.extend(
        item.related.iter().map(|other| related(other.link.clone(), format!("{}: {}", other.source, other.title))),
    );
    rss::Item {
        title: Some(clean::xml(&item.title)),
        link: Some(clean::xml(item.link.as_deref().unwrap_or(&channel.item_page(item)))),
        description: (!item.excerpt.is_empty()).then(|| clean::escape(&item.excerpt)),
        categories: item
            .categories
            .iter()
            .map(|label| rss::Category { name: clean::xml(label), domain: None })
            .chain(channel.places_of(item).map(|(_, place)| rss::Category {
                name: clean::xml(&place.name),
                domain: Some(channel.region_scheme()),
            }))
            .collect(),
        comments: item.comments.as_deref().map(clean::xml),
        enclosure: item.enclosures.first().map(|file| rss::Enclosure {
            url: clean::xml(&file.url),
            length: file.length.unwrap_or(0).to_string(),
            mime_type: clean::xml(file.kind.as_deref().unwrap_or("application/octet-stream")),
        }),
        guid: Some(rss::Guid { value: item.id.urn(), permalink: false }),
        pub_date: Some(item.published.at.rfc2822()),
        source: Some(rss::Source { url: clean::xml(&provenance.link), title: Some(clean::xml(&provenance.title)) }),
        content: channel.content(item).as_deref().map(clean::xml),
        extensions: grouped(
            added::of_item(channel, item).into_iter().chain(added::replies("slash:comments", item)).collect(),
        ),
        atom_ext: Some(rss::extension::atom::AtomExtension { links }),
        dublin_core_ext: Some(rss::extension::dublincore::DublinCoreExtension {
            creators: item.authors.iter().map(|name| clean::xml(name)).collect(),
            contributors: item.editors.iter().map(|name| clean::xml(name)).collect(),
            rights: item.rights.iter().map(|rights| clean::xml(rights)).collect(),
            ..Default::default()
        }),
        ..rss::Item::default()
    }
}

fn related(href: String, title: String) -> rss::extension::atom::Link {
    rss::extension::atom::Link {
        href: clean::xml(&href),
        rel: "related".to_owned(),
        title: Some(clean::xml(&title)),
        ..Default::default()
    }
}

/// Groups elements as the writer wants them. It takes their names from themselves.
fn grouped(elements: Vec<added::Element>) -> rss::extension::ExtensionMap {
    let extension = |element: added::Element| rss::extension::Extension {
        name: element.name.to_owned(),
        attrs: element.attributes,
        value: element.text,
        ..Default::default()
    };
    BTreeMap::from([(String::new(), BTreeMap::from([(String::new(), elements.into_iter().map(extension).collect())]))])
}
