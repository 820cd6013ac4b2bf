//! `dayuan add`: finds the feed or list at an address, and writes it as a source.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::arguments::{Add, Arguments};
use super::out::{End, say, show, show_data};
use super::{get, place, regions};
use crate::config::{Config, quoted};
use crate::daemon::now;
use crate::model::{Draft, Format, Kind, Link, Page, RegionId, Source, SourceId};
use crate::read::{self, Reading, Rules};

/// A feed or list found at the given URL, or one link away from it.
struct Found {
    link: Link,
    reading: Reading,
    /// Value of `as`, if the default `auto` would not do.
    kind: Option<&'static str>,
    doubts: Vec<String>,
}

/// Finds the feed or list at a URL and prints it as a source; with `--write`, appends it to the source list.
pub(super) fn run(arguments: &Arguments, options: &Add) -> anyhow::Result<End> {
    let link = Link::parse(&options.url).with_context(|| format!("{} is not a valid URL", options.url))?;
    let folder = place::folder(arguments);
    let config = if folder.is_dir() {
        match place::load(&folder) {
            Ok(config) => Some(config),
            Err(end) => return Ok(end),
        }
    } else {
        None
    };
    if let Some(known) = config
        .as_ref()
        .and_then(|config| config.sources.iter().find(|source| source.url.canonical() == link.canonical()))
    {
        say(&format!("dayuan: source `{}` has this address already", known.id));
        return Ok(End::Failed);
    }
    let region = options.region.as_deref().map(|text| regions::option(config.as_ref(), text)).transpose()?;
    let page = get::page(&link, &link, config.as_ref(), None)?;
    let Some(mut found) = discover(&page, &link, config.as_ref()) else { return Ok(End::Failed) };
    let is_given = region.is_some();
    let region = settle_region(region, &mut found, config.as_ref())?;
    let is_taken =
        |id: &SourceId| config.as_ref().is_some_and(|config| config.sources.iter().any(|source| source.id == *id));
    let id = match &options.id {
        Some(id) => SourceId::new(id)?,
        None => free_id(&found.link, &mut HashMap::new(), &is_taken),
    };
    anyhow::ensure!(!is_taken(&id), "there is a source `{id}` already; choose another --id");
    let title = options.title.clone().unwrap_or_else(|| settle_title(&mut found));
    let block = block(&id, &title, region.as_ref().map(|(id, _)| id.as_str()), &found);
    show_data(&block);
    if let Some((id, path)) = &region {
        show(&format!("# region {id} is {path}"));
    }
    tell(&mut found, config.as_ref());
    if !options.write {
        return Ok(End::Done);
    }
    anyhow::ensure!(is_given, "--write needs --region NAME: the region that the source belongs to");
    append(&folder, &block)
}

/// Returns the feed or list at a URL, or a feed that the page links to. `None` if there is nothing to read, which is
/// reported on standard error.
fn discover(page: &Page, link: &Link, config: Option<&Config>) -> Option<Found> {
    let rules = Rules::default();
    let mut reading = read::read(page, &rules, now());
    let mut doubts = Vec::new();
    if let Some(follow) = reading.follow.clone().filter(|_| reading.drafts.is_empty()) {
        match get::page(&follow, link, config, None) {
            Ok(page) => {
                doubts.push(format!(
                    "the list lies at {follow}, where this page leads; it is found anew at every first look"
                ));
                reading = read::read(&page, &rules, now());
            }
            Err(error) => doubts.push(format!("the page leads to {follow}, which cannot be read: {error:#}")),
        }
    }
    let is_page = reading.detection.is_some() || reading.drafts.is_empty();
    let own = |reading: Reading, doubts| Found { link: link.clone(), reading, kind: None, doubts };
    if !is_page {
        return Some(own(reading, doubts));
    }
    let listed: HashSet<String> =
        reading.drafts.iter().filter_map(|draft| draft.checked_link()).map(|link| link.canonical()).collect();
    for (feed, title) in
        read::feeds_of(page, &rules).into_iter().filter(|(_, title)| !title.to_lowercase().contains("comment")).take(3)
    {
        let Ok(page) = get::page(&feed, link, config, None) else { continue };
        let of_feed = read::read(&page, &Rules { kind: Kind::Feed, ..Rules::default() }, now());
        let shared = of_feed
            .drafts
            .iter()
            .filter_map(Draft::checked_link)
            .filter(|link| listed.contains(&link.canonical()))
            .count();
        if of_feed.drafts.is_empty() {
            continue;
        }
        // A feed of the whole site is not what the user wants if the URL is that of one list: the feed must share a
        // third of its items, or of those of the list, whichever is shorter.
        if listed.is_empty() || shared * 3 >= of_feed.drafts.len().min(listed.len()) {
            return Some(Found { link: feed, reading: of_feed, kind: None, doubts });
        }
        doubts.push(format!("the page also names the feed {feed} ({title}), which has other items"));
    }
    if reading.drafts.is_empty() {
        for fault in &reading.faults {
            say(&format!("dayuan: {}: {}", fault.place, fault.detail));
        }
        say(&format!("dayuan: nothing to read was found at {link}: no feed, no link to one, no list"));
        return None;
    }
    if let Some(detection) = reading.detection.as_ref().filter(|detection| detection.confidence < 70) {
        doubts.push(format!("the list is only {} % sure: {}", detection.confidence, detection.reasons.join("; ")));
    }
    let undated = reading.drafts.iter().filter(|draft| draft.published.is_none()).count();
    if undated > 0 {
        doubts.push(format!("{undated} of {} rows show no date; their pages are asked for it", reading.drafts.len()));
    }
    let kind = (reading.format == Format::List).then_some("list");
    Some(Found { kind, ..own(reading, doubts) })
}

/// Prints the first items, what the article page of the first one yields, and all doubts.
fn tell(found: &mut Found, config: Option<&Config>) {
    show(&format!("# {}: {} items, the first of them:", found.reading.format.word(), found.reading.drafts.len()));
    for draft in found.reading.drafts.iter().take(5) {
        let date = draft.published.map_or_else(|| "no date".to_owned(), |stamp| stamp.to_string());
        show(&format!("#   {date}  {}", draft.title));
        show(&format!("#     {}", draft.link.as_deref().unwrap_or("no link")));
    }
    if found.reading.detection.is_some()
        && let Some(link) = found.reading.drafts.first().and_then(Draft::checked_link)
        && read::file_kind(link.as_str()).is_none()
    {
        match get::page(&link, &found.link, config, None)
            .map(|page| read::read_article(&page, &Rules::default(), now()))
        {
            Ok(read::Article { draft: Some(article), .. }) => {
                let by = article.credit.as_ref().map_or("none", |credit| &credit.name);
                let date = article.published.map_or_else(|| "none".to_owned(), |stamp| stamp.to_string());
                show(&format!(
                    "# the page of the first: \u{201c}{}\u{201d}, time {date}, source {by}, {} characters of text",
                    article.title,
                    article.text.chars().count()
                ));
            }
            Ok(_) => found.doubts.push(format!("no article was found at {link}")),
            Err(error) => found.doubts.push(format!("the page of the first item cannot be read: {error:#}")),
        }
    }
    for doubt in &found.doubts {
        say(&format!("dayuan: doubt: {doubt}"));
    }
}

/// Returns the region that was given, with a doubt if the page names another one; else the one that the page names.
fn settle_region(
    given: Option<(RegionId, String)>,
    found: &mut Found,
    config: Option<&Config>,
) -> anyhow::Result<Option<(RegionId, String)>> {
    let names = read::places_of(&found.reading.title).into_iter();
    let named = names.filter_map(|name| regions::option(config, &name).ok()).next();
    match (given, named) {
        (Some(given), Some(named)) => {
            if !regions::is_around(config, &given.0, &named.0)? {
                found.doubts.push(format!(
                    "the page calls itself \u{201c}{}\u{201d}, which is {} {}; is the region {} {} right?",
                    found.reading.title, named.0, named.1, given.0, given.1
                ));
            }
            Ok(Some(given))
        }
        (Some(given), None) => Ok(Some(given)),
        (None, Some(named)) => {
            found.doubts.push(format!(
                "no region was given; the page calls itself \u{201c}{}\u{201d}: is it {} {}? Use --region NAME",
                found.reading.title, named.0, named.1
            ));
            Ok(Some(named))
        }
        (None, None) => {
            found.doubts.push("no region was given; write the right one, or use --region NAME".to_owned());
            Ok(None)
        }
    }
}

/// Returns the title that the page gives itself; with a doubt the name of its host, if that title is another's.
fn settle_title(found: &mut Found) -> String {
    let title = read::source_title(&found.reading.title);
    let Some(doubt) = doubt_title(&title, &found.link) else { return title };
    let host = found.link.host_text().to_owned();
    found.doubts.push(format!("{doubt}; its title here is {host}: use --title NAME"));
    host
}

/// Returns a doubt as a sentence if a title is the name of a known medium, and the address is on no site of its own: what
/// others credit to that medium would be credited to the source.
pub(super) fn doubt_title(title: &str, link: &Link) -> Option<String> {
    let (name, sites) = read::medium_of(title)?;
    let host = link.host_text();
    let is_its = sites
        .iter()
        .any(|site| host.strip_suffix(site.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    (!is_its).then(|| format!("it calls itself {name}, whose site is {}, not {host}", sites.join(", ")))
}

fn block(id: &SourceId, title: &str, region: Option<&str>, found: &Found) -> String {
    let text = quoted;
    let title = if title.is_empty() { found.link.host_text() } else { title };
    let title: String = title.chars().take(Source::MAX_TITLE).collect();
    let mut block = format!(
        "[[source]]\nid = {}\ntitle = {}\nregion = {}\nurl = {}",
        text(id.as_str()),
        text(&title),
        text(region.unwrap_or("")),
        text(found.link.as_str())
    );
    if let Some(kind) = found.kind {
        block.push_str(&format!("\nas = {}", text(kind)));
    }
    if read::is_official(found.link.host_text(), &found.reading.title) {
        block.push_str("\nauthority = \"official\"");
    }
    block.push('\n');
    block
}

/// Returns an unused id, made of the host and the last two path segments, with a number appended if it is taken. `next` has the
/// numbers from which on to look, so that many ids can be asked for.
pub(super) fn free_id(link: &Link, next: &mut HashMap<String, u32>, is_taken: &dyn Fn(&SourceId) -> bool) -> SourceId {
    let host = link.host_text().trim_start_matches("www.");
    let steps = link.path().split('/').filter(|step| !step.is_empty() && !step.contains('.') && step.len() <= 40);
    let steps: Vec<&str> = steps.collect();
    let last = steps.iter().rev().take(2).rev().copied();
    let words: String = std::iter::once(host).chain(last).collect::<Vec<_>>().join("-").to_ascii_lowercase();
    let plain: String = words.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let short: String = plain.trim_matches('-').chars().take(56).collect();
    let from = next.entry(short.clone()).or_insert(1);
    (*from..100_000)
        .inspect(|number| *from = *number)
        .filter_map(|number| SourceId::new(&if number == 1 { short.clone() } else { format!("{short}-{number}") }).ok())
        .find(|id| !is_taken(id))
        .or_else(|| SourceId::new("source").ok())
        .unwrap_or_else(|| unreachable!("`source` is an id"))
}

/// Appends sources to the list of added ones; puts the file back as it was if the config would be invalid.
pub(super) fn append(folder: &Path, block: &str) -> anyhow::Result<End> {
    let path = list(folder)?;
    let is_new = !path.exists();
    let before = if is_new {
        String::new()
    } else {
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?
    };
    let gap = if before.is_empty() || before.ends_with("\n\n") {
        ""
    } else if before.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let write = |text: &str| -> anyhow::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(folder))
            .context("cannot write beside the source list")?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        keep_rights(file.as_file(), &path, folder)?;
        file.as_file().sync_all()?;
        file.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(())
    };
    write(&format!("{before}{gap}{block}"))?;
    if let Err(end) = place::load(folder) {
        if is_new {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        } else {
            write(&before)?;
        }
        say(&format!("dayuan: {} is as it was", path.display()));
        return Ok(end);
    }
    say(&format!("dayuan: added to {}; `dayuan reload` makes the daemon read it", path.display()));
    Ok(End::Done)
}

/// Copies mode and owner from the file that is replaced. A new file gets those of `dayuan.toml`, so that whoever can
/// read the settings can read it too.
fn keep_rights(file: &std::fs::File, path: &Path, folder: &Path) -> anyhow::Result<()> {
    let model = std::fs::metadata(path).or_else(|_new| std::fs::metadata(folder.join("dayuan.toml")));
    let Ok(model) = model else {
        file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
        return Ok(());
    };
    file.set_permissions(model.permissions())?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (model.uid(), model.gid()) {
        // Only root can change the owner; for other users the new file stays their own.
        drop(std::os::unix::fs::fchown(file, Some(model.uid()), Some(model.gid())));
    }
    Ok(())
}

/// Returns the path of `sources/added.toml` and creates its folder. Only this command writes that file, so files that
/// come with a package or are written by hand stay untouched.
fn list(folder: &Path) -> anyhow::Result<PathBuf> {
    let folder = folder.join("sources");
    if !folder.exists() {
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        // Whoever can read the config folder must be able to read this one.
        let model = folder.parent().map(std::fs::metadata).transpose()?;
        if let Some(model) = model {
            std::fs::set_permissions(&folder, model.permissions())?;
            // Only root can change the owner; for other users the new folder stays their own.
            drop(std::os::unix::fs::chown(&folder, Some(model.uid()), Some(model.gid())));
        }
    }
    Ok(folder.join("added.toml"))
}
