//! The words by which stories are told apart: `words.toml`, whose comments say what each list is for.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

/// All lists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) deeds: HashSet<String>,
    pub(super) steps: HashSet<String>,
    pub(super) changes: Vec<String>,
    pub(super) called_off: Vec<String>,
    pub(super) over: Vec<String>,
    pub(super) own: Vec<String>,
    pub(super) reversals: Vec<String>,
    pub(super) negations: HashSet<String>,
    pub(super) between: String,
    pub(super) credits: Vec<String>,
    pub(super) function: String,
    pub(super) wording: Vec<String>,
    pub(super) heads: Vec<String>,
    pub(super) measures: Vec<String>,
    pub(super) not_one: String,
    pub(super) thousands: Vec<Thousand>,
    pub(super) day_part: Vec<DayPart>,
    pub(super) names: Names,
    pub(super) opposite: Vec<Opposite>,
    pub(super) roundup: Roundup,
    pub(super) warning: Warning,
    boilerplate: Boilerplate,
}

/// A unit that is a thousand of another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thousand {
    pub(super) from: String,
    pub(super) to: String,
}

/// A part of the day, and the hours of the clock's first half that lie in its second half there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DayPart {
    pub(super) word: String,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// Words around names of persons and firms.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    pub(super) before: Vec<String>,
    pub(super) behind: Vec<String>,
    pub(super) firm: Vec<String>,
}

/// Characters that exclude each other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opposite {
    group: String,
    before: Vec<String>,
    behind: Vec<String>,
}

/// Words of official warnings; the names in one list mean the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Warning {
    pub(super) levels: Vec<Vec<String>>,
    pub(super) hazards: Vec<Vec<String>>,
    pub(super) behind_area: Vec<String>,
    pub(super) no_area: Vec<String>,
}

/// Words of round-ups.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Roundup {
    pub(super) titles: Vec<String>,
    pub(super) times: Vec<String>,
    pub(super) collections: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Boilerplate {
    phrases: Vec<String>,
    list: Vec<String>,
}

/// Longest line that is boilerplate if it begins with a phrase of it, and if it only contains one, in bytes.
const MAX_LINE: (usize, usize) = (240, 120);

impl Opposite {
    /// Returns whether one character stands for the opposite of the other between these words.
    pub(super) fn holds(&self, one: char, other: char, before: &str, behind: &str) -> bool {
        let fits = || {
            self.before.is_empty() && self.behind.is_empty()
                || self.before.iter().any(|word| before.ends_with(word.as_str()))
                || self.behind.iter().any(|word| behind.starts_with(word.as_str()))
        };
        self.group.contains(one) && self.group.contains(other) && fits()
    }
}

/// Returns the lists.
pub(super) fn words() -> &'static Words {
    static WORDS: LazyLock<Words> = LazyLock::new(|| match toml::from_str(include_str!("words.toml")) {
        Ok(words) => words,
        Err(error) => unreachable!("src/dedup/words.toml: {error}"),
    });
    &WORDS
}

/// Returns a text without the lines that sites put around a story.
pub(super) fn without_boilerplate(text: &str) -> Cow<'_, str> {
    let boilerplate = &words().boilerplate;
    let is_phrase = |line: &str| {
        line.len() <= MAX_LINE.0
            && boilerplate.phrases.iter().any(|phrase| {
                line.starts_with(phrase.as_str()) || line.len() <= MAX_LINE.1 && line.contains(phrase.as_str())
            })
    };
    if !text.contains('\n') || !text.lines().any(is_phrase) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut is_list = false;
    for line in text.lines() {
        let is_item = boilerplate.list.iter().any(|mark| line.trim_start().starts_with(mark.as_str()));
        is_list = is_phrase(line) || is_list && is_item;
        if !is_list {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_site_are_no_part_of_the_story() {
        let text =
            "当前位置：首页 > 要闻\n北大街今起封闭。\n相关链接：\n·另一条\n·再一条\n施工到月底。\n【打印】【关闭】";
        assert_eq!(without_boilerplate(text), "北大街今起封闭。\n施工到月底。\n");
        assert_eq!(without_boilerplate("甲。\n·乙"), "甲。\n·乙");
    }

    #[test]
    fn opposites_are_levels_and_places() {
        let holds = |one, other, before: &str, behind: &str| {
            words().opposite.iter().any(|opposite| opposite.holds(one, other, before, behind))
        };
        assert!(holds('东', '西', "南大街", "段封闭"));
        assert!(holds('上', '下', "教材", "册"));
        assert!(holds('水', '电', "计划停", "通知"));
        assert!(!holds('上', '下', "天", "人都"));
        assert!(!holds('前', '后', "会", "者说"));
    }
}
