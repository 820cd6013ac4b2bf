//! Records of the hanweb platform: `<datastore>` of `<record>`s with HTML in CDATA, inline in a script or on their own.

use super::page;
use super::rules::{Detection, ListRules};
use crate::model::{Draft, Link};
use crate::read::date::Clock;
use crate::read::fault::Fault;
use crate::read::markup::text;
use crate::read::markup::tokens::{Token, Tokens};
use crate::read::markup::tree::Tree;
use crate::read::tables::tables;

/// Joins the HTML of all records in a `<datastore>`.
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

/// Reads the records in a document. `None` if it has none.
pub(in crate::read) fn read(
    document: &str,
    url: &Link,
    rules: &ListRules,
    clock: Clock<'_>,
    faults: &mut Vec<Fault>,
) -> Option<(Vec<Draft>, Detection)> {
    let html = html_of(document)?;
    let html = format!("<div id=\"records\">{html}</div>");
    let tree = Tree::parse(&html);
    let (drafts, mut detection) = page::read(&tree, url, rules, clock, faults);
    detection.reasons.insert(0, "records of the hanweb platform".to_owned());
    detection.confidence = detection.confidence.max(if drafts.is_empty() { 0 } else { 80 });
    (!drafts.is_empty()).then_some((drafts, detection))
}

/// Returns the address from which the script of a hanweb page fetches its records: `dataproxy.jsp` with the parameters
/// written near it. It also answers GET requests.
pub(in crate::read) fn proxy(page: &str, url: &Link) -> Option<Link> {
    let proxy = tables().hanweb.proxy.as_str();
    let at = page.find(proxy)?;
    let from = page.get(..at)?.rfind(['"', '\'', '=', '('])? + 1;
    let address = page.get(from..at + proxy.len())?.trim();
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
    let mut query = tables().hanweb.first_records.clone();
    let mut found = 0;
    for name in &tables().hanweb.parameters {
        if let Some(value) = value(name) {
            found += 1;
            query.push_str(&format!("&{name}={}", escaped(value)));
        }
    }
    let address = if address.is_empty() { proxy } else { address };
    (found >= 3).then(|| url.join(&format!("{address}?{query}")).ok()).flatten()
}

/// Percent-encodes a query value (WHATWG URL, section 1.3).
fn escaped(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte);
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
