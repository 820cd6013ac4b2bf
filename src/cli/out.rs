//! What a command prints, and how it ends.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::model::printable;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It did what it was asked.
    Done,
    /// It did not.
    Failed,
    /// The config is refused; systemd must not try again.
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

/// A line of result. Where nobody reads any more, there is nobody to tell.
pub(super) fn show(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{}", printable(line));
}

/// A line for the person at the terminal.
pub(super) fn say(line: &str) {
    let line = if is_colourful() { line.to_owned() } else { printable(line) };
    let _closed = writeln!(std::io::stderr(), "{line}");
}

/// May standard error be coloured?
pub(super) fn is_colourful() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
