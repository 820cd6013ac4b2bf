//! A PostgreSQL server of one's own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// How long the right to poll lasts.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// The servers of a shared log, whichever they are.
pub(crate) trait Servers: Send + Sync {
    /// Its address.
    fn url(&self) -> String;
    /// Ends all of it as a power cut does, but for what the disk has.
    fn stop(&self);
    fn start(&self);
    /// Settings of a node.
    fn settings(&self, node: &str) -> String {
        settings(node, &self.url())
    }
}

impl Servers for Database {
    fn url(&self) -> String {
        url(self.port)
    }

    fn stop(&self) {
        self.stop();
    }

    fn start(&self) {
        self.start();
    }
}

/// A database server of one's own; it ends with the test.
pub(crate) struct Database {
    pub(crate) folder: tempfile::TempDir,
    programs: PathBuf,
    pub(crate) port: u16,
}

impl Database {
    /// Makes and starts one; `None` if this machine has no PostgreSQL.
    pub(crate) fn new() -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let programs =
            versions.flatten().map(|entry| entry.path().join("bin")).find(|path| path.join("initdb").exists());
        let Some(programs) = programs else {
            println!("SKIPPED: there is no PostgreSQL");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("dayuan-database-").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let database = Self { folder, programs, port };
        if database.is_root() {
            let owned = Command::new("chown").arg("postgres").arg(database.folder.path()).status().unwrap();
            assert!(owned.success(), "there is no user postgres");
        }
        let data = database.data();
        database.run(
            "initdb",
            &["-A", "trust", "-U", "dayuan", "-E", "UTF8", "--no-locale", "--data-checksums", "-D", &data],
        );
        let settings = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 60\nshared_buffers = 16MB\n"
        );
        std::fs::write(Path::new(&data).join("postgresql.auto.conf"), settings).unwrap();
        database.start();
        database.run("createdb", &["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "dayuan", "dayuan"]);
        Some(database)
    }

    fn is_root(&self) -> bool {
        String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap().trim() == "0"
    }

    pub(crate) fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let program = self.programs.join(program);
        let mut command = if self.is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let output = command.args(arguments).current_dir("/tmp").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    pub(crate) fn start(&self) {
        let log = self.folder.path().join("log").display().to_string();
        self.run("pg_ctl", &["-w", "-D", &self.data(), "-l", &log, "start"]);
    }

    /// Ends it as a power cut does, but for what the disk has.
    pub(crate) fn stop(&self) {
        self.run("pg_ctl", &["-w", "-m", "immediate", "-D", &self.data(), "stop"]);
    }

    pub(crate) fn ask(&self, question: &str) -> String {
        let port = self.port.to_string();
        let output = self.run("psql", &["-h", "127.0.0.1", "-p", &port, "-U", "dayuan", "-Atc", question, "dayuan"]);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Settings of a node.
    pub(crate) fn settings(&self, node: &str) -> String {
        settings(node, &url(self.port))
    }

    /// Gives files in its folder to the user that it runs as, and to nobody else.
    pub(crate) fn give(&self, files: &[&str]) {
        for file in files {
            let path = Path::new(&self.data()).join(file);
            assert!(Command::new("chmod").arg("600").arg(&path).status().unwrap().success());
            assert!(!self.is_root() || Command::new("chown").arg("postgres").arg(&path).status().unwrap().success());
        }
    }

    /// Ends every process of it at once.
    pub(crate) fn kill(&self) {
        let file = Path::new(&self.data()).join("postmaster.pid");
        let pid = std::fs::read_to_string(file).unwrap().lines().next().unwrap().to_owned();
        let children = Command::new("pgrep").args(["-P", &pid]).output().unwrap().stdout;
        let children = String::from_utf8(children).unwrap();
        let all: Vec<&str> = std::iter::once(pid.as_str()).chain(children.lines()).collect();
        assert!(Command::new("kill").arg("-9").args(&all).status().is_ok());
        super::until::until("its processes are gone", || {
            all.iter().all(|pid| !Path::new("/proc").join(pid).exists()).then_some(())
        });
    }

    /// Makes a synchronous standby, and returns it.
    pub(crate) fn standby(&self) -> Self {
        let folder = tempfile::Builder::new().prefix("dayuan-database-").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let standby = Self { folder, programs: self.programs.clone(), port };
        if standby.is_root() {
            assert!(Command::new("chown").arg("postgres").arg(standby.folder.path()).status().unwrap().success());
        }
        let (own, data) = (self.port.to_string(), standby.data());
        self.run("pg_basebackup", &["-h", "127.0.0.1", "-p", &own, "-U", "dayuan", "-D", &data, "-R", "-c", "fast"]);
        let file = Path::new(&data).join("postgresql.auto.conf");
        let settings = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, format!("{settings}\nport = {port}\n")).unwrap();
        standby.start();
        self.ask("alter system set synchronous_standby_names = '*'");
        self.ask("select pg_reload_conf()");
        super::until::until("the standby is synchronous", || {
            (self.ask("select sync_state from pg_stat_replication") == "sync").then_some(())
        });
        standby
    }

    /// Flips a bit of the log's table where it lies on disk; the same call flips it back. It must be stopped.
    pub(crate) fn flip(&self, file: &str, place: u64) {
        use std::os::unix::fs::FileExt;
        let file = std::fs::File::options().read(true).write(true).open(Path::new(&self.data()).join(file)).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, place).unwrap();
        byte[0] ^= 1;
        file.write_all_at(&byte, place).unwrap();
    }
}

/// The address of a database at this port.
pub(crate) fn url(port: u16) -> String {
    format!("postgres://dayuan@127.0.0.1:{port}/dayuan")
}

/// Settings of a node whose shared log is at this address.
pub(crate) fn settings(node: &str, url: &str) -> String {
    format!(
        "[cluster]\nurl = \"{url}\"\nnode = \"{node}\"\nlease = \"{}s\"\n[fetch]\nallow_networks = [\"127.0.7.0/24\"]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"2s\"\nhost_gap = \"0s\"\n",
        LEASE.as_secs()
    )
}

impl Drop for Database {
    fn drop(&mut self) {
        let data = self.data();
        if Path::new(&data).join("postmaster.pid").exists() && !std::thread::panicking() {
            self.stop();
        } else if let Ok(pid) = std::fs::read_to_string(Path::new(&data).join("postmaster.pid")) {
            let pid = pid.lines().next().unwrap_or_default().to_owned();
            drop(Command::new("kill").args(["-QUIT", &pid]).status());
        }
    }
}
