//! Feeds: RSS, Atom, RDF and CDF by way of `xml_tree`, and JSON Feed.

pub(super) mod json;
mod namespace;
pub(super) mod xml;
mod xml_tree;
