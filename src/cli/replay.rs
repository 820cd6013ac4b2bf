//! `dayuan replay`: runs reports of a file through deduplication and region assignment in a temporary view.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::out::{End, say, show};
use super::place;
use crate::config::{Config, Places as Folders};
use crate::dedup::{self, Likeness, Verdict};
use crate::log::{Log, Record, SourceFacts};
use crate::model::{
    Authority, Draft, ItemId, Link, Moment, Precision, RegionId, Regions, Report, SourceId, Stamp, Zone,
};
use crate::read;
use crate::regions::Places;
use crate::view::{Options, View};

/// A parsed line of the file.
struct Line {
    id: Value,
    source: SourceId,
    region: RegionId,
    draft: Draft,
    /// Whether the line is marked as an official warning, which its source may then issue.
    is_alert: bool,
    seen: Moment,
}

/// A report of the file, and what it was when it came.
struct Told {
    id: Value,
    item: ItemId,
    verdict: Verdict,
    is_roundup: bool,
}

/// Runs reports through deduplication and region assignment in a temporary view, and shows the results.
pub(super) fn run(arguments: &Arguments, file: &Path, as_json: bool) -> anyhow::Result<End> {
    let Some(regions) = regions(arguments)? else { return Ok(End::Config) };
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let store = tempfile::tempdir().context("cannot make a throw-away store")?;
    let (log, _) = Log::open(&store.path().join("log"))?;
    let log = Arc::new(log);
    let options =
        Options { path: store.path().join("view"), rules: String::new(), places: Arc::new(Places::new(&regions)) };
    let (view, _) = View::open(&options, Arc::clone(&log), &|_| ())?;
    let mut told = Vec::new();
    for (row, number) in text.lines().zip(1_usize..).filter(|(row, _)| !row.trim().is_empty()) {
        let line = parse(row).with_context(|| format!("{}:{number}", file.display()))?;
        told.push(tell(&log, &view, line).with_context(|| format!("{}:{number}", file.display()))?);
    }
    told.iter().for_each(|told| show_outcome(&view, told, as_json));
    if text.trim().is_empty() {
        say(&format!("dayuan: {} holds no reports", file.display()));
    }
    Ok(End::Done)
}

/// Returns the regions of the config, or the built-in ones if there is no config; `None` if it is invalid.
fn regions(arguments: &Arguments) -> anyhow::Result<Option<Arc<Regions>>> {
    let folder = place::folder(arguments);
    if arguments.config.is_some() || folder.is_dir() {
        return Ok(place::load(&folder).ok().map(|config| config.regions));
    }
    match Config::from_texts("", "", "", &Folders::default()) {
        Ok((config, _)) => Ok(Some(config.regions)),
        Err(faults) => anyhow::bail!("{}", faults.render(false)),
    }
}

/// Appends the report of a line, if it is new or changed, and its source, if that is new or different.
fn tell(log: &Log, view: &View, line: Line) -> anyhow::Result<Told> {
    let found = dedup::identify(&[&line.source], &line.draft, &[], line.seen, view)
        .context("it has neither guid, link, title nor date")?;
    let is_roundup = dedup::is_roundup(&line.draft.title, line.draft.words());
    let mut records = Vec::new();
    let is_other = |known: SourceFacts| known.region != line.region || line.is_alert && known.alerts_for.is_empty();
    if view.source(&line.source).is_none_or(is_other) {
        records.push(Record::Source(facts(&line)));
    }
    let told = Told { id: line.id, item: found.item, verdict: found.verdict, is_roundup };
    if matches!(found.verdict, Verdict::New | Verdict::Changed) {
        records.push(Record::Report(Box::new(Report {
            item: found.item,
            key: found.key,
            source: line.source,
            seen: line.seen,
            reader: read::VERSION,
            first_import: false,
            draft: line.draft,
        })));
    }
    let appended = log.append(&records, line.seen)?;
    view.apply(&appended, &records)?;
    Ok(told)
}

/// Shows what became of a report: its story and its regions.
fn show_outcome(view: &View, told: &Told, as_json: bool) {
    let story = view.find(told.item).and_then(|first| view.story(first));
    let shown = story.as_ref().map_or(told.item, |story| story.id);
    let is_first = shown == told.item;
    let apart = if is_first && told.verdict == Verdict::New { kept_apart(view, told) } else { None };
    let (word, because) = match told.verdict {
        Verdict::New if apart.is_some() => ("new", apart.unwrap_or_default()),
        Verdict::New if is_first && told.is_roundup => ("roundup", "it is several stories in one"),
        Verdict::New if is_first && story.as_ref().is_some_and(|story| story.event.is_some()) => {
            ("new", "it tells of an event of which another story tells too")
        }
        Verdict::New if is_first => ("new", "nothing like it was known"),
        Verdict::New => ("reprint", "another source reported the same story"),
        Verdict::Same | Verdict::Restless => ("known", "its source said the same before"),
        Verdict::Changed => ("changed", "its source had said something else of it"),
    };
    let regions = || story.iter().flat_map(|story| &story.regions);
    if as_json {
        let event = story.as_ref().and_then(|story| story.event).map(|event| event.to_string());
        let regions: Vec<Value> =
            regions().map(|(region, evidence)| json!({ "id": region.as_str(), "evidence": evidence.word() })).collect();
        let shown = json!({
            "id": told.id, "item": shown.to_string(), "event": event, "verdict": word, "because": because, "regions": regions
        });
        show(&shown.to_string());
    } else {
        let of: Vec<&str> = regions().map(|(region, _)| region.as_str()).collect();
        show(&format!("{}  {word} ({because})  {shown}  {}", told.id.as_str().unwrap_or_default(), of.join(" ")));
    }
}

/// Returns why a report that is like that of another story is none of it.
fn kept_apart(view: &View, told: &Told) -> Option<&'static str> {
    let is_apart = |found: &dedup::Comparison| matches!(found.likeness, Likeness::Opposed | Likeness::Altered);
    view.beside(view.find(told.item)?).into_iter().map(|(_, found)| found).find(is_apart).map(|found| found.because)
}

fn parse(row: &str) -> anyhow::Result<Line> {
    let row: Value = serde_json::from_str(row).context("this line is no JSON object")?;
    let string = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned).filter(|text| !text.is_empty());
    let need = |name: &str| string(name).with_context(|| format!("`{name}` is missing"));
    let published = string("published").and_then(|text| {
        let precision = match text.len() {
            ..=10 => Precision::Day,
            11..=22 => Precision::Minute,
            _ => Precision::Second,
        };
        let whole = if text.len() <= 10 { format!("{text}T00:00:00+08:00") } else { with_seconds(&text) };
        let at = Moment::from_rfc3339(&whole)?;
        Some(Stamp { at, precision, offset: Zone::shanghai().offset(at) })
    });
    let seen =
        string("seen").and_then(|text| Moment::from_rfc3339(&with_seconds(&text))).or(published.map(|stamp| stamp.at));
    let html = string("content_html").unwrap_or_default();
    let text = string("text").unwrap_or_else(|| read::plain_text(&html));
    // A name that is no valid id is replaced by an id derived from its hash.
    let name = need("source")?;
    let source = SourceId::new(&name).or_else(|_other| {
        SourceId::new(&format!("s-{}", blake3::hash(name.as_bytes()).to_hex().get(..32).unwrap_or_default()))
    })?;
    let mut draft = Draft {
        title: string("title").unwrap_or_default(),
        link: string("link"),
        guid: string("guid"),
        published,
        text,
        content_html: html,
        ..Draft::default()
    };
    let kind = string("kind");
    match kind.as_deref() {
        None | Some("news") => read::mark_alert(&mut draft, false),
        Some("alert") => {
            draft.guid = draft.guid.or_else(|| string("id"));
            read::mark_alert(&mut draft, true);
        }
        Some(other) => anyhow::bail!("`kind` is `{other}`; it is `news` or `alert`"),
    }
    Ok(Line {
        id: row.get("id").cloned().unwrap_or_default(),
        source,
        region: RegionId::new(&need("region")?)?,
        draft,
        is_alert: kind.as_deref() == Some("alert"),
        seen: seen.context("`published` and `seen` are both missing or no dates")?,
    })
}

/// Adds the missing seconds to a time such as 2023-04-20T16:41+08:00.
fn with_seconds(text: &str) -> String {
    match (text.get(..16), text.get(16..)) {
        (Some(start), Some(rest)) if !rest.starts_with(':') => format!("{start}:00{rest}"),
        _ => text.to_owned(),
    }
}

fn facts(line: &Line) -> SourceFacts {
    // The address of the source is not known; the site of its first item stands in for it.
    let link = line.draft.checked_link().map(|link| link.as_str().to_owned());
    let link = link.and_then(|link| Link::parse(&link).ok()?.join("/").ok());
    SourceFacts {
        id: line.source.clone(),
        title: line.source.as_str().to_owned(),
        link: link.map_or_else(|| "http://localhost/".to_owned(), |link| link.as_str().to_owned()),
        region: line.region.clone(),
        authority: Authority::Media,
        zone: Zone::shanghai(),
        rights: None,
        was: Vec::new(),
        alerts_for: if line.is_alert { RegionId::new(SourceFacts::ALL).into_iter().collect() } else { Vec::new() },
        at: line.seen,
    }
}
