use std::path::Path;

use super::engine::Engine;
use super::error::ViewError;
use super::record::{self, MemoryRecord, RevisitRecord, RobotsRecord, VisitRecord};
use super::store::View;
use crate::log::Control;
use crate::model::{Draft, Health, ItemId, Link, Memory, Moment, Revisit, Robots, SourceId, Stamp, Validators, Visit};

/// What we remember of each source between two polls. Losing it costs requests, never items.
#[derive(Debug)]
pub struct Visits {
    engine: Engine,
}

impl Visits {
    /// Opens the visits, and says whether they were lost: a directory that cannot be read is set aside.
    ///
    /// # Errors
    /// Where none can be made either.
    pub fn open(path: &Path) -> Result<(Self, bool), ViewError> {
        match Engine::open(path) {
            Ok(engine) => Ok((Self { engine }, false)),
            Err(error) if path.exists() => {
                let aside = path.with_extension("bad");
                let failed = |source| ViewError::Move { path: path.to_owned(), source };
                if aside.exists() {
                    std::fs::remove_dir_all(&aside).map_err(failed)?;
                }
                std::fs::rename(path, &aside).map_err(failed)?;
                Engine::open(path).map(|engine| (Self { engine }, true)).map_err(|_again| error)
            }
            Err(error) => Err(error),
        }
    }

    /// What is remembered of a source; `None` where it was never visited, or the record is damaged.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn get(&self, source: &SourceId) -> Result<Option<Visit>, ViewError> {
        let bytes = self.engine.get(source.as_str().as_bytes())?;
        Ok(bytes.and_then(|bytes| record::decode::<VisitRecord>(&bytes)).and_then(visit))
    }

    /// How a source fares. What the log says of it (paused, gone) holds, also where the visit was lost in a crash.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn fare(&self, view: &View, source: &SourceId) -> Result<Visit, ViewError> {
        let mut visit = self.get(source)?.unwrap_or_default();
        match view.control(source) {
            Some(Control::Gone) => visit.health = Health::Gone,
            Some(Control::Paused) => visit.health = Health::Paused,
            _ => {}
        }
        Ok(visit)
    }

    /// Remembers a visit.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn put(&self, source: &SourceId, visit: &Visit) -> Result<(), ViewError> {
        let record = VisitRecord {
            url: visit.url.as_ref().map(|url| url.as_str().to_owned()),
            etag: visit.validators.etag.clone(),
            last_modified: visit.validators.last_modified.clone(),
            due: visit.due.millis(),
            asked: visit.asked.map(Moment::millis),
            succeeded: visit.succeeded.map(Moment::millis),
            last_new: visit.last_new.map(Moment::millis),
            not_before: visit.not_before.millis(),
            interval: visit.interval,
            failures: visit.failures,
            health: health_number(visit.health),
            reason: visit.reason.clone(),
            moved: visit.moved.as_ref().map(|(link, since)| (link.as_str().to_owned(), since.millis())),
            listed: visit.listed.clone(),
            polls: visit.polls,
            rhythm: visit.rhythm,
            since: visit.since.map(Moment::millis),
        };
        self.engine.put(source.as_str().as_bytes(), record::encode(&record))
    }

    /// What is remembered of a source's list; the default where nothing is.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn memory(&self, source: &SourceId) -> Result<Memory, ViewError> {
        let bytes = self.engine.get(&memory_key(source))?;
        Ok(bytes.and_then(|bytes| record::decode::<MemoryRecord>(&bytes)).map(memory).unwrap_or_default())
    }

    /// Remembers a source's list.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn put_memory(&self, source: &SourceId, memory: &Memory) -> Result<(), ViewError> {
        let revisit = |revisit: &Revisit| RevisitRecord {
            item: revisit.item.as_u128(),
            guid: revisit.listed.guid.clone(),
            link: revisit.listed.link.clone(),
            title: revisit.listed.title.clone(),
            published: revisit.listed.published.map(|stamp| (stamp.rfc3339(), stamp.precision.word().to_owned())),
            due: revisit.due.millis(),
            step: revisit.step,
            misses: revisit.misses,
        };
        let record = MemoryRecord {
            page: memory.page.as_ref().map(|link| link.as_str().to_owned()),
            format: memory.format.clone(),
            usual: memory.usual,
            follow: memory.follow.as_ref().map(|link| link.as_str().to_owned()),
            revisits: memory.revisits.iter().map(revisit).collect(),
            wait: memory.wait,
            skip_hours: memory.skip_hours,
            skip_days: memory.skip_days,
        };
        self.engine.put(&memory_key(source), record::encode(&record))
    }

    /// What a site said in its robots.txt, at this address.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn robots(&self, site: &Link) -> Result<Option<Robots>, ViewError> {
        let bytes = self.engine.get(&robots_key(site))?;
        let record = bytes.and_then(|bytes| record::decode::<RobotsRecord>(&bytes));
        Ok(record.map(|record| Robots { text: record.text, until: Moment::from_millis(record.until) }))
    }

    /// Remembers a robots.txt.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn put_robots(&self, site: &Link, robots: &Robots) -> Result<(), ViewError> {
        let record = RobotsRecord { until: robots.until.millis(), text: robots.text.clone() };
        self.engine.put(&robots_key(site), record::encode(&record))
    }

    /// Did the store refuse to write?
    pub fn is_broken(&self) -> bool {
        self.engine.is_broken()
    }

    /// Opens a store anew that refused to write. What was not flushed may be older in it than it was; that costs requests
    /// without validators, no items.
    ///
    /// # Errors
    /// Where it cannot be opened yet.
    pub fn heal(&self) -> Result<(), ViewError> {
        self.engine.heal()
    }

    /// Hands everything to the system, before an orderly end.
    ///
    /// # Errors
    /// Where the store could not be written.
    pub fn flush(&self) -> Result<(), ViewError> {
        self.engine.flush()
    }

    /// Where they lie.
    pub fn path(&self) -> &Path {
        self.engine.path()
    }
}

fn visit(record: VisitRecord) -> Option<Visit> {
    let link = |text: String| Link::parse(&text).ok();
    Some(Visit {
        url: record.url.and_then(link),
        validators: Validators { etag: record.etag, last_modified: record.last_modified },
        due: Moment::from_millis(record.due),
        asked: record.asked.map(Moment::from_millis),
        succeeded: record.succeeded.map(Moment::from_millis),
        last_new: record.last_new.map(Moment::from_millis),
        not_before: Moment::from_millis(record.not_before),
        interval: record.interval,
        failures: record.failures,
        health: Health::ALL.into_iter().nth(usize::from(record.health))?,
        reason: record.reason,
        moved: record.moved.and_then(|(text, since)| Some((link(text)?, Moment::from_millis(since)))),
        listed: record.listed,
        polls: record.polls,
        rhythm: record.rhythm,
        since: record.since.map(Moment::from_millis),
    })
}

fn robots_key(site: &Link) -> Vec<u8> {
    [b"\0robots ".as_slice(), site.as_str().as_bytes()].concat()
}

/// No id of a source holds a NUL.
fn memory_key(source: &SourceId) -> Vec<u8> {
    [source.as_str().as_bytes(), b"\0memory"].concat()
}

fn memory(record: MemoryRecord) -> Memory {
    let revisit = |record: RevisitRecord| Revisit {
        item: ItemId::from_u128(record.item),
        listed: Draft {
            guid: record.guid,
            link: record.link,
            title: record.title,
            published: record.published.and_then(|(at, precision)| Stamp::from_rfc3339(&at, &precision)),
            ..Draft::default()
        },
        due: Moment::from_millis(record.due),
        step: record.step,
        misses: record.misses,
    };
    Memory {
        page: record.page.and_then(|text| Link::parse(&text).ok()),
        format: record.format,
        usual: record.usual,
        follow: record.follow.and_then(|text| Link::parse(&text).ok()),
        revisits: record.revisits.into_iter().map(revisit).collect(),
        wait: record.wait,
        skip_hours: record.skip_hours,
        skip_days: record.skip_days,
    }
}

fn health_number(health: Health) -> u8 {
    Health::ALL.iter().position(|known| *known == health).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
}
