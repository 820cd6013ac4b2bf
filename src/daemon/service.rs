//! Notifications for systemd (sd_notify(3)). Without systemd, nothing happens.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::clock::now;
use crate::poll::Heartbeat;
use crate::view::View;

/// How long the poll loop may be silent before it counts as stuck.
const SILENCE: Duration = Duration::from_secs(20);

/// Sends a notification to systemd.
pub(super) fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(event = "systemd_not_told", error = &error as &dyn std::error::Error, "cannot notify systemd");
    }
}

/// Pings the watchdog as long as the poll loop goes round and the view answers; a bare timer would prove nothing.
pub(super) async fn watchdog(heartbeat: Arc<Heartbeat>, view: Arc<View>, stop: CancellationToken) {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        stop.cancelled().await;
        return;
    };
    let step = (limit / 3).max(Duration::from_millis(100));
    while !stop.is_cancelled() {
        let view = Arc::clone(&view);
        // The probe waits for the lock of the view; if that is never released, the pings stop, as they should.
        let probe = tokio::task::spawn_blocking(move || view.applied()).await;
        let is_alive = now().duration_since(heartbeat.last()) < SILENCE;
        if probe.is_ok() && is_alive {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(event = "watchdog_silent", "the poll loop or the view is stuck; the watchdog gets no ping");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(step) => {}
        }
    }
}
