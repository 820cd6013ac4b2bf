//! The store of the poll states and of robots.txt.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::engine::{Engine, has_room};
use super::error::ViewError;
use super::record::{self, ListingRecord, LooksRecord, PollStateRecord, ReasonRecord, RobotsRecord};
use super::store::View;
use crate::log::Control;
use crate::model::{Format, Health, Link, Listing, Moment, PollState, Reason, Robots, SourceId, Trouble, Validators};

/// Prefix of the keys of robots.txt records, and the end of their range.
const ROBOTS: [u8; 8] = *b"\0robots ";
const ROBOTS_END: [u8; 8] = *b"\0robots!";
/// Key of the record of how documents look.
const LOOKS: [u8; 6] = *b"\0looks";
/// Maximum number of sites whose robots.txt is kept.
const MAX_ROBOTS: usize = 4096;
/// Number of robots.txt writes between two removals of old ones.
const ROBOTS_BETWEEN: u32 = 256;
/// A robots.txt that expired this long before the newest one will is removed.
const ROBOTS_KEPT: Duration = Duration::from_secs(3 * 86_400);

/// A key of the store and its value.
pub type StoredPair = (Vec<u8>, Option<Vec<u8>>);

/// What is remembered of each source between two polls. Losing it costs requests, never items.
#[derive(Debug)]
pub struct PollStates {
    pub(super) engine: Engine,
    /// Number of robots.txt writes since the start.
    pub(super) robots_put: AtomicU32,
    /// The keys of what changed since it was last asked for; `None` if nobody asks.
    pub(super) changed: Option<Mutex<BTreeSet<Vec<u8>>>>,
}

impl PollStates {
    /// Opens the store, and returns whether its contents were lost: a directory that cannot be read is set aside.
    ///
    /// # Errors
    /// Returns an error if no store can be created either.
    pub fn open(path: &Path) -> Result<(Self, bool), ViewError> {
        match Engine::open(path) {
            Ok(engine) => Ok((Self::over(engine), false)),
            // On a full disk nothing is lost, and nothing is polled until the store can be opened.
            Err(_full) if !has_room(path) => Ok((Self::over(Engine::closed(path)), false)),
            Err(error) if path.exists() => {
                Self::set_aside(path)?;
                Engine::open(path).map(|engine| (Self::over(engine), true)).map_err(|_again| error)
            }
            Err(error) => Err(error),
        }
    }

    /// Moves the store aside, replacing one moved aside before. Afterwards every source is polled without validators.
    ///
    /// # Errors
    /// Returns an error if it cannot be moved.
    pub fn set_aside(path: &Path) -> Result<(), ViewError> {
        let aside = path.with_extension("bad");
        let failed = |source| ViewError::Move { path: path.to_owned(), source };
        if aside.exists() {
            std::fs::remove_dir_all(&aside).map_err(failed)?;
        }
        if path.exists() { std::fs::rename(path, &aside).map_err(failed) } else { Ok(()) }
    }

    const fn over(engine: Engine) -> Self {
        Self { engine, robots_put: AtomicU32::new(0), changed: None }
    }

    pub(super) fn write(&self, key: Vec<u8>, value: Vec<u8>) -> Result<(), ViewError> {
        self.engine.put(&key, value)?;
        if let Some(changed) = &self.changed {
            changed.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        }
        Ok(())
    }

    /// Returns the poll state of a source; `None` if it was never polled, or if the record is damaged.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub fn get(&self, source: &SourceId) -> Result<Option<PollState>, ViewError> {
        let bytes = self.engine.get(source.as_str().as_bytes())?;
        let Some(mut record) = bytes.and_then(|bytes| record::decode::<PollStateRecord>(&bytes)) else {
            return Ok(None);
        };
        if record.page.is_none()
            && let Some(listing) = self.old_listing(source)?
        {
            record.take_in(listing);
        }
        Ok(state(record))
    }

    /// Returns the poll state of a source. If the log says that the source is paused or gone, that takes precedence, even if
    /// the poll state was lost in a crash.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub fn health_of(&self, view: &View, source: &SourceId) -> Result<PollState, ViewError> {
        let mut state = self.get(source)?.unwrap_or_default();
        match view.control(source) {
            Some(Control::Gone) => state.health = Health::Gone,
            Some(Control::Paused) => state.health = Health::Paused,
            _ => {}
        }
        Ok(state)
    }

    /// Saves the poll state of a source.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn put(&self, source: &SourceId, state: &PollState) -> Result<(), ViewError> {
        let text = |link: &Option<Link>| link.as_ref().map(|link| link.as_str().to_owned());
        let record = PollStateRecord {
            url: text(&state.url),
            etag: state.validators.etag.clone(),
            last_modified: state.validators.last_modified.clone(),
            due: state.due.millis(),
            asked: state.asked.map(Moment::millis),
            succeeded: state.succeeded.map(Moment::millis),
            last_new: state.last_new.map(Moment::millis),
            not_before: state.not_before.millis(),
            interval: seconds(state.interval),
            failures: state.failures,
            health: health_number(state.health),
            reason: String::new(),
            moved: state.moved.as_ref().map(|(link, since)| (link.as_str().to_owned(), since.millis())),
            listed: state.listing.hashes.clone(),
            polls: state.polls,
            rhythm: state.rhythm.map_or(0, seconds),
            since: state.since.map(Moment::millis),
            doubt: String::new(),
            gone: state.gone.map(|(since, times)| (since.millis(), times)),
            page: text(&state.listing.page),
            format: state.listing.format.word().to_owned(),
            usual: state.listing.usual,
            follow: text(&state.listing.follow),
            wait: state.listing.wait.as_secs(),
            skip_hours: state.listing.skip_hours,
            skip_days: state.listing.skip_days,
            page_asked: state.listing.page_asked.map(Moment::millis),
            busy_hosts: state.busy_hosts.iter().map(|(host, until)| (host.clone(), until.millis())).collect(),
            why: chain(state.reason.as_ref()),
            doubts: state.doubts.iter().map(reason_record).collect(),
            drifts: state.listing.drifts,
        };
        self.write(source.as_str().as_bytes().to_vec(), record::encode(&record))
    }

    /// Returns what earlier versions kept of a source's list beside its poll state.
    pub(super) fn old_listing(&self, source: &SourceId) -> Result<Option<ListingRecord>, ViewError> {
        let bytes = self.engine.get(&old_listing_key(source))?;
        Ok(bytes.and_then(|bytes| record::decode::<ListingRecord>(&bytes)))
    }

    /// Returns the saved robots.txt of a site.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub fn robots(&self, site: &Link) -> Result<Option<Robots>, ViewError> {
        let bytes = self.engine.get(&robots_key(site))?;
        let record = bytes.and_then(|bytes| record::decode::<RobotsRecord>(&bytes));
        Ok(record.map(|record| Robots { text: record.text, until: Moment::from_millis(record.until) }))
    }

    /// Saves the robots.txt of a site.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn put_robots(&self, site: &Link, robots: &Robots) -> Result<(), ViewError> {
        let record = RobotsRecord { until: robots.until.millis(), text: robots.text.clone() };
        self.write(robots_key(site), record::encode(&record))?;
        if self.robots_put.fetch_add(1, Ordering::Relaxed).is_multiple_of(ROBOTS_BETWEEN) {
            self.forget_robots(robots.until - ROBOTS_KEPT)?;
        }
        Ok(())
    }

    /// Removes robots.txt records that expired before `before`, and the oldest ones beyond the maximum number.
    fn forget_robots(&self, before: Moment) -> Result<(), ViewError> {
        let mut kept: Vec<(i64, Vec<u8>)> = Vec::new();
        let mut gone: Vec<Vec<u8>> = Vec::new();
        for pair in self.engine.within(ROBOTS.as_slice()..ROBOTS_END.as_slice()) {
            let (key, value) = pair?;
            match record::decode::<RobotsRecord>(&value) {
                Some(record) if record.until > before.millis() => kept.push((record.until, key.to_vec())),
                _ => gone.push(key.to_vec()),
            }
        }
        kept.sort_unstable();
        gone.extend(kept.drain(..kept.len().saturating_sub(MAX_ROBOTS)).map(|(_, key)| key));
        self.engine.write(gone.into_iter().map(|key| (key, None)).collect())
    }

    /// Returns since when documents have looked as they do, given a hash of everything that affects their looks; `now`
    /// if the hash changed.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read or written.
    pub fn looks_since(&self, looks: [u8; 32], now: Moment) -> Result<Moment, ViewError> {
        let known = self.engine.get(&LOOKS)?.and_then(|bytes| record::decode::<LooksRecord>(&bytes));
        if let Some(known) = known.filter(|known| known.looks == looks && known.since <= now.millis()) {
            return Ok(Moment::from_millis(known.since));
        }
        self.engine.put(&LOOKS, record::encode(&LooksRecord { looks, since: now.millis() }))?;
        Ok(now)
    }

    /// Returns whether the store refused a write.
    pub fn is_broken(&self) -> bool {
        self.engine.is_broken()
    }

    /// Reopens a store that refused to write. Unflushed records may have reverted to older versions; that costs
    /// requests without validators, but no items.
    ///
    /// # Errors
    /// Returns an error if the store still cannot be opened.
    pub fn heal(&self) -> Result<(), ViewError> {
        self.engine.heal()
    }

    /// Flushes everything to the operating system, before an orderly shutdown.
    ///
    /// # Errors
    /// Returns an error if the store could not be written.
    pub fn flush(&self) -> Result<(), ViewError> {
        self.engine.flush()
    }

    /// Returns the directory of the store.
    pub fn path(&self) -> &Path {
        self.engine.path()
    }
}

fn state(record: PollStateRecord) -> Option<PollState> {
    let link = |text: String| Link::parse(&text).ok();
    Some(PollState {
        url: record.url.and_then(link),
        validators: Validators { etag: record.etag, last_modified: record.last_modified },
        due: Moment::from_millis(record.due),
        asked: record.asked.map(Moment::from_millis),
        succeeded: record.succeeded.map(Moment::from_millis),
        last_new: record.last_new.map(Moment::from_millis),
        not_before: Moment::from_millis(record.not_before),
        interval: Duration::from_secs(record.interval.into()),
        failures: record.failures,
        health: Health::ALL.into_iter().nth(usize::from(record.health))?,
        reason: reason(record.why, record.reason),
        moved: record.moved.and_then(|(text, since)| Some((link(text)?, Moment::from_millis(since)))),
        polls: record.polls,
        rhythm: (record.rhythm > 0).then(|| Duration::from_secs(record.rhythm.into())),
        since: record.since.map(Moment::from_millis),
        doubts: doubts(record.doubts, record.doubt),
        gone: record.gone.map(|(since, times)| (Moment::from_millis(since), times)),
        busy_hosts: record.busy_hosts.into_iter().map(|(host, until)| (host, Moment::from_millis(until))).collect(),
        listing: Listing {
            page: record.page.and_then(link),
            page_asked: record.page_asked.map(Moment::from_millis),
            follow: record.follow.and_then(link),
            format: Format::from_word(&record.format),
            usual: record.usual,
            drifts: record.drifts,
            hashes: record.listed,
            wait: Duration::from_secs(record.wait),
            skip_hours: record.skip_hours,
            skip_days: record.skip_days,
        },
    })
}

fn reason_record(reason: &Reason) -> ReasonRecord {
    (reason.kind.word().to_owned(), reason.values.clone())
}

/// A reason, what that came from, and so on.
fn chain(reason: Option<&Reason>) -> Vec<ReasonRecord> {
    std::iter::successors(reason, |reason| reason.cause.as_deref()).map(reason_record).collect()
}

/// Returns a reason whose kind is known; else its values as a sentence.
fn of_record((word, values): ReasonRecord) -> Reason {
    match Trouble::ALL.iter().find(|kind| kind.word() == word) {
        Some(kind) => Reason { kind: *kind, values, cause: None },
        None => Reason::told(&values.join(", ")),
    }
}

/// Returns the reason of a record, or the sentence that stood there before version 5.
fn reason(chain: Vec<ReasonRecord>, sentence: String) -> Option<Reason> {
    let told = (!sentence.is_empty()).then(|| Reason::told(&sentence));
    let kept = chain.into_iter().map(of_record).rev();
    kept.fold(None, |cause, reason| Some(Reason { cause: cause.map(Box::new), ..reason })).or(told)
}

fn doubts(kept: Vec<ReasonRecord>, sentence: String) -> Vec<Reason> {
    let told = (!sentence.is_empty()).then(|| Reason::told(&sentence));
    kept.into_iter().map(of_record).chain(told).collect()
}

/// The seconds of a duration, as records have them.
fn seconds(length: Duration) -> u32 {
    u32::try_from(length.as_secs()).unwrap_or(u32::MAX)
}

fn robots_key(site: &Link) -> Vec<u8> {
    [ROBOTS.as_slice(), site.as_str().as_bytes()].concat()
}

/// A source's id never contains a NUL.
fn old_listing_key(source: &SourceId) -> Vec<u8> {
    [source.as_str().as_bytes(), b"\0memory"].concat()
}

fn health_number(health: Health) -> u8 {
    Health::ALL.iter().position(|known| *known == health).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_kept_with_what_they_came_from() {
        let folder = tempfile::tempdir().unwrap();
        let (poll_states, _) = PollStates::open(&folder.path().join("visits")).unwrap();
        let source = SourceId::new("a").unwrap();
        let cause = Reason::new(Trouble::NoConnection, [&"a.cn", &"refused"]);
        let reason = Some(Reason::new(Trouble::LeadsTo, [&"http://a.cn/"]).because(cause));
        let doubts = vec![Reason::new(Trouble::SeldomWished, [&7]), Reason::told("x")];
        let state = PollState { reason, doubts, ..PollState::default() };
        poll_states.put(&source, &state).unwrap();
        assert_eq!(poll_states.get(&source).unwrap(), Some(state));
        let unknown = of_record(("of a later version".to_owned(), vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(unknown, Reason::told("a, b"));
    }

    /// A store of version 0.1, whose poll states were in two records: `visit` and `memory` of the golden files.
    #[test]
    fn a_store_with_two_records_a_source_keeps_validators_and_due_times() {
        let bytes = |text: &str, kind: &str| -> Vec<u8> {
            let hex = text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix('\t')).unwrap();
            hex.as_bytes()
                .chunks(2)
                .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
                .collect()
        };
        let visit = bytes(include_str!("../../tests/fixtures/view/version-4.txt"), "visit");
        let memory = bytes(include_str!("../../tests/fixtures/view/version-5.txt"), "memory");
        let folder = tempfile::tempdir().unwrap();
        let (poll_states, _) = PollStates::open(&folder.path().join("visits")).unwrap();
        let source = SourceId::new("a").unwrap();
        poll_states.engine.put(b"a", visit).unwrap();
        poll_states.engine.put(b"a\0memory", memory).unwrap();

        let state = poll_states.get(&source).unwrap().unwrap();
        assert_eq!(state.validators.etag.as_deref(), Some(b"W/\"1\"".as_slice()));
        assert_eq!(state.validators.last_modified.as_deref(), Some(b"Thu, 09 Mar 2023 02:27:02 GMT".as_slice()));
        assert_eq!(state.due, Moment::from_millis(1));
        let link = |text| Some(Link::parse(text).unwrap());
        assert_eq!((&state.listing.page, &state.listing.follow), (&link("http://a.cn/"), &link("http://a.cn/list")));
        assert_eq!((state.listing.format, state.listing.usual), (Format::List, 20));
        assert_eq!(state.busy_hosts, [("b.cn".to_owned(), Moment::from_millis(5))]);
        assert_eq!(state.reason.iter().chain(&state.doubts).filter(|reason| reason.kind != Trouble::Told).count(), 0);
        let revisits = poll_states.revisits(&source).unwrap();
        assert_eq!(revisits.len(), 1);

        poll_states.put(&source, &state).unwrap();
        poll_states.put_revisits(&source, &[]).unwrap();
        assert_eq!(poll_states.get(&source).unwrap(), Some(state), "in one record now");
        assert_eq!(poll_states.revisits(&source).unwrap(), []);
    }
}
