//! `dayuan check`: reports every fault of the config, and on request what each source would yield.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::arguments::Arguments;
use super::out::{End, say, show};
use super::place;
use super::progress::Progress;
use crate::config::Config;
use crate::daemon::now;
use crate::fetch::{Fetcher, Request, RobotsScope};
use crate::model::{Page, Source, counted};
use crate::read::{self, Rules};

/// Reports every fault of the config; with `online`, also what each source would yield.
pub(super) fn run(arguments: &Arguments, online: bool) -> anyhow::Result<End> {
    let folder = place::folder(arguments);
    let (config, mut warnings) = match place::checked(&folder) {
        Ok(checked) => checked,
        Err(end) => return Ok(end),
    };
    for path in unreadable(&folder) {
        warnings += 1;
        say(&format!("dayuan: {} cannot be read by the service's own user; chmod o+rX it", path.display()));
    }
    let regions = config.sources.iter().map(|source| &source.region).collect::<std::collections::HashSet<_>>().len();
    show(&format!(
        "{}: {} in {}, no faults{}",
        folder.display(),
        counted(config.sources.len(), "source", "sources"),
        counted(regions, "region", "regions"),
        if warnings == 0 { String::new() } else { format!(", {}", counted(warnings, "warning", "warnings")) }
    ));
    if !online {
        return Ok(End::Done);
    }
    let all_read = place::runtime()?.block_on(visit_all(config))?;
    Ok(if all_read { End::Done } else { End::Failed })
}

/// Returns the files and folders of the config that root can read but the user of the service cannot. Empty for any
/// user but root, who would have seen an error already.
fn unreadable(folder: &Path) -> Vec<PathBuf> {
    if !place::is_root() {
        return Vec::new();
    }
    let sources = std::fs::read_dir(folder.join("sources")).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = sources.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let all = [folder.to_owned(), folder.join("sources"), folder.join("dayuan.toml"), folder.join("regions.toml")];
    all.into_iter()
        .chain(files)
        .filter(|path| {
            let is_closed =
                |path: &Path, right: u32| std::fs::metadata(path).is_ok_and(|it| it.mode() & right != right);
            // Follow symbolic links, too: every folder above the real path must be searchable.
            let real = path.canonicalize().unwrap_or_else(|_missing| path.clone());
            is_closed(&real, if real.is_dir() { 0o5 } else { 0o4 })
                || real.ancestors().skip(1).any(|above| is_closed(above, 0o1))
        })
        .collect()
}

/// Fetches each source once, hosts in parallel, the sources of a host one at a time. Returns `true` if all were read.
async fn visit_all(config: Config) -> anyhow::Result<bool> {
    let fetcher = Arc::new(Fetcher::new(config.settings.fetch)?);
    if let Some(distrust) = fetcher.distrust() {
        say(&format!("dayuan: {distrust}"));
    }
    let room = Arc::new(Semaphore::new(config.settings.poll.concurrency));
    let mut hosts: std::collections::HashMap<String, Vec<Arc<Source>>> = std::collections::HashMap::new();
    for source in config.sources {
        hosts.entry(source.url.host_text().to_owned()).or_default().push(source);
    }
    let gap = config.settings.poll.host_gap;
    let bar = Arc::new(Progress::new("reading sources", Some(hosts.values().map(|all| all.len() as u64).sum())));
    let mut tasks = JoinSet::new();
    for sources in hosts.into_values() {
        let (fetcher, room, bar) = (Arc::clone(&fetcher), Arc::clone(&room), Arc::clone(&bar));
        tasks.spawn(async move {
            let _place = room.acquire_owned().await;
            let mut all_read = true;
            for (at, source) in sources.iter().enumerate() {
                if at > 0 {
                    tokio::time::sleep(gap).await;
                }
                let (is_read, line) = visit(&fetcher, source).await;
                all_read &= is_read;
                bar.around(|| show(&line));
                bar.step();
            }
            all_read
        });
    }
    let mut all_read = true;
    while let Some(outcome) = tasks.join_next().await {
        all_read &= outcome?;
    }
    Ok(all_read)
}

async fn visit(fetcher: &Fetcher, source: &Source) -> (bool, String) {
    let now = now();
    let robots = if source.kind.is_page() { RobotsScope::Everywhere } else { RobotsScope::OtherSites };
    let request = Request { robots, post: source.post.as_deref(), ..Request::page(source, &source.url) };
    let answer = match fetcher.get(request, now).await {
        Ok(answer) if answer.status == 200 => answer,
        Ok(answer) => return (false, format!("{}: FAILED: the site answered {}", source.id, answer.status)),
        Err(error) => return (false, format!("{}: FAILED: {error}", source.id)),
    };
    let rules = Rules::of(source);
    let page = Page { url: answer.url, content_type: answer.content_type, body: answer.body };
    let reading = read::read(&page, &rules, now);
    if let Some(fault) = reading.faults.iter().find(|fault| fault.kind.is_fatal()) {
        return (false, format!("{}: FAILED: {}", source.id, fault.detail));
    }
    let newest =
        reading.drafts.iter().filter_map(|draft| draft.published.or(draft.updated)).max_by_key(|stamp| stamp.at);
    let newest = newest.map(|stamp| format!(", newest of {stamp}")).unwrap_or_default();
    let is_whole = !source.reads_pages_of(reading.format);
    let left_out = reading.drafts.iter().filter(|draft| source.filter.refusal(draft, now, is_whole).is_some());
    let left_out = match left_out.count() {
        0 => String::new(),
        some => format!(", {some} left out by its rules"),
    };
    let doubts = if reading.faults.is_empty() {
        String::new()
    } else {
        format!(", {} doubts (see dayuan inspect --source {})", reading.faults.len(), source.id)
    };
    (
        true,
        format!("{}: {} items of {}{newest}{left_out}{doubts}", source.id, reading.drafts.len(), reading.format.word()),
    )
}
