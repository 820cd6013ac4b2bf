//! Makes segments: of a batch of items in memory, and of terms that come in their order.

use std::path::Path;

use super::error::SearchError;
use super::pages::PageWriter;
use super::postings::{self, Doc, Form};
use super::segment::{self, BLOCK, Block, Header, Row, Segment};
use super::terms::{self, Kind, Term};
use super::text::Folded;
use crate::model::{Draft, RegionId};
use crate::view::IndexFacts;

/// Maximum number of items of a batch, and how many bits their places take.
pub(super) const MAX_BATCH: usize = 1 << PLACE;
const PLACE: u32 = 10;
/// Texts of a batch beyond this many characters wait for the next one.
const MAX_CHARS: usize = 1 << 20;

/// Writes a segment.
pub(super) struct SegmentWriter {
    out: PageWriter,
    header: Header,
    base: u64,
    docs: usize,
    blocks: Vec<Block>,
    /// The block that is being filled: its first and its last term, their number, and the bytes of terms and lists.
    first: Term,
    last: Term,
    count: usize,
    terms: Vec<u8>,
    lists: Vec<u8>,
}

impl SegmentWriter {
    /// Begins a segment. `base` is at most the number of any item.
    pub(super) fn new(out: PageWriter, header: Header, base: u64) -> Self {
        let (terms, lists) = (Vec::new(), Vec::new());
        Self { out, header, base, docs: 0, blocks: Vec::new(), first: 0, last: 0, count: 0, terms, lists }
    }

    /// Adds a document; all of them come in their order, before the terms.
    pub(super) fn push_row(&mut self, row: &Row) -> std::io::Result<()> {
        let number = u32::try_from(row.item.number.saturating_sub(self.base)).unwrap_or(u32::MAX);
        for part in [row.published, number, row.source, row.item.stamp] {
            self.out.write(&part.to_be_bytes())?;
        }
        self.docs += 1;
        Ok(())
    }

    /// Adds a term above all before it with its documents, which are sorted.
    pub(super) fn push(&mut self, term: Term, docs: &[Doc]) -> std::io::Result<()> {
        if self.count == BLOCK {
            self.end_block()?;
        }
        if self.count == 0 {
            (self.first, self.last) = (term, term);
        }
        postings::put(term - self.last, &mut self.terms);
        self.last = term;
        self.count += 1;
        let count = u64::try_from(docs.len()).unwrap_or(u64::MAX) << 1;
        if let [doc] = docs {
            postings::put(count, &mut self.terms);
            postings::put(u64::from(*doc), &mut self.terms);
            return Ok(());
        }
        let before = self.lists.len();
        let form = postings::write(docs, self.docs, &mut self.lists);
        postings::put(count | u64::from(form == Form::Bits), &mut self.terms);
        postings::put(u64::try_from(self.lists.len() - before).unwrap_or(0), &mut self.terms);
        Ok(())
    }

    fn end_block(&mut self) -> std::io::Result<()> {
        let terms = u32::try_from(self.terms.len()).unwrap_or(u32::MAX);
        self.blocks.push(Block { first: self.first, at: self.out.length(), terms });
        self.out.write(&self.terms)?;
        self.out.write(&self.lists)?;
        self.terms.clear();
        self.lists.clear();
        self.count = 0;
        Ok(())
    }

    /// Ends the segment. One in a file is synced, and opened under its name by the caller.
    pub(super) fn finish(mut self) -> Result<Segment, SearchError> {
        let failed = |source| SearchError::File { doing: "write", path: std::path::PathBuf::new(), source };
        if self.count > 0 {
            self.end_block().map_err(failed)?;
        }
        let at = self.out.length();
        for block in &self.blocks {
            self.out.write(&block.first.to_be_bytes()).map_err(failed)?;
            self.out.write(&block.at.to_be_bytes()).map_err(failed)?;
            self.out.write(&block.terms.to_be_bytes()).map_err(failed)?;
        }
        let end = segment::end(&self.header, self.base, self.docs, self.blocks.len(), at);
        Segment::of(self.out.finish(&end).map_err(failed)?)
    }
}

/// Returns an error of a file of the index.
pub(super) fn failed<'p>(doing: &'static str, path: &'p Path) -> impl Fn(std::io::Error) -> SearchError + 'p {
    move |source| SearchError::File { doing, path: path.to_owned(), source }
}

/// Items that become a segment together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    rows: Vec<Row>,
    /// Terms, each with the place of its item in the lowest bits.
    terms: Vec<u64>,
    chars: usize,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= MAX_BATCH || self.chars >= MAX_CHARS
    }

    /// Adds an item; `regions` are those that hold it.
    pub(super) fn push(&mut self, facts: &IndexFacts, draft: &Draft, regions: &[RegionId]) {
        let place = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        let published = u32::try_from(facts.published.seconds().max(0)).unwrap_or(u32::MAX);
        let source = terms::named(Kind::Source, facts.source.as_str());
        self.rows.push(Row { published, source: short(source), item: facts.indexed });
        let title = Folded::of(&draft.title);
        let mut text = Folded::of(&draft.text);
        text.push(&draft.summary);
        self.chars += title.chars.len() + text.chars.len();
        let all = &mut self.terms;
        terms::of_item(&title, &text, |term| all.push(term << PLACE | place));
        let regions = regions.iter().map(|region| terms::named(Kind::Region, region.as_str()));
        let topics = draft.categories.iter().map(|topic| terms::topic(topic));
        all.extend(regions.chain(topics).chain([source]).map(|term| term << PLACE | place));
    }

    /// Returns the segment of the batch.
    pub(super) fn finish(mut self, rules: [u8; 16]) -> Result<Segment, SearchError> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by_key(|at| self.rows.get(*at).map(Row::rank));
        let mut docs = [0; MAX_BATCH];
        for (doc, at) in (0..).zip(&order) {
            if let Some(place) = docs.get_mut(*at) {
                *place = doc;
            }
        }
        self.terms.sort_unstable();
        self.terms.dedup();
        let header = Header { rules, replaces: Vec::new() };
        let failed = |source| SearchError::File { doing: "write", path: std::path::PathBuf::new(), source };
        let base = self.rows.iter().map(|row| row.item.number).min().unwrap_or(0);
        let mut writer = SegmentWriter::new(PageWriter::Memory(Vec::new()), header, base);
        for row in order.iter().filter_map(|at| self.rows.get(*at)) {
            writer.push_row(row).map_err(failed)?;
        }
        let mut list: Vec<Doc> = Vec::new();
        for same in self.terms.chunk_by(|one, other| one >> PLACE == other >> PLACE) {
            list.clear();
            let places = same.iter().filter_map(|packed| docs.get(usize::try_from(packed % (1 << PLACE)).unwrap_or(0)));
            list.extend(places.copied());
            list.sort_unstable();
            writer.push(same.first().map_or(0, |packed| packed >> PLACE), &list).map_err(failed)?;
        }
        writer.finish()
    }
}

/// Returns the part of a source's term that is kept with each document.
pub(super) fn short(source: Term) -> u32 {
    u32::try_from(source & 0xffff_ffff).unwrap_or(0)
}
