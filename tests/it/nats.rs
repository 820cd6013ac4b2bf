//! NATS servers of one's own.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use super::database::Servers;
use super::until::until;

/// Servers with JetStream, alone or as a cluster; they end with the test.
pub(crate) struct Nats {
    folder: tempfile::TempDir,
    program: PathBuf,
    /// The ports for clients.
    pub(crate) ports: Vec<u16>,
    routes: Vec<u16>,
    children: Mutex<Vec<Option<Child>>>,
}

impl Nats {
    /// Makes and starts them; `None` if this machine has no nats-server.
    pub(crate) fn new(count: usize) -> Option<Self> {
        let Some(program) = program() else {
            println!("SKIPPED: there is no nats-server");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("dayuan-nats-").tempdir_in("/tmp").unwrap();
        // All are held until each has one.
        let free: Vec<TcpListener> =
            (0..2 * count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        let mut ports: Vec<u16> = free.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(free);
        let routes = ports.split_off(count);
        let children = Mutex::new((0..count).map(|_| None).collect());
        let nats = Self { folder, program, ports, routes, children };
        nats.start();
        Some(nats)
    }

    /// Starts a server that does not run.
    pub(crate) fn start_one(&self, at: usize) {
        let data = self.folder.path().join(at.to_string());
        let (port, route) = (self.ports[at], self.routes[at]);
        let mut settings = format!(
            "server_name: n{at}\nlisten: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{}\"{} }}\n",
            data.display(),
            if self.is_new() { ", sync_interval: always" } else { "" }
        );
        if self.ports.len() > 1 {
            let routes: Vec<String> = self.routes.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
            settings +=
                &format!("cluster {{ name: c, listen: \"127.0.0.1:{route}\", routes: [{}] }}\n", routes.join(", "));
        }
        let file = self.folder.path().join(format!("{at}.conf"));
        std::fs::write(&file, settings).unwrap();
        let log = std::fs::File::options().append(true).create(true).open(self.folder.path().join("log")).unwrap();
        let child = Command::new(&self.program)
            .arg("-c")
            .arg(&file)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        self.children.lock().unwrap()[at] = Some(child);
    }

    /// Kills a server.
    pub(crate) fn kill_one(&self, at: usize) {
        if let Some(mut child) = self.children.lock().unwrap()[at].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a server a signal.
    pub(crate) fn signal(&self, at: usize, signal: &str) {
        let pid = self.children.lock().unwrap()[at].as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
    }

    /// Whether the server knows how to sync each message; that of Debian 12 does not.
    fn is_new(&self) -> bool {
        let version = Command::new(&self.program).arg("--version").output().unwrap().stdout;
        !String::from_utf8(version).unwrap().contains("v2.9.")
    }
}

impl Servers for Nats {
    fn url(&self) -> String {
        let hosts: Vec<String> = self.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        format!("nats://{}", hosts.join(","))
    }

    fn stop(&self) {
        (0..self.ports.len()).for_each(|at| self.kill_one(at));
    }

    fn start(&self) {
        (0..self.ports.len()).for_each(|at| self.start_one(at));
        for port in &self.ports {
            // The streams may still be without a leader.
            until("a server listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).ok());
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the server: that of the tests, or one that is installed.
fn program() -> Option<PathBuf> {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/.cache/venv/bin/nats-server");
    let named = std::env::var_os("DAYUAN_NATS_SERVER").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|folder| folder.join("nats-server"));
    named.into_iter().chain([own]).chain(installed).find(|program| program.exists())
}
