//! Feeds: RSS, Atom, RDF and CDF by way of `xml_tree`, and JSON Feed.

mod content;
mod item;
pub(super) mod json;
mod namespace;
mod reader;
pub(super) mod xml;
mod xml_tree;
