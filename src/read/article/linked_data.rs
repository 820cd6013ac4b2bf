//! Structured data (JSON-LD, schema.org) in the scripts of a page.

use serde_json::Value;

use crate::read::json;
use crate::read::markup::tree::{Id, Tree};

/// The longest script that is read, in bytes, and the most values in all scripts together; articles have hundreds.
const MAX_LINKED_DATA: usize = 256 * 1024;
const MAX_LINKED_VALUES: usize = 20_000;
/// The most objects that are looked at.
const MAX_OBJECTS: usize = 200;

/// Returns the object that describes the article: one of a kind of article, else the first with a publication date. What
/// it only refers to by `@id` is put in its place.
pub(super) fn linked_data(tree: &Tree<'_>) -> Option<Value> {
    let is_ours =
        |id: &Id| tree.is(*id, &["script"]) && tree.attribute(*id, "type").is_some_and(|kind| kind.contains("ld+json"));
    let mut left = MAX_LINKED_VALUES;
    let scripts = tree.elements(0).filter(is_ours);
    let all: Vec<Value> = scripts.flat_map(|id| objects(tree.raw(id), &mut left)).take(MAX_OBJECTS).collect();
    let dated = |object: &&Value| ["datePublished", "pubDate"].iter().any(|name| object.get(name).is_some());
    let mut article = all
        .iter()
        .filter(dated)
        .find(|object| is_article(object))
        .or_else(|| all.iter().find(|object| is_article(object)))
        .or_else(|| all.iter().find(dated).filter(|object| !is_part(object)))
        .cloned()?;
    for name in ["author", "publisher"] {
        if let Some(field) = article.get_mut(name) {
            resolve(field, &all);
        }
    }
    Some(article)
}

/// Returns the objects of a script, unless it has more values than are `left`. What follows the first value, such as a brace
/// too many, is ignored.
fn objects(raw: &str, left: &mut usize) -> Vec<Value> {
    let raw = raw.trim().trim_start_matches("<!--").trim_start_matches("//<![CDATA[");
    if raw.len() > MAX_LINKED_DATA {
        return Vec::new();
    }
    let Some(rest) = left.checked_sub(json::values(raw)) else { return Vec::new() };
    *left = rest;
    let raw: String = raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let value = serde_json::Deserializer::from_str(&raw).into_iter::<Value>().next();
    let many = |value: Value| match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    let Some(Ok(value)) = value else { return Vec::new() };
    many(value).into_iter().flat_map(|value| value.get("@graph").cloned().map_or_else(|| vec![value], many)).collect()
}

fn kinds(object: &Value) -> Vec<&str> {
    match object.get("@type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_article(object: &Value) -> bool {
    kinds(object).iter().any(|kind| kind.ends_with("Article") || kind.ends_with("BlogPosting") || *kind == "Report")
}

/// Returns whether an object describes only a part of a page, whose date is not that of the page.
fn is_part(object: &Value) -> bool {
    kinds(object).iter().any(|kind| kind.ends_with("Object") || matches!(*kind, "Comment" | "Review" | "Product"))
}

/// Puts the objects that are named by their `@id` only in the place of their references.
fn resolve(field: &mut Value, all: &[Value]) {
    match field {
        Value::Array(many) => many.iter_mut().for_each(|one| resolve(one, all)),
        one if one.get("name").is_none() => {
            let id = one.get("@id").and_then(Value::as_str);
            let named = id.and_then(|id| {
                all.iter().find(|object| {
                    object.get("@id").and_then(Value::as_str) == Some(id) && object.get("name").is_some()
                })
            });
            if let Some(named) = named {
                *one = named.clone();
            }
        }
        _ => {}
    }
}
