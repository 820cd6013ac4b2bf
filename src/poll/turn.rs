//! One poll of one source, from the request to the visit: the straight line of the house.
//!
//! Its order is never changed: reports are safe in the log, then applied to the view, and only then the visit is saved
//! with its validators. Validators that are saved too early turn a crash into a silent loss for ever, because the next
//! answer is 304.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use xxhash_rust::xxh3::Xxh3;

use super::articles::{self, Articles, Unread};
use super::commit::CommitError;
use super::house::{House, wait};
use super::outcome::{failed, forbidden, least_wait, log, refused, unknown, unsaved, word};
use super::permission::permitted;
use super::quota::Quota;
use super::schedule::{self, Pace};
use crate::dedup::{self, Fingerprint, Identity, Verdict};
use crate::fetch::{Answer, Permission, Request};
use crate::log::{Control, Record};
use crate::model::{
    Draft, Key, Kind, Link, Memory, Moment, Outcome, Page, Report, Revisit, Source, SourceId, Validators, Visit,
};
use crate::read::{self, Fault, FaultKind, Reading, Rules};

/// The longest address that is told to an admin as the new one of a source, in bytes.
const MAX_MOVED: usize = 2048;
/// Documents larger than this are read away from the threads that serve, in bytes.
const LARGE: usize = 64 * 1024;
/// The days for which a permanent redirect must stay the same before it is followed from the start.
const MOVED_FOR: i64 = 7;
/// After how long the source's own address is asked again where its items are at another one, in milliseconds.
const PAGE_AGAIN: i64 = 86_400_000;
/// How often and for how long, in milliseconds, a source says that it is gone before it is believed.
const GONE_POLLS: u32 = 3;
const GONE_AFTER: i64 = 3 * 86_400_000;
/// The longest wait that a document or its header may ask for, in seconds.
const LONGEST_HINT: u64 = 86_400;

/// The kinds of documents whose items have pages with their texts.
const LISTS: [&str; 4] = ["list", "json-list", "xml-records", "sitemap"];
/// The most pages of a list that are read at the first import.
const MOST_PAGES: usize = 4;
/// The most articles of a source that are to be read again.
const MOST_REVISITS: usize = 300;

/// What a turn leaves behind.
#[derive(Debug)]
pub(super) struct Done {
    /// The visit before this one, should it not count.
    pub(super) before: Visit,
    /// Did anything answer? `None` where nothing was asked.
    pub(super) is_reached: Option<bool>,
    pub(super) visit: Visit,
    /// Must the whole host be left alone until then?
    pub(super) host_until: Option<Moment>,
    pub(super) quota: Quota,
    /// The hours and days in which it does not want to be asked.
    pub(super) skip: (u32, u32),
}

/// Within what bounds a source is polled.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) pace: Pace,
    /// Milliseconds between two requests to its host.
    pub(super) gap: i64,
    pub(super) quota: Quota,
    /// Does another source wait for its host?
    pub(super) is_wanted: Arc<AtomicBool>,
}

/// Polls a source once. Its next time was stored before, so that a crash shortens nothing. `None` where nothing was
/// asked, because four others are at its address already. `taken` are the addresses of all sources.
pub(super) async fn turn(
    house: &House,
    source: &Source,
    mut visit: Visit,
    terms: Terms,
    taken: &HashSet<String>,
) -> Option<Done> {
    let Terms { pace, gap, quota, is_wanted } = terms;
    let asked = (house.clock)();
    // Memory that is lost costs one look at the page that leads to the list.
    let kept = house.visits.memory(&source.id).unwrap_or_default();
    let mut memory = kept.clone();
    if memory.page.as_ref() != Some(&source.url) {
        // Of another address nothing holds.
        if memory.page.is_some() {
            visit.validators = Validators::default();
            visit.listed.clear();
        }
        memory = Memory { page: Some(source.url.clone()), ..Memory::default() };
    }
    // Where the source's address leads elsewhere, it is asked itself once a day: it may be well again.
    let is_page_due = memory.page_asked.is_none_or(|at| asked.since(at) >= PAGE_AGAIN || at > asked);
    let start = start(source, &visit, asked, taken);
    let follow = memory.follow.clone().filter(|follow| !is_page_due && is_of_site(source, follow));
    if follow.is_none() && start == source.url {
        memory.page_asked = Some(asked);
    }
    let is_followed = follow.is_some();
    let link = follow.unwrap_or(start);
    let _room = house.fetcher.visit(&link, source.is_inside).await?;
    let given_by = visit.url.clone();
    let request = Request {
        link: &link,
        validators: &visit.validators,
        given_by: given_by.as_ref(),
        own_port: source.url.port(),
        is_inside: source.is_inside,
        is_page: source.kind.is_page() || LISTS.contains(&memory.format.as_str()),
        is_bound: false,
        tls: source.tls,
        post: source.post.as_deref().filter(|_| !is_followed),
    };
    // What is no feed is asked only where its site allows it.
    let is_page = request.is_page;
    let (mut refused, mut is_reached) = (None, None);
    let mut gap = gap;
    if is_page {
        match permitted(house, &request, &mut gap).await {
            Ok(Permission::Allowed(_)) => {}
            Ok(Permission::Forbidden) => refused = Some(forbidden(&link)),
            Ok(Permission::Unknown) => refused = Some(unknown(&link)),
            Err(error) => {
                is_reached = Some(!error.is_silence());
                refused = Some(failed(&error));
            }
        }
    }
    if refused.is_none() {
        is_reached = Some(true);
    }
    let answer = match refused {
        Some(outcome) => Err(outcome),
        None => house.fetcher.get(request, (house.clock)()).await.map_err(|error| {
            is_reached = Some(!error.is_silence());
            failed(&error)
        }),
    };

    let now = (house.clock)();
    let before = visit.clone();
    let is_conditional = visit.url.as_ref().is_some() && visit.validators != Validators::default();
    let mut turn = Turn {
        house,
        source,
        visit,
        memory,
        gap,
        quota,
        is_wanted,
        now,
        busy: None,
        is_host_busy: false,
        taken,
        is_conditional,
    };
    let mut outcome = match answer {
        Ok(answer) => turn.take(answer).await,
        Err(outcome) => outcome,
    };
    if matches!(outcome, Outcome::Read { .. } | Outcome::Unchanged { .. }) {
        turn.read_again(&mut outcome).await;
        if let Err(error) = turn.resume().await {
            outcome = unsaved(source, &error);
        }
    } else if turn.memory.follow.is_some() {
        // The way to the list is asked for again.
        turn.memory.follow = None;
    }
    // A source that is gone is asked seldom, whatever it says instead.
    let is_gone = || house.view.control(&source.id) == Some(Control::Gone);
    let outcome = match outcome.cleaned() {
        Outcome::Failed { .. } | Outcome::Busy { .. } if is_gone() => Outcome::Gone,
        outcome => outcome,
    };
    let mut visit = schedule::next(&source.id, &turn.visit, &outcome, now, pace);
    if turn.is_host_busy {
        turn.busy = Some(visit.not_before);
        let host = source.url.host_text();
        turn.memory.busy_hosts.retain(|(busy, _)| busy != host);
        turn.memory.busy_hosts.push((host.to_owned(), visit.not_before));
    }
    if turn.memory != kept
        && let Err(error) = house.visits.put_memory(&source.id, &turn.memory)
    {
        tracing::error!(source = %source.id, error = &error as &dyn std::error::Error, "what is known of the list cannot be saved; its articles will not be read again");
    }
    house.metrics.polled(word(&outcome));
    log(source, &outcome);
    let host_until = turn.busy;
    let skip = (turn.memory.skip_hours, turn.memory.skip_days);
    visit.due = schedule::outside(visit.due, skip.0, skip.1);
    remember(house, source, &visit);
    Some(Done { before, visit, host_until, quota: turn.quota, is_reached, skip })
}

/// Where to ask: where the source has moved to, once that was said for a week, and as long as that is well there.
fn start(source: &Source, visit: &Visit, now: Moment, taken: &HashSet<String>) -> Link {
    let settled = |since: &Moment| now.since(*since) >= MOVED_FOR * 86_400_000;
    match &visit.moved {
        // That of another source is not ours, though it became so only after the move.
        Some((to, _)) if taken.contains(to.as_str()) => source.url.clone(),
        Some((to, _)) if is_https_twin(&source.url, to) => to.clone(),
        // Another site is gone to for good only where an admin says so.
        Some((to, since)) if settled(since) && visit.failures == 0 && is_of_site(source, to) => to.clone(),
        _ => source.url.clone(),
    }
}

/// Does an address lie at the source's own site, or at one that an admin allowed it to lead to?
fn is_of_site(source: &Source, link: &Link) -> bool {
    let domain = link.registrable_domain();
    domain == source.url.registrable_domain()
        || source.leads_to.iter().any(|site| site == domain || site == link.host_text())
}

fn is_https_twin(from: &Link, to: &Link) -> bool {
    !from.is_https() && to.is_https() && from.as_str().strip_prefix("http:") == to.as_str().strip_prefix("https:")
}

fn remember(house: &House, source: &Source, visit: &Visit) {
    if let Err(error) = house.visits.put(&source.id, visit) {
        tracing::error!(source = %source.id, error = &error as &dyn std::error::Error, "the visit cannot be saved; after a restart the source is asked without its validators");
    }
}

struct Turn<'a> {
    house: &'a House,
    source: &'a Source,
    visit: Visit,
    memory: Memory,
    /// Milliseconds between two requests to one host.
    gap: i64,
    quota: Quota,
    is_wanted: Arc<AtomicBool>,
    now: Moment,
    /// Until when the host wants to be left alone, where the page of an article said so.
    busy: Option<Moment>,
    /// Did the list itself say so for its whole host?
    is_host_busy: bool,
    /// The addresses of all sources.
    taken: &'a HashSet<String>,
    /// Was the request conditional?
    is_conditional: bool,
}

impl<'a> Turn<'a> {
    /// Takes an answer in, up to the validators.
    async fn take(&mut self, answer: Answer) -> Outcome {
        self.house.metrics.fetched(answer.body.len());
        self.compare_clocks(&answer);
        if self.house.skews.contradict() {
            tracing::error!(source = %self.source.id, "our clock differs by more than a day from those of the servers; nothing is taken until it is right");
            return Outcome::Unsaved;
        }
        self.follow_move(&answer);
        if answer.downgraded {
            tracing::warn!(source = %self.source.id, url = %answer.url, "a redirect leads from https to http");
        }
        let is_own_answer = answer.url == self.source.url.without_fragment();
        self.visit.doubt.clear();
        if answer.status < 400 && !is_of_site(self.source, &answer.url) {
            self.visit.doubt = format!(
                "its address redirects to {}, on another site; change its url, or write leads_to = [\"{}\"]",
                answer.url,
                answer.url.registrable_domain()
            );
        }
        if answer.status != 410 {
            self.visit.gone = None;
        }
        match answer.status {
            200 => self.read(answer).await,
            304 if !self.is_conditional => Outcome::Failed {
                blocked: false,
                reason: "the site says that nothing changed (304), though it was not asked whether it did".to_owned(),
            },
            304 => {
                merge(&mut self.visit.validators, &answer);
                Outcome::Unchanged { wait: least_wait(&answer).max(self.memory.wait).min(LONGEST_HINT) }
            }
            410 if is_own_answer => self.take_gone().await,
            status => {
                // These speak for the whole host, where it is this one that said so.
                self.is_host_busy =
                    matches!(status, 429 | 503) && answer.url.host_text() == self.source.url.host_text();
                refused(status, &answer)
            }
        }
    }

    /// 410 of the source's own address: it is gone once that was said for days.
    async fn take_gone(&mut self) -> Outcome {
        if self.house.view.control(&self.source.id) == Some(Control::Gone) {
            return Outcome::Gone;
        }
        let (since, times) = self.visit.gone.map_or((self.now, 1), |(since, times)| (since, times + 1));
        self.visit.gone = Some((since, times));
        if times < GONE_POLLS || self.now.since(since) < GONE_AFTER {
            let reason = "the site says that it is gone for good (410); it is believed after three days".to_owned();
            return Outcome::Failed { blocked: false, reason };
        }
        match self.control(Control::Gone).await {
            Ok(()) => Outcome::Gone,
            Err(error) => unsaved(self.source, &error),
        }
    }

    /// A source that was gone is back.
    async fn resume(&self) -> Result<(), CommitError> {
        if self.house.view.control(&self.source.id) != Some(Control::Gone) {
            return Ok(());
        }
        tracing::warn!(source = %self.source.id, "a source that was gone is back");
        self.control(Control::Resumed).await
    }

    async fn control(&self, state: Control) -> Result<(), CommitError> {
        let record = Record::Control { source: self.source.id.clone(), state, at: self.now };
        self.house.ledger.commit(vec![record], self.now).await
    }

    async fn read(&mut self, answer: Answer) -> Outcome {
        let rules = Rules::of(self.source);
        let asked_wait = least_wait(&answer);
        let page = Page { url: answer.url.clone(), content_type: answer.content_type.clone(), body: answer.body };
        let mut reading = self.read_page(page, &rules).await;
        // Validators are only sent to the address that gave them.
        let (mut given_by, mut validators) = (answer.url.clone(), answer.validators);
        let follow = reading.follow.take().filter(|_| reading.drafts.is_empty());
        if let Some(follow) = follow.as_ref().filter(|follow| !is_of_site(self.source, follow)) {
            let site = follow.registrable_domain();
            let reason = format!(
                "the page leads to {follow}, on another site; where that is meant, write leads_to = [\"{site}\"] or give that address as url"
            );
            return Outcome::Failed { blocked: false, reason };
        }
        if given_by == self.source.url.without_fragment() {
            self.memory.follow = None;
        }
        if let Some(follow) = follow {
            match self.read_followed(&follow, &rules).await {
                Ok(followed) => {
                    (reading, given_by, validators) = followed;
                    self.memory.follow = Some(follow);
                }
                Err(reason) => return Outcome::Failed { blocked: false, reason },
            }
        }
        if reading.wait > LONGEST_HINT {
            self.visit.doubt =
                format!("it asks to be polled only every {} days; it is polled daily", reading.wait / 86_400);
        }
        let asked_wait = asked_wait.min(LONGEST_HINT);
        let wait = asked_wait.max(reading.wait.min(LONGEST_HINT));
        self.memory.wait = reading.wait.min(LONGEST_HINT);
        self.memory.skip_hours = reading.skip.hours.iter().fold(0, |bits, hour| bits | 1 << (hour % 24));
        self.memory.skip_days = reading.skip.days.iter().fold(0, |bits, day| bits | 1 << (day % 7));
        for fault in &reading.faults {
            tracing::debug!(source = %self.source.id, fault = fault.kind.word(), place = fault.place, detail = fault.detail, "fault in a document");
        }
        if let Some(fault) = reading.faults.iter().find(|fault| fault.kind.is_fatal()) {
            return Outcome::Failed { blocked: fault.kind == FaultKind::Challenge, reason: fault.detail.clone() };
        }
        if let Some(reason) = self.drift(&reading) {
            return Outcome::Failed { blocked: false, reason };
        }
        if self.visit.is_first() {
            self.read_further(&mut reading, &rules).await;
        }
        let (records, listed, new) = self.reports(&reading).await;
        if let Err(error) = self.house.ledger.commit(records, self.now).await {
            return unsaved(self.source, &error);
        }
        self.visit.listed = listed;
        // Both together, before anything else is decided by the body: a header that is absent now is forgotten.
        self.visit.validators = validators;
        self.visit.url = Some(given_by);
        Outcome::Read { new, wait }
    }

    async fn read_page(&self, page: Page, rules: &Rules) -> Reading {
        let now = self.now;
        if page.body.len() > LARGE {
            let rules = rules.clone();
            tokio::task::spawn_blocking(move || read::read(&page, &rules, now))
                .await
                .unwrap_or_else(|_panic| fell_over())
        } else {
            read::read(&page, rules, now)
        }
    }

    /// At the first import, the pages behind the first one: what a source told lately is longer than one page.
    async fn read_further(&self, reading: &mut Reading, rules: &Rules) {
        let mut next = reading.next.take();
        let oldest = self.now.plus_seconds(-86_400 * i64::from(self.house.limits.keep_days));
        for _ in 1..MOST_PAGES {
            let Some(link) = next.take().filter(|link| is_of_site(self.source, link)) else { return };
            // Rows beyond what is kept need not be read.
            let is_old = reading.drafts.last().and_then(|draft| draft.published).is_some_and(|stamp| stamp.at < oldest);
            if is_old || reading.drafts.len() >= read::MOST_DRAFTS {
                return;
            }
            let Ok((further, ..)) = self.read_followed(&link, rules).await else { return };
            let known: HashSet<Option<String>> = reading.drafts.iter().map(|draft| draft.link.clone()).collect();
            let room = read::MOST_DRAFTS - reading.drafts.len();
            let fresh: Vec<Draft> =
                further.drafts.into_iter().filter(|draft| !known.contains(&draft.link)).take(room).collect();
            if fresh.is_empty() {
                return;
            }
            reading.drafts.extend(fresh);
            next = further.next;
        }
    }

    /// Reads where a page leads that has no list of its own, one hop and no further.
    async fn read_followed(&self, link: &Link, rules: &Rules) -> Result<(Reading, Link, Validators), String> {
        let none = Validators::default();
        let request = Request {
            link,
            validators: &none,
            given_by: None,
            own_port: self.source.url.port(),
            is_inside: self.source.is_inside,
            is_page: true,
            is_bound: false,
            tls: self.source.tls,
            post: None,
        };
        // Where a page leads its site must allow, too.
        let mut gap = self.gap;
        match permitted(self.house, &request, &mut gap).await {
            Ok(Permission::Allowed(_)) => {}
            Ok(Permission::Forbidden) => {
                return Err(format!("the page leads to {link}, which robots.txt forbids programs to read"));
            }
            Ok(Permission::Unknown) => {
                return Err(format!("the page leads to {link}; the robots.txt there cannot be had"));
            }
            Err(error) => return Err(error.to_string()),
        }
        wait(self.house, gap).await;
        let answer = self.house.fetcher.get(request, self.now).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("the page leads to {link}, which answered {}", answer.status));
        }
        if !is_of_site(self.source, &answer.url) {
            return Err(format!(
                "the page leads to {}, on another site; write leads_to = [\"{}\"] into the source if that is right",
                answer.url,
                answer.url.registrable_domain()
            ));
        }
        let page = Page { url: answer.url.clone(), content_type: answer.content_type, body: answer.body };
        Ok((self.read_page(page, rules).await, answer.url, answer.validators))
    }

    /// What a document has become that was something else, or much more, before; the last good items stay then.
    fn drift(&mut self, reading: &Reading) -> Option<String> {
        const PATIENCE: u32 = 3;
        let is_list = reading.detection.is_some();
        let was_feed = !self.memory.format.is_empty() && !LISTS.contains(&self.memory.format.as_str());
        if is_list && was_feed && self.source.kind == Kind::Auto {
            return Some(format!(
                "the feed ({}) has become a page; if that is meant to be, set as = \"list\"",
                self.memory.format
            ));
        }
        let count = u32::try_from(reading.drafts.len()).unwrap_or(u32::MAX);
        if is_list {
            let usual = self.memory.usual;
            // What stays so for some polls is how the page is now.
            if usual >= 8 && count.saturating_mul(4) <= usual && self.visit.failures < PATIENCE {
                return Some(format!(
                    "the list has {count} rows instead of about {usual}; the page may have changed (see dayuan inspect)"
                ));
            }
            let first = reading.drafts.first().map(|draft| &draft.title);
            if count >= 3 && reading.drafts.iter().all(|draft| Some(&draft.title) == first) {
                return Some(
                    "all rows of the list have the same title; the page may have changed (see dayuan inspect)"
                        .to_owned(),
                );
            }
            self.memory.usual = count.max(usual - usual / 8);
        }
        reading.format.clone_into(&mut self.memory.format);
        None
    }

    /// Reads articles again whose time has come: a correction is a new report, what is gone twice is taken out.
    async fn read_again(&mut self, outcome: &mut Outcome) {
        const MOST: usize = 10;
        let (due, later): (Vec<Revisit>, Vec<Revisit>) =
            std::mem::take(&mut self.memory.revisits).into_iter().partition(|revisit| revisit.due <= self.now);
        self.memory.revisits = later;
        let mut articles = self.articles();
        let mut records = Vec::new();
        for (revisit, number) in due.into_iter().zip(0..) {
            if number >= MOST || !articles.has_room() {
                self.memory.revisits.push(revisit);
                continue;
            }
            match articles.read(&revisit.listed).await {
                Ok(draft) => {
                    let found = self.identify(&draft, &[]);
                    if revisit.is_gone || self.house.view.is_gone(revisit.item) {
                        tracing::warn!(source = %self.source.id, link = revisit.listed.link, "an article that was gone at the source is back");
                        records.push(Record::Back { item: revisit.item, at: self.now });
                    }
                    if let Some(found) =
                        found.filter(|found| found.verdict == Verdict::Changed && found.item == revisit.item)
                        && articles.quota().take(self.now, &draft, self.house.limits)
                    {
                        records.push(self.report(found, draft, false));
                    }
                    self.memory.revisits.extend(articles::again(revisit, self.now));
                }
                Err(Unread::Gone { is_meant }) => {
                    let missed = revisit.missed.or(Some(self.now));
                    let mut revisit = Revisit { misses: revisit.misses.saturating_add(1), missed, ..revisit };
                    if !revisit.is_gone && articles::is_gone(&revisit, is_meant, self.now) {
                        tracing::warn!(source = %self.source.id, link = revisit.listed.link, "an article is gone at the source; its report is taken out");
                        records.push(Record::Gone { item: revisit.item, at: self.now });
                        revisit.is_gone = true;
                    }
                    self.memory.revisits.extend(articles::look_again(revisit, self.now));
                }
                Err(Unread::Later(reason)) => {
                    tracing::debug!(source = %self.source.id, link = revisit.listed.link, reason, "an article cannot be read again now");
                    self.memory.revisits.push(articles::retry(revisit, self.now));
                }
                // What is gone stays gone until it could be read.
                Err(Unread::NoArticle) if revisit.is_gone => {
                    self.memory.revisits.extend(articles::look_again(revisit, self.now));
                }
                Err(Unread::NoArticle) => self.memory.revisits.extend(articles::again(revisit, self.now)),
            }
        }
        self.busy = self.busy.max(articles.busy());
        (self.memory.busy_hosts, self.quota) = articles.end();
        if !records.is_empty()
            && let Err(error) = self.house.ledger.commit(records, self.now).await
        {
            *outcome = unsaved(self.source, &error);
        }
    }

    /// What reads the pages of its items; it holds the quota meanwhile.
    fn articles(&mut self) -> Articles<'a> {
        let (busy, quota) = (self.memory.busy_hosts.clone(), std::mem::take(&mut self.quota));
        Articles::new(self.house, self.source, self.gap, busy, quota, Arc::clone(&self.is_wanted))
    }

    fn identify(&self, draft: &Draft, repeated: &[Key]) -> Option<Identity> {
        let ids: Vec<&SourceId> = std::iter::once(&self.source.id).chain(&self.source.was).collect();
        dedup::identify(&ids, draft, repeated, self.now, self.house.view.as_ref())
    }

    fn report(&self, found: Identity, draft: Draft, first_import: bool) -> Record {
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

    /// The reports that a listing is worth, the hashes of what it lists, and how many reports there are. Of a list
    /// without texts, the pages of its new items are read first.
    async fn reports(&mut self, reading: &Reading) -> (Vec<Record>, Vec<u64>, usize) {
        let first_import = self.visit.is_first();
        let known: HashSet<u64> = self.visit.listed.iter().copied().collect();
        let repeated = dedup::repeated(&reading.drafts);
        let oldest = self.now.plus_seconds(-86_400 * i64::from(self.house.limits.keep_days));
        let (mut records, mut listed) = (Vec::new(), Vec::with_capacity(reading.drafts.len()));
        let mut told = HashSet::new();
        let (mut new, mut changed) = (0, 0);
        let reads_articles = self.source.reads_articles && LISTS.contains(&reading.format);
        let mut articles = self.articles();
        for (draft, place) in reading.drafts.iter().zip(1..) {
            let hash = listing_hash(draft);
            if known.contains(&hash) {
                listed.push(hash);
                continue;
            }
            // That it is old is looked at again, should our clock have been wrong.
            if draft.published.or(draft.updated).is_some_and(|stamp| stamp.at < oldest) {
                continue;
            }
            if reading.is_cut && place == reading.drafts.len() {
                // What is the same at the next poll is all there is.
                listed.push(!hash);
                if !known.contains(&!hash) {
                    continue;
                }
            }
            let Some(mut found) = self.identify(draft, &repeated) else { continue };
            let mut draft = Cow::Borrowed(draft);
            let mut revisit = None;
            if reads_articles && draft.text.is_empty() && matches!(found.verdict, Verdict::New | Verdict::Changed) {
                let again = Revisit {
                    item: found.item,
                    listed: row_of(&draft),
                    due: self.now,
                    step: 0,
                    misses: 0,
                    missed: None,
                    is_gone: false,
                };
                match articles.read(&draft).await {
                    Ok(whole) => {
                        draft = Cow::Owned(whole);
                        let Some(now_found) = self.identify(&draft, &repeated) else { continue };
                        found = now_found;
                        revisit = articles::again(again, self.now);
                    }
                    // What is known keeps the text it has.
                    Err(_) if found.verdict == Verdict::Changed => continue,
                    Err(Unread::NoArticle) => {}
                    Err(Unread::Gone { .. }) => revisit = Some(articles::retry(again, self.now)),
                    Err(Unread::Later(reason)) => {
                        tracing::info!(source = %self.source.id, link = draft.link, reason, "an article cannot be read yet; its item appears without text");
                        revisit = Some(articles::retry(again, self.now));
                    }
                }
                // A sitemap has no titles of its own; what is no article there is no item.
                if draft.title.is_empty() {
                    listed.push(hash);
                    continue;
                }
            }
            match found.verdict {
                // It will be told at a later poll, if it is still so then.
                Verdict::Restless => continue,
                Verdict::Same => {}
                Verdict::New | Verdict::Changed if !told.insert(found.item) => {}
                verdict => {
                    if !articles.quota().take(self.now, &draft, self.house.limits) {
                        tracing::warn!(source = %self.source.id, "the source gave more than is taken of one source and day; the rest is left for later");
                        break;
                    }
                    if verdict == Verdict::New {
                        new += 1
                    } else {
                        changed += 1
                    }
                    if verdict == Verdict::New && self.memory.revisits.len() < MOST_REVISITS {
                        self.memory.revisits.extend(revisit);
                    }
                    records.push(self.report(found, draft.into_owned(), first_import));
                }
            }
            listed.push(hash);
        }
        self.busy = self.busy.max(articles.busy());
        (self.memory.busy_hosts, self.quota) = articles.end();
        self.house.metrics.found(new, changed);
        listed.sort_unstable();
        listed.dedup();
        let told = records.len();
        (records, listed, told)
    }

    fn compare_clocks(&self, answer: &Answer) {
        if let Some(date) = answer.date {
            self.house.skews.note(self.source.url.host_text(), date.since(self.now) / 1000);
        }
    }

    /// Remembers where a source says it has moved for good, and since when it has said so.
    fn follow_move(&mut self, answer: &Answer) {
        if answer.status >= 400 {
            return;
        }
        match (answer.moved.as_ref().filter(|to| to.as_str().len() <= MAX_MOVED), &self.visit.moved) {
            (Some(to), _) if self.taken.contains(to.as_str()) => {
                tracing::warn!(source = %self.source.id, to = %to, "the source redirects to the address of another source; that is not remembered, see whether one of the two can go");
                self.visit.moved = None;
            }
            (Some(to), Some((known, _))) if to == known => {}
            (Some(to), _) => {
                tracing::warn!(source = %self.source.id, from = %self.source.url, to = %to, "the source says it has moved; change its url");
                self.visit.moved = Some((to.clone(), self.now));
            }
            // Asked where it moved to, it does not redirect any more.
            (None, Some((known, _))) if &answer.url == known => {}
            (None, _) => self.visit.moved = None,
        }
    }
}

/// What a 304 carries replaces what is held (RFC 9111, section 4.3.4).
fn merge(held: &mut Validators, answer: &Answer) {
    if answer.validators.etag.is_some() {
        held.etag.clone_from(&answer.validators.etag);
    }
    if answer.validators.last_modified.is_some() {
        held.last_modified.clone_from(&answer.validators.last_modified);
    }
}

fn fell_over() -> Reading {
    let detail = "the reader fell over this document; please report it with the address".to_owned();
    Reading {
        faults: vec![Fault { kind: FaultKind::NotAFeed, place: "document".to_owned(), detail }],
        ..Reading::default()
    }
}

/// What a row says of its item, without how it was found.
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

/// A hash of all that a listing says of an item.
fn listing_hash(draft: &Draft) -> u64 {
    let mut hasher = Xxh3::new();
    for part in [draft.guid.as_deref(), draft.link.as_deref()] {
        hasher.update(part.unwrap_or("").as_bytes());
        hasher.update(b"\0");
    }
    hasher.update(&Fingerprint::content_of(draft).to_le_bytes());
    hasher.digest()
}
