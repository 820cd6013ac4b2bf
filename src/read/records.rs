//! Records of the hanweb platform, `<datastore>` of `<record>`s with HTML in CDATA, inline in a script or on their own; and
//! sitemaps (sitemaps.org 0.9, with the news extension).

use super::Fault;
use super::date::{self, Clock};
use super::list::{self, Detection, ListRules};
use super::markup::{Token, Tokens};
use super::text;
use super::tree::Tree;
use crate::model::{Draft, Link};

/// The HTML of all records of a `<datastore>` in one.
fn html_of(document: &str) -> Option<String> {
    let from = document.find("<datastore").or_else(|| document.find("<recordset"))?;
    let mut html = String::new();
    let mut in_record = false;
    for token in Tokens::new(document.get(from..)?) {
        match token {
            Token::Start { name, .. } if name.eq_ignore_ascii_case("record") => in_record = true,
            Token::End { name } if name.eq_ignore_ascii_case("record") => in_record = false,
            Token::End { name } if name.eq_ignore_ascii_case("datastore") => break,
            Token::Cdata(inside) if in_record => {
                html.push_str("<div class=\"record\">");
                html.push_str(inside);
                html.push_str("</div>\n");
            }
            _ => {}
        }
    }
    (!html.is_empty()).then_some(html)
}

/// Reads the records of a document. `None` where it holds none.
pub(super) fn read(
    document: &str,
    url: &Link,
    rules: &ListRules,
    clock: Clock<'_>,
    faults: &mut Vec<Fault>,
) -> Option<(Vec<Draft>, Detection)> {
    let html = html_of(document)?;
    let html = format!("<div id=\"records\">{html}</div>");
    let tree = Tree::parse(&html);
    let (drafts, mut detection) = list::read(&tree, url, rules, clock, faults);
    detection.reasons.insert(0, "records of the hanweb platform".to_owned());
    detection.confidence = detection.confidence.max(if drafts.is_empty() { 0 } else { 80 });
    (!drafts.is_empty()).then_some((drafts, detection))
}

/// Where a page of hanweb gets its records from by script: `dataproxy.jsp` with the parameters that stand beside it. It
/// answers to GET as well.
pub(super) fn proxy(page: &str, url: &Link) -> Option<Link> {
    const NAMES: [&str; 8] =
        ["appid", "webid", "path", "columnid", "sourceContentType", "unitid", "webname", "permissiontype"];
    let at = page.find("dataproxy.jsp")?;
    let from = page.get(..at)?.rfind(['"', '\'', '=', '('])? + 1;
    let address = page.get(from..at + "dataproxy.jsp".len())?.trim();
    let mut near = at.saturating_sub(2000);
    while !page.is_char_boundary(near) {
        near += 1;
    }
    let around = text::head(page.get(near..)?, 6000);
    // name : 'value', name=value or "name":value
    let value = |name: &str| {
        around.match_indices(name).find_map(|(at, _)| {
            let before = around.get(..at)?.chars().next_back();
            let rest = around.get(at + name.len()..)?.trim_start_matches(['"', '\'']).trim_start();
            let rest = rest.strip_prefix([':', '='])?.trim_start();
            let quoted = rest.trim_start_matches(['"', '\'']);
            let end = quoted.find(['"', '\'', '&', ',', '}', ' ', '\n', '\r', ')'])?;
            (!before.is_some_and(char::is_alphanumeric)).then(|| quoted.get(..end)).flatten()
        })
    };
    let mut query = String::from("startrecord=1&endrecord=45&perpage=15");
    let mut found = 0;
    for name in NAMES {
        if let Some(value) = value(name) {
            found += 1;
            query.push_str(&format!("&{name}={}", escaped(value)));
        }
    }
    let address = if address.is_empty() { "dataproxy.jsp" } else { address };
    (found >= 3).then(|| url.join(&format!("{address}?{query}")).ok()).flatten()
}

/// A value of a query, percent-encoded (WHATWG URL, section 1.3).
fn escaped(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte);
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The most pages of a sitemap that are given; so many times more are kept before they are sorted out.
const MAX_PAGES: usize = 100;

/// The newest pages alone, newest first; of one date, the first.
fn newest_first(drafts: &mut Vec<Draft>) {
    drafts.sort_by_key(|draft| std::cmp::Reverse(draft.published.or(draft.updated).map(|stamp| stamp.at)));
    drafts.truncate(MAX_PAGES);
}

/// Reads a sitemap: its pages, newest first; or, of an index, the sitemap that changed last.
pub(super) fn sitemap(document: &str, url: &Link, clock: Clock<'_>) -> (Vec<Draft>, Option<Link>) {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut indexed: Vec<(Option<crate::model::Stamp>, Link)> = Vec::new();
    let (mut name, mut open, mut is_index) = (String::new(), Draft::default(), false);
    for token in Tokens::new(document) {
        match token {
            Token::Start { name: start, .. } => {
                name = start.rsplit(':').next().unwrap_or(start).to_ascii_lowercase();
                if matches!(name.as_str(), "url" | "sitemap") {
                    is_index = name == "sitemap";
                    open = Draft::default();
                }
            }
            Token::Text(raw) | Token::Cdata(raw) => {
                let value = text::line(&text::resolve(raw, &text::Definitions::none()));
                match name.as_str() {
                    _ if value.is_empty() => {}
                    "loc" if open.link.is_none() => {
                        open.link = url.join(&value).ok().map(|link| link.as_str().to_owned())
                    }
                    // It may come in many pieces, each as long as a title may be.
                    "title" if open.title.len() < 2048 => open.title = text::line(&format!("{}{value}", open.title)),
                    "publication_date" => open.published = date::parse(&value, clock),
                    "lastmod" => open.updated = date::parse(&value, clock),
                    "keywords" => {
                        open.categories =
                            value.split(',').map(text::line).filter(|word| !word.is_empty()).take(32).collect()
                    }
                    _ => {}
                }
            }
            Token::End { name: end } => {
                name.clear();
                let end = end.to_ascii_lowercase();
                let done = std::mem::take(&mut open);
                match (end.as_str(), done.link.as_deref()) {
                    ("url", Some(_)) => {
                        drafts.push(done);
                        if drafts.len() >= 20 * MAX_PAGES {
                            newest_first(&mut drafts);
                        }
                    }
                    ("sitemap", Some(link)) if is_index => {
                        indexed.extend(Link::parse(link).ok().map(|link| (done.updated, link)))
                    }
                    ("url" | "sitemap", _) => {}
                    _ => open = done,
                }
            }
            Token::Doctype(_) => {}
        }
    }
    newest_first(&mut drafts);
    for draft in &mut drafts {
        draft.found = vec![("link", "sitemap".into())];
    }
    // Of those without dates, the last is usually the newest.
    let newest = indexed.into_iter().max_by_key(|(stamp, _)| stamp.map(|stamp| stamp.at)).map(|(_, link)| link);
    (drafts, newest)
}
