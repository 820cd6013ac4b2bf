//! This machine among those that share a log: follows the shared log, holds or watches the right to poll, and lets the poll
//! loop run while this machine has it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::clock::{now, uptime};
use super::error::DaemonError;
use super::polling;
use super::store_monitor::Alarms;
use super::takedowns::Takedowns;
use crate::cluster::{self, Lease, Node};
use crate::config::Cluster;
use crate::model::{Source, with_causes};
use crate::poll::{self, Command, CommitError, LogWriter, PollContext, PollRefused, Poller};
use crate::view::PollStates;

/// How long to wait for news of the shared log before it is looked at in any case.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait after the shared log could not be reached.
const AWAY_PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked whether this machine still has the right to poll.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// How often changed poll states are saved in the shared log. Where a site asked to be left alone, that is not waited for: if this
/// machine is killed, the others must know.
const SHARE_INTERVAL: Duration = Duration::from_millis(50);

/// Makes this machine a node of its cluster. The shared log may be away.
pub(super) fn join(cluster: &Cluster) -> Result<Node, DaemonError> {
    let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name = cluster.node.clone().unwrap_or_else(host);
    let engine = cluster::connect(&cluster.connection).map_err(DaemonError::Cluster)?;
    Ok(Node::new(engine, Lease::new(name, cluster.lease)))
}

/// Takes in what other machines write, as soon as they do.
pub(super) async fn follow(node: Node, log_writer: LogWriter, alarms: Alarms, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let outcome = log_writer.follow().await;
        tell(&alarms, outcome.as_ref().err());
        let engine = Arc::clone(&node.engine);
        let is_away = outcome.is_err();
        let waited = tokio::task::spawn_blocking(move || engine.wait(LOOK_INTERVAL));
        let pause = async {
            if is_away || !matches!(waited.await, Ok(Ok(()))) {
                tokio::time::sleep(AWAY_PAUSE).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = pause => {}
        }
    }
}

fn tell(alarms: &Alarms, error: Option<&CommitError>) {
    let told = error.map(|error| format!("{}; feeds are still served", with_causes(error)));
    let text = told.clone().unwrap_or_default();
    if alarms.set("cluster", told) {
        if text.is_empty() {
            tracing::info!(event = "shared_log_reached", "the shared log is reached again");
        } else {
            tracing::error!(event = "shared_log_away", "{text}");
        }
    }
    alarms.tell();
}

/// Renews the right to poll, or watches who has it, until the poll loop has ended: its last results count only while this
/// machine has it.
pub(super) async fn hold(node: Node, polls: watch::Sender<bool>) {
    while !polls.is_closed() {
        let began = Instant::now();
        let once = node.clone();
        let turn = tokio::task::spawn_blocking(move || once.lease.turn(&*once.engine).map(drop));
        match turn.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "the right to poll cannot be renewed");
            }
            Err(error) => tell_panic(&error),
        }
        while !polls.is_closed() && began.elapsed() < node.lease.interval() {
            let may = node.may_ask();
            polls.send_if_modified(|polls| std::mem::replace(polls, may) != may);
            tokio::select! {
                () = polls.closed() => {}
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
            }
        }
    }
}

/// Saves what changed of the poll states in the shared log while this machine polls.
pub(super) async fn pass_on(node: Node, poll_states: Arc<PollStates>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let (once, states) = (node.clone(), Arc::clone(&poll_states));
        let shared = tokio::task::spawn_blocking(move || {
            if once.polls() {
                return poll::share(&states, &once);
            }
            if once.lease.is_lost() {
                states.forget_changes();
            }
            Ok(())
        });
        match shared.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                // They are saved next time, or by the poll loop itself.
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "poll states cannot be saved for other nodes"
                );
            }
            Err(error) => tell_panic(&error),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = node.hurried() => {}
            () = tokio::time::sleep(SHARE_INTERVAL) => {}
        }
    }
}

/// Gives the right to poll back, with everything that the next node needs.
pub(super) async fn leave(node: Node, poll_states: Arc<PollStates>) {
    let left = tokio::task::spawn_blocking(move || {
        if node.polls() {
            poll::share(&poll_states, &node)?;
            node.lease.release(&*node.engine)?;
        }
        Ok::<(), poll::ShareError>(())
    });
    match left.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(
                event = "lease_kept",
                error = &error as &dyn std::error::Error,
                "another node polls only after the lease has ended"
            );
        }
        Err(error) => tracing::error!(
            event = "task_panicked",
            error = &error as &dyn std::error::Error,
            "leaving the cluster panicked"
        ),
    }
}

/// The poll loop of a machine that polls only while it is its turn.
pub(super) struct Terms {
    pub(super) node: Node,
    pub(super) context: PollContext,
    pub(super) options: poll::Options,
    pub(super) heartbeat: Arc<poll::Heartbeat>,
    pub(super) sources: Vec<Arc<Source>>,
    pub(super) takedowns: Takedowns,
    pub(super) alarms: Alarms,
    /// The version of the newest poll states that are known of another machine.
    pub(super) known: u64,
}

impl Terms {
    /// Polls while this machine has the right to, until it is stopped. In between, commands are answered with the name of
    /// the node that polls.
    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut polls: watch::Receiver<bool>,
        stop: CancellationToken,
    ) {
        loop {
            self.heartbeat.beat_at(now());
            if *polls.borrow_and_update() {
                match self.begun(&stop).await {
                    None => return,
                    Some(Ok(())) => self.term(&mut commands, &mut polls, &stop).await,
                    Some(Err(reason)) => {
                        tracing::error!(
                            event = "term_refused",
                            reason,
                            "this node has the right to poll, but cannot begin; it tries again"
                        );
                        tokio::time::sleep(AWAY_PAUSE).await;
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                _ = polls.changed(), if !*polls.borrow() => {}
                () = tokio::time::sleep(LOOK_INTERVAL) => self.learn().await,
                Some(command) = commands.recv() => self.answer(command),
            }
        }
    }

    /// Takes in how the sources fare while another machine polls, for `status` and pages.
    async fn learn(&mut self) {
        let (states, node, known) = (Arc::clone(&self.context.poll_states), self.node.clone(), self.known);
        let taken = tokio::task::spawn_blocking(move || poll::take_over(&states, &node, known));
        match taken.await {
            Ok(Ok(newest)) => self.known = newest,
            // That the shared log is away is told where it is followed.
            Ok(Err(error)) => tracing::debug!(
                error = &error as &dyn std::error::Error,
                "how the sources fare cannot be learned from the node that polls"
            ),
            Err(error) => tell_panic(&error),
        }
    }

    /// Does what must be done before the first poll: knows what the others know, and takes down what the config says.
    async fn begin(&mut self) -> Result<(), String> {
        let PollContext { log_writer, poll_states, .. } = &self.context;
        log_writer.follow().await.map_err(|error| with_causes(&error))?;
        let (states, node) = (Arc::clone(poll_states), self.node.clone());
        let taken = tokio::task::spawn_blocking(move || poll::take_over(&states, &node, 0));
        self.known = taken.await.map_err(|error| error.to_string())?.map_err(|error| with_causes(&error))?;
        self.takedowns.settle().await.map(drop)
    }

    /// The same with a sign of life from time to time; `None` if this machine is to stop.
    async fn begun(&mut self, stop: &CancellationToken) -> Option<Result<(), String>> {
        let heartbeat = Arc::clone(&self.heartbeat);
        let begin = self.begin();
        tokio::pin!(begin);
        loop {
            heartbeat.beat_at(now());
            tokio::select! {
                begun = &mut begin => return Some(begun),
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    /// Polls until this machine may not any more.
    async fn term(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        polls: &mut watch::Receiver<bool>,
        stop: &CancellationToken,
    ) {
        tracing::info!(event = "term_began", node = self.node.lease.node(), "this node polls");
        let end = stop.child_token();
        let (orders, taken) = mpsc::channel(16);
        let poller = Poller::new(self.context.clone(), self.options, Arc::clone(&self.heartbeat)).with_uptime(uptime);
        let polls_on = polling::poll(poller, self.sources.clone(), self.alarms.clone(), taken, end.clone());
        let mut polling = JoinSet::new();
        polling.spawn(polls_on);
        loop {
            tokio::select! {
                () = end.cancelled() => break,
                Some(ended) = polling.join_next() => return tell_end(ended),
                changed = polls.changed() => {
                    if changed.is_err() || !*polls.borrow() {
                        end.cancel();
                    }
                }
                Some(command) = commands.recv() => self.pass(command, &orders).await,
            }
        }
        tracing::info!(
            event = "term_ended",
            node = self.node.lease.node(),
            holder = self.node.lease.holder(),
            "this node does not poll any more"
        );
        if let Some(ended) = polling.join_next().await {
            tell_end(ended);
        }
    }

    /// Passes a command on to the poll loop, and keeps a list that it takes for the next term.
    async fn pass(&mut self, command: Command, orders: &mpsc::Sender<Command>) {
        let Command::Sources(list, options, answer) = command else {
            // If the loop has just ended, whoever waits for the answer sees that.
            drop(orders.send(command).await);
            return;
        };
        let (done, outcome) = oneshot::channel();
        drop(orders.send(Command::Sources(list.clone(), options, done)).await);
        let outcome = outcome.await.unwrap_or_else(|_ended| Err("the poll loop has ended; ask again soon".to_owned()));
        if outcome.is_ok() {
            (self.sources, self.options) = (list, options);
        }
        // The one who asked may be gone.
        drop(answer.send(outcome));
    }

    /// Answers a command while another machine polls.
    fn answer(&mut self, command: Command) {
        match command {
            Command::Poll(_, answer) => drop(answer.send(Err(PollRefused::Elsewhere(self.node.lease.holder())))),
            Command::Sources(list, options, answer) => {
                (self.sources, self.options) = (list, options);
                drop(answer.send(Ok(Vec::new())));
            }
            // The log has it, and the node that polls reads it there.
            Command::Control(_) | Command::Announced(_) => {}
        }
    }
}

fn tell_end(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tell_panic(&error);
    }
}

fn tell_panic(error: &JoinError) {
    tracing::error!(
        event = "task_panicked",
        error = error as &dyn std::error::Error,
        "a part of the cluster panicked; please report it"
    );
}

/// Returns what `status` shows of the cluster.
pub(super) fn told(node: &Node) -> String {
    match (node.polls(), node.lease.holder()) {
        (true, _) => format!("{}, which polls", node.lease.node()),
        (false, holder) if holder.is_empty() => format!("{}; nobody polls now", node.lease.node()),
        (false, holder) => format!("{}; {holder} polls", node.lease.node()),
    }
}
