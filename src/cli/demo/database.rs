//! The database of a demo with several nodes: a PostgreSQL of its own in a temporary folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::cli::place::is_root;

/// Where distributions install the programs of a server: below these, by version.
const INSTALLED: [&str; 2] = ["/usr/lib/postgresql", "/usr/pgsql"];
/// Only the name of the socket.
const PORT: &str = "5432";

/// A running server; it ends when it is dropped. Whoever may connect may run programs as its user, so it listens only in its
/// own folder, which nobody else may enter.
#[derive(Debug)]
pub(super) struct Database {
    programs: PathBuf,
    folder: tempfile::TempDir,
}

impl Database {
    /// Makes and starts a server.
    ///
    /// # Errors
    /// If PostgreSQL is not installed, or does not start.
    pub(super) fn start() -> anyhow::Result<Self> {
        let programs = programs().context(
            "a demo with several nodes needs PostgreSQL, which is not installed; install it (Debian: apt install postgresql), or leave out --nodes",
        )?;
        let folder = tempfile::Builder::new().prefix("dayuan-demo-").tempdir_in("/tmp");
        let folder = folder.context("cannot make a folder for the database")?;
        if is_root() {
            // The server refuses to run as root.
            run(Command::new("chown").arg("postgres").arg(folder.path()))?;
        }
        let database = Self { programs, folder };
        let (data, log) = (database.data(), database.folder.path().join("log"));
        let socket = database.folder.path().to_string_lossy().into_owned();
        let how = format!("-p {PORT} -h '' -k '{socket}'");
        let ours = ["-A", "trust", "-U", "dayuan", "-E", "UTF8", "--no-locale", "-D"].map(OsStr::new);
        database.run("initdb", &[ours.as_slice(), &[data.as_os_str()]].concat())?;
        let start: [&OsStr; 8] = [
            "-w".as_ref(),
            "-D".as_ref(),
            data.as_os_str(),
            "-l".as_ref(),
            log.as_os_str(),
            "-o".as_ref(),
            how.as_ref(),
            "start".as_ref(),
        ];
        database.run("pg_ctl", &start)?;
        database.run("createdb", &["-h", &socket, "-p", PORT, "-U", "dayuan", "dayuan"].map(OsStr::new))?;
        Ok(database)
    }

    /// Returns its address.
    pub(super) fn url(&self) -> String {
        let socket = self.folder.path().to_string_lossy().replace('/', "%2F");
        format!("postgres://dayuan@{socket}:{PORT}/dayuan")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self, program: &str, arguments: &[&OsStr]) -> anyhow::Result<()> {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        run(command.args(arguments).current_dir("/"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let data = self.data();
        let stop: [&OsStr; 6] =
            ["-w".as_ref(), "-m".as_ref(), "immediate".as_ref(), "-D".as_ref(), data.as_os_str(), "stop".as_ref()];
        // Nothing of it is kept.
        drop(self.run("pg_ctl", &stop));
    }
}

/// Returns the folder of the programs of a server.
fn programs() -> Option<PathBuf> {
    let below = |folder: &&str| std::fs::read_dir(folder).ok();
    let versions = INSTALLED.iter().filter_map(below).flatten().flatten().map(|version| version.path().join("bin"));
    let mut versions: Vec<PathBuf> = versions.collect();
    versions.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    versions
        .into_iter()
        .rev()
        .chain(std::env::split_paths(&on_path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "the database cannot be started: {}", told.trim());
    Ok(())
}
