//! A file of the config or a part of it: its syntax errors, and where its faults are.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeTable;

use super::fault::{Fault, Faults};
use super::{slips, syntax};

/// Least number of bytes of a file that are parsed at a time. The tables of a whole list of 50,000 sources would take
/// 200 MB, and the system as long to provide them as all the rest takes.
const MIN_PART: usize = 64 * 1024;

/// A config file, or a part of one, being checked.
pub(super) struct Document<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) faults: &'a RefCell<&'a mut Faults>,
    /// Settings that are legal but probably mistakes.
    pub(super) warnings: &'a RefCell<&'a mut Faults>,
    /// Copy of the text that the faults share; made for the first fault.
    pub(super) shared: Rc<OnceCell<Arc<str>>>,
    /// The part of the text that is read.
    part: Range<usize>,
}

impl<'a> Document<'a> {
    pub(super) fn new(
        path: &'a Path,
        text: &'a str,
        faults: &'a RefCell<&'a mut Faults>,
        warnings: &'a RefCell<&'a mut Faults>,
    ) -> Self {
        Self { path, text, faults, warnings, shared: Rc::default(), part: 0..text.len() }
    }

    /// Returns the same file, of which only this part is read.
    pub(super) fn of_part(self, part: Range<usize>, shared: &Rc<OnceCell<Arc<str>>>) -> Self {
        Self { part, shared: Rc::clone(shared), ..self }
    }

    pub(super) fn fault(&self, span: Range<usize>, message: String, help: &str) {
        let fault = self.found(span, message, help);
        self.faults.borrow_mut().push(fault);
    }

    /// Reports a setting that is legal but probably a mistake.
    pub(super) fn warning(&self, span: Range<usize>, message: String, help: &str) {
        let warning = self.found(span, message, help);
        self.warnings.borrow_mut().push(warning);
    }

    fn found(&self, span: Range<usize>, message: String, help: &str) -> Fault {
        let place = self.in_file(span);
        // A value that would be ASCII without full-width characters is wrong because of them; in Chinese they are usual.
        let value =
            self.text.get(place.clone()).filter(|value| value.starts_with(['"', '\'']) && !value.contains('\n'));
        let narrowed = value.and_then(slips::narrowed).filter(|narrowed| narrowed.is_ascii());
        let help = narrowed.map_or_else(|| help.to_owned(), |narrowed| slips::remedy(&narrowed, help));
        Fault {
            path: self.path.to_owned(),
            place: Some((Arc::clone(self.shared.get_or_init(|| self.text.into())), place)),
            message,
            help,
        }
    }

    /// Returns where a span of the part lies in the file.
    pub(super) const fn in_file(&self, span: Range<usize>) -> Range<usize> {
        span.start + self.part.start..span.end + self.part.start
    }

    /// Parses the file, or the part of it, into its root table, and reports syntax errors.
    pub(super) fn root(&self) -> Spanned<DeTable<'_>> {
        let text = self.text.get(self.part.clone()).unwrap_or("");
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut told: Option<usize> = None;
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            // What the parser says of the same line again follows from the first.
            let (from, to) = (told.unwrap_or(span.start).min(span.start), told.unwrap_or(span.start).max(span.start));
            if told.is_some() && text.get(from..to).is_some_and(|between| !between.contains('\n')) {
                continue;
            }
            told = Some(span.start);
            let help = syntax::remedy(text, span.start, error.message());
            self.fault(span, format!("TOML syntax error: {}", error.message()), help);
        }
        root
    }
}

/// Returns the parts of a file that can be parsed one by one, each beginning with a table of the array `name`. A file with
/// texts of several lines is one part: they may hold what looks like a table.
pub(super) fn parts(text: &str, name: &str) -> Vec<Range<usize>> {
    let header = format!("\n[[{name}]]");
    let next = |from: usize| {
        let least = text.ceil_char_boundary(from + MIN_PART);
        text.get(least..).and_then(|rest| rest.find(&header)).map(|at| least + at + 1)
    };
    let mut parts = Vec::new();
    let mut from = 0;
    if !text.contains("\"\"\"") && !text.contains("'''") {
        while let Some(to) = next(from) {
            parts.push(from..to);
            from = to;
        }
    }
    parts.push(from..text.len());
    parts
}
