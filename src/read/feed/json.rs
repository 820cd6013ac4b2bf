//! JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1).

use serde_json::Value;

use crate::model::{Draft, Enclosure, Format, Link, Moment};
use crate::read::date::{self, Clock};
use crate::read::fault::{Fault, FaultKind};
use crate::read::json::{MAX_VALUES, parse, values};
use crate::read::markup::text;
use crate::read::reading::{MAX_DRAFTS, Reading, is_unset, newest, too_many};

/// Reads a document that starts like JSON.
pub(in crate::read) fn read(document: &str, url: &Link, clock: Clock<'_>) -> Reading {
    let failed =
        |kind, detail: String| Reading { faults: vec![Fault::new(kind, "document", detail)], ..Reading::default() };
    if values(document) > MAX_VALUES {
        return failed(FaultKind::TooMuch, format!("this JSON has more than {MAX_VALUES} values, too many for a feed"));
    }
    let root = match parse(document) {
        Ok(root) => root,
        Err(e) => {
            return failed(FaultKind::Json, format!("invalid JSON at line {}, column {}", e.line(), e.column()));
        }
    };
    let is_feed = root.get("version").and_then(Value::as_str).is_some_and(|version| version.contains("jsonfeed.org"));
    let Some(items) = root
        .get("items")
        .and_then(Value::as_array)
        .filter(|items| is_feed || items.iter().any(|item| item.get("id").is_some()))
    else {
        return failed(FaultKind::NotAFeed, "this is JSON but not a JSON Feed: it has no usable `items`".to_owned());
    };
    let base = string(&root, "home_page_url").and_then(|home| url.join(&home).ok()).unwrap_or_else(|| url.clone());
    let mut reading = Reading {
        format: Format::JsonFeed,
        title: line(&root, "title"),
        link: Some(base.as_str().to_owned()),
        hub: hub(&root).zip(string(&root, "feed_url")),
        ..Reading::default()
    };
    let date = |item: &Value| {
        let written = string(item, "date_published").or_else(|| string(item, "date_modified"))?;
        date::parse(&written, clock).map(|stamp| stamp.at)
    };
    let dates: Vec<Option<Moment>> =
        items.iter().map(|item| if items.len() > MAX_DRAFTS { date(item) } else { None }).collect();
    for item in newest(&dates, MAX_DRAFTS).into_iter().filter_map(|at| items.get(at)) {
        reading.drafts.push(draft(item, &root, url, clock, &mut reading.faults).bounded());
    }
    reading.faults.extend(too_many(items.len(), "items"));
    reading
}

/// How many authors to look at, in case most have no name.
const MAX_AUTHORS_SEEN: usize = 256;

fn draft(item: &Value, root: &Value, base: &Link, clock: Clock<'_>, faults: &mut Vec<Fault>) -> Draft {
    let address =
        |name: &str| string(item, name).and_then(|url| base.join(&url).ok()).map(|link| link.as_str().to_owned());
    let mut date = |name: &'static str| {
        let written = string(item, name)?;
        let stamp = date::parse(&written, clock).filter(|stamp| !is_unset(*stamp));
        if stamp.is_none() {
            faults.push(Fault::new(
                FaultKind::Date,
                name,
                format!("`{}` is not a usable date", text::head(&written, 80)),
            ));
        }
        stamp
    };
    let html = string(item, "content_html").map(|html| text::printable(&html).into_owned());
    let plain = string(item, "content_text").or_else(|| string(item, "content"));
    let summary = string(item, "summary").map(|summary| text::plain(&escape(&summary))).unwrap_or_default();
    let text = match (&html, &plain) {
        (Some(html), _) => text::plain(html),
        (None, Some(plain)) => text::printable(plain).into_owned(),
        (None, None) => summary.clone(),
    };
    let content = html.or_else(|| plain.map(|plain| escape(&plain))).unwrap_or_else(|| escape(&summary));
    let own = authors(item);
    let (link, external) = (address("url"), address("external_url"));
    let mut draft = Draft {
        title: line(item, "title"),
        // An id is ideally the item's address.
        link: link.or(external).or_else(|| string(item, "id").filter(|id| Link::parse(id).is_ok())),
        guid: string(item, "id"),
        published: date("date_published"),
        updated: date("date_modified"),
        authors: if own.is_empty() { authors(root) } else { own },
        categories: one_or_many(item.get("tags")).iter().filter_map(Value::as_str).map(text::line).take(32).collect(),
        summary,
        content_html: text::head(&content, 256 * 1024).to_owned(),
        text: text::head(&text, 256 * 1024).to_owned(),
        enclosures: enclosures(item, base),
        ..Draft::default()
    };
    let fields: [(&'static str, bool); 5] = [
        ("title", !draft.title.is_empty()),
        ("link", draft.link.is_some()),
        ("guid", draft.guid.is_some()),
        ("published", draft.published.is_some()),
        ("updated", draft.updated.is_some()),
    ];
    draft.found = fields.into_iter().filter(|(_, there)| *there).map(|(name, _)| (name, "JSON Feed".into())).collect();
    draft
}

/// Returns the names of the authors of an item or a feed. Many feeds have names where objects should be, or one where a
/// list should be.
fn authors(of: &Value) -> Vec<String> {
    let many = one_or_many(of.get("authors")).iter();
    let one = one_or_many(of.get("author")).iter();
    many.chain(one)
        .take(MAX_AUTHORS_SEEN)
        .map(|author| author.as_str().map_or_else(|| line(author, "name"), text::line))
        .filter(|name| !name.is_empty())
        .take(16)
        .collect()
}

fn enclosures(item: &Value, base: &Link) -> Vec<Enclosure> {
    let files = item.get("attachments").and_then(Value::as_array).into_iter().flatten();
    files.filter_map(|file| enclosure(file, base)).take(32).collect()
}

fn enclosure(file: &Value, base: &Link) -> Option<Enclosure> {
    let url = base.join(&string(file, "url")?).ok()?;
    let length = file.get("size_in_bytes").and_then(Value::as_u64);
    Some(Enclosure { url: url.as_str().to_owned(), kind: string(file, "mime_type"), length })
}

/// Returns the values of a field that should be a list and may be one value.
fn one_or_many(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(many)) => many,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// Returns the first hub of WebSub that a feed names.
fn hub(root: &Value) -> Option<String> {
    let hubs = root.get("hubs").and_then(Value::as_array)?;
    let is_websub = |hub: &&Value| string(hub, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("websub"));
    hubs.iter().take(MAX_AUTHORS_SEEN).find(is_websub).and_then(|hub| string(hub, "url"))
}

/// Returns a text field; numbers are converted to text, as the specification asks for ids.
fn string(of: &Value, name: &str) -> Option<String> {
    let text = match of.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn line(of: &Value, name: &str) -> String {
    string(of, name).map(|text| text::line(&text)).unwrap_or_default()
}

fn escape(plain: &str) -> String {
    text::printable(plain).replace('&', "&amp;").replace('<', "&lt;")
}
