//! Compares a view with its log.

use std::path::Path;
use std::sync::Arc;

use super::error::ViewError;
use super::open::{Unusable, load, stored_state};
use super::state::State;
use super::store::{Options, View, rules};
use crate::log::{Damage, Log};

/// Result of comparing a view with its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Number of log records read.
    pub records: u64,
    /// Number of items that the log yields.
    pub items: usize,
    /// Number of stories: items without the reports that belong to another story.
    pub stories: usize,
    /// Log lines that could not be used.
    pub damages: Vec<Damage>,
    /// How the view relates to the log.
    pub verdict: Verdict,
    /// What the log yields up to this record, as a digest: nodes with one log have the same one at the same record.
    pub digest: (u64, String),
}

/// How a view relates to its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The view matches the log, or has yet to be built from it.
    Agrees,
    /// The view matches the log up to an earlier record: it was not written to the end.
    Behind {
        /// Last record in the view.
        view: u64,
        /// The last record of the log.
        log: u64,
    },
    /// The view contains records that the log lacks: part of the log is lost.
    Ahead {
        /// Last record in the view.
        view: u64,
        /// The last record of the log.
        log: u64,
    },
    /// The view does not match the log.
    Differs,
    /// The view cannot be read.
    Unusable(String),
}

impl Check {
    /// Returns whether all is well. A view behind its log is normal after a kill or a power cut; an existing view
    /// without a single record has lost everything.
    pub fn is_well(&self) -> bool {
        let agrees = match self.verdict {
            Verdict::Agrees => true,
            Verdict::Behind { view, .. } => view > 0,
            _ => false,
        };
        agrees && self.damages.is_empty()
    }

    /// Returns the findings, as lines for an admin.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{} records, {} items, {} stories", self.records, self.items, self.stories)];
        lines.extend(self.damages.iter().map(ToString::to_string));
        if !self.damages.is_empty() {
            lines.push(
                "the log is damaged: restore it from a backup; `dayuan rebuild` would rebuild the view without the lost records"
                    .to_owned(),
            );
        }
        lines.push(match &self.verdict {
            Verdict::Agrees => {
                let (record, digest) = &self.digest;
                format!("the view matches the log; at record {record} its digest is {digest}")
            }
            Verdict::Behind { view, log } => format!(
                "the view ends with record {view} of {log}: it was not written to the end; the rest is taken from the log at the next start"
            ),
            Verdict::Ahead { view, log } => format!(
                "the log ends with record {log}, the view with record {view}: records of the log are lost; restore a backup; `dayuan rebuild` would make the loss final"
            ),
            Verdict::Differs if self.damages.is_empty() => {
                "the view does not match the log; run `dayuan rebuild`".to_owned()
            }
            Verdict::Differs => "the view differs from what is left of the log".to_owned(),
            Verdict::Unusable(reason) => {
                format!("the view cannot be used ({reason}); it will be rebuilt from the log at the next start")
            }
        });
        lines
    }
}

impl View {
    /// Rebuilds everything in memory and compares it with both the state in memory and a fresh read of the store.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read or the store cannot be written.
    pub fn verify(&self) -> Result<Check, ViewError> {
        let (digest, applied, stored) = self.written(|digest, applied| {
            let stored = stored_state(&self.engine, self.rules).map(|state| state.digest());
            (digest, applied, stored)
        })?;
        let mut check = derive(&self.log, State::default().with(&self.places), applied, Extent::Until)?;
        if check.digest.1 != digest || stored.as_ref() != Ok(&digest) {
            check.verdict = Verdict::Differs;
        }
        Ok(check)
    }

    /// Compares the view on disk with its log without writing to either: the view is opened as a copy, in the folder
    /// `copy`. A view that is missing or was derived by other rules will be rebuilt at the next start, so it counts as
    /// matching.
    ///
    /// # Errors
    /// Returns an error if the log cannot be read or the view cannot be copied.
    pub fn examine(options: &Options, log: &Arc<Log>, copy: &Path) -> Result<Check, ViewError> {
        let path = copy.join("view");
        let last = log.last_seq();
        let stored = if options.path.is_dir() {
            copy_folder(&options.path, &path).map_err(|source| ViewError::Move { path: path.clone(), source })?;
            load(&path, rules(options), log).map(|(_, state)| Some(state))
        } else {
            Err(Unusable::Rules)
        };
        let until = stored.as_ref().map_or(last, |stored| stored.as_ref().map_or(last, State::applied));
        let mut check = derive(log, State::default().with(&options.places), until, Extent::Whole)?;
        check.verdict = match stored {
            Err(Unusable::Rules) | Ok(None) => Verdict::Agrees,
            Err(Unusable::Ahead { view, log }) => Verdict::Ahead { view, log },
            Err(reason) => Verdict::Unusable(reason.to_string()),
            Ok(Some(stored)) if stored.digest() != check.digest.1 => Verdict::Differs,
            Ok(Some(_)) if until < last => Verdict::Behind { view: until, log: last },
            Ok(Some(_)) => Verdict::Agrees,
        };
        Ok(check)
    }
}

/// How much of the log is read to compare a view with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// What the view has applied.
    Until,
    /// Everything, so that all damage is found.
    Whole,
}

/// Rebuilds a state from the log. Returns the counts, over so much of it, and the digest at the record `until`.
fn derive(log: &Log, mut state: State, until: u64, extent: Extent) -> Result<Check, ViewError> {
    let (verdict, unread) = (Verdict::Agrees, (0, String::new()));
    let mut check = Check { records: 0, items: 0, stories: 0, damages: Vec::new(), verdict, digest: unread };
    let mut digest = None;
    for found in log.replay(0)? {
        match found {
            Ok(replayed) => {
                if replayed.seq > until && digest.is_none() {
                    state.settle_moves();
                    digest = Some((state.applied, state.digest()));
                    if extent == Extent::Until {
                        break;
                    }
                }
                state.apply(replayed.seq, replayed.position, &replayed.record, log);
                check.records += 1;
            }
            Err(damage) => check.damages.push(damage),
        }
    }
    state.settle_moves();
    (check.items, check.stories) = state.counts();
    check.digest = digest.unwrap_or_else(|| (state.applied, state.digest()));
    Ok(check)
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Record;
    use crate::view::test_store::{NOON, TestStore, region, sample, source};

    fn options(test_store: &TestStore) -> Options {
        Options { path: test_store.folder.path().join("view"), rules: String::new(), places: Arc::default() }
    }

    fn verdict(test_store: &TestStore) -> Verdict {
        let copy = tempfile::tempdir().unwrap();
        View::examine(&options(test_store), &test_store.log, copy.path()).unwrap().verdict
    }

    #[test]
    fn a_view_that_ends_before_its_log_or_behind_it_is_told() {
        let test_store = TestStore::new();
        let (view, _) = test_store.view();
        test_store.say(&view, &sample()[..4], NOON);
        view.flush().unwrap();
        drop(view);
        assert_eq!(verdict(&test_store), Verdict::Agrees);
        test_store.log.append(&sample()[4..], NOON).unwrap();
        assert_eq!(verdict(&test_store), Verdict::Behind { view: 4, log: 6 });
        drop(test_store.view());
        assert_eq!(verdict(&test_store), Verdict::Agrees);
        let other = TestStore::new();
        std::fs::rename(test_store.folder.path().join("view"), other.folder.path().join("view")).unwrap();
        other.log.append(&sample()[..3], NOON).unwrap();
        assert_eq!(verdict(&other), Verdict::Ahead { view: 6, log: 3 });
    }

    /// Whoever kills the daemon within its first seconds finds a view with something in it.
    #[test]
    fn d1_the_first_records_are_in_the_store_at_once() {
        let test_store = TestStore::new();
        let (view, _) = test_store.view();
        test_store.say(&view, &sample(), NOON);
        assert_eq!(verdict(&test_store), Verdict::Agrees, "written by the first poll");
        let caught_up = TestStore::new();
        caught_up.log.append(&sample(), NOON).unwrap();
        let (again, _) = caught_up.view();
        assert_eq!(verdict(&caught_up), Verdict::Agrees, "taken from the log");
        drop((view, again));
    }

    #[test]
    fn a_verification_while_records_come_compares_one_moment() {
        let test_store = TestStore::new();
        let (view, _) = test_store.view();
        test_store.say(&view, &sample()[..2], NOON);
        std::thread::scope(|scope| {
            let coming = scope.spawn(|| {
                for round in 0..40 {
                    for record in &sample()[2..] {
                        test_store.say(&view, std::slice::from_ref(record), NOON.plus_seconds(round));
                    }
                }
            });
            while !coming.is_finished() {
                assert_eq!(view.verify().unwrap().verdict, Verdict::Agrees);
            }
        });
    }

    /// A flipped bit in the view's database may roll it back to an earlier state, or empty it.
    #[test]
    fn d5_verify_never_agrees_with_a_view_that_lost_something() {
        let test_store = TestStore::new();
        let (view, _) = test_store.view();
        for record in sample() {
            test_store.say(&view, &[record], NOON);
        }
        view.flush().unwrap();
        let digest = view.digest();
        drop(view);
        let db = test_store.folder.path().join("view/db");
        let bytes = std::fs::read(&db).unwrap();
        for at in (0..bytes.len()).step_by(bytes.len() / 60) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&db, &damaged).unwrap();
            let copy = tempfile::tempdir().unwrap();
            if verdict(&test_store) == Verdict::Agrees {
                copy_folder(&test_store.folder.path().join("view"), &copy.path().join("view")).unwrap();
                let (_, state) =
                    load(&copy.path().join("view"), rules(&options(&test_store)), &test_store.log).unwrap();
                assert_eq!(state.digest(), digest, "byte {at}");
            }
        }
    }

    /// If an admin moves a source to another region, its items follow at once, and a restart keeps them there.
    #[test]
    fn a_source_put_into_another_region_takes_its_items_along() {
        let test_store = TestStore::new();
        let (view, _) = test_store.view();
        test_store.say(&view, &sample(), NOON);
        let later = NOON.plus_seconds(60);
        let moved = |id: &str, link: &str, region: &str| match source(id, link, region) {
            Record::Source(facts) => Record::Source(crate::log::SourceFacts { at: later, ..facts }),
            other => other,
        };
        let all =
            [moved("paper", "https://paper.cn/feed", "140322"), moved("portal", "https://portal.cn/feed", "140311")];
        let changed = test_store.say(&view, &all, later);
        assert!(changed.contains(&region("140321")) && changed.contains(&region("140322")), "{changed:?}");
        let count = |view: &View, id: &str| view.timeline(&[region(id)], None, 10, 10).len();
        let counts = |view: &View| ["140321", "140300", "140322", "140311"].map(|id| count(view, id));
        assert_eq!(counts(&view), [0, 0, 2, 1]);
        assert!(view.verify().unwrap().is_well());
        let digest = view.digest();
        view.flush().unwrap();
        drop(view);
        assert_eq!(verdict(&test_store), Verdict::Agrees);
        let (again, _) = test_store.view();
        assert_eq!((counts(&again), again.digest()), ([0, 0, 2, 1], digest));
    }
}
