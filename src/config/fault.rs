use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};

use super::messages::chinese;
use super::slips::Slip;
use crate::write::Language;

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

    /// Returns whether both tell the same of one place.
    fn is(&self, other: &Self) -> bool {
        let span = |fault: &Self| fault.place.as_ref().map(|(_, span)| span.clone());
        self.message == other.message && span(self) == span(other) && self.path == other.path
    }

    /// Returns the line number of the fault, counted from 1.
    pub fn line(&self) -> Option<usize> {
        let (text, span) = self.place.as_ref()?;
        Some(text.get(..span.start)?.matches('\n').count() + 1)
    }

    /// Returns what is wrong and how to fix it, in a language.
    pub fn told(&self, language: Language) -> (String, String) {
        match language {
            Language::Chinese => (chinese(&self.message), chinese(&self.help)),
            Language::English => (self.message.clone(), self.help.clone()),
        }
    }

    /// Returns the fault on one line: where, what, and how to fix it.
    pub fn line_in(&self, language: Language) -> String {
        let (message, help) = self.told(language);
        let line = self.line().map(|line| format!(":{line}")).unwrap_or_default();
        let help = match (help.is_empty(), language) {
            (true, _) => help,
            (false, Language::Chinese) => format!("；{help}"),
            (false, Language::English) => format!("; {help}"),
        };
        format!("{}{line}: {message}{help}", self.path.display())
    }

    fn report(&self, language: Language) -> Report {
        let (message, help) = self.told(language);
        let mut diagnostic = MietteDiagnostic::new(message);
        if !help.is_empty() {
            diagnostic = diagnostic.with_help(help);
        }
        let here = match language {
            Language::Chinese => "这里",
            Language::English => "here",
        };
        match &self.place {
            Some((text, span)) => {
                let label = LabeledSpan::new_with_span(Some(here.to_owned()), span.clone());
                Report::new(diagnostic.with_label(label)).with_source_code(NamedSource::new(
                    self.path.display().to_string(),
                    without_secrets(&without_passwords(text)),
                ))
            }
            None => {
                diagnostic.message = format!("{}: {}", self.path.display(), diagnostic.message);
                Report::new(diagnostic)
            }
        }
    }
}

/// Formats the fault on one line, in English.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line_in(Language::English))
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

/// Returns whether what a setting or header of this name holds is a secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    const SECRETS: [&str; 9] =
        ["password", "authorization", "cookie", "token", "secret", "api-key", "apikey", "api_key", "signature"];
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|secret| name.contains(secret))
}

/// Masks texts in quotes that are set to a name of a secret, where they do not belong; byte offsets stay the same.
fn without_secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        out.push_str(before);
        out.push('=');
        let name = before.rsplit(['\n', '{', ',']).next().unwrap_or("");
        let value = after.trim_start_matches([' ', '\t']);
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
        rest = after;
        if let Some(quote) = quote.filter(|_| is_secret_name(name)) {
            let inner = value.trim_start_matches(quote);
            let masked = inner.find(quote).or_else(|| inner.find('\n')).unwrap_or(inner.len());
            let lead = after.len() - inner.len();
            out.push_str(after.get(..lead).unwrap_or(""));
            out.extend(std::iter::repeat_n('*', masked));
            rest = inner.get(masked..).unwrap_or("");
        }
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
        // What two readers of one setting find wrong is told once.
        if self.kept.iter().any(|kept| kept.is(&fault)) {
            return;
        }
        if self.kept.len() < MAX_FAULTS {
            self.kept.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Shows the faults of a file in its text as it was written, which has the same length as the one that was read; leaves
    /// out what the parser said about lines with slips, which are told by name.
    pub(super) fn show_as_written(&mut self, path: &Path, written: &Arc<str>, slips: &[Slip]) {
        let line = |at: usize| written.get(..at).map(|before| before.matches('\n').count());
        let lines: Vec<_> = slips.iter().map(|slip| line(slip.span.start)).collect();
        self.kept.retain_mut(|fault| {
            let Some((text, span)) = fault.place.as_mut().filter(|_| fault.path == path) else { return true };
            *text = Arc::clone(written);
            !(fault.message.starts_with("TOML syntax error") && lines.contains(&line(span.start)))
        });
        for slip in slips {
            let (message, help) = slip.told.clone();
            self.push(Fault {
                path: path.to_owned(),
                place: Some((Arc::clone(written), slip.span.clone())),
                message,
                help,
            });
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
        self.render_in(Language::English, is_colourful)
    }

    /// Renders the faults as [`Faults::render`] does, in a language.
    pub fn render_in(&self, language: Language, is_colourful: bool) -> String {
        let theme = if is_colourful { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_context_lines(1);
        let mut faults: Vec<&Fault> = self.kept.iter().collect();
        faults.sort_by_key(|fault| (&fault.path, fault.line()));
        let mut out = String::new();
        for fault in faults {
            if handler.render_report(&mut out, fault.report(language).as_ref()).is_err() {
                // A fault that cannot be drawn must still be shown.
                out.push_str(&format!("{}: {}", fault.path.display(), fault.message));
            }
            out.push('\n');
        }
        if self.more > 0 {
            out.push_str(&match language {
                Language::Chinese => format!("还有 {} 处错误；请先改正这些\n", self.more),
                Language::English => format!("and {} more faults; fix these first\n", self.more),
            });
        }
        match language {
            Language::Chinese => {
                out.replace("\n  help: ", "\n  办法：").replace("\n\u{1b}[36m  help: ", "\n\u{1b}[36m  办法：")
            }
            Language::English => out,
        }
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

    #[test]
    fn c3_a_secret_that_stands_in_the_config_is_not_shown() {
        let text = "password = \"hunter2\"\nheaders = { Authorization = 'Bearer hunter2', X-Api-Version = \"2\" }\n\"X-Api-Key\"=\"\"\"hunter2\"\"\"\nuser=\"a\"";
        let shown = without_secrets(text);
        assert!(!shown.contains("hunter2") && shown.contains("\"2\"") && shown.contains("user=\"a\""), "{shown}");
        assert_eq!(shown.len(), text.len());
    }
}
