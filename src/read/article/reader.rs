//! A page being read as an article: its meta elements, its structured data, and what the config names in it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use super::rules::ArticleRules;
use crate::model::{Link, Precision, Stamp};
use crate::read::byline::is_han;
use crate::read::date::{self, Clock};
use crate::read::fault::Fault;
use crate::read::fault::FaultKind;
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
    /// Whether the page is in Chinese.
    pub(in crate::read) is_chinese: bool,
    pub(in crate::read) faults: Vec<Fault>,
    pub(in crate::read) found: Vec<(&'static str, Cow<'static, str>)>,
}

/// Returns whether a page is in Chinese: in Han characters, and next to no kana or hangul.
pub(super) fn is_chinese(tree: &Tree<'_>) -> bool {
    let (mut han, mut other) = (0_usize, 0_usize);
    for (_, text) in tree.texts(0) {
        han += text.chars().filter(|c| is_han(*c)).count();
        other += text.chars().filter(|c| matches!(c, '\u{3041}'..='\u{30ff}' | '\u{ac00}'..='\u{d7a3}')).count();
    }
    han > 20 && other * 10 < han
}

/// The beginning of a line in whose pieces a date is looked for, in bytes.
const MAX_PIECES: usize = 120;
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

    /// Returns the date in a line; one without a year may be a piece of it: 青石融媒 · 10-12 09:15.
    pub(super) fn date_in(&self, line: &str) -> Option<(Stamp, Range<usize>)> {
        date::find(line, self.clock).or_else(|| {
            let mut from = 0;
            text::head(line, MAX_PIECES).split(['·', '|', '丨', '｜']).find_map(|piece| {
                let start = from + (piece.len() - piece.trim_start().len());
                from += piece.len() + line.get(from + piece.len()..)?.chars().next().map_or(0, char::len_utf8);
                let (stamp, _) =
                    date::find(piece.trim(), self.clock).filter(|_| piece.trim().len() < line.trim().len())?;
                (stamp.precision >= Precision::Minute).then_some((stamp, start..start + piece.trim().len()))
            })
        })
    }

    /// Returns a line with two spaces in place of its date.
    pub(super) fn without_date(&self, line: &str) -> String {
        let mut rest = line.to_owned();
        if let Some((_, at)) = self.date_in(&rest) {
            rest.replace_range(at, "  ");
        }
        rest
    }
}
