//! The commands. Results go to standard output, everything else to standard error.

mod add;
mod arguments;
mod check;
mod control;
mod demo;
mod get;
mod inspect;
mod place;
mod replay;
mod run;
mod store;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

use crate::model::printable;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
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

/// Runs the command that the arguments name, and returns its exit code: 0 done, 1 failed, 2 wrong usage, 78 config
/// refused.
pub fn main() -> ExitCode {
    // Wrong usage ends here, with 2 and an explanation.
    let arguments = Arguments::parse();
    crate::fetch::install_crypto();
    if !matches!(arguments.command, Command::Demo { .. } | Command::Replay { .. } | Command::Inspect(_)) {
        place::say_which(&arguments);
    }
    let end = match &arguments.command {
        Command::Run => run::run(&arguments),
        Command::Demo { listen, duration } => demo::run(*listen, *duration),
        Command::Check { online } => check::run(&arguments, *online),
        Command::Add(options) => add::run(&arguments, options),
        Command::Inspect(options) => inspect::run(&arguments, options),
        Command::Poll { source } => control::poll(&arguments, source),
        Command::Pause { source } => control::pause(&arguments, source),
        Command::Resume { source } => control::resume(&arguments, source),
        Command::Explain { item } => store::explain(&arguments, item),
        Command::Withdrawn => store::withdrawn(&arguments),
        Command::Withdraw { item, reason } => store::withdraw(&arguments, item, reason),
        Command::RestoreItem { item } => store::restore_item(&arguments, item),
        Command::Reload => control::reload(&arguments),
        Command::Status { json } => control::status(&arguments, *json),
        Command::Backup { file } => store::backup(&arguments, file),
        Command::Restore { file } => store::restore(&arguments, file),
        Command::Verify => store::verify(&arguments),
        Command::Rebuild => store::rebuild(&arguments),
        Command::Replay { file, json } => replay::run(&arguments, file, *json),
    };
    match end {
        Ok(end) => end.into(),
        Err(error) => {
            // The error with its causes, in one line.
            say(&format!("dayuan: {error:#}"));
            ExitCode::from(1)
        }
    }
}

/// A line of result. Where nobody reads any more, there is nobody to tell.
fn show(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{}", printable(line));
}

/// A line for the person at the terminal.
fn say(line: &str) {
    let line = if is_colourful() { line.to_owned() } else { printable(line) };
    let _closed = writeln!(std::io::stderr(), "{line}");
}

/// May standard error be coloured?
fn is_colourful() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
