//! Why an item looks as it does: its reports, what found each of their fields, its regions with the evidence, how it
//! changed, and what is like it without being it.

use crate::log::{Log, Record};
use crate::model::{Change, ItemId, Report};
use crate::same::{self, Likeness};
use crate::view::{self, View};

/// The most stories beside it that are told of.
const MOST_BESIDE: usize = 5;

/// Explains an item in lines; `None` where it is not known. `name` is what [`ItemId::named`] takes.
pub fn explain(view: &View, log: &Log, name: &str) -> Option<Vec<String>> {
    let id = ItemId::named(name)?;
    let first = view.find(id)?;
    let Some(story) = view.story(first) else {
        let state = if view.is_withdrawn(first) { "withdrawn: it and what joins it is not published" } else { "gone" };
        return Some(vec![format!("{id}  {state}")]);
    };
    let read = |report: &view::Report| report_at(log, report.position);
    let shown = read(&story.shown)?;
    let mut lines = vec![format!("{}  {}", story.id, shown.draft.title)];
    if story.id != id {
        lines.push(format!("{id} belongs to this story, whose first report came earlier; its address leads here"));
    }
    lines.push(format!("published {}, first seen {}", story.published, story.seen.rfc3339()));
    lines.push(format!("updated   {}", story.updated.rfc3339()));
    lines.push(String::new());
    lines.push("regions".to_owned());
    lines.extend(story.regions.iter().map(|(region, evidence)| format!("  {region}  {}", because(evidence))));
    let compared = same::Story::new(&shown.draft.title, shown.draft.words());
    lines.push(String::new());
    lines.push("reports".to_owned());
    for (at, report) in std::iter::once(&story.shown).chain(&story.others).enumerate() {
        let Some(told) = read(report) else {
            lines.push(format!("  {}: its line of the log cannot be read", report.source.id));
            continue;
        };
        let facts = &report.source;
        let is_first = report.item == story.id;
        let mark = match (at == 0, is_first) {
            (true, true) => "shown, the first of them",
            (true, false) => "shown since: of higher authority, credited, or the site of the link",
            (false, true) => "the first of them",
            (false, false) => "",
        };
        lines.push(format!("  {} ({}, {})  {mark}", facts.title, facts.id, facts.authority.word()));
        lines.push(format!("    {}", told.draft.link.as_deref().unwrap_or("without a link")));
        lines.push(format!("    seen {}, item {}", told.seen.rfc3339(), report.item));
        if let Some(credit) = &told.draft.credit {
            lines.push(format!("    credits {}", credit.name));
        }
        if at > 0 {
            let found = same::compare(&compared, &same::Story::new(&told.draft.title, told.draft.words()));
            lines.push(format!("    joined: {} (containment {:.2})", joined(&told, &shown, &found), found.containment));
        }
        let found: Vec<String> = told.draft.found.iter().map(|(field, by)| format!("{field} by {by}")).collect();
        if !found.is_empty() {
            lines.push(format!("    found {}", found.join(", ")));
        }
    }
    lines.extend(revisions(log, &story.shown, &shown));
    let title_of = |first: &u64| {
        let story = view.story(*first)?;
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
        .beside(first)
        .iter()
        .filter(|(first, _)| !story.parts.contains(first))
        .filter(|(_, found)| found.likeness != Likeness::Different || found.containment >= 0.3)
        .take(MOST_BESIDE)
        .filter_map(|(first, found)| {
            let (id, title) = title_of(first)?;
            Some(format!("  {id}  {title}\n    {} (containment {:.2})", found.because, found.containment))
        })
        .collect();
    if !beside.is_empty() {
        lines.push(String::new());
        lines.push("alike, and kept apart".to_owned());
        lines.extend(beside);
    }
    Some(lines.into_iter().flat_map(|line| line.split('\n').map(str::to_owned).collect::<Vec<_>>()).collect())
}

/// What an admin is told of an item that is not known.
pub fn no_item(name: &str) -> String {
    format!("there is no item `{name}`; its id stands in its page's address")
}

fn joined(told: &Report, shown: &Report, found: &same::Comparison) -> &'static str {
    let link = |report: &Report| report.draft.checked_link().map(|link| link.canonical());
    match found.likeness {
        Likeness::Same => found.because,
        _ if link(told).is_some() && link(told) == link(shown) => "it has the same address, at the site of one of them",
        _ => "it was like another report of the story",
    }
}

fn because(evidence: &str) -> &'static str {
    match evidence {
        "county" => "a county, named in full",
        "city" => "a city, named",
        "province" => "a province, named",
        "short-name" => "a county by its short name, at the beginning of the title or before a township",
        "former-name" => "a former name",
        "own" => "the text speaks of 我市, 我县, 我省 or the like, as the source's own",
        "dateline" => "the place of the dateline",
        "code" => "the code of the authority that it comes from",
        "path" => "a part of the address",
        _ => "inherited from the source: nothing stronger was found",
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
        lines.extend(same::changes(&before.draft, &after.draft).into_iter().map(|change| match change {
            Change::Kept(line) => format!("      {line}"),
            Change::Added(line) => format!("    + {line}"),
            Change::Removed(line) => format!("    - {line}"),
        }));
    }
    lines
}

fn report_at(log: &Log, position: crate::log::Position) -> Option<Report> {
    match log.read(position).ok()? {
        Record::Report(report) => Some(*report),
        _ => None,
    }
}
