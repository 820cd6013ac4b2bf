use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

/// One fault of the config: what is wrong, where, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file with the fault.
    pub path: PathBuf,
    /// Text of the file and the byte range of the fault; `None` if the fault concerns the file as a whole.
    pub place: Option<(Arc<str>, Range<usize>)>,
    /// What is wrong, as a sentence.
    pub message: String,
    /// How to fix it; may be empty.
    pub help: String,
}

impl Fault {
    pub(super) fn of_file(path: &Path, message: &str, help: &str) -> Self {
        Self { path: path.to_owned(), place: None, message: message.to_owned(), help: help.to_owned() }
    }

    /// Returns the line number of the fault, counted from 1.
    pub fn line(&self) -> Option<usize> {
        let (text, span) = self.place.as_ref()?;
        Some(text.get(..span.start)?.matches('\n').count() + 1)
    }

    fn report(&self) -> Report {
        let mut diagnostic = MietteDiagnostic::new(self.message.clone());
        if !self.help.is_empty() {
            diagnostic = diagnostic.with_help(self.help.clone());
        }
        match &self.place {
            Some((text, span)) => {
                let label = LabeledSpan::new_with_span(Some("here".to_owned()), span.clone());
                Report::new(diagnostic.with_label(label))
                    .with_source_code(NamedSource::new(self.path.display().to_string(), without_passwords(text)))
            }
            None => {
                diagnostic.message = format!("{}: {}", self.path.display(), self.message);
                Report::new(diagnostic)
            }
        }
    }
}

/// Formats the fault on one line: where, what, and how to fix it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line() {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, "; {}", self.help) }
    }
}

/// Masks whatever precedes the `@` in the authority of each URL with asterisks; byte offsets stay the same.
fn without_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let authority = after.split(['/', '"', '\'', ' ', '\n', '?', '#']).next().unwrap_or("");
        let secret = authority.rfind('@').unwrap_or(0);
        out.extend(std::iter::repeat_n('*', secret));
        rest = after.get(secret..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// All faults of a config, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    /// Number of faults beyond those kept.
    more: usize,
}

/// Maximum number of faults that are kept: nobody fixes more at once.
const MAX_FAULTS: usize = 200;

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        if self.kept.len() < MAX_FAULTS {
            self.kept.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Returns the number of faults, including those not kept.
    pub const fn count(&self) -> usize {
        self.kept.len() + self.more
    }

    /// Returns whether there are no faults.
    pub const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Iterates over the faults that were kept.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.kept.iter()
    }

    /// Renders the faults for the admin, ordered by file and line: the text with a caret under the place, and a
    /// suggestion.
    pub fn render(&self, is_colourful: bool) -> String {
        let theme = if is_colourful { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_context_lines(1);
        let mut faults: Vec<&Fault> = self.kept.iter().collect();
        faults.sort_by_key(|fault| (&fault.path, fault.line()));
        let mut out = String::new();
        for fault in faults {
            if handler.render_report(&mut out, fault.report().as_ref()).is_err() {
                // A fault that cannot be drawn must still be shown.
                out.push_str(&format!("{}: {}", fault.path.display(), fault.message));
            }
            out.push('\n');
        }
        if self.more > 0 {
            out.push_str(&format!("and {} more faults; fix these first\n", self.more));
        }
        out
    }

    /// Summarises the faults in one line for a log: the first one, and how many more there are.
    pub fn summary(&self) -> String {
        let Some(first) = self.kept.first() else { return "no fault".to_owned() };
        let line = first.line().map(|line| format!(":{line}")).unwrap_or_default();
        let more = if self.count() > 1 { format!(" (and {} more)", self.count() - 1) } else { String::new() };
        format!("{}{line}: {}{more}", first.path.display(), first.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c3_an_address_is_shown_without_its_password() {
        let text = "url = \"http://user:p@ss@host/a@b\"\nlink = \"https://host/\"\ncontact = \"a@b.cn\"";
        let shown = without_passwords(text);
        assert_eq!(shown, "url = \"http://*********@host/a@b\"\nlink = \"https://host/\"\ncontact = \"a@b.cn\"");
        assert_eq!(shown.len(), text.len());
    }
}
