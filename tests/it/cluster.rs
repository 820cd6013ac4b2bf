//! Several machines on one log, in a real PostgreSQL: what one node reported, all of them have, whatever is killed.

use std::collections::HashSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::http::{Reply, Site};
use super::installation::{Daemon, Installation, feed, source, until};

/// How long the right to poll lasts.
const LEASE: Duration = Duration::from_secs(3);

/// A database server of one's own; it ends with the test.
struct Database {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
}

impl Database {
    /// Makes and starts one; `None` if this machine has no PostgreSQL.
    fn new() -> Option<Self> {
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
        database.run("initdb", &["-A", "trust", "-U", "dayuan", "-E", "UTF8", "--no-locale", "-D", &data]);
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

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
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

    fn start(&self) {
        let log = self.folder.path().join("log").display().to_string();
        self.run("pg_ctl", &["-w", "-D", &self.data(), "-l", &log, "start"]);
    }

    /// Ends it as a power cut does, but for what the disk has.
    fn stop(&self) {
        self.run("pg_ctl", &["-w", "-m", "immediate", "-D", &self.data(), "stop"]);
    }

    fn ask(&self, question: &str) -> String {
        let port = self.port.to_string();
        let output = self.run("psql", &["-h", "127.0.0.1", "-p", &port, "-U", "dayuan", "-Atc", question, "dayuan"]);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Settings of a node.
    fn settings(&self, node: &str) -> String {
        format!(
            "[cluster]\nurl = \"postgres://dayuan@127.0.0.1:{}/dayuan\"\nnode = \"{node}\"\nlease = \"{}s\"\n[fetch]\nallow_networks = [\"127.0.7.0/24\"]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"2s\"\nhost_gap = \"0s\"\n",
            self.port,
            LEASE.as_secs()
        )
    }
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

/// A source that gives each of its items once only. When it is asked with the validator of a listing, that listing was
/// acknowledged: losing one of its items would be for ever.
#[derive(Default)]
struct Source {
    made: usize,
    acknowledged: HashSet<usize>,
    /// When it was asked, and whether with a validator.
    asked: Vec<(Instant, bool)>,
}

/// Items of one listing.
const ITEMS: usize = 3;

fn site(host: u8, state: Arc<Mutex<Source>>) -> Site {
    Site::new(host, move |request| {
        let mut state = state.lock().unwrap();
        let tag = request.headers.get("if-none-match");
        if let Some(tag) = tag {
            state.acknowledged.insert(tag.trim_matches('"').parse().unwrap());
        }
        state.asked.push((Instant::now(), tag.is_some()));
        state.made += 1;
        let number = state.made;
        let items: Vec<(String, String)> =
            (0..ITEMS).map(|item| (format!("h{host}-l{number}-i{item}"), format!("/{number}/{item}"))).collect();
        let items: Vec<(&str, &str, &str, i64)> =
            items.iter().map(|(guid, link)| (guid.as_str(), link.as_str(), guid.as_str(), 1)).collect();
        Reply::ok(feed(&items)).with("etag", format!("\"{number}\""))
    })
}

/// The node that polls, as a node sees it.
fn holder(installation: &Installation) -> Option<String> {
    let output = installation.run(&["status"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("cluster: "))?;
    if let Some(own) = line.strip_suffix(", which polls") {
        return Some(own.to_owned());
    }
    line.strip_suffix(" polls").and_then(|line| line.split("; ").nth(1)).map(str::to_owned)
}

fn digest(installation: &Installation) -> String {
    let verify = installation.run(&["verify"]);
    let text = String::from_utf8_lossy(&verify.stdout).into_owned();
    assert!(verify.status.success(), "{text}{}", String::from_utf8_lossy(&verify.stderr));
    text
}

/// Everything that was acknowledged is in the log of a node, and no title is in its feed twice.
fn nothing_is_lost(installation: &Installation, states: &[Arc<Mutex<Source>>], hosts: std::ops::Range<u8>) -> usize {
    let mut logged = String::new();
    for entry in std::fs::read_dir(installation.folder.path().join("store/log")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            logged.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    let guids: Vec<&str> = logged.split("\"guid\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let known: HashSet<&str> = guids.iter().copied().collect();
    assert_eq!(known.len(), guids.len(), "an item was reported twice");
    let mut acknowledged = 0;
    for (state, host) in states.iter().zip(hosts) {
        for number in &state.lock().unwrap().acknowledged {
            for item in 0..ITEMS {
                let guid = format!("h{host}-l{number}-i{item}");
                assert!(known.contains(guid.as_str()), "{guid} was acknowledged and is lost");
                acknowledged += 1;
            }
        }
    }
    acknowledged
}

#[test]
fn n1_a_log_is_pushed_and_pulled_byte_for_byte() {
    let Some(database) = Database::new() else { return };
    let state = Arc::new(Mutex::new(Source::default()));
    let site = site(30, Arc::clone(&state));
    let old = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = old.start();
    daemon.until_items("140300", 9);
    assert_eq!(daemon.stop(), Some(0));
    std::fs::write(
        old.config().join("dayuan.toml"),
        std::fs::read_to_string(old.config().join("dayuan.toml")).unwrap() + &cluster_only(&database, "old"),
    )
    .unwrap();
    for _ in 0..2 {
        let pushed = old.run(&["log", "push"]);
        assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    }
    let new = Installation::with(&database.settings("new"), &source("a", "140300", &site.url("/feed")));
    for _ in 0..2 {
        let pulled = new.run(&["log", "pull"]);
        assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
    }
    let log = |installation: &Installation| {
        let folder = installation.folder.path().join("store/log");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
        files.sort();
        let named = |path: &PathBuf| (path.file_name().unwrap().to_owned(), std::fs::read(path).unwrap());
        files.iter().map(named).collect::<Vec<_>>()
    };
    assert_eq!(log(&old), log(&new));
    // A bit that flips in the database is seen, and what is behind it is not taken in.
    database.ask("update dayuan_log set line = set_byte(line, 40, get_byte(line, 40) # 1) where seq = 4");
    let third = Installation::with(&database.settings("third"), "");
    let pulled = third.run(&["log", "pull"]);
    let told = String::from_utf8_lossy(&pulled.stderr).into_owned();
    assert!(!pulled.status.success() && told.contains("record 4 was not taken in"), "{told}");
    // Nothing is written to one copy alone.
    let refused = new.run(&["withdraw", "--source", "a", "--reason", "test"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("several machines share the log"), "{told}");
    // Another log is not mixed in.
    let other = Installation::with(&database.settings("other"), "");
    other.say(&[dayuan::log::Record::Restore {
        item: dayuan::model::ItemId::from_u128(1),
        at: dayuan::model::Moment::from_seconds(1),
    }]);
    let pushed = other.run(&["log", "push"]);
    let told = String::from_utf8_lossy(&pushed.stderr).into_owned();
    assert!(!pushed.status.success() && told.contains("these are two logs"), "{told}");
}

fn cluster_only(database: &Database, node: &str) -> String {
    let settings = database.settings(node);
    settings.split("[fetch]").next().unwrap().to_owned()
}

#[test]
fn n2_whatever_is_killed_nothing_acknowledged_is_lost_and_all_nodes_say_the_same() {
    let Some(database) = Database::new() else { return };
    let hosts = 31..37;
    let states: Vec<Arc<Mutex<Source>>> = hosts.clone().map(|_| Arc::default()).collect();
    let sites: Vec<Site> =
        states.iter().zip(hosts.clone()).map(|(state, host)| site(host, Arc::clone(state))).collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let names = ["one", "two", "three"];
    let nodes: Vec<Installation> =
        names.iter().map(|name| Installation::with(&database.settings(name), &blocks)).collect();
    let mut daemons: Vec<Daemon> = nodes.iter().map(Installation::start).collect();
    let polls = |among: &[usize]| {
        until("a node polls", || {
            let name = holder(&nodes[among[0]])?;
            names.iter().position(|known| *known == name).filter(|at| among.contains(at))
        })
    };
    let asked = || states.iter().map(|state| state.lock().unwrap().asked.len()).sum::<usize>();

    // A killed node: another one goes on within two leases, where the first one was.
    let mut longest = Duration::ZERO;
    for _ in 0..kills() {
        let leader = polls(&[0, 1, 2]);
        let before = asked();
        until("it polls", || (asked() > before + 6).then_some(()));
        let others: Vec<usize> = (0..3).filter(|at| *at != leader).collect();
        daemons[leader].kill();
        let (killed, at_kill) = (Instant::now(), asked());
        until("another node polls", || (asked() > at_kill + 1).then_some(()));
        longest = longest.max(killed.elapsed());
        assert!(killed.elapsed() < LEASE * 2 + Duration::from_secs(2), "{:?} without a poll", killed.elapsed());
        polls(&others);
        daemons[leader] = nodes[leader].start();
    }

    // A stopped node polls no more once its right has ended, and does not know it at first.
    let leader = polls(&[0, 1, 2]);
    daemons[leader].signal("STOP");
    let stopped = Instant::now();
    let at_stop = asked();
    until("another node polls", || (asked() > at_stop + 2).then_some(()));
    longest = longest.max(stopped.elapsed());
    daemons[leader].signal("CONT");

    // The database is away: feeds are served, nothing is polled for long, and it goes on by itself.
    database.stop();
    until("a node says so", || {
        let told = String::from_utf8_lossy(&nodes[0].run(&["status"]).stdout).into_owned();
        told.contains("the shared log cannot be reached").then_some(())
    });
    assert!(!daemons[0].items("140300").is_empty());
    std::thread::sleep(LEASE);
    let quiet = asked();
    std::thread::sleep(LEASE);
    assert_eq!(asked(), quiet, "something was polled although nobody has the right to");
    database.start();
    until("polling goes on", || (asked() > quiet + 6).then_some(()));

    // A decision on any node counts on all.
    let leader = polls(&[0, 1, 2]);
    let follower = (leader + 1) % 3;
    let item = daemons[follower].items("140300")[0].clone();
    let withdrawn = nodes[follower].run(&["withdraw", item["id"].as_str().unwrap(), "--reason", "test"]);
    assert!(withdrawn.status.success(), "{}", String::from_utf8_lossy(&withdrawn.stderr));
    for daemon in &daemons {
        until("it is gone everywhere", || {
            daemon.items("140300").iter().all(|known| known["id"] != item["id"]).then_some(())
        });
    }
    let refused = nodes[follower].run(&["poll", "s0"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned() + &String::from_utf8_lossy(&refused.stdout);
    assert!(told.contains("polls now; ask there"), "{told}");
    assert!(nodes[follower].run(&["pause", "s0"]).status.success());
    let is_quiet = || {
        let before = states[0].lock().unwrap().asked.len();
        std::thread::sleep(Duration::from_secs(3));
        states[0].lock().unwrap().asked.len() == before
    };
    until("s0 is polled no more", || is_quiet().then_some(()));

    // The end: all are level, have the same view, and nothing is lost or there twice.
    for daemon in daemons {
        assert_eq!(daemon.stop(), Some(0));
    }
    for node in &nodes {
        let pulled = node.run(&["log", "pull"]);
        assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
    }
    let mut acknowledged = 0;
    for node in &nodes {
        assert!(node.run(&["rebuild"]).status.success());
        acknowledged = nothing_is_lost(node, &states, hosts.clone());
    }
    assert!(acknowledged > 0, "nothing was acknowledged: the test shows nothing");
    let digests: HashSet<String> = nodes.iter().map(digest).collect();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let (mut early, mut bare, mut all) = (0, 0, 0);
    for state in &states {
        let state = state.lock().unwrap();
        all += state.asked.len();
        early += state.asked.windows(2).filter(|pair| pair[1].0 - pair[0].0 < Duration::from_millis(700)).count();
        bare += state.asked.iter().skip(1).filter(|(_, is_conditional)| !is_conditional).count();
    }
    println!(
        "{all} polls, {acknowledged} items acknowledged, 0 lost; longest without a poll {longest:?}; {early} early, {bare} without a validator"
    );
    assert_eq!(early, 0, "a source was asked too early");
}

/// How many times the node that polls is killed.
fn kills() -> usize {
    std::env::var("DAYUAN_KILLS").ok().and_then(|number| number.parse().ok()).unwrap_or(3)
}
