//! The messages about the config, and those of commands, in Chinese: `messages.toml` and `commands.toml` have each one in both
//! languages. The English one is the key, as
//! with gettext; what the code fills into it is found again by its pattern. So no message is made twice, and those of other
//! modules and of the TOML parser can be had in Chinese, too.

use std::sync::LazyLock;

use serde::Deserialize;

/// How often a part that was filled in is looked up itself.
const MAX_DEPTH: usize = 3;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    message: Vec<Message>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    en: String,
    zh: String,
    /// Whether the first of what is filled in is a number.
    #[serde(skip)]
    has_number: bool,
}

static MESSAGES: LazyLock<Vec<Message>> = LazyLock::new(|| {
    let mut messages = Vec::new();
    for text in [include_str!("messages.toml"), include_str!("commands.toml")] {
        let table: Result<Table, _> = toml::from_str(text);
        messages.extend(table.unwrap_or_else(|error| unreachable!("a table of messages: {error}")).message);
    }
    for message in messages.iter_mut().filter(|message| message.en.contains("{#}")) {
        message.en = message.en.replace("{#}", "{}");
        message.has_number = true;
    }
    // The one that says most itself is meant.
    messages.sort_by_key(|message| std::cmp::Reverse(message.en.len()));
    messages
});

/// Returns a message in Chinese; one that the table lacks as it is.
pub fn chinese(text: &str) -> String {
    translated(text, MAX_DEPTH).unwrap_or_else(|| text.to_owned())
}

fn translated(text: &str, depth: usize) -> Option<String> {
    if depth == 0 || text.is_empty() {
        return None;
    }
    // What is filled in is rather a list than a message with commas in its values.
    let list = || LISTS.iter().find_map(|(separator, zh)| listed(text, separator, zh, depth));
    if depth < MAX_DEPTH { list().or_else(|| alone(text, depth)) } else { alone(text, depth).or_else(list) }
}

/// What stands between the parts of a list.
const LISTS: [(&str, &str); 2] = [("; ", "；"), (", ", "，")];

/// Returns a list in Chinese if each of its parts is a message.
fn listed(text: &str, separator: &str, zh: &str, depth: usize) -> Option<String> {
    if !text.contains(separator) {
        return None;
    }
    let parts: Option<Vec<String>> = text.split(separator).map(|part| alone(part, depth)).collect();
    Some(parts?.join(zh))
}

/// Returns one message in Chinese.
fn alone(text: &str, depth: usize) -> Option<String> {
    MESSAGES.iter().find_map(|message| {
        let values = values(&message.en, text)?;
        let is_number = |value: &&str| !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        if message.has_number && !values.first().is_some_and(is_number) {
            return None;
        }
        let values = values.into_iter().map(|value| translated(value, depth - 1).unwrap_or_else(|| value.to_owned()));
        Some(filled(&message.zh, &values.collect::<Vec<_>>()))
    })
}

/// Returns what stands in a text where a pattern has `{}`; `None` if the text does not have the pattern.
fn values<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut values = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let is_last = pieces.peek().is_none();
        let at = if is_last { rest.len().checked_sub(piece.len())? } else { rest.find(piece)? };
        let (value, after) = rest.split_at_checked(at)?;
        rest = after.strip_prefix(piece)?;
        values.push(value);
    }
    rest.is_empty().then_some(values)
}

/// Fills values into a text, by number or in their order.
fn filled(text: &str, values: &[String]) -> String {
    let (mut out, mut next) = (String::new(), 0);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let place = after.split_once('}').filter(|(number, _)| number.bytes().all(|b| b.is_ascii_digit()));
        let Some((number, after)) = place else {
            out.push('{');
            rest = after;
            continue;
        };
        let at = number.parse().unwrap_or(next);
        next += 1;
        out.push_str(values.get(at).map_or("", String::as_str));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_was_filled_in_is_found_again() {
        for (en, zh) in [
            ("`port` must be a text in quotes, not an integer", "`port` 必须是加引号的文字，而不是整数"),
            ("`城区` is the name of 4 regions", "有 4 个地区叫“城区”"),
            ("`x` is not a setting in [http]", "[http] 中没有“x”这项设置"),
            ("unsupported selector `a[`: a `[` is not closed", "不支持的选择器“a[”：`[` 没有闭合"),
            ("write { title = \"…\", url = \"https://…\" }", "请写 { title = \"…\", url = \"https://…\" }"),
            ("no message at all", "no message at all"),
            ("3 reports", "3 篇报道"),
            ("Annual reports", "Annual reports"),
            (
                "source a is degraded: the site refuses us (403); last read never, next poll 2026",
                "来源 a：读取有误：网站拒绝我们（403）；上次读取 从未，下次 2026",
            ),
        ] {
            assert_eq!(chinese(en), zh);
        }
    }

    #[test]
    fn both_languages_fill_in_the_same() {
        for message in MESSAGES.iter() {
            let count = message.en.matches("{}").count();
            let numbers: Vec<String> = (0..count).map(|number| format!("<{number}>")).collect();
            let zh = filled(&message.zh, &numbers);
            assert!(numbers.iter().all(|number| zh.contains(number.as_str())), "{message:?}");
            assert!(zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{message:?}");
        }
    }

    /// Returns the texts of a file's code that are sentences, with what is filled in as `{}`.
    fn sentences(code: &str) -> Vec<String> {
        let code = code.split("\n#[cfg(test)]\nmod ").next().unwrap();
        let mut found = Vec::new();
        for line in code.split('\n').filter(|line| !line.trim_start().starts_with("//")) {
            let line = line.replace("'\"'", "''").replace("\\\"", "\u{1}");
            for text in line.split('"').skip(1).step_by(2) {
                let text = text.replace('\u{1}', "\"").replace("\\\\", "\\");
                let (mut plain, mut depth) = (String::new(), 0);
                let text = text.replace("{{", "\u{2}").replace("}}", "\u{3}");
                for c in text.chars() {
                    match c {
                        '{' => {
                            depth += 1;
                            plain.push_str("{}");
                        }
                        '}' => depth -= 1,
                        c if depth == 0 => plain.push(c),
                        _ => {}
                    }
                }
                let plain = plain.replace('\u{2}', "{").replace('\u{3}', "}");
                // Braces in a text that nothing is filled into.
                let text = text.replace('\u{2}', "{").replace('\u{3}', "}");
                let plain = if chinese(&text) == text { plain } else { text };
                if plain.trim().contains(' ')
                    && plain.split(' ').any(|word| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase()))
                {
                    found.push(plain);
                }
            }
        }
        found
    }

    /// What stands in the code in parts, or is no message: names of lines and of fields.
    const PARTS: [&str; 32] = [
        "[http] listen",
        "[http] metrics",
        "[publish] to",
        "`source` is an id",
        "the daemon said nothing",
        "source {} is {}{}; last read {}, next poll {}",
        ", from {} to {}",
        "never listed: asked now, it lists {} items{}, and not this one (dayuan inspect --source {} shows them)",
        "in the feed of {}: {}/atom.xml",
        "it is in the archive of its month, {}/archive/{}.xml and what that leads to",
        ", the oldest of {}",
        "cut from the feed of {}: it holds the newest {} ([publish] items){}; {}",
        "poll failed",
        "nothing answers",
        "gone for good (410)",
        "cannot save the source's items; it will be polled again",
        "{} and {} more",
        "item = {}",
        "link = {}",
        "exact to the {}",
        "what sources reported: the only part to back up",
        "derived from the log; made anew if it is missing",
        "the search index; made anew if it is missing",
        "when and how each source was polled",
        "subscriptions of other sites",
        "growth: {} a day (average of the last {} whole days); {} in a year, as items are kept for {} days{}",
        ", with {} of it",
        "other report",
        "other reports",
        "{} is withdrawn{}",
        "{}  {}  taken down by {}  {}",
        "{} by {}",
    ];

    /// Files of this folder that hold no messages to an admin, or have them in both languages.
    const NO_MESSAGES: [&str; 4] = ["fault.rs", "messages.rs", "syntax.rs", "tests.rs"];

    /// Files that hold what commands say.
    const COMMANDS: [&str; 14] = [
        "cli/add",
        "cli/control",
        "cli/inspect",
        "cli/store",
        "cli/why",
        "daemon/differences",
        "daemon/disk",
        "daemon/explain",
        "daemon/searching",
        "daemon/why",
        "dedup/similarity",
        "dedup/substitution",
        "poll/outcome",
        "view/check",
    ];

    /// Files with errors that the config and commands pass on.
    const ERRORS: [&str; 10] = [
        "model/filter",
        "model/link",
        "model/source",
        "model/region",
        "model/moment",
        "fetch/error",
        "fetch/guard",
        "poll/command",
        "poll/permission",
        "read/markup/selector",
    ];

    fn read(path: &str) -> String {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path)).unwrap()
    }

    /// Notes the messages without Chinese, and returns how many there are.
    fn check_config(missing: &mut Vec<String>) -> usize {
        let mut count = 0;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        for file in names.filter(|name| name.ends_with(".rs") && !NO_MESSAGES.contains(&name.as_str())) {
            for text in sentences(&read(&format!("config/{file}"))) {
                count += 1;
                // An example of a setting is no sentence.
                let is_example = (text.contains(" = [") || text.contains(" = {"))
                    && !text.contains("write")
                    && !text.contains("name");
                if !is_example && chinese(&text) == text {
                    missing.push(format!("{file}: {text}"));
                }
            }
        }
        count
    }

    /// Notes the messages without Chinese, and returns how many there are.
    fn check_commands(missing: &mut Vec<String>) -> usize {
        let mut count = 0;
        for file in COMMANDS {
            for text in sentences(&read(&format!("{file}.rs"))) {
                count += 1;
                let text = text.trim_start_matches("dayuan: ").replace("\\u{}{}\\u{}", "“{}”");
                let (plain, counted) = (text.trim_start(), text.replacen("{}", "3", 1));
                let is_known =
                    [plain, &text, &counted].iter().any(|text| chinese(text) != **text) || PARTS.contains(&plain);
                // Errors are told with their cause, articles asked anew are indented, and a line may end with a part of its own.
                let told = [format!("{text}: {{}}"), format!("  {text}")];
                if !is_known && told.iter().all(|told| chinese(told) == *told) {
                    missing.push(format!("{file}: {text}"));
                }
            }
        }
        count
    }

    /// Notes the messages without Chinese, and returns how many there are.
    fn check_errors(missing: &mut Vec<String>) -> usize {
        let mut count = 0;
        for file in ERRORS {
            let code = read(&format!("{file}.rs"));
            let code = code.replace("\\\"", "\u{1}");
            for text in code.split("#[error(").skip(1).filter_map(|rest| rest.split('"').nth(1)) {
                count += 1;
                let text = text.replace('\u{1}', "\\\"");
                let text = sentences(&format!("\"{text}\"")).pop().unwrap_or_default();
                if !text.is_empty() && chinese(&text) == text {
                    missing.push(format!("{file}: {text}"));
                }
            }
        }
        count
    }

    #[test]
    fn every_message_has_both_languages() {
        let mut missing = Vec::new();
        let counts = [check_config, check_commands, check_errors].map(|check| check(&mut missing));
        assert!(counts.iter().all(|count| *count > 20), "only {counts:?} messages were found");
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
