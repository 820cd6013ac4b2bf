//! The manual page dayuan.toml(5), made of the config files that are shipped: each setting stands there at its default, below
//! the words that explain it.

const FILES: [(&str, &str); 3] = [
    ("dayuan.toml", include_str!("../../config/dayuan.toml")),
    ("regions.toml", include_str!("../../config/regions.toml")),
    ("sources/*.toml", include_str!("../../config/sources/example.toml")),
];

/// Returns the page, in roff (man(7)).
pub(super) fn page() -> String {
    let mut out = format!(
        ".TH dayuan.toml 5 \"\" \"dayuan {}\"\n.SH NAME\ndayuan.toml, regions.toml, sources/*.toml \\- the config of dayuan\n\
         .SH DESCRIPTION\nThe files are in the folder of the config, /etc/dayuan or ./config. They are TOML: a text is in straight \
         double quotes, a list in square brackets. Every setting may be left out; its default or an example stands here. \
         dayuan check shows every fault at once, dayuan schema prints a JSON Schema for editors.\n",
        env!("CARGO_PKG_VERSION")
    );
    for (name, text) in FILES {
        out.push_str(&format!(".SH {}\n", name.to_uppercase()));
        file(text, &mut out);
    }
    out.push_str(".SH SEE ALSO\n.BR dayuan (1),\nhttps://toml.io\n");
    out
}

fn file(text: &str, out: &mut String) {
    let mut told: Vec<&str> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("#:schema")) {
        let setting = line.strip_prefix('#').unwrap_or(line);
        if setting.starts_with('[') {
            paragraph(&told, out);
            told.clear();
            out.push_str(&format!(".SS {}\n", plain(setting)));
        } else if let Some((value, remark)) = of_setting(setting) {
            out.push_str(&format!(".TP\n.B {}\n", plain(value)));
            told.extend(remark);
            out.push_str(&if told.is_empty() { "\\&\n".to_owned() } else { format!("{}\n", plain(&told.join(" "))) });
            told.clear();
        } else if setting.trim().is_empty() {
            paragraph(&told, out);
            told.clear();
        } else {
            told.push(setting.trim());
        }
    }
    paragraph(&told, out);
}

fn paragraph(lines: &[&str], out: &mut String) {
    if !lines.is_empty() {
        out.push_str(&format!(".PP\n{}\n", plain(&lines.join(" "))));
    }
}

/// Splits a line like `key = value   # remark`; `None` if it is no setting.
fn of_setting(line: &str) -> Option<(&str, Option<&str>)> {
    let (key, _) = line.split_once(" = ")?;
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return None;
    }
    // A remark stands apart: a `#` within a value does not.
    match line.split_once("  #") {
        Some((setting, remark)) => Some((setting.trim(), Some(remark.trim()))),
        None => line.split_once("] #").map_or(Some((line.trim(), None)), |(setting, remark)| {
            Some((line.get(..setting.len() + 1).unwrap_or(setting), Some(remark.trim())))
        }),
    }
}

/// Returns a text as roff shows it, in one line that is no request.
fn plain(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace(['`', '"'], "\\(dq");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stand_with_their_words() {
        let page = page();
        for part in [
            ".SS [http]\n",
            ".B keep_days = 365\nFor how many days items are kept; at least 30.\n",
            ".SS [[source]]\n",
            ".B password = { file = ",
            ".B slug = ",
            "(linear time; docs.rs/regex has the syntax)",
        ] {
            assert!(page.contains(part), "`{part}` is missing in\n{page}");
        }
        assert!(page.contains(".B listen = \\(dq127.0.0.1:8080\\(dq\n"), "roff takes plain quotes for its own");
        assert!(!page.contains("#:schema") && !page.contains("\n#"), "{page}");
    }
}
