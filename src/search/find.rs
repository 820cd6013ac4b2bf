//! Finds results: walks over all segments at the same time, newest first, and asks the view about each hit.

use std::cell::RefCell;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use super::error::SearchError;
use super::index::SearchIndex;
use super::plan::{Part, Plan, Walk};
use super::postings::Doc;
use super::query::{Filters, Order, Query};
use super::segment::{Row, Segment};
use super::text::{self, Folded, Piece, Text};
use crate::log::{Log, Position, Record};
use crate::model::{Draft, Moment, RegionId, Regions};
use crate::view::{Hit, StoryNo, View};

/// Maximum number of texts, and of bytes of them, that are read for one page of results.
const MAX_TEXTS: usize = 2_000;
const MAX_BYTES: usize = 16 << 20;
/// The same of one source, of those that are no results, so that no source takes all that may be read for a page with
/// texts that only look like what is searched for.
const MAX_TEXTS_OF_SOURCE: usize = MAX_TEXTS / 4;
const MAX_BYTES_OF_SOURCE: usize = MAX_BYTES / 4;
/// Maximum number of documents that are looked at for one page of results.
const MAX_DOCUMENTS: usize = 400_000;
/// Maximum number of reports of a story that are compared with an earlier page.
const MAX_MEMBERS: usize = 16;

/// Where a list of results goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whether those that have it in their titles are all listed.
    is_behind_titles: bool,
    published: u32,
    number: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", u8::from(self.is_behind_titles), self.published, self.number)
    }
}

impl Place {
    /// Parses a place as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let is_behind_titles = matches!(parts.next()?, "1");
        let place =
            Self { is_behind_titles, published: parts.next()?.parse().ok()?, number: parts.next()?.parse().ok()? };
        parts.next().is_none().then_some(place)
    }
}

/// A result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The story.
    pub story: StoryNo,
    /// Its report that was found.
    pub position: Position,
}

/// A page of results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// The results in their order.
    pub found: Vec<Found>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<Place>,
    /// Whether the index lacks nothing.
    pub is_complete: bool,
}

/// The stores that results are taken from.
struct Stores<'a> {
    log: &'a Log,
    view: &'a View,
    regions: &'a Regions,
}

impl SearchIndex {
    /// Finds at most `most` results after a place.
    ///
    /// # Errors
    /// If the index is damaged, which is then made anew, or if the log cannot be read for now.
    pub fn find(
        &self,
        stores: (&Log, &View, &Regions),
        asked: (&Query, &Filters, Order),
        after: Option<Place>,
        most: usize,
    ) -> Result<Results, SearchError> {
        self.find_those(stores, asked, after, most, None)
    }

    /// Finds at most `most` results after a place, of those stories for which `is_wanted` holds; asking it counts as reading
    /// a text.
    ///
    /// # Errors
    /// If the index is damaged, which is then made anew, or if the log cannot be read for now.
    pub fn find_those(
        &self,
        (log, view, regions): (&Log, &View, &Regions),
        (query, filters, order): (&Query, &Filters, Order),
        after: Option<Place>,
        most: usize,
        is_wanted: Option<&dyn Fn(StoryNo) -> bool>,
    ) -> Result<Results, SearchError> {
        let is_complete = self.is_complete();
        let segments = self.segments();
        let stores = Stores { log, view, regions };
        let order = if query.is_empty() { Order::Newest } else { order };
        let mut search = Search {
            stores,
            segments: &segments,
            filters,
            is_wanted,
            in_region: RefCell::default(),
            listed: HashSet::new(),
            after,
            left: (MAX_DOCUMENTS, MAX_TEXTS, MAX_BYTES),
            in_vain: HashMap::new(),
        };
        let plan = |part| Plan::of(query, filters, part, view.places());
        let mut results = Results { is_complete, ..Results::default() };
        let all = plan(Part::All);
        if order == Order::Relevance {
            let title = plan(Part::Title);
            if !after.is_some_and(|place| place.is_behind_titles) {
                search.run(self, &title, None, most, &mut results)?;
                if results.next.is_some() {
                    return Ok(results);
                }
                search.after = None;
            }
            search.run(self, &all, Some(&title), most, &mut results)?;
        } else {
            search.run(self, &all, None, most, &mut results)?;
        }
        Ok(results)
    }

    /// Returns the title of a report, and the part of its text around what was found, with that marked.
    pub fn excerpt(view: &View, query: &Query, draft: &Draft, most: usize) -> (Vec<Piece>, Vec<Piece>) {
        let phrases = Plan::of(query, &Filters::default(), Part::All, view.places()).phrases();
        let marked = |text: &str, most| text::around(text, &phrases, most);
        let excerpt = marked(draft.words(), most);
        let has_hit = excerpt.iter().any(|piece| piece.is_hit);
        let summary = (!has_hit).then(|| marked(&draft.summary, most));
        let excerpt = summary.filter(|pieces| pieces.iter().any(|piece| piece.is_hit)).unwrap_or(excerpt);
        (marked(&draft.title, usize::MAX), excerpt)
    }
}

struct Search<'a> {
    stores: Stores<'a>,
    segments: &'a [Arc<Segment>],
    filters: &'a Filters,
    is_wanted: Option<&'a dyn Fn(StoryNo) -> bool>,
    /// Whether results may be in a region.
    in_region: RefCell<HashMap<RegionId, bool>>,
    listed: HashSet<StoryNo>,
    after: Option<Place>,
    /// How many documents, texts and bytes of texts may still be looked at.
    left: (usize, usize, usize),
    /// How many texts, and bytes of them, of each source were no results.
    in_vain: HashMap<u32, (usize, usize)>,
}

/// The next document of a segment, or what is not newer than it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    published: u32,
    number: u64,
    /// Whether the document has been found, and is not only the next one.
    is_found: bool,
    doc: Doc,
    segment: usize,
}

impl Search<'_> {
    /// Appends the results of a plan; those of `before` were listed earlier.
    fn run(
        &mut self,
        index: &SearchIndex,
        plan: &Plan,
        before: Option<&Plan>,
        most: usize,
        results: &mut Results,
    ) -> Result<(), SearchError> {
        let mut walks: Vec<Option<(Walk, Option<Walk>)>> = self.segments.iter().map(|_| None).collect();
        let mut heads: BinaryHeap<Head> = (0..self.segments.len()).filter_map(|at| self.first(at)).collect();
        let is_behind_titles = before.is_some();
        // The first document after the last result that was passed over because of its source.
        let mut passed: Option<Row> = None;
        while let Some(head) = heads.pop() {
            let Some(segment) = self.segments.get(head.segment) else { continue };
            let damaged = |error: SearchError| index.note_damage(segment, error);
            let Some(walk) = walks.get_mut(head.segment) else { continue };
            let (walk, earlier) = match walk {
                Some(walk) => walk,
                None => {
                    let earlier = before.map(|plan| plan.walk(segment)).transpose().map_err(damaged)?;
                    walk.insert((plan.walk(segment).map_err(damaged)?, earlier))
                }
            };
            if !head.is_found {
                let found = walk.seek(segment, head.doc).map_err(damaged)?;
                heads.extend(found.and_then(|doc| self.head(head.segment, doc, true)));
                continue;
            }
            let Some(row) = segment.row(head.doc) else { break };
            if self.is_passed_over(row.source) {
                passed.get_or_insert(row);
            } else if let Some(hit) = self.hit(&row) {
                let maybe_earlier = match earlier {
                    Some(earlier) => earlier.seek(segment, head.doc).map_err(damaged)? == Some(head.doc),
                    None => false,
                };
                if self.is_result(plan, before.filter(|_| maybe_earlier), &row, hit)? {
                    results.found.push(Found { story: hit.story, position: hit.position });
                    passed = None;
                }
            }
            self.left.0 = self.left.0.saturating_sub(1);
            let is_over = self.left.0 == 0 || self.left.1 == 0 || self.left.2 == 0;
            if results.found.len() >= most || is_over {
                results.next = Some(Place { is_behind_titles, published: row.published, number: row.item.number });
                return Ok(());
            }
            heads.extend(self.head(head.segment, head.doc + 1, false));
        }
        // Nothing is listed twice where the next page begins with it.
        results.next = passed.map(|row| Place {
            is_behind_titles,
            published: row.published,
            number: row.item.number.saturating_add(1),
        });
        Ok(())
    }

    /// Returns whether no more texts of a source are read for this page. Of results from one source alone all are.
    fn is_passed_over(&self, source: u32) -> bool {
        let (texts, bytes) = self.in_vain.get(&source).copied().unwrap_or_default();
        self.filters.source.is_none() && (texts >= MAX_TEXTS_OF_SOURCE || bytes >= MAX_BYTES_OF_SOURCE)
    }

    /// Returns the first document of a segment that is not after the end and not listed before.
    fn first(&self, segment: usize) -> Option<Head> {
        let to = self.filters.to.map_or(u32::MAX, seconds);
        let from = match self.after {
            Some(place) if place.published <= to => match place.number.checked_sub(1) {
                Some(number) => (place.published, number),
                None => (place.published.checked_sub(1)?, u64::MAX),
            },
            _ => (to, u64::MAX),
        };
        let doc = self.segments.get(segment)?.first_until(from.0, from.1);
        self.head(segment, doc, false)
    }

    fn head(&self, segment: usize, doc: Doc, is_found: bool) -> Option<Head> {
        let row = self.segments.get(segment)?.row(doc)?;
        let is_too_old = self.filters.from.is_some_and(|from| row.published < seconds(from));
        (!is_too_old).then_some(Head { published: row.published, number: row.item.number, is_found, doc, segment })
    }

    /// Returns a document as a hit if it may be shown: if it is in the region that is wanted, or in one that is published.
    fn hit(&self, row: &Row) -> Option<Hit> {
        let regions = self.stores.regions;
        let wanted = self.filters.region.as_ref();
        let is_in = |region: &RegionId| {
            let mut known = self.in_region.borrow_mut();
            if let Some(is_in) = known.get(region) {
                return *is_in;
            }
            let is_in = wanted.map_or_else(|| regions.is_published(region), |wanted| regions.covers(wanted, region));
            known.insert(region.clone(), is_in);
            is_in
        };
        let is_limited = wanted.is_some() || !regions.are_all_published();
        let is_in = is_limited.then_some(&is_in as &dyn Fn(&RegionId) -> bool);
        self.stores.view.hit(row.item, is_in).filter(|hit| !self.listed.contains(&hit.story))
    }

    /// Returns whether a hit is a result that was not listed before, and notes it; or what it cost in vain.
    fn is_result(&mut self, plan: &Plan, before: Option<&Plan>, row: &Row, hit: Hit) -> Result<bool, SearchError> {
        let (_, texts, bytes) = self.left;
        let is_result = self.has_all(plan, before, row, hit)? && self.is_about(hit.story);
        if is_result {
            self.listed.insert(hit.story);
        } else {
            let spent = self.in_vain.entry(row.source).or_default();
            spent.0 += texts - self.left.1;
            spent.1 += bytes - self.left.2;
        }
        Ok(is_result)
    }

    fn is_about(&mut self, story: StoryNo) -> bool {
        let Some(is_wanted) = self.is_wanted else { return true };
        self.left.1 = self.left.1.saturating_sub(1);
        is_wanted(story)
    }

    fn has_all(&mut self, plan: &Plan, before: Option<&Plan>, row: &Row, hit: Hit) -> Result<bool, SearchError> {
        if plan.needs_text() || before.is_some_and(Plan::needs_text) {
            let Some(text) = self.text(hit.position)? else { return Ok(false) };
            if before.is_some_and(|before| before.is_in(&text)) || !plan.is_in(&text) {
                return Ok(false);
            }
        } else if before.is_some() {
            return Ok(false);
        }
        Ok(!(self.after.is_some() && hit.has_others && self.is_listed_before(plan, row, hit.story)?))
    }

    /// Returns whether another report of the story is a result on an earlier page.
    fn is_listed_before(&mut self, plan: &Plan, row: &Row, story: StoryNo) -> Result<bool, SearchError> {
        let Some(after) = self.after else { return Ok(false) };
        for facts in self.stores.view.members(story, MAX_MEMBERS) {
            let rank = (seconds(facts.published), facts.indexed.number);
            if facts.indexed == row.item || rank < (after.published, after.number) {
                continue;
            }
            let is_of_source = self.filters.source.as_ref().is_none_or(|source| *source == facts.source);
            let is_in_time = self.filters.to.is_none_or(|to| facts.published <= to);
            if is_of_source
                && is_in_time
                && let Some(text) = self.text(facts.position)?
                && plan.is_in(&text)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the text of a report; `None` if its line is damaged.
    fn text(&mut self, position: Position) -> Result<Option<Text>, SearchError> {
        let size = usize::try_from(position.length).unwrap_or(usize::MAX);
        self.left.1 = self.left.1.saturating_sub(1);
        self.left.2 = self.left.2.saturating_sub(size);
        let draft = match self.stores.log.read(position) {
            Ok(Record::Report(report)) => report.draft,
            Ok(_) => return Ok(None),
            Err(error) if error.is_passing() => return Err(SearchError::Log(error)),
            Err(_) => return Ok(None),
        };
        let title = Folded::of(&draft.title);
        let mut all = title.clone();
        all.push(&draft.text);
        all.push(&draft.summary);
        Ok(Some(Text { title, all }))
    }
}

/// Returns a time in seconds since 1970.
fn seconds(at: Moment) -> u32 {
    u32::try_from(at.seconds().max(0)).unwrap_or(u32::MAX)
}
