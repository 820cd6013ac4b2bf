//! Feeds as JSON Feed 1.1.

use serde_json::{Map, Value, json};

use super::channel::Channel;
use crate::model::{Item, Service};

/// What extensions of JSON Feed are.
const ABOUT: &str = "https://jsonfeed.org/version/1.1#extensions";

/// Writes a feed as JSON Feed 1.1 (jsonfeed.org/version/1.1). Our own fields are under `_dayuan`.
pub fn json(channel: &Channel<'_>) -> Vec<u8> {
    let mut feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "home_page_url": channel.page,
        "feed_url": channel.self_link,
        "description": channel.description,
        "language": channel.language,
        "items": channel.items.iter().map(|item| entry(channel, item)).collect::<Vec<_>>(),
    });
    if let (Some(hub), Some(feed)) = (&channel.hub, feed.as_object_mut()) {
        feed.insert("hubs".to_owned(), json!([{ "type": "WebSub", "url": hub }]));
    }
    if let (false, Some(feed)) = (channel.services.is_empty(), feed.as_object_mut()) {
        let service = |service: &Service| json!({ "title": service.title, "url": service.url });
        let services: Vec<Value> = channel.services.iter().map(service).collect();
        feed.insert("_dayuan".to_owned(), json!({ "about": ABOUT, "services": services }));
    }
    feed.to_string().into_bytes()
}

fn entry(channel: &Channel<'_>, item: &Item) -> Value {
    let mut entry = Map::new();
    let mut put = |name: &str, value: Value| {
        let is_empty =
            value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value.as_str().is_some_and(str::is_empty);
        if !is_empty {
            entry.insert(name.to_owned(), value);
        }
    };
    let page = channel.item_page(item);
    put("id", json!(item.id.urn()));
    put("url", json!(item.link.as_deref().unwrap_or(&page)));
    put("title", json!(item.title));
    put("summary", json!(item.excerpt));
    let content = channel.content(item);
    put("content_html", json!(content));
    put("image", json!(item.picture));
    // The standard requires `content_html` or `content_text`.
    if content.is_none() {
        put("content_text", json!(if item.excerpt.is_empty() { &item.title } else { &item.excerpt }));
    }
    put("date_published", json!(item.published.at.rfc3339()));
    put("date_modified", json!(item.updated.rfc3339()));
    put("authors", item.authors.iter().map(|name| json!({ "name": name })).collect());
    put("tags", json!(item.categories));
    let attachments = item.enclosures.iter().map(|file| {
        let mut attachment = Map::new();
        attachment.insert("url".to_owned(), json!(file.url));
        attachment.insert("mime_type".to_owned(), json!(file.kind.as_deref().unwrap_or("application/octet-stream")));
        if let Some(length) = file.length {
            attachment.insert("size_in_bytes".to_owned(), json!(length));
        }
        Value::Object(attachment)
    });
    put("attachments", attachments.collect());
    let provenance = &item.provenance;
    put(
        "_dayuan",
        json!({
            "about": ABOUT,
            "page": page,
            "source": { "id": provenance.source.as_str(), "title": provenance.title, "url": provenance.link, "credit": provenance.credit },
            "editors": item.editors,
            "rights": item.rights,
            "via": item.link,
            "comments": item.comments,
            "replies": item.replies,
            "related": item.related.iter().map(|other| json!({ "url": other.link, "title": other.title, "source": other.source })).collect::<Vec<_>>(),
            "regions": item.regions.iter().map(|region| region.as_str()).collect::<Vec<_>>(),
            "point": channel.point_of(item).map(|point| point.to_string()),
            "date_precision": item.published.precision.word(),
        }),
    );
    Value::Object(entry)
}
