//! The command line. Results go to standard output, everything else to standard error.

mod add;
mod arguments;
mod check;
mod control;
mod demo;
mod get;
mod inspect;
mod manual;
mod out;
mod place;
mod progress;
mod regions;
mod replay;
mod run;
mod schema;
mod settings_page;
mod shared_log;
mod sources;
mod store;
mod why;
mod withdraw;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

use out::say;

/// Runs the command given by the arguments and returns the exit code: 0 success, 1 failure, 2 wrong usage, 78 invalid
/// config.
pub fn main() -> ExitCode {
    // On wrong usage this prints an explanation and exits with 2.
    let arguments = Arguments::parse();
    crate::fetch::install_crypto();
    if arguments.command.has_config() {
        place::say_which(&arguments);
    }
    if arguments.command.speaks() {
        out::speak(place::language(&place::folder(&arguments)));
    }
    let end = match &arguments.command {
        Command::Run => run::run(&arguments),
        Command::Demo { listen, duration, nodes } => demo::run(*listen, *duration, *nodes),
        Command::Check { online } => check::run(&arguments, *online),
        Command::Add(options) => add::run(&arguments, options),
        Command::Inspect(options) => inspect::run(&arguments, options),
        Command::Poll { source } => control::poll(&arguments, source),
        Command::Pause { source } => control::pause(&arguments, source),
        Command::Resume { source } => control::resume(&arguments, source),
        Command::Explain { item } => store::explain(&arguments, item),
        Command::Why { item, offline } => why::run(&arguments, item, *offline),
        Command::Disk => store::disk(&arguments),
        Command::Find { words, region, most } => control::find(&arguments, words, region.as_deref(), *most),
        Command::Withdrawn => withdraw::withdrawn(&arguments),
        Command::Withdraw { item, source, reason, public_reason } => {
            let reasons = (reason.clone(), public_reason.clone());
            match source {
                Some(source) => withdraw::withdraw_source(&arguments, source, reasons),
                None => withdraw::withdraw(&arguments, item.as_deref().unwrap_or(""), reasons),
            }
        }
        Command::RestoreItem { item, source } => match source {
            Some(source) => withdraw::restore_source(&arguments, source),
            None => withdraw::restore_item(&arguments, item.as_deref().unwrap_or("")),
        },
        Command::Reload => control::reload(&arguments),
        Command::Status { json } => control::status(&arguments, *json),
        Command::Backup { file } => store::backup(&arguments, file),
        Command::Restore { file } => store::restore(&arguments, file),
        Command::Log { password_file, command } => shared_log::run(&arguments, password_file.as_deref(), command),
        Command::Verify => store::verify(&arguments),
        Command::Rebuild => store::rebuild(&arguments),
        Command::Sources { what } => sources::run(&arguments, what.as_ref()),
        Command::Regions { name, below } => regions::run(&arguments, name, *below),
        Command::Completions { shell } => manual::completions(*shell),
        Command::Schema { file, into } => schema::run(*file, into.as_deref()),
        Command::Man { page, into } => manual::man(*page, into.as_deref()),
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
