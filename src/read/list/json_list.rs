//! Lists in JSON, found by usual field names or by paths from the config. Also JSONP, script variables, and HTML inside
//! JSON.

use serde_json::Value;

use super::page;
use super::rules::{Detection, ListRules};
use crate::model::{Credit, Draft, Link};
use crate::read::date::{self, Clock};
use crate::read::fault::{Fault, FaultKind};
use crate::read::markup::text;
use crate::read::markup::text::width;
use crate::read::markup::tree::Tree;
use crate::read::reading::{MAX_DRAFTS, keep_newest};

/// The most items that are looked at to find the newest.
const MAX_ITEMS: usize = 10 * MAX_DRAFTS;
use crate::read::tables::tables;

/// The longest path to a list, in bytes; news lists have shorter ones.
const MAX_PATH: usize = 512;
/// How many positions in a script are tried as the start of its data.
const MAX_TRIES: usize = 16;
/// The most values of a document that are searched.
const MAX_VALUES: usize = 200_000;

/// Reads a document that is JSON, or contains it as JSONP or in a variable. `None` if it holds no list.
pub(in crate::read) fn read(
    document: &str,
    url: &Link,
    rules: &ListRules,
    clock: Clock<'_>,
    faults: &mut Vec<Fault>,
) -> Option<(Vec<Draft>, Detection)> {
    let root = parse(document)?;
    let pinned = |name: &str| rules.paths.iter().find(|(key, _)| *key == name).map(|(_, path)| path.as_str());
    if let Some(path) = pinned("item") {
        let items = at(&root, path).and_then(Value::as_array);
        if items.is_none() {
            faults.push(Fault::new(
                FaultKind::Selector,
                "list.item",
                format!("`{path}` is not the path of a list in this JSON"),
            ));
        }
        let drafts = drafts(items?, url, rules, clock, faults);
        return Some((
            drafts,
            Detection { confidence: 100, reasons: vec![format!("list at `{path}` by config")], selectors: None },
        ));
    }
    let (best, inner) = likeliest(&root, url, rules, clock);
    match (best, inner) {
        (Some((worth, path, items)), inner) if inner.is_none_or(|(links, _)| worth > links * 20) => {
            let drafts = drafts(items, url, rules, clock, faults);
            let reasons = vec![format!("{} objects with title and link at `{path}`", drafts.len())];
            Some((drafts, Detection { confidence: 90, reasons, selectors: Some((path, String::new())) }))
        }
        (_, Some((_, html))) => {
            let tree = Tree::parse(html);
            let (drafts, mut detection) = page::read(&tree, url, rules, clock, faults);
            detection.reasons.insert(0, "HTML inside JSON".to_owned());
            (!drafts.is_empty()).then_some((drafts, detection))
        }
        (Some((_, path, items)), None) => {
            let drafts = drafts(items, url, rules, clock, faults);
            Some((drafts, Detection { confidence: 60, reasons: vec![format!("objects at `{path}`")], selectors: None }))
        }
        (None, None) => None,
    }
}

/// Reads the items of a list, or the newest of too many.
fn drafts(items: &[Value], url: &Link, rules: &ListRules, clock: Clock<'_>, faults: &mut Vec<Fault>) -> Vec<Draft> {
    let mut drafts = items.iter().take(MAX_ITEMS).filter_map(|item| draft(item, url, rules, clock)).collect();
    faults.extend(keep_newest(&mut drafts, "list"));
    drafts
}

/// Parses the first JSON value in a document: all of it, or the data in a call or assignment.
fn parse(document: &str) -> Option<Value> {
    let document = document.trim_start_matches('\u{feff}').trim();
    if crate::read::json::values(document) > crate::read::json::MAX_VALUES {
        return None;
    }
    if let Ok(value) = crate::read::json::parse(document) {
        return Some(value);
    }
    let mut at = 0;
    for _ in 0..MAX_TRIES {
        let rest = document.get(at..)?;
        let start = rest.find(['{', '['])?;
        let found = serde_json::Deserializer::from_str(rest.get(start..)?).into_iter::<Value>().next();
        if let Some(Ok(value)) = found
            && (value.as_array().is_some_and(|items| !items.is_empty())
                || value.as_object().is_some_and(|fields| !fields.is_empty()))
        {
            return Some(value);
        }
        at += start + 1;
    }
    None
}

/// Returns the value at a path of names and indexes separated by dots.
fn at<'v>(root: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').filter(|step| !step.is_empty() && *step != "$").try_fold(root, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        value => value.get(step),
    })
}

/// A list in JSON: its worth, its path and its items; and a text that holds HTML, with the number of its links.
type Likeliest<'v> = (Option<(usize, String, &'v Vec<Value>)>, Option<(usize, &'v str)>);

/// Finds the likeliest list among all arrays of a document, and the text with the most links.
fn likeliest<'v>(root: &'v Value, url: &Link, rules: &ListRules, clock: Clock<'_>) -> Likeliest<'v> {
    let mut best: Option<(usize, String, &Vec<Value>)> = None;
    let mut inner: Option<(usize, &str)> = None;
    let mut open: Vec<(String, &Value)> = vec![(String::new(), root)];
    let mut seen = 0;
    while let Some((path, value)) = open.pop() {
        seen += 1;
        if seen > MAX_VALUES {
            break;
        }
        let join = |name: &str| {
            let length = path.len() + 1 + name.len();
            (length <= MAX_PATH).then(|| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") })
        };
        match value {
            Value::Array(items) => {
                let worth: usize = items
                    .iter()
                    .take(60)
                    .filter_map(|item| draft(item, url, rules, clock))
                    .map(|draft| width(&draft.title).min(40) + 20 * usize::from(draft.published.is_some()))
                    .sum();
                if worth > 0 && best.as_ref().is_none_or(|(most, ..)| worth > *most) {
                    best = Some((worth, path.clone(), items));
                }
                open.extend(
                    items.iter().enumerate().take(200).filter_map(|(at, item)| Some((join(&at.to_string())?, item))),
                );
            }
            Value::Object(fields) => {
                open.extend(fields.iter().filter_map(|(name, value)| Some((join(name)?, value))));
            }
            Value::String(text) if text.contains("<a ") => {
                let links = text.matches("<a ").count();
                if inner.is_none_or(|(most, _)| links > most) {
                    inner = Some((links, text));
                }
            }
            _ => {}
        }
    }
    (best, inner)
}

fn draft(item: &Value, url: &Link, rules: &ListRules, clock: Clock<'_>) -> Option<Draft> {
    let (known, object) = (&tables().json, item.as_object()?);
    let string = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => items.first().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let pick = |pin: &str, names: &[String]| {
        let pinned = rules.paths.iter().find(|(key, _)| *key == pin).and_then(|(_, path)| at(item, path));
        let usual = || {
            names.iter().find_map(|name| {
                object
                    .iter()
                    .find(|(key, value)| {
                        key.eq_ignore_ascii_case(name) && string(value).is_some_and(|text| !text.is_empty())
                    })
                    .map(|(_, value)| value)
            })
        };
        pinned.or_else(usual).and_then(string).filter(|text| !text.is_empty())
    };
    let title = text::line(&text::plain(&pick("title", &known.title)?));
    let link = pick("link", &known.link).and_then(|link| url.join(&link).ok())?;
    if width(&title) < 4 {
        return None;
    }
    let published = pick("date", &known.date).and_then(|written| {
        date::parse(&written, clock).or_else(|| date::find(&written, clock).map(|(stamp, _)| stamp))
    });
    let body = pick("text", &known.body).filter(|body| width(body) >= 120).unwrap_or_default();
    let mut draft = Draft {
        title,
        link: Some(link.as_str().to_owned()),
        published,
        summary: pick("", &known.summary).map(|summary| text::plain(&summary)).unwrap_or_default(),
        credit: pick("", &known.source)
            .and_then(|name| crate::read::byline::medium(&name))
            .map(|name| Credit { name, link: None }),
        authors: pick("", &known.author).map(|names| crate::read::byline::people(&names)).unwrap_or_default(),
        text: text::head(&text::plain(&body), 256 * 1024).to_owned(),
        content_html: text::head(&body, 256 * 1024).to_owned(),
        ..Draft::default()
    };
    draft.found = vec![("title", "field of an object".into()), ("link", "field of an object".into())];
    if published.is_some() {
        draft.found.push(("published", "field of an object".into()));
    }
    Some(draft)
}
