//! Recognises lines that are not part of the story: copyright, share buttons, credits, links to other stories.

use crate::read::byline;
use crate::read::date::{self, Clock};
use crate::read::lexicon::{Label, Phrases, words};
use crate::read::markup::text::width;
use crate::read::signature;
use crate::read::tables::tables;

/// What ends a sentence in the scripts whose words of boilerplate seldom begin one.
const ENDS: &str = "。；！？，：।۔؟";
/// The fewest characters of a sentence that begins with such a word in other scripts.
const MIN_SENTENCE: usize = 40;
/// The most characters behind the label of a person that need not be a name.
const MAX_NAMED: usize = 12;

/// Returns whether a line is boilerplate: a copyright notice, a share button, a credit, a tool.
pub(in crate::read) fn is_boilerplate(line: &str) -> bool {
    // `BEGINS` applies to a line that ends like a sentence only if it also begins with one of these.
    let (line, words) = (line.trim(), words());
    let length = line.chars().count();
    let is_sentence = line.trim_end_matches(['”', '）', ')']).ends_with(|c| ENDS.contains(c));
    let may_be = !is_sentence || words.boilerplate_sure.begin(line);
    length <= 120 && may_be && begins(line) && !is_prose_behind(line)
        || length <= 30 && line.contains("点个") && line.contains(['看', '赞'])
        || length <= 240 && words.boilerplate_holds.are_in(line)
        || is_tool(line)
}

/// Returns whether a line begins with a phrase of boilerplate, and not with a longer word: Werbung, but not Werbungskosten.
fn begins(line: &str) -> bool {
    let is_spaced = |c: &char| c.is_alphabetic() && *c < '\u{0530}';
    words().boilerplate_begins.beginning(line).any(|phrase| {
        let rest = line.get(phrase.len()..).unwrap_or("");
        !(phrase.chars().next_back().is_some_and(|c| is_spaced(&c))
            && rest.chars().next().is_some_and(|c| is_spaced(&c)))
    })
}

/// Returns whether such a word is followed by prose: （作者李晓明获得一等奖）, 校对环节发现的问题, Anzeige gegen zwei Männer wurde
/// erstattet.
fn is_prose_behind(line: &str) -> bool {
    let is_long = line.chars().count() > MIN_SENTENCE && line.ends_with(['.', '!', '?']);
    words().boilerplate_or_prose.beginning(line).filter_map(|word| line.strip_prefix(word)).any(|rest| {
        let goes_on = |rest: &str| rest.chars().next().is_some_and(char::is_lowercase);
        if is_long && rest.strip_prefix(' ').is_some_and(goes_on) {
            return true;
        }
        let length = rest.chars().count();
        !rest.starts_with(|c: char| c.is_whitespace() || "：:丨|/／】]".contains(c)) && length > 6
    })
}

/// Returns whether a line only says what its writer is: "Staff Writer", "Journalist".
pub(super) fn is_role(line: &str) -> bool {
    let mut parts = line.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).peekable();
    line.len() <= 40
        && parts.peek().is_some()
        && parts.all(|part| words().no_name.contains(part.to_lowercase().as_str()))
}

pub(super) fn is_tool(line: &str) -> bool {
    let parts: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || "|/[]【】()（）>·".contains(c))
        .filter(|part| !part.is_empty())
        .collect();
    let is_whole = || words().tools.contains(line.trim_matches(|c: char| !c.is_alphanumeric()));
    !parts.is_empty() && parts.len() <= 12 && (is_whole() || parts.iter().all(|part| words().tools.contains(*part)))
}

/// So much longer than its phrase may a heading above other stories be, in characters.
const MAX_REST: usize = 10;

/// Returns whether a line is a heading above a list of other stories.
pub(in crate::read) fn ends_story(line: &str) -> bool {
    is_heading(line, &words().ends_story, MAX_REST) || words().ends_story_always.begin(line)
}

/// Returns whether a line is a heading that may stand above links to other stories, or above more of this one.
pub(super) fn may_end_story(line: &str) -> bool {
    is_heading(line, &words().ends_story_above_links, 0)
}

/// Returns whether a line is the heading above what readers wrote.
pub(super) fn is_above_comments(line: &str) -> bool {
    let bare = line.trim_matches(|c: char| !c.is_alphanumeric()).trim_start_matches(|c: char| !c.is_alphabetic());
    tables().names.comment_headings.contains(&bare.to_lowercase())
}

/// Returns whether a line is such a heading and no more.
pub(super) fn is_only_heading(line: &str) -> bool {
    is_heading(line, &words().ends_story, 0)
}

fn is_heading(line: &str, headings: &Phrases, max_rest: usize) -> bool {
    let bare = line.trim_matches(|c: char| !c.is_alphanumeric());
    // 3 Kommentare
    let bare = bare.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace());
    let first = bare.chars().next().and_then(|first| first.to_lowercase().next());
    if !first.is_some_and(|first| headings.may_begin_with(first)) {
        return false;
    }
    let squeezed: String = bare.chars().filter(|c| !c.is_whitespace()).take(60).collect();
    let squeezed = squeezed.to_lowercase();
    headings.beginning(&squeezed).any(|phrase| squeezed.chars().count() <= phrase.chars().count() + max_rest)
}

/// Returns whether a line at the end of a body only names people and media.
pub(in crate::read) fn is_credits(line: &str) -> bool {
    let length = line.chars().count();
    let is_bracketed = line.starts_with(['（', '(']);
    !is_bracketed && (!signature::writers(line).is_empty() || signature::is_credit(line))
        || length <= 60 && !line.ends_with('。') && {
            let labels = byline::labelled(line);
            !labels.is_empty()
                && !labels.iter().any(|(label, value)| matches!(label, Label::Author | Label::Editor) && is_said(value))
                && !labels.iter().all(|(label, _)| matches!(label, Label::Time))
                && line.chars().take(8).collect::<String>().contains(['：', ':', '/', '／', '丨', '|', ' '])
                && labels.iter().map(|(_, value)| value.chars().count()).sum::<usize>() * 3 >= length
        }
}

/// Returns whether what stands behind the label of a person is a sentence and no name.
fn is_said(value: &str) -> bool {
    value.ends_with(['？', '?', '！', '…', '。'])
        || value.chars().count() > MAX_NAMED && byline::people(value).is_empty()
}

/// Returns whether a line belongs to the head but is inside the body: labels with a date, or a source.
pub(super) fn is_head_line(line: &str, clock: Clock<'_>) -> bool {
    let length = line.chars().count();
    // 市政府3月9日任命：, which goes on in the next line.
    if length > 90 || line.ends_with(['。', '：', ':', '；']) {
        return false;
    }
    let labels = byline::labelled(line);
    // 时间 and 日期 may refer to an event in the text, so they do not count.
    let known = labels.iter().any(|(label, value)| match label {
        Label::Other | Label::Sender | Label::Time | Label::Updated => false,
        // 记者：河口镇为什么选择柿子？ is part of a conversation.
        Label::Author | Label::Editor => !is_said(value),
        _ => true,
    });
    let dated = date::find(line, clock).is_some();
    let is_event = line.starts_with("时间") || line.starts_with("日期");
    known && (dated || length < 40 || labels.len() >= 2)
        || dated && width(line) <= 48 && !is_event && !line.contains(['，', '。'])
}
