//! The sources as a list of feeds (OPML 2.0), with the attributes of the programs that they come from.

use super::clean;
use crate::model::Moment;

/// A source in a list of feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceOutline {
    /// Names of the folders that it lies in, the outermost first.
    pub folders: Vec<String>,
    /// Its attributes, in their order.
    pub attributes: Vec<(String, String)>,
}

/// Namespaces of the prefixes that attributes may have.
const NAMESPACES: [(&str, &str); 3] = [
    ("dayuan", "urn:x-dayuan:source"),
    ("frss", "https://freshrss.org/opml"),
    ("miniflux", "https://miniflux.app/opml"),
];

/// Writes the sources; those of one folder stand together, whatever their order.
pub fn source_list(title: &str, now: Moment, sources: &[SourceOutline]) -> Vec<u8> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<opml version=\"2.0\"");
    for (prefix, namespace) in NAMESPACES {
        out.push_str(&format!(" xmlns:{prefix}=\"{namespace}\""));
    }
    out.push_str(&format!(
        ">\n<head><title>{}</title><dateCreated>{}</dateCreated></head>\n<body>\n",
        clean::escape(title),
        now.rfc2822()
    ));
    let mut ordered: Vec<&SourceOutline> = sources.iter().collect();
    ordered.sort_by(|a, b| a.folders.cmp(&b.folders));
    let mut open: &[String] = &[];
    for source in ordered {
        let shared = open.iter().zip(&source.folders).take_while(|(a, b)| a == b).count();
        out.push_str(&"</outline>\n".repeat(open.len() - shared));
        for folder in source.folders.iter().skip(shared) {
            let name = value(folder);
            out.push_str(&format!("<outline text=\"{name}\" title=\"{name}\">\n"));
        }
        open = &source.folders;
        out.push_str("<outline");
        for (name, text) in &source.attributes {
            if is_name(name) {
                out.push_str(&format!(" {name}=\"{}\"", value(text)));
            }
        }
        out.push_str("/>\n");
    }
    out.push_str(&"</outline>\n".repeat(open.len()));
    out.push_str("</body>\n</opml>\n");
    out.into_bytes()
}

/// Escapes the value of an attribute; line ends would become spaces (XML 1.0, section 3.3.3).
fn value(text: &str) -> String {
    clean::escape(text).replace('\n', "&#10;").replace('\r', "&#13;").replace('\t', "&#9;")
}

/// Returns whether an attribute can be written: a name, with no prefix or a known one.
fn is_name(name: &str) -> bool {
    let (prefix, local) = name.split_once(':').map_or((None, name), |(prefix, local)| (Some(prefix), local));
    let is_known = prefix.is_none_or(|prefix| NAMESPACES.iter().any(|(known, _)| *known == prefix));
    let begins = local.starts_with(|c: char| c.is_alphabetic() || c == '_');
    is_known && begins && local.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
