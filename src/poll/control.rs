//! Carries out what an admin orders while the loop runs.

use std::cmp::Reverse;

use super::command::{Command, PollRefused};
use super::poller::{MAX_GAP, MIN_ANNOUNCED_INTERVAL, MIN_OWN_INTERVAL, Poller};
use crate::model::{Health, Moment, SourceId};

impl Poller {
    /// Starts what is due, waits until no poll is in progress, and returns the time of the next one; for callers with a
    /// clock of their own.
    pub async fn step(&mut self) -> Option<Moment> {
        loop {
            self.start_due();
            match self.turns.join_next_with_id().await {
                Some(done) => self.finish(done),
                None => break,
            }
        }
        self.queue.peek().map(|Reverse((due, _))| (*due).max(self.hold))
    }

    pub(super) async fn obey(&mut self, command: Command) {
        match command {
            Command::Poll(id, answer) => drop(answer.send(self.hurry(&id))),
            Command::Announced(id) => self.announced(&id),
            Command::Control(id) => self.control(&id),
            Command::Sources(list, options, answer) => {
                let before = std::mem::replace(&mut self.options, options);
                let outcome = self.load(list).await;
                if outcome.is_err() {
                    self.options = before;
                }
                drop(answer.send(outcome));
            }
        }
    }

    /// Applies a source's pause state from the log.
    pub(super) fn control(&mut self, id: &SourceId) {
        let now = (self.context.clock)();
        let is_paused = self.is_paused(id);
        let Some(watched) = self.sources.get_mut(id) else { return };
        let before = watched.state.health;
        match (is_paused, before) {
            (true, _) => watched.state.health = Health::Paused,
            (false, Health::Paused) => {
                watched.state.health = Health::New;
                watched.state.due = now;
                watched.planned = now;
                if !watched.is_running {
                    self.queue.push(Reverse((now, id.clone())));
                }
            }
            (false, _) => {}
        }
        self.context.metrics.changed(before, watched.state.health);
    }

    /// Polls a source soon, but not more often than any other of its kind may be polled after a delivery.
    fn announced(&mut self, id: &SourceId) {
        let now = (self.context.clock)();
        let Some(watched) = self.sources.get_mut(id).filter(|watched| watched.state.health != Health::Paused) else {
            return;
        };
        let gap = if watched.source.is_own { MIN_OWN_INTERVAL } else { MIN_ANNOUNCED_INTERVAL };
        let free = watched.state.asked.map_or(now, |asked| asked + gap);
        let at = now.max(free).max(watched.state.not_before);
        watched.announced = Some(at);
        if !watched.is_running && at < watched.planned {
            watched.planned = at;
            self.queue.push(Reverse((at, id.clone())));
        }
    }

    /// Polls a source as soon as its host allows, even within the minimum interval. The admin may have fixed something,
    /// so a robots.txt that could not be fetched is fetched anew.
    pub(super) fn hurry(&mut self, id: &SourceId) -> Result<(), PollRefused> {
        let now = (self.context.clock)();
        let watched = self.sources.get_mut(id).ok_or_else(|| PollRefused::Unknown(id.clone()))?;
        if watched.state.health == Health::Paused {
            return Err(PollRefused::Off(id.clone(), watched.state.health.word()));
        }
        if watched.state.not_before > now {
            return Err(PollRefused::Wait { source_id: id.clone(), until: watched.state.not_before });
        }
        let host = self.hosts.get(watched.source.url.host_text());
        if let Some(until) = host.map(|host| host.free).filter(|free| free.duration_since(now) > MAX_GAP) {
            return Err(PollRefused::Wait { source_id: id.clone(), until });
        }
        for link in std::iter::once(&watched.source.url).chain(&watched.state.url) {
            self.context.fetcher.forget_unknown(link, now);
        }
        if !watched.is_running {
            watched.planned = now;
            self.queue.retain(|Reverse((_, queued))| queued != id);
            self.queue.push(Reverse((now, id.clone())));
        }
        Ok(())
    }
}
