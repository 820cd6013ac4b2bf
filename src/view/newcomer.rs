//! A new item while it is compared, and how it stands to the known stories.

use super::slot::Tags;
use crate::dedup::{self, Comparison, Fingerprint};
use crate::model::Report;

/// How a new item stands to the known stories.
#[derive(Debug, Default)]
pub(super) struct Relations {
    /// The stories that it is a report of, the likeliest first.
    pub(super) same: Vec<u64>,
    /// The story of the same event.
    pub(super) event: Option<u64>,
    /// The stories that it holds as parts, as a round-up.
    pub(super) parts: Vec<u64>,
    /// The round-ups that hold it as a part.
    pub(super) wholes: Vec<u64>,
    /// The last found of each story that was compared, for `explain`.
    pub(super) compared: Vec<(u64, Comparison)>,
}

/// A new item while it is compared.
pub(super) struct Newcomer<'a> {
    pub(super) source: u32,
    pub(super) report: &'a Report,
    pub(super) fingerprint: Fingerprint,
    /// The regions that it is tagged with, each with the evidence.
    pub(super) regions: Tags,
    /// Is it several stories in one?
    pub(super) is_roundup: bool,
    /// By which texts like its own are found.
    pub(super) sketch: Vec<u32>,
    /// By which texts with its facts are found.
    pub(super) pairs: Vec<u32>,
}

impl Relations {
    /// Leaves out the item itself, which may have been found, and what is younger: the older id stays.
    pub(super) fn only_before(&mut self, first: u64) {
        self.same.retain(|head| *head < first);
        self.event = self.event.filter(|event| *event != first);
        self.parts.retain(|part| *part != first);
        self.wholes.retain(|whole| *whole != first);
    }
}

impl<'a> Newcomer<'a> {
    pub(super) fn new(source: u32, report: &'a Report, fingerprint: Fingerprint, regions: Tags) -> Self {
        let words = report.draft.words();
        // Warnings are of one template: neither their texts nor their facts tell them apart.
        let (sketch, pairs) = match report.draft.alert {
            Some(_) => (Vec::new(), Vec::new()),
            None => (dedup::sketch(words), dedup::fact_pairs(&report.draft.title, words)),
        };
        let is_roundup = dedup::is_roundup(&report.draft.title, words);
        Self { source, report, fingerprint, regions, is_roundup, sketch, pairs }
    }
}
