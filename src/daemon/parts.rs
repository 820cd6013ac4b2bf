//! Starts the parts of the daemon that depend on the config.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::chronicle::Watch;
use super::clock::{now, uptime};
use super::cluster::Terms;
use super::error::DaemonError;
use super::expiry::MIN_WITNESSES;
use super::hub::Hubs;
use super::run::Running;
use super::static_site::{Changes, Publisher};
use super::takedowns::Takedowns;
use super::{cluster, polling, searching};
use crate::config::{Config, PublishTo};
use crate::fetch::{Fetcher, Gate};
use crate::hub;
use crate::model::RegionId;
use crate::poll::{ClockCheck, Command, PollContext, Poller};
use crate::search::Follower;
use crate::serve::{BucketTarget, Target};
use crate::view::{PollStates, View};

impl Running {
    /// Starts what keeps how the sources fare.
    pub(super) fn watch_sources(&mut self, view: &Arc<View>, poll_states: &Arc<PollStates>) {
        let settings = &self.daemon.config.settings;
        let watch = Watch {
            store: settings.store.clone(),
            view: Arc::clone(view),
            poll_states: Arc::clone(poll_states),
            figures: Arc::clone(&self.daemon.figures),
            site: Arc::clone(&self.daemon.site),
            zone: settings.publish.zone.clone(),
            language: crate::write::Language::of_tag(&settings.publish.language),
            pace: settings.poll.pace.min,
        };
        self.part("chronicle", |stop| async move { watch.run(stop).await });
    }

    /// Starts the poll loop; in a cluster it runs while it is this machine's turn. Returns what carries out takedowns.
    pub(super) fn start_polling(&mut self, context: PollContext, orders: mpsc::Receiver<Command>) -> Takedowns {
        let Config { settings, sources, .. } = &self.daemon.config;
        let (options, sources) = (settings.poll, sources.clone());
        let (heartbeat, alarms) = (Arc::clone(&self.daemon.heartbeat), self.daemon.alarms.clone());
        let takedowns = Takedowns::new(&self.log, context.log_writer.clone(), &context.view, &self.daemon.site);
        takedowns.want(&settings.takedowns);
        let Some(node) = self.node.clone() else {
            let poller = Poller::new(context, options, heartbeat).with_uptime(uptime);
            let polling = self.poll_runtime.run(polling::poll(poller, sources, alarms, orders, self.stop.clone()));
            self.part("poll loop", |_stop| polling);
            return takedowns;
        };
        heartbeat.beat_at(now());
        let (polls, turn) = watch::channel(false);
        let (log_writer, poll_states) = (context.log_writer.clone(), Arc::clone(&context.poll_states));
        let (follower, holder, sharer, told) = (node.clone(), node.clone(), node.clone(), alarms.clone());
        let terms =
            Terms { node, context, options, heartbeat, sources, takedowns: takedowns.clone(), alarms, known: 0 };
        let polling = self.poll_runtime.run(terms.run(orders, turn, self.stop.clone()));
        self.part("poll loop", |_stop| polling);
        self.part("shared log", |stop| cluster::follow(follower, log_writer, told, stop));
        self.part("lease", |_stop| cluster::hold(holder, polls));
        self.part("poll states", |stop| cluster::pass_on(sharer, poll_states, stop));
        takedowns
    }

    /// Starts what tells the response cache, the hub and the files of what changed.
    pub(super) fn renew_documents(&mut self, dirty: mpsc::Receiver<Vec<RegionId>>, hub: Option<Arc<hub::Hub>>) {
        let (site, files) = (Arc::clone(&self.daemon.site), self.publish_files());
        self.part("response cache", |_stop| async move {
            let tell = |regions: &_| {
                if let Some(files) = &files {
                    files.add(regions);
                }
                if let Some(hub) = &hub {
                    hub.touch(site.feed_urls(regions).into_iter());
                }
            };
            site.forget(dirty, tell).await;
        });
    }

    /// Starts what writes documents to a folder or a bucket, if the config names one; it is to be told what changes.
    fn publish_files(&mut self) -> Option<Changes> {
        let target = match self.daemon.config.settings.publish_to.clone()? {
            PublishTo::Folder(folder) => Target::Folder(folder),
            PublishTo::Bucket(options) => Target::Bucket(BucketTarget::new(options)),
        };
        let changes = Changes::default();
        let publisher = Publisher {
            site: Arc::clone(&self.daemon.site),
            target,
            node: self.node.clone(),
            changes: changes.clone(),
            alarms: self.daemon.alarms.clone(),
        };
        self.part("files", |stop| publisher.run(stop));
        Some(changes)
    }

    /// Opens the search and starts what keeps it up to date, if the config has one.
    pub(super) fn open_search(&mut self, view: &Arc<View>) -> Option<Follower> {
        let Config { settings, regions, .. } = &self.daemon.config;
        if !settings.publish.search {
            return None;
        }
        let counters = self.counters.search.clone();
        let follower = searching::follower(&settings.store, regions, &self.log, view, counters);
        self.daemon.site.open_search(Arc::clone(&follower.index));
        let running = follower.clone();
        self.part("search", |stop| searching::run(running, stop));
        Some(follower)
    }

    /// Makes the fetcher of the polls.
    pub(super) fn fetcher(&self, poll_states: &Arc<PollStates>) -> Result<Fetcher, DaemonError> {
        let options = self.daemon.config.settings.fetch.clone();
        let fetcher = Fetcher::new(options)?.keeping_robots(Arc::clone(poll_states) as _);
        let fetcher = match self.node.clone() {
            Some(node) => fetcher.behind(Gate::new(move || node.may_ask())),
            None => fetcher,
        };
        if let Some(distrust) = fetcher.distrust() {
            tracing::error!(event = "certificates_missing", "{distrust}");
            self.daemon.alarms.set("certificates", Some(distrust));
        }
        Ok(fetcher)
    }

    /// Opens and starts what the config has of WebSub.
    pub(super) fn open_hubs(&mut self, call: hub::Call, clock_check: &Arc<ClockCheck>) -> Result<Hubs, DaemonError> {
        let settings = &self.daemon.config.settings;
        let metrics = (self.counters.serve.clone(), self.counters.hub.clone());
        let (options, fetch) = (settings.hub.clone(), settings.fetch.clone());
        let clock_check = Arc::clone(clock_check);
        let trust: hub::ClockTrust = Box::new(move || clock_check.agree(MIN_WITNESSES));
        let hubs = super::hub::open(&settings.store, options, fetch, &self.daemon.site, metrics, (call, trust))?;
        if let Some(hub) = hubs.hub.clone() {
            self.part("hub", |stop| hub.run(stop));
        }
        if let Some(listener) = hubs.listener.clone() {
            self.part("listener", |stop| listener.run(stop));
        }
        Ok(hubs)
    }
}
