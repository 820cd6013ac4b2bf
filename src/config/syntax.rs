//! What to do about errors of the TOML parser, by `syntax.toml`: its own messages are for programmers.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    remedy: Vec<Remedy>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remedy {
    /// A part of the parser's message.
    #[serde(default)]
    error: String,
    /// How the line begins.
    #[serde(default)]
    line: String,
    help: String,
}

static REMEDIES: LazyLock<Vec<Remedy>> = LazyLock::new(|| {
    let table: Result<Table, _> = toml::from_str(include_str!("syntax.toml"));
    table.unwrap_or_else(|error| unreachable!("the table of syntax errors: {error}")).remedy
});

/// Returns what to do about an error of the parser at a place in a text.
pub(super) fn remedy(text: &str, at: usize, error: &str) -> &'static str {
    let line = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(line..).unwrap_or("").trim_start();
    let fits = |remedy: &&Remedy| error.contains(&remedy.error) && line.starts_with(&remedy.line);
    REMEDIES.iter().find(fits).map_or("", |remedy| &remedy.help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Places, chinese};

    #[test]
    fn every_remedy_has_both_languages_and_none_hides_another() {
        for (at, one) in REMEDIES.iter().enumerate() {
            assert_ne!(chinese(&one.help), one.help);
            assert_eq!(remedy(&one.line, 0, &one.error), one.help, "{at}");
        }
    }

    #[test]
    fn a_slip_of_syntax_is_one_fault_with_its_own_remedy() {
        let whole = "[[source]]\nid = \"a\"\ntitle = \"A\"\nregion = \"140300\"\nurl = \"http://a.example/\"\n";
        for (right, wrong, help) in [
            ("[[source]]", "// ours\n[[source]]", "a comment begins with `#`"),
            ("\"A\"", "\"A", "lacks its closing `\"`"),
            ("\"A\"", "\"C:\\data\"", "in single quotes"),
            ("\"140300\"", "140300m", "straight double quotes"),
            ("id = \"a\"", "id: \"a\"", "stands `=`"),
            ("url", "id = \"b\"\nurl", "each setting stands once"),
        ] {
            let text = whole.replace(right, wrong);
            let Err(faults) = Config::from_texts("", "", &text, &Places::default()) else { panic!("{wrong} is taken") };
            let told = faults.render(false);
            assert!(told.contains(help), "{wrong}: {told}");
            assert_eq!(told.matches("TOML syntax error").count(), 1, "{wrong}: {told}");
        }
    }

    #[test]
    fn a_name_in_chinese_is_no_slip_of_a_short_english_one() {
        let text = "[[source]]\nid = \"a\"\n标题 = \"A\"\nregion = \"140300\"\nurl = \"http://a.example/\"\n";
        let Err(faults) = Config::from_texts("", "", text, &Places::default()) else { panic!("it is taken") };
        assert!(!faults.render(false).contains("did you mean `as`"), "{}", faults.render(false));
    }
}
