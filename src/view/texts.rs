//! The reports in the log that a judgement looks at.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::dedup;
use crate::log::{Log, Position, Record};
use crate::model::{Draft, Report};

/// Maximum number of reports kept. A story rarely needs more than ten; hundreds may share an address.
const MAX_KEPT: usize = 32;

/// Reports of the log, loaded when they are first looked at. It lives as long as one record is applied.
pub(super) struct Texts<'l> {
    log: &'l Log,
    loaded: RefCell<BTreeMap<Position, Option<Rc<Text>>>>,
}

/// A report of the log.
pub(super) struct Text {
    report: Report,
    /// What is compared of it, prepared at the first comparison.
    story: OnceCell<dedup::Story>,
}

impl<'l> Texts<'l> {
    pub(super) const fn of(log: &'l Log) -> Self {
        Self { log, loaded: RefCell::new(BTreeMap::new()) }
    }

    /// Returns the report at a position; `None` if its line is damaged or missing.
    pub(super) fn get(&self, position: Position) -> Option<Rc<Text>> {
        if let Some(known) = self.loaded.borrow().get(&position) {
            return known.clone();
        }
        let text = match self.log.read(position) {
            Ok(Record::Report(report)) => Some(Rc::new(Text { report: *report, story: OnceCell::new() })),
            _ => None,
        };
        let mut loaded = self.loaded.borrow_mut();
        if loaded.len() < MAX_KEPT {
            loaded.insert(position, text.clone());
        }
        text
    }
}

impl Text {
    pub(super) const fn report(&self) -> &Report {
        &self.report
    }

    pub(super) const fn draft(&self) -> &Draft {
        &self.report.draft
    }

    /// Returns what is compared of it.
    pub(super) fn story(&self) -> &dedup::Story {
        self.story.get_or_init(|| dedup::Story::new(&self.report.draft.title, self.report.draft.words()))
    }
}
