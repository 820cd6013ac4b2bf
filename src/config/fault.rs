//! Faults of the config: what is wrong, in which line, and what helps.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError, MietteSpanContents, Report,
    SourceCode, SourceSpan, SpanContents,
};

use super::messages::chinese;
use super::slips::Slip;
use crate::write::Language;

/// How many lines around a fault are shown.
const CONTEXT: usize = 1;

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
        Some(text.as_bytes().get(..span.start)?.iter().filter(|byte| **byte == b'\n').count() + 1)
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
                let excerpt = Excerpt::around(&self.path, text, span);
                Report::new(diagnostic.with_label(label)).with_source_code(excerpt)
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

/// Where the lines of a text end: many places in a long text are told by their lines.
#[derive(Debug)]
pub(super) struct LineEnds(Vec<usize>);

impl LineEnds {
    pub(super) fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect())
    }

    /// Returns the number of the line in which a place lies, counted from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}

/// The lines around a fault, without passwords. Places in them are those of the whole file, which may be long, and have
/// many faults.
#[derive(Debug)]
struct Excerpt {
    name: String,
    text: String,
    /// Where it begins in the file, and the number of lines before it.
    from: usize,
    lines: usize,
}

impl Excerpt {
    fn around(path: &Path, text: &str, span: &Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or("");
        let from = before.rmatch_indices('\n').nth(CONTEXT).map_or(0, |(at, _)| at + 1);
        let behind = text.get(span.end..).unwrap_or("");
        let to = behind.match_indices('\n').nth(CONTEXT).map_or(text.len(), |(at, _)| span.end + at + 1);
        let masked = |text: &str| without_secrets(&without_passwords(text));
        // What a text of several lines is set to stands in the first of them.
        let is_long = text.contains("\"\"\"") || text.contains("'''");
        let whole = if is_long { masked(text) } else { String::new() };
        let shown = text.get(from..to).unwrap_or("");
        Self {
            name: path.display().to_string(),
            text: if is_long { whole.get(from..to).unwrap_or("").to_owned() } else { masked(shown) },
            from,
            lines: before.as_bytes().iter().take(from).filter(|byte| **byte == b'\n').count(),
        }
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let start = span.offset().checked_sub(self.from).ok_or(MietteError::OutOfBounds)?;
        let found = self.text.read_span(&(start, span.len()).into(), before, after)?;
        let shown = (found.span().offset() + self.from, found.span().len());
        let (line, column, count) = (found.line() + self.lines, found.column(), found.line_count());
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), found.data(), shown.into(), line, column, count)))
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
        if let Some(quote) = quote.filter(|_| is_secret_name(name) || is_shared_log(value)) {
            let inner = value.trim_start_matches(quote);
            let masked = end_of(inner, quote);
            let lead = after.len() - inner.len();
            out.push_str(after.get(..lead).unwrap_or(""));
            out.extend(std::iter::repeat_n('*', masked));
            rest = inner.get(masked..).unwrap_or("");
        }
    }
    out.push_str(rest);
    out
}

/// Returns whether a value begins as the address of a shared log does, which may hold a password.
fn is_shared_log(value: &str) -> bool {
    let line = value.lines().next().unwrap_or("");
    let address = line.trim_start_matches(['"', '\'']);
    line.contains("password=") || address.starts_with("postgres") || address.starts_with("nats:")
}

/// Returns where a text in quotes ends, or else its line. A quote that is escaped does not end it.
fn end_of(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let ends = *c == '\n' || *c == quote && !is_escaped;
        is_escaped = quote == '"' && *c == '\\' && !is_escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at)
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
        let ends = LineEnds::of(written);
        let lines: Vec<_> = slips.iter().map(|slip| ends.line(slip.span.start)).collect();
        self.kept.retain_mut(|fault| {
            let Some((text, span)) = fault.place.as_mut().filter(|_| fault.path == path) else { return true };
            *text = Arc::clone(written);
            !(fault.message.starts_with("TOML syntax error") && lines.contains(&ends.line(span.start)))
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
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_context_lines(CONTEXT);
        let mut faults: Vec<&Fault> = self.kept.iter().collect();
        faults.sort_by_cached_key(|fault| (fault.path.clone(), fault.line()));
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
    fn lines_around_a_fault_keep_their_numbers() {
        let text = "a = 1\nurl = \"http://u:p@h/\"\nb = 2\nc = 3\nd = 4\n";
        let fault = |span: Range<usize>| Fault {
            path: "x.toml".into(),
            place: Some((text.into(), span)),
            message: "wrong".to_owned(),
            help: String::new(),
        };
        let shown = |fault: Fault| Faults { kept: vec![fault], more: 0 }.render(false);
        let at = text.find("b = 2").unwrap();
        let told = shown(fault(at..at + 1));
        assert!(told.contains("[x.toml:3:1]") && told.contains("http://***@h/"), "{told}");
        assert!(told.contains(" 4 │ c = 3") && !told.contains("d = 4") && !told.contains("a = 1"), "{told}");
        assert!(shown(fault(0..1)).contains("[x.toml:1:1]"));
        let end = shown(fault(text.len()..text.len()));
        assert!(end.contains("x.toml:"), "{end}");
        let ends = LineEnds::of(text);
        assert!((0..text.len()).all(|at| Some(ends.line(at)) == fault(at..at).line()));
    }

    #[test]
    fn c3_an_address_is_shown_without_its_password() {
        let text = "url = \"http://user:p@ss@host/a@b\"\nlink = \"https://host/\"\ncontact = \"a@b.cn\"";
        let shown = without_passwords(text);
        assert_eq!(shown, "url = \"http://*********@host/a@b\"\nlink = \"https://host/\"\ncontact = \"a@b.cn\"");
        assert_eq!(shown.len(), text.len());
    }

    #[test]
    fn c3_a_quote_or_a_database_ends_no_mask() {
        for text in [
            r#"password = "hun\"ter2""#,
            r#"url = "postgres://u:ter2@db/dayuan""#,
            r#"url = "nats://u:ter2@mq""#,
            r#"url = "postgress://u:ter2@db/dayuan""#,
            r#"url = "host=db user=x password=ter2""#,
        ] {
            let shown = without_secrets(text);
            assert!(!shown.contains("ter2"), "{shown}");
            assert_eq!(shown.len(), text.len());
        }
        let plain = "url = \"https://www.example.gov.cn/\"";
        assert_eq!(without_secrets(plain), plain);
    }

    #[test]
    fn c3_a_secret_that_stands_in_the_config_is_not_shown() {
        let text = "password = \"hunter2\"\nheaders = { Authorization = 'Bearer hunter2', X-Api-Version = \"2\" }\n\"X-Api-Key\"=\"\"\"hunter2\"\"\"\nuser=\"a\"";
        let shown = without_secrets(text);
        assert!(!shown.contains("hunter2") && shown.contains("\"2\"") && shown.contains("user=\"a\""), "{shown}");
        assert_eq!(shown.len(), text.len());
    }
}
