//! Listeners that outlive us: those of a socket unit, and our own, which systemd keeps from one run to the next
//! (sd_listen_fds(3), `FDSTORE` in sd_notify(3)). While none of us runs, connections wait in their queues, so that a
//! restart costs no request.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use listenfd::ListenFd;
use sd_notify::NotifyState;

use super::error::DaemonError;
use crate::serve;

/// How long an address may still be taken by a listener that systemd was just asked to let go.
const RELEASE: Duration = Duration::from_secs(2);
/// Pause between two tries to listen.
const PAUSE: Duration = Duration::from_millis(50);

/// What a listener is for: the setting in `[http]` that names its address, and the name under which systemd keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Readers,
    Metrics,
}

impl Purpose {
    const ALL: [Self; 2] = [Self::Readers, Self::Metrics];

    const fn setting(self) -> &'static str {
        match self {
            Self::Readers => "listen",
            Self::Metrics => "metrics_listen",
        }
    }

    const fn kept_name(self) -> &'static str {
        match self {
            Self::Readers => "dayuan-kept-readers",
            Self::Metrics => "dayuan-kept-metrics",
        }
    }

    /// Returns whether a listener of a socket unit is for this purpose; `name` is its `FileDescriptorName`, by default the
    /// name of the unit.
    fn is_named(self, name: &str) -> bool {
        match self {
            Self::Readers => !name.starts_with("dayuan-kept-") && name != "metrics",
            Self::Metrics => name == "metrics",
        }
    }
}

/// A listener, and whether it was there before us, so that connections may wait in its queue.
pub(super) struct Listener {
    pub(super) socket: tokio::net::TcpListener,
    pub(super) is_inherited: bool,
}

/// The listeners that systemd passed to this run.
pub(super) struct Inherited(Vec<(String, TcpListener)>);

impl Inherited {
    /// Takes them; a second call would find none.
    pub(super) fn take() -> Self {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut passed = ListenFd::from_env();
        let names = names.split(':').map(str::to_owned).chain(std::iter::repeat_with(String::new));
        let mut listeners = Vec::new();
        for (at, name) in (0..passed.len()).zip(names) {
            match passed.take_tcp_listener(at) {
                Ok(Some(listener)) => listeners.push((name, listener)),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(
                        event = "socket_unit_unused",
                        name,
                        error = &error as &dyn std::error::Error,
                        "systemd passed a descriptor that is no TCP listener; write ListenStream= with an address and a port in the socket unit"
                    );
                }
            }
        }
        Self(listeners)
    }

    /// Returns the listener for a purpose: one of a socket unit, whatever its address; else the one that was kept, if its
    /// address is still wanted; else a new one, which systemd is asked to keep.
    pub(super) fn listener(&mut self, purpose: Purpose, address: SocketAddr) -> Result<Listener, DaemonError> {
        let failed = |source| DaemonError::Listen { address, setting: purpose.setting(), source };
        let adopted = |socket| Ok(Listener { socket: serve::adopt(socket).map_err(failed)?, is_inherited: true });
        if let Some(at) = self.0.iter().position(|(name, _)| purpose.is_named(name)) {
            let (name, socket) = self.0.swap_remove(at);
            if let Ok(actual) = socket.local_addr().map(unmapped)
                && actual != unmapped(address)
            {
                tracing::info!(event = "socket_unit_used", name, address = %actual, "listening where the socket unit says, not where [http] {} does", purpose.setting());
            }
            return adopted(socket);
        }
        if let Some(at) = self.0.iter().position(|(name, _)| name == purpose.kept_name()) {
            let (_, socket) = self.0.swap_remove(at);
            if socket.local_addr().is_ok_and(|actual| actual == address) {
                return adopted(socket);
            }
            tell(&[NotifyState::FdName(purpose.kept_name()), NotifyState::FdStoreRemove]);
        }
        let socket = bound(address).map_err(failed)?;
        // A port that the system chooses is another one after the restart, on purpose.
        if address.port() != 0 {
            keep(purpose, &socket);
        }
        Ok(Listener { socket, is_inherited: false })
    }
}

impl Drop for Inherited {
    /// Tells of those that nobody takes: systemd goes on listening there, so that whoever connects waits for ever.
    fn drop(&mut self) {
        for (name, socket) in &self.0 {
            if let Some(purpose) = Purpose::ALL.into_iter().find(|purpose| name == purpose.kept_name()) {
                tell(&[NotifyState::FdName(purpose.kept_name()), NotifyState::FdStoreRemove]);
                continue;
            }
            let address = socket.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
            tracing::warn!(
                event = "socket_unit_unused",
                name,
                address,
                "systemd passed a listener that is not used, and nobody answers there; take its ListenStream= out of the socket unit"
            );
        }
    }
}

/// Listens; an address that was just let go may be in use for a moment longer.
fn bound(address: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    let is_supervised = std::env::var_os("NOTIFY_SOCKET").is_some();
    let began = Instant::now();
    loop {
        match serve::listen(address) {
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrInUse && is_supervised && began.elapsed() < RELEASE =>
            {
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

/// Asks systemd to keep a listener. A unit without `FileDescriptorStoreMax=` ignores that.
fn keep(purpose: Purpose, socket: &tokio::net::TcpListener) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let state = [NotifyState::FdStore, NotifyState::FdName(purpose.kept_name())];
    if let Err(error) = sd_notify::notify_with_fds(&state, &[socket.as_fd()]) {
        tracing::warn!(
            event = "listener_not_kept",
            error = &error as &dyn std::error::Error,
            "systemd does not keep the listener; a restart will refuse connections"
        );
    }
}

fn tell(state: &[NotifyState<'_>]) {
    super::service::tell(state);
}

/// Returns an address in the form that the config has it: an IPv6 socket may say an IPv4 address in its own way.
const fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
