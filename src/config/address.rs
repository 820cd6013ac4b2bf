//! Addresses as the config writes them.

use super::section::Section;
use crate::model::{Link, LinkError};

/// Reads an address. Browsers take the first part of a path for the host where none is written, which an admin did not
/// mean.
pub(super) fn link(section: &Section<'_>, key: &'static str, help: &str) -> Option<Link> {
    let text = section.string(key)?;
    let names_host = |text: &str| {
        let rest = text.split_once(':').map_or("", |(_, rest)| rest);
        rest.strip_prefix("//").is_some_and(|host| !host.starts_with(['/', '\\']))
    };
    let link = Link::parse(&text)
        .and_then(|link| if names_host(&text) { Ok(link) } else { Err(LinkError::NoHost) })
        .inspect_err(|error| section.fault(key, error.to_string(), help));
    link.ok()
}
