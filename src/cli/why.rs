//! `dayuan why`: tells why an item is in a feed or not.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::arguments::Arguments;
use super::out::{End, say, show};
use super::{control, get, place, store};
use crate::config::Config;
use crate::daemon::{self, AdminRequest, SourceStatus, Stores, ask, now};
use crate::model::{Draft, Link, Source};
use crate::poll;
use crate::read::{self, Rules};
use crate::view::PollStates;

/// Most sources of a site that are asked for an item that nobody reported.
const MAX_ASKED: usize = 5;

/// Tells why an item is in a feed, or why it is not. If no source reported it, the sources of its site are fetched once,
/// unless `offline`, to see whether they list it.
pub(super) fn run(arguments: &Arguments, item: &str, offline: bool) -> anyhow::Result<End> {
    let request = AdminRequest::Why { item: item.to_owned() };
    let folder = place::folder(arguments);
    let answered = ask(&control::path(arguments), &request, None).map_err(anyhow::Error::msg)?;
    let lines = match answered {
        Some(answered) if answered.ok => Some(answered.lines),
        Some(answered) if answered.lines == [daemon::no_item(item)] => None,
        Some(answered) => anyhow::bail!(answered.lines.join("\n")),
        None => {
            let Some(known) = store::store(arguments)? else { return Ok(End::Config) };
            let config = match place::load(&folder) {
                Ok(config) => config,
                Err(end) => return Ok(end),
            };
            let (log, view) = store::open(&known, false)?;
            let (poll_states, _) = PollStates::open(&config.settings.store.join("visits"))?;
            daemon::why(&Stores { view: &view, log: &log, poll_states: &poll_states }, &config, item)
        }
    };
    if let Some(lines) = lines {
        lines.iter().for_each(|line| show(line));
        return Ok(End::Done);
    }
    let Ok(link) = Link::parse(item) else { anyhow::bail!(daemon::no_item(item)) };
    let config = match place::load(&folder) {
        Ok(config) => config,
        Err(end) => return Ok(end),
    };
    unreported(arguments, &config, &link, offline);
    Ok(End::Failed)
}

/// Tells what is known of an address that no source reported.
fn unreported(arguments: &Arguments, config: &Config, link: &Link, offline: bool) {
    show("UNKNOWN: no source reported this address");
    let site = link.registrable_domain();
    let of_site = |source: &&Arc<Source>| {
        source.url.registrable_domain() == site
            || source.leads_to.iter().any(|to| *to == site || to == link.host_text())
    };
    let sources: Vec<&Arc<Source>> = config.sources.iter().filter(of_site).collect();
    if sources.is_empty() {
        show(&format!("no source lies on {site}: nothing there is polled (dayuan add finds out what could be)"));
        return;
    }
    let known = statuses(arguments);
    let mut asked: HashMap<&str, Instant> = HashMap::new();
    for source in sources.iter().take(MAX_ASKED) {
        if let Some(status) = known.iter().find(|status| status.source == source.id.as_str()) {
            let told = |text: &Option<String>| text.clone().unwrap_or_else(|| "never".to_owned());
            let reason = status.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            show(&format!(
                "source {} is {}{reason}; last read {}, next poll {}",
                source.id,
                status.health,
                told(&status.succeeded),
                told(&status.due)
            ));
        }
        if !offline {
            // A question of an admin is no reason to ask a site faster than a poll would.
            let (host, gap) = (source.url.host_text(), poll::gap_of(source, config.settings.poll.host_gap));
            if let Some(before) = asked.get(host) {
                std::thread::sleep(gap.saturating_sub(before.elapsed()));
            }
            show(&format!("  {}", listed(config, source, link)));
            asked.insert(host, Instant::now());
        }
    }
    if sources.len() > MAX_ASKED {
        show(&format!("and {} more sources on {site}, which were not asked", sources.len() - MAX_ASKED));
    }
    if offline {
        show("without --offline, these sources are fetched once to see whether they list it");
    }
}

/// Returns the status of all sources, if the daemon runs.
fn statuses(arguments: &Arguments) -> Vec<SourceStatus> {
    match ask(&control::path(arguments), &AdminRequest::Status, None) {
        Ok(Some(answered)) if answered.ok => {
            answered.lines.iter().skip(1).filter_map(|line| serde_json::from_str(line).ok()).collect()
        }
        Ok(_) => Vec::new(),
        Err(reason) => {
            say(&format!("dayuan: the state of the sources is unknown: {reason}"));
            Vec::new()
        }
    }
}

/// Fetches a source once, and tells whether it lists an address.
fn listed(config: &Config, source: &Source, link: &Link) -> String {
    let page = match get::page(&source.url, &source.url, Some(config), Some(source)) {
        Ok(page) => page,
        Err(error) => return format!("asked now, it cannot be read: {error:#}"),
    };
    let reading = read::read(&page, &Rules::of(source), now());
    let wanted = link.canonical();
    let is_it = |draft: &&Draft| draft.checked_link().is_some_and(|link| link.canonical() == wanted);
    let Some(draft) = reading.drafts.iter().find(is_it) else {
        let dates =
            || reading.drafts.iter().filter_map(|draft| draft.published.or(draft.updated)).map(|stamp| stamp.at);
        let range = match (dates().min(), dates().max()) {
            (Some(oldest), Some(newest)) => format!(", from {} to {}", oldest.day(), newest.day()),
            _ => String::new(),
        };
        return format!(
            "never listed: asked now, it lists {} items{range}, and not this one (dayuan inspect --source {} shows them)",
            reading.drafts.len(),
            source.id
        );
    };
    let keep = config.settings.limits.keep;
    let stamp = draft.published.or(draft.updated);
    if let Some(stamp) = stamp.filter(|stamp| stamp.at < now() - keep) {
        return format!(
            "too old: asked now, it lists it with the date {stamp}; items older than {} days are not taken in ([store] keep_days)",
            keep.as_secs() / 86_400
        );
    }
    if let Some(reason) = source.filter.refusal(draft, now(), !source.reads_pages_of(reading.format)) {
        return format!(
            "filtered: asked now, it lists it as \u{201c}{}\u{201d}, and its rules leave it out: {reason}",
            draft.title
        );
    }
    format!(
        "asked now, it lists it as \u{201c}{}\u{201d}; a poll takes it in when the document has changed since the last one (dayuan poll {})",
        draft.title, source.id
    )
}
