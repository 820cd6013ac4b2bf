use std::path::PathBuf;

use anyhow::Context;
use comfy_table::{Table, TableStyle};

use super::arguments::Arguments;
use super::out::{End, say, show};
use super::place;
use crate::config::socket;
use crate::daemon::{Answered, DaemonStatus, Request, SourceStatus, ask};

/// Has the running daemon poll a source.
pub(super) fn poll(arguments: &Arguments, source: &str) -> anyhow::Result<End> {
    told(arguments, &Request::Poll { source: source.to_owned() })
}

/// Has the running daemon leave a source alone.
pub(super) fn pause(arguments: &Arguments, source: &str) -> anyhow::Result<End> {
    told(arguments, &Request::Pause { source: source.to_owned() })
}

/// Has the running daemon poll a paused source again.
pub(super) fn resume(arguments: &Arguments, source: &str) -> anyhow::Result<End> {
    told(arguments, &Request::Resume { source: source.to_owned() })
}

/// Has the running daemon read its config again.
pub(super) fn reload(arguments: &Arguments) -> anyhow::Result<End> {
    told(arguments, &Request::Reload)
}

fn told(arguments: &Arguments, request: &Request) -> anyhow::Result<End> {
    Ok(print(&asked(arguments, request)?))
}

/// Shows an answer.
pub(super) fn print(answered: &Answered) -> End {
    for line in &answered.lines {
        if answered.ok { show(line) } else { say(&format!("dayuan: {line}")) }
    }
    if answered.ok { End::Done } else { End::Failed }
}

/// How the running daemon and its sources fare.
pub(super) fn status(arguments: &Arguments, json: bool) -> anyhow::Result<End> {
    let answered = asked(arguments, &Request::Status)?;
    if !answered.ok {
        anyhow::bail!("{}", answered.lines.join("; "));
    }
    if json {
        answered.lines.iter().for_each(|line| show(line));
        return Ok(End::Done);
    }
    let mut lines = answered.lines.iter();
    let daemon: DaemonStatus = serde_json::from_str(lines.next().context("the daemon said nothing")?)?;
    show(&format!(
        "dayuan {} (pid {}) since {}: {} items, {} stories, {} polls under way",
        daemon.daemon, daemon.pid, daemon.since, daemon.items, daemon.stories, daemon.polling
    ));
    if let Some(trouble) = daemon.trouble {
        show(&format!("TROUBLE: {trouble}"));
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_header(["SOURCE", "HEALTH", "LAST READ", "NEXT", "TITLE", "REASON"]);
    for line in lines {
        let source: SourceStatus = serde_json::from_str(line)?;
        let short = |at: Option<String>| {
            at.map_or_else(|| "-".to_owned(), |at| at.chars().take(16).collect::<String>().replace('T', " ") + "Z")
        };
        let moved = source.moved.map(|to| format!("moved to {to}"));
        let reason = source.reason.or(source.doubt).or(moved).unwrap_or_default();
        table.add_row([source.source, source.health, short(source.succeeded), short(source.due), source.title, reason]);
    }
    show(&table.trim_fmt());
    Ok(End::Done)
}

/// The answer of the running daemon; without one, an error that says where it was looked for.
fn asked(arguments: &Arguments, request: &Request) -> anyhow::Result<Answered> {
    let socket = path(arguments);
    ask(&socket, request, None).map_err(anyhow::Error::msg)?.with_context(|| {
        format!(
            "no daemon answers on {}, the socket of the config in {}; is it running, and with this --config?",
            socket.display(),
            place::folder(arguments).display()
        )
    })
}

/// The admin socket of the config. Nothing else of it is read, so that a broken config can still be reloaded.
pub(super) fn path(arguments: &Arguments) -> PathBuf {
    let folder = place::folder(arguments);
    socket(&folder, &place::places(&folder))
}
