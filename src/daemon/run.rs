use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::admin::{self, Answered, Asked, Request, Unbind};
use super::clock::now;
use super::error::DaemonError;
use super::expiry::Expiry;
use super::{service, status};
use crate::config::{Config, Faults};
use crate::fetch::Fetcher;
use crate::log::Log;
use crate::model::{Moment, Source, SourceId};
use crate::poll::{self, Command, Committer, House, Ledger, Poller, Pulse};
use crate::serve::{self, Limits, Publication, Published, Site};
use crate::view::{self, Notice, View, Visits};

/// How long polls under way may take to end.
const GRACE: Duration = Duration::from_secs(5);
/// How many turns may wait for the log.
const COMMITS: usize = 256;

/// Reads the config again.
pub type Loader = Box<dyn Fn() -> Result<(Config, Faults), Faults> + Send + Sync>;

/// A daemon that answers.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// Where it answers readers; useful where the config asked for any free port.
    pub address: SocketAddr,
}

/// Runs the daemon until SIGTERM, SIGINT or `stop`. `started` is told when feeds are answered.
///
/// # Errors
/// Where it cannot start, or a part of it ended by itself.
pub async fn run(
    config: Config,
    reload: Loader,
    stop: CancellationToken,
    started: oneshot::Sender<Started>,
) -> Result<(), DaemonError> {
    let settings = config.settings.clone();
    let (log, damages) = Log::open(&settings.store.join("log"))?;
    for damage in damages {
        tracing::warn!(file = %damage.path.display(), offset = damage.offset, "{}", damage.detail);
    }
    let log = Arc::new(log);
    let listen =
        |address, setting| serve::listen(address).map_err(|source| DaemonError::Listen { address, setting, source });
    let listener = listen(settings.listen, "listen")?;
    let address = listener.local_addr().map_err(|source| DaemonError::Listen {
        address: settings.listen,
        setting: "listen",
        source,
    })?;
    let metrics_listener = settings.metrics_listen.map(|address| listen(address, "metrics_listen")).transpose()?;
    let socket = admin::bind(&settings.socket)?;
    let _unbind = Unbind(settings.socket.clone());
    let mut config = config;
    settle_address(&mut config, address);

    let mut registry = Registry::default();
    let (poll_metrics, serve_metrics) = (poll::Metrics::default(), serve::Metrics::default());
    poll_metrics.register(&mut registry);
    serve_metrics.register(&mut registry);
    let registry = Arc::new(registry);

    let mut daemon = Daemon {
        site: Arc::new(Site::new(published(&config))),
        sources: config.sources.clone(),
        config,
        reload,
        registry,
        since: now(),
        address,
        pulse: Arc::new(Pulse::default()),
        inward: None,
    };
    let mut hangup = signal(SignalKind::hangup()).map_err(DaemonError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(DaemonError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(DaemonError::Signals)?;

    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    let (questions, mut asked) = mpsc::channel::<Asked>(16);
    {
        let (stop, handler) = (stop.clone(), Arc::new((Arc::clone(&daemon.site), serve_metrics.clone())));
        tasks.spawn(async move {
            serve::serve(listener, handler, Limits::default(), stop).await;
            "server"
        });
    }
    if let Some(listener) = metrics_listener {
        let (stop, handler) =
            (stop.clone(), Arc::new(Exposition(Arc::clone(&daemon.registry), serve::Metrics::default())));
        tasks.spawn(async move {
            serve::serve(listener, handler, Limits { connections: 64, ..Limits::default() }, stop).await;
            "metrics server"
        });
    }
    {
        let (stop, log) = (stop.clone(), Arc::clone(&log));
        tasks.spawn(async move {
            admin::serve(socket, log, questions, stop).await;
            "admin socket"
        });
    }
    service::tell(&[NotifyState::Ready, NotifyState::Status("opening the store")]);
    tracing::info!(%address, sources = daemon.sources.len(), "dayuan answers");

    // Opening may take minutes after a change of rules: readers are told to come back, and the watchdog is fed as long
    // as records go by.
    let opening = {
        let (log, store) = (Arc::clone(&log), settings.store.clone());
        tokio::task::spawn_blocking(move || open(&log, &store))
    };
    tokio::pin!(opening);
    let (view, visits) = loop {
        tokio::select! {
            opened = &mut opening => break opened.map_err(|_panic| DaemonError::Ended("opening of the store"))??,
            _ = terminate.recv() => return stopped(&stop, tasks, None).await,
            _ = interrupt.recv() => return stopped(&stop, tasks, None).await,
            () = stop.cancelled() => return stopped(&stop, tasks, None).await,
            Some((_, answer)) = asked.recv() => drop(answer.send(Answered::failed("the store is being opened; ask again soon"))),
        }
    };
    let (view, visits) = (Arc::new(view), Arc::new(visits));
    daemon.site.open(Arc::clone(&log), Arc::clone(&view));
    // Whoever started us may have gone.
    let _gone = started.send(Started { address });

    let (changed, dirty) = mpsc::channel(64);
    let (commits, queue) = mpsc::channel(COMMITS);
    let committer = Arc::new(Committer::new(Arc::clone(&log), Arc::clone(&view), changed));
    let writer = {
        let committer = Arc::clone(&committer);
        tokio::task::spawn_blocking(move || committer.run(queue))
    };
    {
        let site = Arc::clone(&daemon.site);
        tasks.spawn(async move {
            site.forget(dirty).await;
            "shelf"
        });
    }
    let skews = Arc::new(Mutex::default());
    let house = House {
        fetcher: Arc::new(Fetcher::new(settings.fetch.clone())?),
        view: Arc::clone(&view),
        visits: Arc::clone(&visits),
        ledger: Ledger::new(commits),
        clock: Arc::new(now),
        limits: settings.limits,
        metrics: poll_metrics,
        skews: Arc::clone(&skews),
    };
    {
        let expiry = Expiry {
            log: Arc::clone(&log),
            view: Arc::clone(&view),
            ledger: house.ledger.clone(),
            keep_days: settings.limits.keep_days,
            skews,
        };
        let stop = stop.clone();
        tasks.spawn(async move {
            expiry.run(stop).await;
            "expiry"
        });
    }
    let mut poller = Poller::new(house, settings.poll, Arc::clone(&daemon.pulse));
    poller.load(daemon.sources.clone()).await.map_err(DaemonError::Sources)?;
    let (commands, orders) = mpsc::channel(16);
    {
        let stop = stop.clone();
        tasks.spawn(async move {
            poller.run(orders, stop, GRACE).await;
            "poll loop"
        });
    }
    {
        let (pulse, view, stop) = (Arc::clone(&daemon.pulse), Arc::clone(&view), stop.clone());
        tasks.spawn(async move {
            service::watchdog(pulse, view, stop).await;
            "watchdog"
        });
    }
    daemon.inward = Some(Inward { view: Arc::clone(&view), visits: Arc::clone(&visits), committer, commands });
    service::tell(&[NotifyState::Status("running")]);

    let failure = loop {
        tokio::select! {
            _ = terminate.recv() => break None,
            _ = interrupt.recv() => break None,
            () = stop.cancelled() => break None,
            _ = hangup.recv() => {
                let answered = daemon.take_config().await;
                for line in &answered.lines {
                    if answered.ok { tracing::info!("{line}") } else { tracing::error!("{line}") }
                }
            }
            Some((request, answer)) = asked.recv() => daemon.obey(request, answer, &mut tasks).await,
            Some(ended) = tasks.join_next() => match ended {
                // Tasks that answer a single question end as they should.
                Ok("answer") => {}
                Ok(name) => break Some(DaemonError::Ended(name)),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a part fell over");
                    break Some(DaemonError::Ended("part"));
                }
            },
        }
    };
    daemon.inward = None;
    // The second signal does not wait for anyone.
    let patience = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tokio::select! {
        outcome = stopped(&stop, tasks, Some((writer, view, visits))) => outcome?,
        () = patience => tracing::warn!("stopped at once by a second signal"),
    }
    failure.map_or(Ok(()), Err)
}

/// Ends every part in order: no new work, then what is under way, then the writer, then the stores.
async fn stopped(
    stop: &CancellationToken,
    mut tasks: JoinSet<&'static str>,
    stores: Option<(tokio::task::JoinHandle<()>, Arc<View>, Arc<Visits>)>,
) -> Result<(), DaemonError> {
    service::tell(&[NotifyState::Stopping]);
    stop.cancel();
    let finish = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = &error as &dyn std::error::Error, "a part fell over while stopping");
            }
        }
    };
    if tokio::time::timeout(Duration::from_secs(7), finish).await.is_err() {
        tracing::warn!("some parts did not end in time and were cut");
    }
    if let Some((writer, view, visits)) = stores {
        if tokio::time::timeout(Duration::from_secs(2), writer).await.is_err() {
            tracing::warn!("the writer did not end in time");
        }
        tokio::task::spawn_blocking(move || view.flush().and_then(|()| visits.flush()))
            .await
            .map_err(|_panic| DaemonError::Ended("flushing of the store"))??;
    }
    tracing::info!("stopped");
    Ok(())
}

fn open(log: &Arc<Log>, store: &std::path::Path) -> Result<(View, Visits), DaemonError> {
    let options = view::Options { path: store.join("view"), rules: String::new() };
    let told = AtomicI64::new(0);
    let progress = |seq: u64| {
        let now = now().millis();
        if now - told.swap(now, Ordering::Relaxed).min(now) > 0 {
            service::tell(&[NotifyState::Watchdog, NotifyState::Status(&format!("reading the log: record {seq}"))]);
        }
    };
    let (view, notices) = View::open(&options, Arc::clone(log), &progress)?;
    for notice in notices {
        match notice {
            Notice::SetAside { reason, path } => {
                tracing::error!(reason, aside = %path.display(), "the view was damaged; it was made anew from the log")
            }
            Notice::NewRules => tracing::info!("the rules changed; the view was made anew from the log"),
            Notice::CaughtUp(records) => tracing::info!(records, "the view caught up with the log"),
            Notice::Damage(damage) => {
                tracing::error!(file = %damage.path.display(), offset = damage.offset, "a line of the log is damaged and left out: {}", damage.detail)
            }
        }
    }
    let (visits, lost) = Visits::open(&store.join("visits"))?;
    if lost {
        tracing::error!(aside = %store.join("visits.bad").display(), "the visits were damaged; every source is asked anew");
    }
    Ok((view, visits))
}

struct Daemon {
    site: Arc<Site>,
    sources: Vec<Source>,
    config: Config,
    reload: Loader,
    registry: Arc<Registry>,
    since: Moment,
    address: SocketAddr,
    pulse: Arc<Pulse>,
    inward: Option<Inward>,
}

/// What there is once the store is open.
struct Inward {
    view: Arc<View>,
    visits: Arc<Visits>,
    committer: Arc<Committer>,
    commands: mpsc::Sender<Command>,
}

impl Daemon {
    async fn obey(&mut self, request: Request, answer: oneshot::Sender<Answered>, tasks: &mut JoinSet<&'static str>) {
        let Some(inward) = &self.inward else { return };
        let answered = match request {
            Request::Status => self.status(),
            Request::Poll { source } => hurry(inward, &source).await,
            Request::Reload => self.take_config().await,
            Request::Metrics => Answered::done(vec![exposition(&self.registry)]),
            Request::Verify => {
                // It reads all of the log; the daemon goes on meanwhile.
                let view = Arc::clone(&inward.view);
                tasks.spawn_blocking(move || {
                    let answered = match view.verify() {
                        Ok(check) => {
                            Answered { ok: check.agrees && check.damages.is_empty(), lines: check_lines(&check) }
                        }
                        Err(error) => Answered::failed(error),
                    };
                    drop(answer.send(answered));
                    "answer"
                });
                return;
            }
            Request::Backup => Answered::failed("a backup is answered elsewhere"),
        };
        // Who went away does not need the answer.
        drop(answer.send(answered));
    }

    fn status(&self) -> Answered {
        let Some(inward) = &self.inward else { return Answered::failed("the daemon is stopping") };
        let daemon = status::of_daemon(Some(&inward.view), &self.pulse, self.since, inward.committer.trouble());
        let mut lines = vec![serde_json::to_string(&daemon).unwrap_or_default()];
        for source in &self.sources {
            match status::of_source(source, &inward.view, &inward.visits) {
                Ok(status) => lines.push(serde_json::to_string(&status).unwrap_or_default()),
                Err(error) => return Answered::failed(error),
            }
        }
        Answered::done(lines)
    }

    /// Reads the config again and takes what can be taken without a restart. A broken one costs nothing: the old one
    /// stays.
    async fn take_config(&mut self) -> Answered {
        service::tell(&[NotifyState::Reloading]);
        let answered = self.try_config().await;
        service::tell(&[NotifyState::Ready]);
        answered
    }

    async fn try_config(&mut self) -> Answered {
        let (mut config, warnings) = match tokio::task::block_in_place(|| (self.reload)()) {
            Ok(loaded) => loaded,
            Err(faults) => {
                let mut lines = vec!["the config is refused; the old one stays".to_owned()];
                lines.extend(faults.render(false).lines().map(str::to_owned));
                return Answered { ok: false, lines };
            }
        };
        settle_address(&mut config, self.address);
        let mut lines: Vec<String> =
            warnings.iter().map(|warning| format!("{}: {}", warning.path.display(), warning.message)).collect();
        lines.extend(differences(&self.sources, &config.sources));
        let (old, new) = (&self.config.settings, &config.settings);
        let fixed = [
            ("[http] listen", old.listen != new.listen),
            ("[http] metrics_listen", old.metrics_listen != new.metrics_listen),
            ("[store]", old.store != new.store || old.limits != new.limits),
            ("[fetch]", format!("{:?}", old.fetch) != format!("{:?}", new.fetch)),
            ("[admin]", old.socket != new.socket),
            ("[log]", old.log_format != new.log_format || old.log_level != new.log_level),
            ("[publish] shelf", old.publish.shelf != new.publish.shelf),
        ];
        lines.extend(
            fixed
                .iter()
                .filter(|(_, changed)| *changed)
                .map(|(name, _)| format!("{name} changed; it holds after a restart")),
        );
        if let Some(inward) = &self.inward {
            let (done, answer) = oneshot::channel();
            let command = Command::Sources(config.sources.clone(), config.settings.poll, done);
            let outcome = match inward.commands.send(command).await {
                Ok(()) => answer.await.unwrap_or_else(|_closed| Err("the daemon is stopping".to_owned())),
                Err(_) => Err("the daemon is stopping".to_owned()),
            };
            if let Err(reason) = outcome {
                return Answered::failed(format!("the old config stays: {reason}"));
            }
        }
        self.site.publish(published(&config));
        self.sources.clone_from(&config.sources);
        self.config = config;
        lines.push(format!("reloaded: {} sources", self.sources.len()));
        Answered::done(lines)
    }
}

async fn hurry(inward: &Inward, source: &str) -> Answered {
    let Ok(id) = SourceId::new(source) else { return Answered::failed(format!("there is no source `{source}`")) };
    let (answer, answered) = oneshot::channel();
    if inward.commands.send(Command::Poll(id, answer)).await.is_err() {
        return Answered::failed("the daemon is stopping");
    }
    match answered.await {
        Ok(Ok(())) => Answered::done(vec![format!("{source} is polled as soon as its host allows")]),
        Ok(Err(refused)) => Answered::failed(refused),
        Err(_) => Answered::failed("the daemon is stopping"),
    }
}

/// The result of a comparison, in lines for an admin.
pub(super) fn check_lines(check: &view::Check) -> Vec<String> {
    let mut lines = vec![format!("{} records, {} items, {} stories", check.records, check.items, check.stories)];
    lines.extend(
        check
            .damages
            .iter()
            .map(|damage| format!("{}: byte {}: {}", damage.path.display(), damage.offset, damage.detail)),
    );
    lines.push(if check.agrees {
        "the view is what the log makes".to_owned()
    } else {
        "the view differs from what the log makes; run `dayuan rebuild`".to_owned()
    });
    lines
}

fn differences(old: &[Source], new: &[Source]) -> Vec<String> {
    let by_id = |sources: &'_ [Source]| {
        sources.iter().map(|source| (source.id.clone(), source.clone())).collect::<HashMap<_, _>>()
    };
    let (before, after) = (by_id(old), by_id(new));
    let added = new.iter().filter(|source| !before.contains_key(&source.id)).map(|source| format!("+ {}", source.id));
    let removed = old.iter().filter(|source| !after.contains_key(&source.id)).map(|source| format!("- {}", source.id));
    let changed = new
        .iter()
        .filter(|source| before.get(&source.id).is_some_and(|known| known != *source))
        .map(|source| format!("~ {}", source.id));
    added.chain(removed).chain(changed).collect()
}

/// Puts the port that the system chose in place of 0.
fn settle_address(config: &mut Config, address: SocketAddr) {
    let asked = format!("http://{}", config.settings.listen);
    if config.settings.listen.port() == 0 && config.settings.publish.public_url == asked {
        config.settings.publish.public_url = format!("http://{address}");
    }
}

fn published(config: &Config) -> Published {
    Published {
        options: config.settings.publish.clone(),
        regions: config.regions.clone(),
        sources: config.sources.iter().map(|source| (source.id.clone(), publication(source))).collect(),
        homes: config.sources.iter().map(|source| (source.region.clone(), source.id.clone())).collect(),
    }
}

fn publication(source: &Source) -> Publication {
    Publication { policy: source.policy, rights: source.rights.clone(), topics: source.topics.clone() }
}

fn exposition(registry: &Registry) -> String {
    let mut text = String::new();
    match encode(&mut text, registry) {
        Ok(()) => text,
        Err(error) => format!("# the metrics could not be written: {error}\n"),
    }
}

/// Answers `/metrics` on a listener of its own.
struct Exposition(Arc<Registry>, serve::Metrics);

impl serve::Handler for Exposition {
    async fn answer(
        &self,
        request: hyper::Request<hyper::body::Incoming>,
    ) -> hyper::Response<http_body_util::Full<bytes::Bytes>> {
        let is_known = request.uri().path() == "/metrics";
        let body = if is_known { exposition(&self.0) } else { "metrics are at /metrics\n".to_owned() };
        let mut response = hyper::Response::new(http_body_util::Full::new(body.into()));
        if !is_known {
            *response.status_mut() = hyper::StatusCode::NOT_FOUND;
        }
        let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        response.headers_mut().insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(media_type));
        response
    }

    fn metrics(&self) -> &serve::Metrics {
        &self.1
    }
}
