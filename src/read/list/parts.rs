//! Splits rows into the lists that they come from: old pages use the same markup for menus, tabs and lists.

use super::row_date::Row;
use crate::read::markup::tree::{Id, Tree};

/// The fewest dated rows for which others are given up.
const MIN_DATED: usize = 3;
/// How often rows are split further.
const MAX_SPLITS: usize = 4;

/// Drops the rows of lists in which no row has a date, if other lists among the rows have dates: the tabs above a list,
/// the menu beside it.
pub(super) fn dated_parts(tree: &Tree<'_>, mut rows: Vec<(Row, bool)>) -> Vec<(Row, bool)> {
    for _ in 0..MAX_SPLITS {
        let parts = parts(tree, &rows);
        let is_undated = |part: &&[(Row, bool)]| part.len() > 1 && !part.iter().any(|(_, is_dated)| *is_dated);
        let kept: Vec<&[(Row, bool)]> = parts.iter().copied().filter(|part| !is_undated(part)).collect();
        let dated = kept.iter().flat_map(|part| part.iter()).filter(|(_, is_dated)| *is_dated).count();
        let total: usize = kept.iter().map(|part| part.len()).sum();
        if kept.len() == parts.len() || dated < MIN_DATED || dated * 2 < total {
            break;
        }
        rows = kept.concat();
    }
    rows
}

/// Splits rows at the children of the element that holds them all.
fn parts<'a>(tree: &Tree<'_>, rows: &'a [(Row, bool)]) -> Vec<&'a [(Row, bool)]> {
    let (Some((first, _)), Some((last, _))) = (rows.first(), rows.last()) else { return Vec::new() };
    let Some(around) = tree.ancestors(first.from).find(|up| tree.end(*up) > last.from) else { return vec![rows] };
    let mut found = Vec::new();
    let (mut from, mut end): (usize, Id) = (0, 0);
    for (at, (row, _)) in rows.iter().enumerate() {
        if row.from >= end {
            if at > from {
                found.extend(rows.get(from..at));
            }
            from = at;
            let part = tree.ancestors(row.from).find(|up| tree.parent(*up) == around).unwrap_or(row.from);
            end = tree.end(part);
        }
    }
    found.extend(rows.get(from..));
    found
}
