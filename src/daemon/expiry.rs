//! Expires old days of the log: at most one an hour, and none while the system clock cannot be trusted.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::clock::now;
use crate::cluster::{self, Node};
use crate::log::{Log, Record};
use crate::model::Moment;
use crate::poll::{ClockCheck, LogWriter};
use crate::view::View;

/// Interval between two checks.
const INTERVAL: Duration = Duration::from_secs(3600);
/// A day is kept until all of it is old enough.
const ONE_DAY: Duration = Duration::from_secs(86_400);
/// Minimum number of server responses that the clock must have been compared with.
pub(super) const MIN_WITNESSES: u64 = 5;

pub(super) struct Expiry {
    pub(super) log: Arc<Log>,
    pub(super) view: Arc<View>,
    pub(super) log_writer: LogWriter,
    /// How old a day must be.
    pub(super) keep: Duration,
    pub(super) clock_check: Arc<ClockCheck>,
    /// This machine among several that share the log, if it is one of them.
    pub(super) node: Option<Node>,
}

impl Expiry {
    pub(super) async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            if let Err(reason) = self.drop_one(now()).await {
                tracing::error!(event = "day_not_dropped", reason, "an old day cannot be dropped");
            }
            if let Some(token) = self.node.as_ref().and_then(|node| node.lease.token()) {
                self.drop_shared(token).await;
            }
        }
    }

    /// Drops from the shared log what has expired here, as far as it is still there.
    async fn drop_shared(&self, token: u64) {
        let (log, node) = (Arc::clone(&self.log), self.node.clone());
        let dropped = tokio::task::spawn_blocking(move || {
            node.map_or(Ok(0), |node| cluster::drop_expired(&log, &*node.engine, token))
        });
        match dropped.await {
            Ok(Ok(0)) => {}
            Ok(Ok(records)) => {
                tracing::info!(event = "shared_days_dropped", records, "old records were dropped from the shared log");
            }
            Ok(Err(error)) => tracing::warn!(
                event = "shared_days_not_dropped",
                error = &error as &dyn std::error::Error,
                "old records cannot be dropped from the shared log; it is tried again in an hour"
            ),
            Err(error) => tracing::error!(
                event = "task_panicked",
                error = &error as &dyn std::error::Error,
                "dropping old records panicked"
            ),
        }
    }

    /// Drops the oldest day if it is old enough: commits the record that says so, then removes the segment.
    async fn drop_one(&self, now: Moment) -> Result<(), String> {
        if self.node.as_ref().is_some_and(|node| !node.polls()) {
            // The node that polls says when a day expires.
            return Ok(());
        }
        let oldest = self.log.oldest_day().map_err(|error| error.to_string())?;
        let last = (now - self.keep - ONE_DAY).day();
        let Some(day) = oldest.filter(|day| *day < last) else { return Ok(()) };
        if !self.clock_check.agree(MIN_WITNESSES) {
            tracing::warn!(
                event = "day_not_dropped",
                day,
                "the system clock disagrees with the servers, or too few of them sent a date; no old day is dropped"
            );
            return Ok(());
        }
        let expire = Record::Expire { day: day.clone(), items: self.view.going_with(&day), at: now };
        self.log_writer.commit(vec![expire], now).await.map_err(|error| error.to_string())?;
        if self.node.is_none() {
            // In a cluster every node drops it when it takes the record in.
            self.log.drop_day(&day).map_err(|error| error.to_string())?;
        }
        tracing::info!(event = "day_dropped", day, "an old day was dropped");
        Ok(())
    }
}
