use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use super::arguments::Arguments;
use super::out::{End, show};

/// Prints the completions of a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> anyhow::Result<End> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "dayuan", &mut script);
    print(&script)
}

/// Prints the manual page of dayuan itself; with a folder, writes a page for each command into it.
pub(super) fn man(into: Option<&Path>) -> anyhow::Result<End> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = into else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return print(&page);
    };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("cannot write the pages into {}", folder.display()))?;
    show(&format!(
        "the pages are in {}; `man -l {}` shows the first",
        folder.display(),
        folder.join("dayuan.1").display()
    ));
    Ok(End::Done)
}

/// Writes to standard output as it is: scripts and pages hold control characters.
fn print(bytes: &[u8]) -> anyhow::Result<End> {
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("cannot print"),
        _ => Ok(End::Done),
    }
}
