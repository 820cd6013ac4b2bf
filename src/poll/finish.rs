//! What follows a poll: its host is free again, its source has a new due time, and the next one that waits goes on.

use std::cmp::Reverse;

use super::poll_source::PollResult;
use super::poller::{CROWDED_DELAY, MIN_GAP, Poller, gap_of, pace_of};
use super::schedule;
use super::watched::Running;
use crate::log::Control;
use crate::model::{Health, Moment, Outcome, PollState, SourceId};

impl Poller {
    pub(super) fn finish(&mut self, ended: Result<(tokio::task::Id, Option<PollResult>), tokio::task::JoinError>) {
        let now = (self.context.clock)();
        let (task, done) = match ended {
            Ok((task, None)) => return self.put_off(task, now),
            Ok((task, done)) => (task, done),
            // If a poll task panics, only that source misses this poll.
            Err(error) => {
                tracing::error!(
                    event = "task_panicked",
                    error = &error as &dyn std::error::Error,
                    "internal error: a poll panicked; please report it"
                );
                (error.id(), None)
            }
        };
        let Some(Running { source: id, host: host_name, .. }) = self.running.remove(&task) else { return };
        let host = self.hosts.entry(host_name.clone()).or_default();
        host.is_busy = false;
        let gap = self.sources.get(&id).map_or(MIN_GAP, |watched| gap_of(&watched.source, self.options.host_gap));
        host.free = (now + gap).max(done.as_ref().and_then(|done| done.host_until).unwrap_or_default());
        if let Some(next) = host.waiting.pop_front() {
            self.queue.push(Reverse((host.free, next)));
        }
        let is_done = done.is_some();
        if let Some(done) = done {
            self.take_result(&id, host_name, done);
        }
        // The source may have been removed from the list during the poll.
        if let Some(watched) = self.sources.get_mut(&id) {
            watched.is_running = false;
            if !is_done {
                watched.state.due = now + self.options.pace.max;
            }
            watched.planned = watched.announced.map_or(watched.state.due, |at| at.min(watched.state.due));
            self.queue.push(Reverse((watched.planned, id)));
        }
        self.forgive(now);
        // Drop idle hosts whose gap is over, so that the map stays bounded.
        if self.hosts.len() > 2 * self.sources.len() + 64 {
            self.hosts.retain(|_, host| host.is_busy || host.free > now || !host.waiting.is_empty());
        }
    }

    /// Takes over what a poll found out about its source.
    fn take_result(&mut self, id: &SourceId, host: String, done: PollResult) {
        let Some(watched) = self.sources.get_mut(id) else { return };
        watched.quota = done.quota;
        match done.is_reached {
            Some(true) => self.silence.end(),
            Some(false) => self.silence.add(id.clone(), host, done.before),
            None => {}
        }
        self.remember(id, done.state);
    }

    /// Replaces what is remembered of a source, which may have been paused meanwhile.
    fn remember(&mut self, id: &SourceId, mut state: PollState) {
        let is_paused = self.is_paused(id);
        let Some(watched) = self.sources.get_mut(id) else { return };
        if is_paused {
            state.health = Health::Paused;
        }
        self.context.metrics.changed(watched.state.health, state.health);
        watched.state = state;
    }

    /// Returns whether an admin paused a source: the log says so, whatever its poll found.
    pub(super) fn is_paused(&self, id: &SourceId) -> bool {
        self.context.view.control(id) == Some(Control::Paused)
    }

    /// Reschedules a source that was not polled because too many polls are at its IP address.
    fn put_off(&mut self, task: tokio::task::Id, now: Moment) {
        let Some(Running { source: id, host: host_name, .. }) = self.running.remove(&task) else { return };
        let again = now + CROWDED_DELAY;
        if let Some(host) = self.hosts.get_mut(&host_name) {
            host.is_busy = false;
            if let Some(next) = host.waiting.pop_front() {
                self.queue.push(Reverse((again, next)));
            }
        }
        if let Some(watched) = self.sources.get_mut(&id) {
            watched.is_running = false;
            watched.is_marked = true;
            watched.planned = again;
            self.queue.push(Reverse((again, id)));
        }
    }

    /// If several hosts in a row do not answer, our own network is down, and no source is to blame.
    fn forgive(&mut self, now: Moment) {
        if !self.silence.is_ours() {
            return;
        }
        let sources = &self.sources;
        for id in self.silence.take_counted(|id| sources.get(id).is_some_and(|watched| watched.is_running)) {
            let (Some(watched), Some(before)) = (self.sources.get(&id), self.silence.before(&id)) else { continue };
            if watched.state.failures <= before.failures {
                continue;
            }
            let pace = pace_of(&watched.source, self.options.pace);
            let forgiven = schedule::next(&id, before, &Outcome::Offline, now, pace);
            self.remember(&id, forgiven);
            let Some(watched) = self.sources.get_mut(&id) else { continue };
            watched.planned = watched.state.due;
            // The stale entry of the queue is ignored when it is popped: only the planned time counts.
            self.queue.push(Reverse((watched.planned, id.clone())));
            if let Err(error) = self.context.poll_states.put(&id, &watched.state) {
                tracing::error!(event = "poll_state_unsaved", source = %id, error = &error as &dyn std::error::Error, "cannot save the poll state");
            }
            tracing::warn!(event = "network_down", source = %id, "no host answers: our own network seems to be down; the failure is not counted");
        }
    }
}
