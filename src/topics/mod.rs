//! What a story is about: education, health, tenders and so on.
//!
//! A topic comes from what the source calls the column, from the tags of the item, and from words of its title, all of
//! which are data (`topics.toml`). The admin adds words and topics of their own. Pure: this module does not know where
//! items come from.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

/// A topic, and what shows that a story is about it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Id, as it stands in addresses: `[a-z0-9-]+`.
    pub id: String,
    /// Its names for readers.
    pub names: Names,
    /// Whole names of columns and tags that mean it, in small letters.
    pub labels: Vec<String>,
    /// Words in titles that mean it, in small letters.
    pub words: Vec<String>,
    /// Phrases in titles that hold such a word and mean something else, in small letters.
    pub except: Vec<String>,
}

/// The names of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// What shows that a story is about a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The column of the source, or a tag of the item.
    Label,
    /// A word of the title.
    Title,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Warning {
    words: Vec<String>,
    over: Vec<String>,
    hours: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    warning: Warning,
    topic: Vec<Topic>,
}

/// The topics of a site, in the order of its menus. Clones share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics(Arc<Vec<Topic>>);

/// Maximum length of a title that is searched for words, in bytes.
const MAX_TITLE: usize = 2048;

fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| match toml::from_str(include_str!("topics.toml")) {
        Ok(table) => table,
        Err(error) => unreachable!("src/topics/topics.toml: {error}"),
    });
    &TABLE
}

impl Default for Topics {
    fn default() -> Self {
        Self(Arc::new(table().topic.clone()))
    }
}

impl Topics {
    /// Returns the built-in topics with those of the admin: a topic with a known id adds to it, another one follows
    /// them.
    #[must_use]
    pub fn with(own: Vec<Topic>) -> Self {
        let mut topics = table().topic.clone();
        for topic in own {
            match topics.iter_mut().find(|known| known.id == topic.id) {
                Some(known) => {
                    known.names = topic.names;
                    known.labels.extend(topic.labels);
                    known.words.extend(topic.words);
                    known.except.extend(topic.except);
                }
                None => topics.push(topic),
            }
        }
        Self(Arc::new(topics))
    }

    /// Returns no topics at all.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::default())
    }

    /// Returns the topic with this id.
    pub fn get(&self, id: &str) -> Option<&Topic> {
        self.0.iter().find(|topic| topic.id == id)
    }

    /// Returns every topic, in the order of the menus.
    pub fn all(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter()
    }

    /// Returns the topics of a story with these labels and this title, each with what shows it.
    pub fn of(&self, labels: &[String], title: &str) -> Vec<(&Topic, Evidence)> {
        let labels: Vec<String> = labels.iter().map(|label| label.trim().to_lowercase()).collect();
        let title = title.get(..title.floor_char_boundary(MAX_TITLE)).unwrap_or("").to_lowercase();
        let evidence = |topic: &Topic| {
            if labels.iter().any(|label| is_label(topic, label)) {
                return Some(Evidence::Label);
            }
            topic.words.iter().any(|word| stands_in(&title, word, &topic.except)).then_some(Evidence::Title)
        };
        self.0.iter().filter_map(|topic| Some((topic, evidence(topic)?))).collect()
    }
}

impl Topic {
    /// Returns its name in a language (BCP 47).
    pub fn name(&self, language: &str) -> &str {
        if language.starts_with("zh") { &self.names.zh } else { &self.names.en }
    }
}

/// Returns whether a column or tag is named by the topic: as one of its labels, as its name, or as its id.
fn is_label(topic: &Topic, label: &str) -> bool {
    topic.labels.iter().any(|known| known == label)
        || topic.names.zh == label
        || topic.names.en.to_lowercase() == label
        || topic.id == label
}

/// Returns whether a word stands in a title outside of the phrases that mean something else. A word of Latin letters
/// stands alone.
fn stands_in(title: &str, word: &str, except: &[String]) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric();
    title.match_indices(word).take(8).any(|(at, _)| {
        let end = at + word.len();
        let before = title.get(..at).and_then(|text| text.chars().next_back());
        let after = title.get(end..).and_then(|text| text.chars().next());
        let is_whole = !word.starts_with(is_letter) || !before.is_some_and(is_letter);
        let is_ended = !word.ends_with(is_letter) || !after.is_some_and(is_letter);
        let is_hidden = except.iter().filter(|phrase| phrase.contains(word)).any(|phrase| {
            title.match_indices(phrase.as_str()).take(8).any(|(from, _)| from <= at && end <= from + phrase.len())
        });
        is_whole && is_ended && !is_hidden
    })
}

/// Returns whether a title of this age, in milliseconds, is a warning that is still in force.
pub fn is_warning(title: &str, age: i64) -> bool {
    let warning = &table().warning;
    let title = title.to_lowercase();
    let holds = |words: &[String]| words.iter().any(|word| title.contains(word.as_str()));
    age < warning.hours * 3_600_000 && holds(&warning.words) && !holds(&warning.over)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn ids(labels: &[&str], title: &str) -> Vec<String> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        Topics::default().of(&labels, title).into_iter().map(|(topic, _)| topic.id.clone()).collect()
    }

    #[test]
    fn titles_and_columns_name_topics() {
        for line in include_str!("examples.tsv").lines().filter(|line| !line.starts_with('#')) {
            let [labels, title, expected] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let labels: Vec<&str> = labels.split('|').filter(|label| !label.is_empty()).collect();
            let expected: Vec<&str> = expected.split_whitespace().collect();
            assert_eq!(ids(&labels, title), expected, "{title}");
        }
    }

    #[test]
    fn the_table_is_in_order() {
        let mut seen = HashSet::new();
        for topic in Topics::default().all() {
            assert!(topic.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", topic.id);
            assert!(seen.insert(topic.id.clone()), "{} stands twice", topic.id);
            for words in [&topic.labels, &topic.words, &topic.except] {
                let distinct: HashSet<_> = words.iter().collect();
                assert_eq!(distinct.len(), words.len(), "a word of {} stands twice", topic.id);
                assert!(words.iter().all(|word| *word == word.to_lowercase()), "{}", topic.id);
            }
            let is_used = |phrase: &String| topic.words.iter().any(|word| phrase.contains(word.as_str()));
            for phrase in &topic.except {
                assert!(is_used(phrase), "no word of {} stands in {phrase}", topic.id);
            }
        }
    }

    #[test]
    fn warnings_end() {
        let hour = 3_600_000;
        assert!(is_warning("平定县气象台发布道路结冰黄色预警信号", 2 * hour));
        assert!(!is_warning("平定县气象台发布道路结冰黄色预警信号", 25 * hour));
        assert!(!is_warning("平定县气象台解除道路结冰黄色预警信号", 2 * hour));
        assert!(!is_warning("我市召开预警工作会议", hour));
    }

    #[test]
    fn the_admin_adds_words_and_topics() {
        let own = |id: &str, word: &str| Topic {
            id: id.to_owned(),
            names: Names { zh: "煤炭".to_owned(), en: "Coal".to_owned() },
            labels: Vec::new(),
            words: vec![word.to_owned()],
            except: Vec::new(),
        };
        let topics = Topics::with(vec![own("coal", "煤矿"), own("health", "创卫")]);
        let of =
            |title: &str| topics.of(&[], title).into_iter().map(|(topic, _)| topic.id.as_str()).collect::<Vec<_>>();
        assert_eq!(of("南山煤矿恢复生产"), ["coal"]);
        assert_eq!(of("创卫工作推进会召开"), ["health"]);
        assert_eq!(topics.all().count(), Topics::default().all().count() + 1);
    }
}
