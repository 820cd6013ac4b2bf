//! Monitors the store: free space on the disk, recovery of stores that refused to write, and the checksums of the log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::clock::now;
use super::service;
use crate::log::Log;
use crate::poll::ClockCheck;
use crate::view::{PollStates, View, ViewError};

/// Interval between two checks of the disk, the log folder and the clock.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Interval between two scans of the whole log.
const SCRUB_INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// Polling stops when free space falls below 1/20 of the disk, clamped to 4–200 MiB.
const MIN_SHARE: u64 = 20;
const MAX_RESERVE: u64 = 200 << 20;
const MIN_RESERVE: u64 = 4 << 20;
/// Polling stops when fewer free inodes than this are left.
const MIN_FILES: u64 = 16;
/// Maximum number of damaged lines that are logged one by one.
const MAX_LOGGED: usize = 20;

/// The parts that may raise an alarm.
pub(super) const PARTS: [&str; 14] = [
    "certificates",
    "clock",
    "cluster",
    "config",
    "disk",
    "log",
    "lost",
    "polling",
    "publishing",
    "socket",
    "store",
    "view",
    "visits",
    "writing",
];

/// Current alarms by component, for `status` and for systemd.
#[derive(Clone, Debug, Default)]
pub(super) struct Alarms(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Alarms {
    /// Raises, updates or clears the alarm of a component. Returns `true` if it was raised or cleared, not if it was
    /// updated.
    pub(super) fn set(&self, part: &'static str, trouble: Option<String>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Some(trouble) => all.insert(part, trouble).is_none(),
            None => all.remove(part).is_some(),
        }
    }

    /// Shows the alarms in systemd's status line.
    pub(super) fn tell(&self) {
        service::tell(&[NotifyState::Status(self.told().as_deref().unwrap_or("running"))]);
    }

    /// Returns the parts that raise an alarm.
    pub(super) fn parts(&self) -> Vec<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Returns all alarms in one line; `None` if there are none.
    pub(super) fn told(&self) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!all.is_empty()).then(|| all.values().map(String::as_str).collect::<Vec<_>>().join("; "))
    }
}

pub(super) struct StoreMonitor {
    pub(super) store: PathBuf,
    pub(super) log: Arc<Log>,
    pub(super) view: Arc<View>,
    pub(super) poll_states: Arc<PollStates>,
    pub(super) clock_check: Arc<ClockCheck>,
    /// Set while the disk is too full for polling.
    pub(super) full: Arc<AtomicBool>,
    pub(super) alarms: Alarms,
    /// Device and inode of the log folder when it was opened.
    pub(super) identity: Option<(u64, u64)>,
}

/// Returns the device and inode of the log folder; `None` if there is none.
pub(super) fn identity(store: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(store.join("log")).ok().map(|folder| (folder.dev(), folder.ino()))
}

impl StoreMonitor {
    pub(super) async fn run(self, stop: CancellationToken) {
        let store_monitor = Arc::new(self);
        let look = Arc::clone(&store_monitor);
        let (end, over) = (stop.clone(), stop.clone());
        // Scanning a large log takes longer than the disk may go unchecked.
        tokio::join!(
            repeat(&stop, CHECK_INTERVAL, move || look.look()),
            repeat(&end, SCRUB_INTERVAL, move || store_monitor.scrub(&|| over.is_cancelled())),
        );
    }

    fn look(&self) {
        let moved = (identity(&self.store) != self.identity).then(|| {
            format!(
                "{} was removed or replaced while the daemon was running; stop it, put the store back and start it again",
                self.store.display()
            )
        });
        let told = moved.clone().unwrap_or_default();
        if self.alarms.set("store", moved) && !told.is_empty() {
            tracing::error!(event = "store_removed", "{told}");
        }
        self.log.probe();
        let refusal = self.log.refusal().map(|why| format!("cannot write to the log: {why}"));
        let told = refusal.clone().unwrap_or_default();
        if self.alarms.set("writing", refusal) && !told.is_empty() {
            tracing::error!(event = "log_unwritable", "{told}");
        }
        let shortage = shortage(&self.store);
        self.full.store(shortage.is_some(), Ordering::Release);
        let is_full = shortage.is_some();
        let told = shortage.clone().unwrap_or_default();
        if self.alarms.set("disk", shortage) {
            if is_full {
                tracing::error!(event = "disk_full", "{told}");
            } else {
                tracing::info!(event = "disk_free", "the disk has free space again; polling resumes");
            }
        }
        let wrong = self.clock_check.wrong(now());
        let told = wrong.clone().unwrap_or_default();
        if self.alarms.set("clock", wrong) && !told.is_empty() {
            tracing::error!(event = "clock_wrong", "{told}");
        }
        if !is_full {
            self.heal("view", self.view.is_broken(), || self.view.heal());
            self.heal("visits", self.poll_states.is_broken(), || self.poll_states.heal());
        }
        self.alarms.tell();
    }

    fn heal(&self, part: &'static str, is_broken: bool, heal: impl FnOnce() -> Result<(), ViewError>) {
        if !is_broken {
            return;
        }
        match heal() {
            Ok(()) => {
                self.alarms.set(part, None);
                tracing::info!(event = "store_healed", part, "the store writes again");
            }
            Err(error) => {
                let told = format!("the {part} cannot be written: {error}");
                if self.alarms.set(part, Some(told)) {
                    tracing::error!(
                        event = "store_unwritable",
                        error = &error as &dyn std::error::Error,
                        part,
                        "the store cannot be written yet"
                    );
                }
            }
        }
    }

    /// Verifies the checksum of every line of the log, so that bit rot is reported before the damaged record is needed.
    fn scrub(&self, is_over: &dyn Fn() -> bool) {
        match self.log.scrub(is_over) {
            Ok(damages) => {
                for damage in damages.iter().take(MAX_LOGGED) {
                    tracing::error!(event = "log_damaged", "{damage}");
                }
                let told = (!damages.is_empty()).then(|| {
                    format!(
                        "{} lines of the log are damaged; restore them from a backup (see dayuan verify)",
                        damages.len()
                    )
                });
                self.alarms.set("log", told);
            }
            Err(error) => {
                tracing::error!(
                    event = "log_unchecked",
                    error = &error as &dyn std::error::Error,
                    "cannot check the log for damage"
                );
            }
        }
    }
}

/// Calls `work` on a blocking thread, at once and after each pause, until `stop` is cancelled.
async fn repeat(stop: &CancellationToken, pause: Duration, work: impl Fn() + Send + Sync + 'static) {
    let work = Arc::new(work);
    while !stop.is_cancelled() {
        let once = Arc::clone(&work);
        if let Err(error) = tokio::task::spawn_blocking(move || once()).await {
            tracing::error!(
                event = "task_panicked",
                error = &error as &dyn std::error::Error,
                "a check of the store panicked"
            );
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Returns why polling must stop if the disk is too full; `None` if it is not.
fn shortage(store: &Path) -> Option<String> {
    let disk = match rustix::fs::statvfs(store) {
        Ok(disk) => disk,
        Err(error) => {
            tracing::warn!(
                event = "disk_unread",
                error = &error as &dyn std::error::Error,
                "cannot read the free space of the disk"
            );
            return None;
        }
    };
    // Some file systems do not count inodes.
    if disk.f_files > 0 && disk.f_favail < MIN_FILES {
        return Some(format!(
            "only {} more files can be made on the disk of {}; nothing is polled, feeds are still served",
            disk.f_favail,
            store.display()
        ));
    }
    let (free, all) = (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
    let least = least_free(all);
    let megabytes = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10);
    (free < least).then(|| {
        format!(
            "only {} are free on the disk of {}; nothing is polled below {}, feeds are still served",
            megabytes(free),
            store.display(),
            megabytes(least)
        )
    })
}

/// Returns how much of a disk of this size must stay free, in bytes.
const fn least_free(all: u64) -> u64 {
    let share = all / MIN_SHARE;
    if share > MAX_RESERVE {
        MAX_RESERVE
    } else if share < MIN_RESERVE {
        MIN_RESERVE
    } else {
        share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_stays_free() {
        assert_eq!(least_free(24 << 20), 4 << 20);
        assert_eq!(least_free(1 << 30), (1 << 30) / 20);
        assert_eq!(least_free(1 << 40), 200 << 20);
    }

    /// A metric of an unknown part would never be there.
    #[test]
    fn every_alarm_has_its_part() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/daemon");
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            for call in text.split("alarms.set(\"").skip(1) {
                let name = call.split('"').next().unwrap();
                assert!(PARTS.contains(&name), "{name}");
            }
        }
    }

    #[test]
    fn a_trouble_is_news_once_and_its_end_too() {
        let alarms = Alarms::default();
        assert!(alarms.set("disk", Some("full".into())));
        assert!(!alarms.set("disk", Some("fuller".into())));
        alarms.set("log", Some("damaged".into()));
        assert_eq!(alarms.told().unwrap(), "fuller; damaged");
        assert!(alarms.set("disk", None));
        assert!(!alarms.set("disk", None));
    }
}
