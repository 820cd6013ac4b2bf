//! Parses the topics that the admin adds (`[[topic]]` in `dayuan.toml`).

use super::document::Document;
use super::section::Section;
use crate::topics::{Names, Topic, Topics};

/// Maximum number of topics of the admin's own: a topic is a bit of every menu.
const MAX_TOPICS: usize = 40;

/// Parses the topics; those with a known id add words to the built-in ones.
pub(super) fn parse(document: &Document<'_>, root: &Section<'_>) -> Topics {
    let sections = root.sections("topic");
    if sections.len() > MAX_TOPICS {
        root.fault("topic", format!("there are more than {MAX_TOPICS} topics"), "leave some out");
    }
    Topics::with(sections.iter().filter_map(|section| topic(document, section)).collect())
}

fn topic(document: &Document<'_>, section: &Section<'_>) -> Option<Topic> {
    let known = section.string("id");
    let is_id = |id: &String| {
        (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let id = known.as_ref().filter(|id| is_id(id)).cloned();
    if id.is_none() {
        let problem = known.map_or_else(
            || "this topic has no `id`".to_owned(),
            |id| format!("`{id}` cannot be the id of a topic: up to 32 of a-z, 0-9 and `-`"),
        );
        document.fault(section.span(), problem, "give it one, such as id = \"coal\"");
    }
    let built_in = Topics::default();
    let before = id.as_deref().and_then(|id| built_in.get(id)).map(|topic| topic.names.clone());
    let name = section.string("name");
    let other = section.string("name_en");
    let names = match (name, before) {
        (Some(name), _) => Some(Names { en: other.unwrap_or_else(|| name.clone()), zh: name }),
        (None, Some(before)) => Some(before),
        (None, None) => {
            section.fault("name", "this topic has no `name`".to_owned(), "write the name that readers see");
            None
        }
    };
    let list = |key: &'static str| {
        let texts = section.strings(key).into_iter().map(|(text, span)| {
            let text = text.trim().to_lowercase();
            if text.is_empty() {
                document.fault(
                    span,
                    format!("`{key}` holds an empty text"),
                    "every title would match it; leave it out",
                );
            }
            text
        });
        texts.filter(|text| !text.is_empty()).collect::<Vec<_>>()
    };
    let topic = Topic { id: id?, names: names?, labels: list("labels"), words: list("words"), except: list("except") };
    section.finish();
    Some(topic)
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Places};

    fn load(topics: &str) -> Result<Config, Vec<(usize, String)>> {
        let loaded = Config::from_texts(topics, "", "", &Places::default());
        loaded.map(|(config, _)| config).map_err(|faults| {
            faults.iter().map(|fault| (fault.line().unwrap_or_default(), fault.message.clone())).collect()
        })
    }

    #[test]
    fn topics_are_added_and_extended() {
        let config = load(
            "[[topic]]\nid = \"coal\"\nname = \"煤炭\"\nwords = [\"煤矿\"]\n[[topic]]\nid = \"health\"\nwords = [\"创卫\"]",
        )
        .unwrap();
        let of = |title: &str| {
            config.settings.topics.of(&[], title).into_iter().map(|(topic, _)| topic.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("煤矿创卫"), ["health", "coal"]);
    }

    #[test]
    fn topics_that_cannot_work_are_told() {
        let fault = |text: &str| load(text).unwrap_err().remove(0).1;
        assert_eq!(fault("[[topic]]\nname = \"x\""), "this topic has no `id`");
        assert_eq!(
            fault("[[topic]]\nid = \"Kohle\"\nname = \"x\""),
            "`Kohle` cannot be the id of a topic: up to 32 of a-z, 0-9 and `-`"
        );
        assert_eq!(fault("[[topic]]\nid = \"coal\""), "this topic has no `name`");
        assert_eq!(fault("[[topic]]\nid = \"coal\"\nname = \"x\"\nwords = [\" \"]"), "`words` holds an empty text");
    }
}
