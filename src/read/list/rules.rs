//! What the config says of a list page, and how its list was found.

use crate::read::markup::selector::Selector;

/// The admin's selectors for the parts of a list; absent ones are detected.
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
    /// The same settings as written, for lists in JSON, where they are paths such as `data.list`.
    pub paths: Vec<(&'static str, String)>,
}

/// How a list was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detection {
    /// Confidence in the detection, in percent.
    pub confidence: u8,
    /// Reasons for the confidence.
    pub reasons: Vec<String>,
    /// Selectors that find the same rows, and the link in a row. For JSON, the path to the list.
    pub selectors: Option<(String, String)>,
}
