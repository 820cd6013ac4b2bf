//! Finds the reports in a listing: what is new or changed, with the texts of its articles.

use std::borrow::Cow;
use std::collections::HashSet;

use super::articles::{self, Articles, Unread};
use super::listed::{Entry, Listed, Mark};
use super::metrics::LeftOut;
use super::poll_source::PollCycle;
use super::revisits;
use crate::dedup::{self, Identity, Verdict};
use crate::log::Record;
use crate::model::{Draft, ItemId, Key, Outcome, Report, Revisit, SourceId};
use crate::read::{self, Reading};

/// What a listing is worth.
pub(super) struct Reports {
    /// The reports that are not written yet.
    pub(super) records: Vec<Record>,
    /// How many there are in all, and how many of them are of new and of changed items.
    pub(super) count: usize,
    pub(super) new: usize,
    pub(super) changed: usize,
    /// The marks of what it lists, in order.
    pub(super) listed: Vec<u64>,
    /// The articles to read again.
    pub(super) revisits: Vec<Revisit>,
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

    /// Reads the page of a listed item: the item with its text, what it is now, and when to read it again. An item that is
    /// nothing without its page waits for it; an error is what became of it then.
    async fn with_text<'d>(
        &self,
        articles: &mut Articles<'_>,
        draft: &'d Draft,
        identity: Identity,
        found: &mut Found,
    ) -> Result<(Cow<'d, Draft>, Identity, Option<Revisit>), Taken> {
        let again = Revisit {
            item: identity.item,
            listed: row_of(draft),
            due: self.now,
            step: 0,
            misses: 0,
            missed: None,
            is_gone: false,
        };
        // A known item keeps the text it has; the page may decide whether the rules leave an item out; and a sitemap has no
        // titles of its own.
        let needs_page =
            identity.verdict == Verdict::Changed || self.source.filter.needs_page() || draft.title.is_empty();
        match articles.read(draft).await {
            Ok(whole) => {
                let identity = self.identity(&whole, &found.repeated).ok_or(Taken::Unnamed)?;
                Ok((Cow::Owned(whole), identity, articles::again(again, self.now)))
            }
            Err(Unread::NoArticle) if identity.verdict == Verdict::Changed => {
                Err(found.wait_for(articles::again(again, self.now)))
            }
            Err(Unread::NoArticle) => Ok((Cow::Borrowed(draft), identity, None)),
            Err(Unread::NoRoom(_)) if needs_page => Err(Taken::Later),
            Err(Unread::Gone { .. }) if needs_page => {
                let again = Revisit { misses: 1, missed: Some(self.now), ..again };
                Err(found.wait_for(articles::look_again(again, self.now)))
            }
            Err(Unread::Later(_)) if needs_page => Err(Taken::Unread),
            Err(unread) => {
                tracing::info!(event = "article_unread", source = %self.source.id, link = draft.link, %unread, "an article cannot be read yet; its item appears without text");
                let again = articles::retry(again, self.now);
                // A later poll reads what this one has no room for; what cannot be read may never be.
                let has_room = revisits::has_room(&found.revisits, &again);
                if !has_room && matches!(unread, Unread::NoRoom(_)) {
                    return Err(Taken::Later);
                }
                Ok((Cow::Borrowed(draft), identity, Some(again)))
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
        let mut listed = Listed::new(&self.state.listing.hashes);
        let mut found = Found {
            reads_articles: self.source.reads_pages_of(reading.format),
            repeated: dedup::repeated(&reading.drafts),
            revisits: self.revisits().to_vec(),
            ..Found::default()
        };
        let mut is_deferred = false;
        let mut left_out = LeftOut::default();
        let by_page = Mark::LeftOut(self.source.filter.version());
        let mut articles = self.articles();
        let mut written = Ok(());
        let (entries, left) = self.entries(reading, &listed);
        is_deferred |= !left.is_empty();
        left.into_iter().for_each(|entry| listed.note(entry, Mark::Unread));
        for (entry, draft, place) in entries {
            if self.is_settled(entry, draft, &mut listed, &mut left_out, found.reads_articles) {
                continue;
            }
            if reading.is_cut && place == reading.drafts.len() {
                listed.note(entry, Mark::Cut);
                if !listed.had(entry, Mark::Cut) {
                    is_deferred = true;
                    continue;
                }
            }
            match self.take_in(&mut articles, draft, &mut found).await {
                Taken::Done => listed.note(entry, Mark::Done),
                Taken::Unnamed => {}
                Taken::LeftOut(reason) => {
                    left_out.add(reason);
                    listed.note(entry, by_page);
                }
                Taken::Later => is_deferred = true,
                Taken::Unread => {
                    listed.note(entry, Mark::Unread);
                    is_deferred = true;
                }
                Taken::Full => {
                    is_deferred = true;
                    break;
                }
            }
            if found.unwritten > MAX_UNWRITTEN {
                found.unwritten = 0;
                written = self.commit(std::mem::take(&mut found.records), found.revisits.clone()).await;
                if written.is_err() {
                    break;
                }
            }
        }
        (self.busy, self.quota) = articles.end();
        written?;
        self.context.metrics.left_out(&self.source.id, left_out);
        let listed = listed.end(self.source.reading());
        let Found { records, revisits, count, new, changed, .. } = found;
        Ok(Reports { records, count, new, changed, listed, revisits, is_deferred })
    }

    /// Returns whether an item needs no look: it is known, too old, or left out by the rules.
    fn is_settled(
        &self,
        entry: Entry,
        draft: &Draft,
        listed: &mut Listed,
        left_out: &mut LeftOut,
        reads_articles: bool,
    ) -> bool {
        if listed.had(entry, Mark::Done) {
            listed.note(entry, Mark::Done);
            return true;
        }
        // Not marked, so it is checked again if our clock turns out to have been wrong.
        let oldest = self.now - self.context.limits.keep;
        if draft.published.or(draft.updated).is_some_and(|stamp| stamp.at < oldest) {
            return true;
        }
        // Not marked either: other rules may let it in.
        if let Some(reason) = self.source.filter.refusal(draft, self.now, !reads_articles) {
            left_out.add(reason);
            return true;
        }
        // What the rules leave out because of its page is remembered, so that the page is not read at every poll.
        let by_page = Mark::LeftOut(self.source.filter.version());
        if listed.had(entry, by_page) {
            left_out.add_again();
            listed.note(entry, by_page);
            return true;
        }
        false
    }

    /// Returns the items of a listing with their places, in the order in which they are taken in, and what is left out of this
    /// poll. Pages that could not be read come last, and a few at a time: they must not keep the others from being read.
    fn entries<'d>(&self, reading: &'d Reading, listed: &Listed) -> (Vec<(Entry, &'d Draft, usize)>, Vec<Entry>) {
        let entries = reading.drafts.iter().zip(1..).map(|(draft, place)| (Entry::of(draft), draft, place));
        let (mut unread, mut entries): (Vec<_>, Vec<_>) =
            entries.partition(|(entry, ..)| listed.had(*entry, Mark::Unread));
        unread.sort_unstable_by_key(|(entry, ..)| entry.turn(self.state.polls));
        let left = unread.drain(MAX_UNREAD.min(unread.len())..).map(|(entry, ..)| entry).collect();
        entries.append(&mut unread);
        (entries, left)
    }

    /// Decides what one item of a listing is, and reports it if it is new or changed.
    async fn take_in(&mut self, articles: &mut Articles<'_>, draft: &Draft, found: &mut Found) -> Taken {
        let Some(identity) = self.identity(draft, &found.repeated) else { return Taken::Unnamed };
        let is_news = matches!(identity.verdict, Verdict::New | Verdict::Changed);
        let (draft, identity, revisit) = if found.reads_articles && draft.text.is_empty() && is_news {
            match self.with_text(articles, draft, identity, found).await {
                Err(taken) => return taken,
                // A page that is no article is no item.
                Ok((whole, ..)) if whole.title.is_empty() => return Taken::Done,
                Ok(read) => read,
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
        if let Some(revisit) = revisit.filter(|_| identity.verdict == Verdict::New) {
            revisits::add(&mut found.revisits, revisit);
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
    /// Keys that several items of the listing have.
    repeated: Vec<Key>,
    records: Vec<Record>,
    /// The articles to read again, these items' included.
    revisits: Vec<Revisit>,
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

impl Found {
    /// Lets an item wait until its page can be read.
    fn wait_for(&mut self, again: Option<Revisit>) -> Taken {
        match again.is_none_or(|again| revisits::add(&mut self.revisits, again)) {
            true => Taken::Done,
            false => Taken::Later,
        }
    }
}

/// Maximum number of pages per poll that could not be read at the one before.
const MAX_UNREAD: usize = 10;
/// Maximum size of the reports of one poll, in bytes; the rest is left to the next one.
const MAX_SIZE: usize = 6 * 1024 * 1024;
/// From how many bytes on reports are written before the poll is over.
const MAX_UNWRITTEN: usize = 512 * 1024;

/// What became of an item of a listing.
enum Taken {
    /// It is known or reported, or waits for its page.
    Done,
    /// It has nothing that identifies it.
    Unnamed,
    /// The rules of the source leave it out, for this reason.
    LeftOut(String),
    /// It is left to a later poll, which reports it if it is still there.
    Later,
    /// The same, after all others: its page could not be read.
    Unread,
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
