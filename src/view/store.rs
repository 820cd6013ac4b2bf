//! The view as other modules see it: open, apply, query.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::engine::{Change, Engine, has_room};
use super::error::ViewError;
use super::judge::Judge;
use super::notice::Notice;
use super::numbers::StoryNo;
use super::open::{Unusable, attempt, load, set_aside};
use super::snapshot::Outline;
use super::state::State;
use super::story::{Entry, Story};
use super::texts::Texts;
use crate::dedup::{Comparison, Known, Neighbours};
use crate::log::{Appended, Control, Damage, Log, Position, Record, Replayed, SourceFacts};
use crate::model::{ItemId, Link, Moment, RegionId, SourceId};
use crate::regions::Places;

/// Version of the rules by which records become items. A different number means the view is rebuilt.
const RULES: u32 = 11;
/// Number of records applied between two writes when catching up.
const STEP: usize = 1000;

/// Where the view is stored and by which rules it is derived.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its directory.
    pub path: PathBuf,
    /// Everything else that affects the result, besides the code and the region names; if it changes, the view is
    /// rebuilt.
    pub rules: String,
    /// Names by which items are placed in regions.
    pub places: Arc<Places>,
}

/// The view over the log.
#[derive(Debug)]
pub struct View {
    pub(super) log: Arc<Log>,
    pub(super) engine: Engine,
    state: RwLock<State>,
    /// Held from taking the changes out of memory until the store has them; locked before the state.
    writing: Mutex<()>,
    /// Used up when the first records were written.
    first_write: Once,
    pub(super) rules: [u8; 16],
    pub(super) places: Arc<Places>,
}

impl View {
    /// Opens the view and brings it up to date with the log. A view that is damaged, does not fit the log or was
    /// derived by other rules is rebuilt. `progress` is called from time to time with the number of the last applied
    /// record.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read, or if no store can be created.
    pub fn open(options: &Options, log: Arc<Log>, progress: &dyn Fn(u64)) -> Result<(Self, Vec<Notice>), ViewError> {
        let rules = rules(options);
        let mut notices = Vec::new();
        let mut had = 0;
        let (engine, state) = match attempt(&options.path, || load(&options.path, rules, &log))? {
            Ok(loaded) => loaded,
            // On a full disk the store is intact but cannot be opened: derive its contents in memory and write them as
            // soon as there is room.
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
                    if let Unusable::Misfit { items } = reason {
                        had = items;
                    }
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
        let view = Self {
            log,
            engine,
            state: RwLock::new(state.with(&places)),
            writing: Mutex::default(),
            first_write: Once::new(),
            rules,
            places,
        };
        let before = view.applied();
        notices.extend(view.catch_up(progress)?.into_iter().map(Notice::Damage));
        let has = view.counts().0;
        if has < had {
            notices.push(Notice::Fewer { had, has });
        }
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
                    state.apply(replayed.seq, replayed.position, &replayed.record, &self.log);
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

    /// Writes what was caught up. A closed store is skipped; it gets everything once it is open again.
    fn fill(&self, changes: Vec<Change>) -> Result<(), ViewError> {
        if self.engine.is_broken() { Ok(()) } else { self.put(changes) }
    }

    /// Writes changes. The first ones are flushed at once: the store of a process that is killed within the seconds that
    /// the engine takes for it would look as if it had lost everything.
    fn put(&self, changes: Vec<Change>) -> Result<(), ViewError> {
        self.engine.write(changes)?;
        let mut flushed = Ok(());
        if self.applied() > 0 {
            self.first_write.call_once(|| flushed = self.engine.flush());
        }
        flushed
    }

    /// Applies records that are safely in the log, in order, and returns the tagged regions that changed.
    ///
    /// # Errors
    /// Returns an error if the store could not be written. The state in memory is correct regardless, and the store
    /// catches up from the log when it is next opened.
    pub fn apply(&self, appended: &[Appended], records: &[Record]) -> Result<Vec<RegionId>, ViewError> {
        self.apply_in_memory(appended, records);
        self.persist()?;
        Ok(self.dirty())
    }

    /// The first half of [`View::apply`]: applies records in memory.
    pub fn apply_in_memory(&self, appended: &[Appended], records: &[Record]) {
        let mut state = self.write();
        for (at, record) in appended.iter().zip(records) {
            state.apply(at.seq, at.position, record, &self.log);
        }
    }

    /// Applies records that were read back from the log, in memory; [`View::persist`] writes what changed.
    pub fn apply_replayed(&self, replayed: &[Replayed]) {
        let mut state = self.write();
        for Replayed { seq, position, record } in replayed {
            state.apply(*seq, *position, record, &self.log);
        }
    }

    /// The second half of [`View::apply`]: writes what changed to the store.
    ///
    /// # Errors
    /// Returns an error if the store could not be written.
    pub fn persist(&self) -> Result<(), ViewError> {
        let _writing = self.writing();
        let changes = self.write().changes(self.rules);
        self.put(changes)
    }

    /// Returns the tagged regions that changed since the last call, whether or not the store has the changes.
    pub fn dirty(&self) -> Vec<RegionId> {
        self.write().dirty()
    }

    /// Returns the number of the last applied record.
    pub fn applied(&self) -> u64 {
        self.read().applied()
    }

    /// Returns the number of items and of stories.
    pub fn counts(&self) -> (usize, usize) {
        self.read().counts()
    }

    /// Returns the regions that items are tagged with.
    pub fn tags(&self) -> Vec<RegionId> {
        self.read().tags()
    }

    /// Returns the newest stories tagged with any of these regions, newest first; if `source` is given, only those it
    /// reported. No source gets more than `share` of the `most` stories while others have any.
    pub fn timeline(&self, tags: &[RegionId], source: Option<&SourceId>, most: usize, share: usize) -> Vec<Entry> {
        self.read().timeline(tags, source, most, share)
    }

    /// Returns the stories tagged with any of these regions, newest first, from the story `from` (its date and id) on if
    /// it is given; if `source` is given, only those it reported.
    pub fn listing(
        &self,
        tags: &[RegionId],
        source: Option<&SourceId>,
        from: Option<(Moment, ItemId)>,
        most: usize,
    ) -> Vec<Entry> {
        self.read().listing(tags, source, from, most)
    }

    /// Returns the items that expire with the stories that began up to this day (`YYYY-MM-DD`), although later log
    /// segments mention them; the `expire` record names them.
    pub fn going_with(&self, day: &str) -> Vec<ItemId> {
        self.read().going_with(day)
    }

    /// Returns the time of the last change among these tagged regions, by the log's own times.
    pub fn changed(&self, tags: &[RegionId]) -> Moment {
        self.read().changed(tags)
    }

    /// Returns the source whose report of a story is shown.
    pub fn source_of(&self, story: StoryNo) -> Option<SourceId> {
        self.read().source_of(story).cloned()
    }

    /// Returns a story; `None` if there is none, or it was withdrawn or has ended.
    pub fn story(&self, story: StoryNo) -> Option<Story> {
        self.read().story(story)
    }

    /// Returns the story that an item belongs to.
    pub fn find(&self, item: ItemId) -> Option<StoryNo> {
        self.read().find(item)
    }

    /// Returns the id of a story: that of its first item.
    pub fn id_of(&self, story: StoryNo) -> Option<ItemId> {
        self.read().id_of(story)
    }

    /// Returns the item of the newest report with this address.
    pub fn find_address(&self, link: &Link) -> Option<ItemId> {
        self.all_at_address(link).into_iter().next()
    }

    /// Returns all items whose newest report has this address, newest first: several sources may give one, and only one of
    /// them is the page.
    pub fn all_at_address(&self, link: &Link) -> Vec<ItemId> {
        let canonical = link.canonical();
        let is_it = |position| match self.log.read(position) {
            Ok(Record::Report(report)) => report.draft.checked_link().is_some_and(|link| link.canonical() == canonical),
            _ => false,
        };
        let found = self.read().at_address(link);
        found.into_iter().rev().filter(|(_, position)| is_it(*position)).map(|(item, _)| item).collect()
    }

    /// Returns the position of an item's newest report in the log.
    pub fn newest(&self, item: ItemId) -> Option<Position> {
        self.read().newest(item)
    }

    /// Returns the withdrawn items with time and reason, most recently withdrawn first.
    pub fn withdrawn(&self) -> Vec<(ItemId, Moment, String)> {
        self.read().withdrawn.newest()
    }

    /// Returns whether the admin withdrew this item, even if it is no longer kept.
    pub fn is_hidden(&self, item: ItemId) -> bool {
        self.read().withdrawn.contains(item)
    }

    /// Returns whether a report that is not the first of its story was withdrawn on its own.
    pub fn is_withdrawn_alone(&self, item: ItemId) -> bool {
        self.read().is_withdrawn_alone(item)
    }

    /// Returns whether the item's report is the one its story shows.
    pub fn is_shown(&self, item: ItemId) -> bool {
        self.read().is_shown(item)
    }

    /// Returns whether the item's source said that it is gone and has not reported it again since.
    pub fn is_gone(&self, item: ItemId) -> bool {
        self.read().is_gone(item)
    }

    /// Returns whether a story was withdrawn.
    pub fn is_withdrawn(&self, story: StoryNo) -> bool {
        self.read().is_withdrawn(story)
    }

    /// Returns the stories most similar to this one that were not joined with it, and why.
    pub fn beside(&self, story: StoryNo) -> Vec<(StoryNo, Comparison)> {
        Judge::new(&self.read(), &Texts::of(&self.log)).beside(story)
    }

    /// Looks at what the log says of a source, without a copy of it.
    pub fn with_source<T>(&self, id: &SourceId, look: impl FnOnce(Option<&SourceFacts>) -> T) -> T {
        look(self.read().known_source(id))
    }

    /// Returns a source's facts from the log.
    pub fn source(&self, id: &SourceId) -> Option<SourceFacts> {
        self.read().known_source(id).cloned()
    }

    /// Returns the facts of every source in the log.
    pub fn sources(&self) -> Vec<SourceFacts> {
        self.read().sources.all().cloned().collect()
    }

    /// Returns the last control record of a source: paused, resumed or gone.
    pub fn control(&self, id: &SourceId) -> Option<Control> {
        self.read().sources.control(id)
    }

    /// Flushes everything to the operating system, before an orderly shutdown.
    ///
    /// # Errors
    /// Returns an error if the store could not be written.
    pub fn flush(&self) -> Result<(), ViewError> {
        self.engine.flush()
    }

    /// Returns whether the store refused a write and so is behind the state in memory.
    pub fn is_broken(&self) -> bool {
        self.engine.is_broken()
    }

    /// Reopens a store that refused to write, and writes the whole state to it.
    ///
    /// # Errors
    /// Returns an error if the store still cannot be opened or written.
    pub fn heal(&self) -> Result<(), ViewError> {
        let _writing = self.writing();
        self.engine.heal()?;
        // What was removed in the meantime is no longer in memory, so everything is written anew.
        self.engine.clear()?;
        let changes = {
            let mut state = self.write();
            state.touch_all();
            state.changes(self.rules)
        };
        self.engine.write(changes)
    }

    /// Returns the region names that items are placed by.
    pub const fn places(&self) -> &Arc<Places> {
        &self.places
    }

    /// Returns a summary of what the view derives.
    pub fn outline(&self) -> Outline {
        self.read().outline()
    }

    /// Returns a digest of everything derived; two views of one log have the same digest.
    pub fn digest(&self) -> String {
        self.read().digest()
    }

    /// Writes what changed, then calls `look` with the digest and the number of the last record in memory, blocking
    /// other writes so that it sees a matching store.
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

    /// Changes the state in memory.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.write())
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

/// Returns a hash of the rules by which records become items.
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
