//! Is a text another's reprint?
//!
//! Containment of shingles proposes, facts decide: official texts are written from templates, and a warning for another
//! city is more like the first one than many a reprint. Where the two differ in corresponding places by numbers, places,
//! levels or by what is done, they are not the same, however alike they are. A false join hides news; a missed one only
//! repeats it.

use std::collections::HashSet;

use super::fact::Facts;
use super::text::{self, RANKS, fold};

/// What is compared of an item.
#[derive(Clone, Debug)]
pub struct Story {
    title: Vec<char>,
    text: Vec<char>,
    shingles: HashSet<u64>,
    facts: Facts,
    is_roundup: bool,
}

impl Story {
    /// What is compared of an item with this title and text.
    pub fn new(title: &str, text: &str) -> Self {
        let folded = fold(text);
        Self {
            title: fold(title),
            shingles: text::shingles(&folded),
            facts: Facts::of(title, text),
            is_roundup: is_roundup(title, text),
            text: folded,
        }
    }

    /// Is it several stories in one (一周要闻, 简讯, a day's digest)?
    pub const fn is_roundup(&self) -> bool {
        self.is_roundup
    }
}

/// How two items stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// One story.
    Same,
    /// Two stories of one event: they are linked, not joined.
    Event,
    /// As alike as reprints, but what they state contradicts: two notices of one template.
    Opposed,
    /// Different stories.
    Different,
}

/// How two items stand to each other, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// How they stand to each other.
    pub likeness: Likeness,
    /// Why, in a clause.
    pub because: &'static str,
    /// How much of the smaller text's runs of four characters the larger holds, from 0 to 1.
    pub containment: f64,
}

/// Where both sides of a difference are longer than this, in characters, they do not correspond.
const FREE: usize = 24;
/// The containment from which on two longer texts are one, unless facts forbid it.
const ALIKE: f64 = 0.6;
/// The containment from which on two texts are of one event at least, unless facts forbid it.
const AKIN: f64 = 0.4;
/// Texts shorter than this, in characters, also need like titles.
const SHORT: usize = 100;
/// Texts shorter than this, in characters, are not compared.
const SHORTEST: usize = 40;

/// What two texts must share to be one story retold: the weight of facts, its share of the poorer text's facts, and how
/// many of its runs of three characters the other has.
const RETOLD: (f64, f64, f64) = (8.0, 0.85, 0.2);
/// The same for an event, with runs of two characters.
const ONE_EVENT: (f64, f64, f64) = (3.4, 0.5, 0.14);
/// The same where the texts have little but that in common.
const FACTS_ALONE: (f64, f64) = (9.0, 0.75);

/// Compares two items.
pub fn compare(a: &Story, b: &Story) -> Comparison {
    let containment = text::containment(&a.shingles, &b.shingles);
    let (likeness, because) = judge(a, b, containment);
    Comparison { likeness, because, containment }
}

fn judge(a: &Story, b: &Story, alike: f64) -> (Likeness, &'static str) {
    use Likeness::{Different, Opposed, Same};
    let titles = titles(&a.title, &b.title);
    let (least, most) = (a.text.len().min(b.text.len()), a.text.len().max(b.text.len()));
    if least < SHORTEST {
        return (Different, "one of the texts is too short to be compared");
    }
    // A round-up holds its parts and is none of them; only its own reprint is the same.
    if (a.is_roundup || b.is_roundup)
        && !(a.is_roundup && b.is_roundup && titles > 0.9 && least * 10 > most * 7 && alike >= ALIKE)
    {
        return (Different, "one of them is a round-up of several stories");
    }
    if alike < ALIKE {
        return retold(a, b, alike, titles);
    }
    if least < SHORT && titles < 0.5 && alike < 0.9 {
        return (Different, "the texts are short and their titles differ");
    }
    let differences = text::differences(&a.text, &b.text);
    // The same text under another title is the same story.
    if alike > 0.97 && least * 20 > most * 19 && !contradict(&differences) {
        return (Same, "the texts are equal but for trifles");
    }
    // Titles of one template: 第3号 and 第4号, 平定县 and 盂县.
    if titles > 0.4 && titles < 1.0 && contradict(&[(&a.title, &b.title)]) {
        return (Opposed, "the titles contradict each other in a number, a place, a level or a deed");
    }
    if contradict(&differences) {
        return (Opposed, "corresponding places hold different numbers, places, levels or deeds");
    }
    (Same, "one text holds the other")
}

/// Of texts that are not each other's copies: do they tell the same facts?
fn retold(a: &Story, b: &Story, alike: f64, titles: f64) -> (Likeness, &'static str) {
    use Likeness::{Different, Event, Opposed, Same};
    let shared = a.facts.shared(&b.facts);
    let says_enough = shared.weight >= ONE_EVENT.0 && shared.share >= ONE_EVENT.1;
    if alike < AKIN && !says_enough {
        return (Different, "the texts have little in common");
    }
    let is_opposed = titles > 0.4 && titles < 1.0 && contradict(&[(&a.title, &b.title)]);
    if is_opposed || alike >= AKIN && shared.share < ONE_EVENT.1 && contradict(&text::differences(&a.text, &b.text)) {
        return (Opposed, "they are alike, but state different numbers, places, levels or deeds");
    }
    let runs = |length| text::containment(&text::runs(&a.text, length), &text::runs(&b.text, length));
    if shared.weight >= RETOLD.0
        && shared.share >= RETOLD.1
        && runs(3) >= RETOLD.2
        && !are_other_steps(a, b)
        && !are_other_places(a, b)
    {
        return (Same, "the one retells the other: it states the same facts in other words");
    }
    if alike >= AKIN {
        return (Event, "much of the one text stands in the other");
    }
    if runs(2) >= ONE_EVENT.2 || shared.weight >= FACTS_ALONE.0 && shared.share >= FACTS_ALONE.1 {
        return (Event, "they state the same facts");
    }
    (Different, "they share some facts, but are written of other things")
}

/// Tender and award, warning and its end, a notice and its correction: steps of one matter, each a story.
fn are_other_steps(a: &Story, b: &Story) -> bool {
    let deeds = |story: &Story| {
        let head: Vec<char> = story.title.iter().chain(story.text.iter().take(40)).copied().collect();
        let found = facts(&head).into_iter().filter(|(kind, _)| *kind == Kind::Deed);
        found.map(|(_, deed)| deed).collect::<HashSet<_>>()
    };
    let corrects = |story: &Story| story.title.windows(2).any(|pair| pair == ['更', '正']);
    let (one, other) = (deeds(a), deeds(b));
    corrects(a) != corrects(b) || !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
}

/// Do their titles name different places?
fn are_other_places(a: &Story, b: &Story) -> bool {
    let places = |story: &Story| {
        let found = facts(&story.title).into_iter().filter(|(kind, _)| *kind == Kind::Place);
        found.map(|(_, place)| place).collect::<Vec<_>>()
    };
    let (one, other) = (places(a), places(b));
    let is_in = |place: &String, text: &[char]| {
        let name: Vec<char> = place.chars().collect();
        // Without the word for its rank: 河津 speaks of 河津市.
        let bare = name.get(..name.len().saturating_sub(1)).unwrap_or(&[]);
        bare.is_empty() || text.windows(bare.len()).any(|window| window == bare)
    };
    let whole = |story: &Story| story.title.iter().chain(&story.text).copied().collect::<Vec<char>>();
    let (in_a, in_b) = (whole(a), whole(b));
    // What neither text knows of the other's place is another place's story.
    one.iter().any(|place| !is_in(place, &in_b)) && other.iter().any(|place| !is_in(place, &in_a))
}

/// How much of the shorter title the longer holds, in pairs of characters.
fn titles(a: &[char], b: &[char]) -> f64 {
    let pairs = |text: &[char]| text.windows(2).map(<[char]>::to_vec).collect::<HashSet<_>>();
    let (a, b) = (pairs(a), pairs(b));
    let (small, large) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    text::ratio(small.iter().filter(|pair| large.contains(*pair)).count(), small.len())
}

/// Do corresponding places hold different facts? Each side must have one that the other text has nowhere in such a
/// place: where only one says more, nothing is contradicted.
fn contradict(differences: &[(impl AsRef<[char]>, impl AsRef<[char]>)]) -> bool {
    let told: Vec<(Vec<Fact>, Vec<Fact>)> = differences
        .iter()
        .filter_map(|(a, b)| trimmed(a.as_ref(), b.as_ref()))
        // What was written anew at length, or moved to another place, corresponds to nothing.
        .filter(|(a, b)| {
            let (least, most) = (a.len().min(b.len()), a.len().max(b.len()));
            least <= FREE && most <= 2 * least + FREE / 2
        })
        .flat_map(|(a, b)| match slips(a, b) {
            // Of slips of the pen only numbers and levels are facts, and only where both sides have one.
            Some(slips) => slips
                .into_iter()
                .map(|(a, b)| {
                    let hard = |c: char| facts(&[c]).into_iter().filter(|(kind, _)| *kind != Kind::Place).collect();
                    (hard(a), hard(b))
                })
                .collect(),
            None => vec![(facts(a), facts(b))],
        })
        .collect();
    let one: HashSet<&Fact> = told.iter().flat_map(|(a, _)| a).collect();
    let other: HashSet<&Fact> = told.iter().flat_map(|(_, b)| b).collect();
    told.iter().any(|(a, b)| {
        let numbers =
            |facts: &[Fact]| facts.iter().filter(|fact| fact.0 == Kind::Number).cloned().collect::<HashSet<_>>();
        let (here, there) = (numbers(a), numbers(b));
        // One number in the place of another, whatever else the texts hold.
        if !here.is_empty() && !there.is_empty() && here.is_disjoint(&there) && a.len() + b.len() <= 4 {
            return true;
        }
        [Kind::Number, Kind::Place, Kind::Level, Kind::Deed].into_iter().any(|kind| {
            let only = |these: &[Fact], those: &HashSet<&Fact>| {
                these.iter().any(|fact| fact.0 == kind && !those.contains(fact))
            };
            only(a, &other) && only(b, &one)
        })
    })
}

/// Two pieces without what they have in common at their ends; `None` where one is empty then. A number stays whole.
fn trimmed<'t>(mut a: &'t [char], mut b: &'t [char]) -> Option<(&'t [char], &'t [char])> {
    let in_number = |text: &[char], at: usize| text.get(at).is_some_and(char::is_ascii_digit);
    let mut same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    while same > 0 && in_number(a, same - 1) {
        same -= 1;
    }
    (a, b) = (a.get(same..)?, b.get(same..)?);
    let mut same = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    while same > 0 && in_number(a, a.len() - same) {
        same -= 1;
    }
    // 县 behind 平定 and 盂 tells that they are places.
    if same > 0 && a.len() > same && b.len() > same && a.get(a.len() - same).is_some_and(|c| RANKS.contains(c)) {
        same -= 1;
    }
    (a, b) = (a.get(..a.len() - same)?, b.get(..b.len() - same)?);
    (!a.is_empty() && !b.is_empty()).then_some((a, b))
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
        if RANKS.contains(&c) && at > 0 {
            let from = at.saturating_sub(2);
            let name = text.get(from..=at).unwrap_or(&[]);
            let is_name = !name
                .iter()
                .rev()
                .skip(1)
                .any(|c| RANKS.contains(c) || "各全我本该此等的在及与和了为到从对地城小".contains(*c));
            if is_name {
                found.push((Kind::Place, name.iter().collect()));
            }
        }
        let pair: String = text.get(at..(at + 2).min(text.len())).unwrap_or(&[]).iter().collect();
        if DEEDS.contains(&pair.as_str()) {
            found.push((Kind::Deed, pair));
        }
        at += 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: &str = "因供热管网改造，新建北大街自十二中路口至桃河桥头路段将于3月9日22时至3月12日6时临时封闭，请过往车辆绕行\
        南大街或德胜街，公交3路、15路改线运行。施工期间给沿线单位和居民带来不便，敬请谅解。请广大驾驶人提前安排出行路线，\
        服从现场交警和施工人员的指挥。咨询电话每天八时至二十时有人接听，夜间遇到紧急情况可以拨打市民热线反映。";
    const TITLE: &str = "关于新建北大街部分路段临时封闭的通告";

    fn check(a: (&str, &str), b: (&str, &str), expected: Likeness) {
        let (one, other) = (Story::new(a.0, a.1), Story::new(b.0, b.1));
        assert_eq!(compare(&one, &other).likeness, expected, "{} | {}", a.0, b.0);
        assert_eq!(compare(&other, &one).likeness, expected, "{} | {}, the other way round", b.0, a.0);
    }

    #[test]
    fn what_reprints_change_is_no_difference() {
        let lead = format!("据阳泉市人民政府网站消息：{NOTICE}（责任编辑：王某）");
        let cut: String = NOTICE.chars().take(110).collect();
        let wide = NOTICE.replace('3', "３").replace("封闭", "封閉").replace("车辆", "車輛");
        let slip = NOTICE.replace("谅解", "凉解").replace("指挥", "指辉");
        for text in [NOTICE, &lead, &cut, &wide, &slip] {
            check((TITLE, NOTICE), (TITLE, text), Likeness::Same);
        }
        check((TITLE, NOTICE), ("注意绕行！北大街封路", NOTICE), Likeness::Same);
    }

    #[test]
    fn notices_of_one_template_stay_two() {
        let swap = |pairs: &[(&str, &str)]| {
            let all = |text: &str| pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
            (all(TITLE), all(NOTICE))
        };
        for pairs in [
            &[("3月9日", "4月9日"), ("3月12日", "4月12日")][..],
            &[("北大街", "南外街"), ("桃河桥头", "义井桥头")],
            &[("封闭", "解除封闭"), ("3月9日22时", "3月15日8时")],
        ] {
            let (title, text) = swap(pairs);
            check((TITLE, NOTICE), (&title, &text), Likeness::Different);
        }
        let warn = |place: &str, level: &str| {
            format!(
                "{place}气象台3月9日8时发布道路结冰{level}色预警信号：预计未来12小时内，{place}大部分路段将出现道路结冰，对交通有影响，请有关单位和人员做好防范，驾驶人减速慢行，行人注意防滑，尽量减少夜间外出。"
            )
        };
        check(("道路结冰预警", &warn("平定县", "黄")), ("道路结冰预警", &warn("盂县", "黄")), Likeness::Different);
        check(("道路结冰预警", &warn("平定县", "黄")), ("道路结冰预警", &warn("平定县", "橙")), Likeness::Different);
    }

    #[test]
    fn a_round_up_is_none_of_its_parts() {
        let digest = format!(
            "◆北大街封闭\n{NOTICE}\n◆图书馆延时\n市图书馆新馆周末开放到二十一时，少儿阅览区同步延长，读者凭证预约。"
        );
        check((TITLE, NOTICE), ("每日要闻速览（3月9日）", &digest), Likeness::Different);
    }

    #[test]
    fn latin_texts_are_compared_by_words() {
        let text = |street: &str, day: &str| {
            format!(
                "The council closes {street} between the station and the old bridge from {day} March until the end of the month while the gas main is replaced. Buses will take another route along the river and the market stays open every morning. Residents who need access for deliveries should call the works office before noon on the day before."
            )
        };
        check(
            ("Road closed", &text("South Street", "9")),
            ("Closure", &format!("From our reporter. {}", text("South Street", "9"))),
            Likeness::Same,
        );
        check(
            ("Road closed", &text("South Street", "9")),
            ("Road closed", &text("South Street", "16")),
            Likeness::Different,
        );
        let other = "The library opens its new reading room on Saturday with a concert by the school orchestra, and the mayor will hand out the first hundred cards to children of the town. Books can be taken home for four weeks and returned at every branch. The room stays open until nine in the evening on weekdays, and until six on Sundays.";
        check(("Road closed", &text("South Street", "9")), ("Library", other), Likeness::Different);
    }
}
