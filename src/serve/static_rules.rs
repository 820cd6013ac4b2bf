//! The rules by which nginx serves a folder of finished documents as dayuan itself would.

use std::path::Path;

use super::answer::{FRESH, POLICY};
use super::published::Options;
use crate::write::percent_decoded;

/// The types of documents that are no pages, by the end of their names; the first that fits counts.
const TYPES: [(&str, &str); 8] = [
    (r"/rss\.xml", "application/rss+xml; charset=utf-8"),
    (r"/opml\.xml", "text/x-opml; charset=utf-8"),
    (r"\.xml", "application/atom+xml; charset=utf-8"),
    (r"\.json", "application/feed+json; charset=utf-8"),
    (r"\.css", "text/css; charset=utf-8"),
    (r"\.svg", "image/svg+xml"),
    (r"\.ico", "image/x-icon"),
    (r"\.html", super::document::HTML),
];

/// Returns the path before every path of the site as folders are named, and as nginx compares it: without percent-encoding.
pub(super) fn root_of(options: &Options) -> String {
    let root = options.root();
    let decoded = percent_decoded(root);
    let is_plain = decoded.split('/').all(|part| part != "." && part != "..") && !decoded.contains(char::is_control);
    if is_plain { decoded } else { root.to_owned() }
}

/// Returns the rules for documents in this folder. `root` is the path before every path of the site.
pub(super) fn nginx(site: &Path, root: &str) -> String {
    let (site, pattern, root) = (in_quotes(&site.display().to_string()), as_pattern(root), in_quotes(root));
    let mut text = format!(
        "# Written by dayuan: include it in a server. Each document lies here as it is and packed, so nothing is compressed\n# in between; brotli_static on; serves the .br files where nginx has that module.\nroot \"{site}\";\ngzip off;\ngzip_static on;\ngzip_vary on;\nerror_page 404 \"{root}/404.html\";\n"
    );
    let common = format!(
        "    types {{}}\n    add_header Cache-Control \"{FRESH}\";\n    add_header X-Content-Type-Options nosniff;\n"
    );
    let page = format!(
        "    default_type \"{}\";\n{common}    add_header Content-Security-Policy \"{POLICY}\";\n    add_header Referrer-Policy no-referrer;\n",
        super::document::HTML
    );
    text.push_str(&format!("location = \"{root}/\" {{\n    try_files \"{root}/index.html\" =404;\n{page}}}\n"));
    text.push_str(&format!("location ~ \"^({pattern}/regions/[^/]+)/$\" {{ return 301 $1; }}\n"));
    for (name, media_type) in TYPES {
        let open = if media_type == super::document::HTML {
            page.clone()
        } else {
            format!("    default_type \"{media_type}\";\n{common}    add_header Access-Control-Allow-Origin *;\n")
        };
        text.push_str(&format!("location ~ \"^{pattern}.*{name}$\" {{\n{open}}}\n"));
    }
    text.push_str(&format!("location \"{root}/\" {{\n    try_files $uri.html =404;\n{page}}}\n"));
    text
}

/// Returns a text as it stands between the quotes of nginx's config.
fn in_quotes(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Returns the regular expression of a text: no sign of it means more than itself.
fn as_pattern(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '/' || !c.is_ascii() {
            pattern.push(c);
        } else {
            pattern.push_str(&format!("\\x{:02x}", u32::from(c)));
        }
    }
    pattern
}
