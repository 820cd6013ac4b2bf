//! What a command prints, and how it ends.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::model::printable;

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

/// Prints a line of results. Write errors are ignored: the reader has closed the pipe.
pub(super) fn show(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{}", printable(line));
}

/// Prints a message for the user to standard error.
pub(super) fn say(line: &str) {
    let _closed = writeln!(std::io::stderr(), "{}", printable(line));
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
