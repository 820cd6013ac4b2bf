//! Three nodes, and whatever may fail, at random: nothing that was acknowledged is lost, nothing is there twice, all nodes
//! say the same in the end, and no site is asked too early.
//!
//! `DAYUAN_FAULTS` sets the number of faults, `DAYUAN_SEED` repeats a run, `DAYUAN_SOURCES` sets how many sources there are.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::cluster::{digest, holder};
use super::database::{Database, LEASE, settings, url};
use super::installation::{Daemon, Installation, source, until};
use super::once::{Once, nothing_is_lost, site};

/// Items of one listing.
const ITEMS: usize = 3;
/// How long a site that refuses wants to be left alone.
const REFUSED: Duration = Duration::from_secs(4);
/// What the way does: it is cut, or every piece takes so many milliseconds.
const CUT: u64 = u64::MAX;

/// The way between a node and the database.
struct Way {
    port: u16,
    state: Arc<AtomicU64>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Way {
    fn to(database: Arc<AtomicU16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let way = Self { port: listener.local_addr().unwrap().port(), state: Arc::default(), open: Arc::default() };
        let (state, open) = (Arc::clone(&way.state), Arc::clone(&way.open));
        // It ends with the test.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if state.load(Ordering::Relaxed) == CUT {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", database.load(Ordering::Relaxed))) else { continue };
                let mut all = open.lock().unwrap();
                all.extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                    let state = Arc::clone(&state);
                    std::thread::spawn(move || {
                        let mut piece = [0; 16 << 10];
                        while let Ok(read) = from.read(&mut piece)
                            && read > 0
                        {
                            let delay = state.load(Ordering::Relaxed);
                            if delay == CUT {
                                break;
                            }
                            std::thread::sleep(Duration::from_millis(delay));
                            if to.write_all(&piece[..read]).is_err() {
                                break;
                            }
                        }
                        drop(to.shutdown(std::net::Shutdown::Both));
                    });
                }
            }
        });
        way
    }

    fn set(&self, state: u64) {
        self.state.store(state, Ordering::Relaxed);
        if state == CUT {
            for stream in self.open.lock().unwrap().drain(..) {
                drop(stream.shutdown(std::net::Shutdown::Both));
            }
        }
    }
}

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// A small disk of its own; `None` where none can be mounted.
struct Disk(PathBuf);

impl Disk {
    fn at(place: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&place).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=96m", "tmpfs"]).arg(&place).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(place))
    }

    fn fill(&self) {
        // As much as there is room for.
        let zeros = vec![0; 1 << 20];
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&zeros).is_ok() {}
    }

    fn free(&self) {
        drop(std::fs::remove_file(self.0.join("filler")));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

struct Stage {
    database: Database,
    port: Arc<AtomicU16>,
    ways: Vec<Way>,
    disk: Option<Disk>,
    nodes: Vec<Installation>,
    daemons: Vec<Daemon>,
    dice: Dice,
}

const NAMES: [&str; 3] = ["one", "two", "three"];
const FAULTS: [&str; 8] = [
    "node killed",
    "database killed",
    "poller stopped",
    "partition",
    "slow way",
    "full disk",
    "bit flipped",
    "promotion",
];

impl Stage {
    fn node(&mut self) -> usize {
        usize::try_from(self.dice.below(3)).unwrap()
    }

    /// The node that polls, or any.
    fn poller(&mut self) -> usize {
        let name = self.nodes.iter().find_map(holder).unwrap_or_default();
        NAMES.iter().position(|known| *known == name).unwrap_or_else(|| self.node())
    }

    fn pause(&mut self, most: u64) {
        std::thread::sleep(Duration::from_millis(self.dice.below(most)));
    }

    fn fault(&mut self, kind: usize) {
        match FAULTS[kind] {
            "node killed" => {
                let at = if self.dice.below(2) == 0 { self.poller() } else { self.node() };
                self.daemons[at].kill();
                self.pause(3000);
                self.daemons[at] = self.nodes[at].launch(&[]);
            }
            "database killed" => {
                self.database.kill();
                self.pause(2000);
                self.database.start();
            }
            "poller stopped" => {
                let at = self.poller();
                self.daemons[at].signal("STOP");
                std::thread::sleep(LEASE * 2);
                self.daemons[at].signal("CONT");
            }
            "partition" => {
                let at = if self.dice.below(2) == 0 { self.poller() } else { self.node() };
                self.ways[at].set(CUT);
                self.pause(7000);
                self.ways[at].set(0);
            }
            "slow way" => {
                let (at, delay) = (self.node(), 50 + self.dice.below(400));
                self.ways[at].set(delay);
                self.pause(5000);
                self.ways[at].set(0);
            }
            "full disk" => {
                if let Some(disk) = &self.disk {
                    disk.fill();
                    std::thread::sleep(Duration::from_millis(500 + self.dice.below(4000)));
                    disk.free();
                }
            }
            "bit flipped" => self.flip(),
            _ => {
                let standby = self.database.standby();
                self.pause(1500);
                self.database.kill();
                standby.run("pg_ctl", &["-w", "-D", &standby.data(), "promote"]);
                self.port.store(standby.port, Ordering::Relaxed);
                let old = std::mem::replace(&mut self.database, standby);
                // Its processes are gone.
                drop(std::fs::remove_file(std::path::Path::new(&old.data()).join("postmaster.pid")));
            }
        }
    }

    /// A bit flips in a page of the log: the database says so, and a new node takes in nothing wrong.
    fn flip(&mut self) {
        self.database.ask("checkpoint");
        let file = self.database.ask("select pg_relation_filepath('dayuan_log')");
        let pages: u64 = self.database.ask("select pg_relation_size('dayuan_log') / 8192").parse().unwrap();
        if pages < 3 {
            return;
        }
        let place = self.dice.below(pages - 2) * 8192 + 4096 + self.dice.below(4000);
        let data = self.database.data();
        self.database.run("pg_ctl", &["-w", "-m", "fast", "-D", &data, "stop"]);
        self.database.flip(&file, place);
        self.database.start();
        let fresh = Installation::with(&settings("fresh", &url(self.database.port)), "");
        let pulled = fresh.run(&["log", "pull"]);
        let told = String::from_utf8_lossy(&pulled.stderr).into_owned();
        assert!(!pulled.status.success() && told.contains("invalid page"), "the flipped bit was not seen: {told}");
        self.database.run("pg_ctl", &["-w", "-m", "fast", "-D", &data, "stop"]);
        self.database.flip(&file, place);
        self.database.start();
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

#[test]
#[ignore = "takes minutes; see ARCHITECTURE.md"]
fn n9_whatever_fails_at_random_nothing_is_lost() {
    let Some(database) = Database::new() else { return };
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let (faults, seed) = (number("DAYUAN_FAULTS", 8), number("DAYUAN_SEED", clock | 1));
    let count = u8::try_from(number("DAYUAN_SOURCES", 12)).unwrap();
    println!("DAYUAN_SEED={seed}");
    let states: Vec<Arc<Mutex<Once>>> = (0..count).map(|_| Arc::new(Mutex::new(Once::refusing(9, REFUSED)))).collect();
    let sites: Vec<_> = states.iter().zip(1..).map(|(state, host)| site(host, ITEMS, Arc::clone(state))).collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let port = Arc::new(AtomicU16::new(database.port));
    let ways: Vec<Way> = NAMES.iter().map(|_| Way::to(Arc::clone(&port))).collect();
    let of = |(name, way): (&&str, &Way)| Installation::with(&settings(name, &url(way.port)), &blocks);
    let nodes: Vec<Installation> = NAMES.iter().zip(&ways).map(of).collect();
    let disk = Disk::at(nodes[2].folder.path().join("store"));
    if disk.is_none() {
        println!("SKIPPED: no disk can be mounted, so none is full");
    }
    let daemons: Vec<Daemon> = nodes.iter().map(|node| node.start()).collect();
    let mut stage = Stage { database, port, ways, disk, nodes, daemons, dice: Dice(seed) };
    let asked = || states.iter().map(|state| state.lock().unwrap().asked.len()).sum::<usize>();
    let breaches = || states.iter().map(|state| state.lock().unwrap().breaches).sum::<usize>();
    let mut happened: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..faults {
        let kind = usize::try_from(stage.dice.below(8)).unwrap();
        let broken = breaches();
        stage.fault(kind);
        *happened.entry(FAULTS[kind]).or_default() += 1;
        let before = asked();
        let began = Instant::now();
        until(&format!("polling goes on after: {}", FAULTS[kind]), || (asked() > before + 2).then_some(()));
        if began.elapsed() > LEASE * 2 {
            println!("{} and then {:?} without a poll", FAULTS[kind], began.elapsed());
        }
        if breaches() > broken {
            println!("{}: {} polls against Retry-After", FAULTS[kind], breaches() - broken);
        }
    }
    let Stage { database, disk, nodes, daemons, .. } = stage;
    for daemon in daemons {
        assert_eq!(daemon.stop(), Some(0));
    }
    let mut acknowledged = 0;
    for node in &nodes {
        let pulled = node.run(&["log", "pull"]);
        assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
        assert!(node.run(&["rebuild"]).status.success());
        acknowledged = nothing_is_lost(&node.folder.path().join("store"), &states, 1, ITEMS);
    }
    let digests: HashSet<String> = nodes.iter().map(digest).collect();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let (mut early, mut all) = (0, 0);
    for state in &states {
        let state = state.lock().unwrap();
        all += state.asked.len();
        early += state.asked.windows(2).filter(|pair| pair[1].0 - pair[0].0 < Duration::from_millis(700)).count();
    }
    println!(
        "{faults} faults {happened:?}: {all} polls, {acknowledged} items acknowledged, 0 lost, 0 twice; {early} too early, {} against Retry-After",
        breaches()
    );
    assert_eq!((early, breaches()), (0, 0), "a site was asked too early");
    drop((disk, database));
}
