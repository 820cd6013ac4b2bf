//! What the config says of a list page, and how its list was found.

use crate::read::markup::selector::Selector;

/// Where the admin says that a list's parts are; what is absent is detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRules {
    /// The rows.
    pub item: Option<Selector>,
    /// The link, within a row.
    pub link: Option<Selector>,
    /// The title, within a row.
    pub title: Option<Selector>,
    /// The date, within a row.
    pub date: Option<Selector>,
    /// The same as written, for lists in JSON, where they are paths such as `data.list`.
    pub paths: Vec<(&'static str, String)>,
}

/// How a list was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detection {
    /// How sure it is, in percent.
    pub confidence: u8,
    /// Why.
    pub reasons: Vec<String>,
    /// Selectors that find the same rows, and the link in a row.
    pub selectors: Option<(String, String)>,
}
