//! Runs the poll loop on threads of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::store_monitor::Alarms;
use crate::model::Source;
use crate::poll::{Command, PollRefused, Poller};

/// How long running polls may take to finish at the stop.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// The threads for polling: one that waits for sites, and a few blocking ones that parse the responses. A second one would
/// have little to do but to be woken by the first.
pub(super) struct PollRuntime {
    handle: tokio::runtime::Handle,
    threads: Option<tokio::runtime::Runtime>,
}

/// Maximum number of documents that are parsed at one time.
const MAX_READERS: usize = 4;

impl PollRuntime {
    pub(super) fn new() -> std::io::Result<Self> {
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(MAX_READERS)
            .thread_name("polling")
            .enable_all()
            .build()?;
        Ok(Self { handle: threads.handle().clone(), threads: Some(threads) })
    }

    /// Runs the poll loop on threads of its own, so that nothing that sites send keeps a reader waiting. Returns what ends
    /// with it.
    pub(super) fn run<F>(&self, polling: F) -> impl Future<Output = ()> + Send + use<F>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let polling = self.handle.spawn(polling);
        async move {
            if let Err(error) = polling.await {
                tracing::error!(
                    event = "task_panicked",
                    error = &error as &dyn std::error::Error,
                    "the poll loop panicked"
                );
            }
        }
    }
}

/// Polls the sources until it is stopped.
pub(super) async fn poll(
    mut poller: Poller,
    sources: Vec<Arc<Source>>,
    alarms: Alarms,
    mut orders: mpsc::Receiver<Command>,
    stop: CancellationToken,
) {
    if take_sources(&mut poller, sources, &alarms, &mut orders, &stop).await {
        poller.run(orders, stop, STOP_GRACE).await;
    }
}

impl Drop for PollRuntime {
    fn drop(&mut self) {
        // A running parser cannot be cancelled; it is left behind, and nothing waits for it.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

/// Loads the sources into the poll loop, as soon as their poll states can be read; on a full disk, feeds are served
/// meanwhile. Returns `false` if it is stopped before.
async fn take_sources(
    poller: &mut Poller,
    sources: Vec<Arc<Source>>,
    alarms: &Alarms,
    orders: &mut mpsc::Receiver<Command>,
    stop: &CancellationToken,
) -> bool {
    loop {
        let reason = match poller.load(sources.clone()).await {
            Ok(warnings) => {
                warnings.iter().for_each(|warning| tracing::warn!(event = "source_list_warning", "{warning}"));
                alarms.set("polling", None);
                return true;
            }
            Err(reason) => reason,
        };
        let trouble = format!("nothing is polled yet: {reason}");
        if alarms.set("polling", Some(trouble.clone())) {
            tracing::error!(event = "polling_not_begun", "{trouble}");
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            Some(command) = orders.recv() => match command {
                Command::Poll(_, answer) => drop(answer.send(Err(PollRefused::NotYet(reason)))),
                Command::Sources(_, _, answer) => drop(answer.send(Err(trouble))),
                Command::Control(_) | Command::Announced(_) => {}
            },
            () = tokio::time::sleep(Duration::from_secs(5)) => poller.beat(),
        }
    }
}
