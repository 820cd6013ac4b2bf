//! Explains an item: its reports, what found each of their fields, its regions with the evidence, its revisions, and
//! similar stories that were kept apart.

use crate::dedup::{self, Likeness};
use crate::log::{Log, Record};
use crate::model::{Change, ItemId, Link, Moment, Origin, Report, counted};
use crate::regions::Evidence;
use crate::view::{self, StoryNo, View};

/// Maximum number of similar stories to list.
const MAX_BESIDE: usize = 5;

/// Returns the item with this id, or with this URL of its page or of one of its reports.
pub(super) fn named(view: &View, name: &str) -> Option<ItemId> {
    let by_id = ItemId::named(name).filter(|id| view.find(*id).is_some());
    by_id.or_else(|| view.find_address(&Link::parse(name).ok()?))
}

/// Returns the items that a decision applies to, and the message for the admin. If `name` is the id of the story or the
/// report that the story shows, the decision is about the whole story; any other report is decided alone.
///
/// # Errors
/// A sentence if there is no such item, or if it was decided so before.
pub fn decided(view: &View, log: &Log, name: &str, withdraws: bool) -> Result<(Vec<ItemId>, String), String> {
    let at_address = || Link::parse(name).map(|link| view.all_at_address(&link)).unwrap_or_default();
    let named = ItemId::named(name).filter(|id| view.find(*id).is_some()).map_or_else(at_address, |id| vec![id]);
    let (mut items, mut told, mut refused) = (Vec::new(), Vec::new(), None);
    // Who else gives the address of a page must not keep the page itself from being withdrawn.
    for named in named {
        match decided_one(view, log, named, withdraws) {
            Ok((more, line)) if more.iter().any(|item| !items.contains(item)) => {
                items.extend(more);
                told.push(line);
            }
            Ok(_) => {}
            Err(reason) => refused = Some(reason),
        }
    }
    match (items.is_empty(), refused) {
        (false, _) => Ok((items, told.join("; "))),
        (true, Some(reason)) => Err(reason),
        (true, None) => Err(no_item(name)),
    }
}

fn decided_one(view: &View, log: &Log, named: ItemId, withdraws: bool) -> Result<(Vec<ItemId>, String), String> {
    let number = view.find(named);
    let story = number.and_then(|number| view.id_of(number)).unwrap_or(named);
    let is_alone = named != story && (view.is_withdrawn_alone(named) || withdraws && !view.is_shown(named));
    let id = if is_alone { named } else { story };
    let is_withdrawn =
        if is_alone { view.is_withdrawn_alone(named) } else { number.is_some_and(|number| view.is_withdrawn(number)) };
    let title = |position| report_at(log, position).map(|report| report.draft.title).unwrap_or_default();
    match (withdraws, is_withdrawn) {
        (true, true) => Err(format!("{id} is withdrawn already; `dayuan explain {id}` says when and why")),
        (false, false) => Err(format!("{id} was not withdrawn; `dayuan withdrawn` lists what is")),
        (true, false) if is_alone => {
            let told = view.newest(id).map(title).unwrap_or_default();
            Ok((vec![id], format!("{id} is withdrawn: {told}; the story {story}, of which it is one report, stays")))
        }
        (true, false) => {
            let story = number.and_then(|number| view.story(number));
            let told = story.map_or_else(String::new, |story| {
                let others = match story.others.len() {
                    0 => String::new(),
                    more => format!(", with {} of it", counted(more, "other report", "other reports")),
                };
                format!(": {} ({}){others}", title(story.shown.position), story.shown.source.title)
            });
            Ok((vec![id], format!("{id} is withdrawn{told}")))
        }
        (false, true) if is_alone => Ok((vec![id], format!("{id} is published again"))),
        (false, true) => {
            let of_it = |(item, ..): (ItemId, Moment, String)| {
                (view.find(item) == number && !view.is_withdrawn_alone(item)).then_some(item)
            };
            let mut items: Vec<ItemId> = view.withdrawn().into_iter().filter_map(of_it).collect();
            if !items.contains(&id) {
                items.push(id);
            }
            Ok((items, format!("{id} is published again")))
        }
    }
}

/// Lists the withdrawn items, newest first: id, time, title and reason.
pub fn withdrawn(view: &View, log: &Log) -> Vec<String> {
    let line = |(id, at, reason): (ItemId, Moment, String)| {
        let title = view.newest(id).and_then(|position| report_at(log, position)).map(|report| report.draft.title);
        format!("{id}  {}  {}  {reason}", at.rfc3339(), title.unwrap_or_else(|| "(expired)".to_owned()))
    };
    let takedown = |known: view::Standing| {
        let by = match known.takedown.origin {
            Origin::Config => "config",
            Origin::Command => "command",
        };
        format!("{}  {}  taken down by {by}  {}", known.takedown.scope, known.at.rfc3339(), known.takedown.reason)
    };
    let lines: Vec<String> =
        view.takedowns().into_iter().map(takedown).chain(view.withdrawn().into_iter().map(line)).collect();
    if lines.is_empty() { vec!["nothing is withdrawn".to_owned()] } else { lines }
}

/// Explains why an item is not published.
pub(super) fn unpublished(view: &View, log: &Log, id: ItemId, number: StoryNo) -> Vec<String> {
    let report = view.newest(id).and_then(|position| report_at(log, position));
    let title = report.as_ref().map(|report| report.draft.title.clone()).unwrap_or_default();
    let mut lines = vec![format!("{id}  {title}")];
    let said = view.withdrawn().into_iter().find(|(item, ..)| view.find(*item) == Some(number));
    match (view.is_withdrawn(number), said) {
        (true, Some((_, at, reason))) => {
            lines.push(format!("withdrawn {}: {reason}", at.rfc3339()));
            lines.push("it and what joins it is not published; `dayuan restore-item` undoes that".to_owned());
        }
        (true, None) => lines.push("withdrawn: it and what joins it is not published".to_owned()),
        (false, _) if view.is_taken_down(id) => {
            lines.push("taken down: `dayuan withdrawn` lists the takedowns that stand, and why".to_owned());
        }
        (false, _) => {
            lines.push("gone at every source that reported it; it comes back when one of them has it again".to_owned())
        }
    }
    if let Some(link) = report.and_then(|report| report.draft.link) {
        lines.push(link);
    }
    lines
}

/// Explains an item in lines; `None` if it is unknown. `name` is an id, or the URL of the item's page or of a report.
pub fn explain(view: &View, log: &Log, name: &str) -> Option<Vec<String>> {
    let id = named(view, name)?;
    let number = view.find(id)?;
    let Some(story) = view.story(number) else {
        return Some(unpublished(view, log, id, number));
    };
    let shown = report_at(log, story.shown.position)?;
    let mut lines = vec![format!("{}  {}", story.id, shown.draft.title)];
    if story.id != id {
        lines.push(format!("{id} belongs to this story, whose first report came earlier; its address leads here"));
    }
    lines.push(format!("published {}, first seen {}", story.published, story.seen.rfc3339()));
    lines.push(format!("updated   {}", story.updated.rfc3339()));
    lines.push(String::new());
    lines.push("regions".to_owned());
    lines.extend(story.regions.iter().map(|(region, why)| format!("  placed in {region}: {}", because(*why))));
    lines.push(String::new());
    lines.push("reports".to_owned());
    lines.extend(reports(log, &story, &shown));
    lines.extend(revisions(log, &story.shown, &shown));
    lines.extend(neighbours(view, log, number, &story));
    Some(lines.into_iter().flat_map(|line| line.split('\n').map(str::to_owned).collect::<Vec<_>>()).collect())
}

/// Describes the reports of a story, the shown one first.
fn reports(log: &Log, story: &view::Story, shown: &Report) -> Vec<String> {
    let compared = dedup::Story::new(&shown.draft.title, shown.draft.words());
    let mut lines = Vec::new();
    for (at, report) in std::iter::once(&story.shown).chain(&story.others).enumerate() {
        let Some(told) = report_at(log, report.position) else {
            lines.push(format!("  {}: its line of the log cannot be read", report.source.id));
            continue;
        };
        let mark = match (at == 0, report.item == story.id) {
            (true, true) => "shown, the first of them",
            (true, false) => {
                "shown since: of higher authority, credited, the site of the link, the same source renamed, or in place of one that is gone"
            }
            (false, true) => "the first of them",
            (false, false) => "",
        };
        let found = (at > 0)
            .then(|| dedup::compare(&compared, &dedup::Story::new(&told.draft.title, told.draft.words())))
            .map(|found| format!("{} (containment {:.2})", joined(&told, shown, &found), found.containment));
        lines.extend(report_lines(report, &told, mark, found));
    }
    lines
}

/// Lists the stories of the same event, those that a round-up holds, and those that are alike but kept apart.
fn neighbours(view: &View, log: &Log, number: StoryNo, story: &view::Story) -> Vec<String> {
    let mut lines = Vec::new();
    let title_of = |number: &StoryNo| {
        let story = view.story(*number)?;
        Some((story.id, report_at(log, story.shown.position)?.draft.title))
    };
    for (words, others) in
        [("other stories of the same event", &story.alongside), ("a round-up, which holds these stories", &story.parts)]
    {
        if !others.is_empty() {
            lines.push(String::new());
            lines.push(words.to_owned());
            lines.extend(others.iter().filter_map(title_of).map(|(id, title)| format!("  {id}  {title}")));
        }
    }
    let beside: Vec<String> = view
        .beside(number)
        .iter()
        .filter(|(other, _)| !story.parts.contains(other))
        .filter(|(_, found)| found.likeness != Likeness::Different || found.containment >= 0.3)
        .take(MAX_BESIDE)
        .filter_map(|(other, found)| {
            let (id, title) = title_of(other)?;
            Some(format!("  {id}  {title}\n    {} (containment {:.2})", found.because, found.containment))
        })
        .collect();
    if !beside.is_empty() {
        lines.push(String::new());
        lines.push("alike, and kept apart".to_owned());
        lines.extend(beside);
    }
    lines
}

/// Describes one report of a story.
fn report_lines(report: &view::Report, told: &Report, mark: &str, joined: Option<String>) -> Vec<String> {
    let facts = &report.source;
    let mut lines = vec![
        format!("  {} ({}, {})", facts.title, facts.id, facts.authority.word()),
        format!("    {}", told.draft.link.as_deref().unwrap_or("without a link")),
        format!("    seen {}, item {}", told.seen.rfc3339(), report.item),
    ];
    if !mark.is_empty() {
        lines.push(format!("    {mark}"));
    }
    lines.extend(told.draft.credit.iter().map(|credit| format!("    credits {}", credit.name)));
    lines.extend(joined.map(|joined| format!("    joined: {joined}")));
    let found: Vec<String> = told.draft.found.iter().map(|(field, by)| format!("{field} by {by}")).collect();
    if !found.is_empty() {
        lines.push(format!("    found {}", found.join(", ")));
    }
    lines
}

/// Returns the error message for an unknown item.
pub fn no_item(name: &str) -> String {
    format!("there is no item `{name}`; give its id, the address of its page, or that of a report of it")
}

fn joined(told: &Report, shown: &Report, found: &dedup::Comparison) -> &'static str {
    let link = |report: &Report| report.draft.checked_link().map(|link| link.canonical());
    match found.likeness {
        Likeness::Same => found.because,
        _ if link(told).is_some() && link(told) == link(shown) => "it has the same address, at the site of one of them",
        _ => "it was like another report of the story",
    }
}

pub(super) fn because(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::County => "a county, named in full",
        Evidence::City => "a city, named",
        Evidence::Province => "a province, named",
        Evidence::ShortName => "a county by its short name, at the beginning of the title or before a township",
        Evidence::FormerName => "a former name",
        Evidence::Own => "the text speaks of 我市, 我县, 我省 or the like, as the source's own",
        Evidence::Dateline => "the place of the dateline",
        Evidence::Code => "the code of the authority that it comes from",
        Evidence::Path => "a part of the address",
        Evidence::Township => "a township, of which the source's region has only one",
        Evidence::Inherited => "inherited from the source: nothing stronger was found",
    }
}

fn revisions(log: &Log, shown: &view::Report, newest: &Report) -> Vec<String> {
    let mut all: Vec<Report> = shown.earlier.iter().filter_map(|position| report_at(log, *position)).collect();
    if all.is_empty() {
        return Vec::new();
    }
    all.push(newest.clone());
    let mut lines = vec![String::new(), format!("revisions ({} reports)", all.len())];
    for pair in all.windows(2) {
        let [before, after] = pair else { continue };
        lines.push(format!("  {}", after.seen.rfc3339()));
        lines.extend(dedup::changes(&before.draft, &after.draft).into_iter().map(|change| match change {
            Change::Kept(line) => format!("    = {line}"),
            Change::Added(line) => format!("    + {line}"),
            Change::Removed(line) => format!("    - {line}"),
        }));
    }
    lines
}

pub(super) fn report_at(log: &Log, position: crate::log::Position) -> Option<Report> {
    match log.read(position).ok()? {
        Record::Report(report) => Some(*report),
        _ => None,
    }
}
