//! What a command prints, and how it ends.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

use crate::config::chinese;
use crate::model::{ItemId, printable};
use crate::write::Language;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The command succeeded.
    Done,
    /// The command failed.
    Failed,
    /// The config is invalid; systemd must not restart the service.
    Config,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        match end {
            End::Done => Self::SUCCESS,
            End::Failed => Self::from(1),
            // EX_CONFIG of sysexits.h.
            End::Config => Self::from(78),
        }
    }
}

/// The language of the admin, where it is known.
static LANGUAGE: OnceLock<Language> = OnceLock::new();

/// Sets the language in which messages are told from now on.
pub(super) fn speak(language: Language) {
    // A command sets it once.
    let _once = LANGUAGE.set(language);
}

/// Returns a message in the language of the admin. What is no message stays as it is.
pub(super) fn told(text: &str) -> String {
    match LANGUAGE.get() {
        Some(Language::Chinese) if !is_data(text) => {
            let (name, text) = text.strip_prefix(NAME).map_or(("", text), |rest| (NAME, rest));
            let rest = text.trim_start();
            let indent = text.strip_suffix(rest).unwrap_or("");
            let said = chinese(rest);
            // Some messages are known by their indentation.
            if said == rest { format!("{name}{}", chinese(text)) } else { format!("{name}{indent}{said}") }
        }
        _ => text.to_owned(),
    }
}

/// Returns whether a line shows data: an address, an item after its id, or a line of a text and what became of it.
fn is_data(line: &str) -> bool {
    let rest = line.trim_start();
    let is_item = rest.split_once("  ").is_some_and(|(id, _)| ItemId::named(id).is_some());
    is_item
        || ["http://", "https://"].iter().any(|scheme| rest.starts_with(scheme))
        || TEXT.iter().any(|begin| line.starts_with(begin))
}

/// How the lines of a text are indented, after the sign of what became of them (`    + `).
const TEXT: [&str; 3] = ["    = ", "    + ", "    - "];

/// How messages on standard error begin.
const NAME: &str = "dayuan: ";

/// Prints a line of results. Write errors are ignored: the reader has closed the pipe.
pub(super) fn show(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{}", printable(&told(line)));
}

/// Prints results that are data, such as a block of a config or a table: they are no messages.
pub(super) fn show_data(text: &str) {
    let _closed = writeln!(std::io::stdout(), "{}", printable(text));
}

/// Prints a message for the user to standard error.
pub(super) fn say(line: &str) {
    let _closed = writeln!(std::io::stderr(), "{}", printable(&told(line)));
}

/// Prints a text that was made for the terminal to standard error, with its colours if there may be any.
pub(super) fn say_drawn(text: &str) {
    let text = if is_colourful() { text.to_owned() } else { printable(text) };
    let _closed = writeln!(std::io::stderr(), "{text}");
}

/// Returns whether standard error may be coloured.
pub(super) fn is_colourful() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
