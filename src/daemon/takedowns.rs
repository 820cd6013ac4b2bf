//! Brings the takedowns of the log in line with those of the config, and finds the items that they cover. A takedown is
//! recorded first, so that nothing new slips through while the items that came before are looked for.

use std::sync::{Arc, Mutex, PoisonError};

use super::clock::now;
use crate::log::{Log, Record};
use crate::model::{ItemId, Moment, Origin, Scope, SourceId, Takedown, counted};
use crate::poll::LogWriter;
use crate::serve::Site;
use crate::view::{Standing, View};

/// Maximum number of items that one record names: while it is applied, nobody else sees the view.
const MAX_ITEMS: usize = 1000;

/// Carries out takedowns beside the main loop: those of many items take seconds.
#[derive(Clone)]
pub(super) struct Takedowns {
    log: Arc<Log>,
    log_writer: LogWriter,
    view: Arc<View>,
    site: Arc<Site>,
    shared: Arc<Shared>,
}

/// What all that carry out takedowns have in common.
#[derive(Debug, Default)]
struct Shared {
    /// Held from the decision to its end: one that ends meanwhile must not be recorded as carried out after that.
    turn: tokio::sync::Mutex<()>,
    /// The takedowns of the newest config.
    wanted: Mutex<Vec<Takedown>>,
}

impl Takedowns {
    pub(super) fn new(log: &Arc<Log>, log_writer: LogWriter, view: &Arc<View>, site: &Arc<Site>) -> Self {
        let (log, view, site) = (Arc::clone(log), Arc::clone(view), Arc::clone(site));
        Self { log, log_writer, view, site, shared: Arc::default() }
    }

    /// Sets the takedowns of the config; [`Takedowns::settle`] carries them out.
    pub(super) fn want(&self, takedowns: &[Takedown]) {
        *self.shared.wanted.lock().unwrap_or_else(PoisonError::into_inner) = takedowns.to_vec();
    }

    /// Takes a source down by command, or publishes it again if there are no reasons. Nothing of it is shown any more when
    /// this returns.
    ///
    /// # Errors
    /// A sentence if that cannot be decided or recorded.
    pub(super) async fn decide(
        &self,
        source: &str,
        reasons: Option<(String, Option<String>)>,
    ) -> Result<Vec<String>, String> {
        let _turn = self.shared.turn.lock().await;
        let record = of_source(&self.view, source, reasons, now())?;
        self.record(vec![record]).await
    }

    /// Brings the takedowns in line with those of the newest config.
    ///
    /// # Errors
    /// A sentence if that cannot be recorded.
    pub(super) async fn settle(&self) -> Result<Vec<String>, String> {
        let _turn = self.shared.turn.lock().await;
        let wanted = self.shared.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.record(settle(&self.view, &wanted, now())).await
    }

    /// Records takedowns and those that end, and carries out what is open. Returns what the admin is told.
    async fn record(&self, records: Vec<Record>) -> Result<Vec<String>, String> {
        let mut lines = told(&records);
        let done = async {
            self.log_writer.commit(records, now()).await.map_err(|error| error.to_string())?;
            let (view, log) = (Arc::clone(&self.view), Arc::clone(&self.log));
            let open = tokio::task::spawn_blocking(move || carry_out(&view, &log, now()));
            let records = open.await.map_err(|_panic| "looking for the items failed; see the log".to_owned())?;
            lines.extend(told(&records));
            lines.extend(doubts(&records, &self.view));
            for record in records {
                self.log_writer.commit(vec![record], now()).await.map_err(|error| error.to_string())?;
            }
            Ok(())
        };
        let done: Result<(), String> = done.await;
        // Whoever asks from now on must not be shown what was finished before.
        self.site.forget_documents();
        done.map(|()| lines)
    }
}

/// Returns the records by which the takedowns of the config become those that it has now.
pub(super) fn settle(view: &View, wanted: &[Takedown], at: Moment) -> Vec<Record> {
    let standing = view.takedowns();
    let is_of_config = |known: &&Standing| known.takedown.origin == Origin::Config;
    let is_wanted = |known: &&Standing| wanted.iter().any(|wanted| wanted.scope == known.takedown.scope);
    let lifted = standing.iter().filter(is_of_config).filter(|known| !is_wanted(known)).map(|known| Record::Lift {
        origin: Origin::Config,
        scope: known.takedown.scope.clone(),
        at,
    });
    let is_known = |wanted: &&Takedown| standing.iter().any(|known| known.takedown == **wanted);
    let made = wanted.iter().filter(|wanted| !is_known(wanted)).map(|takedown| begin(takedown.clone(), at));
    lifted.chain(made).collect()
}

/// Returns the record with which a takedown begins.
pub(super) const fn begin(takedown: Takedown, at: Moment) -> Record {
    Record::Takedown { takedown, items: Vec::new(), is_whole: false, at }
}

/// Returns the records that name the items of takedowns which were recorded but not carried out, in one pass over the
/// newest reports of all items. An item whose report cannot be read is left out of feeds anyway.
pub fn carry_out(view: &View, log: &Log, at: Moment) -> Vec<Record> {
    let open: Vec<Takedown> =
        view.takedowns().into_iter().filter(|known| !known.is_whole).map(|known| known.takedown).collect();
    let mut found: Vec<Vec<ItemId>> = open
        .iter()
        .map(|takedown| match &takedown.scope {
            Scope::Source(source) => view.items_of(source),
            Scope::Host(_) | Scope::Prefix(_) => Vec::new(),
        })
        .collect();
    let by_address = |takedown: &Takedown| !matches!(takedown.scope, Scope::Source(_));
    if open.iter().any(by_address) {
        for position in view.positions() {
            let Ok(Record::Report(report)) = log.read(position) else { continue };
            let link =
                report.draft.checked_link().or_else(|| view.with_source(&report.source, |facts| facts?.address()));
            let covers = |takedown: &Takedown| link.as_ref().is_some_and(|link| takedown.scope.covers_link(link));
            for (_, items) in open.iter().zip(&mut found).filter(|(takedown, _)| covers(takedown)) {
                items.push(report.item);
            }
        }
    }
    let record = |(takedown, items): (Takedown, Vec<ItemId>)| {
        let last = items.len().saturating_sub(1) / MAX_ITEMS;
        let chunks: Vec<Vec<ItemId>> =
            if items.is_empty() { vec![items] } else { items.chunks(MAX_ITEMS).map(<[ItemId]>::to_vec).collect() };
        let of_chunk =
            move |(number, items)| Record::Takedown { takedown: takedown.clone(), items, is_whole: number == last, at };
        chunks.into_iter().enumerate().map(of_chunk).collect::<Vec<_>>()
    };
    open.into_iter().zip(found).flat_map(record).collect()
}

/// Returns what an admin is told of these records: each takedown that is carried out, and each that ended.
pub fn told(records: &[Record]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut count = 0;
    for record in records {
        match record {
            Record::Takedown { takedown, items, is_whole, .. } => {
                count += items.len();
                if *is_whole {
                    lines.push(format!("taken down, {}: {}", takedown.scope, counted(count, "item", "items")));
                    count = 0;
                }
            }
            Record::Lift { scope, .. } => lines.push(format!("no longer taken down, {scope}")),
            _ => {}
        }
    }
    lines
}

/// Returns what an admin should know of the takedowns that stand: those that cover nothing, and those that cover
/// everything.
pub(super) fn doubts(records: &[Record], view: &View) -> Vec<String> {
    let all = view.counts().0;
    let mut lines = Vec::new();
    let mut count = 0;
    for record in records {
        let Record::Takedown { takedown, items, is_whole, .. } = record else { continue };
        count += items.len();
        if !is_whole {
            continue;
        }
        if count == 0 {
            lines.push(format!("warning: the takedown of {} covers no item that is kept", takedown.scope));
        } else if count == all {
            lines.push(format!("warning: the takedown of {} covers every item: nothing is published", takedown.scope));
        }
        count = 0;
    }
    lines
}

/// Returns the records that take down a source by command, or end that.
///
/// # Errors
/// A sentence if the log knows no such source, or if it was decided so before.
pub fn of_source(
    view: &View,
    source: &str,
    reasons: Option<(String, Option<String>)>,
    at: Moment,
) -> Result<Record, String> {
    let id = SourceId::new(source).map_err(|error| error.to_string())?;
    let scope = Scope::Source(id.clone());
    let standing = view.takedowns().into_iter().map(|known| known.takedown);
    let known: Vec<Takedown> = standing.filter(|known| known.scope == scope).collect();
    let by_command = known.iter().any(|known| known.origin == Origin::Command);
    match reasons {
        Some(_) if view.source(&id).is_none() => Err(format!("the store knows no source `{source}`")),
        Some(_) if by_command => Err(format!("{source} is withdrawn already; `dayuan withdrawn` says why")),
        Some((reason, public_reason)) => {
            Ok(begin(Takedown { scope, origin: Origin::Command, reason, public_reason }, at))
        }
        None if by_command => Ok(Record::Lift { origin: Origin::Command, scope, at }),
        None if !known.is_empty() => Err(format!("{source} is taken down by the config; remove its [[takedown]]")),
        None => Err(format!("{source} was not withdrawn; `dayuan withdrawn` lists what is")),
    }
}
