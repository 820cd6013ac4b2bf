//! Is a text another's reprint?
//!
//! Containment of shingles proposes, facts decide: official texts are written from templates, and a warning for another
//! city is more like the first one than many a reprint. Where the two differ in corresponding places by numbers, places,
//! levels or by what is done, they are not the same, however alike they are. A false join hides news; a missed one only
//! repeats it.

use std::collections::HashSet;

use super::text::{self, fold};

/// What is compared of an item.
#[derive(Clone, Debug)]
pub struct Story {
    title: Vec<char>,
    text: Vec<char>,
    shingles: HashSet<u64>,
    is_roundup: bool,
}

impl Story {
    /// What is compared of an item with this title and text.
    pub fn new(title: &str, text: &str) -> Self {
        let folded = fold(text);
        Self {
            title: fold(title),
            shingles: text::shingles(&folded),
            is_roundup: is_roundup(title, text),
            text: folded,
        }
    }
}

/// How two items of different sources stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// One story.
    Same,
    /// Different stories.
    Different,
}

/// The containment from which on two longer texts are one, unless facts forbid it.
const ALIKE: f64 = 0.6;
/// Texts shorter than this, in characters, also need like titles.
const SHORT: usize = 100;

/// Compares two items of different sources.
pub fn compare(a: &Story, b: &Story) -> Likeness {
    let alike = text::containment(&a.shingles, &b.shingles);
    let titles = titles(&a.title, &b.title);
    let (least, most) = (a.text.len().min(b.text.len()), a.text.len().max(b.text.len()));
    if alike < ALIKE || least < 40 {
        return Likeness::Different;
    }
    // A round-up holds its parts and is none of them; only its own reprint is the same.
    if (a.is_roundup || b.is_roundup) && !(a.is_roundup && b.is_roundup && titles > 0.9 && least * 10 > most * 7) {
        return Likeness::Different;
    }
    if least < SHORT && titles < 0.5 && alike < 0.9 {
        return Likeness::Different;
    }
    // The same text under another title is the same story.
    if alike > 0.97 && least * 20 > most * 19 && !contradict(&text::differences(&a.text, &b.text)) {
        return Likeness::Same;
    }
    // Titles of one template: 第3号 and 第4号, 平定县 and 盂县.
    if titles > 0.4 && titles < 1.0 && contradict(&[(&a.title, &b.title)]) {
        return Likeness::Different;
    }
    let differences = text::differences(&a.text, &b.text);
    if contradict(&differences) { Likeness::Different } else { Likeness::Same }
}

/// How much of the shorter title the longer holds, in pairs of characters.
fn titles(a: &[char], b: &[char]) -> f64 {
    let pairs = |text: &[char]| text.windows(2).map(<[char]>::to_vec).collect::<HashSet<_>>();
    let (a, b) = (pairs(a), pairs(b));
    let (small, large) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    text::ratio(small.iter().filter(|pair| large.contains(*pair)).count(), small.len())
}

/// Do corresponding places hold different facts? Each side must have one that the other has nowhere: where only one
/// says more, nothing is contradicted.
fn contradict(differences: &[(impl AsRef<[char]>, impl AsRef<[char]>)]) -> bool {
    let (mut one, mut other): (HashSet<Fact>, HashSet<Fact>) = (HashSet::new(), HashSet::new());
    for (a, b) in differences {
        let (a, b) = (a.as_ref(), b.as_ref());
        match slips(a, b) {
            // Of slips of the pen only numbers and levels are facts.
            Some(slips) => {
                for (a, b) in slips {
                    let hard = |text: char| facts(&[text]).into_iter().filter(|(kind, _)| *kind != Kind::Place);
                    one.extend(hard(a));
                    other.extend(hard(b));
                }
            }
            None => {
                one.extend(facts(a));
                other.extend(facts(b));
            }
        }
    }
    [Kind::Number, Kind::Place, Kind::Level, Kind::Deed].into_iter().any(|kind| {
        let only = |these: &HashSet<Fact>, those: &HashSet<Fact>| {
            these.iter().filter(|fact| fact.0 == kind && !those.contains(*fact)).count()
        };
        let (here, there) = (only(&one, &other), only(&other, &one));
        here > 0 && there > 0
    })
}

/// The single characters by which two pieces of one length differ, no two of them beside each other; `None` where they
/// differ otherwise.
fn slips(a: &[char], b: &[char]) -> Option<Vec<(char, char)>> {
    if a.len() != b.len() || a.iter().chain(b).any(char::is_ascii_digit) {
        return None;
    }
    let apart: Vec<bool> = a.iter().zip(b).map(|(a, b)| a != b).collect();
    let beside = apart.windows(2).any(|pair| matches!(pair, [true, true]));
    (!beside).then(|| a.iter().copied().zip(b.iter().copied()).filter(|(a, b)| a != b).collect())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Number,
    Place,
    Level,
    Deed,
}

type Fact = (Kind, String);

/// The facts in a piece of folded text.
fn facts(text: &[char]) -> Vec<Fact> {
    const DEEDS: [&str; 16] = [
        "发布", "解除", "升级", "降级", "启动", "终止", "取消", "更正", "招标", "中标", "成交", "磋商", "上篇", "下篇",
        "开幕", "闭幕",
    ];
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let c = text.get(at).copied().unwrap_or(' ');
        if c.is_ascii_digit() {
            let run: String = text.get(at..).unwrap_or(&[]).iter().take_while(|c| c.is_ascii_digit()).collect();
            at += run.len();
            let bare = run.trim_start_matches('0');
            found.push((Kind::Number, if bare.is_empty() { "0".to_owned() } else { bare.to_owned() }));
            continue;
        }
        if "一二三四五六七八九十".contains(c)
            && !text.get(at + 1).is_some_and(|next| "个些样定种般直起旦方".contains(*next))
        {
            found.push((Kind::Number, c.to_string()));
        }
        if matches!(c, '蓝' | '黄' | '橙' | '红') && (text.get(at + 1) == Some(&'色') || text.len() <= 3) {
            found.push((Kind::Level, c.to_string()));
        }
        // The name before the word for its rank; of what was cut off, the word may stand outside.
        if matches!(c, '县' | '市' | '区' | '镇' | '乡' | '村' | '街' | '路') && at > 0 {
            let from = at.saturating_sub(2);
            found.push((Kind::Place, text.get(from..=at).unwrap_or(&[]).iter().collect()));
        }
        let pair: String = text.get(at..(at + 2).min(text.len())).unwrap_or(&[]).iter().collect();
        if DEEDS.contains(&pair.as_str()) {
            found.push((Kind::Deed, pair));
        }
        at += 1;
    }
    // A short difference that is nothing but Chinese characters is a name.
    if (2..=4).contains(&text.len()) && text.iter().all(|c| ('\u{4e00}'..='\u{9fff}').contains(c)) && found.is_empty() {
        found.push((Kind::Place, text.iter().collect()));
    }
    found
}

/// Several stories in one: 一周要闻, 简讯, a day's digest.
fn is_roundup(title: &str, text: &str) -> bool {
    const WORDS: [&str; 22] = [
        "速览",
        "汇总",
        "简报",
        "简讯",
        "大事回顾",
        "一周要闻",
        "每日要闻",
        "要闻回顾",
        "早读",
        "早报",
        "早知道",
        "早餐",
        "晚报｜",
        "新闻联播",
        "要闻集锦",
        "一周回顾",
        "今日要闻",
        "热点回顾",
        "新闻摘要",
        "快讯合集",
        "要闻一览",
        "周报",
    ];
    let marked = text
        .lines()
        .filter(|line| {
            let line = line.trim_start();
            line.starts_with(['◆', '●', '■', '▲', '★'])
                || line.starts_with('【') && line.chars().nth(1).is_some_and(|c| c.is_ascii_digit())
        })
        .count();
    marked >= 2 || WORDS.iter().any(|word| title.contains(word))
}
