//! Opens the store: the view over the log, and the poll states.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sd_notify::NotifyState;

use super::clock::now;
use super::error::DaemonError;
use super::service;
use super::store_monitor::Alarms;
use crate::log::Log;
use crate::model::Regions;
use crate::regions::Places;
use crate::view::{self, Notice, PollStates, View};

/// How long the next step of opening may take before systemd considers the start stuck, in microseconds.
pub(super) const OPENING_TIMEOUT_USEC: u32 = 120_000_000;

/// Opens the store. The watchdog is fed as long as records go by.
pub(super) fn open(
    log: &Arc<Log>,
    store: &std::path::Path,
    regions: &Regions,
    alarms: &Alarms,
) -> Result<(View, PollStates), DaemonError> {
    let options =
        view::Options { path: store.join("view"), rules: String::new(), places: Arc::new(Places::new(regions)) };
    let told = AtomicI64::new(0);
    let progress = |seq: u64| {
        let now = now().millis();
        if now - told.swap(now, Ordering::Relaxed).min(now) > 0 {
            service::tell(&[
                NotifyState::ExtendTimeoutUsec(OPENING_TIMEOUT_USEC),
                NotifyState::Status(&format!("reading the log: record {seq}")),
            ]);
        }
    };
    let (view, notices) = View::open(&options, Arc::clone(log), &progress)?;
    if notices.iter().any(|notice| matches!(notice, Notice::Lost { .. } | Notice::Fewer { .. })) {
        // Lost items can be recovered only by fetching every source without validators.
        PollStates::set_aside(&store.join("visits"))?;
    }
    for notice in notices {
        match notice {
            Notice::NewRules | Notice::CaughtUp(_) => tracing::info!(event = "view_renewed", "{notice}"),
            Notice::Kept(_) => tracing::warn!(event = "view_kept", "{notice}"),
            Notice::Lost { .. } | Notice::Fewer { .. } => {
                tracing::error!(event = "items_lost", "{notice}");
                alarms.set("lost", Some(notice.to_string()));
            }
            Notice::SetAside { .. } | Notice::NoRoom { .. } | Notice::Damage(_) => {
                tracing::error!(event = "view_set_aside", "{notice}")
            }
        }
    }
    let (poll_states, lost) = PollStates::open(&store.join("visits"))?;
    if lost {
        tracing::error!(event = "poll_states_set_aside", aside = %store.join("visits.bad").display(), "the poll states were damaged and moved aside; every source is fetched in full");
    }
    Ok((view, poll_states))
}
