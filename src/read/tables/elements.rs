//! Names of HTML elements: `elements.toml`, whose comments say what each list is for.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

/// All lists, in small letters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct Elements {
    pub(in crate::read) kept: HashSet<String>,
    pub(in crate::read) blocks: HashSet<String>,
    pub(in crate::read) markup: HashSet<String>,
    pub(in crate::read) page: HashSet<String>,
    pub(in crate::read) title: HashSet<String>,
    pub(in crate::read) heading: HashSet<String>,
    pub(in crate::read) paragraph: HashSet<String>,
    pub(in crate::read) part: HashSet<String>,
    pub(in crate::read) piece: HashSet<String>,
    pub(in crate::read) link_list: HashSet<String>,
    pub(in crate::read) caption: HashSet<String>,
    pub(in crate::read) beside_lead: HashSet<String>,
    pub(in crate::read) beside_date: HashSet<String>,
    pub(in crate::read) beside_row: HashSet<String>,
    pub(in crate::read) no_byline: HashSet<String>,
    pub(in crate::read) in_byline: HashSet<String>,
}

/// Returns the lists.
pub(in crate::read) fn elements() -> &'static Elements {
    static ELEMENTS: LazyLock<Elements> = LazyLock::new(|| match toml::from_str(include_str!("elements.toml")) {
        Ok(elements) => elements,
        Err(error) => unreachable!("src/read/tables/elements.toml: {error}"),
    });
    &ELEMENTS
}

/// Returns whether a list holds a name, however it is written.
pub(in crate::read) fn holds(list: &HashSet<String>, name: &str) -> bool {
    list.contains(name) || name.bytes().any(|b| b.is_ascii_uppercase()) && list.contains(&name.to_ascii_lowercase())
}
