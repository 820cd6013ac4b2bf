//! Listeners that outlive us: those of a socket unit, and our own, which systemd keeps from one run to the next
//! (sd_listen_fds(3), `FDSTORE` in sd_notify(3)). While none of us runs, connections wait in their queues, so that a
//! restart costs no request.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use listenfd::ListenFd;
use sd_notify::NotifyState;
use socket2::SockRef;

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
            Self::Readers => matches!(name, "readers" | "dayuan.socket"),
            Self::Metrics => matches!(name, "metrics" | "dayuan-metrics.socket"),
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
                Ok(Some(listener)) if SockRef::from(&listener).is_listener().unwrap_or(false) => {
                    listeners.push((name, listener));
                }
                // Nobody who connects there would be answered.
                Ok(Some(_)) => {
                    tracing::warn!(
                        event = "socket_unit_unused",
                        name,
                        "systemd passed a socket that does not listen; take Accept=yes out of the socket unit"
                    );
                    release(&name);
                }
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
        if let Some(at) = self.of_unit(purpose) {
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

    /// Returns where the listener of a socket unit for a purpose is: the one of that name. Readers may have the only one
    /// without a name, which says so nowhere else; one that is named for something else is never opened to them.
    fn of_unit(&self, purpose: Purpose) -> Option<usize> {
        let is_unnamed = |name: &str| matches!(name, "" | "unknown");
        let is_only = self.0.iter().filter(|(name, _)| is_unnamed(name)).count() == 1;
        let named = self.0.iter().position(|(name, _)| purpose.is_named(name));
        named.or_else(|| match purpose {
            Purpose::Readers if is_only => self.0.iter().position(|(name, _)| is_unnamed(name)),
            _ => None,
        })
    }
}

impl Drop for Inherited {
    /// Tells of those that nobody takes: systemd goes on listening there, so that whoever connects waits for ever.
    fn drop(&mut self) {
        for (name, socket) in &self.0 {
            if release(name) {
                continue;
            }
            let address = socket.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
            tracing::warn!(
                event = "socket_unit_unused",
                name,
                address,
                "systemd passed a listener that is not used, and nobody answers there; write FileDescriptorName=readers or metrics in the socket unit, or take its ListenStream= out"
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

/// Asks systemd to keep a listener no longer; returns whether it is one that we asked it to keep.
fn release(name: &str) -> bool {
    let purpose = Purpose::ALL.into_iter().find(|purpose| name == purpose.kept_name());
    if let Some(purpose) = purpose {
        tell(&[NotifyState::FdName(purpose.kept_name()), NotifyState::FdStoreRemove]);
    }
    purpose.is_some()
}

fn tell(state: &[NotifyState<'_>]) {
    super::service::tell(state);
}

/// Returns an address in the form that the config has it: an IPv6 socket may say an IPv4 address in its own way.
const fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
