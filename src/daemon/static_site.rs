//! Keeps the site as files of a folder or objects of a bucket; in a cluster, the machine that polls does so.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::clock::now;
use super::store_monitor::Alarms;
use crate::cluster::Node;
use crate::model::{RegionId, with_causes};
use crate::serve::{Site, StaticError, StaticSite, Target, Turn};

/// How often it is looked whether there is something to do, whoever tells.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long documents are written before it is looked what else has changed: withdrawals go first.
const SLICE: Duration = Duration::from_millis(200);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(5);

/// The regions whose documents changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(Arc<(Mutex<HashSet<RegionId>>, Notify)>);

impl Changes {
    pub(super) fn add(&self, regions: &HashSet<RegionId>) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).extend(regions.iter().cloned());
        self.0.1.notify_one();
    }

    fn take(&self) -> HashSet<RegionId> {
        std::mem::take(&mut *self.0.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What writes the documents.
pub(super) struct Publisher {
    pub(super) site: Arc<Site>,
    pub(super) target: Target,
    pub(super) node: Option<Node>,
    pub(super) changes: Changes,
    pub(super) alarms: Alarms,
}

impl Publisher {
    /// Writes what changes until it is stopped.
    pub(super) async fn run(self, stop: CancellationToken) {
        let publisher = Arc::new(self);
        let mut state = None;
        while !stop.is_cancelled() {
            let (once, end) = (Arc::clone(&publisher), stop.clone());
            let written = tokio::task::spawn_blocking(move || once.write(state, &end)).await;
            let pause = match written {
                Ok(Ok((kept, is_more))) => {
                    state = kept;
                    publisher.tell(state.as_ref().and_then(StaticSite::trouble));
                    if is_more { Duration::ZERO } else { LOOK_INTERVAL }
                }
                Ok(Err(error)) => {
                    // All is looked at anew.
                    state = None;
                    publisher.tell(Some(&with_causes(&error)));
                    PAUSE
                }
                Err(error) => {
                    tracing::error!(
                        event = "task_panicked",
                        error = &error as &dyn std::error::Error,
                        "publishing panicked; please report it"
                    );
                    state = None;
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
                () = publisher.changes.0.1.notified(), if pause == LOOK_INTERVAL => {}
            }
        }
        if let Some(last) = state {
            // Whatever becomes of it, the next start looks at all anew.
            drop(tokio::task::spawn_blocking(move || leave(last)).await);
        }
    }

    /// Writes for a moment, and returns whether something is left.
    fn write(
        &self,
        state: Option<StaticSite>,
        stop: &CancellationToken,
    ) -> Result<(Option<StaticSite>, bool), StaticError> {
        if !self.may_write() {
            state.into_iter().for_each(leave);
            return Ok((None, false));
        }
        // What changed before it was opened is looked at in any case.
        let changed = self.changes.take();
        let mut static_site = match state {
            Some(known) => known,
            None => StaticSite::open(Arc::clone(&self.site), &self.target, self.turn(), now())?,
        };
        match self.write_some(&mut static_site, &changed, stop) {
            Ok(is_more) => Ok((Some(static_site), is_more)),
            Err(error) => {
                // What was written so far need not be written again.
                leave(static_site);
                if matches!(error, StaticError::NotOurTurn) { Ok((None, false)) } else { Err(error) }
            }
        }
    }

    fn write_some(
        &self,
        static_site: &mut StaticSite,
        changed: &HashSet<RegionId>,
        stop: &CancellationToken,
    ) -> Result<bool, StaticError> {
        static_site.want(changed.iter().cloned(), now())?;
        let (began, before) = (Instant::now(), static_site.written());
        let mut is_more = true;
        while is_more && !stop.is_cancelled() && began.elapsed() < SLICE {
            is_more = static_site.step(now())?;
        }
        let written = static_site.written() - before;
        if written > 0 {
            tracing::debug!(event = "published", documents = written, "documents were written");
        }
        Ok(is_more)
    }

    /// In a cluster, whoever polls writes.
    fn may_write(&self) -> bool {
        self.node.as_ref().is_none_or(Node::polls)
    }

    fn turn(&self) -> Turn {
        let node = self.node.clone();
        Turn::new(move || node.as_ref().is_none_or(Node::polls))
    }

    fn tell(&self, trouble: Option<&str>) {
        let trouble = trouble.map(|trouble| format!("documents cannot be published: {trouble}"));
        let text = trouble.clone().unwrap_or_default();
        if self.alarms.set("publishing", trouble) && !text.is_empty() {
            tracing::error!(event = "publishing_failed", folder = %self.target.name(), "{text}");
        }
        self.alarms.tell();
    }
}

/// Lets others write. What could not be noted is looked at again.
fn leave(mut static_site: StaticSite) {
    drop(static_site.release());
}
