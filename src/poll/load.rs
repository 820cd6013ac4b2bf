//! Takes in a list of sources: tells the log what is new, and plans their polls.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::poller::{CLOCK_JUMP, Poller};
use super::schedule;
use super::watched::Watched;
use crate::log::{Control, Record, SourceFacts};
use crate::model::{Health, Link, Moment, PollState, Source, SourceId};

/// How many sources are taken in between two signs of life.
const BETWEEN_BEATS: usize = 1000;

impl Poller {
    /// Replaces the list of sources: writes the facts of new or changed ones to the log and schedules their polls. The
    /// state of the others is kept. Returns warnings for the admin.
    ///
    /// # Errors
    /// Returns an error if the log cannot write the facts or the poll states cannot be read; the old list then stays.
    pub async fn load(&mut self, list: Vec<Arc<Source>>) -> Result<Vec<String>, String> {
        let now = (self.context.clock)();
        let changed: Vec<&Arc<Source>> = list.iter().filter(|source| !self.is_watched(source)).collect();
        let is_smaller = list.len() - changed.len() < self.sources.len();
        let facts: Vec<Record> =
            changed.iter().filter_map(|source| self.news_of(source, now)).map(Record::Source).collect();
        let warnings = self.renames(&list, &changed);
        for facts in facts.chunks(BETWEEN_BEATS) {
            self.beat();
            self.context.log_writer.commit(facts.to_vec(), now).await.map_err(|error| error.to_string())?;
        }

        let poll_states = self.stored_states(&list)?;
        let is_fresh = |(source, state): &(&Arc<Source>, &Option<PollState>)| {
            state.is_none() && !self.sources.contains_key(&source.id)
        };
        let fresh = list.iter().zip(&poll_states).filter(is_fresh).count();
        if is_smaller || !changed.is_empty() {
            let names: HashSet<&SourceId> = list.iter().map(|source| &source.id).collect();
            self.sources.retain(|id, _| names.contains(id));
            if let Some(announcements) = &self.context.announcements {
                announcements.listed(&|id| names.contains(id));
            }
            self.taken = Arc::new(list.iter().map(|source| source.url.as_str().to_owned()).collect());
        }
        self.queue.clear();
        for host in self.hosts.values_mut() {
            host.waiting.clear();
        }
        for ((source, state), number) in list.into_iter().zip(poll_states).zip(0_usize..) {
            if number.is_multiple_of(BETWEEN_BEATS) {
                self.beat();
            }
            match self.sources.get(&source.id).filter(|watched| watched.source == source) {
                Some(watched) if watched.is_running => {}
                Some(watched) => self.queue.push(Reverse((watched.planned, source.id.clone()))),
                None => self.watch(source, state, fresh, now),
            }
        }
        self.context.metrics.count(self.sources.values().map(|watched| watched.state.health));
        Ok(warnings)
    }

    /// Returns whether a source is watched as it is now.
    fn is_watched(&self, source: &Arc<Source>) -> bool {
        self.sources.get(&source.id).is_some_and(|watched| watched.source == *source)
    }

    /// The stored poll states of the sources that are not watched yet; `None` for the others and for those never polled.
    fn stored_states(&self, list: &[Arc<Source>]) -> Result<Vec<Option<PollState>>, String> {
        let mut poll_states = Vec::with_capacity(list.len());
        for (source, number) in list.iter().zip(0_usize..) {
            if number.is_multiple_of(BETWEEN_BEATS) {
                self.beat();
            }
            if self.sources.contains_key(&source.id) {
                poll_states.push(None);
                continue;
            }
            // A source with a new id continues from the poll state of its former one.
            let ids = std::iter::once(&source.id).chain(&source.was);
            let found = ids.map(|id| self.context.poll_states.get(id)).find(|state| !matches!(state, Ok(None)));
            poll_states.push(found.transpose().map_err(|error| error.to_string())?.flatten());
        }
        Ok(poll_states)
    }

    /// Watches a source from now on; `state` is its stored poll state, `fresh` the number of sources that were never polled.
    fn watch(&mut self, source: Arc<Source>, state: Option<PollState>, fresh: usize, now: Moment) {
        let id = source.id.clone();
        let known = self.sources.remove(&id);
        let is_running = known.as_ref().is_some_and(|watched| watched.is_running);
        let is_marked = known.as_ref().is_some_and(|watched| watched.is_marked);
        let abroad = known.as_ref().map(|watched| Arc::clone(&watched.abroad)).unwrap_or_default();
        let quota = known.as_ref().map(|watched| watched.quota.clone()).unwrap_or_default();
        // A source whose next time is stored but that was not asked yet keeps its place.
        let marked = known.as_ref().filter(|watched| watched.is_marked).map(|watched| watched.planned);
        let announced = known.as_ref().and_then(|watched| watched.announced);
        let mut state = known.map(|watched| watched.state).or(state).unwrap_or_else(|| PollState {
            due: schedule::spread(&id, fresh, now),
            interval: self.options.pace.min,
            ..PollState::default()
        });
        match self.context.view.control(&id) {
            Some(Control::Paused) => state.health = Health::Paused,
            Some(Control::Gone) => state.health = Health::Gone,
            _ if matches!(state.health, Health::Paused | Health::Gone) => {
                state.health = Health::New;
                state.due = now;
            }
            _ => {}
        }
        distrust_future(&id, &mut state, fresh, now);
        // Retry-After applies to every source of the host and survives a restart.
        let host = source.url.host_text();
        if let Some((_, until)) = state.busy_hosts.iter().find(|(busy, until)| busy == host && *until > now) {
            let host = self.hosts.entry(host.to_owned()).or_default();
            host.free = host.free.max((*until).min(latest(now)));
        }
        let planned = marked.unwrap_or(state.due);
        let planned = announced.map_or(planned, |at| at.min(planned));
        self.sources
            .insert(id.clone(), Watched { source, state, quota, abroad, is_running, planned, is_marked, announced });
        if !is_running {
            self.queue.push(Reverse((planned, id)));
        }
    }

    /// Returns a warning for each new source with the address of a known one that is no longer listed: it was probably
    /// renamed.
    fn renames(&self, list: &[Arc<Source>], changed: &[&Arc<Source>]) -> Vec<String> {
        let is_new = |source: &&Arc<Source>| self.context.view.with_source(&source.id, |known| known.is_none());
        let fresh: Vec<&Arc<Source>> = changed.iter().copied().filter(is_new).collect();
        if fresh.is_empty() {
            return Vec::new();
        }
        let listed: HashSet<&SourceId> =
            list.iter().flat_map(|source| std::iter::once(&source.id).chain(&source.was)).collect();
        let facts = self.context.view.sources().into_iter().filter(|facts| !listed.contains(&facts.id));
        let removed: HashMap<String, SourceId> =
            facts.filter_map(|facts| Some((Link::parse(&facts.link).ok()?.canonical(), facts.id))).collect();
        let warning = |source: &&Arc<Source>| {
            let before = removed.get(&source.url.canonical())?;
            let now = &source.id;
            Some(format!(
                "source `{now}` has the address of the removed source `{before}`; if it was renamed, add was = [\"{before}\"] to it, or corrections to the items of `{before}` are lost"
            ))
        };
        fresh.iter().filter_map(warning).collect()
    }

    /// Returns the facts of a source, if the log has none or different ones.
    fn news_of(&self, source: &Source, now: Moment) -> Option<SourceFacts> {
        let is_known =
            self.context.view.with_source(&source.id, |known| known.is_some_and(|known| is_told(known, source)));
        (!is_known).then(|| SourceFacts {
            id: source.id.clone(),
            title: source.title.clone(),
            link: source.url.as_str().to_owned(),
            region: source.region.clone(),
            authority: source.authority,
            zone: source.zone.clone(),
            rights: source.rights.clone(),
            was: source.was.clone(),
            alerts_for: source.alerts_for.clone(),
            at: now,
        })
    }
}

/// The latest time that a poll is planned for: a clock that was ahead must not keep a source silent for years.
fn latest(now: Moment) -> Moment {
    now + Duration::from_secs(8 * 86_400)
}

/// Resets times that were scheduled while our clock was ahead; none of them can be trusted.
fn distrust_future(id: &SourceId, state: &mut PollState, fresh: usize, now: Moment) {
    state.due = state.due.min(latest(now));
    if state.asked.is_some_and(|asked| asked > now + CLOCK_JUMP) {
        state.due = schedule::spread(id, fresh.max(64), now);
        state.not_before = Moment::default();
        state.busy_hosts.clear();
        state.asked = None;
        state.forget_future(now);
    }
}

/// Whether the log has the facts of a source as they are today.
fn is_told(known: &SourceFacts, source: &Source) -> bool {
    known.title == source.title
        && known.link == source.url.as_str()
        && known.region == source.region
        && known.authority == source.authority
        && known.zone == source.zone
        && known.rights == source.rights
        && known.was == source.was
        && known.alerts_for == source.alerts_for
}
