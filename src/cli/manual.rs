//! Prints manual pages and the completions of shells.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use super::arguments::{Arguments, ManualPage};
use super::out::{End, show};
use super::settings_page;

/// Prints the completions of a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> anyhow::Result<End> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "dayuan", &mut script);
    print(&script)
}

/// Prints a manual page; with a folder, writes all of them into its `man1` and `man5`.
pub(super) fn man(page: ManualPage, into: Option<&Path>) -> anyhow::Result<End> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = into else {
        let mut shown = Vec::new();
        match page {
            ManualPage::Dayuan => clap_mangen::Man::new(command).render(&mut shown)?,
            ManualPage::Settings => shown.extend(settings_page::page().into_bytes()),
        }
        return print(&shown);
    };
    let [commands, settings] = ["man1", "man5"].map(|section| folder.join(section));
    for section in [&commands, &settings] {
        std::fs::create_dir_all(section).with_context(|| format!("cannot make {}", section.display()))?;
    }
    let failed = || format!("cannot write the pages into {}", folder.display());
    clap_mangen::generate_to(command, &commands).with_context(failed)?;
    std::fs::write(settings.join("dayuan.toml.5"), settings_page::page()).with_context(failed)?;
    show(&format!(
        "the pages are in {}; `man -l {}` shows the first",
        folder.display(),
        commands.join("dayuan.1").display()
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
