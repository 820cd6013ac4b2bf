//! What changed in a text between two reports.

use similar::{ChangeTag, TextDiff};

use crate::model::{Change, Draft};

/// Number of unchanged paragraphs shown around a change.
const AROUND: usize = 1;
/// Maximum number of paragraphs compared per text; the diff is quadratic in them.
const MAX_LINES: usize = 1000;
/// Maximum number of paragraphs returned for one change.
const MAX_CHANGES: usize = 400;
/// Maximum number of characters compared per text.
const MAX_COMPARED: usize = 100_000;

/// Returns the differences between two reports of an item, title first, by paragraph; empty if only white space
/// differs.
pub fn changes(before: &Draft, after: &Draft) -> Vec<Change> {
    let lines = |draft: &Draft| {
        let text = std::iter::once(draft.title.as_str()).chain(draft.words().lines());
        let lines =
            text.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|line| !line.is_empty());
        let mut room = MAX_COMPARED;
        lines
            .take_while(|line| {
                room = room.saturating_sub(line.chars().count());
                room > 0
            })
            .collect::<Vec<String>>()
    };
    let (before, after) = (lines(before), lines(after));
    // The common beginning need not be compared; only the part next to the first change is shown as context.
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

/// Returns the paragraphs of a text from index `from` on, up to the number compared.
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
