//! `dayuan inspect`: shows what one address or file would yield.

use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::arguments::{Arguments, As, Inspect};
use super::out::{End, say, show, show_data, told};
use super::{get, place};
use crate::config::{Config, quoted};
use crate::daemon::now;
use crate::model::{Draft, Format, Kind, Link, Page, Source, SourceId, counted};
use crate::read::{self, Fault, Reading, Rules};

/// Maximum size of a file, in bytes.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Shows what one URL or file would yield.
pub(super) fn run(arguments: &Arguments, options: &Inspect) -> anyhow::Result<End> {
    let folder = place::folder(arguments);
    // Without a config the defaults apply; an invalid config is refused as in every command.
    let config = if arguments.config.is_some() || options.source.is_some() || folder.is_dir() {
        // Who does not name a config is not told what is to be done in the one that happens to be there.
        let is_named = arguments.config.is_some() || options.source.is_some();
        match if is_named { place::load(&folder) } else { place::quiet(&folder) } {
            Ok(config) => Some(config),
            Err(end) => return Ok(end),
        }
    } else {
        None
    };
    let source = match (&options.source, &config) {
        (None, _) => None,
        (Some(id), config) => {
            let found = SourceId::new(id)
                .ok()
                .and_then(|id| config.as_ref()?.sources.iter().find(|source| source.id == id).cloned());
            Some(found.with_context(|| format!("there is no source `{id}` in {}", folder.display()))?)
        }
    };
    let page = page(options, config.as_ref(), source.as_deref())?;
    let mut rules = source.as_deref().map_or_else(Rules::default, Rules::of);
    match options.kind {
        As::Auto => {}
        As::Feed => rules.kind = Kind::Feed,
        As::List => rules.kind = Kind::List,
        As::Article => return Ok(article(&page, &rules, options.json)),
    }
    let mut page = page;
    let mut reading = read::read(&page, &rules, now());
    // Only a fetched page is followed to the list that it names; a file is read as it is.
    if let Some(follow) =
        reading.follow.clone().filter(|_| reading.drafts.is_empty() && !Path::new(&options.target).exists())
    {
        say(&format!("dayuan: the list is not here but at {follow}"));
        page = get::page(&follow, &page.url, config.as_ref(), source.as_deref())?;
        reading = read::read(&page, &rules, now());
    }
    if options.json {
        as_json(&reading, &page)
    } else {
        as_text(&reading, &page)
    }
    Ok(if reading.drafts.is_empty() { End::Failed } else { End::Done })
}

fn article(page: &Page, rules: &Rules, as_json: bool) -> End {
    let article = read::read_article(page, rules, now());
    for fault in &article.faults {
        tell_fault(fault, as_json);
    }
    match (&article.draft, as_json) {
        (Some(draft), true) => show(&item(draft, page).to_string()),
        (Some(draft), false) => draft_as_text(draft, 1),
        (None, true) => show(&json!({ "article": false }).to_string()),
        (None, false) => say("dayuan: no article found on this page: no element holds enough text"),
    }
    if article.draft.is_some() { End::Done } else { End::Failed }
}

fn tell_fault(fault: &Fault, as_json: bool) {
    say(&if as_json {
        json!({ "fault": fault.kind.word(), "where": fault.place, "detail": fault.detail }).to_string()
    } else {
        format!("fault: {} ({}): {}", fault.kind.word(), fault.place, fault.detail)
    });
}

fn page(options: &Inspect, config: Option<&Config>, source: Option<&Source>) -> anyhow::Result<Page> {
    let path = Path::new(&options.target);
    if !path.exists()
        && let Ok(link) = Link::parse(&options.target)
    {
        return get::page(&link, &link, config, source);
    }
    let metadata =
        std::fs::metadata(path).with_context(|| format!("{} is neither an address nor a file", options.target))?;
    anyhow::ensure!(metadata.is_file(), "{} is not a regular file", options.target);
    anyhow::ensure!(metadata.len() <= MAX_FILE_BYTES, "{} is larger than 64 MiB", options.target);
    let body = std::fs::read(path).with_context(|| format!("cannot read {}", options.target))?;
    let url = match (&options.url, source) {
        (Some(url), _) => Link::parse(url).context("--url")?,
        (None, Some(source)) => source.url.clone(),
        // The relative links of a file without a URL cannot be resolved; any base will do.
        (None, None) => Link::parse("http://localhost/")?,
    };
    Ok(Page { url, content_type: options.content_type.clone(), body })
}

fn as_json(reading: &Reading, page: &Page) {
    for draft in &reading.drafts {
        show(&item(draft, page).to_string());
    }
    for fault in &reading.faults {
        tell_fault(fault, true);
    }
}

/// Returns an item as the JSON object that `--json` documents; absent values are null or empty.
fn item(draft: &Draft, page: &Page) -> Value {
    let text = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    let base = draft.link.as_deref().unwrap_or(page.url.as_str());
    let html =
        if draft.content_html.is_empty() { String::new() } else { read::sanitise(&draft.content_html, Some(base)) };
    let mut item = Map::new();
    let mut put = |name: &str, value: Value| drop(item.insert(name.to_owned(), value));
    put("title", text(&draft.title));
    put("link", json!(draft.link));
    put("guid", json!(draft.guid));
    put("published", json!(draft.published.map(|stamp| stamp.to_string())));
    put("updated", json!(draft.updated.map(|stamp| stamp.to_string())));
    put("date_precision", json!(draft.published.or(draft.updated).map(|stamp| stamp.precision.word())));
    put("authors", json!(draft.authors));
    put("editors", json!(draft.editors));
    put("source", json!(draft.credit.as_ref().map(|credit| &credit.name)));
    put("categories", json!(draft.categories));
    put("summary", text(&draft.summary));
    put("content_html", text(&html));
    put("text", text(&draft.text));
    let files =
        draft.enclosures.iter().map(|file| json!({ "url": file.url, "type": file.kind, "length": file.length }));
    put("enclosures", files.collect());
    put("comments", json!(draft.comments));
    put("replies", json!(draft.replies));
    put("rights", json!(draft.rights));
    Value::Object(item)
}

fn as_text(reading: &Reading, page: &Page) {
    let format = match reading.format {
        Format::Unknown => "nothing that can be read",
        format => format.word(),
    };
    let items = told(&counted(reading.drafts.len(), "item", "items"));
    show_data(&format!("{}: {}, {items}", page.url, told(format)));
    if !reading.title.is_empty() {
        show(&format!("title: {}", reading.title));
    }
    if let Some(detection) = &reading.detection {
        show(&format!("list: {} % sure: {}", detection.confidence, detection.reasons.join("; ")));
        if let Some((item, link)) = &detection.selectors {
            show("to pin it, write under the source:");
            show("    [source.list]");
            show(&format!("    item = {}", quoted(item)));
            if !link.is_empty() {
                show(&format!("    link = {}", quoted(link)));
            }
        }
    }
    for (draft, number) in reading.drafts.iter().zip(1..) {
        draft_as_text(draft, number);
    }
    for fault in &reading.faults {
        tell_fault(fault, false);
    }
}

fn draft_as_text(draft: &Draft, number: usize) {
    show("");
    let title = if draft.title.is_empty() { told("(no title)") } else { draft.title.clone() };
    show_data(&format!("{number}. {title}"));
    let how = |field: &str| {
        draft
            .found
            .iter()
            .find(|(name, _)| *name == field)
            .map(|(_, by)| format!("   ← {}", told(by)))
            .unwrap_or_default()
    };
    let line = |name: &str, value: Option<String>, field: &str| {
        if let Some(value) = value {
            show_data(&format!("   {} {value}{}", told(&format!("{name:<10}")), how(field)));
        }
    };
    line("link", draft.link.clone(), "link");
    line("guid", draft.guid.clone(), "guid");
    line(
        "published",
        draft.published.map(|stamp| format!("{stamp} ({})", told(&format!("exact to the {}", stamp.precision.word())))),
        "published",
    );
    line(
        "updated",
        draft.updated.map(|stamp| format!("{stamp} ({})", told(&format!("exact to the {}", stamp.precision.word())))),
        "updated",
    );
    line("authors", (!draft.authors.is_empty()).then(|| draft.authors.join(", ")), "authors");
    line("source", draft.credit.as_ref().map(|credit| credit.name.clone()), "credit");
    line("categories", (!draft.categories.is_empty()).then(|| draft.categories.join(", ")), "categories");
    let first: String = draft.text.chars().take(80).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    line(
        "text",
        (!first.is_empty())
            .then(|| format!("{first}… ({})", told(&format!("{} characters", draft.text.chars().count())))),
        "content_html",
    );
    for file in &draft.enclosures {
        line("file", Some(file.url.clone()), "enclosures");
    }
}
