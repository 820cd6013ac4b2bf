//! Decides whether a text is a reprint of another.
//!
//! Shingle containment proposes candidates, facts decide: official texts are written from templates, so a warning for
//! another city resembles the first one more than many a reprint does. If corresponding places hold different numbers,
//! places, levels or actions, the texts are not the same, however similar. A false join hides news; a missed one only
//! repeats it.

use std::collections::HashSet;

use super::contradiction::{Kind, contradict, contradict_with_slips, facts, slips, sounds_alike, trimmed};
use super::fact_overlap::Facts;
use super::replacement::{Replacements, Told};
use super::roundup::is_roundup;
use super::substitution;
use super::text::{self, Gap, fold};
use super::words::{without_boilerplate, words};

/// The parts of an item that are compared.
#[derive(Clone, Debug)]
pub struct Story {
    title: Vec<char>,
    text: Vec<char>,
    shingles: text::Hashes,
    facts: Facts,
    /// Words of scripts that separate words; `text` holds only their hashes.
    words: HashSet<String>,
    is_roundup: bool,
}

impl Story {
    /// Returns the folded text.
    pub(super) fn text(&self) -> &[char] {
        &self.text
    }

    /// Returns the folded title and text.
    fn told(&self) -> Told<'_> {
        Told { title: &self.title, text: &self.text }
    }

    /// Prepares an item with this title and text for comparison.
    pub fn new(title: &str, text: &str) -> Self {
        let text = &*without_boilerplate(text);
        let folded = fold(text);
        Self {
            title: fold(title),
            shingles: text::shingles(&folded),
            facts: Facts::of(title, text),
            words: text::words(text),
            is_roundup: is_roundup(title, text),
            text: folded,
        }
    }

    /// Returns whether it holds several stories (一周要闻, 简讯, a day's digest).
    pub const fn is_roundup(&self) -> bool {
        self.is_roundup
    }

    /// Returns whether both have the same title, long enough that two stories do not share it by chance.
    pub fn is_titled_as(&self, other: &Self) -> bool {
        self.title.len() >= OWN_TITLE && self.title == other.title
    }

    /// Returns whether its text is longer than the other's.
    pub const fn is_longer(&self, other: &Self) -> bool {
        self.text.len() > other.text.len()
    }
}

/// How two items relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// One story.
    Same,
    /// Two stories about one event: linked, not joined.
    Event,
    /// One is a round-up that contains the other.
    Part,
    /// As similar as reprints, but their facts contradict each other: two notices from one template.
    Opposed,
    /// One is a copy of the other in which a fact was replaced by another: linked, not joined.
    Altered,
    /// Different stories.
    Different,
}

/// How two items relate, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// How they relate.
    pub likeness: Likeness,
    /// The reason, as a clause.
    pub because: &'static str,
    /// Whether they are one because they state the same facts, in other words.
    pub is_retold: bool,
    /// Share of the smaller text's four-character runs that the larger contains, from 0 to 1.
    pub containment: f64,
}

/// From this containment on, two longer texts are one story unless facts forbid it.
const ALIKE: f64 = 0.6;
/// From this containment on, two texts are at least about one event unless facts forbid it.
const AKIN: f64 = 0.4;
/// From this containment on, a round-up contains a story as a part.
const HELD: f64 = 0.8;
/// Reason given if a story is part of another.
const PART_WORDS: &str = "one of them is a round-up that holds the other as a part";
/// Minimum share of the words of one text that the other must contain, if both are in a script that separates words.
const SHARED_WORDS: f64 = 0.1;
/// Texts shorter than this, in characters, must also have similar titles, unless they are nearly identical or share
/// facts.
const SHORT_TEXT: usize = 100;
/// Titles at least this long, in characters, identify a story: template titles are shorter or contain a number.
const OWN_TITLE: usize = 16;
/// Texts shorter than this, in characters, are not compared.
const MIN_COMPARED: usize = 40;

/// Minimum overlap for one text to retell another: weight of the shared facts, their share of all facts of the text
/// with fewer, and containment of two-character runs.
const RETOLD: (f64, f64, f64) = (5.0, 0.8, 0.15);
/// The same minimums for one event: if more facts are shared, a smaller share is enough.
const ONE_EVENT: [(f64, f64, f64); 2] = [(2.4, 0.7, 0.08), (3.4, 0.5, 0.14)];

/// Longest name of a place that stands where another text says 全市, in characters.
const MAX_PLACE: usize = 6;

/// Reason given if two texts are one story without being copies of each other.
const RETOLD_WORDS: &str = "the one retells the other: it states the same facts in other words";

impl Comparison {
    /// Returns whether two texts about one event are similar enough to be pieces of one text.
    pub fn is_of_one_text(&self) -> bool {
        self.likeness == Likeness::Event && self.containment >= AKIN
    }

    /// Downgrades a retelling to an event; for items tagged with unrelated regions. If only the facts match, one policy
    /// in two counties is one event, not one story.
    #[must_use]
    pub fn of_other_places(mut self) -> Self {
        if self.likeness == Likeness::Same && self.is_retold {
            self.likeness = Likeness::Event;
            self.because = "they state the same facts of different places";
        }
        self
    }
}

/// Compares two items.
pub fn compare(a: &Story, b: &Story) -> Comparison {
    let containment = text::containment(&a.shingles, &b.shingles);
    let (mut likeness, mut because) = judge(a, b, containment);
    if !matches!(likeness, Likeness::Different) && !share_words(a, b) {
        (likeness, because) = (Likeness::Different, "they are alike in the hashes of their words only");
    }
    let is_retold = likeness == Likeness::Same && containment < ALIKE;
    Comparison { likeness, because, is_retold, containment }
}

/// Returns whether the texts share enough actual words. The comparison uses short word hashes, for which collisions can
/// be forged.
fn share_words(a: &Story, b: &Story) -> bool {
    let (small, large) = if a.words.len() <= b.words.len() { (&a.words, &b.words) } else { (&b.words, &a.words) };
    // Chinese texts were already compared by their characters.
    let least = a.text.len().min(b.text.len());
    if large.len() * 4 < least {
        return true;
    }
    text::ratio(small.iter().filter(|word| large.contains(*word)).count(), small.len()) >= SHARED_WORDS
}

fn judge(a: &Story, b: &Story, alike: f64) -> (Likeness, &'static str) {
    use Likeness::{Altered, Different, Event, Opposed, Part, Same};
    let titles = titles(&a.title, &b.title);
    let (least, most) = (a.text.len().min(b.text.len()), a.text.len().max(b.text.len()));
    if least < MIN_COMPARED {
        return (Different, "one of the texts is too short to be compared");
    }
    // A round-up contains its parts and is none of them; only a reprint of the round-up itself is the same story.
    if (a.is_roundup || b.is_roundup)
        && !(a.is_roundup && b.is_roundup && titles > 0.9 && least * 10 > most * 7 && alike >= ALIKE)
    {
        let is_part = if a.is_longer(b) { a.is_roundup && !b.is_roundup } else { b.is_roundup && !a.is_roundup };
        return if is_part && alike >= HELD {
            (Part, PART_WORDS)
        } else {
            (Different, "one of them is a round-up of several stories")
        };
    }
    if alike < ALIKE {
        return retold(a, b, alike, titles);
    }
    let shared = a.facts.shared(&b.facts);
    if least < SHORT_TEXT && titles < 0.5 && alike < 0.9 && (shared.weight < RETOLD.0 || shared.share < RETOLD.1) {
        return (Different, "the texts are short and their titles differ");
    }
    if holds_as_part(a, b) || holds_as_part(b, a) {
        return (Part, PART_WORDS);
    }
    if buries(a, b) || buries(b, a) {
        return (Event, "one text holds the other behind much else, under another title");
    }
    let anchors = text::anchors(&a.text, &b.text);
    let differences = text::differences(&a.text, &b.text, &anchors);
    if let Some(why) = swaps(a, b, &differences).or_else(|| announces(a, b)) {
        return (Opposed, why);
    }
    let replaced = Replacements::between(&a.text, &b.text, &anchors);
    if let Some(why) = replaced.why(a.told(), b.told()) {
        return (Opposed, why);
    }
    let is_opposed = if replaced.are_slips() { contradict_with_slips } else { contradict };
    let altered = || {
        let in_titles = (titles > 0.4 && titles < 1.0).then(|| substitution::why_titles(&a.title, &b.title)).flatten();
        in_titles.or_else(|| substitution::why(&a.text, &b.text, &anchors, alike))
    };
    // The same text under another title is the same story.
    if alike > 0.97 && least * 20 > most * 19 && !is_opposed(&differences) {
        return altered().map_or((Same, "the texts are equal but for trifles"), |why| (Altered, why));
    }
    // Titles from one template: 第3号 and 第4号, 平定县 and 盂县.
    if titles > 0.4 && titles < 1.0 && contradict(&[whole(&a.title, &b.title)]) {
        return (Opposed, "the titles contradict each other in a number, a place, a level or a deed");
    }
    if is_opposed(&differences) {
        return (Opposed, "corresponding places hold different numbers, places, levels or deeds");
    }
    altered().map_or((Same, "one text holds the other"), |why| (Altered, why))
}

/// Decides whether two texts that are not copies of each other state the same facts.
fn retold(a: &Story, b: &Story, alike: f64, titles: f64) -> (Likeness, &'static str) {
    use Likeness::{Different, Event, Opposed, Same};
    let shared = a.facts.shared(&b.facts);
    let runs = text::containment(&text::runs(&a.text, 2), &text::runs(&b.text, 2));
    let says = |least: (f64, f64, f64)| shared.weight >= least.0 && shared.share >= least.1 && runs >= least.2;
    let is_event = ONE_EVENT.into_iter().any(says);
    if alike < AKIN && !is_event {
        return (Different, "the texts have little in common");
    }
    let is_opposed = titles > 0.4 && titles < 1.0 && contradict(&[whole(&a.title, &b.title)]);
    let differ = || contradict(&text::differences(&a.text, &b.text, &text::anchors(&a.text, &b.text)));
    if is_opposed || alike >= AKIN && shared.share < 0.5 && differ() {
        return (Opposed, "they are alike, but state different numbers, places, levels or deeds");
    }
    if says(RETOLD) && !is_called_off(a, b) && !are_other_steps(a, b) && !are_other_places(a, b) {
        return (Same, RETOLD_WORDS);
    }
    if alike >= AKIN {
        (Event, "much of the one text stands in the other")
    } else {
        (Event, "they state the same facts")
    }
}

/// Returns whether a warning's title says that the warning is over.
pub(super) fn is_over(title: &str) -> bool {
    words().over.iter().any(|word| title.contains(word.as_str()))
}

/// Returns whether two texts are different steps of one matter (tender and award, warning and all-clear, notice and
/// correction); each step is a story of its own.
fn are_other_steps(a: &Story, b: &Story) -> bool {
    let deeds = |story: &Story| {
        let head: Vec<char> = story.title.iter().chain(story.text.iter().take(40)).copied().collect();
        let found = facts(&head).into_iter().filter(|(kind, deed)| *kind == Kind::Deed && words().steps.contains(deed));
        found.map(|(_, deed)| deed).collect::<HashSet<_>>()
    };
    let corrects = |story: &Story| story.title.windows(2).any(|pair| pair == ['更', '正']);
    let (one, other) = (deeds(a), deeds(b));
    corrects(a) != corrects(b) || !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
}

/// Returns whether the titles name different places.
fn are_other_places(a: &Story, b: &Story) -> bool {
    let places = |story: &Story| {
        let found = facts(&story.title).into_iter().filter(|(kind, _)| *kind == Kind::Place);
        found.map(|(_, place)| place).collect::<Vec<_>>()
    };
    let (one, other) = (places(a), places(b));
    let is_in = |place: &String, text: &[char]| {
        let name: Vec<char> = place.chars().collect();
        // Compare without the rank: 河津 refers to 河津市.
        let bare = name.get(..name.len().saturating_sub(1)).unwrap_or(&[]);
        bare.is_empty() || text.windows(bare.len()).any(|window| window == bare)
    };
    let whole = |story: &Story| story.title.iter().chain(&story.text).copied().collect::<Vec<char>>();
    let (in_a, in_b) = (whole(a), whole(b));
    // If neither text mentions the other's place, they are about different places.
    one.iter().any(|place| !is_in(place, &in_b)) && other.iter().any(|place| !is_in(place, &in_a))
}

/// Returns the share of the shorter title's two-character runs that the longer one contains, from 0 to 1; 1 if both are
/// equal.
pub fn title_likeness(a: &str, b: &str) -> f64 {
    let (a, b) = (fold(a), fold(b));
    if a == b { 1.0 } else { titles(&a, &b) }
}

/// Returns whether a text is too short to be compared.
pub fn is_short(text: &str) -> bool {
    fold(text).len() < MIN_COMPARED
}

fn titles(a: &[char], b: &[char]) -> f64 {
    let pairs = |text: &[char]| text.windows(2).map(<[char]>::to_vec).collect::<HashSet<_>>();
    let (a, b) = (pairs(a), pairs(b));
    let (small, large) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    text::ratio(small.iter().filter(|pair| large.contains(*pair)).count(), small.len())
}

/// Treats two titles as one difference.
const fn whole<'t>(a: &'t [char], b: &'t [char]) -> Gap<'t> {
    Gap { a, b, before: &[], after: &[] }
}

/// Returns why the texts are two notices from one template, if they are: one word is replaced by another in both title
/// and text, or more than once (停水 and 停气). A typo happens once. Opposites (东段 and 西段) and names of people or companies
/// count the first time.
fn swaps(a: &Story, b: &Story, differences: &[Gap<'_>]) -> Option<&'static str> {
    const MAX_SWAP: usize = 8;
    let names = &words().names;
    let swap = |gap: &Gap<'_>| {
        let (a, b) = trimmed(gap.a, gap.b)?;
        (a.len().max(b.len()) <= MAX_SWAP).then(|| (a.to_vec(), b.to_vec()))
    };
    let mut seen: HashSet<(Vec<char>, Vec<char>)> = HashSet::new();
    // Typos made with pinyin input replace a word with a homophone, usually the same word each time.
    let shared = a.facts.shared(&b.facts);
    let is_told_alike = shared.weight >= RETOLD.0 && shared.share >= RETOLD.1;
    let is_word = |pair: &(Vec<char>, Vec<char>)| {
        let han = |text: &[char]| text.iter().all(|c| c.is_alphabetic());
        // 全市 here and 阳泉市 there: if all facts are the same, so is the city.
        let own = |text: &[char]| text.first().is_some_and(|c| words().own.iter().any(|word| word.starts_with(*c)));
        let is_own = is_told_alike && own(&pair.0) != own(&pair.1) && pair.0.len().max(pair.1.len()) <= MAX_PLACE;
        han(&pair.0) && han(&pair.1) && !is_own && !sounds_alike(&pair.0, &pair.1)
    };
    // Titles that differ in a single word.
    let titled = swap(&whole(&a.title, &b.title)).filter(is_word);
    seen.extend(titled);
    for gap in differences {
        for pair in slips_of(gap).into_iter().chain(swap(gap)).filter(is_word) {
            let text = |chars: &[char]| chars.iter().collect::<String>();
            let (before, behind) = context(gap, &pair);
            if let ([one], [other]) = (pair.0.as_slice(), pair.1.as_slice())
                && words().opposite.iter().any(|opposite| opposite.holds(*one, *other, &before, &behind))
            {
                return Some("one says the opposite of the other in a corresponding place");
            }
            let (before, behind) = (text(gap.before), text(gap.after));
            let is_name = (2..=MAX_SWAP).contains(&pair.0.len()) && (2..=MAX_SWAP).contains(&pair.1.len());
            if is_name && names.firm.iter().any(|word| behind.starts_with(word.as_str())) {
                return Some("corresponding places name different companies");
            }
            if is_name
                && names
                    .before
                    .iter()
                    .any(|word| before.ends_with(word.as_str()) || before.contains(word.as_str()) && before.len() <= 18)
                && (names.behind.iter().any(|word| behind.starts_with(word.as_str()))
                    || names.before.iter().any(|word| before.ends_with(word.as_str())))
            {
                return Some("corresponding places name different people or companies");
            }
            if !seen.insert(pair) {
                return Some("the same word stands for another one throughout, as in notices of one template");
            }
        }
    }
    None
}

/// Returns the words before and behind a pair of single characters within a gap.
fn context(gap: &Gap<'_>, pair: &(Vec<char>, Vec<char>)) -> (String, String) {
    let whole: Vec<char> = gap.before.iter().chain(gap.a).chain(gap.after).copied().collect();
    let at = (gap.before.len()..whole.len()).find(|at| whole.get(*at) == pair.0.first()).unwrap_or(gap.before.len());
    let part = |piece: Option<&[char]>| piece.unwrap_or(&[]).iter().collect::<String>();
    (part(whole.get(..at)), part(whole.get(at + 1..)))
}

/// Returns the single characters by which the two sides of a gap differ, if they differ in nothing else. If one side is
/// longer, only its end or beginning is compared.
fn slips_of(gap: &Gap<'_>) -> Vec<(Vec<char>, Vec<char>)> {
    let Some((a, b)) = trimmed(gap.a, gap.b) else { return Vec::new() };
    if a.len() == 1 && b.len() == 1 {
        // The gap itself is the pair.
        return Vec::new();
    }
    let pairs =
        |a: &[char], b: &[char]| slips(a, b).map(|found| found.into_iter().map(|(a, b)| (vec![a], vec![b])).collect());
    let least = a.len().min(b.len());
    let ends = |text: &'_ [char]| text.get(text.len() - least..).unwrap_or(&[]).to_vec();
    let begins = |text: &'_ [char]| text.get(..least).unwrap_or(&[]).to_vec();
    let few = |found: Option<Vec<(Vec<char>, Vec<char>)>>| found.filter(|found| found.len() * 3 <= least);
    let found = if a.len() == b.len() { pairs(a, b) } else { None };
    found.or_else(|| few(pairs(&ends(a), &ends(b)))).or_else(|| few(pairs(&begins(a), &begins(b)))).unwrap_or_default()
}

/// Returns a reason if one notice changes the other: its title says so, and the other one does not mention it.
fn announces(a: &Story, b: &Story) -> Option<&'static str> {
    says_alone(a, b, &words().changes).then_some("one changes what the other announced")
}

/// Returns whether one of two retellings says in its title that what the other announces does not take place.
fn is_called_off(a: &Story, b: &Story) -> bool {
    says_alone(a, b, &words().called_off)
}

/// Returns whether one title has one of the words, of which the other item says nothing.
fn says_alone(a: &Story, b: &Story, words: &[String]) -> bool {
    let holds = |text: &[char], word: &str| {
        let word: Vec<char> = word.chars().collect();
        text.windows(word.len()).any(|window| window == word)
    };
    let only = |one: &Story, other: &Story| {
        words.iter().any(|word| holds(&one.title, word) && !holds(&other.title, word) && !holds(&other.text, word))
    };
    only(a, b) || only(b, a)
}

/// Minimum number of unrelated characters before an embedded text.
const MIN_BEFORE: usize = 100;

/// Returns whether the long text puts much else before the short one, under an unrelated title. A reprint does not do
/// that.
fn buries(long: &Story, short: &Story) -> bool {
    if long.text.len() * 10 < short.text.len() * 15 || titles(&long.title, &short.title) >= 0.2 {
        return false;
    }
    let first = text::anchors(&long.text, &short.text).first().copied();
    first.is_some_and(|(in_long, in_short)| in_short < 40 && in_long >= MIN_BEFORE + in_short)
}

/// Returns whether a text contains all of a shorter one as one of several parts: then it also contains that one's
/// title, or puts much unrelated text before it.
fn holds_as_part(long: &Story, short: &Story) -> bool {
    if long.text.len() * 10 < short.text.len() * 15 || titles(&long.title, &short.title) >= 0.5 {
        return false;
    }
    let held = short.shingles.iter().filter(|hash| long.shingles.contains(*hash)).count();
    if text::ratio(held, short.shingles.len()) < HELD {
        return false;
    }
    let title = &short.title;
    let has_title = long.text.windows(title.len().max(1)).any(|window| window == title.as_slice());
    if title.len() >= 8 && has_title && !short.text.starts_with(title) {
        return true;
    }
    // A story's text repeats the words of its title; a collection's does not.
    let pairs = |text: &[char]| text::runs(text, 2);
    let (own, told) = (pairs(&long.title), pairs(&long.text));
    let told = text::ratio(own.iter().filter(|pair| told.contains(*pair)).count(), own.len());
    let first = text::anchors(&long.text, &short.text).first().copied();
    told < 0.25
        || told < 0.5 && first.is_some_and(|(in_long, in_short)| in_short < 40 && in_long >= MIN_BEFORE + in_short)
}

#[cfg(test)]
mod tests;
