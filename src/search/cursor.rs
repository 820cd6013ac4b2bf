//! Walks over the documents of a segment that have some terms, newest first.

use super::error::SearchError;
use super::postings::{self, DAMAGED, Doc, Form};
use super::segment::{Listing, Segment};
use super::terms::Term;

/// How many bytes of a list are read at first, and then at a time.
const FIRST: usize = 2 * 1024;
const MORE: usize = 64 * 1024;

/// Documents in their order.
#[derive(Debug)]
pub(super) enum Cursor {
    /// None.
    Nothing,
    /// One document.
    One(Doc),
    /// All documents before this one.
    All(Doc),
    List(List),
    Bits(Bits),
    /// The documents that all of these have.
    Every(Vec<Cursor>),
    /// The documents that any of these has.
    Any(Vec<Cursor>),
}

impl Cursor {
    /// Returns a walk over the documents with a term.
    pub(super) fn of_term(segment: &Segment, term: Term) -> Result<Self, SearchError> {
        let found = segment.listing(term)?;
        Ok(found.map_or(Self::Nothing, |found| Self::of_listing(found, segment.len())))
    }

    fn of_listing(found: Listing, all: usize) -> Self {
        match (found.single, found.form) {
            (Some(doc), _) => Self::One(doc),
            (None, Form::Distances) => Self::List(List::of(&found, all)),
            (None, Form::Bits) => Self::Bits(Bits { bytes: Vec::new(), unread: Some((found.at, found.length)) }),
        }
    }

    /// Returns a walk over the documents with all of these terms, the rarest first.
    pub(super) fn of_terms(segment: &Segment, terms: &[Term]) -> Result<Self, SearchError> {
        let mut found = Vec::with_capacity(terms.len());
        for term in terms {
            match segment.listing(*term)? {
                Some(listing) => found.push(listing),
                None => return Ok(Self::Nothing),
            }
        }
        found.sort_by_key(|listing| listing.count);
        let mut all: Vec<Self> = found.into_iter().map(|found| Self::of_listing(found, segment.len())).collect();
        Ok(if all.len() == 1 { all.pop().unwrap_or(Self::Nothing) } else { Self::Every(all) })
    }

    /// Returns a walk over the documents with any term from `range`, which are many.
    pub(super) fn of_range(segment: &Segment, range: (Term, Term)) -> Result<Self, SearchError> {
        let mut bytes = vec![0_u8; segment.len().div_ceil(8)];
        let (mut docs, mut list) = (Vec::new(), Vec::new());
        segment.listings(range, |found| {
            docs.clear();
            match found.single {
                Some(doc) => docs.push(doc),
                None => {
                    list.clear();
                    segment.read(found.at, found.length, &mut list)?;
                    postings::read(&list, found.form, (found.count, segment.len()), &mut docs)?;
                }
            }
            for doc in &docs {
                if let Some(byte) = bytes.get_mut(postings::index(*doc) / 8) {
                    *byte |= 1 << (doc % 8);
                }
            }
            Ok(())
        })?;
        Ok(Self::Bits(Bits { bytes, unread: None }))
    }

    /// Returns whether there is certainly no document.
    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Returns the first document at or after `at`, which must not go back.
    pub(super) fn seek(&mut self, segment: &Segment, at: Doc) -> Result<Option<Doc>, SearchError> {
        Ok(match self {
            Self::Nothing => None,
            Self::One(doc) => Some(*doc).filter(|doc| *doc >= at),
            Self::All(end) => Some(at).filter(|at| at < end),
            Self::List(list) => list.seek(segment, at)?,
            Self::Bits(bits) => bits.seek(segment, at)?,
            Self::Every(all) => {
                let mut wanted = at;
                'again: loop {
                    for cursor in all.iter_mut() {
                        match cursor.seek(segment, wanted)? {
                            None => return Ok(None),
                            Some(found) if found > wanted => {
                                wanted = found;
                                continue 'again;
                            }
                            Some(_) => {}
                        }
                    }
                    return Ok(Some(wanted));
                }
            }
            Self::Any(any) => {
                let mut first = None;
                for cursor in any.iter_mut() {
                    let found = cursor.seek(segment, at)?;
                    first = [first, found].into_iter().flatten().min();
                }
                first
            }
        })
    }

    /// Returns whether a document is among them; it must not be before one that was asked for earlier.
    pub(super) fn has(&mut self, segment: &Segment, doc: Doc) -> Result<bool, SearchError> {
        Ok(self.seek(segment, doc)? == Some(doc))
    }
}

/// A list of distances, read piece by piece.
#[derive(Debug)]
pub(super) struct List {
    /// What is not read yet.
    next: u64,
    left: usize,
    bytes: Vec<u8>,
    /// The bit of the bytes at which it stands.
    bit: usize,
    low_bits: u32,
    /// The document at which it stands; `None` before the first one.
    doc: Option<Doc>,
    count: usize,
}

impl List {
    fn of(found: &Listing, all: usize) -> Self {
        let low_bits = postings::low_bits(found.count, all);
        Self { next: found.at, left: found.length, bytes: Vec::new(), bit: 0, low_bits, doc: None, count: found.count }
    }

    fn seek(&mut self, segment: &Segment, wanted: Doc) -> Result<Option<Doc>, SearchError> {
        loop {
            if let Some(doc) = self.doc.filter(|doc| *doc >= wanted) {
                return Ok(Some(doc));
            }
            if self.count == 0 {
                return Ok(None);
            }
            let Some(distance) = postings::take_distance(&self.bytes, &mut self.bit, self.low_bits) else {
                self.fill(segment)?;
                continue;
            };
            let next = self.doc.map_or(0, |doc| doc + 1);
            let doc = next.checked_add(distance).filter(|doc| postings::index(*doc) < segment.len());
            self.doc = Some(doc.ok_or(DAMAGED)?);
            self.count -= 1;
        }
    }

    /// Reads the next piece of the list.
    fn fill(&mut self, segment: &Segment) -> Result<(), SearchError> {
        let size = self.left.min(if self.bytes.is_empty() { FIRST } else { MORE });
        if size == 0 {
            return Err(DAMAGED);
        }
        self.bytes.drain(..self.bit / 8);
        self.bit %= 8;
        segment.read(self.next, size, &mut self.bytes)?;
        self.next += u64::try_from(size).unwrap_or(0);
        self.left -= size;
        Ok(())
    }
}

/// One bit for each document.
#[derive(Debug)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Where they are, if they are not read yet.
    unread: Option<(u64, usize)>,
}

impl Bits {
    fn seek(&mut self, segment: &Segment, wanted: Doc) -> Result<Option<Doc>, SearchError> {
        if let Some((at, length)) = self.unread.take() {
            segment.read(at, length, &mut self.bytes)?;
        }
        let first = postings::index(wanted) / 8;
        let mut mask = 0xff_u8 << (wanted % 8);
        for (at, byte) in self.bytes.iter().enumerate().skip(first) {
            let left = byte & mask;
            mask = 0xff;
            if left != 0 {
                return Ok(Some(postings::doc(at * 8) + left.trailing_zeros()));
            }
        }
        Ok(None)
    }
}
