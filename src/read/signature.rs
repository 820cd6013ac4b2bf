//! Lines of a Chinese story that are nothing but a byline, read word by word: 文/张三 图/李四, □ 本报记者 张三,
//! 青原日报记者张三/文, （县文旅局 张三）.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::byline::{is_han, is_office, is_person};
use super::tables::tables;
use super::work;
use crate::model::divisions;

/// The longest line that may be a byline, in characters.
const MAX_LINE: usize = 48;
/// The most words of such a line.
const MAX_WORDS: usize = 16;
/// The longest name of a medium before a role, in characters.
const MAX_MEDIUM: usize = 14;

/// What a word of a byline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'t> {
    Name(&'t str),
    /// 记者, 作者: stands before the writers.
    Leads,
    /// 文, 撰文: stands before or behind the writers.
    Writes,
    /// 图, 摄, 审核: stands before or behind others than the writers.
    Else,
    Medium,
}

/// Returns the writers that a line names if it is nothing but a byline. Names alone do not make one.
pub(super) fn writers(line: &str) -> Vec<String> {
    let parts = parts(line).unwrap_or_default();
    let names_role = parts.iter().any(|part| matches!(part, Part::Leads | Part::Writes));
    if names_role { named(&parts) } else { Vec::new() }
}

/// Returns whether a line is nothing but roles and the people who had them: 图片：张三.
pub(super) fn is_credit(line: &str) -> bool {
    let parts = parts(line).unwrap_or_default();
    let is_role = |part: &Part<'_>| matches!(part, Part::Leads | Part::Writes | Part::Else);
    parts.first().is_some_and(is_role) && parts.iter().any(|part| matches!(part, Part::Name(_)))
}

/// Returns the writers in brackets, where an office may stand before them and a role need not.
pub(super) fn in_brackets(inside: &str) -> Vec<String> {
    let parts = parts(inside).unwrap_or_default();
    let has_other = parts.contains(&Part::Else) && !parts.contains(&Part::Writes) && !parts.contains(&Part::Leads);
    if has_other { Vec::new() } else { named(&parts) }
}

/// Returns the name of a line that is nothing else, if it begins with a common family name.
pub(super) fn bare(line: &str) -> Option<String> {
    let line = line.trim_matches(|c: char| c.is_whitespace() || "[]【】（）()|丨".contains(c));
    let name: String = line.chars().filter(|c| !c.is_whitespace()).take(5).collect();
    let names = &tables().names;
    let is_name = (2..=3).contains(&name.chars().count())
        && line.chars().count() <= 6
        && name.chars().next().is_some_and(|first| names.family_names.contains(first))
        && !names.not_bare.contains(&name)
        && !is_place(&name)
        && !name.ends_with(|last: char| names.ends_no_name.contains(last))
        && is_person(&name);
    is_name.then_some(name)
}

/// Returns whether a name that stands where one is to be expected may be a person's: it begins as names do.
pub(super) fn is_likely(name: &str) -> bool {
    let names = &tables().names;
    let count = name.chars().count();
    let is_single = |first: char| names.family_names.contains(first) || names.rare_family_names.contains(first);
    let begins = name.chars().next().is_some_and(|first| {
        names.first_of_other_names.contains(first)
            || count <= 3 && is_single(first)
            || names.double_family_names.iter().any(|family| name.starts_with(family.as_str()))
    });
    // A short name of a place may also be somebody's: 高阳, 海宁.
    name.contains('·') || begins && !(count > 2 && is_place(name)) && !names.not_bare.contains(name)
}

/// Returns whether a name is that of a county, city or province, with or without that word.
fn is_place(name: &str) -> bool {
    static PLACES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let short = |name: &'static str| {
            let end = name.char_indices().next_back().map_or(0, |(at, _)| at);
            name.get(..end).filter(|short| short.chars().count() >= 2)
        };
        divisions().flat_map(|name| short(name).into_iter().chain([name])).collect()
    });
    PLACES.contains(name)
}

/// Returns the words of a line, unless one of them belongs to no byline.
fn parts(line: &str) -> Option<Vec<Part<'_>>> {
    work::charge(1 + line.len());
    let line = line.trim();
    if line.chars().nth(MAX_LINE).is_some() {
        return None;
    }
    // Prose has sentences.
    if line.contains(['。', '“', '！', '？', '；', '《']) {
        return None;
    }
    let line = line.trim_matches(|c: char| !c.is_alphanumeric());
    let mut found = Vec::new();
    for word in line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(MAX_WORDS) {
        read_word(word, &mut found)?;
    }
    Some(found)
}

/// Appends what a word is, which may be a role and a name in one.
fn read_word<'t>(word: &'t str, found: &mut Vec<Part<'t>>) -> Option<()> {
    let names = &tables().names;
    if let Some(part) = role(word) {
        found.push(part);
        return Some(());
    }
    // 本报记者张三, 青原新闻客户端记者张三: the last role of the word stands before the name.
    let led = names.leads.iter().filter_map(|role| {
        let at = word.rfind(role.as_str())?;
        Some((at + role.len(), word.get(..at)?, word.get(at + role.len()..)?))
    });
    if let Some((_, before, name)) = led.max_by_key(|(end, ..)| *end) {
        let fits = before.chars().count() <= MAX_MEDIUM && before.chars().all(char::is_alphanumeric);
        if !fits || !(name.is_empty() || is_person(name) && is_likely(name)) {
            return None;
        }
        found.push(Part::Leads);
        found.extend((!name.is_empty()).then_some(Part::Name(name)));
        return Some(());
    }
    // 张三报道, 青原报道: behind a name a place is where the story is from.
    if let Some(name) = names.reports.iter().find_map(|end| word.strip_suffix(end.as_str())) {
        let is_place = matches!(found.last(), Some(Part::Name(_)));
        if !is_place && !is_person(name) || name.chars().count() > 6 {
            return None;
        }
        found.extend((!is_place).then_some(Part::Name(name)));
        found.push(Part::Writes);
        return Some(());
    }
    if let Some(name) = names.pictures_by.iter().find_map(|end| word.strip_suffix(end.as_str()))
        && is_person(name)
    {
        found.extend([Part::Name(name), Part::Else]);
        return Some(());
    }
    // 文/骨科 童欣: behind a role any name may stand, and before it the shortest office.
    let last = found.iter().rev().find(|part| !matches!(part, Part::Name(_) | Part::Medium));
    let is_told = matches!(last, Some(Part::Writes | Part::Else));
    let is_medium = is_office(word)
        || is_told && names.medium_ends.iter().any(|end| word.ends_with(end.as_str()))
        || (word.chars().all(is_han) && names.in_medium.iter().any(|end| word.ends_with(end.as_str())));
    found.push(match is_person(word) && (is_likely(word) || is_told) {
        true => Part::Name(word),
        false if is_medium => Part::Medium,
        false => return None,
    });
    Some(())
}

fn role<'t>(word: &str) -> Option<Part<'t>> {
    let names = &tables().names;
    let is_in = |words: &[String]| words.iter().any(|known| known == word);
    if is_in(&names.leads) {
        Some(Part::Leads)
    } else if is_in(&names.writes) || is_in(&names.reports) {
        Some(Part::Writes)
    } else {
        (is_in(&names.pictures_by) || is_in(&names.checks)).then_some(Part::Else)
    }
}

/// Returns the names of the writers. Roles stand before their names if one begins the line, else behind.
fn named(parts: &[Part<'_>]) -> Vec<String> {
    let begins = parts.iter().find(|part| !matches!(part, Part::Medium | Part::Leads));
    let behind = matches!(begins, Some(Part::Name(_)));
    let is_led = parts.iter().find(|part| **part != Part::Medium) == Some(&Part::Leads);
    let mut found: Vec<String> = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        at += 1;
        match part {
            Part::Name(name) => run.push(name),
            Part::Medium => {}
            Part::Leads => found.extend(run.drain(..).map(str::to_owned)),
            Part::Writes | Part::Else => {
                let more = parts.get(at..).unwrap_or_default().iter();
                let more = more.take_while(|part| matches!(part, Part::Writes | Part::Else)).count();
                let roles = parts.get(at - 1..at + more).unwrap_or_default();
                at += more;
                let writes = roles.contains(&Part::Writes);
                let until = parts.get(at..).unwrap_or_default().iter();
                let until = until.take_while(|part| matches!(part, Part::Name(_) | Part::Medium)).count();
                // 记者 张三 审核 李四: the first role led its name, and so does this one.
                let leads_on = is_led && !writes && until > 0;
                if behind && !leads_on {
                    found.extend(run.drain(..).filter(|_| writes).map(str::to_owned));
                    continue;
                }
                // 记者 张三 摄: the caption of a picture.
                let is_caption = !writes && until == 0;
                found.extend(run.drain(..).filter(|_| !is_caption).map(str::to_owned));
                at += if writes { 0 } else { until };
            }
        }
    }
    found.extend(run.into_iter().map(str::to_owned));
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_bylines() {
        for (line, names) in [
            ("文：田小禾", &["田小禾"][..]),
            ("（文/田小禾 图/周远）", &["田小禾"]),
            ("田小禾/文", &["田小禾"]),
            ("田小禾 文 周远 图", &["田小禾"]),
            ("（田小禾 文/摄）", &["田小禾"]),
            ("青石新闻客户端·河口商报记者马小丰/文", &["马小丰"]),
            ("（文、图/田小禾 审核/李达）", &["田小禾"]),
            ("（姚青峰 青石报道）", &["姚青峰"]),
            ("本报评论员 田小禾", &["田小禾"]),
            ("□本报记者 田小禾 本报通讯员 周远", &["田小禾", "周远"]),
            ("（供稿：田小禾）", &["田小禾"]),
            ("田小禾 摄影报道", &["田小禾"]),
            ("记者 田小禾 文/图 通讯员 周远", &["田小禾", "周远"]),
            ("（文/骨科 田小禾 宣传科 明月　图/周远　一审/明月　二审/李达）", &["田小禾", "明月"]),
            ("田小禾 摄", &[]),
            ("▲记者 田小禾 摄", &[]),
            ("青石日报 记者 田小禾 审核 李达", &["田小禾"]),
            ("田小禾", &[]),
            ("记者在现场看到", &[]),
            ("文化惠民进乡村", &[]),
            ("本报记者走进田间地头，听乡亲说变化", &[]),
        ] {
            assert_eq!(writers(line), names, "{line}");
        }
        assert_eq!(in_brackets("县农业农村局 田小禾"), ["田小禾"]);
        assert_eq!(in_brackets("田小禾 摄"), [""; 0]);
        assert_eq!((bare("[ 田小禾 ]").as_deref(), bare("魏　业").as_deref()), (Some("田小禾"), Some("魏业")));
        for (line, is_name) in
            [("薄红贞", true), ("欧阳小禾", true), ("全文完", false), ("万众一心", false), ("张家口", false)]
        {
            assert_eq!(is_likely(line), is_name, "{line}");
        }
        assert_eq!(writers("记者节快乐"), [""; 0]);
        assert!(is_credit("图片：田小禾") && !is_credit("图片展昨日开幕") && !is_credit("田小禾"));
        for line in ["康巴什", "乐业", "郑州", "金融", "时政要闻", "文化", "公告"] {
            assert_eq!(bare(line), None, "{line}");
        }
    }
}
