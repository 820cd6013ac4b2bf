//! Finds the reports in a listing: what is new or changed, with the texts of its articles.

use std::borrow::Cow;
use std::collections::HashSet;

use xxhash_rust::xxh3::Xxh3;

use super::articles::{self, Articles, Unread};
use super::poll_source::PollCycle;
use crate::dedup::{self, Fingerprint, Identity, Verdict};
use crate::log::Record;
use crate::model::{Draft, Key, Report, Revisit, SourceId};
use crate::read::{self, Reading};

/// What a listing is worth.
pub(super) struct Reports {
    pub(super) records: Vec<Record>,
    /// The hashes of what it lists, in order.
    pub(super) listed: Vec<u64>,
    /// Whether something was left for a later poll, which must get the whole document again.
    pub(super) is_deferred: bool,
}

impl PollCycle<'_> {
    pub(super) fn identify(&self, draft: &Draft, repeated: &[Key]) -> Option<Identity> {
        let ids: Vec<&SourceId> = std::iter::once(&self.source.id).chain(&self.source.was).collect();
        dedup::identify(&ids, draft, repeated, self.now, self.context.view.as_ref())
    }

    pub(super) fn report(&self, found: Identity, draft: Draft, first_import: bool) -> Record {
        Record::Report(Box::new(Report {
            item: found.item,
            key: found.key,
            source: self.source.id.clone(),
            seen: self.now,
            reader: read::VERSION,
            first_import,
            draft,
        }))
    }

    /// Reads the page of a listed item: the item with its text, what it is now, and when to read it again. Returns `None` if
    /// the item is left as it is known.
    async fn with_text<'d>(
        &self,
        articles: &mut Articles<'_>,
        draft: &'d Draft,
        found: Identity,
        repeated: &[Key],
    ) -> Option<(Cow<'d, Draft>, Identity, Option<Revisit>)> {
        let again = Revisit {
            item: found.item,
            listed: row_of(draft),
            due: self.now,
            step: 0,
            misses: 0,
            missed: None,
            is_gone: false,
        };
        match articles.read(draft).await {
            Ok(whole) => {
                let found = self.identify(&whole, repeated)?;
                Some((Cow::Owned(whole), found, articles::again(again, self.now)))
            }
            // A known item keeps the text it has.
            Err(_) if found.verdict == Verdict::Changed => None,
            Err(Unread::NoArticle) => Some((Cow::Borrowed(draft), found, None)),
            Err(Unread::Gone { .. }) => Some((Cow::Borrowed(draft), found, Some(articles::retry(again, self.now)))),
            Err(Unread::Later(reason)) => {
                tracing::info!(source = %self.source.id, link = draft.link, reason, "an article cannot be read yet; its item appears without text");
                Some((Cow::Borrowed(draft), found, Some(articles::retry(again, self.now))))
            }
        }
    }

    /// Returns the records for the new and changed items of a listing. If a list has no texts, the pages of its new and
    /// changed items are read first.
    pub(super) async fn reports(&mut self, reading: &Reading) -> Reports {
        let first_import = self.state.is_first();
        let known: HashSet<u64> = self.state.listed.iter().copied().collect();
        let repeated = dedup::repeated(&reading.drafts);
        let oldest = self.now.plus_seconds(-86_400 * i64::from(self.context.limits.keep_days));
        let (mut records, mut listed) = (Vec::new(), Vec::with_capacity(reading.drafts.len()));
        let mut told = HashSet::new();
        let (mut new, mut changed, mut is_deferred) = (0, 0, false);
        let reads_articles = self.source.reads_articles && reading.format.is_list();
        let mut articles = self.articles();
        for (draft, place) in reading.drafts.iter().zip(1..) {
            let hash = listing_hash(draft);
            if known.contains(&hash) {
                listed.push(hash);
                continue;
            }
            // Not added to `listed`, so it is checked again if our clock turns out to have been wrong.
            if draft.published.or(draft.updated).is_some_and(|stamp| stamp.at < oldest) {
                continue;
            }
            if reading.is_cut && place == reading.drafts.len() {
                // The last item of a truncated document may be incomplete: accept it if the next poll shows the same.
                listed.push(!hash);
                if !known.contains(&!hash) {
                    is_deferred = true;
                    continue;
                }
            }
            let Some(found) = self.identify(draft, &repeated) else { continue };
            let (draft, found, revisit) = if reads_articles
                && draft.text.is_empty()
                && matches!(found.verdict, Verdict::New | Verdict::Changed)
            {
                let Some(read) = self.with_text(&mut articles, draft, found, &repeated).await else {
                    is_deferred = true;
                    continue;
                };
                // A sitemap has no titles of its own; a page that is no article is no item.
                if read.0.title.is_empty() {
                    listed.push(hash);
                    continue;
                }
                read
            } else {
                (Cow::Borrowed(draft), found, None)
            };
            match found.verdict {
                // Left to a later poll, which reports it if the change persists.
                Verdict::Restless => {
                    is_deferred = true;
                    continue;
                }
                Verdict::Same => {}
                Verdict::New | Verdict::Changed if !told.insert(found.item) => {}
                verdict => {
                    if !articles.quota().take(self.now, &draft, self.context.limits) {
                        tracing::warn!(source = %self.source.id, "the source exceeds the daily limit per source; the rest is left for later");
                        is_deferred = true;
                        break;
                    }
                    if verdict == Verdict::New {
                        new += 1
                    } else {
                        changed += 1
                    }
                    if verdict == Verdict::New && self.listing_state.revisits.len() < MAX_REVISITS {
                        self.listing_state.revisits.extend(revisit);
                    }
                    records.push(self.report(found, draft.into_owned(), first_import));
                }
            }
            listed.push(hash);
        }
        self.busy = self.busy.max(articles.busy());
        (self.listing_state.busy_hosts, self.quota) = articles.end();
        self.context.metrics.found(new, changed);
        listed.sort_unstable();
        listed.dedup();
        Reports { records, listed, is_deferred }
    }
}

/// Returns what a list row says about its item, without how it was found.
fn row_of(draft: &Draft) -> Draft {
    Draft {
        guid: draft.guid.clone(),
        link: draft.link.clone(),
        title: draft.title.clone(),
        published: draft.published,
        alert: draft.alert.clone(),
        code: draft.code.clone(),
        ..Draft::default()
    }
}

/// Returns a hash of everything a listing says about an item.
fn listing_hash(draft: &Draft) -> u64 {
    let mut hasher = Xxh3::new();
    for part in [draft.guid.as_deref(), draft.link.as_deref()] {
        hasher.update(part.unwrap_or("").as_bytes());
        hasher.update(b"\0");
    }
    hasher.update(&Fingerprint::content_of(draft).to_le_bytes());
    hasher.digest()
}

/// Maximum number of a source's articles scheduled to be read again.
const MAX_REVISITS: usize = 300;
