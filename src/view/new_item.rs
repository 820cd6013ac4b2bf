//! A new item while it is compared, and how it stands to the known stories.

use super::item_state::Tags;
use super::numbers::SourceNo;
use crate::dedup::{self, Comparison, Fingerprint};
use crate::model::Report;

/// How a new item relates to the known stories.
#[derive(Debug, Default)]
pub(super) struct Relations {
    /// Stories it is a report of, most likely first.
    pub(super) same: Vec<u64>,
    /// A story of the same event.
    pub(super) event: Option<u64>,
    /// Stories it contains as parts, as a round-up.
    pub(super) parts: Vec<u64>,
    /// Round-ups that contain it as a part.
    pub(super) wholes: Vec<u64>,
    /// Every story it was compared with, and the result, for `explain`.
    pub(super) compared: Vec<(u64, Comparison)>,
}

/// A new item while it is being compared.
pub(super) struct NewItem<'a> {
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

impl Relations {
    /// Removes the item itself, which may have been found, and younger stories it could join: the older id stays.
    pub(super) fn only_before(&mut self, first: u64) {
        self.same.retain(|head| *head < first);
        self.event = self.event.filter(|event| *event != first);
        self.parts.retain(|part| *part != first);
        self.wholes.retain(|whole| *whole != first);
    }
}

impl<'a> NewItem<'a> {
    pub(super) fn new(source: SourceNo, report: &'a Report, fingerprint: Fingerprint, regions: Tags) -> Self {
        let words = report.draft.words();
        // Warnings come from one template: neither texts nor facts distinguish them.
        let (sketch, pairs) = match report.draft.alert {
            Some(_) => (Vec::new(), Vec::new()),
            None => (dedup::sketch(words), dedup::fact_pairs(&report.draft.title, words)),
        };
        let is_roundup = dedup::is_roundup(&report.draft.title, words);
        Self { source, report, fingerprint, regions, is_roundup, sketch, pairs }
    }
}
