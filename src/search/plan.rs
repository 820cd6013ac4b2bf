//! What a query means for the index: which terms prove it, and what has to be checked in the text.

use std::collections::HashSet;

use super::builder::short;
use super::cursor::Cursor;
use super::error::SearchError;
use super::postings::Doc;
use super::query::{Filters, Query};
use super::segment::{Row, Segment};
use super::terms::{self, Kind, Term};
use super::text::{Folded, Text, is_unspaced};
use crate::regions::Places;

/// Maximum number of terms that are looked up for one phrase; more of them rule out hardly anything.
const MAX_LOOKED_UP: usize = 10;
/// Maximum number of names of places for one spelling.
const MAX_NAMES: usize = 8;

/// One way to have a phrase.
#[derive(Clone, Debug)]
struct Way {
    phrase: Vec<char>,
    terms: Vec<Term>,
    /// All terms that begin with a single character.
    range: Option<(Term, Term)>,
    is_proven: bool,
}

/// A phrase that is searched for, with what else stands for it.
#[derive(Clone, Debug)]
struct Clause(Vec<Way>);

/// A query for the index.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    wanted: Vec<Clause>,
    unwanted: Vec<Clause>,
    region: Option<Term>,
    source: Option<Term>,
    topic: Option<(Term, HashSet<u32>)>,
    part: Part,
}

/// Which part of an item is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Title,
    All,
}

impl Part {
    const fn kinds(self) -> (Kind, Kind) {
        match self {
            Self::Title => terms::TITLE,
            Self::All => terms::TEXT,
        }
    }
}

impl Way {
    fn of(phrase: &[char], part: Part) -> Self {
        let range = match phrase {
            [c] if is_unspaced(*c) => Some(terms::beginning(part.kinds().0, *c)),
            _ => None,
        };
        let (all, is_proven) = terms::of_phrase(phrase, part.kinds());
        let step = all.len().div_ceil(MAX_LOOKED_UP).max(1);
        let terms = all.iter().step_by(step).copied().collect();
        Self { phrase: phrase.to_vec(), terms, range, is_proven: is_proven || range.is_some() }
    }

    fn cursor(&self, segment: &Segment) -> Result<Cursor, SearchError> {
        match self.range {
            Some(range) => Cursor::of_range(segment, range),
            None => Cursor::of_terms(segment, &self.terms),
        }
    }
}

impl Clause {
    fn of(phrase: &[char], part: Part, places: &Places) -> Self {
        let mut ways = vec![Way::of(phrase, part)];
        if phrase.iter().all(char::is_ascii_lowercase) {
            let letters: String = phrase.iter().collect();
            let names = places.spelt(&letters).iter().take(MAX_NAMES);
            ways.extend(names.map(|name| Way::of(&Folded::of(name).chars, part)));
        }
        Self(ways)
    }

    fn cursor(&self, segment: &Segment) -> Result<Cursor, SearchError> {
        let mut any = Vec::new();
        for way in &self.0 {
            let cursor = way.cursor(segment)?;
            if !cursor.is_nothing() {
                any.push(cursor);
            }
        }
        Ok(match any.len() {
            0 => Cursor::Nothing,
            1 => any.pop().unwrap_or(Cursor::Nothing),
            _ => Cursor::Any(any),
        })
    }

    fn is_proven(&self) -> bool {
        self.0.iter().all(|way| way.is_proven)
    }

    fn is_in(&self, text: &Folded) -> bool {
        self.0.iter().any(|way| text.find(&way.phrase, 0).is_some())
    }
}

impl Plan {
    pub(super) fn of(query: &Query, filters: &Filters, part: Part, places: &Places) -> Self {
        let clauses =
            |phrases: &[Vec<char>], part| phrases.iter().map(|phrase| Clause::of(phrase, part, places)).collect();
        let source = |id: &crate::model::SourceId| terms::named(Kind::Source, id.as_str());
        Self {
            part,
            wanted: clauses(&query.wanted, part),
            unwanted: clauses(&query.unwanted, Part::All),
            region: filters.region.as_ref().map(|region| terms::named(Kind::Region, region.as_str())),
            source: filters.source.as_ref().map(source),
            topic: filters
                .topic
                .as_ref()
                .map(|topic| (terms::topic(topic), filters.topic_sources.iter().map(|id| short(source(id))).collect())),
        }
    }

    /// Returns whether the text of a document has to be read to know whether it is a result.
    pub(super) fn needs_text(&self) -> bool {
        !self.wanted.iter().chain(&self.unwanted).all(Clause::is_proven)
    }

    /// Returns whether a report has everything that is wanted and nothing that is not.
    pub(super) fn is_in(&self, text: &Text) -> bool {
        let searched = if self.part == Part::Title { &text.title } else { &text.all };
        self.wanted.iter().all(|clause| clause.is_in(searched))
            && !self.unwanted.iter().any(|clause| clause.is_in(&text.all))
    }

    /// Returns all phrases that are wanted, to mark them.
    pub(super) fn phrases(&self) -> Vec<Vec<char>> {
        self.wanted.iter().flat_map(|clause| clause.0.iter().map(|way| way.phrase.clone())).collect()
    }

    /// Begins to walk over the documents of a segment that may be results.
    pub(super) fn walk(&self, segment: &Segment) -> Result<Walk, SearchError> {
        let mut all = Vec::new();
        for term in self.region.iter().chain(&self.source) {
            all.push(Cursor::of_term(segment, *term)?);
        }
        for clause in &self.wanted {
            if all.iter().any(Cursor::is_nothing) {
                break;
            }
            all.push(clause.cursor(segment)?);
        }
        let mut topic = None;
        if let Some((term, sources)) = &self.topic {
            let cursor = Cursor::of_term(segment, *term)?;
            if sources.is_empty() {
                all.push(cursor);
            } else {
                topic = Some((cursor, sources.clone()));
            }
        }
        if all.iter().any(Cursor::is_nothing) {
            return Ok(Walk { wanted: Cursor::Nothing, unwanted: Vec::new(), topic: None });
        }
        let mut unwanted = Vec::new();
        for clause in self.unwanted.iter().filter(|clause| clause.is_proven()) {
            unwanted.push(clause.cursor(segment)?);
        }
        let wanted = if all.is_empty() { Cursor::All(super::postings::doc(segment.len())) } else { Cursor::Every(all) };
        Ok(Walk { wanted, unwanted, topic })
    }
}

/// A walk over the documents of a segment that may be results.
#[derive(Debug)]
pub(super) struct Walk {
    wanted: Cursor,
    unwanted: Vec<Cursor>,
    topic: Option<(Cursor, HashSet<u32>)>,
}

impl Walk {
    /// Returns the first document at or after `at`.
    pub(super) fn seek(&mut self, segment: &Segment, mut at: Doc) -> Result<Option<Doc>, SearchError> {
        while let Some(doc) = self.wanted.seek(segment, at)? {
            let row = segment.row(doc);
            if self.is_of_topic(segment, doc, row.as_ref())? && !self.is_unwanted(segment, doc)? {
                return Ok(Some(doc));
            }
            at = doc + 1;
        }
        Ok(None)
    }

    fn is_of_topic(&mut self, segment: &Segment, doc: Doc, row: Option<&Row>) -> Result<bool, SearchError> {
        let Some((cursor, sources)) = &mut self.topic else { return Ok(true) };
        Ok(row.is_some_and(|row| sources.contains(&row.source)) || cursor.has(segment, doc)?)
    }

    fn is_unwanted(&mut self, segment: &Segment, doc: Doc) -> Result<bool, SearchError> {
        for cursor in &mut self.unwanted {
            if cursor.has(segment, doc)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
