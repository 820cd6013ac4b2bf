//! Parses documents: small ones at once, large ones on a blocking thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::model::{Moment, Page};
use crate::read::Rules;

/// Larger documents are parsed on a blocking thread, in bytes.
const LARGE: usize = 64 * 1024;

/// Reads a document with one of the readers; `None` if the reader panicked.
pub(super) async fn parse<T: Send + 'static>(
    reader: fn(&Page, &Rules, Moment) -> T,
    page: Page,
    rules: &Arc<Rules>,
    now: Moment,
) -> Option<T> {
    if page.body.len() <= LARGE {
        // Nothing that a reader changes outlives it, so nothing is left half changed.
        return catch_unwind(AssertUnwindSafe(|| reader(&page, rules, now))).ok();
    }
    let rules = Arc::clone(rules);
    tokio::task::spawn_blocking(move || reader(&page, &rules, now)).await.ok()
}
