//! Makes HTML ready for the sanitiser: blocks that it would drop become `div`s, pictures that a script would load get
//! their address.

use std::borrow::Cow;

use super::tokens::{Token, Tokens, attributes, cut};
use crate::read::tables::elements::{elements, holds};
use crate::read::tables::tables;

/// Rewrites the blocks and pictures of HTML.
pub(super) fn prepared(html: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut tokens, mut written) = (Tokens::new(html), 0);
    // The picture of an `img` without an address of its own (HTML, section 4.8.1).
    let mut source: Option<String> = None;
    while let Some(token) = tokens.next() {
        let mut rewritten = String::new();
        match token {
            Token::Start { name, .. } if holds(&elements().blocks, name) => rewritten.push_str("<div>"),
            Token::End { name } if holds(&elements().blocks, name) => rewritten.push_str("</div>"),
            Token::Start { name, inside, .. } if name.eq_ignore_ascii_case("source") => {
                let set = attributes(inside).find(|(name, _)| name.eq_ignore_ascii_case("srcset"));
                source = source.or_else(|| largest(set?.1));
            }
            Token::End { name } if name.eq_ignore_ascii_case("picture") => source = None,
            Token::Start { name, inside, .. } if name.eq_ignore_ascii_case("img") => {
                if let Some(address) = address(inside).or_else(|| source.clone()) {
                    push_image(&mut rewritten, inside, &address);
                }
            }
            _ => {}
        }
        if !rewritten.is_empty() {
            out.push_str(cut(html, written, tokens.start()));
            out.push_str(&rewritten);
            written = tokens.end();
        }
    }
    if written == 0 {
        return Cow::Borrowed(html);
    }
    out.push_str(cut(html, written, html.len()));
    Cow::Owned(out)
}

/// Takes out the pictures that have no address.
pub(super) fn without_empty_pictures(html: String) -> String {
    if !html.contains("<img") {
        return html;
    }
    let mut out = String::with_capacity(html.len());
    let (mut tokens, mut written) = (Tokens::new(&html), 0);
    while let Some(token) = tokens.next() {
        if let Token::Start { name: "img", inside, .. } = token
            && !attributes(inside).any(|(name, value)| name == "src" && !value.is_empty())
        {
            out.push_str(cut(&html, written, tokens.start()));
            written = tokens.end();
        }
    }
    out.push_str(cut(&html, written, html.len()));
    out
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Returns the address, as written, that a script would give to a picture, or that of its largest size; `None` if its
/// `src` is right.
fn address(inside: &str) -> Option<String> {
    let of = |name: &str| {
        attributes(inside).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let is_usable = |value: &&str| !value.is_empty() && !value.starts_with("data:") && !value.starts_with("about:");
    let lazy = tables().pictures.address.iter().find_map(|name| of(name).filter(is_usable));
    if let Some(lazy) = lazy {
        return Some(lazy.to_owned());
    }
    let own = of("src").filter(is_usable);
    let sets = || tables().pictures.sizes.iter().find_map(|name| largest(of(name)?));
    if own.is_some() { None } else { sets().or_else(|| largest(of("srcset")?)) }
}

/// Returns the address of the largest picture of a `srcset` (HTML, section 4.8.4.2.1).
fn largest(set: &str) -> Option<String> {
    let mut best: Option<(f64, &str)> = None;
    let mut address: Option<&str> = None;
    for word in set.split_whitespace() {
        match address {
            // A size, such as 2x or 800w, ends a candidate.
            Some(known) if word.trim_end_matches(',').ends_with(['w', 'x', 'h']) => {
                let size = word.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0.0);
                if best.is_none_or(|(most, _)| size > most) {
                    best = Some((size, known));
                }
                address = None;
            }
            _ => address = Some(word.trim_matches(',')),
        }
    }
    let found = best.map(|(_, address)| address).or(address)?;
    (!found.is_empty() && !found.starts_with("data:")).then(|| found.to_owned())
}

fn push_image(out: &mut String, inside: &str, address: &str) {
    out.push_str("<img src=\"");
    out.push_str(&address.replace('"', "&quot;"));
    out.push('"');
    for (name, value) in attributes(inside) {
        if is_one_of(&["alt", "title", "width", "height"], name) {
            out.push_str(&format!(" {name}=\"{}\"", value.replace('"', "&quot;")));
        }
    }
    out.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_a_script_would_load() {
        let check = |html, expected| assert_eq!(prepared(html), expected, "{html}");
        check("<img src='a.png' alt=x>", "<img src='a.png' alt=x>");
        check("<img data-src=\"/b.webp\" src=\"data:image/gif;base64,R0\" alt=a>", "<img src=\"/b.webp\" alt=\"a\">");
        check("<img srcset='/s1.jpg 1x, /s2.jpg 2x'>", "<img src=\"/s2.jpg\">");
        check("<img data-srcset='/t1.png 75w, /t2.png 100w, /t3.png 20w'>", "<img src=\"/t2.png\">");
        check(
            "<picture><source srcset='/a.webp'><img alt=x></picture>",
            "<picture><source srcset='/a.webp'><img src=\"/a.webp\" alt=\"x\"></picture>",
        );
        assert_eq!(
            without_empty_pictures("<p>a<img alt=\"x\">b<img src=\"c\"></p>".into()),
            "<p>ab<img src=\"c\"></p>"
        );
    }
}
