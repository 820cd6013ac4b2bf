//! HTML that may be shown to readers.

use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::prepare::{prepared, without_empty_pictures};
use super::text;
use super::tokens::{Token, Tokens, attributes};

/// The deepest nesting of HTML that is parsed; the sanitiser's parser takes time quadratic in the depth.
const MAX_DEPTH: usize = 512;
/// The most attributes of a tag.
const MAX_ATTRIBUTES: usize = 100;
/// The most formatting elements that the parser reopens in total: about 80 MB of memory.
const MAX_REOPENED: usize = 400_000;
/// How many open elements an end tag is matched against.
const MAX_REACH: usize = 64;
/// How often HTML is sanitised until it no longer changes.
const PASSES: usize = 5;
/// The most bytes that are passed over when the texts of a document are written: for each character that is escaped, the
/// rest of its text is searched for tags.
const MAX_SEARCHED: usize = 1 << 30;
/// The largest HTML that is parsed, in bytes.
const MAX_HTML: usize = 2 * 1024 * 1024;

/// Makes a source's HTML safe to show: no scripts, styles, frames, forms, SVG or MathML; only `http` and `https`
/// addresses, made absolute with `base`. HTML that is too deep, too large or unstable becomes plain text.
pub fn sanitise(html: &str, base: Option<&str>) -> String {
    let mut known = html.to_owned();
    // A browser may parse the output differently from this parser, as with nested links; so only HTML that sanitising
    // again does not change is published.
    for _ in 0..PASSES {
        if known.len() > MAX_HTML || is_too_much(&known) {
            break;
        }
        let clean = once(&known, base);
        if clean == known {
            return clean;
        }
        known = clean;
    }
    text::plain(&known).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>")
}

fn once(html: &str, base: Option<&str>) -> String {
    let html = &*prepared(html);
    let clean = match base.and_then(|base| ammonia::Url::parse(base).ok()) {
        Some(base) => {
            let mut cleaner = cleaner();
            cleaner.url_relative(UrlRelative::RewriteWithBase(base));
            cleaner.clean(html).to_string()
        }
        None => WITHOUT_BASE.clean(html).to_string(),
    };
    // A U+FEFF from the middle, now at the start, would be taken for a byte order mark, and a carriage return for a
    // line end.
    without_empty_pictures(clean.trim_start_matches('\u{feff}').replace('\r', "\n"))
}

static WITHOUT_BASE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = cleaner();
    cleaner.url_relative(UrlRelative::Deny);
    cleaner
});

/// The elements that stay in a content; of others, the content stays.
#[rustfmt::skip]
const TAGS: [&str; 50] = [
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del",
    "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "ins", "li", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "small", "span", "strong",
    "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
];

fn cleaner() -> Builder<'static> {
    let mut cleaner = Builder::default();
    cleaner
        .tags(HashSet::from(TAGS))
        .clean_content_tags(HashSet::from([
            "script", "style", "noscript", "template", "title", "textarea", "select", "svg", "math",
        ]))
        .url_schemes(HashSet::from(["http", "https"]))
        .generic_attributes(HashSet::from(["lang", "title", "dir"]))
        .link_rel(Some("nofollow noopener noreferrer"));
    cleaner
}

/// Returns whether the parser would need time or memory quadratic in the input: through depth, through attributes,
/// which it compares with each other, through formatting elements, which it reopens in every block (HTML, section
/// 13.2.4.3), or through texts of which much is escaped.
fn is_too_much(html: &str) -> bool {
    const VOID: [&str; 14] =
        ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
    const FORMATTING: [&str; 14] =
        ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
    let is_one_of = |names: &[&str], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let (mut depth, mut reopened, mut searched) = (0_usize, 0_usize, 0_usize);
    // The second one begins the no-break space.
    let search =
        |text: &str| text.bytes().filter(|byte| matches!(byte, b'&' | 0xc2)).count().saturating_mul(text.len());
    // Formatting elements that are open, or were closed implicitly by the end of another element.
    let (mut open, mut formatting): (Vec<&str>, usize) = (Vec::new(), 0);
    // An unclosed tag nests what follows, whatever the parser makes of it: counting start tags minus end tags errs on
    // the safe side.
    Tokens::new(html).any(|token| {
        match token {
            Token::Text(text) | Token::Cdata(text) => searched = searched.saturating_add(search(text)),
            Token::Start { name, inside, closed } => {
                searched = searched.saturating_add(search(inside));
                if attributes(inside).take(MAX_ATTRIBUTES + 1).count() > MAX_ATTRIBUTES {
                    return true;
                }
                // A trailing slash does not close a formatting element.
                let is_formatting = is_one_of(&FORMATTING, name);
                if is_formatting || !closed && !is_one_of(&VOID, name) {
                    depth += usize::from(!closed);
                    formatting += usize::from(is_formatting);
                    open.push(name);
                }
            }
            Token::End { name } => {
                depth = depth.saturating_sub(1);
                if open.last().is_some_and(|last| last.eq_ignore_ascii_case(name)) {
                    open.pop();
                    formatting = formatting.saturating_sub(usize::from(is_one_of(&FORMATTING, name)));
                } else if let Some(at) =
                    open.iter().rev().take(MAX_REACH).position(|known| known.eq_ignore_ascii_case(name))
                {
                    open.truncate(open.len() - at - 1);
                }
            }
            Token::Doctype(_) => {}
        }
        reopened += formatting;
        depth > MAX_DEPTH || open.len() > 4 * MAX_DEPTH || reopened > MAX_REOPENED || searched > MAX_SEARCHED
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_active_comes_through() {
        let attacks = [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<a href='jAvAsCrIpT:alert(1)'>x</a>",
            "<a href='java&#09;script:alert(1)'>x</a>",
            "<a href='data:text/html,x'>x</a>",
            "<svg><set onbegin=alert(1)></svg>",
            "<math><annotation-xml encoding=text/html><script>alert(1)</script></annotation-xml></math>",
            "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
            "<form><button formaction=javascript:alert(1)>x</form>",
            "<base href=//evil><meta http-equiv=refresh content=0><link rel=stylesheet href=x>",
            "<p style='background:url(javascript:alert(1))'>x</p>",
            "<img srcset='javascript:alert(1)'>",
        ];
        for attack in attacks {
            let clean = sanitise(attack, Some("https://example.org/a/"));
            let lower = clean.to_ascii_lowercase();
            for bad in [
                "script", "onerror", "data:", "svg", "math", "iframe", "form", "<base", "<meta", "<link", "style",
                "srcset",
            ] {
                assert!(!lower.contains(bad), "{attack} → {clean}");
            }
            assert_eq!(sanitise(&clean, Some("https://example.org/a/")), clean, "twice is once");
        }
    }

    #[test]
    fn addresses_become_absolute() {
        let clean = sanitise("<img src='../b.png'>", Some("https://example.org/a/c/"));
        assert_eq!(clean, "<img src=\"https://example.org/a/b.png\">");
    }

    #[test]
    fn blocks_stay_apart_and_no_picture_is_without_address() {
        let check = |html, expected| assert_eq!(sanitise(html, None), expected, "{html}");
        check("<div>a</div><section>b</section>c", "<div>a</div><div>b</div>c");
        check("<center>a</center><details><summary>b</summary>c</details>", "<div>a</div><div><div>b</div>c</div>");
        check("a<img alt=x>b<img src=data:image/gif;base64,R0>", "ab");
        check("<ruby>橋<rt>はし</rt></ruby>", "<ruby>橋<rt>はし</rt></ruby>");
    }

    #[test]
    fn what_the_parser_takes_the_square_of_becomes_text() {
        let attributes: String = (0..60_000).map(|number| format!(" a{number}")).collect();
        let opened: String = (0..500).map(|number| format!("<b id={number}>")).collect();
        for html in [
            format!("<a{attributes}>x</a>"),
            format!("<p>{opened}{}", "</p><p>x".repeat(30_000)),
            format!("<p>{}", "<b/>x".repeat(30_000)),
        ] {
            let clean = sanitise(&html, None);
            assert!(clean.starts_with('x') && !clean.contains("<b") || !clean.contains("<b>"), "{}", html.len());
            assert!(!clean.contains("<a") && clean.len() <= 2 * html.len());
        }
        assert_eq!(sanitise("<p><b>a</b> <i>b</i></p>", None), "<p><b>a</b> <i>b</i></p>");
        for (part, written) in [("&", "&amp;"), ("&nbsp;", ""), ("\u{b0}", "\u{b0}"), ("a &amp; ", "a &amp; ")] {
            let many = part.repeat(100_000);
            let text = written.repeat(100_000);
            assert_eq!(sanitise(&format!("<p>{many}</p>"), None), text.trim_end(), "{part}");
            assert!(is_too_much(&format!("<a title=\"{many}\">")), "{part}");
            // A page of many such texts is none.
            assert!(!is_too_much(&format!("<p>{}</p>", part.repeat(100)).repeat(1000)), "{part}");
        }
    }

    #[test]
    fn a_hundred_thousand_levels_become_text() {
        let deep = format!("{}x", "<div>".repeat(100_000));
        assert_eq!(sanitise(&deep, None), "x");
    }
}
