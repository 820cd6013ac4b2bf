//! `dayuan sources`: lists the sources, imports and exports them as OPML.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::Context;
use comfy_table::{Table, TableStyle};

use super::arguments::{Arguments, Sources};
use super::out::{End, say, show_data, told};
use super::{add, place, regions};
use crate::config::{self, Config};
use crate::daemon::now;
use crate::model::{Kind, Link, RegionId, Regions, SourceId, counted};
use crate::regions::Directory;
use crate::write;

/// How often the faults that sources of a list have together are looked for.
const MAX_ROUNDS: usize = 4;
/// Largest list of feeds that is read, in bytes.
const MAX_LIST: u64 = 64 << 20;

/// Lists, imports or exports sources.
pub(super) fn run(arguments: &Arguments, what: Option<&Sources>) -> anyhow::Result<End> {
    match what {
        None => list(arguments),
        Some(Sources::Import { file, region, keep_ids, write }) => {
            import(arguments, file, region.as_deref(), *keep_ids, *write)
        }
        Some(Sources::Export) => export(arguments),
    }
}

fn list(arguments: &Arguments) -> anyhow::Result<End> {
    let config = match place::load(&place::folder(arguments)) {
        Ok(config) => config,
        Err(end) => return Ok(end),
    };
    let directory = Directory::new(&config.regions);
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(["SOURCE", "TITLE", "REGION", "AS", "ADDRESS"].map(told));
    for source in &config.sources {
        let path = config.regions.get(&source.region).map(|region| directory.path(region)).unwrap_or_default();
        let kind = Kind::WORDS.iter().find(|(_, kind)| *kind == source.kind).map_or("", |(word, _)| word);
        table.add_row([
            source.id.as_str(),
            &source.title,
            &format!("{} {path}", source.region),
            kind,
            source.url.as_str(),
        ]);
    }
    show_data(&table.trim_fmt());
    Ok(End::Done)
}

fn import(
    arguments: &Arguments,
    file: &Path,
    region: Option<&str>,
    keeps_ids: bool,
    writes: bool,
) -> anyhow::Result<End> {
    let folder = place::folder(arguments);
    let config = match folder.is_dir().then(|| place::load(&folder)).transpose() {
        Ok(config) => config,
        Err(end) => return Ok(end),
    };
    let region = region.map(|text| regions::option(config.as_ref(), text)).transpose()?.map(|(id, _)| id);
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    opened.take(MAX_LIST).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", file.display()))?;
    let list = config::feed_list(&bytes).with_context(|| format!("{} is no list of feeds (OPML)", file.display()))?;
    let atlas = Regions::default();
    let tree = match &config {
        Some(config) => &config.regions,
        None => &Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap_or(atlas),
    };
    let mut found = sources_of(&list, config.as_ref(), &Directory::new(tree), region.as_ref(), keeps_ids);
    if let Some(config) = config.as_ref().filter(|_| found.homeless.is_empty()) {
        found.leave_out_refused(config, &folder, file);
    }
    for other in &list.others {
        let title = config::short(other.title().unwrap_or("without a name"));
        let attributes: Vec<String> = other.attributes.iter().map(|(name, _)| config::short(name)).collect();
        say(&format!("dayuan: {title}: no feed; left out, with {}", attributes.join(", ")));
    }
    found.told.iter().for_each(|line| say(&format!("dayuan: {}", line.replace('\n', "\\u000a"))));
    if list.is_cut {
        say("dayuan: the list is longer than what is read of it; split the file");
    }
    say(&format!(
        "dayuan: {} in the list, {} taken",
        counted(list.feeds.len(), "feed", "feeds"),
        counted(found.blocks.len(), "source", "sources")
    ));
    if !writes {
        found.blocks.iter().for_each(|(_, block)| block.lines().chain([""]).for_each(show_data));
    }
    if !found.homeless.is_empty() {
        found.homeless.iter().for_each(|title| say(&format!("dayuan: {title}: in no folder named after a region")));
        anyhow::ensure!(!writes, "nothing was written; give --region NAME for these, or put them into such a folder");
    }
    if writes && !found.blocks.is_empty() {
        return add::append(&folder, &found.text());
    }
    Ok(End::Done)
}

/// What becomes of a list of feeds.
#[derive(Default)]
struct Found {
    /// The sources, each with the title of its entry.
    blocks: Vec<(String, String)>,
    told: Vec<String>,
    /// Titles of those without a region.
    homeless: Vec<String>,
}

impl Found {
    fn text(&self) -> String {
        let blocks: Vec<&str> = self.blocks.iter().map(|(_, block)| block.as_str()).collect();
        blocks.join("\n")
    }

    /// Leaves out the sources that the config would refuse, so that one bad entry costs one entry.
    fn leave_out_refused(&mut self, config: &Config, folder: &Path, list: &Path) {
        let language = place::language(folder);
        let blocks: Vec<&str> = self.blocks.iter().map(|(_, block)| block.as_str()).collect();
        let refusals = config.refusals(&place::places(folder), list, &blocks).into_iter().enumerate();
        let refusals = refusals.filter_map(|(number, fault)| Some((number, fault?.told(language)))).collect();
        self.leave_out(&refusals);
        // What is left is wrong together with others only. Each round reads all anew.
        for _ in 0..MAX_ROUNDS {
            let more = Some((list.to_owned(), self.text()));
            let Err(faults) = Config::load_with(folder, &place::places(folder), more) else { return };
            let mut ends = Vec::with_capacity(self.blocks.len());
            for (_, block) in &self.blocks {
                // An empty line stands behind each.
                ends.push(ends.last().unwrap_or(&0) + block.lines().count() + 1);
            }
            let mut refused = BTreeMap::new();
            for fault in faults.iter().filter(|fault| fault.path == list) {
                if let Some(line) = fault.line() {
                    refused.entry(ends.partition_point(|end| *end < line)).or_insert_with(|| fault.told(language));
                }
            }
            // Other faults are told when the list is written.
            if !self.leave_out(&refused) {
                return;
            }
        }
    }

    /// Leaves out these of the sources, each with its fault and how to fix it; returns whether there were any.
    fn leave_out(&mut self, refused: &BTreeMap<usize, (String, String)>) -> bool {
        let before = self.blocks.len();
        let mut number = 0..;
        self.blocks.retain(|(title, _)| {
            let told = number.next().and_then(|number| refused.get(&number));
            if let Some((message, help)) = told {
                let dash = if help.is_empty() { "" } else { "; " };
                self.told.push(format!("{title}: left out: {message}{dash}{help}"));
            }
            told.is_none()
        });
        self.blocks.len() < before
    }
}

fn sources_of(
    list: &crate::read::OutlineList,
    config: Option<&Config>,
    directory: &Directory<'_>,
    region: Option<&RegionId>,
    keeps_ids: bool,
) -> Found {
    let known = || config.into_iter().flat_map(|config| &config.sources);
    let mut ids: HashSet<SourceId> = known().map(|source| source.id.clone()).collect();
    let mut addresses: HashSet<String> = known().map(|source| source.url.canonical()).collect();
    let is_own = |link: &Link| config.is_some_and(|config| config.settings.fetch.guard.names_own(link));
    let (mut found, mut numbers) = (Found::default(), HashMap::new());
    for feed in &list.feeds {
        let address = feed.attribute("xmlUrl").unwrap_or("");
        let title = config::short(feed.title().unwrap_or(address));
        let link = match Link::parse(address) {
            Ok(link) => link,
            Err(error) => {
                found.told.push(format!("{title}: left out: {error}"));
                continue;
            }
        };
        if !addresses.insert(link.canonical()) {
            let (address, folder) = (config::short(address), config::short(&feed.folders.join("/")));
            found
                .told
                .push(format!("{title}: left out: {address} is a source already (here in the folder `{folder}`)"));
            continue;
        }
        let own = feed.attribute("dayuan:id").and_then(|id| SourceId::new(id).ok()).filter(|id| !ids.contains(id));
        if let Some(own) = own.as_ref().filter(|_| !keeps_ids) {
            found.told.push(format!(
                "{title}: the id {own} of the list is not taken, as an id brings what was published under it; if you trust who made the list, use --keep-ids"
            ));
        }
        let id = own.filter(|_| keeps_ids).unwrap_or_else(|| add::free_id(&link, &mut numbers, &|id| ids.contains(id)));
        match config::imported(feed, &id, directory, region) {
            Ok(imported) => {
                if !imported.has_region && region.is_none() {
                    found.homeless.push(title.clone());
                }
                if is_own(&link) {
                    found.told.push(format!(
                        "{title}: {} is on your own networks ([fetch] allow_networks), and what is there would be published; write it only if you trust who made the list",
                        config::short(address)
                    ));
                }
                if let Some(doubt) = add::doubt_title(feed.title().unwrap_or(""), &link) {
                    found.told.push(format!("{title}: {doubt}"));
                }
                found.told.extend(imported.notes.into_iter().map(|note| format!("{title}: {note}")));
                found.blocks.push((title, imported.block));
                ids.insert(id);
            }
            Err(reason) => found.told.push(format!("{title}: left out: {reason}")),
        }
    }
    found
}

fn export(arguments: &Arguments) -> anyhow::Result<End> {
    let folder = place::folder(arguments);
    let config = match place::load(&folder) {
        Ok(config) => config,
        Err(end) => return Ok(end),
    };
    let outlines = config::outlines(&folder, &Directory::new(&config.regions));
    let outlines = outlines.map_err(|faults| anyhow::anyhow!("{}", faults.summary()))?;
    let unread = |source: &&std::sync::Arc<crate::model::Source>| {
        source.kind.is_page() && !source.pins.list.iter().any(|(key, _)| *key == "item")
    };
    let without = config.sources.iter().filter(unread).count();
    if without > 0 {
        say(&format!(
            "dayuan: {} read by detection; other programs need selectors ([source.list]) to read them",
            counted(without, "page is", "pages are")
        ));
    }
    let list = write::source_list(&config.settings.publish.title, now(), &outlines);
    std::io::stdout().write_all(&list).context("cannot print")?;
    Ok(End::Done)
}
