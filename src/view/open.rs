//! Opens a store, or reports why it cannot be used.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::engine::Engine;
use super::error::ViewError;
use super::keys::{HIDDEN, META, NO_ITEM, REGIONS, SOURCES, TAKEDOWNS};
use super::record::{self, FactsRecord, HiddenRecord, ItemRecord, MetaRecord, TakedownRecord};
use super::state::State;
use super::withdrawn::Said;
use crate::log::{Log, LogError, Position, Record};
use crate::model::{Moment, RegionId, with_causes};

/// Why a store cannot be used as it is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("{0}")]
    Store(String),
    #[error("a record of it is damaged, or some are missing")]
    Records,
    #[error("it ends with record {view}, the log with record {log}")]
    Ahead { view: u64, log: u64 },
    #[error("records of the log are not where it has them")]
    Misfit {
        /// How many items it had.
        items: usize,
    },
    #[error("it was derived by other rules")]
    Rules,
    #[error("dayuan died {0} times while opening it")]
    Deadly(u32),
}

/// How many times dayuan may die while opening a store before the store is given up: a single death may be a power cut.
const TRIES: u32 = 2;

/// Opens a store unless opening it killed the process before. A damaged store may make sled hang, exhaust memory or
/// abort; the watchdog or the system then kills the process, and without the note written here every restart would end
/// the same way.
pub(super) fn attempt<T>(
    path: &Path,
    open: impl FnOnce() -> Result<T, Unusable>,
) -> Result<Result<T, Unusable>, ViewError> {
    let note = path.with_extension("opening");
    let failed = |source| ViewError::Move { path: note.clone(), source };
    // Treat an unreadable note as absent.
    let tries = std::fs::read_to_string(&note).ok().and_then(|text| text.parse().ok()).unwrap_or(0_u32);
    let opened = if tries < TRIES || !path.exists() {
        // On a full disk, open the store without a note.
        match std::fs::write(&note, (tries + 1).to_string()) {
            Err(error) if error.kind() != std::io::ErrorKind::StorageFull => return Err(failed(error)),
            _ => {}
        }
        open()
    } else {
        Err(Unusable::Deadly(tries))
    };
    match std::fs::remove_file(&note) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(opened),
    }
}

pub(super) fn load(path: &Path, rules: [u8; 16], log: &Log) -> Result<(Engine, State), Unusable> {
    let is_new = !path.exists();
    let engine = Engine::open(path).map_err(|error| Unusable::Store(with_causes(&error)))?;
    if is_new {
        return Ok((engine, State::default()));
    }
    let state = stored_state(&engine, rules)?;
    let last = log.last_seq();
    if state.applied() > last {
        return Err(Unusable::Ahead { view: state.applied(), log: last });
    }
    if !fits(&state, log) {
        return Err(Unusable::Misfit { items: state.counts().0 });
    }
    Ok((engine, state))
}

/// Returns whether the records of items are where the state has them. A line that was added to a segment, or taken out of
/// it, moves all that follow, so the last two of each segment are looked at; one alone may be a damaged line, which only
/// costs its item. What cannot be read for now proves nothing.
fn fits(state: &State, log: &Log) -> bool {
    let mut ends: HashMap<u32, [Position; 2]> = HashMap::new();
    for position in state.positions() {
        let [last, before] = ends.entry(position.day).or_insert([position; 2]);
        if position.offset > last.offset {
            (*before, *last) = (*last, position);
        } else if position.offset > before.offset || before.offset == last.offset {
            *before = position;
        }
    }
    let is_elsewhere = |position: &Position| match log.read(*position) {
        Ok(record) => !matches!(record, Record::Report(_)),
        Err(LogError::Damaged { .. }) => true,
        Err(LogError::File { source, .. }) => source.kind() == std::io::ErrorKind::UnexpectedEof,
        Err(_) => false,
    };
    !ends.values().any(|ends| ends.iter().all(is_elsewhere))
}

pub(super) fn stored_state(engine: &Engine, rules: [u8; 16]) -> Result<State, Unusable> {
    let failed = |error: ViewError| Unusable::Store(with_causes(&error));
    let Some(meta) = engine.get(&META).map_err(failed)? else {
        // Created, but nothing was written yet: everything comes from the log.
        return if engine.all().next().is_none() { Ok(State::default()) } else { Err(Unusable::Records) };
    };
    let meta: MetaRecord = record::decode(&meta).ok_or(Unusable::Records)?;
    if meta.rules != rules {
        return Err(Unusable::Rules);
    }
    let mut sources = Vec::new();
    let mut regions = Vec::new();
    let mut takedowns = Vec::new();
    let mut hidden = std::collections::BTreeMap::new();
    for pair in engine.within(NO_ITEM..) {
        let (key, value) = pair.map_err(failed)?;
        if key.starts_with(SOURCES) {
            sources.push(record::decode::<FactsRecord>(&value).ok_or(Unusable::Records)?);
        } else if let Some(region) = key.strip_prefix(REGIONS.as_slice()) {
            let region = std::str::from_utf8(region).ok().and_then(|region| RegionId::new(region).ok());
            regions.push(region.zip(record::decode::<i64>(&value)).ok_or(Unusable::Records)?);
        } else if let Some(id) = key.strip_prefix(HIDDEN.as_slice()) {
            let said: HiddenRecord = record::decode(&value).ok_or(Unusable::Records)?;
            let id = u128::from_be_bytes(id.try_into().map_err(|_length| Unusable::Records)?);
            hidden.insert(id, Said { at: Moment::from_millis(said.at), reason: said.reason, public: said.public });
        } else if key.starts_with(TAKEDOWNS) {
            takedowns.push(record::decode::<TakedownRecord>(&value).ok_or(Unusable::Records)?);
        } else if key.as_ref() != META {
            return Err(Unusable::Records);
        }
    }
    // Read items one by one: a million of them would double the memory needed.
    let mut broken = None;
    let items = engine.within(..NO_ITEM).map(|pair| {
        let (key, value) = pair.map_err(|error| broken = Some(failed(error))).ok()?;
        Some((u64::from_be_bytes(key.as_ref().try_into().ok()?), record::decode::<ItemRecord>(&value)?))
    });
    let state = State::load(&meta, sources, regions, (hidden, takedowns), items);
    broken.map_or(state.ok_or(Unusable::Records), Err)
}

/// Highest number of a store that was set aside.
const MAX_ASIDE: u32 = 10_000;

/// Moves a store aside so that a new one can be created, and returns its new path: it may be needed to find the cause.
/// Only the newest store set aside before is kept as well; if an older one cannot be removed, the second value says so.
pub(super) fn set_aside(path: &Path) -> Result<(PathBuf, Option<String>), ViewError> {
    let numbered = |number: u32| path.with_extension(format!("bad-{number}"));
    let last = (1..MAX_ASIDE).rev().find(|number| numbered(*number).exists()).unwrap_or(0);
    let aside = numbered(last + 1);
    std::fs::rename(path, &aside).map_err(|source| ViewError::Move { path: path.to_owned(), source })?;
    let mut kept = None;
    for old in (1..last).map(numbered).filter(|old| old.exists()) {
        if let Err(error) = std::fs::remove_dir_all(&old) {
            kept = Some(format!("cannot remove the old store {} ({error}); please remove it", old.display()));
        }
    }
    Ok((aside, kept))
}
