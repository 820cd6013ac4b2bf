use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::engine::{Change, Engine, has_room};
use super::error::ViewError;
use super::opening::{Unusable, attempt, load, set_aside};
use super::outline::Outline;
use super::state::{Entry, State, Story};
use crate::dedup::{Comparison, Known, Neighbours};
use crate::log::{Appended, Control, Damage, Log, Position, Record, SourceFacts};
use crate::model::{ItemId, Link, Moment, RegionId, SourceId};
use crate::regions::Places;

/// The version of the rules by which records become items. Another number means: derive anew.
const RULES: u32 = 7;
/// How many records are applied between two writes, when many are.
const STEP: usize = 1000;

/// Where the view lies, and what rules it is derived by.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its directory.
    pub path: PathBuf,
    /// Whatever beside the code and the names of regions decides what is derived: another text means deriving anew.
    pub rules: String,
    /// The names by which items are placed in regions.
    pub places: Arc<Places>,
}

/// Something that happened while a view was opened, for the admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The store was damaged or did not fit the log; it was set aside and made anew.
    SetAside {
        /// Why.
        reason: String,
        /// Where it lies now.
        path: PathBuf,
    },
    /// The view knew records that the log has not: some of the log is lost.
    Lost {
        /// The last record of the log.
        log: u64,
        /// The last record that the view knew.
        view: u64,
        /// Where the view lies now.
        path: PathBuf,
    },
    /// A store that was set aside long ago could not be removed.
    Kept(String),
    /// The rules changed; it was made anew.
    NewRules,
    /// It was behind the log by so many records and caught up.
    CaughtUp(u64),
    /// There is no room to open it; it was made anew in memory.
    NoRoom {
        /// What its engine said.
        reason: String,
    },
    /// A line of the log could not be used.
    Damage(Damage),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetAside { reason, path } => {
                write!(
                    f,
                    "the view was damaged ({reason}); it lies in {} now, and was made anew from the log",
                    path.display()
                )
            }
            Self::NoRoom { reason } => {
                write!(f, "the view cannot be opened on a full disk ({reason}); it was made anew in memory")
            }
            Self::Lost { log, view, path } => write!(
                f,
                "the log ends with record {log}, but the view knew {view}: what lies between is lost; stop dayuan and restore a backup (that view lies in {} now)",
                path.display()
            ),
            Self::Kept(told) => f.write_str(told),
            Self::NewRules => f.write_str("the rules changed; the view was made anew from the log"),
            Self::CaughtUp(records) => write!(f, "the view was {records} records behind the log and caught up"),
            Self::Damage(damage) => write!(f, "left out of the view: {damage}"),
        }
    }
}

/// The view over the log.
#[derive(Debug)]
pub struct View {
    pub(super) log: Arc<Log>,
    pub(super) engine: Engine,
    state: RwLock<State>,
    /// Held from taking what changed in memory until the store has it; taken before the lock of the state.
    writing: Mutex<()>,
    pub(super) rules: [u8; 16],
    pub(super) places: Arc<Places>,
}

impl View {
    /// Opens the view and brings it up to the log. What is damaged, does not fit the log or was derived by other rules
    /// is made anew. `progress` is called now and then with the number of the record that was applied last.
    ///
    /// # Errors
    /// Where the log cannot be read, or no store can be made at all.
    pub fn open(options: &Options, log: Arc<Log>, progress: &dyn Fn(u64)) -> Result<(Self, Vec<Notice>), ViewError> {
        let rules = rules(options);
        let mut notices = Vec::new();
        let (engine, state) = match attempt(&options.path, || load(&options.path, rules, log.last_seq()))? {
            Ok(loaded) => loaded,
            // On a full disk nothing is wrong with the store but that it cannot be opened: what it holds is derived in memory,
            // and written as soon as there is room.
            Err(Unusable::Store(reason)) if !has_room(&options.path) => {
                notices.push(Notice::NoRoom { reason });
                (Engine::closed(&options.path), State::default())
            }
            Err(reason) => {
                if reason == Unusable::Rules {
                    notices.push(Notice::NewRules);
                    std::fs::remove_dir_all(&options.path)
                        .map_err(|source| ViewError::Move { path: options.path.clone(), source })?;
                } else {
                    let (path, kept) = set_aside(&options.path)?;
                    notices.push(match reason {
                        Unusable::Ahead { view, log } => Notice::Lost { log, view, path },
                        reason => Notice::SetAside { reason: reason.to_string(), path },
                    });
                    notices.extend(kept.into_iter().map(Notice::Kept));
                }
                (Engine::open(&options.path)?, State::default())
            }
        };
        let places = Arc::clone(&options.places);
        let view =
            Self { log, engine, state: RwLock::new(state.with(&places)), writing: Mutex::default(), rules, places };
        let before = view.applied();
        notices.extend(view.catch_up(progress)?.into_iter().map(Notice::Damage));
        let behind = view.applied() - before;
        if behind > 0 && before > 0 {
            notices.push(Notice::CaughtUp(behind));
        }
        Ok((view, notices))
    }

    fn catch_up(&self, progress: &dyn Fn(u64)) -> Result<Vec<Damage>, ViewError> {
        let mut damages = Vec::new();
        let mut steps = 0_usize;
        for found in self.log.replay(self.applied())? {
            match found {
                Ok(replayed) => {
                    let mut state = self.write();
                    state.apply(replayed.seq, replayed.position, &replayed.record, &|position| {
                        self.log.read(position).ok()
                    });
                    steps += 1;
                    if steps.is_multiple_of(STEP) {
                        let changes = state.changes(self.rules);
                        drop(state);
                        self.fill(changes)?;
                        progress(replayed.seq);
                    }
                }
                Err(damage) => damages.push(damage),
            }
        }
        let changes = self.write().changes(self.rules);
        self.fill(changes)?;
        Ok(damages)
    }

    /// Writes what was caught up; a store that is closed gets all of it once it is open.
    fn fill(&self, changes: Vec<Change>) -> Result<(), ViewError> {
        if self.engine.is_broken() { Ok(()) } else { self.engine.write(changes) }
    }

    /// Applies records that are safe in the log, in their order, and returns the tagged regions that changed.
    ///
    /// # Errors
    /// Where the store could not be written. The state in memory is right all the same, and the store catches up from
    /// the log when it is opened next.
    pub fn apply(&self, appended: &[Appended], records: &[Record]) -> Result<Vec<RegionId>, ViewError> {
        self.judge(appended, records);
        self.keep()?;
        Ok(self.dirty())
    }

    /// The first half of [`View::apply`]: judges and places in memory.
    pub fn judge(&self, appended: &[Appended], records: &[Record]) {
        let mut state = self.write();
        for (at, record) in appended.iter().zip(records) {
            state.apply(at.seq, at.position, record, &|position| self.log.read(position).ok());
        }
    }

    /// The second half: writes what changed into the store.
    ///
    /// # Errors
    /// Where the store could not be written.
    pub fn keep(&self) -> Result<(), ViewError> {
        let _writing = self.writing();
        let changes = self.write().changes(self.rules);
        self.engine.write(changes)
    }

    /// The tagged regions that changed since the last call, whether or not the store took what changed.
    pub fn dirty(&self) -> Vec<RegionId> {
        self.write().dirty()
    }

    /// The number of the last record that was applied.
    pub fn applied(&self) -> u64 {
        self.read().applied()
    }

    /// Items and stories.
    pub fn counts(&self) -> (usize, usize) {
        self.read().counts()
    }

    /// The regions that items are tagged with.
    pub fn tags(&self) -> Vec<RegionId> {
        self.read().tags()
    }

    /// The newest stories tagged with any of these regions, newest first; only those that `source` reported, where one
    /// is named. While others have something, one source takes no more of it than its share.
    pub fn timeline(&self, tags: &[RegionId], source: Option<&SourceId>, most: usize, share: usize) -> Vec<Entry> {
        self.read().timeline(tags, source, most, share)
    }

    /// The items that go with the stories that began up to this day (`YYYY-MM-DD`), though later segments of the log speak
    /// of them; the `expire` record names them.
    pub fn going_with(&self, day: &str) -> Vec<ItemId> {
        self.read().going_with(day)
    }

    /// When something last changed among these tagged regions, by the log's own times.
    pub fn changed(&self, tags: &[RegionId]) -> Moment {
        self.read().changed(tags)
    }

    /// The source whose report of a story is shown.
    pub fn source_of(&self, first: u64) -> Option<SourceId> {
        self.read().source_of(first).cloned()
    }

    /// The story that begins with this report; `None` where there is none, or it was withdrawn.
    pub fn story(&self, first: u64) -> Option<Story> {
        self.read().story(first)
    }

    /// The first report of the story that an item belongs to.
    pub fn find(&self, item: ItemId) -> Option<u64> {
        self.read().find(item)
    }

    /// The item that is first told of in this report.
    pub fn item(&self, first: u64) -> Option<ItemId> {
        self.read().item(first)
    }

    /// The item of the newest report with this address.
    pub fn find_address(&self, link: &Link) -> Option<ItemId> {
        let canonical = link.canonical();
        let is_it = |position| match self.log.read(position) {
            Ok(Record::Report(report)) => report.draft.checked_link().is_some_and(|link| link.canonical() == canonical),
            _ => false,
        };
        let found = self.read().at_address(link);
        found.into_iter().rev().find(|(_, position)| is_it(*position)).map(|(item, _)| item)
    }

    /// Where the newest report of an item lies in the log.
    pub fn newest(&self, item: ItemId) -> Option<Position> {
        self.read().newest(item)
    }

    /// What an admin withdrew, the newest first: the item, when, and why.
    pub fn withdrawn(&self) -> Vec<(ItemId, Moment, String)> {
        self.read().withdrawn()
    }

    /// Was a report withdrawn that is not the one its story shows?
    pub fn is_withdrawn_alone(&self, item: ItemId) -> bool {
        self.read().is_withdrawn_alone(item)
    }

    /// Is it the report of an item that its story shows?
    pub fn is_shown(&self, item: ItemId) -> bool {
        self.read().is_shown(item)
    }

    /// Did the source of an item say that it is gone, and nothing of it since?
    pub fn is_gone(&self, item: ItemId) -> bool {
        self.read().is_gone(item)
    }

    /// Was the story that begins with this report withdrawn?
    pub fn is_withdrawn(&self, first: u64) -> bool {
        self.read().is_withdrawn(first)
    }

    /// The stories that are like this one without being it, and why they are not joined.
    pub fn beside(&self, first: u64) -> Vec<(u64, Comparison)> {
        self.read().beside(first, &|position| self.log.read(position).ok())
    }

    /// What the log says of a source.
    pub fn source(&self, id: &SourceId) -> Option<SourceFacts> {
        self.read().known_source(id).cloned()
    }

    /// What the log says of every source that it knows.
    pub fn sources(&self) -> Vec<SourceFacts> {
        self.read().sources.iter().filter(|facts| !facts.link.is_empty()).cloned().collect()
    }

    /// What was said last of a source's being polled.
    pub fn control(&self, id: &SourceId) -> Option<Control> {
        self.read().control(id)
    }

    /// Hands everything to the system, before an orderly end.
    ///
    /// # Errors
    /// Where the store could not be written.
    pub fn flush(&self) -> Result<(), ViewError> {
        self.engine.flush()
    }

    /// Did the store refuse to write, so that it is behind what is in memory?
    pub fn is_broken(&self) -> bool {
        self.engine.is_broken()
    }

    /// Opens a store anew that refused to write, and writes all that is in memory into it.
    ///
    /// # Errors
    /// Where it cannot be opened or written yet.
    pub fn heal(&self) -> Result<(), ViewError> {
        let _writing = self.writing();
        self.engine.heal()?;
        // What was removed meanwhile is not in memory any more: all of it is written anew.
        self.engine.clear()?;
        let changes = {
            let mut state = self.write();
            state.touch_all();
            state.changes(self.rules)
        };
        self.engine.write(changes)
    }

    /// What it makes of the items, in short.
    pub fn outline(&self) -> Outline {
        self.read().outline()
    }

    /// A digest of everything that is derived; two views of one log have the same.
    pub fn digest(&self) -> String {
        self.read().digest()
    }

    /// Writes what changed, and holds still while `look` sees the store beside the digest and the last record of what is in
    /// memory.
    pub(super) fn written<T>(&self, look: impl FnOnce(String, u64) -> T) -> Result<T, ViewError> {
        let _writing = self.writing();
        let (changes, digest, applied) = {
            let mut state = self.write();
            (state.changes(self.rules), state.digest(), state.applied())
        };
        self.engine.write(changes)?;
        Ok(look(digest, applied))
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Neighbours for View {
    fn by_id(&self, item: ItemId) -> Option<Known> {
        Neighbours::by_id(&*self.read(), item)
    }

    fn by_content(&self, source: &SourceId, content: u64) -> Option<Known> {
        Neighbours::by_content(&*self.read(), source, content)
    }
}

/// A hash of the rules by which records become items.
pub(super) fn rules(options: &Options) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&RULES.to_be_bytes());
    hasher.update(options.rules.as_bytes());
    hasher.update(options.places.rules().as_bytes());
    let mut rules = [0; 16];
    hasher.finalize_xof().fill(&mut rules);
    rules
}

#[cfg(test)]
mod tests;
