//! The phrases on which it depends what of a text is published. They are in `notices.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notices {
    not_text: Vec<String>,
    no_copies: Vec<String>,
}

/// The phrases of all languages together.
static NOTICES: LazyLock<Notices> = LazyLock::new(|| {
    let languages: BTreeMap<String, Notices> = match toml::from_str(include_str!("notices.toml")) {
        Ok(languages) => languages,
        Err(error) => unreachable!("src/write/notices.toml: {error}"),
    };
    let mut all = Notices { not_text: Vec::new(), no_copies: Vec::new() };
    for language in languages.into_values() {
        all.not_text.extend(language.not_text);
        all.no_copies.extend(language.no_copies);
    }
    all
});

/// Returns whether a notice in the text forbids copying it.
pub fn forbids_copies(text: &str) -> bool {
    let text = text.to_lowercase();
    NOTICES.no_copies.iter().any(|notice| text.contains(notice))
}

/// Returns whether a line tells of the text, such as who edited it, and is no part of it.
pub(super) fn is_about_text(line: &str) -> bool {
    /// No phrase is longer, in characters.
    const LONGEST: usize = 40;
    let begin: String = line.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    NOTICES.not_text.iter().any(|label| begin.starts_with(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_found_as_it_is_looked_for() {
        for phrase in &NOTICES.no_copies {
            assert!(forbids_copies(&format!("一。{phrase}。")), "{phrase}");
            assert_eq!(*phrase, phrase.to_lowercase());
        }
        for label in &NOTICES.not_text {
            assert!(is_about_text(&format!("{label} x")), "{label}");
        }
    }

    #[test]
    fn what_forbids_copies_and_what_does_not() {
        assert!(forbids_copies("This material May Not Be Reproduced."));
        assert!(forbids_copies("本报讯，未经许可不得转载！"));
        assert!(!forbids_copies("版权所有 © 某市人民政府") && !forbids_copies("All rights reserved."));
        assert!(!forbids_copies("警方提醒：请勿轻信转账要求"));
    }
}
