//! Keeps how the sources fared, for the feed of it: looks at all of them from time to time, and saves what it saw in a file of
//! its own. Without that file, nothing else is lost.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::clock::now;
use super::figures::Figures;
use crate::model::{Chronicle, Condition, Health, Moment, SourceId, Turn, Week, Zone};
use crate::serve::Site;
use crate::view::{PollStates, View};
use crate::write::{self, Language};

/// Version of the file.
const VERSION: u32 = 1;
/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;
/// How often the sources are looked at, unless they are polled more often.
const INTERVAL: Duration = Duration::from_secs(300);

/// What looks at the sources.
pub(super) struct Watch {
    pub(super) store: PathBuf,
    pub(super) view: Arc<View>,
    pub(super) poll_states: Arc<PollStates>,
    /// Knows the sources of the config.
    pub(super) figures: Arc<Figures>,
    pub(super) site: Arc<Site>,
    pub(super) zone: Zone,
    /// In which it is said why a source is ill.
    pub(super) language: Language,
    /// Shortest time between two polls.
    pub(super) pace: Duration,
}

impl Watch {
    /// Looks until `stop` is cancelled.
    pub(super) async fn run(self, stop: CancellationToken) {
        let watch = Arc::new(self);
        let (store, pause) = (watch.store.clone(), watch.pace.min(INTERVAL));
        let Ok(mut chronicle) = tokio::task::spawn_blocking(move || load(&store)).await else { return };
        watch.site.tell(Arc::new(chronicle.clone()));
        while !stop.is_cancelled() {
            let (looking, before) = (Arc::clone(&watch), chronicle.clone());
            match tokio::task::spawn_blocking(move || looking.look(before)).await {
                Ok(seen) => chronicle = seen,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(event = "task_panicked", error, "looking at the sources panicked");
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn look(&self, mut chronicle: Chronicle) -> Chronicle {
        let before = chronicle.clone();
        let sources = self.figures.sources();
        // One whose state cannot be read is left as it was: that is an alarm of its own.
        let mut all = Vec::with_capacity(sources.len());
        for source in &sources {
            let known = chronicle.ill.get(&source.id);
            match self.poll_states.health_of(&self.view, &source.id) {
                Ok(state) => {
                    let condition = Condition {
                        source: source.id.clone(),
                        title: source.title.clone(),
                        health: state.health,
                        reason: state
                            .reason
                            .as_ref()
                            .map(|why| write::public_reason(why, self.language))
                            .unwrap_or_default(),
                        since: state.since.unwrap_or_default(),
                    };
                    all.push((state.health.is_ill(state.failures), condition));
                }
                Err(_told) => all.extend(known.map(|known| (true, known.clone()))),
            }
        }
        chronicle.note(&all, now(), &self.zone);
        if chronicle != before {
            save(&self.store, &chronicle);
            self.site.tell(Arc::new(chronicle.clone()));
        }
        chronicle
    }
}

fn path(store: &Path) -> PathBuf {
    store.join("sources.json")
}

/// Reads the file; one that cannot be read is begun anew.
fn load(store: &Path) -> Chronicle {
    let path = path(store);
    let is_small = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= MAX_BYTES);
    let bytes = if is_small { std::fs::read(&path).unwrap_or_default() } else { return Chronicle::default() };
    let record = serde_json::from_slice::<ChronicleRecord>(&bytes).ok().filter(|record| record.version == VERSION);
    match record.and_then(ChronicleRecord::chronicle) {
        Some(chronicle) => chronicle,
        None => {
            tracing::warn!(event = "chronicle_lost", file = %path.display(), "how the sources fared cannot be read; it is begun anew");
            Chronicle::default()
        }
    }
}

fn save(store: &Path, chronicle: &Chronicle) {
    let fresh = path(store).with_extension("new");
    let write = || {
        let mut file = std::io::BufWriter::new(std::fs::File::create(&fresh)?);
        serde_json::to_writer(&mut file, &ChronicleRecord::of(chronicle))?;
        file.flush()?;
        file.get_ref().sync_all()?;
        std::fs::rename(&fresh, path(store))
    };
    let written: std::io::Result<()> = write();
    if let Err(error) = written {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(event = "chronicle_unsaved", error, "how the sources fared cannot be saved");
    }
}

#[derive(Serialize, Deserialize)]
struct ChronicleRecord {
    version: u32,
    turns: Vec<TurnRecord>,
    weeks: Vec<WeekRecord>,
    current: Option<WeekRecord>,
    ill: Vec<ConditionRecord>,
}

#[derive(Serialize, Deserialize)]
struct TurnRecord {
    at: i64,
    ill: bool,
    condition: ConditionRecord,
}

#[derive(Serialize, Deserialize)]
struct WeekRecord {
    began: i64,
    ended: i64,
    sources: u32,
    fell: u32,
    recovered: u32,
    ill: Vec<ConditionRecord>,
    more: u32,
}

#[derive(Serialize, Deserialize)]
struct ConditionRecord {
    source: String,
    title: String,
    health: String,
    reason: String,
    since: i64,
}

impl ChronicleRecord {
    fn of(chronicle: &Chronicle) -> Self {
        let condition = |condition: &Condition| ConditionRecord {
            source: condition.source.to_string(),
            title: condition.title.clone(),
            health: condition.health.word().to_owned(),
            reason: condition.reason.clone(),
            since: condition.since.millis(),
        };
        let week = |week: &Week| WeekRecord {
            began: week.began.millis(),
            ended: week.ended.millis(),
            sources: week.sources,
            fell: week.fell,
            recovered: week.recovered,
            ill: week.ill.iter().map(condition).collect(),
            more: week.more,
        };
        let turn =
            |turn: &Turn| TurnRecord { at: turn.at.millis(), ill: turn.is_ill, condition: condition(&turn.condition) };
        Self {
            version: VERSION,
            turns: chronicle.turns.iter().map(turn).collect(),
            weeks: chronicle.weeks.iter().map(week).collect(),
            current: chronicle.current.as_ref().map(week),
            ill: chronicle.ill.values().map(condition).collect(),
        }
    }

    /// Returns what is recorded; `None` if that cannot have been written here.
    fn chronicle(self) -> Option<Chronicle> {
        let week = |record: WeekRecord| {
            Some(Week {
                began: Moment::from_millis(record.began),
                ended: Moment::from_millis(record.ended),
                sources: record.sources,
                fell: record.fell,
                recovered: record.recovered,
                ill: record.ill.into_iter().map(ConditionRecord::condition).collect::<Option<_>>()?,
                more: record.more,
            })
        };
        let turn = |record: TurnRecord| {
            let at = Moment::from_millis(record.at);
            Some(Turn { at, is_ill: record.ill, condition: record.condition.condition()? })
        };
        let keyed = |record: ConditionRecord| record.condition().map(|known| (known.source.clone(), known));
        Some(Chronicle {
            turns: self.turns.into_iter().map(turn).collect::<Option<_>>()?,
            weeks: self.weeks.into_iter().map(week).collect::<Option<_>>()?,
            current: match self.current {
                Some(current) => Some(week(current)?),
                None => None,
            },
            ill: self.ill.into_iter().map(keyed).collect::<Option<_>>()?,
        })
    }
}

impl ConditionRecord {
    fn condition(self) -> Option<Condition> {
        Some(Condition {
            source: SourceId::new(&self.source).ok()?,
            title: self.title,
            health: Health::ALL.into_iter().find(|health| health.word() == self.health)?,
            reason: self.reason,
            since: Moment::from_millis(self.since),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file as version 1 wrote it: it must be readable for ever.
    #[test]
    fn a_file_of_every_version_is_read() {
        let store = tempfile::tempdir().unwrap();
        let golden = include_str!("../../tests/fixtures/chronicle-1.json").trim_end();
        std::fs::write(path(store.path()), golden).unwrap();
        let chronicle = load(store.path());
        assert_eq!((chronicle.turns.len(), chronicle.weeks.len(), chronicle.ill.len()), (2, 1, 1));
        save(store.path(), &chronicle);
        assert_eq!(std::fs::read_to_string(path(store.path())).unwrap(), golden);
        for broken in ["", "{", "{\"version\":2}"] {
            std::fs::write(path(store.path()), broken).unwrap();
            assert_eq!(load(store.path()), Chronicle::default(), "{broken}");
        }
    }
}
