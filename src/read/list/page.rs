//! List pages: finds the main list of a page, and its rows.
//!
//! Links with similar element paths form a group. The row of a link is the largest element that holds no other link of
//! the group, plus what follows it up to the next row. Groups are weighed by what a news list has: long and distinct
//! titles, dates of its own, a place outside menus and boxes; the heaviest group is the list. Finally, sibling rows
//! that look slightly different (pinned, bold) are added.

use std::collections::HashSet;

use super::detect::{detect, is_state, stem};
use super::link;
use super::row;
use super::row_date::{self, Row};
use super::rows::rows_of;
use super::rules::{Detection, ListRules};
use super::story;
use super::weight::{Group, place};
use super::year::{clock_of_year, differs_in_year, year_headings};
use crate::model::{Draft, Link, Precision};
use crate::read::date::{self, Clock};
use crate::read::fault::{Fault, FaultKind};
use crate::read::markup::page::{base, target};
use crate::read::markup::selector::Selector;
use crate::read::markup::text;
use crate::read::markup::tree::{Id, Tree};
use crate::read::reading::{MAX_DRAFTS, keep_newest};

/// The most rows that are looked at to find the newest.
const MAX_ROWS: usize = 10 * MAX_DRAFTS;

/// Reads the list of a page.
pub(in crate::read) fn read(
    tree: &Tree<'_>,
    url: &Link,
    rules: &ListRules,
    clock: Clock<'_>,
    faults: &mut Vec<Fault>,
) -> (Vec<Draft>, Detection) {
    let base = base(tree, url);
    let Some(group) = (if rules.item.is_some() || rules.link.is_some() {
        pinned(tree, &base, rules, clock, faults)
    } else {
        detect(tree, url, &base, clock)
    }) else {
        let reason = match &rules.item {
            Some(item) => unmatched(tree, url, item, clock),
            None => "no group of links looks like a list".to_owned(),
        };
        return (Vec::new(), Detection { reasons: vec![reason], ..Detection::default() });
    };
    let years = year_headings(tree, clock);
    let mostly_dated = group.dated * 5 >= group.rows.len() * 4;
    let mut drafts = Vec::with_capacity(group.rows.len());
    let (mut seen, mut titles) = (HashSet::new(), Vec::new());
    for row in &group.rows {
        let Some((mut draft, whole_title)) = row::draft(tree, row, &base, group.beside, clock) else { continue };
        if let Some(stamp) = draft.published
            && let Some(then) = clock_of_year(&years, row, stamp, clock)
            && let Some((again, _)) = row::draft(tree, row, &base, group.beside, then)
            && let Some(dated) = again.published.filter(|dated| differs_in_year(*dated, stamp, clock))
        {
            draft.published = Some(dated);
            draft.found.push(("published", "row and the year above it".into()));
        }
        overrule(tree, row, rules, clock, &mut draft, faults);
        // Among dated rows, a short one without a date is a column heading.
        if mostly_dated && text::width(&draft.title) < 12 && !row_date::has_date(tree, row, clock) {
            continue;
        }
        if draft.title.is_empty() || !seen.insert((draft.link.clone(), group.beside.map(|_| draft.title.clone()))) {
            continue;
        }
        if drafts.len() == MAX_ROWS {
            break;
        }
        titles.push(if draft.found.contains(&("title", "config".into())) { draft.title.clone() } else { whole_title });
        drafts.push(draft);
    }
    keep_dates_that_tell_apart(&mut drafts, titles);
    faults.extend(keep_newest(&mut drafts, "list"));
    settle_dates(&mut drafts, clock);
    strip_common_end(&mut drafts);
    let mut detection = describe(tree, &group, &drafts, rules);
    let (is_found, outside) = (detection.confidence < 100, place(tree, &group.rows) < 1.0);
    if is_found && story::belongs_to_story(tree, &group.rows, outside, group.dated > 0, &base) {
        detection.reasons.push("it belongs to the story that the page tells".into());
        detection.confidence /= 4;
    }
    (drafts, detection)
}

/// Replaces detected fields by what the config's selectors find, and reports a selector that finds nothing.
fn overrule(
    tree: &Tree<'_>,
    row: &Row,
    rules: &ListRules,
    clock: Clock<'_>,
    draft: &mut Draft,
    faults: &mut Vec<Fault>,
) {
    let mut pick = |name: &'static str, selector: &Option<Selector>| {
        let selector = selector.as_ref()?;
        let found = selector.find(tree, row.from, row.to);
        if found.is_none() && !faults.iter().any(|fault| fault.kind == FaultKind::Selector && fault.place == name) {
            faults.push(Fault::new(
                FaultKind::Selector,
                name,
                format!("`{selector}` matches nothing in a row of the list"),
            ));
        }
        found
    };
    if let Some(id) = pick("list.title", &rules.title) {
        let title = tree.attribute(id, "title").map(|title| text::line(&title)).filter(|title| !title.is_empty());
        draft.title = title.unwrap_or_else(|| tree.line(id));
        draft.found.push(("title", "config".into()));
    }
    if let Some(id) = pick("list.date", &rules.date) {
        let line = tree.line(id);
        draft.published = date::parse(&line, clock).or_else(|| date::find(&line, clock).map(|(stamp, _)| stamp));
        draft.found.push(("published", "config".into()));
    }
}

/// Tells that the selector of the rows finds none, and what detection would take instead.
fn unmatched(tree: &Tree<'_>, url: &Link, item: &Selector, clock: Clock<'_>) -> String {
    let group = detect(tree, url, &base(tree, url), clock);
    match group.and_then(|group| Some((group.rows.len(), selectors(tree, &group)?))) {
        Some((rows, (rule, _))) => {
            format!("`{item}` matches nothing; detection would take the {rows} rows of `{rule}`")
        }
        None => format!("`{item}` matches nothing, and no group of links looks like a list"),
    }
}

/// Returns the rows that the config's selectors find.
fn pinned(tree: &Tree<'_>, base: &Link, rules: &ListRules, clock: Clock<'_>, faults: &mut Vec<Fault>) -> Option<Group> {
    let mut rows = Vec::new();
    let usable = |id: Id| target(tree, id, base).is_some();
    if let Some(item) = &rules.item {
        let items = item.find_all(tree, 0, tree.len());
        if items.is_empty() {
            faults.push(Fault::new(FaultKind::Selector, "list.item", format!("`{item}` matches nothing in this page")));
        }
        for id in items {
            let (from, to) = (id, tree.end(id));
            let link = match &rules.link {
                Some(selector) => selector.find_all(tree, from, to).into_iter().find(|id| usable(*id)),
                None => link::best_link(tree, from, to, base),
            };
            rows.extend(link.map(|link| Row { link, from, to }));
        }
        if rows.is_empty()
            && let Some(selector) = &rules.link
        {
            faults.push(Fault::new(
                FaultKind::Selector,
                "list.link",
                format!("`{selector}` matches no usable link in any row"),
            ));
        }
    } else if let Some(selector) = &rules.link {
        let links: Vec<Id> = selector.find_all(tree, 0, tree.len()).into_iter().filter(|id| usable(*id)).collect();
        if links.is_empty() {
            faults.push(Fault::new(
                FaultKind::Selector,
                "list.link",
                format!("`{selector}` matches no link in this page"),
            ));
        }
        rows = rows_of(tree, &links, base, clock);
    }
    let dated = rows.iter().filter(|row| row_date::has_date(tree, row, clock)).count();
    (!rows.is_empty()).then_some(Group { rows, weight: 1.0, dated, beside: None, is_menu: false })
}

/// Strips the ending that most titles share after a separator: the site's name, "view".
fn strip_common_end(drafts: &mut [Draft]) {
    const MIN_TITLES: usize = 4;
    const MARKS: [char; 8] = [' ', '-', '_', '|', '–', '—', '·', '丨'];
    let ends = |title: &str| {
        let at = title.char_indices().filter(|(_, c)| MARKS.contains(c)).map(|(at, _)| at);
        at.filter_map(|at| title.get(at..))
            // Words after a plain space belong to the title, unless they say "view".
            .filter(|end| !end.starts_with(' ') || end.trim().starts_with(MARKS) || link::is_generic(end))
            .filter(|end| text::width(end) >= 3 && !end.chars().any(|c| c.is_ascii_digit()))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let candidates: Vec<String> = drafts.iter().take(2).flat_map(|draft| ends(&draft.title)).collect();
    let end = candidates.into_iter().filter(|end| {
        let bearers = drafts.iter().filter(|draft| draft.title.ends_with(&**end)).count();
        bearers >= MIN_TITLES && bearers * 10 >= drafts.len() * 8
    });
    let Some(end) = end.max_by_key(String::len) else { return };
    let bare = |title: &str| title.strip_suffix(&*end).map(|bare| bare.trim_end_matches(MARKS).to_owned());
    let titles: HashSet<&String> = drafts.iter().map(|draft| &draft.title).collect();
    let bared: HashSet<String> =
        drafts.iter().map(|draft| bare(&draft.title).unwrap_or_else(|| draft.title.clone())).collect();
    let is_title = |title: &String| text::width(title) >= 4 && title.chars().any(char::is_alphabetic);
    if bared.len() == titles.len() && bared.iter().all(is_title) {
        for draft in drafts {
            if let Some(title) = bare(&draft.title) {
                draft.title = title;
            }
        }
    }
}

/// Gives back the dates that were cut off titles, if only they tell the titles apart.
fn keep_dates_that_tell_apart(drafts: &mut [Draft], whole: Vec<String>) {
    let distinct = drafts.iter().map(|draft| draft.title.as_str()).collect::<HashSet<_>>().len();
    if whole.iter().collect::<HashSet<_>>().len() > distinct {
        for (draft, title) in drafts.iter_mut().zip(whole) {
            draft.title = title;
        }
    }
}

/// Drops the dates if every row shows the present moment: that is a clock, not a date.
fn settle_dates(drafts: &mut [Draft], clock: Clock<'_>) {
    let now: Vec<bool> = drafts
        .iter()
        .filter_map(|draft| draft.published)
        .map(|stamp| stamp.precision == Precision::Second && stamp.at.since(clock.now).abs() < 5000)
        .collect();
    if now.len() > 2 && now.iter().all(|is_now| *is_now) {
        drafts.iter_mut().for_each(|draft| draft.published = None);
    }
}

fn describe(tree: &Tree<'_>, group: &Group, drafts: &[Draft], rules: &ListRules) -> Detection {
    let total = drafts.len();
    if rules.item.is_some() || rules.link.is_some() {
        return Detection {
            confidence: 100,
            reasons: vec![format!("{total} rows by the config's selectors")],
            selectors: None,
        };
    }
    let dated = drafts.iter().filter(|draft| draft.published.is_some()).count();
    let wide = drafts.iter().filter(|draft| text::width(&draft.title) >= 12).count();
    let mut reasons = vec![
        format!("{total} similar rows"),
        format!("{dated} with a date"),
        format!("{wide} with a title of at least 12 columns"),
    ];
    if group.dated == 0 {
        reasons.push("no row shows a date of its own".into());
    }
    if group.beside.is_some() {
        reasons.push("the titles are beside the links".into());
    }
    let of = |part: usize, most: usize| part * most / total.max(1);
    let outside = place(tree, &group.rows);
    if outside < 1.0 {
        reasons.push("it looks like a menu or a sidebar box".into());
    }
    let confidence = 20 + of(dated, 40) + of(wide, 25) + if total >= 8 { 15 } else { 5 };
    let confidence = if outside < 1.0 { confidence * 2 / 3 } else { confidence };
    if group.is_menu {
        reasons.push("its links lead to sections, as those of a menu".into());
    }
    let confidence = if group.is_menu { confidence / 2 } else { confidence };
    Detection { confidence: u8::try_from(confidence.min(99)).unwrap_or(0), reasons, selectors: selectors(tree, group) }
}

/// Selectors that find the same rows, built from the classes and ids around them.
fn selectors(tree: &Tree<'_>, group: &Group) -> Option<(String, String)> {
    let first = group.rows.first()?;
    let step = |id: Id| {
        let name = tree.name(id);
        let plain = |text: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
                && !text.starts_with(|c: char| c.is_ascii_digit())
        };
        let own = tree.attribute(id, "id").filter(|own| plain(own) && !own.chars().any(|c| c.is_ascii_digit()));
        match own {
            Some(own) => (format!("{name}#{own}"), true),
            None => {
                let class = tree.classes(id).find(|class| {
                    plain(class) && !is_state(&stem(class)) && !class.chars().any(|c| c.is_ascii_digit())
                });
                (class.map_or_else(|| name.to_owned(), |class| format!("{name}.{class}")), false)
            }
        }
    };
    let mut steps = vec![tree.name(first.from).to_owned()];
    for id in tree.ancestors(tree.parent(first.from)).filter(|id| !tree.is(*id, &["body", "html"])).take(4) {
        let (text, is_sure) = step(id);
        steps.push(text);
        if is_sure {
            break;
        }
    }
    steps.reverse();
    let link = if first.from == first.link { String::new() } else { step(first.link).0 };
    Some((steps.join(" > "), link))
}
