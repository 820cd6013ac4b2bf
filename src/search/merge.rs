//! Merges segments into one, without the documents that are out of date.

use std::collections::BinaryHeap;

use super::builder::SegmentWriter;
use super::error::SearchError;
use super::pages::PageWriter;
use super::postings::{self, Doc};
use super::segment::{AllTerms, Header, Row, Segment};
use super::terms::Term;

/// How many terms are merged between two looks at whether to stop.
const STEP: usize = 4096;

/// What becomes of a document that is left out.
const GONE: Doc = Doc::MAX;

/// Merges segments. `is_valid` says which documents are kept, `is_over` ends it early.
pub(super) fn merge(
    segments: &[&Segment],
    out: PageWriter,
    header: Header,
    is_valid: &dyn Fn(&Row) -> bool,
    is_over: &dyn Fn() -> bool,
) -> Result<Segment, SearchError> {
    let failed = |source| SearchError::File { doing: "write", path: std::path::PathBuf::new(), source };
    let base = segments.iter().map(|segment| segment.base()).min().unwrap_or(0);
    let mut writer = SegmentWriter::new(out, header, base);
    let mut segments = segments.to_vec();
    // Then the lists of neighbours in time follow each other.
    segments.sort_by_key(|segment| segment.row(0).map(|row| row.rank()));
    let moved = merge_rows(&segments, is_valid, &mut writer).map_err(failed)?;
    let mut inputs = Vec::new();
    for (segment, moved) in segments.iter().zip(&moved) {
        let mut input = Input { terms: segment.all(), moved, term: None, docs: Vec::new() };
        input.step()?;
        inputs.push(input);
    }
    let mut docs: Vec<Doc> = Vec::new();
    let mut count = 0_usize;
    while let Some(term) = inputs.iter().filter_map(|input| input.term).min() {
        docs.clear();
        for input in inputs.iter_mut().filter(|input| input.term == Some(term)) {
            let new = input.docs.iter().filter_map(|doc| input.moved.get(postings::index(*doc)));
            docs.extend(new.filter(|doc| **doc != GONE));
            input.step()?;
        }
        if !docs.is_empty() {
            docs.sort_unstable();
            docs.dedup();
            writer.push(term, &docs).map_err(failed)?;
        }
        count += 1;
        if count.is_multiple_of(STEP) && is_over() {
            return Err(SearchError::Stopped);
        }
    }
    writer.finish()
}

/// Writes the documents of all segments in their order, and returns for each segment which number each of its documents
/// gets.
fn merge_rows(
    segments: &[&Segment],
    is_valid: &dyn Fn(&Row) -> bool,
    writer: &mut SegmentWriter,
) -> std::io::Result<Vec<Vec<Doc>>> {
    let mut moved: Vec<Vec<Doc>> = segments.iter().map(|segment| vec![GONE; segment.len()]).collect();
    let (mut last, mut next): (Option<Row>, Doc) = (None, 0);
    let head = |at: usize, doc: Doc| {
        let row = segments.get(at)?.row(doc)?;
        Some((std::cmp::Reverse(row.rank()), at, doc))
    };
    let mut heads: BinaryHeap<_> = (0..segments.len()).filter_map(|at| head(at, 0)).collect();
    while let Some((_, at, doc)) = heads.pop() {
        heads.extend(head(at, doc + 1));
        let Some(row) = segments.get(at).and_then(|segment| segment.row(doc)).filter(|row| is_valid(row)) else {
            continue;
        };
        // An item that was indexed twice becomes one document.
        if last.is_none_or(|last| last.item != row.item) {
            writer.push_row(&row)?;
            next += 1;
        }
        last = Some(row);
        if let Some(place) = moved.get_mut(at).and_then(|moved| moved.get_mut(postings::index(doc))) {
            *place = next - 1;
        }
    }
    Ok(moved)
}

/// A segment that is being merged, at one of its terms.
struct Input<'s> {
    terms: AllTerms<'s>,
    moved: &'s [Doc],
    term: Option<Term>,
    docs: Vec<Doc>,
}

impl Input<'_> {
    fn step(&mut self) -> Result<(), SearchError> {
        self.docs.clear();
        self.term = self.terms.next(&mut self.docs)?;
        Ok(())
    }
}
