//! Finds region names in a text and decides whether the context makes them something else.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

use pinyin::ToPinyin;

use crate::model::{RegionId, SecretHasher};

/// Kind of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Full,
    Short,
    Former,
}

#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: Vec<char>,
    pub(super) kind: Kind,
    /// All regions with this name.
    pub(super) regions: Vec<RegionId>,
}

/// All names of a region tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    all: Vec<Name>,
    /// Names by their first two characters, longest first.
    begins: Begins,
}

/// Names indexed by their first two characters.
#[derive(Clone, Debug, Default)]
struct Begins {
    names: HashMap<u64, Vec<usize>, BuildHasherDefault<SecretHasher>>,
    /// Bitmap over the upper sixteen bits of each pair, set if a name may begin with it: rules out most pairs of a text
    /// cheaply.
    any: Vec<u64>,
}

impl Begins {
    fn of(&self, pair: u64) -> Option<&Vec<usize>> {
        let (word, bit) = place(pair);
        let may = self.any.get(word).is_some_and(|word| word >> bit & 1 == 1);
        if may { self.names.get(&pair) } else { None }
    }

    fn add(&mut self, pair: u64, name: usize) {
        let (word, bit) = place(pair);
        self.any.resize(1 << 10, 0);
        if let Some(word) = self.any.get_mut(word) {
            *word |= 1 << bit;
        }
        self.names.entry(pair).or_default().push(name);
    }
}

/// Returns the position of a pair in the bitmap: the word, and the bit within its 64.
const fn place(pair: u64) -> (usize, u32) {
    let upper = pair.to_be_bytes();
    let number = u16::from_be_bytes([upper[0], upper[1]]);
    ((number >> 6) as usize, (number & 63) as u32)
}

/// Packs two characters into a number, unique to each pair, with its bits well mixed.
fn pair(first: char, second: char) -> u64 {
    (u64::from(first) << 32 | u64::from(second)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A name found in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit<'p> {
    pub(super) name: &'p Name,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Names {
    /// Builds the index from each name with its kind and the regions that have it.
    pub(super) fn new(found: BTreeMap<(String, Kind), Vec<RegionId>>) -> Self {
        let mut names = Self { all: Vec::with_capacity(found.len()), begins: Begins::default() };
        for ((text, kind), regions) in found {
            let text: Vec<char> = text.chars().collect();
            if let [first, second, ..] = text.as_slice() {
                names.begins.add(pair(*first, *second), names.all.len());
                names.all.push(Name { text, kind, regions });
            }
        }
        for list in names.begins.names.values_mut() {
            // At equal length, a current full name comes before a short one, and that before a former one.
            list.sort_by_key(|at| names.all.get(*at).map(|name| (std::cmp::Reverse(name.text.len()), name.kind)));
        }
        names
    }

    /// Returns all names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Name> {
        self.all.iter()
    }

    /// Returns the names in a text: the longest at each position, without overlaps.
    pub(super) fn hits(&self, text: &[char]) -> Vec<Hit<'_>> {
        let mut found = Vec::new();
        let mut at = 0;
        while at + 1 < text.len() {
            let two = pair(text.get(at).copied().unwrap_or(' '), text.get(at + 1).copied().unwrap_or(' '));
            let hit = self.begins.of(two).and_then(|list| {
                list.iter()
                    .filter_map(|name| self.all.get(*name))
                    .find(|name| text.get(at..).is_some_and(|rest| rest.starts_with(&name.text)))
            });
            match hit {
                Some(name) => {
                    let to = at + name.text.len();
                    if is_whole(text, at, to, &name.text) {
                        found.push(Hit { name, from: at, to });
                        at = to;
                    } else {
                        at += 1;
                    }
                }
                None => at += 1,
            }
        }
        found
    }
}

/// Short names that are also ordinary words.
const WORDS: [&str; 40] = [
    "合作", "资源", "和平", "友好", "同心", "安康", "宁静", "平安", "平和", "建设", "团结", "光明", "红旗", "向阳",
    "前进", "东风", "新华", "解放", "长寿", "安居", "共和", "民和", "互助", "大方", "富裕", "乐业", "开平", "江口",
    "安全", "文明", "和政", "通道", "会同", "中心", "民权", "正定", "城区", "郊区", "矿区", "新城",
];

/// Returns whether a county's short name counts: if a township follows, or if it opens the text and is repeated in
/// `other` or followed by a colon or space; never if it is an ordinary word.
pub(super) fn may_be_short(text: &[char], hit: &Hit<'_>, other: &[char]) -> bool {
    let word: String = hit.name.text.iter().collect();
    if WORDS.contains(&word.as_str()) {
        return false;
    }
    let next: Vec<char> = text.get(hit.to..).unwrap_or(&[]).iter().take(6).copied().collect();
    if matches!(next.first(), Some('了' | '过' | '着' | '的' | '化' | '性')) {
        return false;
    }
    let township = next.iter().skip(1).position(|c| matches!(c, '镇' | '乡' | '村')).is_some();
    let again = other.windows(hit.name.text.len()).any(|window| window == hit.name.text.as_slice());
    township || hit.from == 0 && (again || matches!(next.first(), Some('：' | ':' | ' ')))
}

/// Returns whether a city's short name is part of another word here: 普洱茶, 长治久安, 八方来宾.
pub(super) fn is_other_word(text: &[char], hit: &Hit<'_>, is_chained: bool) -> bool {
    let name: String = hit.name.text.iter().collect();
    let behind: String = text.get(hit.to..).unwrap_or(&[]).iter().take(4).collect();
    !is_chained && CITY_ALONE.contains(&name.as_str())
        || CITY_WORDS.iter().any(|(word, ends)| *word == name && ends.iter().any(|end| behind.starts_with(end)))
}

/// Returns a name without its rank.
pub(super) fn short(name: &str) -> Option<&str> {
    if name.ends_with("自治县") || name.ends_with("自治州") {
        return None;
    }
    let bare = ["省", "市", "县", "地区", "盟"].iter().find_map(|rank| name.strip_suffix(rank))?;
    (bare.chars().count() >= 2).then_some(bare)
}

/// Returns whether a name is one that several cities use for their centre, outskirts or mining district.
pub(super) fn is_generic(name: &[char]) -> bool {
    matches!(name, ['城' | '郊' | '矿', '区'])
}

/// Words whose second character looks like the start of a county's name (响应县委 contains 应县).
const COMMON_ENDS: [&str; 19] = [
    "近海", "响应", "现代", "振兴", "示范", "消费", "健康", "建成", "治理", "创新", "交易", "贸易", "沿海", "适宜",
    "十项", "供应", "事项", "各项", "相应",
];

pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}')
}

/// City names that form ordinary words with what follows.
const CITY_WORDS: [(&str, &[&str]); 14] = [
    ("长治", &["久"]),
    ("大同", &["小", "世界", "社会"]),
    ("日照", &["不", "时", "强", "充", "少", "多", "百", "较", "偏"]),
    ("白银", &["首", "价", "饰", "期", "涨", "跌", "黄", "投"]),
    ("三明", &["治"]),
    ("宁德", &["时代"]),
    ("中山", &["装", "路", "公园", "陵", "大学", "服", "医院", "先生", "北路", "南路", "东路", "西路"]),
    ("普洱", &["茶"]),
    ("黄山", &["毛"]),
    ("六安", &["瓜"]),
    ("金华", &["火"]),
    ("绍兴", &["酒", "黄酒"]),
    ("信阳", &["毛"]),
    ("安溪", &["铁"]),
];
/// City names that count only after their province or with their rank.
const CITY_ALONE: [&str; 4] = ["来宾", "安康", "平安", "和田"];

/// Returns whether a district's name is mostly an ordinary word.
pub(super) fn is_common_quarter(name: &[char]) -> bool {
    matches!(name, ['老' | '新', '城', '区'] | ['东' | '西' | '南' | '北' | '新', '区'])
}

/// Returns whether a name stands on its own: 阳城县城区 does not contain 城区, nor 市场 a city; a Latin name ends where a word
/// ends.
pub(super) fn is_whole(text: &[char], from: usize, to: usize, name: &[char]) -> bool {
    let before = from.checked_sub(1).and_then(|at| text.get(at)).copied();
    let after = text.get(to).copied();
    if name.iter().all(char::is_ascii) {
        return !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric);
    }
    if is_generic(name) {
        return !matches!(before, Some('县' | '主' | '心' | '内' | '外' | '个' | '各' | '新' | '老' | '建'))
            && !matches!(after, Some('域' | '间' | '位' | '别'));
    }
    // 响应县委, 现代县域, 沿海城市: what looks like a name is the end of another word.
    let begins = before
        .is_none_or(|c| !is_han(c) || "在到从与对及于由赴往至把将让给向同为是我市县区省州日讯电者和、".contains(c));
    let is_short_county = matches!(name, [_, '县']) || matches!(name, [_, '城', '市']);
    if is_short_county {
        let is_common = COMMON_ENDS
            .iter()
            .any(|word| word.chars().next() == before && word.chars().nth(1) == name.first().copied());
        let goes_on = matches!(after, Some('域' | '级' | '际' | '直'));
        let doubtful = matches!(name, ['和' | '新' | '成', '县']) && before.is_some_and(is_han);
        if is_common || goes_on || doubtful || matches!(name, [_, '县']) && !begins {
            return false;
        }
    }
    if name == ['沙', '县'] && after == Some('小') {
        return false;
    }
    match name.last() {
        Some('市') => after != Some('场'),
        Some('区') => after != Some('域'),
        Some('县') => !(after == Some('区') && before.is_some_and(|c| c == '省' || c == '市')),
        _ => true,
    }
}

/// Flags the names that are not where the story is: home towns, visitors' places, destinations, origins or comparisons.
/// Names that are adjacent, or separated only by 、 or 和, are judged together.
pub(super) fn visited(text: &[char], hits: &[Hit<'_>]) -> Vec<bool> {
    const BEFORE: [&str; 14] = [
        "来自",
        "赴",
        "前往",
        "援",
        "学习",
        "销往",
        "远销",
        "招收",
        "老家在",
        "籍贯",
        "出生于",
        "发往",
        "毗邻",
        "对口支援",
    ];
    const BEHIND: [&str; 14] = [
        "代表团",
        "考察团",
        "籍",
        "客商",
        "游客",
        "等地",
        "人，",
        "人。",
        "的代表队",
        "代表队",
        "等城市相比",
        "等省",
        "相比",
        "的支",
    ];
    let piece = |from: usize, to: usize| text.get(from..to.min(text.len())).unwrap_or(&[]).iter().collect::<String>();
    let mut flags = vec![false; hits.len()];
    let mut start = 0;
    while start < hits.len() {
        let mut end = start + 1;
        while let (Some(last), Some(next)) = (hits.get(end - 1), hits.get(end)) {
            let between = piece(last.to, next.from);
            // Rank words may stand between names: 湖南岳阳, 威宁县.
            if between.chars().count() > 4 || !between.chars().all(|c| "、和与及，,".contains(c)) {
                break;
            }
            end += 1;
        }
        if let (Some(first), Some(last)) = (hits.get(start), hits.get(end - 1)) {
            let before = piece(first.from.saturating_sub(4), first.from);
            let behind = piece(last.to, last.to + 8);
            let compared = before.ends_with('与') && behind.contains("相比");
            let is_visit = compared
                || BEFORE.iter().any(|word| before.ends_with(word))
                || BEHIND.iter().any(|word| behind.starts_with(word))
                || behind.contains("代表团")
                || behind.contains("考察团");
            flags.iter_mut().take(end).skip(start).for_each(|flag| *flag = is_visit);
        }
        start = end;
    }
    flags
}

/// Spells a Chinese name in pinyin without tones.
pub(super) fn spell(name: &str) -> Option<String> {
    name.to_pinyin().map(|letter| letter.map(pinyin::Pinyin::plain)).collect()
}

/// Flags the names that belong to a list: four or more, separated only by punctuation.
pub(super) fn listed(text: &[char], hits: &[Hit<'_>]) -> Vec<bool> {
    let follows = |one: &Hit<'_>, next: &Hit<'_>| {
        text.get(one.to..next.from).is_some_and(|gap| gap.len() <= 3 && gap.iter().all(|c| BETWEEN_NAMES.contains(*c)))
    };
    let mut listed = Vec::with_capacity(hits.len());
    for run in hits.chunk_by(follows) {
        // 山西省阳泉市平定县 is one place: directly adjacent names belong together.
        let parted = run.windows(2).filter(|pair| matches!(pair, [one, next] if one.to < next.from)).count() + 1;
        listed.extend(run.iter().map(|_| parted >= LEAST_LIST));
    }
    listed
}

/// This many names in a row, separated only by punctuation, are a list.
const LEAST_LIST: usize = 4;

/// Characters that may separate the names of a list.
const BETWEEN_NAMES: &str = "、，,和与及·/ 　;；|-—";
