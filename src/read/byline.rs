//! The author, editor and source of a story, from the lines around it.

use super::lexicon::{Label, LabelWord, words};
use super::markup::text;
use super::names::{self, Trust};
use super::signature;
use super::tables::tables;
use super::work;

/// The longest line that is searched for labels, in bytes; longer ones are prose.
const MAX_LINE: usize = 4096;
/// The longest name of an office, in characters: 北麓县人民政府政务服务和公共资源交易管理办公室.
const MAX_OFFICE: usize = 24;
/// How far around a label to look, in bytes: some forty characters.
const NEAR: usize = 120;

/// Returns the labels of a line, each with the value that follows it, up to the next label.
pub(super) fn labelled(line: &str) -> Vec<(Label, String)> {
    let line = text::head(line, MAX_LINE);
    work::charge(1 + line.len() / 2);
    let mut marks: Vec<(usize, usize, Label)> = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let rest = line.get(at..).unwrap_or("");
        let Some(c) = rest.chars().next() else { break };
        let found = words().labels_from(c).iter().find(|label| rest.starts_with(&label.word));
        let Some(LabelWord { word: label, label: kind, needs_colon }) = found else {
            at += c.len_utf8();
            continue;
        };
        let after = rest.get(label.len()..).unwrap_or("");
        let value = after.trim_start_matches(|c: char| c.is_whitespace());
        let has_colon =
            value.starts_with([':', '：', '】', '丨', '｜', '|', '/', '／', '︱', '︰', '∶', '●', '＝', '=']);
        let begins =
            line.get(..at).is_some_and(|before| before.chars().next_back().is_none_or(|c| !c.is_alphanumeric()));
        // Without a colon, a label counts if it starts a piece and is set apart from a short value. Only the next bytes
        // are checked, so that a line of many labels is not scanned once per label.
        let near = text::head(value, NEAR);
        let piece = near.split(['|', '丨', '｜', '　']).next().unwrap_or("");
        let is_short = near.len() > piece.len() && (2..=12).contains(&piece.trim().chars().count())
            || near.len() == value.len() && (2..=4).contains(&value.chars().count());
        // 本报记者 张三: the name of a medium may precede the label.
        let begins = begins
            || label == "记者"
                && at <= NEAR
                && line.get(..at).is_some_and(|before| {
                    let medium = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
                    medium.chars().count() <= 10 && before.trim().chars().count() <= 16
                });
        let apart = begins
            && !needs_colon
            && !matches!(kind, Label::Time)
            && !matches!(kind, Label::Date | Label::Updated)
            && (after.starts_with(char::is_whitespace) || is_short && at > 0);
        // Published 3 March 2022
        let dated = begins
            && matches!(kind, Label::Date | Label::Updated)
            && after.starts_with(char::is_whitespace)
            && value.chars().take(24).any(|c| c.is_ascii_digit());
        let is_other = matches!(kind, Label::Other | Label::Updated) && begins && !needs_colon;
        if has_colon || apart || dated || is_other {
            let skip = after.len()
                - value.trim_start_matches(|c: char| c.is_whitespace() || ":：】丨｜|/／︱︰∶●＝=".contains(c)).len();
            marks.push((at, at + label.len() + skip, *kind));
        }
        at += label.len();
    }
    values(line, &marks)
}

/// Returns each label with its value, which reaches to the next label. A mark is where a label begins, where its value does,
/// and the label.
fn values(line: &str, marks: &[(usize, usize, Label)]) -> Vec<(Label, String)> {
    let ends: Vec<usize> = marks.iter().skip(1).map(|(from, ..)| *from).chain([line.len()]).collect();
    marks
        .iter()
        .zip(ends)
        .filter_map(|((_, from, kind), end)| {
            let value = line.get(*from..end.max(*from))?;
            Some((
                *kind,
                value.trim_matches(|c: char| c.is_whitespace() || "|丨｜︱·,，;；[【（(".contains(c)).to_owned(),
            ))
        })
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Extracts the name of a medium from the value of 来源.
pub(super) fn medium(value: &str) -> Option<String> {
    let value = value.trim_matches(|c: char| c.is_whitespace() || "《》【】[]()（）\"“”：:|".contains(c));
    let value = ["来源：", "来源:", "来源 "].iter().find_map(|label| value.strip_prefix(label)).unwrap_or(value).trim();
    let end = value.find(|c: char| "|丨【[（(<>;；\t\u{3000}".contains(c)).unwrap_or(value.len());
    let mut name = value.get(..end).unwrap_or("").trim().to_owned();
    let name_end = name.find(" By ").unwrap_or(name.len());
    name.truncate(name_end);
    // Words separated by a space form one name only if they are not Chinese.
    if name.chars().any(is_han)
        && let Some((first, rest)) = name.split_once(char::is_whitespace)
        && (first.chars().count() >= 2 || rest.chars().any(|c| c.is_ascii_digit()))
    {
        name = first.to_owned();
    }
    let name = name.trim_matches(|c: char| !c.is_alphanumeric() && !"）)》”".contains(c)).to_owned();
    let names = &tables().names;
    let is_none = names.no_medium.contains(&name);
    let digits = name.chars().filter(|c| c.is_ascii_digit()).count();
    let length = name.chars().count();
    ((2..=40).contains(&length)
        && !is_none
        && !names.not_in_medium.iter().any(|word| value.contains(word.as_str()))
        && !value.starts_with('凡')
        && digits * 2 < length
        && !name.contains("http"))
    .then(|| text::line(&name))
}

pub(super) fn is_han(c: char) -> bool {
    ('\u{3400}'..='\u{9fff}').contains(&c)
}

/// Extracts people's names from the value of 作者, 记者 or 编辑.
pub(super) fn people(value: &str) -> Vec<String> {
    let value = value.trim_matches(|c: char| c.is_whitespace() || "：:()（）[]【】".contains(c));
    let mut found: Vec<String> = Vec::new();
    // Text after a wide gap is something else: 魏　业　　阳泉.
    let value = value.split("  ").next().unwrap_or("");
    let end = value.find(|c: char| "。（([【）)]】<>|丨；;!！?？".contains(c)).unwrap_or(value.len());
    let value = value.get(..end).unwrap_or("");
    // 南都记者 张三: the medium comes first.
    let value = match value.split_once("记者") {
        Some((before, after)) if before.chars().count() <= 8 => {
            after.trim_start_matches(|c: char| c.is_whitespace() || "：:".contains(c))
        }
        _ => value,
    };
    if value.is_empty() {
        return found;
    }
    if !value.chars().any(is_han) {
        return names::names(value, Trust::Field);
    }
    let mut single: Option<char> = None;
    for part in value.split(|c: char| c.is_whitespace() || "、，,/／&和 \u{3000}·・_▪•".contains(c)) {
        let roles = &tables().names.before_people;
        let part = roles.iter().find_map(|role| part.strip_prefix(role.as_str())).unwrap_or(part);
        let ends = tables().names.behind_people.iter();
        let part = ends.fold(part, |part, end| part.trim_end_matches(end.as_str()));
        if tables().names.roles.contains(part) {
            continue;
        }
        let mut chars = part.chars();
        match (chars.next(), chars.next(), single.take()) {
            (None, ..) => {}
            // 魏　业: a two-character name is spaced to be as wide as a three-character one.
            (Some(second), None, Some(first)) => found.push(format!("{first}{second}")),
            (Some(first), None, None) if is_han(first) => single = Some(first),
            _ if is_person(part) => found.push(part.to_owned()),
            // The office that sent the story may stand before its people, but behind what is no name stands none.
            _ if found.is_empty() && is_office(part) => {}
            _ => break,
        }
        if found.len() >= 12 {
            break;
        }
    }
    found.dedup();
    found
}

/// Returns whether a name is that of an office or a medium: 县文旅局, 青原日报社.
pub(super) fn is_office(name: &str) -> bool {
    let names = &tables().names;
    (3..=MAX_OFFICE).contains(&name.chars().count())
        && name.chars().all(is_han)
        && names.office_ends.iter().chain(&names.medium_ends).any(|end| name.ends_with(end.as_str()))
}

/// Extracts the editors from the value of 编辑: people, or a single pen name.
pub(super) fn editors(value: &str) -> Vec<String> {
    let names = people(value);
    let bare = value.trim_matches(|c: char| !c.is_alphanumeric());
    let is_name = (2..=6).contains(&bare.chars().count())
        && bare.chars().all(is_han)
        && is_person(&bare.chars().take(4).collect::<String>());
    if names.is_empty() && is_name { vec![bare.to_owned()] } else { names }
}

/// Returns whether this may be a person: two to four Chinese characters that do not look like an organisation or a
/// function, or a longer name with `·`.
pub(super) fn is_person(name: &str) -> bool {
    let count = name.chars().count();
    let dotted = name.contains('·');
    (2..=4).contains(&count)
        && name.chars().all(is_han)
        && !tables().names.not_person.iter().any(|word| {
            if word.chars().count() == 1 { name.ends_with(word.as_str()) } else { name.contains(word.as_str()) }
        })
        || dotted && count <= 20 && name.chars().all(|c| is_han(c) || c == '·')
}

/// Returns the authors named in a dateline: 新华社巴黎12月9日电（记者 唐霁）, 人民网忻州9月22日电（马云梅）, 本报讯 记者张三报道.
pub(super) fn in_dateline(line: &str) -> Vec<String> {
    let head: String = line.chars().take(80).collect();
    for (at, part) in head.split(['（', '(']).enumerate().skip(1) {
        let inside = part.split(['）', ')']).next().unwrap_or("");
        if inside.chars().count() > 40 {
            continue;
        }
        let roles = tables().names.in_dateline.iter();
        let first = roles.filter_map(|word| Some((inside.find(word.as_str())?, word.as_str()))).min();
        let named = first.and_then(|(_, word)| inside.split_once(word));
        if let Some((_, names)) = named {
            let parts = names.split("通讯员").flat_map(|part| part.split("记者"));
            let names: Vec<String> = parts.flat_map(people).collect();
            if !names.is_empty() {
                return names;
            }
        }
        // （张三 青原报道）
        if at == 1 && head.starts_with(['（', '(']) {
            let names = signature::writers(inside);
            if !names.is_empty() {
                return names;
            }
        }
        let before = head.split(['（', '(']).nth(at - 1).unwrap_or("").trim_end();
        let names = people(inside);
        let letters = inside.chars().filter(|c| is_han(*c)).count();
        let whole = names.iter().map(|name| name.chars().count()).sum::<usize>() == letters;
        if at == 1 && before.ends_with(['电', '讯']) && before.chars().count() <= 24 && whole {
            return names;
        }
    }
    // 本报讯 记者张三报道, 本报记者张三发自青原
    let Some((before, after)) = head.split_once("记者") else { return Vec::new() };
    let names = &tables().names;
    let before = before.trim();
    let is_medium = names.agencies.contains(before)
        || before.chars().count() <= 12
            && before.chars().all(is_han)
            && names.in_medium.iter().any(|end| before.ends_with(end.as_str()));
    let end = names.reports.iter().filter_map(|word| after.find(word.as_str())).min();
    match end.and_then(|end| after.get(..end)) {
        Some(names) if (before.ends_with('讯') || is_medium) && names.chars().count() <= 16 => people(names),
        _ => Vec::new(),
    }
}

/// Returns the authors of a line that is nothing but a byline: 本报记者 张三 李四, 文/张三, （张三）.
pub(super) fn whole_line(line: &str) -> Vec<String> {
    let line = line.trim();
    if line.chars().count() > 40 {
        return Vec::new();
    }
    let names = signature::writers(line);
    if !names.is_empty() {
        return names;
    }
    let inside = line.strip_prefix(['（', '(']).and_then(|rest| rest.strip_suffix(['）', ')']));
    if let Some(inside) = inside {
        let inside = inside.trim();
        if labelled(inside).is_empty() {
            let names = people(inside);
            let letters = inside.chars().filter(|c| is_han(*c)).count();
            if names.iter().map(|name| name.chars().count()).sum::<usize>() == letters {
                return names;
            }
        }
    }
    if let Some(rest) = tables().names.writes_before.iter().find_map(|word| line.strip_prefix(word.as_str())) {
        return people(rest);
    }
    // 本报记者李晓明, 新华社记者李晓明、王强
    if let Some((before, after)) = line.split_once("记者")
        && (before.trim().is_empty() || tables().names.agencies.contains(before.trim()))
        && !after.starts_with(char::is_whitespace)
    {
        let names = people(after);
        let letters = after.chars().filter(|c| is_han(*c)).count();
        if names.iter().map(|name| name.chars().count()).sum::<usize>() == letters {
            return names;
        }
    }
    if let Some(name) = line.strip_prefix(['●', '○', '◎', '■', '◆', '□', '◇'])
        && is_person(name.trim())
    {
        return vec![name.trim().to_owned()];
    }
    if let Some((before, after)) = line.split_once("记者")
        && before.chars().count() <= 12
        && !line.contains(['，', '。', '“'])
        && after.starts_with(|c: char| c.is_whitespace() || "：:丨|".contains(c))
    {
        return people(after.trim_start_matches(|c: char| c.is_whitespace() || "：:丨|".contains(c)));
    }
    Vec::new()
}

/// Returns the author in brackets at the end of a paragraph: …生活。（薄红贞）
pub(super) fn in_closing(line: &str) -> Vec<String> {
    let line = line.trim_end();
    let Some(rest) = line.strip_suffix(['）', ')']) else { return Vec::new() };
    let Some(at) = rest.rfind(['（', '(']) else { return Vec::new() };
    let before = rest.get(..at).unwrap_or("");
    let inside = rest.get(at..).unwrap_or("").trim_start_matches(['（', '(']);
    let ends = before.trim_end().ends_with(['。', '！', '？', '”', '…', '.', '!', '?']) || before.trim().is_empty();
    if !ends || inside.chars().count() > 24 {
        return Vec::new();
    }
    let signed = signature::in_brackets(inside);
    if !signed.is_empty() && labelled(inside).iter().all(|(label, _)| matches!(label, Label::Author | Label::Other)) {
        return signed;
    }
    let mut bare = inside;
    let roles = &tables().names.before_people;
    while let Some(rest) = roles.iter().find_map(|role| bare.strip_prefix(role.as_str())) {
        bare = rest.trim_start_matches(|c: char| c.is_whitespace() || "：:/".contains(c));
    }
    if !labelled(inside).iter().all(|(label, _)| *label == Label::Author) {
        return Vec::new();
    }
    let names = people(bare);
    let letters = bare.chars().filter(|c| is_han(*c)).count();
    let named: usize = names.iter().map(|name| name.chars().count()).sum();
    if named == letters { names } else { Vec::new() }
}
