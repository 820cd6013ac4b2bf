//! Completes the sanitised HTML of a source for a page: headings that follow the page's own, pictures and links that have
//! a name, wide tables that the keyboard can scroll.

/// Levels of the headings that stand above the text: its title.
const ABOVE: usize = 1;

/// Returns sanitised HTML as a page shows it. `picture` is the name of a picture that has none.
pub(super) fn on_page(html: &str, picture: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let (mut level, mut heading) = (ABOVE, ABOVE);
    // Where the last link began, as long as nothing in it can be seen.
    let mut empty_link = None;
    let mut rest = html;
    while let Some((text, tag)) = rest.split_once('<') {
        out.push_str(text);
        empty_link = empty_link.filter(|_| text.trim().is_empty());
        let (inside, after) = tag.split_at_checked(end(tag)).unwrap_or((tag, ""));
        rest = after.strip_prefix('>').unwrap_or(after);
        let name = inside.split_ascii_whitespace().next().unwrap_or("");
        match (name, heading_level(name.trim_start_matches('/'))) {
            ("img", _) => {
                empty_link = None;
                let name = if has_name(inside) { String::new() } else { format!(" alt=\"{picture}\"") };
                let inside = inside.replacen(" alt=\"\"", "", 1);
                out.push_str(&format!(
                    "<{inside}{name} loading=\"lazy\" decoding=\"async\" referrerpolicy=\"no-referrer\">"
                ));
            }
            ("table", _) => out.push_str(&format!("<{inside} tabindex=\"0\">")),
            ("a", _) => {
                empty_link = Some(out.len());
                out.push_str(&format!("<{inside}>"));
            }
            ("/a", _) if let Some(start) = empty_link.take() => out.truncate(start),
            (name, Some(wanted)) => {
                if !name.starts_with('/') {
                    heading = wanted.clamp(ABOVE + 1, level + 1);
                    level = heading;
                }
                let slash = if name.starts_with('/') { "/" } else { "" };
                let attributes = inside.strip_prefix(name).unwrap_or("");
                out.push_str(&format!("<{slash}h{heading}{attributes}>"));
            }
            _ => out.push_str(&format!("<{inside}>")),
        }
    }
    out.push_str(rest);
    out
}

/// Returns where a tag ends. The sanitiser writes values in double quotes, and `>` in them as it is.
fn end(tag: &str) -> usize {
    let mut is_quoted = false;
    let ends = |byte: u8| {
        is_quoted ^= byte == b'"';
        byte == b'>' && !is_quoted
    };
    tag.bytes().position(ends).unwrap_or(tag.len())
}

fn heading_level(name: &str) -> Option<usize> {
    let digit = name.strip_prefix('h')?;
    digit.parse().ok().filter(|level| (1..=6).contains(level))
}

/// Returns whether a picture has a text of its own.
fn has_name(tag: &str) -> bool {
    let value = tag.split_once(" alt=\"").and_then(|(_, rest)| rest.split('"').next());
    value.is_some_and(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str) {
        assert_eq!(on_page(html, "图"), expected, "{html}");
    }

    #[test]
    fn headings_follow_the_title() {
        check(
            "<h1>a</h1><h4 lang=\"zh\">b</h4><p>c</p><h2>d</h2>",
            "<h2>a</h2><h3 lang=\"zh\">b</h3><p>c</p><h2>d</h2>",
        );
        check("<hr><p>h5</p>", "<hr><p>h5</p>");
    }

    #[test]
    fn pictures_have_a_name_and_come_late() {
        let late = "loading=\"lazy\" decoding=\"async\" referrerpolicy=\"no-referrer\"";
        check("<img src=\"a\">", &format!("<img src=\"a\" alt=\"图\" {late}>"));
        check("<img src=\"a\" alt=\"\" width=\"9\">", &format!("<img src=\"a\" width=\"9\" alt=\"图\" {late}>"));
        check("<img src=\"a\" alt=\"a>b\">c", &format!("<img src=\"a\" alt=\"a>b\" {late}>c"));
    }

    #[test]
    fn links_without_anything_in_them_are_left_out() {
        check("x<a href=\"b\"><span> </span></a>y<a href=\"c\">z</a>", "xy<a href=\"c\">z</a>");
        let picture = on_page("<a href=\"b\"><img src=\"a\"></a>", "图");
        assert!(picture.starts_with("<a href=\"b\"><img") && picture.ends_with("></a>"), "{picture}");
    }

    #[test]
    fn what_stands_in_values_stays_there() {
        check("<p title=\"<table><img x>\">a</p>", "<p title=\"<table><img x>\">a</p>");
        check("a<b", "a<b>");
        check("<td>1 &lt; 2</td>", "<td>1 &lt; 2</td>");
    }
}
