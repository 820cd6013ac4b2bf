//! What is known of the words around the names of places: `words.toml`, whose comments say what each list is for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::simplify;

/// The table as it is written.
pub(super) const TEXT: &str = include_str!("words.toml");

/// All lists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) peoples: Vec<String>,
    pub(super) ordinary: HashSet<String>,
    pub(super) city_alone: HashSet<String>,
    pub(super) opens: String,
    pub(super) begins_county: String,
    pub(super) common_ends: Vec<String>,
    pub(super) media: Vec<String>,
    pub(super) rank: Vec<Rank>,
    /// By the code of the region.
    pub(super) nicknames: HashMap<String, Vec<String>>,
    pub(super) city_words: HashMap<String, Vec<String>>,
    pub(super) compound: Compound,
    pub(super) edges: Edges,
    pub(super) seam: Seam,
    pub(super) person: Person,
    pub(super) visited: Visited,
    pub(super) own: Own,
    pub(super) stranger: Stranger,
    pub(super) whole: Whole,
    /// Pinyin by name.
    pub(super) readings: HashMap<String, String>,
    /// Names by other spellings.
    pub(super) spellings: BTreeMap<String, String>,
}

/// Endings of full names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rank {
    pub(super) full: Vec<String>,
    pub(super) short: String,
}

/// What makes a name part of another name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Compound {
    pub(super) between: String,
    pub(super) ways: Vec<String>,
    pub(super) unless: Vec<String>,
    pub(super) products: Vec<String>,
    pub(super) products_unless: Vec<String>,
    pub(super) weak: Vec<String>,
    pub(super) nature: Vec<String>,
    pub(super) nature_unless: Vec<String>,
    pub(super) slopes: String,
    pub(super) waters: String,
    pub(super) waters_behind: Vec<String>,
}

/// Characters beside what only looks like a name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edges {
    pub(super) generic_districts: String,
    pub(super) before_generic: String,
    pub(super) behind_generic: String,
    pub(super) doubtful_counties: String,
    pub(super) behind_county: String,
    pub(super) behind_word: String,
    pub(super) behind_city: String,
    pub(super) behind_district: String,
}

/// Pairs of words that seem to hold a name where they meet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seam {
    pub(super) ends: HashSet<String>,
    pub(super) begins: HashSet<String>,
    pub(super) apart: HashSet<String>,
}

/// What makes a name that of a person.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) families: String,
    pub(super) before: Vec<String>,
    pub(super) behind: Vec<String>,
}

/// What makes a name that of another place than the story's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Visited {
    pub(super) before: Vec<String>,
    pub(super) behind: Vec<String>,
    pub(super) people: Vec<String>,
    pub(super) near: Vec<String>,
    pub(super) compared: String,
}

/// Words for the source's own region, by level.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Own {
    pub(super) province: Vec<String>,
    pub(super) autonomous: Vec<String>,
    pub(super) city: Vec<String>,
    pub(super) county: Vec<String>,
    pub(super) autonomous_codes: Vec<String>,
}

/// What another province does where its short name opens a report.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stranger {
    pub(super) adverbs: Vec<String>,
    pub(super) acts: Vec<String>,
}

/// What says that a whole city is concerned.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whole {
    pub(super) words: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Returns the lists, in the characters that texts are folded to.
pub(super) fn words() -> &'static Words {
    static WORDS: LazyLock<Words> = LazyLock::new(|| match toml::from_str(&fold(TEXT).iter().collect::<String>()) {
        Ok(words) => words,
        Err(error) => unreachable!("src/regions/words.toml: {error}"),
    });
    &WORDS
}

/// Returns a text in simplified characters of the usual width; each character stays one.
pub(super) fn fold(text: &str) -> Vec<char> {
    text.chars().map(simplify).collect()
}

/// Returns whether a text begins with one of the words.
pub(super) fn begins(text: &str, words: &[String]) -> bool {
    words.iter().any(|word| text.starts_with(word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read() {
        let words = words();
        assert!(words.compound.ways.iter().all(|way| !words.compound.unless.contains(way)));
        assert!(
            words
                .readings
                .values()
                .chain(words.spellings.keys())
                .all(|word| word.bytes().all(|b| b.is_ascii_lowercase()))
        );
        assert!(
            words
                .seam
                .ends
                .iter()
                .chain(&words.seam.begins)
                .chain(&words.seam.apart)
                .all(|word| word.chars().count() == 2)
        );
        assert!(words.spellings.values().all(|name| name.chars().count() >= 2));
    }
}
