//! Rules of a source about its items: which are taken in, and what is cut from their titles.

use std::borrow::Cow;
use std::time::Duration;

use regex::Regex;

use super::{Draft, Moment, is_ignorable, simplify};

/// Longest compiled pattern, in bytes of memory.
const MAX_COMPILED: usize = 1 << 20;
/// Longest part of a text that is looked at, in bytes.
const MAX_TEXT: usize = 4096;

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The title.
    Title,
    /// An author or editor.
    Author,
    /// A category.
    Category,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Title, Self::Author, Self::Category];

    /// Returns the word of the config.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Author => "author",
            Self::Category => "category",
        }
    }
}

/// A word, or a regular expression between slashes, that is searched in linear time.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
    /// The word as it is compared; `None` for an expression.
    word: Option<String>,
}

/// Error: the text is not a pattern.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a pattern that can be searched for: {1}")]
pub struct PatternError(String, String);

impl Pattern {
    /// Parses a word, which may be anywhere, in any case and in any form of its characters, or `/regular expression/`.
    ///
    /// # Errors
    /// If it is empty, or the expression is wrong or too large.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let failed = |why: &str| PatternError(text.to_owned(), why.to_owned());
        let expression = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let source = match expression {
            Some(expression) => expression.to_owned(),
            None => format!("(?i){}", regex::escape(text.trim())),
        };
        let word = expression.is_none().then(|| folded(text));
        if expression.unwrap_or(text).trim().is_empty() || word.as_deref() == Some("") {
            return Err(failed("it is empty"));
        }
        let regex =
            regex::RegexBuilder::new(&source).size_limit(MAX_COMPILED).build().map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => failed("it is too large"),
                error => failed(error.to_string().lines().last().unwrap_or("").trim_start_matches("error: ")),
            })?;
        Ok(Self { text: text.to_owned(), regex, word })
    }

    fn is_in(&self, text: &str) -> bool {
        let matches = |text: &str| self.regex.is_match(text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text));
        if matches(text) {
            return true;
        }
        match &self.word {
            Some(word) => folded(text).contains(word.as_str()),
            None => text.contains(is_ignorable) && matches(&text.replace(is_ignorable, "")),
        }
    }
}

/// Returns a text as words are looked for in it, so that a source cannot write one past a rule: simplified characters of the
/// usual width in lower case, without those that nobody sees, and without spaces between Chinese ones.
fn folded(text: &str) -> String {
    const fn is_chinese(c: char) -> bool {
        matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
    }
    let mut out = String::with_capacity(text.len().min(MAX_TEXT));
    let (mut last, mut is_blank) = (None, false);
    for c in text.chars().filter(|c| !is_ignorable(*c)).map(simplify) {
        if c.is_whitespace() {
            is_blank = true;
            continue;
        }
        if out.len() >= MAX_TEXT {
            break;
        }
        if std::mem::take(&mut is_blank) && last.is_some_and(|last| !is_chinese(last) || !is_chinese(c)) {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
        last = Some(c);
    }
    out
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// The rules of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// If there are any, an item needs one of these.
    pub keep: Vec<(Part, Pattern)>,
    /// An item with one of these is left out.
    pub drop: Vec<(Part, Pattern)>,
    /// Items with an older date are left out.
    pub max_age: Option<Duration>,
    /// What is cut from titles.
    pub cut: Vec<Pattern>,
}

impl Filter {
    /// Returns whether it leaves every item as it is.
    pub const fn is_empty(&self) -> bool {
        self.keep.is_empty() && self.drop.is_empty() && self.max_age.is_none() && self.cut.is_empty()
    }

    /// Returns why an item is left out; `None` if it is taken in. `is_whole` tells whether its page was read, if it has to be:
    /// before, it is not left out for want of an author or a category.
    pub fn refusal(&self, draft: &Draft, now: Moment, is_whole: bool) -> Option<String> {
        if let (Some(most), Some(stamp)) = (self.max_age, draft.published.or(draft.updated))
            && stamp.at < now - most
        {
            return Some(format!("its date, {stamp}, is older than max_age allows"));
        }
        self.refusal_by_words(draft, is_whole)
    }

    /// Returns why an item is left out, whatever its age: a correction is not too old if its item was not.
    pub fn refusal_by_words(&self, draft: &Draft, is_whole: bool) -> Option<String> {
        if let Some((part, pattern)) = self.drop.iter().find(|(part, pattern)| has(draft, *part, pattern)) {
            return Some(format!("[source.drop] {} = {}", part.word(), pattern.text));
        }
        // A row of a sitemap has no title either.
        let comes = |part: Part| part != Part::Title || draft.title.is_empty();
        let may_come = !is_whole && self.keep.iter().any(|(part, _)| comes(*part));
        let is_kept =
            self.keep.is_empty() || may_come || self.keep.iter().any(|(part, pattern)| has(draft, *part, pattern));
        (!is_kept).then(|| "nothing of [source.keep] is in it".to_owned())
    }

    /// Returns whether an item can only be judged when its page has been read, if it has one.
    pub fn needs_page(&self) -> bool {
        self.keep.iter().chain(&self.drop).any(|(part, _)| *part != Part::Title)
    }

    /// Returns a number that is another one for other rules.
    pub fn version(&self) -> u64 {
        let mut text = format!("{:?}", self.max_age);
        for (rules, name) in [(&self.keep, "keep"), (&self.drop, "drop")] {
            for (part, pattern) in rules {
                text.extend([name, "\0", part.word(), "\0", &pattern.text, "\0"]);
            }
        }
        xxhash_rust::xxh3::xxh3_64(text.as_bytes())
    }

    /// Returns a number that is another one for other rules, those about titles included.
    pub fn with_cuts(&self) -> u64 {
        let mut text = self.version().to_string();
        for pattern in &self.cut {
            text.extend(["\0", &pattern.text]);
        }
        xxhash_rust::xxh3::xxh3_64(text.as_bytes())
    }

    /// Returns the item with its title cleaned up. A title of which nothing would be left stays as it is.
    pub fn cleaned<'d>(&self, draft: &'d Draft) -> Cow<'d, Draft> {
        let mut title = Cow::Borrowed(draft.title.as_str());
        for pattern in &self.cut {
            if title.len() <= MAX_TEXT && pattern.is_in(&title) {
                let cut = pattern.regex.replace_all(&title, "").trim().to_owned();
                if !cut.is_empty() {
                    title = Cow::Owned(cut);
                }
            }
        }
        match title {
            Cow::Borrowed(_) => Cow::Borrowed(draft),
            Cow::Owned(title) => Cow::Owned(Draft { title, ..draft.clone() }),
        }
    }
}

fn has(draft: &Draft, part: Part, pattern: &Pattern) -> bool {
    match part {
        Part::Title => pattern.is_in(&draft.title),
        Part::Author => draft.authors.iter().chain(&draft.editors).any(|name| pattern.is_in(name)),
        Part::Category => draft.categories.iter().any(|name| pattern.is_in(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(title: &str, categories: &[&str]) -> Draft {
        let categories = categories.iter().map(|name| (*name).to_owned()).collect();
        Draft { title: title.to_owned(), categories, ..Draft::default() }
    }

    #[test]
    fn items_are_kept_and_dropped_by_words_and_patterns() {
        let pattern = |text: &str| Pattern::parse(text).unwrap();
        let filter = Filter {
            keep: vec![(Part::Title, pattern("供暖")), (Part::Category, pattern("/^公告$/"))],
            drop: vec![(Part::Title, pattern("/广告|招聘/"))],
            ..Filter::default()
        };
        let refused = |title: &str, categories: &[&str], is_whole| {
            filter.refusal(&draft(title, categories), Moment::default(), is_whole).is_some()
        };
        assert!(!refused("供暖通告", &[], true) && refused("供暖公司招聘", &[], true));
        assert!(refused("停水通告", &[], true) && !refused("停水通告", &["公告"], true));
        assert!(!refused("停水通告", &[], false), "its category may come with its page");
        assert!(refused("停水通告", &["公告栏"], true));
        let corrected = |title: &str| filter.refusal_by_words(&draft(title, &[]), true).is_some();
        assert!(corrected("供暖公司招聘") && !corrected("供暖通告（更正）"), "a correction is judged, too");
        let filter = Filter { keep: vec![(Part::Title, pattern("供暖"))], ..Filter::default() };
        assert!(filter.refusal(&draft("", &[]), Moment::default(), false).is_none(), "its title comes with its page");
        assert!(filter.refusal(&draft("", &[]), Moment::default(), true).is_some() && !filter.needs_page());
    }

    #[test]
    fn a_word_that_is_written_so_that_it_looks_the_same_does_not_pass_a_rule() {
        let filter = Filter {
            drop: vec![
                (Part::Title, Pattern::parse("广告").unwrap()),
                (Part::Title, Pattern::parse("/彩票$/").unwrap()),
            ],
            ..Filter::default()
        };
        let refused = |title: &str| filter.refusal(&draft(title, &[]), Moment::default(), true).is_some();
        for between in [
            "",
            "\u{200b}",
            "\u{200d}",
            "\u{2060}",
            "\u{ad}",
            "\u{feff}",
            "\u{202e}\u{202c}",
            "\u{fe0f}",
            "\u{34f}",
            "\u{3164}",
            "\u{e0041}",
            " ",
            "\u{3000} \n",
        ] {
            assert!(refused(&format!("大减价广{between}告送到家")), "{between:?}");
        }
        assert!(refused("大减价廣告") && refused("大减价\u{2f34}告") && refused("买彩\u{200d}票"));
        assert!(!refused("公告") && !refused("推广 a 告知") && !refused("彩票站公示"));
        assert!(refused(&format!("{}广告", "\u{200d}".repeat(MAX_TEXT))), "what nobody sees fills no text");
        let filter = Filter { drop: vec![(Part::Title, Pattern::parse("廣告 AD").unwrap())], ..Filter::default() };
        let refused = |title: &str| filter.refusal(&draft(title, &[]), Moment::default(), true).is_some();
        assert!(refused("广告 ａｄ") && refused("廣告  ad") && !refused("广告"));
    }

    #[test]
    fn titles_are_cleaned_and_never_emptied() {
        let filter = Filter {
            cut: vec![Pattern::parse("/^【[^】]*】|[-_ ]*井陉县人民政府$/").unwrap()],
            ..Filter::default()
        };
        let cleaned = |title: &str| filter.cleaned(&draft(title, &[])).title.clone();
        assert_eq!(cleaned("【转载】供暖通告 - 井陉县人民政府"), "供暖通告");
        assert_eq!(cleaned("【公告】"), "【公告】");
    }

    #[test]
    fn patterns_that_cannot_be_are_refused() {
        for text in ["", "//", "/(/", "/(a{1000}){1000}{1000}/"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        assert!(Pattern::parse("(").is_ok(), "a word is no expression");
    }
}
