//! Takes items and sources out of everything published, and publishes them again.

use super::arguments::Arguments;
use super::control;
use super::out::{End, say, show};
use super::store::{Store, give_to_owner, open, store};
use crate::daemon::{self, AdminRequest, ask};
use crate::log::{Log, Record};
use crate::model::{ItemId, Moment};
use crate::view::View;

/// The reason for the log, and what readers are told.
type Reasons = (String, Option<String>);

/// Removes an item from everything published.
pub(super) fn withdraw(arguments: &Arguments, item: &str, reasons: Reasons) -> anyhow::Result<End> {
    let (reason, public_reason) = given(reasons)?;
    let request =
        AdminRequest::Withdraw { item: item.to_owned(), reason: reason.clone(), public_reason: public_reason.clone() };
    let record = |item, at| Record::Withdraw { item, reason: reason.clone(), public_reason: public_reason.clone(), at };
    decide(arguments, item, &request, true, record)
}

/// Removes everything of a source from everything published.
pub(super) fn withdraw_source(arguments: &Arguments, source: &str, reasons: Reasons) -> anyhow::Result<End> {
    let (reason, public_reason) = given(reasons)?;
    let request = AdminRequest::TakeDown {
        source: source.to_owned(),
        reason: reason.clone(),
        public_reason: public_reason.clone(),
    };
    decide_source(arguments, source, &request, Some((reason, public_reason)))
}

/// Publishes a source again.
pub(super) fn restore_source(arguments: &Arguments, source: &str) -> anyhow::Result<End> {
    decide_source(arguments, source, &AdminRequest::Lift { source: source.to_owned() }, None)
}

/// Returns the reasons if there is one for the log; an empty one for readers is none.
fn given((reason, public_reason): Reasons) -> anyhow::Result<Reasons> {
    anyhow::ensure!(!reason.trim().is_empty(), "--reason must not be empty; the log keeps it for good");
    Ok((reason, public_reason.filter(|reason| !reason.trim().is_empty())))
}

/// Records a decision about a source in the log: through the daemon if one is running, else in the store.
fn decide_source(
    arguments: &Arguments,
    source: &str,
    request: &AdminRequest,
    reasons: Option<Reasons>,
) -> anyhow::Result<End> {
    if let Some(answered) = ask(&control::path(arguments), request, None).map_err(anyhow::Error::msg)? {
        return Ok(control::print(&answered));
    }
    let Some(store) = store(arguments)? else { return Ok(End::Config) };
    let (log, view) = open(&store, false)?;
    let record = daemon::of_source(&view, source, reasons, daemon::now()).map_err(anyhow::Error::msg)?;
    let mut told = daemon::told(std::slice::from_ref(&record));
    append(&store, &log, &view, &[record])?;
    let records = daemon::carry_out(&view, &log, daemon::now());
    told.extend(daemon::told(&records));
    append(&store, &log, &view, &records)?;
    note(request);
    told.iter().for_each(|line| show(line));
    Ok(End::Done)
}

/// Appends records to the log of a store that no daemon uses, and applies them.
fn append(store: &Store, log: &Log, view: &View, records: &[Record]) -> anyhow::Result<()> {
    anyhow::ensure!(
        !store.is_shared,
        "several machines share the log of this store ([cluster]), so nothing is written to it alone; start dayuan here, or do this on another machine"
    );
    let appended = log.append(records, daemon::now())?;
    // The first record of a day creates a file that the service must be able to append to.
    give_to_owner(&store.path)?;
    view.apply(&appended, records)?;
    view.flush()?;
    give_to_owner(&store.path)
}

/// Tells the system log what was done without the daemon.
fn note(request: &AdminRequest) {
    if let Err(error) = daemon::note_offline(request) {
        say(&format!("dayuan: done, but the system log was not told: {error}"));
    }
}

/// Publishes a withdrawn item again.
pub(super) fn restore_item(arguments: &Arguments, item: &str) -> anyhow::Result<End> {
    let request = AdminRequest::Restore { item: item.to_owned() };
    decide(arguments, item, &request, false, |item, at| Record::Restore { item, at })
}

/// Lists the withdrawn items: through the daemon if one is running, else from the store.
pub(super) fn withdrawn(arguments: &Arguments) -> anyhow::Result<End> {
    if let Some(answered) =
        ask(&control::path(arguments), &AdminRequest::Withdrawn, None).map_err(anyhow::Error::msg)?
    {
        return Ok(control::print(&answered));
    }
    let Some(store) = store(arguments)? else { return Ok(End::Config) };
    let (log, view) = open(&store, false)?;
    daemon::withdrawn(&view, &log).iter().for_each(|line| show(line));
    Ok(End::Done)
}

/// Records a decision about an item in the log: through the daemon if one is running, else in the store.
fn decide(
    arguments: &Arguments,
    name: &str,
    request: &AdminRequest,
    withdraws: bool,
    record: impl Fn(ItemId, Moment) -> Record,
) -> anyhow::Result<End> {
    if let Some(answered) = ask(&control::path(arguments), request, None).map_err(anyhow::Error::msg)? {
        return Ok(control::print(&answered));
    }
    let Some(store) = store(arguments)? else { return Ok(End::Config) };
    let (log, view) = open(&store, false)?;
    let (items, told) = daemon::decided(&view, &log, name, withdraws).map_err(anyhow::Error::msg)?;
    let records: Vec<Record> = items.into_iter().map(|item| record(item, daemon::now())).collect();
    append(&store, &log, &view, &records)?;
    note(request);
    show(&told);
    Ok(End::Done)
}
