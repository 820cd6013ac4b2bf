//! A page being read as an article: its meta elements, its structured data, and what the config names in it.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::rules::ArticleRules;
use crate::model::Link;
use crate::read::date::{self, Clock};
use crate::read::fault::Fault;
use crate::read::fault::FaultKind;
use crate::read::json;
use crate::read::markup::selector::Selector;
use crate::read::markup::text;
use crate::read::markup::tree::Id;
use crate::read::markup::tree::Tree;

/// A page being read.
pub(in crate::read) struct Reader<'a> {
    pub(in crate::read) tree: &'a Tree<'a>,
    pub(in crate::read) base: Link,
    pub(in crate::read) url: &'a Link,
    pub(in crate::read) rules: &'a ArticleRules,
    pub(in crate::read) clock: Clock<'a>,
    pub(in crate::read) meta: HashMap<String, String>,
    pub(in crate::read) linked_data: Option<Value>,
    pub(in crate::read) faults: Vec<Fault>,
    pub(in crate::read) found: Vec<(&'static str, Cow<'static, str>)>,
}

/// The most meta elements that are read; real pages have dozens.
const MAX_META: usize = 500;

/// Returns the meta elements by lower-case name, property or itemprop, without empty values and unfilled templates.
pub(super) fn meta(tree: &Tree<'_>) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for id in tree.elements(0).filter(|id| tree.is(*id, &["meta"])).take(MAX_META) {
        let Some(content) = tree.attribute(id, "content").map(|content| text::line(&content)) else { continue };
        let is_left_over =
            content.starts_with(['{', '$', '<']) || ["null", "undefined", "none", "N/A"].contains(&content.as_str());
        if content.is_empty() || is_left_over {
            continue;
        }
        for key in ["name", "property", "itemprop"] {
            if let Some(name) = tree.attribute(id, key) {
                found.entry(name.trim().to_ascii_lowercase()).or_insert_with(|| content.clone());
            }
        }
    }
    found
}

/// The longest JSON-LD script that is read, in bytes, and the most values in it; articles have hundreds.
const MAX_LINKED_DATA: usize = 256 * 1024;

const MAX_LINKED_VALUES: usize = 20_000;

/// Returns the first JSON-LD object with a publication date.
pub(super) fn linked_data(tree: &Tree<'_>) -> Option<Value> {
    let is_ours =
        |id: &Id| tree.is(*id, &["script"]) && tree.attribute(*id, "type").is_some_and(|kind| kind.contains("ld+json"));
    tree.elements(0).filter(is_ours).find_map(|id| {
        let raw = Some(tree.raw(id)).filter(|raw| raw.len() <= MAX_LINKED_DATA)?;
        if json::values(raw) > MAX_LINKED_VALUES {
            return None;
        }
        let raw: String = raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let value: Value = serde_json::from_str(raw.trim().trim_end_matches(';')).ok()?;
        let graph = value.get("@graph").cloned();
        let many = |value: Value| match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        graph
            .map_or_else(|| many(value), many)
            .into_iter()
            .find(|object| object.get("datePublished").or_else(|| object.get("pubDate")).is_some())
    })
}

impl Reader<'_> {
    pub(in crate::read) fn meta(&self, names: &[impl AsRef<str>]) -> Option<String> {
        names.iter().find_map(|name| self.meta.get(name.as_ref())).cloned()
    }

    pub(in crate::read) fn pinned(&mut self, name: &'static str, selector: Option<&Selector>) -> Option<Id> {
        let selector = selector?;
        let found = selector.find(self.tree, 0, self.tree.len());
        if found.is_none() {
            self.faults.push(Fault::new(
                FaultKind::Selector,
                name,
                format!("`{selector}` matches nothing in this page"),
            ));
        }
        found
    }

    /// Returns the region of the site, from the identification code that every Chinese government site carries
    /// (SiteIDCode): six digits of GB/T 2260, then four for the site.
    pub(super) fn code(&self) -> Option<String> {
        let code = self.meta(&["siteidcode"])?;
        let is_code = code.len() == 10 && code.bytes().all(|b| b.is_ascii_digit());
        code.get(..6).filter(|_| is_code).map(str::to_owned)
    }

    /// Returns a line with two spaces in place of its date.
    pub(super) fn without_date(&self, line: &str) -> String {
        let mut rest = line.to_owned();
        if let Some((_, at)) = date::find(&rest, self.clock) {
            rest.replace_range(at, "  ");
        }
        rest
    }
}
