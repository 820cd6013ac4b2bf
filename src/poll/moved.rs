//! Sources that say they have moved: which address is requested, and from when on a permanent redirect is followed at once.

use std::collections::HashSet;
use std::time::Duration;

use crate::model::{Link, Moment, PollState, Source};

/// How long a permanent redirect must stay the same before requests start at its target.
const MOVED_FOR: Duration = Duration::from_secs(7 * 86_400);

/// Returns the address to request: the target of a permanent redirect once it has stayed the same for a week, while it
/// works (at once if only http becomes https); otherwise the source's own.
pub(super) fn start(source: &Source, state: &PollState, now: Moment, taken: &HashSet<String>) -> Link {
    let settled = |since: &Moment| now.duration_since(*since) >= MOVED_FOR;
    match &state.moved {
        // The address of another source is never used, even if that source was added after the move.
        Some((to, _)) if taken.contains(to.as_str()) => source.url.clone(),
        Some((to, _)) if is_https_twin(&source.url, to) => to.clone(),
        // Another site is followed for good only if an admin allows it.
        Some((to, since)) if settled(since) && state.failures == 0 && is_of_site(source, to) => to.clone(),
        _ => source.url.clone(),
    }
}

/// Returns whether an address is on the source's own site, or on one that an admin allowed it to lead to.
pub(super) fn is_of_site(source: &Source, link: &Link) -> bool {
    let domain = link.registrable_domain();
    domain == source.url.registrable_domain()
        || source.leads_to.iter().any(|site| site == domain || site == link.host_text())
}

fn is_https_twin(from: &Link, to: &Link) -> bool {
    !from.is_https() && to.is_https() && from.as_str().strip_prefix("http:") == to.as_str().strip_prefix("https:")
}
