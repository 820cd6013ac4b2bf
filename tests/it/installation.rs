//! A daemon of one's own: a config in a temporary folder, and the real program on port 0.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::http::{Reply, Site};
pub(crate) use super::until::until;

/// A folder with a config and a store.
pub(crate) struct Installation {
    pub(crate) folder: tempfile::TempDir,
}

impl Installation {
    /// A house whose sources are these blocks.
    pub(crate) fn new(sources: &str) -> Self {
        Self::with("", sources)
    }

    /// A house with more settings.
    pub(crate) fn with(settings: &str, sources: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let installation = Self { folder };
        std::fs::create_dir_all(installation.config().join("sources")).unwrap();
        let path = installation.folder.path().display();
        let base = format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n[store]\npath = \"{path}/store\"\n[admin]\nsocket = \"{path}/dayuan.sock\"\n[log]\nformat = \"json\"\nlevel = \"debug\"\n"
        );
        let usual = "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"2s\"\nhost_gap = \"0s\"\n";
        let own = if settings.is_empty() { usual } else { settings };
        std::fs::write(installation.config().join("dayuan.toml"), format!("{base}{own}")).unwrap();
        std::fs::write(
            installation.config().join("regions.toml"),
            "publish = [\"140000\"]\n[[region]]\nid = \"140300\"\nslug = \"yangquan\"\nwas = [\"yq\"]\n",
        )
        .unwrap();
        installation.sources(sources);
        installation
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    pub(crate) fn sources(&self, sources: &str) {
        std::fs::write(self.config().join("sources/all.toml"), sources).unwrap();
    }

    /// Runs a command of the program to its end.
    /// Writes records into the log, before a daemon lives here.
    pub(crate) fn say(&self, records: &[dayuan::log::Record]) {
        self.say_at(records, dayuan::model::Moment::from_seconds(1_678_330_000));
    }

    pub(crate) fn say_at(&self, records: &[dayuan::log::Record], at: dayuan::model::Moment) {
        let (log, _) = dayuan::log::Log::open(&self.folder.path().join("store/log")).unwrap();
        log.append(records, at).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(&[], arguments)
    }

    pub(crate) fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_dayuan"))
            .arg("--config")
            .arg(self.config())
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// What the daemon answers on its admin socket to these bytes.
    pub(crate) fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = std::os::unix::net::UnixStream::connect(self.folder.path().join("dayuan.sock")).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Starts the daemon and waits until it answers.
    pub(crate) fn start(&self) -> Daemon {
        self.start_with(&[])
    }

    pub(crate) fn start_with(&self, environment: &[(&str, &str)]) -> Daemon {
        let daemon = self.launch(environment);
        until("the store is open", || (super::http::get(daemon.address, "/readyz").status == 200).then_some(()));
        daemon
    }

    /// Starts the daemon; its store may still be closed.
    pub(crate) fn launch(&self, environment: &[(&str, &str)]) -> Daemon {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dayuan"));
        command.arg("run").arg("--config").arg(self.config()).envs(environment.iter().copied());
        self.launch_command(command)
    }

    /// Starts the daemon with a command of one's own.
    pub(crate) fn launch_command(&self, mut command: Command) -> Daemon {
        let mut child = command.current_dir(self.folder.path()).stderr(Stdio::piped()).spawn().unwrap();
        let log: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (lines, remembered) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                remembered.lock().unwrap().push(line);
            }
        });
        let address = until("the daemon answers", || {
            assert!(child.try_wait().unwrap().is_none(), "it ended: {:?}", log.lock().unwrap());
            let log = log.lock().unwrap();
            let mut lines = log.iter().filter(|line| line["fields"]["event"] != "socket_unit_unused");
            lines.find_map(|line| line["fields"]["address"].as_str()?.parse().ok())
        });
        Daemon { child, address, log }
    }
}

/// A running daemon; it is killed when dropped.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<Value>>>,
}

impl Daemon {
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    /// The items of a region's JSON feed.
    pub(crate) fn items(&self, region: &str) -> Vec<Value> {
        let got = super::http::get(self.address, &format!("/regions/{region}/feed.json"));
        let feed: Value =
            serde_json::from_slice(&got.body).unwrap_or_else(|_| panic!("{}: {}", got.status, got.text()));
        feed["items"].as_array().unwrap().clone()
    }

    pub(crate) fn titles(&self, region: &str) -> Vec<String> {
        self.items(region).iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until a region's feed has so many items.
    pub(crate) fn until_items(&self, region: &str, count: usize) -> Vec<Value> {
        until(&format!("{count} items in {region}"), || Some(self.items(region)).filter(|items| items.len() >= count))
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), pid]).status().unwrap().success());
    }

    /// Ends it as systemd does, and returns its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        until("the daemon ends", || self.child.try_wait().unwrap()).code()
    }

    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// How the sources fare, by id.
    pub(crate) fn status(&self, installation: &Installation, source: &str) -> Value {
        let output = installation.run(&["status", "--json"]);
        let lines = String::from_utf8(output.stdout).unwrap();
        let all: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        all.into_iter().find(|line| line["source"] == source).unwrap_or_else(|| panic!("no {source} in {lines}"))
    }

    /// The peak of its memory, in KiB.
    pub(crate) fn peak(&self) -> u64 {
        let status =
            std::fs::read_to_string(Path::new("/proc").join(self.child.id().to_string()).join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A `[[source]]` block.
pub(crate) fn source(id: &str, region: &str, url: &str) -> String {
    format!("[[source]]\nid = \"{id}\"\ntitle = \"{id} title\"\nregion = \"{region}\"\nurl = \"{url}\"\n")
}

/// A site whose feed has as many notices as are wanted.
pub(crate) fn notices(host: u8, most: usize) -> (Site, Arc<Mutex<usize>>) {
    let wanted = Arc::new(Mutex::new(most));
    let count = Arc::clone(&wanted);
    let site = Site::new(host, move |_| {
        let items: Vec<_> = (1..=*count.lock().unwrap())
            .map(|number| (format!("/a/{number}"), format!("供暖通告第{number}号")))
            .collect();
        let items: Vec<_> =
            items.iter().map(|(path, title)| (path.as_str(), path.as_str(), title.as_str(), 2)).collect();
        Reply::ok(feed(&items))
    });
    (site, wanted)
}

/// An RSS feed with these items: guid, link, title, hours ago.
pub(crate) fn feed(items: &[(&str, &str, &str, i64)]) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = dayuan::model::Moment::from_seconds(i64::try_from(now).unwrap());
    let items: String = items
        .iter()
        .map(|(guid, link, title, hours)| {
            let date = now.plus_seconds(-3600 * hours).rfc2822();
            format!("<item><guid isPermaLink=\"false\">{guid}</guid><link>{link}</link><title>{title}</title><pubDate>{date}</pubDate><description>{title}。</description></item>")
        })
        .collect();
    format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>x</title>{items}</channel></rss>")
}
