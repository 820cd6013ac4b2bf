//! A segment: some documents with their terms. It is written once and never changed.
//!
//! It begins with a row for each document, newest first. Then come blocks of up to 64 terms: the terms with the forms
//! and lengths of their lists, then the lists. The table of the blocks and a part of fixed length follow. The rows and the
//! first term of each block are kept in memory.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::SearchError;
use super::pages::Pages;
use super::postings::{self, DAMAGED, Doc, Form};
use super::terms::Term;
use crate::view::Indexed;

/// Number of terms of a block.
pub(super) const BLOCK: usize = 64;
/// Maximum number of segments that are merged into one.
pub(super) const MAX_MERGED: usize = 16;
const MAGIC: [u8; 12] = *b"dayuan ix 2\n";
/// Length of a row in bytes.
const ROW: usize = 16;
/// Length of an entry of the table of blocks in bytes.
const ENTRY: usize = 20;
/// Length of the last part in bytes.
const END: usize = 12 + 16 + 8 + 4 + 4 + 8 + 8 * MAX_MERGED;

/// A document: an item as it was when it was indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its date, in seconds since 1970.
    pub(super) published: u32,
    /// Hash of its source.
    pub(super) source: u32,
    pub(super) item: Indexed,
}

impl Row {
    /// The order of documents, newest first.
    pub(super) const fn rank(&self) -> std::cmp::Reverse<(u32, u64)> {
        std::cmp::Reverse((self.published, self.item.number))
    }
}

/// Where a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) first: Term,
    pub(super) at: u64,
    /// Length of its terms, in bytes.
    pub(super) terms: u32,
}

/// What is known of a segment beside its documents and terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Hash of the rules by which it was made.
    pub(super) rules: [u8; 16],
    /// The numbers of the files that it replaces.
    pub(super) replaces: Vec<u64>,
}

/// The list of documents of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) term: Term,
    pub(super) count: usize,
    pub(super) form: Form,
    /// Where the list is and how long it is; a single document is in the block itself.
    pub(super) at: u64,
    pub(super) length: usize,
    pub(super) single: Option<Doc>,
}

#[derive(Debug)]
pub(super) struct Segment {
    pages: Pages,
    /// Number of its file; `None` if it is in memory.
    pub(super) file: Option<u64>,
    pub(super) path: Option<PathBuf>,
    pub(super) header: Header,
    /// Number that the numbers of the rows are counted from.
    base: u64,
    rows: Vec<[u32; 4]>,
    blocks: Vec<Block>,
    /// Where the last block ends.
    end: u64,
}

impl Segment {
    /// Opens the file of a segment.
    pub(super) fn open(path: &Path, number: u64) -> Result<Self, SearchError> {
        let failed = |source| SearchError::File { doing: "open", path: path.to_owned(), source };
        let pages = Pages::of_file(File::open(path).map_err(failed)?)?;
        Ok(Self::of(pages)?.in_file(path.to_owned(), number))
    }

    /// Returns the segment with the name of its file.
    pub(super) fn in_file(self, path: PathBuf, number: u64) -> Self {
        Self { file: Some(number), path: Some(path), ..self }
    }

    /// Reads the rows and the table of blocks.
    pub(super) fn of(pages: Pages) -> Result<Self, SearchError> {
        let mut end = Vec::new();
        pages.read(pages.length().checked_sub(length(END)).ok_or(DAMAGED)?, END, &mut end)?;
        let mut parts = Parts(&end);
        if parts.take::<12>()? != MAGIC {
            return Err(DAMAGED);
        }
        let rules = parts.take::<16>()?;
        let base = u64::from_be_bytes(parts.take()?);
        let [rows, blocks] = [parts.take()?, parts.take()?].map(|count| postings::index(u32::from_be_bytes(count)));
        let blocks_at = u64::from_be_bytes(parts.take()?);
        let replaces = (0..MAX_MERGED).map(|_| parts.take().map(u64::from_be_bytes)).collect::<Result<Vec<_>, _>>()?;
        let header = Header { rules, replaces: replaces.into_iter().filter(|number| *number > 0).collect() };
        let rows = read_rows(&pages, rows)?;
        let mut bytes = Vec::new();
        pages.read(blocks_at, blocks.checked_mul(ENTRY).ok_or(DAMAGED)?, &mut bytes)?;
        let mut parts = Parts(&bytes);
        let blocks = (0..blocks).map(|_| {
            let [first, at] = [parts.take()?, parts.take()?].map(u64::from_be_bytes);
            Ok(Block { first, at, terms: u32::from_be_bytes(parts.take()?) })
        });
        let blocks = blocks.collect::<Result<_, SearchError>>()?;
        Ok(Self { pages, file: None, path: None, header, base, rows, blocks, end: blocks_at })
    }

    /// Returns a number that is at most that of any item.
    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns its size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.pages.length()
    }

    pub(super) fn row(&self, doc: Doc) -> Option<Row> {
        let [published, number, source, stamp] = *self.rows.get(postings::index(doc))?;
        let item = Indexed { number: self.base + u64::from(number), stamp };
        Some(Row { published, source, item })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        (0..postings::doc(self.len())).filter_map(|doc| self.row(doc))
    }

    /// Returns the first document that is not newer than a date; with a number, not above that one.
    pub(super) fn first_until(&self, published: u32, number: u64) -> Doc {
        let wanted = std::cmp::Reverse((published, number));
        let rank = |row: &[u32; 4]| {
            let [published, number, ..] = *row;
            std::cmp::Reverse((published, self.base + u64::from(number)))
        };
        postings::doc(self.rows.partition_point(|row| rank(row) < wanted))
    }

    /// Returns the list of a term, if any document has it.
    pub(super) fn listing(&self, term: Term) -> Result<Option<Listing>, SearchError> {
        let Some(at) = self.blocks.partition_point(|block| block.first <= term).checked_sub(1) else { return Ok(None) };
        for found in self.terms_of(at)? {
            let found = found?;
            if found.term >= term {
                return Ok(Some(found).filter(|found| found.term == term));
            }
        }
        Ok(None)
    }

    /// Calls `tell` with the list of each term from `from` up to before `to`.
    pub(super) fn listings(
        &self,
        (from, to): (Term, Term),
        mut tell: impl FnMut(&Listing) -> Result<(), SearchError>,
    ) -> Result<(), SearchError> {
        let first = self.blocks.partition_point(|block| block.first <= from).saturating_sub(1);
        for at in first..self.blocks.len() {
            for found in self.terms_of(at)? {
                let found = found?;
                if found.term >= to {
                    return Ok(());
                }
                if found.term >= from {
                    tell(&found)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the lists of the terms of a block.
    fn terms_of(&self, block: usize) -> Result<Terms, SearchError> {
        let block = self.blocks.get(block).ok_or(DAMAGED)?;
        let mut bytes = Vec::new();
        self.pages.read(block.at, postings::index(block.terms), &mut bytes)?;
        Ok(Terms::of(bytes, *block))
    }

    /// Returns all terms in their order with the documents of each.
    pub(super) fn all(&self) -> AllTerms<'_> {
        AllTerms { segment: self, block: 0, terms: None, bytes: Vec::new(), at: 0 }
    }

    pub(super) fn read(&self, at: u64, length: usize, out: &mut Vec<u8>) -> Result<(), SearchError> {
        self.pages.read(at, length, out)
    }
}

/// Reads the rows, some at a time.
fn read_rows(pages: &Pages, count: usize) -> Result<Vec<[u32; 4]>, SearchError> {
    const AT_ONCE: usize = 4096;
    if length(count.checked_mul(ROW).ok_or(DAMAGED)?) > pages.length() {
        return Err(DAMAGED);
    }
    let (mut rows, mut bytes) = (Vec::with_capacity(count), Vec::new());
    while rows.len() < count {
        bytes.clear();
        let some = (count - rows.len()).min(AT_ONCE);
        pages.read(length(rows.len() * ROW), some * ROW, &mut bytes)?;
        rows.extend(bytes.as_chunks::<ROW>().0.iter().map(|row| {
            let mut numbers = row.as_chunks::<4>().0.iter().map(|number| u32::from_be_bytes(*number));
            [(); 4].map(|()| numbers.next().unwrap_or(0))
        }));
    }
    Ok(rows)
}

/// Returns the last part of a segment.
pub(super) fn end(header: &Header, base: u64, rows: usize, blocks: usize, blocks_at: u64) -> Vec<u8> {
    let mut end = Vec::with_capacity(END);
    end.extend_from_slice(&MAGIC);
    end.extend_from_slice(&header.rules);
    end.extend_from_slice(&base.to_be_bytes());
    end.extend_from_slice(&postings::doc(rows).to_be_bytes());
    end.extend_from_slice(&postings::doc(blocks).to_be_bytes());
    end.extend_from_slice(&blocks_at.to_be_bytes());
    let replaces = header.replaces.iter().copied().chain(std::iter::repeat(0));
    replaces.take(MAX_MERGED).for_each(|number| end.extend_from_slice(&number.to_be_bytes()));
    end
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Bytes of which pieces of a fixed length are taken.
struct Parts<'a>(&'a [u8]);

impl Parts<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SearchError> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(DAMAGED)?;
        self.0 = rest;
        Ok(*first)
    }
}

/// The lists of the terms of a block, in their order.
pub(super) struct Terms {
    bytes: Vec<u8>,
    at: usize,
    term: Term,
    /// Where the list of the next term begins.
    list: u64,
}

impl Terms {
    fn of(bytes: Vec<u8>, block: Block) -> Self {
        Self { bytes, at: 0, term: block.first, list: block.at + u64::from(block.terms) }
    }

    fn take(&mut self) -> Result<usize, SearchError> {
        let number = postings::take(&self.bytes, &mut self.at).and_then(|number| usize::try_from(number).ok());
        number.ok_or(DAMAGED)
    }

    fn step(&mut self) -> Result<Listing, SearchError> {
        self.term += postings::take(&self.bytes, &mut self.at).ok_or(DAMAGED)?;
        let packed = self.take()?;
        let (count, form) = (packed >> 1, if packed & 1 == 0 { Form::Distances } else { Form::Bits });
        let (at, term) = (self.list, self.term);
        if count == 1 {
            let single = Doc::try_from(self.take()?).map_err(|_too_large| DAMAGED)?;
            return Ok(Listing { term, count, form, at, length: 0, single: Some(single) });
        }
        let size = self.take()?;
        self.list += length(size);
        Ok(Listing { term, count, form, at, length: size, single: None })
    }
}

impl Iterator for Terms {
    type Item = Result<Listing, SearchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let step = self.step();
        if step.is_err() {
            self.at = self.bytes.len();
        }
        Some(step)
    }
}

/// All terms of a segment in their order; each block is read at once with its lists.
pub(super) struct AllTerms<'s> {
    segment: &'s Segment,
    /// The next block.
    block: usize,
    terms: Option<Terms>,
    /// The lists of the block, and where they begin in the segment.
    bytes: Vec<u8>,
    at: u64,
}

impl AllTerms<'_> {
    /// Returns the next term and appends its documents.
    pub(super) fn next(&mut self, docs: &mut Vec<Doc>) -> Result<Option<Term>, SearchError> {
        loop {
            if let Some(found) = self.terms.as_mut().and_then(Iterator::next) {
                let found = found?;
                match found.single {
                    Some(doc) => docs.push(doc),
                    None => {
                        let from = usize::try_from(found.at - self.at).map_err(|_too_large| DAMAGED)?;
                        let list = self.bytes.get(from..from + found.length).ok_or(DAMAGED)?;
                        postings::read(list, found.form, (found.count, self.segment.len()), docs)?;
                    }
                }
                return Ok(Some(found.term));
            }
            let Some(block) = self.segment.blocks.get(self.block).copied() else { return Ok(None) };
            let next = self.segment.blocks.get(self.block + 1).map_or(self.segment.end, |next| next.at);
            self.at = block.at + u64::from(block.terms);
            self.terms = Some(self.segment.terms_of(self.block)?);
            let lists = next.checked_sub(self.at).and_then(|size| usize::try_from(size).ok()).ok_or(DAMAGED)?;
            self.bytes.clear();
            self.segment.read(self.at, lists, &mut self.bytes)?;
            self.block += 1;
        }
    }
}
