//! A new item while it is compared, and the verdict on it.

use super::numbers::{ItemNo, SourceNo, StoryNo};
use super::tags::Tags;
use crate::dedup::{self, Comparison, Fingerprint};
use crate::model::Report;

/// A new item while it is being compared; also one that only now got its text.
pub(super) struct NewItem<'a> {
    pub(super) number: ItemNo,
    pub(super) source: SourceNo,
    pub(super) report: &'a Report,
    pub(super) fingerprint: Fingerprint,
    /// Regions it is tagged with, each with the evidence.
    pub(super) regions: Tags,
    /// Whether it holds several stories.
    pub(super) is_roundup: bool,
    /// Sketch by which similar texts are found.
    pub(super) sketch: Vec<u32>,
    /// Hashes of pairs of facts, for finding items that state the same facts.
    pub(super) pairs: Vec<u32>,
}

/// The verdict on a new item: how it relates to the known stories, and what becomes of them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Assignment {
    pub(super) relations: Relations,
    /// What happens to the story that it joins.
    pub(super) joining: Joining,
    /// Other stories that it belongs to and that tell the same as the one it joins, by their own texts.
    pub(super) merges: Vec<StoryNo>,
}

/// How a new item relates to the known stories.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Relations {
    /// Stories it is a report of, most likely first.
    pub(super) same: Vec<StoryNo>,
    /// A story of the same event.
    pub(super) event: Option<StoryNo>,
    /// Stories it contains as parts, as a round-up.
    pub(super) parts: Vec<StoryNo>,
    /// Round-ups that contain it as a part.
    pub(super) wholes: Vec<StoryNo>,
    /// Every story it was compared with, and the result, for `explain`.
    pub(super) compared: Vec<(StoryNo, Comparison)>,
}

/// What happens to a story that a further report joins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Joining {
    /// It shows what it showed.
    #[default]
    Plain,
    /// It shows what it showed, under the date of the further report: nobody can have seen it yet.
    Revives,
    /// It shows the further report, which has a better claim.
    TakesOver,
}

impl Relations {
    /// Removes the item itself, which may have been found, and younger stories it could join: the older id stays.
    pub(super) fn only_before(&mut self, number: ItemNo) {
        let own = number.story();
        self.same.retain(|story| *story < own);
        self.event = self.event.filter(|event| *event != own);
        self.parts.retain(|part| *part != own);
        self.wholes.retain(|whole| *whole != own);
    }

    /// Returns whether they link the item to other stories.
    pub(super) const fn is_linking(&self) -> bool {
        self.event.is_some() || !self.parts.is_empty() || !self.wholes.is_empty()
    }

    /// Removes the links to other stories.
    pub(super) fn link_nothing(&mut self) {
        self.event = None;
        self.parts.clear();
        self.wholes.clear();
    }
}

impl<'a> NewItem<'a> {
    pub(super) fn new(
        number: ItemNo,
        source: SourceNo,
        report: &'a Report,
        fingerprint: Fingerprint,
        regions: Tags,
    ) -> Self {
        let words = report.draft.words();
        // Warnings come from one template: neither texts nor facts distinguish them.
        let (sketch, pairs) = match report.draft.alert {
            Some(_) => (Vec::new(), Vec::new()),
            None => (dedup::sketch(words), dedup::fact_pairs(&report.draft.title, words)),
        };
        let is_roundup = dedup::is_roundup(&report.draft.title, words);
        Self { number, source, report, fingerprint, regions, is_roundup, sketch, pairs }
    }
}
