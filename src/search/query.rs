//! What is searched for, as somebody wrote it.

use super::text::{Folded, GAP, is_unspaced};
use crate::model::{Moment, RegionId, SourceId};

/// Longest text that is read, in characters.
const MAX_LENGTH: usize = 200;
/// Maximum number of phrases.
const MAX_PHRASES: usize = 12;

/// Words and phrases that results have, and those that they do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub(super) wanted: Vec<Vec<char>>,
    pub(super) unwanted: Vec<Vec<char>>,
}

/// What else is asked of results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// They are in this region or below it, or in this group of regions.
    pub region: Option<RegionId>,
    /// They are from this source.
    pub source: Option<SourceId>,
    /// They have this label.
    pub topic: Option<String>,
    /// Sources all of whose items have that label.
    pub topic_sources: Vec<SourceId>,
    /// They were published at this time or later.
    pub from: Option<Moment>,
    /// They were published at this time or earlier.
    pub to: Option<Moment>,
}

/// The order of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// By date.
    #[default]
    Newest,
    /// Those that have it in their titles first, each by date.
    Relevance,
}

impl Query {
    /// Reads a query: words separated by spaces, "phrases in quotes", -what is not wanted. What is longer than 200
    /// characters, or more than 12 phrases, is left out.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let text: Vec<char> = text.chars().take(MAX_LENGTH).collect();
        let mut rest = text.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            if first.is_whitespace() {
                rest = behind;
                continue;
            }
            let is_unwanted =
                matches!(first, '-' | '－' | '−') && behind.first().is_some_and(|next| !next.is_whitespace());
            let begin = if is_unwanted { behind } else { rest };
            let quoted = begin.first().and_then(|c| closing(*c)).map(|end| (end, begin.get(1..).unwrap_or(&[])));
            let (phrase, after) = match quoted {
                Some((end, inner)) => split(inner, |c| end.contains(&c)),
                None => split(begin, |c| c.is_whitespace() || closing(c).is_some()),
            };
            rest = if quoted.is_some() { after.get(1..).unwrap_or(&[]) } else { after };
            query.push(phrase, quoted.is_some(), is_unwanted);
        }
        query
    }

    fn push(&mut self, phrase: &[char], is_quoted: bool, is_unwanted: bool) {
        let folded = Folded::of(&phrase.iter().collect::<String>()).chars;
        let parts = if is_quoted { vec![folded] } else { parts(&folded) };
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            if self.wanted.len() + self.unwanted.len() >= MAX_PHRASES {
                return;
            }
            let phrases = if is_unwanted { &mut self.unwanted } else { &mut self.wanted };
            if !phrases.contains(&part) {
                phrases.push(part);
            }
        }
    }

    /// Returns whether nothing is wanted, so that every item would be a result.
    pub const fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }
}

impl std::fmt::Display for Query {
    /// Writes the query in its shortest form; queries that are the same for the index are written the same.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let phrases = self.wanted.iter().map(|phrase| ("", phrase));
        for (at, (mark, phrase)) in phrases.chain(self.unwanted.iter().map(|phrase| ("-", phrase))).enumerate() {
            let text: String = phrase.iter().collect();
            let quote = if text.contains(GAP) { "\"" } else { "" };
            write!(f, "{}{mark}{quote}{text}{quote}", if at > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

/// Returns what closes a quotation that this character opens.
const fn closing(c: char) -> Option<&'static [char]> {
    match c {
        '"' | '“' | '”' | '＂' => Some(&['"', '“', '”', '＂']),
        '「' => Some(&['」']),
        '『' => Some(&['』']),
        _ => None,
    }
}

/// Splits before the first character that is an end.
fn split(text: &[char], is_end: impl Fn(char) -> bool) -> (&[char], &[char]) {
    text.split_at(text.iter().position(|c| is_end(*c)).unwrap_or(text.len()))
}

/// Splits at the marks between Chinese characters: 创卫，停水 are two words; covid-19 is one phrase.
fn parts(folded: &[char]) -> Vec<Vec<char>> {
    let mut parts = vec![Vec::new()];
    for (at, c) in folded.iter().enumerate() {
        let beside = [at.checked_sub(1), Some(at + 1)].map(|at| at.and_then(|at| folded.get(at)));
        if *c == GAP && beside.iter().all(|c| c.is_some_and(|c| is_unspaced(*c))) {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(*c);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_people_write_them() {
        let check = |text: &str, expected: &str| {
            let query = Query::parse(text);
            assert_eq!(query.to_string(), expected, "{text}");
            assert_eq!(Query::parse(expected), query, "{text}");
        };
        check("阳泉", "阳泉");
        check("  陽泉　創衛 ", "阳泉 创卫");
        check("创卫，停水", "创卫 停水");
        check("“卫生 城市”", "卫生城市");
        check("\"city council\" -budget", "\"city council\" -budget");
        check("city council", "city council");
        check("Covid-19", "\"covid 19\"");
        check("创卫 -停水 －停电", "创卫 -停水 -停电");
        check("创卫 - 停水", "创卫 停水");
        check("「阳泉」创卫", "阳泉 创卫");
        check("阳泉 阳泉", "阳泉");
        check("\"没有结尾", "没有结尾");
        check("-\"不要 这个\"", "-不要这个");
        check("yángquán", "yangquan");
        check("，。！", "");
        check("\"\"", "");
        check("", "");
    }

    #[test]
    fn a_query_is_limited() {
        let query = Query::parse(&"创卫停水 a ".repeat(100_000));
        assert_eq!(query.wanted.len(), 2);
        let many: String = (0..1000).map(|at| format!("w{at} ")).collect();
        assert_eq!(Query::parse(&many).wanted.len(), MAX_PHRASES);
        assert!(Query::parse(&"字".repeat(5000)).wanted.iter().all(|phrase| phrase.len() <= MAX_LENGTH));
    }
}
