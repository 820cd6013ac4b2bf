//! What became of a text between two reports.

use similar::{ChangeTag, TextDiff};

use crate::model::{Change, Draft};

/// How many paragraphs around a change are shown.
const AROUND: usize = 1;
/// The most paragraphs of each text that are compared: the work is up to the square of them.
const MAX_LINES: usize = 1000;
/// The most paragraphs that are told of one change.
const MAX_CHANGES: usize = 400;
/// The most characters that are compared.
const LONGEST: usize = 100_000;

/// The differences of two reports of one item, title first, by paragraphs; nothing where only white space differs.
pub fn changes(before: &Draft, after: &Draft) -> Vec<Change> {
    let lines = |draft: &Draft| {
        let text = std::iter::once(draft.title.as_str()).chain(draft.words().lines());
        let lines =
            text.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|line| !line.is_empty());
        let mut room = LONGEST;
        lines
            .take_while(|line| {
                room = room.saturating_sub(line.chars().count());
                room > 0
            })
            .collect::<Vec<String>>()
    };
    let (before, after) = (lines(before), lines(after));
    // What both begin with need not be compared; of it, what stands beside the first change is shown.
    let same = before.iter().zip(&after).take_while(|(before, after)| before == after).count();
    let from = same.saturating_sub(AROUND);
    let (before, after) = (part(&before, from), part(&after, from));
    let diff = TextDiff::from_slices(&before, &after);
    let mut found = Vec::new();
    for group in diff.grouped_ops(AROUND) {
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let line = change.value().to_owned();
            found.push(match change.tag() {
                ChangeTag::Equal => Change::Kept(line),
                ChangeTag::Insert => Change::Added(line),
                ChangeTag::Delete => Change::Removed(line),
            });
        }
    }
    found.truncate(MAX_CHANGES);
    found
}

/// The paragraphs of a text from this one on, as far as they are compared.
fn part(lines: &[String], from: usize) -> Vec<&str> {
    lines.iter().skip(from).take(MAX_LINES).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_that_changed_stands_beside_the_one_it_was() {
        let draft = |title: &str, text: &str| Draft { title: title.into(), text: text.into(), ..Draft::default() };
        let before = draft("停水通知", "一\n二\n定于9日停水。\n四\n五");
        let after = draft("停水通知", "一\n二\n定于10日停水。\n四\n五");
        assert_eq!(
            changes(&before, &after),
            [
                Change::Kept("二".into()),
                Change::Removed("定于9日停水。".into()),
                Change::Added("定于10日停水。".into()),
                Change::Kept("四".into())
            ]
        );
        assert_eq!(changes(&before, &draft("停水通知", "一 \n二\n定于9日停水。\n\n四\n五")), []);
    }
}
