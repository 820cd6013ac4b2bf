//! Decides whether a page may be requested, by its site's robots.txt, which is saved with the poll states and fetched once a
//! day.

use super::context::{PollContext, wait};
use crate::fetch::{self, FetchError, Permission, Request};
use crate::model::{Link, Moment, Robots};

/// Returns whether a page may be requested. Fetches the site's robots.txt at most once a day, across restarts, and
/// pauses after fetching it. Raises `gap` to the interval that the site wants between two requests, in milliseconds.
///
/// # Errors
/// Returns an error if robots.txt is requested and nothing answers.
pub(super) async fn permitted(
    context: &PollContext,
    request: &Request<'_>,
    gap: &mut i64,
) -> Result<Permission, FetchError> {
    let now = (context.clock)();
    let site = fetch::site_of(request.link);
    let mut permission = context.fetcher.permission(request.link, now);
    let mut was_asked = false;
    if permission.is_none()
        && let Some(site) = &site
    {
        // A saved robots.txt that cannot be read is fetched again.
        let kept = context.poll_states.robots(site).unwrap_or_default();
        let said = match kept.filter(|kept| kept.until > now) {
            Some(kept) => kept,
            None => {
                was_asked = true;
                let said = context.fetcher.ask_robots(request, now).await?;
                if let Err(error) = context.poll_states.put_robots(site, &said) {
                    tracing::error!(error = &error as &dyn std::error::Error, "a robots.txt cannot be saved");
                }
                said
            }
        };
        context.fetcher.learn(request.link, &said, now);
        permission = context.fetcher.permission(request.link, now);
    }
    let permission = permission.unwrap_or(Permission::Unknown);
    if let Permission::Allowed(delay) = permission {
        *gap = (*gap).max(delay);
        if was_asked {
            wait(context, *gap).await;
        }
    }
    Ok(permission)
}

/// Forgets that the robots.txt of a page's site could not be fetched, so that it is fetched anew.
pub(super) fn forget_unknown(context: &PollContext, link: &Link, now: Moment) {
    let Some(site) = fetch::site_of(link) else { return };
    let kept = context.poll_states.robots(&site).ok().flatten();
    if kept.is_some_and(|kept| kept.text.is_none() && kept.until > now) {
        let over = Robots { text: None, until: now };
        if let Err(error) = context.poll_states.put_robots(&site, &over) {
            tracing::error!(error = &error as &dyn std::error::Error, "a robots.txt cannot be saved");
        }
        context.fetcher.learn(link, &over, now);
    }
}
