//! Runs the threads of the search index, and answers `dayuan find`.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::admin::AdminReply;
use crate::config::region_named;
use crate::log::{Log, Record};
use crate::model::{Regions, Zone, one_line};
use crate::regions::Directory;
use crate::search::{Filters, Follower, Order, Query};
use crate::view::View;

/// Keeps the index up to date until `stop` is cancelled. Nothing else depends on it: if one of its threads fails, what is
/// indexed by then can still be found.
pub(super) async fn run(follower: Follower, stop: CancellationToken) {
    let mut threads = JoinSet::new();
    let (following, merging) = (follower.clone(), follower.clone());
    threads.spawn_blocking(move || following.follow());
    threads.spawn_blocking(move || merging.merge());
    let failed = async {
        while let Some(ended) = threads.join_next().await {
            if let Err(error) = ended {
                tracing::error!(
                    event = "task_panicked",
                    error = &error as &dyn std::error::Error,
                    "a thread of the search panicked; what is new cannot be found until a restart; please report this with the log"
                );
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = failed => {}
    }
    follower.index.stop();
    while threads.join_next().await.is_some() {}
}

/// What `dayuan find` prints at most.
const MAX_LINES: usize = 1000;

/// Finds items; one line each: id, day, source and title.
pub(super) fn find(
    follower: &Follower,
    regions: &Regions,
    zone: &Zone,
    wanted: (&str, Option<&str>),
    most: usize,
) -> AdminReply {
    let (words, region) = wanted;
    let region = match region.map(|name| region_named(&Directory::new(regions), name)) {
        Some(Err((message, help))) => return AdminReply::failed(format!("{message}; {help}")),
        Some(Ok(region)) => Some(region),
        None => None,
    };
    let Follower { index, log, view } = follower;
    let filters = Filters { region, ..Filters::default() };
    let query = Query::parse(words);
    if query.is_empty() && filters.region.is_none() {
        return AdminReply::failed("there is no word to search for");
    }
    let found = index.find((log, view, regions), (&query, &filters, Order::Newest), None, most.min(MAX_LINES));
    let found = match found {
        Ok(found) => found,
        Err(error) => return AdminReply::failed(error),
    };
    let mut lines: Vec<String> = found.found.iter().filter_map(|found| line(log, view, zone, *found)).collect();
    if !found.is_complete {
        lines.push("the search index is being made, so results may be missing".to_owned());
    }
    AdminReply::done(lines)
}

fn line(log: &Log, view: &View, zone: &Zone, found: crate::search::Found) -> Option<String> {
    let story = view.story(found.story)?;
    let Ok(Record::Report(report)) = log.read(found.position) else { return None };
    let at = story.published.at;
    let day = at.plus_seconds(i64::from(zone.offset(at))).day();
    Some(format!("{}  {day}  {}  {}", story.id, story.shown.source.id, one_line(&report.draft.title)))
}

/// Returns what keeps the index of a store up to date.
pub(super) fn follower(
    store: &std::path::Path,
    regions: &Arc<Regions>,
    log: &Arc<Log>,
    view: &Arc<View>,
    metrics: crate::search::Metrics,
) -> Follower {
    let options = crate::search::Options { folder: store.join("search") };
    let index = crate::search::SearchIndex::new(options, Arc::clone(regions), metrics);
    Follower { index: Arc::new(index), log: Arc::clone(log), view: Arc::clone(view) }
}
