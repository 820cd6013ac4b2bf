//! Finds the reports in a listing: what is new or changed, with the texts of its articles.

use std::borrow::Cow;
use std::collections::HashSet;

use xxhash_rust::xxh3::Xxh3;

use super::articles::{self, Articles, Unread};
use super::metrics::LeftOut;
use super::poll_source::PollCycle;
use crate::dedup::{self, Fingerprint, Identity, Verdict};
use crate::log::Record;
use crate::model::{Draft, ItemId, Key, Outcome, Report, Revisit, SourceId};
use crate::read::{self, Reading};

/// What a listing is worth.
pub(super) struct Reports {
    /// The reports that are not written yet.
    pub(super) records: Vec<Record>,
    /// How many there are in all.
    pub(super) new: usize,
    /// The hashes of what it lists, in order.
    pub(super) listed: Vec<u64>,
    /// Whether something was left for a later poll, which must get the whole document again.
    pub(super) is_deferred: bool,
}

impl PollCycle<'_> {
    /// Returns which item of the source a draft is.
    pub(super) fn identity(&self, draft: &Draft, repeated: &[Key]) -> Option<Identity> {
        let ids: Vec<&SourceId> = std::iter::once(&self.source.id).chain(&self.source.was).collect();
        dedup::identify(&ids, &self.source.filter.cleaned(draft), repeated, self.now, self.context.view.as_ref())
    }

    pub(super) fn report(&self, found: Identity, draft: Draft, first_import: bool) -> Record {
        Record::Report(Box::new(Report {
            item: found.item,
            key: found.key,
            source: self.source.id.clone(),
            seen: self.now,
            reader: read::VERSION,
            first_import,
            draft: self.source.filter.cleaned(&draft).into_owned(),
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
                let found = self.identity(&whole, repeated)?;
                Some((Cow::Owned(whole), found, articles::again(again, self.now)))
            }
            // A known item keeps the text it has.
            Err(_) if found.verdict == Verdict::Changed => None,
            Err(Unread::NoArticle) => Some((Cow::Borrowed(draft), found, None)),
            // Without its page, nobody knows whether the rules of the source leave it out.
            Err(_) if self.source.filter.needs_page() => None,
            Err(Unread::Gone { .. }) => Some((Cow::Borrowed(draft), found, Some(articles::retry(again, self.now)))),
            Err(Unread::Later(reason)) => {
                tracing::info!(event = "article_unread", source = %self.source.id, link = draft.link, reason, "an article cannot be read yet; its item appears without text");
                Some((Cow::Borrowed(draft), found, Some(articles::retry(again, self.now))))
            }
        }
    }

    /// Returns the records for the new and changed items of a listing. If a list has no texts, the pages of its new and
    /// changed items are read first. Many long reports are written as they come: all of a poll, and of others at the same
    /// time, would take much memory. Those that are written are known if the poll then fails.
    ///
    /// # Errors
    /// Returns the outcome of the poll if they cannot be written.
    pub(super) async fn identify(&mut self, reading: &Reading) -> Result<Reports, Outcome> {
        let known: HashSet<u64> = self.state.listing.hashes.iter().copied().collect();
        let repeated = dedup::repeated(&reading.drafts);
        let oldest = self.now - self.context.limits.keep;
        let mut found = Found { reads_articles: self.source.reads_pages_of(reading.format), ..Found::default() };
        let (mut listed, mut is_deferred) = (Vec::with_capacity(reading.drafts.len()), false);
        let mut left_out = LeftOut::default();
        // What the rules leave out because of its page is remembered, so that the page is not read at every poll.
        let filter = self.source.filter.version();
        let mut articles = self.articles();
        let mut written = Ok(());
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
            // Not added to `listed` either: other rules may let it in.
            if let Some(reason) = self.source.filter.refusal(draft, self.now, !found.reads_articles) {
                left_out.add(reason);
                continue;
            }
            if known.contains(&(hash ^ filter)) {
                left_out.add_again();
                listed.push(hash ^ filter);
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
            match self.take_in(&mut articles, draft, &repeated, &mut found).await {
                Taken::Done => listed.push(hash),
                Taken::Unnamed => {}
                Taken::LeftOut(reason) => {
                    left_out.add(reason);
                    listed.push(hash ^ filter);
                }
                Taken::Later => is_deferred = true,
                Taken::Full => {
                    is_deferred = true;
                    break;
                }
            }
            if found.unwritten > MAX_UNWRITTEN {
                found.unwritten = 0;
                written = self.write(std::mem::take(&mut found.records)).await;
                if written.is_err() {
                    break;
                }
            }
        }
        self.busy = self.busy.max(articles.busy());
        (self.state.busy_hosts, self.quota) = articles.end();
        written?;
        self.context.metrics.found(found.new, found.changed);
        self.context.metrics.left_out(&self.source.id, left_out);
        listed.push(self.source.reading());
        listed.sort_unstable();
        listed.dedup();
        Ok(Reports { records: found.records, new: found.count, listed, is_deferred })
    }

    /// Decides what one item of a listing is, and reports it if it is new or changed.
    async fn take_in(
        &mut self,
        articles: &mut Articles<'_>,
        draft: &Draft,
        repeated: &[Key],
        found: &mut Found,
    ) -> Taken {
        let Some(identity) = self.identity(draft, repeated) else { return Taken::Unnamed };
        let is_news = matches!(identity.verdict, Verdict::New | Verdict::Changed);
        let (draft, identity, revisit) = if found.reads_articles && draft.text.is_empty() && is_news {
            match self.with_text(articles, draft, identity, repeated).await {
                None => return Taken::Later,
                // A sitemap has no titles of its own; a page that is no article is no item.
                Some((whole, ..)) if whole.title.is_empty() => return Taken::Done,
                Some(read) => read,
            }
        } else {
            (Cow::Borrowed(draft), identity, None)
        };
        if found.reads_articles
            && let Some(reason) = self.source.filter.refusal(&draft, self.now, true)
        {
            return Taken::LeftOut(reason);
        }
        match identity.verdict {
            Verdict::Restless => return Taken::Later,
            Verdict::Same => return Taken::Done,
            Verdict::New | Verdict::Changed if !found.told.insert(identity.item) => return Taken::Done,
            Verdict::New => found.new += 1,
            Verdict::Changed => found.changed += 1,
        }
        found.size += draft.size();
        if found.size > MAX_SIZE {
            return Taken::Full;
        }
        found.unwritten += draft.size();
        if !articles.quota().take(self.now, &draft, self.context.limits) {
            tracing::warn!(event = "source_limit_reached", source = %self.source.id, "the source exceeds the daily limit per source; the rest is left for later");
            return Taken::Full;
        }
        if identity.verdict == Verdict::New && self.revisits.len() < MAX_REVISITS {
            self.has_new_revisits |= revisit.is_some();
            self.revisits.extend(revisit);
        }
        let is_first_import = self.state.is_first();
        found.count += 1;
        found.records.push(self.report(identity, draft.into_owned(), is_first_import));
        Taken::Done
    }
}

/// What was found in a listing so far.
#[derive(Default)]
struct Found {
    reads_articles: bool,
    records: Vec<Record>,
    /// The items that are reported already: a listing may hold one twice.
    told: HashSet<ItemId>,
    new: usize,
    changed: usize,
    /// How many reports were made.
    count: usize,
    /// Size of the records, in bytes, and of those that are not written yet.
    size: usize,
    unwritten: usize,
}

/// Maximum size of the reports of one poll, in bytes; the rest is left to the next one.
const MAX_SIZE: usize = 6 * 1024 * 1024;
/// From how many bytes on reports are written before the poll is over.
const MAX_UNWRITTEN: usize = 512 * 1024;

/// What became of an item of a listing.
enum Taken {
    /// It is known or reported.
    Done,
    /// It has nothing that identifies it.
    Unnamed,
    /// The rules of the source leave it out, for this reason.
    LeftOut(String),
    /// It is left to a later poll, which reports it if it is still there.
    Later,
    /// The source has reached its daily limit.
    Full,
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
