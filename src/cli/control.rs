//! The commands that ask the running daemon: status, find, poll, pause, resume, reload.

use std::path::PathBuf;

use anyhow::Context;
use comfy_table::{Table, TableStyle};

use super::arguments::Arguments;
use super::out::{End, say, show, show_data, told as said};
use super::place;
use crate::config::socket;
use crate::daemon::{AdminReply, AdminRequest, DaemonStatus, SourceStatus, ask};
use crate::model::{Health, Moment, Zone, counted};

/// Makes the running daemon poll a source.
pub(super) fn poll(arguments: &Arguments, source: &str) -> anyhow::Result<End> {
    told(arguments, &AdminRequest::Poll { source: source.to_owned() })
}

/// Makes the running daemon stop polling a source.
pub(super) fn pause(arguments: &Arguments, source: &str) -> anyhow::Result<End> {
    told(arguments, &AdminRequest::Pause { source: source.to_owned() })
}

/// Makes the running daemon poll a paused source again.
pub(super) fn resume(arguments: &Arguments, source: &str) -> anyhow::Result<End> {
    told(arguments, &AdminRequest::Resume { source: source.to_owned() })
}

/// Makes the running daemon read its config again.
pub(super) fn reload(arguments: &Arguments) -> anyhow::Result<End> {
    let language = place::language(&place::folder(arguments)).tag().to_owned();
    told(arguments, &AdminRequest::Reload { language: Some(language) })
}

/// Prints what the running daemon finds.
pub(super) fn find(arguments: &Arguments, words: &[String], region: Option<&str>, most: usize) -> anyhow::Result<End> {
    // A shell takes quotes away: an argument with a space in it is a phrase.
    let is_phrase = |word: &&String| words.len() > 1 && word.contains(' ') && !word.contains('"');
    let words = words.iter().map(|word| if is_phrase(&word) { format!("\"{word}\"") } else { word.clone() });
    let words = words.collect::<Vec<_>>().join(" ");
    told(arguments, &AdminRequest::Find { words, region: region.map(str::to_owned), most })
}

fn told(arguments: &Arguments, request: &AdminRequest) -> anyhow::Result<End> {
    Ok(print(&asked(arguments, request)?))
}

/// Prints a reply of the daemon: results to standard output, a failure to standard error.
pub(super) fn print(answered: &AdminReply) -> End {
    for line in &answered.lines {
        if answered.ok { show(line) } else { say(&format!("dayuan: {line}")) }
    }
    if answered.ok { End::Done } else { End::Failed }
}

/// Prints the status of the running daemon and its sources, as a table or as JSON lines.
pub(super) fn status(arguments: &Arguments, json: bool) -> anyhow::Result<End> {
    let answered = asked(arguments, &AdminRequest::Status)?;
    if !answered.ok {
        anyhow::bail!("{}", answered.lines.join("; "));
    }
    if json {
        answered.lines.iter().for_each(|line| show(line));
        return Ok(End::Done);
    }
    let mut lines = answered.lines.iter();
    let daemon: DaemonStatus = serde_json::from_str(lines.next().context("the daemon said nothing")?)?;
    let zone = Zone::system();
    let local = |at: &str| Moment::from_rfc3339(at).map_or_else(|| at.to_owned(), |at| at.to_the_minute(&zone));
    show(&format!(
        "dayuan {} (pid {}) since {} ({} time): {} items, {} stories, {} polls under way",
        daemon.daemon,
        daemon.pid,
        local(&daemon.since),
        zone.name(),
        daemon.items,
        daemon.stories,
        daemon.polling
    ));
    let sources: Vec<SourceStatus> = lines.map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    show(&census(&sources));
    if let Some((subscriptions, failing)) = daemon.hub {
        show(&format!("hub: {}, {failing} of them failing", counted(subscriptions, "subscription", "subscriptions")));
    }
    if let Some(cluster) = daemon.cluster {
        show(&format!("cluster: {cluster}"));
    }
    if let Some(trouble) = daemon.trouble {
        show(&format!("TROUBLE: {trouble}"));
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(["SOURCE", "HEALTH", "LAST READ", "NEXT", "TITLE", "REASON"].map(said));
    for source in sources {
        let short = |at: Option<String>| at.map_or_else(|| "-".to_owned(), |at| local(&at));
        let is_well = ["ok", "new"].contains(&source.health.as_str());
        let health = match source.since.filter(|_| !is_well) {
            Some(since) => said(&format!("{} since {}", source.health, local(&since))),
            None => said(&source.health),
        };
        let moved = source.moved.map(|to| format!("moved to {to}"));
        let left_out = source.left_out.map(|(count, rule)| format!("{count} left out, such as by {rule}"));
        let reason = source.reason.or(source.doubt).or(moved).or(left_out).unwrap_or_default();
        table.add_row([source.source, health, short(source.succeeded), short(source.due), source.title, said(&reason)]);
    }
    show_data(&table.trim_fmt());
    Ok(End::Done)
}

/// Returns how many sources there are of each health, such as `12 sources: 9 ok, 2 degraded, 1 paused`.
fn census(sources: &[SourceStatus]) -> String {
    let of = |health: &str| sources.iter().filter(|source| source.health == health).count();
    let words = Health::ALL.map(Health::word).into_iter().chain(["unknown"]);
    let counts = words.map(|word| (of(word), word)).filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {}", said(word))).collect();
    let all = counted(sources.len(), "source", "sources");
    if counts.is_empty() { all } else { format!("{all}: {}", counts.join(", ")) }
}

/// Sends a request to the running daemon and returns its reply. If no daemon answers, the error names the socket that
/// was tried.
fn asked(arguments: &Arguments, request: &AdminRequest) -> anyhow::Result<AdminReply> {
    let socket = path(arguments);
    ask(&socket, request, None).map_err(anyhow::Error::msg)?.with_context(|| {
        format!(
            "no daemon answers on {}, the socket of the config in {}; is it running, and with this --config?",
            socket.display(),
            place::folder(arguments).display()
        )
    })
}

/// Returns the path of the admin socket. Nothing else is read from the config, so that a daemon can still be reached
/// while its config is broken.
pub(super) fn path(arguments: &Arguments) -> PathBuf {
    let folder = place::folder(arguments);
    socket(&folder, &place::places(&folder))
}
