use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use super::arguments::Arguments;
use super::{End, control, place, say, show};
use crate::daemon::{self, Request, ask, check_lines};
use crate::log::{self, Log, Record};
use crate::model::{ItemId, Moment};
use crate::same::Places;
use crate::view::{Options, Outline, View};

/// Writes the log into one archive: through the daemon where one lives, else from the store.
pub(super) fn backup(arguments: &Arguments, file: &Path) -> anyhow::Result<End> {
    let partial = file.with_extension("partial");
    let mut out = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&partial)
        .with_context(|| format!("cannot write {}", partial.display()))?;
    let asked = ask(&control::path(arguments), &Request::Backup, Some(&mut out)).map_err(anyhow::Error::msg)?;
    match asked {
        Some(answered) if !answered.ok => anyhow::bail!("{}", answered.lines.join("; ")),
        Some(_) => {}
        None => {
            let Some(log) = open_log(arguments)? else { return Ok(End::Config) };
            log::backup(&log, &mut out)?;
        }
    }
    out.sync_all()?;
    // An archive that was cut off on the way must not look like one.
    let segments = log::examine(&partial)?;
    std::fs::rename(&partial, file)?;
    show(&format!("{}: {segments} days of log", file.display()));
    Ok(End::Done)
}

/// Makes the store from an archive.
pub(super) fn restore(arguments: &Arguments, file: &Path) -> anyhow::Result<End> {
    let config = match place::load(&place::folder(arguments)) {
        Ok(config) => config,
        Err(end) => return Ok(end),
    };
    let folder = config.settings.store.join("log");
    if folder.exists() {
        // Taking the lock proves that no daemon lives here.
        drop(Log::open(&folder)?);
    }
    let segments = log::restore(file, &folder)?;
    show(&format!("{}: {segments} days of log; the view is made from it at the next start", folder.display()));
    Ok(End::Done)
}

/// Compares the view with the log: through the daemon where one lives, else from the store.
pub(super) fn verify(arguments: &Arguments) -> anyhow::Result<End> {
    if let Some(answered) = ask(&control::path(arguments), &Request::Verify, None).map_err(anyhow::Error::msg)? {
        answered.lines.iter().for_each(|line| show(line));
        return Ok(if answered.ok { End::Done } else { End::Failed });
    }
    let Some((_, view)) = open(arguments, false)? else { return Ok(End::Config) };
    let check = view.verify()?;
    check_lines(&check).iter().for_each(|line| show(line));
    Ok(if check.agrees && check.damages.is_empty() { End::Done } else { End::Failed })
}

/// Why an item looks as it does: through the daemon where one lives, else from the store.
pub(super) fn explain(arguments: &Arguments, item: &str) -> anyhow::Result<End> {
    let request = Request::Explain { item: item.to_owned() };
    if let Some(answered) = ask(&control::path(arguments), &request, None).map_err(anyhow::Error::msg)? {
        return Ok(control::print(&answered));
    }
    let Some((log, view)) = open(arguments, false)? else { return Ok(End::Config) };
    match daemon::explain(&view, &log, item) {
        Some(lines) => lines.iter().for_each(|line| show(line)),
        None => anyhow::bail!(daemon::no_item(item)),
    }
    Ok(End::Done)
}

/// Takes an item out of everything published.
pub(super) fn withdraw(arguments: &Arguments, item: &str, reason: &str) -> anyhow::Result<End> {
    let request = Request::Withdraw { item: item.to_owned(), reason: reason.to_owned() };
    decide(arguments, item, &request, |item, at| Record::Withdraw { item, reason: reason.to_owned(), at }, "withdrawn")
}

/// Publishes a withdrawn item again.
pub(super) fn restore_item(arguments: &Arguments, item: &str) -> anyhow::Result<End> {
    let request = Request::Restore { item: item.to_owned() };
    decide(arguments, item, &request, |item, at| Record::Restore { item, at }, "published again")
}

/// Writes a decision about an item into the log: through the daemon where one lives, else into the store.
fn decide(
    arguments: &Arguments,
    name: &str,
    request: &Request,
    record: impl Fn(ItemId, Moment) -> Record,
    done: &str,
) -> anyhow::Result<End> {
    if let Some(answered) = ask(&control::path(arguments), request, None).map_err(anyhow::Error::msg)? {
        return Ok(control::print(&answered));
    }
    let Some((log, view)) = open(arguments, false)? else { return Ok(End::Config) };
    let id = ItemId::named(name).filter(|id| view.find(*id).is_some()).with_context(|| daemon::no_item(name))?;
    let records = [record(id, daemon::now())];
    let appended = log.append(&records, daemon::now())?;
    view.apply(&appended, &records)?;
    view.flush()?;
    show(&format!("{id} is {done}"));
    Ok(End::Done)
}

/// Throws the view away and makes it anew, and lists what is another story or in other regions than before.
pub(super) fn rebuild(arguments: &Arguments) -> anyhow::Result<End> {
    const MOST: usize = 200;
    let before = previous(arguments);
    let Some((_, view)) = open(arguments, true)? else { return Ok(End::Config) };
    view.flush()?;
    let (items, stories) = view.counts();
    show(&format!("made anew: {items} items, {stories} stories"));
    if let Some(before) = before {
        let changes = before.changes(&view.outline());
        changes.iter().take(MOST).for_each(|change| show(change));
        match changes.len() {
            0 => show("every item is in the same story and in the same regions as before"),
            all if all > MOST => show(&format!("… and {} more", all - MOST)),
            _ => {}
        }
    }
    Ok(End::Done)
}

/// What the view that is about to be thrown away makes of the items; `None` where it cannot be read.
fn previous(arguments: &Arguments) -> Option<Outline> {
    let config = place::load(&place::folder(arguments)).ok()?;
    Outline::stored(&config.settings.store.join("view"))
}

fn open_log(arguments: &Arguments) -> anyhow::Result<Option<Log>> {
    let Ok(config) = place::load(&place::folder(arguments)) else { return Ok(None) };
    let (log, damages) = Log::open(&config.settings.store.join("log"))?;
    damages.iter().for_each(|damage| say(&format!("dayuan: {damage}")));
    Ok(Some(log))
}

fn open(arguments: &Arguments, anew: bool) -> anyhow::Result<Option<(Arc<Log>, View)>> {
    let Ok(config) = place::load(&place::folder(arguments)) else { return Ok(None) };
    // The log comes first: its lock keeps a daemon away from what is about to be removed.
    let Some(log) = open_log(arguments)? else { return Ok(None) };
    let path = config.settings.store.join("view");
    if anew && path.exists() {
        std::fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    let places = Arc::new(Places::new(&config.regions));
    let last = log.last_seq();
    let progress = |seq: u64| say(&format!("record {seq} of {last}"));
    let log = Arc::new(log);
    let (view, notices) = View::open(&Options { path, rules: String::new(), places }, Arc::clone(&log), &progress)?;
    notices.iter().for_each(|notice| say(&format!("dayuan: {notice}")));
    Ok(Some((log, view)))
}
