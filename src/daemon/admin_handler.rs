//! Answers the requests of the admin, reloads the config, and serves the metrics.

use std::net::SocketAddr;
use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use sd_notify::NotifyState;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::admin::{AdminReply, AdminRequest};
use super::clock::now;
use super::explain::{decided, explain, no_item, withdrawn};
use super::figures::Figures;
use super::publishing::published;
use super::status::DaemonStatus;
use super::store_monitor::Alarms;
use super::takedowns::Takedowns;
use super::why::{Stores, why};
use super::{cluster, differences, searching, service, status};
use crate::cluster::Node;
use crate::config::{Config, Faults};
use crate::hub::Hub;
use crate::log::{Control, Log, Record};
use crate::model::{ItemId, Moment, Source, SourceId, counted};
use crate::poll::{self, Command, Heartbeat, LogWriter};
use crate::search::Follower;
use crate::serve::{self, Site};
use crate::view::{PollStates, View};
use crate::write::Language;

/// What `status` and systemd show while the config on disk is invalid.
const REFUSED: &str = "the config on disk is invalid, so the old one stays in use; run `dayuan check` to see why";

/// State of the daemon that the answers to admin requests need.
pub(super) struct Daemon {
    pub(super) site: Arc<Site>,
    pub(super) config: Config,
    pub(super) reload: Loader,
    pub(super) registry: Arc<Registry>,
    pub(super) since: Moment,
    pub(super) address: SocketAddr,
    pub(super) heartbeat: Arc<Heartbeat>,
    pub(super) alarms: Alarms,
    pub(super) figures: Arc<Figures>,
    pub(super) handles: Option<StoreHandles>,
}

/// Handles that exist once the store is open.
pub(super) struct StoreHandles {
    pub(super) log: Arc<Log>,
    pub(super) log_writer: LogWriter,
    pub(super) view: Arc<View>,
    pub(super) poll_states: Arc<PollStates>,
    pub(super) takedowns: Takedowns,
    /// Absent without a search.
    pub(super) search: Option<Follower>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) poll_metrics: poll::Metrics,
    /// The hub, if the config has one.
    pub(super) hub: Option<Arc<Hub>>,
    /// This machine among several that share a log, if it is one of them.
    pub(super) node: Option<Node>,
}

impl Daemon {
    pub(super) async fn handle(
        &mut self,
        request: AdminRequest,
        answer: oneshot::Sender<AdminReply>,
        tasks: &mut JoinSet<&'static str>,
    ) {
        let Some(handles) = &self.handles else { return };
        let answered = match request {
            AdminRequest::Status => self.status(),
            AdminRequest::Poll { source } => poll_now(handles, &source).await,
            AdminRequest::Pause { source } => self.control(&source, Control::Paused).await,
            AdminRequest::Resume { source } => self.control(&source, Control::Resumed).await,
            AdminRequest::Explain { item } => {
                // A large item takes a while; use a blocking thread so that the main loop goes on.
                let (view, log) = (Arc::clone(&handles.view), Arc::clone(&handles.log));
                return aside(tasks, answer, move || explained(&view, &log, &item));
            }
            AdminRequest::Why { item } => {
                let (view, log, config) = (Arc::clone(&handles.view), Arc::clone(&handles.log), self.config.clone());
                let poll_states = Arc::clone(&handles.poll_states);
                return aside(tasks, answer, move || {
                    let answered = why(&Stores { view: &view, log: &log, poll_states: &poll_states }, &config, &item);
                    answered.map_or_else(|| AdminReply::failed(no_item(&item)), AdminReply::done)
                });
            }
            AdminRequest::Find { words, region, most } => {
                let Some(follower) = handles.search.clone() else {
                    drop(answer.send(AdminReply::failed("the search is switched off ([search] enabled = false)")));
                    return;
                };
                let (regions, zone) = (Arc::clone(&self.config.regions), self.config.settings.publish.zone.clone());
                return aside(tasks, answer, move || {
                    searching::find(&follower, &regions, &zone, (words.as_str(), region.as_deref()), most)
                });
            }
            AdminRequest::Withdrawn => {
                let (view, log) = (Arc::clone(&handles.view), Arc::clone(&handles.log));
                return aside(tasks, answer, move || AdminReply::done(withdrawn(&view, &log)));
            }
            AdminRequest::Withdraw { item, reason, public_reason } => {
                let record = |item, at| Record::Withdraw {
                    item,
                    reason: reason.clone(),
                    public_reason: public_reason.clone(),
                    at,
                };
                self.decide(&item, true, record).await
            }
            AdminRequest::TakeDown { source, reason, public_reason } => {
                return decide_source(handles, tasks, answer, source, Some((reason, public_reason)));
            }
            AdminRequest::Lift { source } => return decide_source(handles, tasks, answer, source, None),
            AdminRequest::Restore { item } => self.decide(&item, false, |item, at| Record::Restore { item, at }).await,
            AdminRequest::Reload { language } => {
                let answered = self.take_config(language.as_deref()).await;
                tasks.spawn(async move {
                    // The client may have disconnected.
                    drop(answer.send(answered.await));
                    "answer"
                });
                return;
            }
            AdminRequest::Metrics => {
                let registry = Arc::clone(&self.registry);
                return aside(tasks, answer, move || AdminReply::done(vec![exposition(&registry)]));
            }
            AdminRequest::Verify => {
                let view = Arc::clone(&handles.view);
                return aside(tasks, answer, move || match view.verify() {
                    Ok(check) => AdminReply { ok: check.is_well(), lines: check.lines() },
                    Err(error) => AdminReply::failed(error),
                });
            }
            AdminRequest::Backup => AdminReply::failed("a backup is answered elsewhere"),
        };
        // The client may have disconnected.
        drop(answer.send(answered));
    }

    /// Pauses or resumes a source. The log records it, so it survives a restart.
    async fn control(&self, source: &str, state: Control) -> AdminReply {
        let Some(handles) = &self.handles else { return AdminReply::failed("the daemon is stopping") };
        let Some(known) = self.config.sources.iter().find(|known| known.id.as_str() == source) else {
            return AdminReply::failed(format!("there is no source `{source}`"));
        };
        let record = Record::Control { source: known.id.clone(), state, at: now() };
        if let Err(error) = handles.log_writer.commit(vec![record], now()).await {
            return AdminReply::failed(error);
        }
        match handles.commands.send(Command::Control(known.id.clone())).await {
            Ok(()) => AdminReply::done(vec![format!("{source} is {}", state.word())]),
            Err(_) => AdminReply::failed("the daemon is stopping"),
        }
    }

    /// Records a decision of the admin about an item in the log.
    async fn decide(&self, name: &str, withdraws: bool, record: impl Fn(ItemId, Moment) -> Record) -> AdminReply {
        let Some(handles) = &self.handles else { return AdminReply::failed("the daemon is stopping") };
        let (items, told) = match decided(&handles.view, &handles.log, name, withdraws) {
            Ok(decided) => decided,
            Err(reason) => return AdminReply::failed(reason),
        };
        let done = handles.log_writer.commit(items.into_iter().map(|item| record(item, now())).collect(), now()).await;
        // Whoever asks from now on must not be shown what was finished before.
        self.site.forget_documents();
        match done {
            Ok(()) => AdminReply::done(vec![told]),
            Err(error) => AdminReply::failed(error),
        }
    }

    /// Returns the hash of the settings that decide how documents look.
    pub(super) fn looks(&self) -> [u8; 32] {
        self.site.looks(self.config.settings.listen.port() != 0)
    }

    fn status(&self) -> AdminReply {
        let Some(handles) = &self.handles else { return AdminReply::failed("the daemon is stopping") };
        let daemon = DaemonStatus {
            hub: handles.hub.as_ref().map(|hub| hub.counts()),
            cluster: handles.node.as_ref().map(cluster::told),
            ..status::of_daemon(Some(&handles.view), &self.heartbeat, self.since, self.alarms.told())
        };
        let mut lines = vec![serde_json::to_string(&daemon).unwrap_or_default()];
        for source in &self.config.sources {
            let left_out =
                handles.poll_metrics.left_out_of(&source.id).map(|left_out| (left_out.count, left_out.reason));
            let status = status::of_source(source, &handles.view, &handles.poll_states);
            let status = status::SourceStatus { left_out, ..status };
            lines.push(serde_json::to_string(&status).unwrap_or_default());
        }
        AdminReply::done(lines)
    }

    /// Reads the config again and applies what does not need a restart. If it is invalid, the old one stays. The answer
    /// comes when its takedowns are carried out, which others need not wait for.
    pub(super) async fn take_config(&mut self, language: Option<&str>) -> impl Future<Output = AdminReply> + use<> {
        service::tell(&[NotifyState::Reloading]);
        let mut answered = self.try_config(language.map_or(Language::English, Language::of_tag)).await;
        self.alarms.set("config", (!answered.ok).then(|| REFUSED.to_owned()));
        let (alarms, takedowns) = (self.alarms.clone(), self.handles.as_ref().map(|handles| handles.takedowns.clone()));
        async move {
            if let Some(takedowns) = takedowns.filter(|_| answered.ok) {
                let told = match takedowns.settle().await {
                    Ok(told) => told,
                    Err(reason) => vec![format!("the takedowns could not be recorded: {reason}")],
                };
                // The last line tells that all is done.
                let last = answered.lines.len().saturating_sub(1);
                answered.lines.splice(last..last, told);
            }
            service::tell(&[NotifyState::Ready]);
            alarms.tell();
            answered
        }
    }

    async fn try_config(&mut self, language: Language) -> AdminReply {
        let (mut config, warnings) = match tokio::task::block_in_place(|| (self.reload)()) {
            Ok(loaded) => loaded,
            Err(faults) => {
                let mut lines = vec![match language {
                    Language::Chinese => "新的配置有错误，不予采用；仍用原来的".to_owned(),
                    Language::English => "the config is refused; the old one stays".to_owned(),
                }];
                lines.extend(faults.render_in(language, false).lines().map(str::to_owned));
                return AdminReply { ok: false, lines };
            }
        };
        settle_address(&mut config, self.address);
        // Feeds name a hub only while there is one.
        config.settings.publish.hub = self.config.settings.publish.hub;
        config.settings.publish.listens = self.config.settings.publish.listens;
        let mut lines: Vec<String> = warnings.iter().map(|warning| warning.line_in(language)).collect();
        let view = self.handles.as_ref().map(|handles| &*handles.view);
        differences::kept(&self.config.sources, &mut config.sources);
        lines.extend(differences::told(view, &self.config.sources, &config.sources));
        lines.extend(differences::need_restart(&self.config.settings, &config.settings));
        if let Some(handles) = &self.handles {
            match handles.load(config.sources.clone(), config.settings.poll).await {
                Ok(warnings) => lines.extend(warnings),
                Err(reason) => return AdminReply::failed(format!("the old config stays: {reason}")),
            }
        }
        // What needs a restart stays as it was.
        config.settings.publish.search = self.config.settings.publish.search;
        if let Some(handles) = &self.handles {
            handles.takedowns.want(&config.settings.takedowns);
        }
        self.site.publish(published(&config), now());
        if let Some(follower) = self.handles.as_ref().and_then(|handles| handles.search.as_ref()) {
            follower.index.set_regions(Arc::clone(&config.regions));
        }
        if let Some(hub) = self.handles.as_ref().and_then(|handles| handles.hub.as_ref()) {
            hub.touch_all();
        }
        if let Some(handles) = &self.handles
            && let Err(error) = handles.poll_states.looks_since(self.looks(), now())
        {
            tracing::error!(
                event = "config_time_unsaved",
                error = &error as &dyn std::error::Error,
                "cannot save the time of the config change"
            );
        }
        self.figures.set_sources(&config.sources);
        self.config = config;
        lines.push(format!("reloaded: {}", counted(self.config.sources.len(), "source", "sources")));
        AdminReply::done(lines)
    }
}

/// Takes a source down, or publishes it again.
fn decide_source(
    handles: &StoreHandles,
    tasks: &mut JoinSet<&'static str>,
    answer: oneshot::Sender<AdminReply>,
    source: String,
    reasons: Option<(String, Option<String>)>,
) {
    let takedowns = handles.takedowns.clone();
    tasks.spawn(async move {
        let answered = takedowns.decide(&source, reasons).await.map_or_else(AdminReply::failed, AdminReply::done);
        // The client may have disconnected.
        drop(answer.send(answered));
        "answer"
    });
}

/// Answers on a blocking thread what takes a while, such as reading the whole log, so that the main loop goes on.
fn aside(
    tasks: &mut JoinSet<&'static str>,
    answer: oneshot::Sender<AdminReply>,
    work: impl FnOnce() -> AdminReply + Send + 'static,
) {
    tasks.spawn_blocking(move || {
        // The client may have disconnected.
        drop(answer.send(work()));
        "answer"
    });
}

impl StoreHandles {
    /// Passes a list of sources to the poll loop; returns its warnings.
    async fn load(&self, sources: Vec<Arc<Source>>, options: poll::Options) -> Result<Vec<String>, String> {
        let (done, answer) = oneshot::channel();
        let stopping = || "the daemon is stopping".to_owned();
        self.commands.send(Command::Sources(sources, options, done)).await.map_err(|_closed| stopping())?;
        answer.await.unwrap_or_else(|_closed| Err(stopping()))
    }
}

fn explained(view: &View, log: &Log, item: &str) -> AdminReply {
    match explain(view, log, item) {
        Some(lines) => AdminReply::done(lines),
        None => AdminReply::failed(no_item(item)),
    }
}

async fn poll_now(handles: &StoreHandles, source: &str) -> AdminReply {
    let Ok(id) = SourceId::new(source) else { return AdminReply::failed(format!("there is no source `{source}`")) };
    let (answer, answered) = oneshot::channel();
    if handles.commands.send(Command::Poll(id, answer)).await.is_err() {
        return AdminReply::failed("the daemon is stopping");
    }
    match answered.await {
        Ok(Ok(())) => AdminReply::done(vec![format!("{source} is polled as soon as its host allows")]),
        Ok(Err(refused)) => AdminReply::failed(refused),
        Err(_) => AdminReply::failed("the daemon is stopping"),
    }
}

/// Puts the port that the system chose into the public URL, in place of 0.
pub(super) fn settle_address(config: &mut Config, address: SocketAddr) {
    let asked = format!("http://{}", config.settings.listen);
    if config.settings.listen.port() == 0 && config.settings.publish.public_url == asked {
        config.settings.publish.public_url = format!("http://{address}");
    }
}

fn exposition(registry: &Registry) -> String {
    let mut text = String::new();
    match encode(&mut text, registry) {
        Ok(()) => text,
        Err(error) => format!("# the metrics could not be written: {error}\n"),
    }
}

/// Serves `/metrics` on its own listener.
pub(super) struct MetricsHandler(pub(super) Arc<Registry>, pub(super) serve::Metrics);

impl serve::Handler for MetricsHandler {
    async fn answer(
        &self,
        request: hyper::Request<hyper::body::Incoming>,
    ) -> hyper::Response<http_body_util::Full<bytes::Bytes>> {
        let is_known = request.uri().path() == "/metrics";
        // The figures of the store take a while where there are many sources.
        let body = if is_known {
            tokio::task::block_in_place(|| exposition(&self.0))
        } else {
            "metrics are at /metrics\n".to_owned()
        };
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

/// Loads the config again, with its warnings.
pub type Loader = Box<dyn Fn() -> Result<(Config, Faults), Faults> + Send + Sync>;
