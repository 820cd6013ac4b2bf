//! The commands that work on the store: backup, restore, verify, rebuild, explain.

use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::arguments::Arguments;
use super::out::{End, say, show};
use super::progress::Progress;
use super::{control, place};
use crate::daemon::{self, AdminRequest, ask};
use crate::log::{self, Log};
use crate::model::counted;
use crate::regions::Places;
use crate::view::{Options, Outline, View};

/// Writes the log to an archive: through the daemon if one is running, else from the store. An existing file is never
/// overwritten.
pub(super) fn backup(arguments: &Arguments, file: &Path) -> anyhow::Result<End> {
    let is_there = || anyhow::anyhow!("{} is there already; move it away, or choose another name", file.display());
    if file.symlink_metadata().is_ok() {
        return Err(is_there());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The temporary file has a random name and is created exclusively, so nobody can have planted a link there.
    let mut out = tempfile::Builder::new()
        .prefix(".dayuan-backup-")
        .tempfile_in(folder)
        .with_context(|| format!("cannot write into {}", folder.display()))?;
    let bar = Progress::new("writing the archive", None);
    let asked = ask(&control::path(arguments), &AdminRequest::Backup, Some(&mut out)).map_err(anyhow::Error::msg)?;
    let damages = match asked {
        Some(answered) if !answered.ok => anyhow::bail!("{}", answered.lines.join("; ")),
        Some(answered) => answered.lines,
        None => {
            let Some(store) = store(arguments)? else { return Ok(End::Config) };
            let (log, torn) = Log::inspect(&store.path.join("log"))?;
            log::backup(&log, &mut out)?;
            torn.into_iter().chain(log.scrub(&|| false)?).map(|damage| damage.to_string()).collect()
        }
    };
    out.as_file().sync_all()?;
    // A truncated archive must not be left behind.
    let segments = log::examine(out.path())?;
    drop(bar);
    anyhow::ensure!(segments > 0, "the log is empty: there is nothing to back up");
    out.persist_noclobber(file).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => is_there(),
        _ => anyhow::Error::new(error.error).context(format!("cannot write {}", file.display())),
    })?;
    show(&format!("{}: {} of log", file.display(), counted(segments, "day", "days")));
    if damages.is_empty() {
        return Ok(End::Done);
    }
    damages.iter().for_each(|damage| say(&format!("dayuan: {damage}")));
    say("dayuan: the log is damaged, and so is this backup of it; keep an older one as well");
    Ok(End::Failed)
}

/// Creates the store from an archive.
pub(super) fn restore(arguments: &Arguments, file: &Path) -> anyhow::Result<End> {
    let config = match place::load(&place::folder(arguments)) {
        Ok(config) => config,
        Err(end) => return Ok(end),
    };
    let store = &config.settings.store;
    reachable(store)?;
    let folder = store.join("log");
    if folder.exists() {
        daemon::check_store(store)?;
        // Taking the lock proves that no daemon is using this store.
        drop(Log::inspect(&folder)?);
    }
    let bar = Progress::new("examining and restoring the archive", None);
    log::examine(file)?;
    let segments = log::restore(file, &folder)?;
    drop(bar);
    // The view and the poll states belong to another log. Without them, the view is rebuilt and every source is fetched
    // in full.
    for made in ["view", "visits"].map(|name| store.join(name)).iter().filter(|made| made.exists()) {
        std::fs::remove_dir_all(made).with_context(|| format!("cannot remove {}", made.display()))?;
    }
    // The mark of a newer dayuan, whose log was moved away, says nothing about this one.
    if let Err(error) = std::fs::remove_file(store.join("version"))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(anyhow::Error::new(error).context(format!("cannot remove {}/version", store.display())));
    }
    give_to_owner(store)?;
    let days = counted(segments, "day", "days");
    show(&format!("{}: {days} of log; the view is made from it at the next start", folder.display()));
    Ok(End::Done)
}

/// Checks that the store is not a broken link. With `DynamicUser=`, it is a link to a folder that systemd keeps in
/// `private/` beside it (systemd.exec(5)); a folder in place of that link keeps the service from starting.
fn reachable(store: &Path) -> anyhow::Result<()> {
    let is_link = store.symlink_metadata().is_ok_and(|it| it.is_symlink());
    anyhow::ensure!(
        !is_link || store.exists(),
        "{} is a link that leads nowhere; remove it, and systemd makes the folder anew",
        store.display()
    );
    let kept = store.parent().zip(store.file_name()).map(|(folder, name)| folder.join("private").join(name));
    if let Some(kept) = kept.filter(|kept| !is_link && kept.exists()) {
        anyhow::bail!(
            "the service keeps its store in {}, but the link {} to it is not there; make it (ln -s private/{} {}), or move that folder away",
            kept.display(),
            store.display(),
            kept.file_name().unwrap_or_default().display(),
            store.display()
        );
    }
    Ok(())
}

/// Gives everything in the store to the owner of its folder, so that the service can write to what root created.
pub(super) fn give_to_owner(store: &Path) -> anyhow::Result<()> {
    // With `DynamicUser=`, /var/lib/dayuan is a link to the real folder (systemd.exec(5)).
    let store = &store.canonicalize().with_context(|| format!("cannot find {}", store.display()))?;
    let owner = std::fs::metadata(store).with_context(|| format!("cannot look at {}", store.display()))?;
    let mut open = vec![store.to_owned()];
    while let Some(path) = open.pop() {
        let own = path.symlink_metadata()?;
        if (own.uid(), own.gid()) != (owner.uid(), owner.gid()) {
            std::os::unix::fs::lchown(&path, Some(owner.uid()), Some(owner.gid()))
                .with_context(|| format!("cannot give {} to the owner of {}", path.display(), store.display()))?;
        }
        if own.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        }
    }
    Ok(())
}

/// Compares the view with the log: through the daemon if one is running, else in the store, where nothing is written.
pub(super) fn verify(arguments: &Arguments) -> anyhow::Result<End> {
    if let Some(answered) = ask(&control::path(arguments), &AdminRequest::Verify, None).map_err(anyhow::Error::msg)? {
        answered.lines.iter().for_each(|line| show(line));
        return Ok(if answered.ok { End::Done } else { End::Failed });
    }
    let Some(store) = store(arguments)? else { return Ok(End::Config) };
    let (log, damages) = Log::inspect(&store.path.join("log"))?;
    damages.iter().for_each(|damage| show(&damage.to_string()));
    let options = Options { path: store.path.join("view"), rules: String::new(), places: store.places };
    let copy = tempfile::tempdir().context("cannot make a folder for a copy of the view")?;
    let check = View::examine(&options, &Arc::new(log), copy.path())?;
    check.lines().iter().for_each(|line| show(line));
    Ok(if check.is_well() && damages.is_empty() { End::Done } else { End::Failed })
}

/// Explains an item: through the daemon if one is running, else from the store.
pub(super) fn explain(arguments: &Arguments, item: &str) -> anyhow::Result<End> {
    let request = AdminRequest::Explain { item: item.to_owned() };
    if let Some(answered) = ask(&control::path(arguments), &request, None).map_err(anyhow::Error::msg)? {
        return Ok(control::print(&answered));
    }
    let Some(store) = store(arguments)? else { return Ok(End::Config) };
    let (log, view) = open(&store, false)?;
    match daemon::explain(&view, &log, item) {
        Some(lines) => lines.iter().for_each(|line| show(line)),
        None => anyhow::bail!(daemon::no_item(item)),
    }
    Ok(End::Done)
}

/// Discards the view, rebuilds it, and lists the items whose story or regions changed.
pub(super) fn rebuild(arguments: &Arguments) -> anyhow::Result<End> {
    const MAX_CHANGES: usize = 200;
    let Some(store) = store(arguments)? else { return Ok(End::Config) };
    // Snapshot of the view that is about to be discarded; `None` if it cannot be read.
    let before = Outline::stored(&store.path.join("view"));
    let (_log, view) = open(&store, true)?;
    view.flush()?;
    give_to_owner(&store.path)?;
    let (items, stories) = view.counts();
    show(&format!("made anew: {}, {}", counted(items, "item", "items"), counted(stories, "story", "stories")));
    if let Some(before) = before {
        let changes = before.changes(&view.outline());
        changes.iter().take(MAX_CHANGES).for_each(|change| show(change));
        match changes.len() {
            0 => show("every item is in the same story and in the same regions as before"),
            all if all > MAX_CHANGES => show(&format!("… and {} more", all - MAX_CHANGES)),
            _ => {}
        }
    }
    Ok(End::Done)
}

/// Prints how much room the store takes, and will take.
pub(super) fn disk(arguments: &Arguments) -> anyhow::Result<End> {
    let config = match place::load(&place::folder(arguments)) {
        Ok(config) => config,
        Err(end) => return Ok(end),
    };
    let settings = &config.settings;
    let lines = daemon::disk(&settings.store, settings.limits.keep.as_secs() / 86_400);
    let lines = lines.with_context(|| format!("cannot look at {}", settings.store.display()))?;
    lines.iter().for_each(|line| show(line));
    Ok(End::Done)
}

/// Path of a store that no daemon answers for, and the region names of the config.
pub(super) struct Store {
    pub(super) path: PathBuf,
    /// Whether its log is one that several machines share.
    pub(super) is_shared: bool,
    places: Arc<Places>,
}

/// Returns the store of the config; `None` if the config is invalid.
///
/// # Errors
/// If there is no store. None is created, because its path may only be a guess.
pub(super) fn store(arguments: &Arguments) -> anyhow::Result<Option<Store>> {
    let folder = place::folder(arguments);
    let Ok(config) = place::load(&folder) else { return Ok(None) };
    let (path, is_shared) = (config.settings.store, config.settings.cluster.is_some());
    anyhow::ensure!(
        path.join("log").is_dir(),
        "no daemon answers on {}, and there is no store in {}; both paths are from the config in {}; use --config for another",
        config.settings.socket.display(),
        path.display(),
        folder.display()
    );
    daemon::check_store(&path)?;
    Ok(Some(Store { path, is_shared, places: Arc::new(Places::new(&config.regions)) }))
}

/// Opens a store; with `anew`, its view is rebuilt.
pub(super) fn open(store: &Store, anew: bool) -> anyhow::Result<(Arc<Log>, View)> {
    // Open the log first: its lock keeps a daemon from using the view that is about to be removed.
    let (log, damages) = Log::open(&store.path.join("log"))?;
    damages.iter().for_each(|damage| say(&format!("dayuan: {damage}")));
    let path = store.path.join("view");
    if anew && path.exists() {
        std::fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    let last = log.last_seq();
    let bar = Progress::new("replaying the log", Some(last));
    let is_terminal = std::io::stderr().is_terminal();
    let progress = |seq: u64| if is_terminal { bar.at(seq) } else { say(&format!("record {seq} of {last}")) };
    let log = Arc::new(log);
    let options = Options { path, rules: String::new(), places: Arc::clone(&store.places) };
    let (view, notices) = View::open(&options, Arc::clone(&log), &progress)?;
    drop(bar);
    notices.iter().for_each(|notice| say(&format!("dayuan: {notice}")));
    give_to_owner(&store.path)?;
    Ok((log, view))
}
