//! The life of the daemon: start, serve, reload, stop.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use sd_notify::NotifyState;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::admin::{self, AdminReply, PendingRequest, SocketGuard};
use super::admin_handler::{Daemon, Loader, MetricsHandler, StoreHandles, settle_address};
use super::clock::now;
use super::error::DaemonError;
use super::expiry::Expiry;
use super::figures::{Counters, Figures};
use super::hub::{Hubs, SourceHubs, announced};
use super::limits::limits;
use super::opening::{OPENING_TIMEOUT_USEC, open};
use super::polling::PollRuntime;
use super::publishing::published;
use super::signals::Signals;
use super::sockets::{Inherited, Listener, Purpose};
use super::store_monitor::{Alarms, StoreMonitor, identity};
use super::store_version::{check_store, mark_store};
use super::{cluster, service, takedowns};
use crate::cluster::Node;
use crate::config::Config;
use crate::log::{Log, Record};
use crate::poll::{ClockCheck, Committer, Heartbeat, LogWriter, PollContext, SharedLog};
use crate::serve::{self, Limits, Site};
use crate::view::{PollStates, View};

/// Maximum number of polls that wait for the log.
const MAX_QUEUED_COMMITS: usize = 256;

/// How long connections that wait since before a restart get no answer while the store is being opened.
const MAX_SILENCE: Duration = Duration::from_secs(10);

/// A daemon that serves feeds.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// Address of the public listener; useful if the config asked for any free port.
    pub address: SocketAddr,
}

/// Runs the daemon until SIGTERM, SIGINT or `stop`. `started` is told when feeds are answered.
///
/// # Errors
/// If it cannot start, or a part of it ended by itself.
pub async fn run(
    config: Config,
    reload: Loader,
    stop: CancellationToken,
    started: oneshot::Sender<Started>,
) -> Result<(), DaemonError> {
    let mut running = Running::listen(config, reload, stop)?;
    let Some((view, poll_states)) = running.open().await? else {
        return stopped(&running.stop, running.tasks, None).await;
    };
    // The one who started us may be gone.
    let _gone = started.send(Started { address: running.daemon.address });
    let writer = running.start(&view, &poll_states)?;
    let failure = running.serve().await;
    running.end(writer, view, poll_states).await?;
    failure.map_or(Ok(()), Err)
}

/// A daemon with its parts while it runs. Each part is a task that returns its name.
pub(super) struct Running {
    pub(super) daemon: Daemon,
    pub(super) log: Arc<Log>,
    signals: Signals,
    tasks: JoinSet<&'static str>,
    /// The questions of admins.
    asked: mpsc::Receiver<PendingRequest>,
    pub(super) stop: CancellationToken,
    pub(super) counters: Counters,
    pub(super) poll_runtime: PollRuntime,
    /// This machine among several that share the log, if it is one of them.
    pub(super) node: Option<Node>,
    _unbind: SocketGuard,
}

impl Running {
    /// Opens the log and the sockets, and answers readers and admins from then on.
    fn listen(mut config: Config, reload: Loader, stop: CancellationToken) -> Result<Self, DaemonError> {
        let settings = config.settings.clone();
        check_store(&settings.store)?;
        let (log, damages) = Log::open(&settings.store.join("log"))?;
        mark_store(&settings.store);
        for damage in damages {
            tracing::warn!(event = "log_damaged", "{damage}");
        }
        let mut inherited = Inherited::take();
        let listener = inherited.listener(Purpose::Readers, settings.listen)?;
        let address = listener.socket.local_addr().map_err(|source| DaemonError::Listen {
            address: settings.listen,
            setting: "listen",
            source,
        })?;
        let metrics_listener = settings.metrics_listen.map(|address| inherited.listener(Purpose::Metrics, address));
        let metrics_listener = metrics_listener.transpose()?;
        let alarms = Alarms::default();
        let socket = admin::bind(&settings.socket)?;
        let is_shared = settings.admin_group.as_ref().is_some_and(|group| share(&settings.socket, group, &alarms));
        settle_address(&mut config, address);

        let mut registry = Registry::default();
        let counters = Counters::default();
        counters.register(&mut registry, settings.publish.search);
        let since = now();
        let figures = Arc::new(Figures::new(&settings.store, settings.metrics_sources, alarms.clone(), since));
        figures.set_sources(&config.sources);
        registry.register_collector(Box::new(Arc::clone(&figures)));
        let (questions, asked) = mpsc::channel::<PendingRequest>(16);
        let mut running = Self {
            daemon: Daemon {
                site: Arc::new(Site::new(published(&config), now)),
                config,
                reload,
                registry: Arc::new(registry),
                since,
                address,
                heartbeat: Arc::new(Heartbeat::default()),
                alarms,
                figures,
                handles: None,
            },
            log: Arc::new(log),
            signals: Signals::new()?,
            tasks: JoinSet::new(),
            asked,
            stop,
            counters: counters.clone(),
            poll_runtime: PollRuntime::new().map_err(DaemonError::Threads)?,
            node: settings.cluster.as_ref().map(cluster::join).transpose()?,
            _unbind: SocketGuard(settings.socket.clone()),
        };
        running.answer_readers(listener, counters.serve);
        if let Some(listener) = metrics_listener {
            let handler = Arc::new(MetricsHandler(Arc::clone(&running.daemon.registry), serve::Metrics::default()));
            let limits = Limits { connections: 64, ..Limits::default() };
            running.part("metrics server", |stop| serve::serve(listener.socket, handler, limits, stop));
        }
        let log = Arc::clone(&running.log);
        running.part("admin socket", |stop| admin::serve(socket, is_shared, log, questions, stop));
        Ok(running)
    }

    fn answer_readers(&mut self, listener: Listener, metrics: serve::Metrics) {
        let site = Arc::clone(&self.daemon.site);
        let handler = Arc::new((Arc::clone(&site), metrics));
        let limits = limits(self.daemon.config.settings.poll.concurrency);
        self.part("server", |stop| async move {
            if listener.is_inherited {
                // Those who connected during a restart would rather wait for the store than be told to come back.
                opened(&site, &stop).await;
            }
            serve::serve(listener.socket, handler, limits, stop).await;
        });
    }

    /// Starts a part, which ends soon after `stop` is cancelled.
    pub(super) fn part<F>(&mut self, name: &'static str, run: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let part = run(self.stop.clone());
        self.tasks.spawn(async move {
            part.await;
            name
        });
    }

    /// Opens the view and the poll states; `None` if the daemon is to stop instead. This may take minutes after a change of
    /// rules: meanwhile readers are told to come back, and the watchdog is fed as long as records go by.
    async fn open(&mut self) -> Result<Option<(Arc<View>, Arc<PollStates>)>, DaemonError> {
        service::tell(&[
            NotifyState::ExtendTimeoutUsec(OPENING_TIMEOUT_USEC),
            NotifyState::Status("opening the store"),
        ]);
        let config = &self.daemon.config;
        tracing::info!(event = "opening", store = %config.settings.store.display(), "the store is being opened");
        let (log, alarms) = (Arc::clone(&self.log), self.daemon.alarms.clone());
        let (store, regions) = (config.settings.store.clone(), Arc::clone(&config.regions));
        let opening = tokio::task::spawn_blocking(move || open(&log, &store, &regions, &alarms));
        tokio::pin!(opening);
        let (view, poll_states) = loop {
            tokio::select! {
                opened = &mut opening => break opened.map_err(|_panic| DaemonError::Ended("opening of the store"))??,
                () = self.signals.end() => return Ok(None),
                () = self.stop.cancelled() => return Ok(None),
                Some((_, answer)) = self.asked.recv() => drop(answer.send(AdminReply::failed("the store is being opened; ask again soon"))),
            }
        };
        let poll_states = if self.node.is_some() { poll_states.tracked() } else { poll_states };
        let (view, poll_states) = (Arc::new(view), Arc::new(poll_states));
        self.daemon.figures.open(&view, &poll_states);
        // In a cluster the node that polls does so, when it begins.
        if self.node.is_none() {
            self.settle_takedowns(&view)?;
        }
        let since = poll_states.looks_since(self.daemon.looks(), now()).unwrap_or_else(|error| {
            tracing::error!(
                event = "config_time_unread",
                error = &error as &dyn std::error::Error,
                "cannot read the time of the last config change"
            );
            now()
        });
        self.daemon.site.open(Arc::clone(&self.log), Arc::clone(&view), Arc::clone(&poll_states), since);
        let sources = self.daemon.config.sources.len();
        tracing::info!(event = "started", address = %self.daemon.address, sources, "dayuan answers");
        Ok(Some((view, poll_states)))
    }

    /// Takes down what the config says before anything is answered from the store; nobody else writes yet.
    fn settle_takedowns(&self, view: &Arc<View>) -> Result<(), DaemonError> {
        let wanted = &self.daemon.config.settings.takedowns;
        let append = |records: Vec<Record>| -> Result<(), DaemonError> {
            if records.is_empty() {
                return Ok(());
            }
            for line in takedowns::told(&records).into_iter().chain(takedowns::doubts(&records, view)) {
                tracing::info!(event = "takedown", "{line}");
            }
            let appended = self.log.append(&records, now())?;
            view.apply_in_memory(&appended, &records);
            // What a full disk keeps from the view is in the log.
            if let Err(error) = view.persist() {
                tracing::error!(
                    event = "view_unsaved",
                    error = &error as &dyn std::error::Error,
                    "cannot write the view"
                );
            }
            Ok(())
        };
        tokio::task::block_in_place(|| {
            append(takedowns::settle(view, wanted, now()))?;
            append(takedowns::carry_out(view, &self.log, now()))
        })
    }

    /// Starts the parts that poll, write, expire and watch, and returns the writer.
    fn start(&mut self, view: &Arc<View>, poll_states: &Arc<PollStates>) -> Result<JoinHandle<()>, DaemonError> {
        let settings = self.daemon.config.settings.clone();
        let (changed, dirty) = mpsc::channel(64);
        let (commits, queue) = mpsc::channel(MAX_QUEUED_COMMITS);
        let (commands, orders) = mpsc::channel(16);
        let shared = self.node.clone().map(|node| SharedLog::new(node, commands.clone()));
        let committer = Committer::new(Arc::clone(&self.log), Arc::clone(view), changed, shared);
        let writer = tokio::task::spawn_blocking(move || committer.run(queue));
        let (call, commands_to) = announced();
        let clock_check = Arc::<ClockCheck>::default();
        let Hubs { hub, listener } = self.open_hubs(call, &clock_check)?;
        self.renew_documents(dirty, hub.clone());
        let context = PollContext {
            fetcher: Arc::new(self.fetcher(poll_states)?),
            view: Arc::clone(view),
            poll_states: Arc::clone(poll_states),
            log_writer: LogWriter::new(commits),
            clock: Arc::new(now),
            pause: Arc::new(|time| Box::pin(tokio::time::sleep(time))),
            limits: settings.limits,
            metrics: self.counters.poll.clone(),
            full: Arc::default(),
            clock_check,
            announcements: listener.map(|listener| Arc::new(SourceHubs(listener)) as _),
            host_clock: Arc::default(),
            node: self.node.clone(),
        };
        self.look_after_store(&context);
        self.watch_sources(view, poll_states);
        let search = self.open_search(view);
        let log_writer = context.log_writer.clone();
        // It is set once only.
        drop(commands_to.set(commands.clone()));
        let takedowns = self.start_polling(context, orders);
        // The loop has given its first sign of life.
        let (heartbeat, watched) = (Arc::clone(&self.daemon.heartbeat), Arc::clone(view));
        self.part("watchdog", |stop| service::watchdog(heartbeat, watched, stop));
        self.daemon.handles = Some(StoreHandles {
            takedowns,
            log: Arc::clone(&self.log),
            log_writer,
            view: Arc::clone(view),
            poll_states: Arc::clone(poll_states),
            search,
            commands,
            poll_metrics: self.counters.poll.clone(),
            hub,
            node: self.node.clone(),
        });
        service::tell(&[NotifyState::Ready, NotifyState::Status("running")]);
        Ok(writer)
    }

    /// Starts the parts that drop what is old and watch over the store.
    fn look_after_store(&mut self, context: &PollContext) {
        let settings = &self.daemon.config.settings;
        let expiry = Expiry {
            log: Arc::clone(&self.log),
            view: Arc::clone(&context.view),
            log_writer: context.log_writer.clone(),
            keep: settings.limits.keep,
            clock_check: Arc::clone(&context.clock_check),
            node: self.node.clone(),
        };
        let store_monitor = StoreMonitor {
            store: settings.store.clone(),
            log: Arc::clone(&self.log),
            view: Arc::clone(&context.view),
            poll_states: Arc::clone(&context.poll_states),
            clock_check: Arc::clone(&context.clock_check),
            full: Arc::clone(&context.full),
            alarms: self.daemon.alarms.clone(),
            identity: identity(&settings.store),
        };
        self.part("expiry", |stop| async move { expiry.run(stop).await });
        self.part("store monitor", |stop| async move { store_monitor.run(stop).await });
    }

    /// Answers admins and signals until the daemon is to stop, or a part ended by itself.
    async fn serve(&mut self) -> Option<DaemonError> {
        loop {
            tokio::select! {
                _ = self.signals.terminate.recv() => return None,
                _ = self.signals.interrupt.recv() => return None,
                () = self.stop.cancelled() => return None,
                _ = self.signals.hangup.recv() => {
                    let answered = self.daemon.take_config(None).await;
                    self.tasks.spawn(async move {
                        answered.await.log();
                        "answer"
                    });
                }
                Some((request, answer)) = self.asked.recv() => {
                    self.daemon.handle(request, answer, &mut self.tasks).await;
                }
                Some(ended) = self.tasks.join_next() => match ended {
                    // Tasks that answer a single request are expected to end.
                    Ok("answer") => {}
                    // All parts end when they are told to, and one may be seen before the order is.
                    Ok(_) if self.stop.is_cancelled() => return None,
                    Ok(name) => return Some(DaemonError::Ended(name)),
                    Err(error) => {
                        tracing::error!(event = "task_panicked", error = &error as &dyn std::error::Error, "a task panicked");
                        return Some(DaemonError::Ended("part"));
                    }
                },
            }
        }
    }

    /// Stops every part; a second signal does not wait for any.
    async fn end(
        mut self,
        writer: JoinHandle<()>,
        view: Arc<View>,
        poll_states: Arc<PollStates>,
    ) -> Result<(), DaemonError> {
        self.daemon.handles = None;
        let leaving = self.node.map(|node| cluster::leave(node, Arc::clone(&poll_states)));
        tokio::select! {
            outcome = stopped(&self.stop, self.tasks, Some((writer, view, poll_states))) => {
                if let Some(leaving) = leaving {
                    leaving.await;
                }
                outcome?;
            }
            () = self.signals.end() => tracing::warn!(event = "stopped_at_once", "stopped at once by a second signal"),
        }
        Ok(())
    }
}

/// Stops everything in order: no new work, then running tasks, then the writer of the log, then the stores.
async fn stopped(
    stop: &CancellationToken,
    mut tasks: JoinSet<&'static str>,
    stores: Option<(JoinHandle<()>, Arc<View>, Arc<PollStates>)>,
) -> Result<(), DaemonError> {
    service::tell(&[NotifyState::Stopping]);
    stop.cancel();
    let finish = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(
                    event = "task_panicked",
                    error = &error as &dyn std::error::Error,
                    "a task panicked while stopping"
                );
            }
        }
    };
    if tokio::time::timeout(Duration::from_secs(7), finish).await.is_err() {
        tracing::warn!(event = "stop_incomplete", "some tasks did not stop in time and were aborted");
    }
    if let Some((writer, view, poll_states)) = stores {
        if tokio::time::timeout(Duration::from_secs(2), writer).await.is_err() {
            tracing::warn!(event = "stop_incomplete", "the writer did not end in time");
        }
        // The log is complete; what a full disk keeps from being written to the view is rebuilt at the next start.
        if let Err(error) = tokio::task::spawn_blocking(move || view.flush().and_then(|()| poll_states.flush()))
            .await
            .map_err(|_panic| DaemonError::Ended("flushing of the store"))?
        {
            tracing::error!(
                event = "view_unsaved",
                error = &error as &dyn std::error::Error,
                "the view could not be written to the end"
            );
        }
    }
    tracing::info!(event = "stopped", "stopped");
    Ok(())
}

/// Lets a group use the admin socket; returns whether it may.
fn share(socket: &Path, group: &str, alarms: &Alarms) -> bool {
    let shared = admin::share(socket, group);
    if let Err(why) = &shared {
        tracing::error!(event = "socket_not_shared", "{why}");
        alarms.set("socket", Some(why.clone()));
    }
    shared.is_ok()
}

/// Waits until the site serves feeds, but not forever: whoever connects must be told something in the end.
async fn opened(site: &Site, stop: &CancellationToken) {
    let is_open = async {
        while !site.is_open() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = is_open => {}
        () = stop.cancelled() => {}
        () = tokio::time::sleep(MAX_SILENCE) => {}
    }
}
