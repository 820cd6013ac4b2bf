//! Decides when a source is polled next. Pure: takes what is remembered, the last outcome and the present moment.

use std::time::Duration;

use crate::model::{Health, Listing, Moment, Outcome, PollState, Reason, SourceId, Trouble};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Maximum back-off. A failing source is retried for ever.
const MAX_BACKOFF: Duration = DAY;
/// Initial back-off for a busy site that does not say how long to wait.
const BUSY_BACKOFF: Duration = HOUR;
/// Interval for a source that is gone: it may come back.
const GONE_INTERVAL: Duration = Duration::from_secs(7 * 24 * 3600);
/// Maximum number of hours that a source's skip hours and days can delay a poll.
const MAX_SKIPPED_HOURS: usize = 72;
/// Average spacing of the first polls of sources that were never polled.
const FIRST_POLL_SPACING: Duration = Duration::from_millis(20);

/// A source is stale after this many times its usual interval without a new item.
const STALE_FACTOR: u32 = 3;
/// A shorter silence than this is never stale: offices close at night and over the weekend.
const MIN_STALE: Duration = Duration::from_secs(3 * 24 * 3600);

/// How often a source may be polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Minimum time between two polls.
    pub min: Duration,
    /// Maximum time between two polls of a healthy source.
    pub max: Duration,
}

/// Returns what to remember after a poll: the time of the next one, the interval and the health. The interval halves if
/// there are new items and grows by a quarter if not; failures double the wait up to a day. A minimum wait that the
/// source asks for is always kept.
#[must_use]
pub fn next(source: &SourceId, state: &PollState, outcome: &Outcome, now: Moment, pace: Pace) -> PollState {
    let mut after = planned(source, state, outcome, now, pace);
    if let Some(reason) = silence(&after, now).filter(|_| after.health == Health::Ok) {
        after.health = Health::Stale;
        after.reason = Some(reason);
    }
    if after.health != state.health || after.since.is_none() {
        after.since = Some(now);
    }
    after
}

/// Returns why a healthy source is stale, if it has brought nothing new for more than three times its usual interval.
fn silence(state: &PollState, now: Moment) -> Option<Reason> {
    let silent = now.duration_since(state.last_new?);
    let usual = state.rhythm?;
    let is_stale = silent > (usual * STALE_FACTOR).max(MIN_STALE);
    is_stale.then(|| Reason::new(Trouble::Silent, [&silent.as_secs(), &usual.as_secs()]))
}

/// Returns the usual interval after a new item. Longer pauses count more than shorter ones, so that nights and weekends
/// are included.
fn rhythm(state: &PollState, now: Moment) -> Option<Duration> {
    let Some(last) = state.last_new else { return state.rhythm };
    let pause = now.duration_since(last);
    let usual = match state.rhythm {
        None => pause,
        Some(usual) if pause > usual => usual + (pause - usual) / 2,
        Some(usual) => usual - (usual - pause) / 8,
    };
    Some(whole_seconds(usual)).filter(|usual| !usual.is_zero())
}

/// Rounds up to whole seconds, which is what the store keeps.
const fn whole_seconds(length: Duration) -> Duration {
    Duration::from_secs(length.as_secs() + if length.subsec_nanos() > 0 { 1 } else { 0 })
}

fn planned(source: &SourceId, state: &PollState, outcome: &Outcome, now: Moment, pace: Pace) -> PollState {
    let mut after = state.clone();
    after.polls += 1;
    let (min, max) = (pace.min, pace.max.max(pace.min));
    let interval = state.interval.clamp(min, max);
    let well = |after: &mut PollState, interval: Duration, wait: Duration| {
        let interval = whole_seconds(interval.clamp(min, max));
        after.interval = interval;
        after.failures = 0;
        after.health = Health::Ok;
        after.reason = None;
        after.succeeded = Some(now);
        interval.max(wait)
    };
    let wait = match outcome {
        Outcome::Read { new: 0, wait } | Outcome::Unchanged { wait } => {
            well(&mut after, interval + interval / 4, *wait)
        }
        Outcome::Read { wait, .. } => {
            let wait = well(&mut after, interval / 2, *wait);
            after.rhythm = rhythm(state, now);
            after.last_new = Some(now);
            wait
        }
        Outcome::Failed { blocked, reason } => {
            after.failures += 1;
            after.health = if *blocked { Health::Blocked } else { Health::Degraded };
            after.reason = Some(reason.clone());
            backoff(interval, after.failures)
        }
        Outcome::Busy { wait, reason } => {
            after.failures += 1;
            after.health = Health::Degraded;
            after.reason = Some(reason.clone());
            let wait = busy_wait(state, *wait).max(min);
            after.not_before = now + wait;
            wait
        }
        // The site is not to blame.
        Outcome::Offline | Outcome::Crowded | Outcome::Unsaved => interval,
        Outcome::Gone => {
            after.failures += 1;
            after.health = Health::Gone;
            after.reason = Some(Reason::new(Trouble::Gone, []));
            GONE_INTERVAL
        }
    };
    after.due = now + wait + jitter(source, after.polls, wait);
    after
}

/// Returns how long a busy site is left alone: as long as it asks for, or longer with every failure if it does not say.
pub(super) fn busy_wait(state: &PollState, asked: Option<Duration>) -> Duration {
    asked.unwrap_or_else(|| backoff(BUSY_BACKOFF, state.failures))
}

/// Returns the first moment from `due` on that is outside the hours and days in which a source does not want to be
/// polled (`skipHours` and `skipDays` of RSS 2.0, in UTC). If a source excludes every hour or day, that is ignored.
pub(super) fn outside(due: Moment, listing: &Listing) -> Moment {
    let (hours, days) = (listing.skip_hours, listing.skip_days);
    const ALL_HOURS: u32 = (1 << 24) - 1;
    const ALL_DAYS: u32 = (1 << 7) - 1;
    if hours & ALL_HOURS == ALL_HOURS || days & ALL_DAYS == ALL_DAYS || hours | days == 0 {
        return due;
    }
    let is_skipped = |at: Moment| {
        let hour = at.seconds().div_euclid(3600);
        // 1 January 1970 was a Thursday.
        let day = (hour.div_euclid(24) + 3).rem_euclid(7);
        hours & 1 << hour.rem_euclid(24) != 0 || days & 1 << day != 0
    };
    let mut at = due;
    for _ in 0..MAX_SKIPPED_HOURS {
        if !is_skipped(at) {
            return at;
        }
        at = Moment::from_seconds((at.seconds().div_euclid(3600) + 1) * 3600);
    }
    due
}

/// Returns the back-off, which doubles with every failure, from the interval to a day.
fn backoff(interval: Duration, failures: u32) -> Duration {
    interval.saturating_mul(1 << failures.min(20)).min(MAX_BACKOFF.max(interval))
}

/// Returns a delay of up to a tenth of the wait; the same for the same poll of the same source.
fn jitter(source: &SourceId, polls: u64, wait: Duration) -> Duration {
    below(wait / 10, xxh3_64_with_seed(source.as_str().as_bytes(), polls))
}

/// Returns a length of at most `most` in milliseconds, chosen by a hash.
fn below(most: Duration, hash: u64) -> Duration {
    Duration::from_millis(hash % u64::try_from(most.as_millis()).unwrap_or(u64::MAX).saturating_add(1))
}

/// Returns the time of the first poll of a source that was never polled, so that a thousand of them do not start at
/// once.
pub fn spread(source: &SourceId, fresh: usize, now: Moment) -> Moment {
    let most = FIRST_POLL_SPACING.saturating_mul(u32::try_from(fresh).unwrap_or(u32::MAX));
    now + below(most, xxh3_64_with_seed(source.as_str().as_bytes(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { min: Duration::from_secs(900), max: Duration::from_secs(21_600) };
    const AT_ONCE: Duration = Duration::ZERO;
    const NOW: Moment = Moment::from_seconds(1_678_328_822);

    fn after(state: &PollState, outcome: &Outcome) -> (PollState, u64) {
        let after = next(&SourceId::new("a").unwrap(), state, outcome, NOW, PACE);
        let wait = after.due.duration_since(NOW).as_secs();
        (after, wait)
    }

    fn failed() -> Outcome {
        Outcome::Failed { blocked: false, reason: Reason::told("404") }
    }

    #[test]
    fn a_quiet_source_drifts_to_the_maximum_and_a_new_item_brings_it_back() {
        let mut state = PollState::default();
        for _ in 0..40 {
            state = after(&state, &Outcome::Unchanged { wait: AT_ONCE }).0;
        }
        assert_eq!(state.interval, PACE.max);
        for _ in 0..10 {
            state = after(&state, &Outcome::Read { new: 1, wait: AT_ONCE }).0;
        }
        assert_eq!(state.interval, PACE.min);
    }

    #[test]
    fn failures_back_off_to_a_day_and_never_give_up() {
        let mut state = PollState::default();
        let mut waits = Vec::new();
        for _ in 0..1000 {
            let (next, wait) = after(&state, &failed());
            waits.push(wait);
            state = next;
        }
        assert!(waits[0] >= 1800 && waits[0] <= 1980, "{}", waits[0]);
        assert!(waits.iter().all(|wait| *wait <= 24 * 3600 * 11 / 10));
        assert_eq!(state.health, Health::Degraded);
        let (well, wait) = after(&state, &Outcome::Unchanged { wait: AT_ONCE });
        assert!(wait < 1500 && well.health == Health::Ok && well.reason.is_none());
    }

    #[test]
    fn what_the_source_asks_for_is_a_lower_bound() {
        assert!(after(&PollState::default(), &Outcome::Read { new: 1, wait: HOUR * 2 }).1 >= 7200);
        let (busy, wait) = after(
            &PollState::default(),
            &Outcome::Busy { wait: Some(Duration::from_secs(5000)), reason: Reason::told("429") },
        );
        assert!(wait >= 5000 && busy.not_before == NOW.plus_seconds(5000));
        assert!(
            after(&PollState::default(), &Outcome::Busy { wait: Some(AT_ONCE), reason: Reason::told("503") }).1 >= 900,
            "never at once"
        );
        assert!(after(&PollState::default(), &Outcome::Busy { wait: None, reason: Reason::told("503") }).1 >= 3600);
    }

    #[test]
    fn hours_and_days_that_a_source_keeps_free() {
        let at = |text: &str| Moment::from_rfc3339(text).unwrap();
        let outside = |due: Moment, skip_hours: u32, skip_days: u32| {
            outside(due, &Listing { skip_hours, skip_days, ..Listing::default() })
        };
        let friday = at("2023-03-10T22:30:00Z");
        assert_eq!(outside(friday, 1 << 22 | 1 << 23 | 1, 0), at("2023-03-11T01:00:00Z"));
        assert_eq!(outside(friday, 0, 1 << 4 | 1 << 5 | 1 << 6), at("2023-03-13T00:00:00Z"));
        assert_eq!(outside(friday, 1 << 3, 1 << 0), friday);
        assert_eq!(outside(friday, u32::MAX, 0), friday, "a source that leaves no hour is not believed");
    }

    #[test]
    fn our_own_network_counts_against_nobody() {
        let state = PollState {
            failures: 2,
            health: Health::Degraded,
            reason: Some(Reason::told("404")),
            ..PollState::default()
        };
        let (after, wait) = after(&state, &Outcome::Offline);
        assert_eq!((after.failures, after.health, after.reason), (2, Health::Degraded, Some(Reason::told("404"))));
        assert!((900..1000).contains(&wait));
    }

    #[test]
    fn p15_a_source_that_falls_silent_is_stale_and_a_new_item_ends_that() {
        let source = SourceId::new("a").unwrap();
        let (mut state, mut now) = (PollState::default(), NOW);
        // New items on working days at nine and at three.
        for day in 0..21 {
            for hours in [6, 18] {
                if day % 7 < 5 {
                    state = next(&source, &state, &Outcome::Read { new: 1, wait: AT_ONCE }, now, PACE);
                }
                now = now.plus_seconds(hours * 3600);
                state = next(&source, &state, &Outcome::Unchanged { wait: AT_ONCE }, now, PACE);
                assert_eq!(state.health, Health::Ok, "day {day}");
            }
        }
        now = now.plus_seconds(10 * 86_400);
        state = next(&source, &state, &Outcome::Unchanged { wait: AT_ONCE }, now, PACE);
        assert_eq!(state.health, Health::Stale);
        let reason = state.reason.clone().unwrap();
        let silent: u64 = reason.values[0].parse().unwrap();
        assert_eq!((reason.kind, silent / DAY.as_secs()), (Trouble::Silent, 12));
        assert_eq!(state.since, Some(now));
        let later = now.plus_seconds(3600);
        assert_eq!(next(&source, &state, &Outcome::Unchanged { wait: AT_ONCE }, later, PACE).since, Some(now));
        state = next(&source, &state, &Outcome::Read { new: 2, wait: AT_ONCE }, later, PACE);
        assert_eq!((state.health, state.since, &state.reason), (Health::Ok, Some(later), &None));
    }

    #[test]
    fn what_is_gone_is_asked_once_a_week() {
        let (state, wait) = after(&PollState::default(), &Outcome::Gone);
        assert_eq!(state.health, Health::Gone);
        assert!((7 * 86_400..8 * 86_400).contains(&wait), "{wait}");
    }
}
