//! Completes the sanitised HTML of a source for a page: headings that follow the page's own, pictures and links that have
//! a name, wide tables that the keyboard can scroll.

/// Levels of the headings that stand above the text: its title.
const ABOVE: usize = 1;

/// How words begin by which addresses name pictures that stand within a line: icons of files, faces.
const ICONS: [&str; 3] = ["icon", "filetype", "emot"];
/// Largest side of such a picture, in pixels.
const MAX_ICON: u32 = 64;

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
                push_picture(&mut out, inside, picture);
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

/// Writes a picture with a name of its own, or with this one.
fn push_picture(out: &mut String, tag: &str, name: &str) {
    let alt = value(tag, "alt");
    let has_name = alt.is_some_and(|alt| !alt.trim().is_empty());
    let blank = alt.filter(|_| !has_name).map(|alt| format!(" alt=\"{alt}\""));
    out.push('<');
    match blank.as_deref().and_then(|blank| tag.split_once(blank)) {
        Some((before, after)) => out.extend([before, after]),
        None => out.push_str(tag),
    }
    if !has_name {
        out.extend([" alt=\"", name, "\""]);
    }
    if is_icon(tag) {
        out.push_str(" class=\"icon\"");
    }
    out.push_str(" loading=\"lazy\" decoding=\"async\" referrerpolicy=\"no-referrer\">");
}

/// Returns whether a picture is one within a line: its address says so, or the one side that is told is that small.
fn is_icon(tag: &str) -> bool {
    let is_small =
        |side| value(tag, side).and_then(|text| text.parse::<u32>().ok()).is_some_and(|side| side <= MAX_ICON);
    let is_told = |side| value(tag, side).is_some();
    let address = value(tag, "src").unwrap_or("").to_ascii_lowercase();
    let path = address.split(['?', '#']).next().unwrap_or("");
    let begins = |word: &str| {
        path.match_indices(word)
            .any(|(at, _)| !path.get(..at).is_some_and(|before| before.ends_with(char::is_alphabetic)))
    };
    !(is_told("width") && is_told("height"))
        && (is_small("width") || is_small("height") || ICONS.iter().any(|word| begins(word)))
}

/// Returns the value of an attribute. The sanitiser escapes double quotes in values.
fn value<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split('"').next())
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
        check("<img src=\"a\" alt=\"\" width=\"90\">", &format!("<img src=\"a\" width=\"90\" alt=\"图\" {late}>"));
        check("<img src=\"a\" alt=\"a>b\">c", &format!("<img src=\"a\" alt=\"a>b\" {late}>c"));
        check("<img alt=\" \" src=\"a\">", &format!("<img src=\"a\" alt=\"图\" {late}>"));
    }

    #[test]
    fn icons_stand_within_their_line() {
        let is_icon = |tag: &str| on_page(tag, "图").contains("class=\"icon\"");
        for icon in [
            "<img src=\"http://a.cn/ueditor/fileTypeImages/icon_doc.gif\">",
            "<img src=\"http://a.cn/face/1.gif\" width=\"22\">",
            "<img src=\"http://a.cn/images/Emotion/3.png\">",
        ] {
            assert!(is_icon(icon), "{icon}");
        }
        for picture in [
            "<img src=\"http://a.cn/silicon/remote.jpg\">",
            "<img src=\"http://a.cn/1.jpg?icon\" width=\"600\">",
            "<img src=\"http://a.cn/icon.gif\" width=\"16\" height=\"16\">",
        ] {
            assert!(!is_icon(picture), "{picture}");
        }
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
