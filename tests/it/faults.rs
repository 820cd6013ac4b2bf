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

    fn pause(&mut self, most: u64) {
        std::thread::sleep(Duration::from_millis(self.below(most)));
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

/// The shared log, and the ways of each node to it.
enum Shared {
    Postgres {
        database: Box<Database>,
        port: Arc<AtomicU16>,
    },
    #[cfg(feature = "nats")]
    Nats(super::nats::Nats),
}

impl Shared {
    /// The address by which a node reaches it, and the ways there.
    fn reach(&self) -> (String, Vec<Way>) {
        match self {
            Self::Postgres { port, .. } => {
                let way = Way::to(Arc::clone(port));
                (url(way.port), vec![way])
            }
            #[cfg(feature = "nats")]
            Self::Nats(nats) => {
                let ways: Vec<Way> = nats.ports.iter().map(|port| Way::to(Arc::new(AtomicU16::new(*port)))).collect();
                let hosts: Vec<String> = ways.iter().map(|way| format!("127.0.0.1:{}", way.port)).collect();
                (format!("nats://{}", hosts.join(",")), ways)
            }
        }
    }

    /// What fails: what every shared log has, and what this one has.
    const fn faults(&self) -> [&'static str; 8] {
        match self {
            Self::Postgres { .. } => [
                "node killed",
                "poller stopped",
                "partition",
                "slow way",
                "full disk",
                "database killed",
                "bit flipped",
                "promotion",
            ],
            #[cfg(feature = "nats")]
            Self::Nats(_) => [
                "node killed",
                "poller stopped",
                "partition",
                "slow way",
                "full disk",
                "all servers killed",
                "a server killed",
                "a server stopped",
            ],
        }
    }

    fn fault(&mut self, kind: &str, dice: &mut Dice) {
        match self {
            Self::Postgres { database, port } => match kind {
                "database killed" => {
                    database.kill();
                    dice.pause(2000);
                    database.start();
                }
                "bit flipped" => flip(database, dice),
                _ => {
                    let standby = database.standby();
                    dice.pause(1500);
                    database.kill();
                    standby.run("pg_ctl", &["-w", "-D", &standby.data(), "promote"]);
                    port.store(standby.port, Ordering::Relaxed);
                    let old = std::mem::replace(&mut **database, standby);
                    // Its processes are gone.
                    drop(std::fs::remove_file(std::path::Path::new(&old.data()).join("postmaster.pid")));
                }
            },
            #[cfg(feature = "nats")]
            Self::Nats(nats) => {
                use super::database::Servers;
                let at = usize::try_from(dice.below(nats.ports.len() as u64)).unwrap();
                match kind {
                    "all servers killed" => {
                        nats.stop();
                        dice.pause(2000);
                        nats.start();
                    }
                    "a server killed" => {
                        nats.kill_one(at);
                        dice.pause(4000);
                        nats.start_one(at);
                    }
                    _ => {
                        nats.signal(at, "STOP");
                        dice.pause(8000);
                        nats.signal(at, "CONT");
                    }
                }
            }
        }
    }
}

struct Stage {
    shared: Shared,
    ways: Vec<Vec<Way>>,
    disk: Option<Disk>,
    nodes: Vec<Installation>,
    daemons: Vec<Daemon>,
    dice: Dice,
}

const NAMES: [&str; 3] = ["one", "two", "three"];

impl Stage {
    fn node(&mut self) -> usize {
        usize::try_from(self.dice.below(3)).unwrap()
    }

    /// The node that polls, or any.
    fn poller(&mut self) -> usize {
        let name = self.nodes.iter().find_map(holder).unwrap_or_default();
        NAMES.iter().position(|known| *known == name).unwrap_or_else(|| self.node())
    }

    fn set(&self, node: usize, state: u64) {
        self.ways[node].iter().for_each(|way| way.set(state));
    }

    fn fault(&mut self, kind: &str) {
        match kind {
            "node killed" => {
                let at = if self.dice.below(2) == 0 { self.poller() } else { self.node() };
                self.daemons[at].kill();
                self.dice.pause(3000);
                self.daemons[at] = self.nodes[at].launch(&[]);
            }
            "poller stopped" => {
                let at = self.poller();
                self.daemons[at].signal("STOP");
                std::thread::sleep(LEASE * 2);
                self.daemons[at].signal("CONT");
            }
            "partition" => {
                let at = if self.dice.below(2) == 0 { self.poller() } else { self.node() };
                self.set(at, CUT);
                self.dice.pause(7000);
                self.set(at, 0);
            }
            "slow way" => {
                let (at, delay) = (self.node(), 50 + self.dice.below(400));
                self.set(at, delay);
                self.dice.pause(5000);
                self.set(at, 0);
            }
            "full disk" => {
                if let Some(disk) = &self.disk {
                    disk.fill();
                    std::thread::sleep(Duration::from_millis(500 + self.dice.below(4000)));
                    disk.free();
                }
            }
            _ => self.shared.fault(kind, &mut self.dice),
        }
    }
}

/// A bit flips in a page of the log: the database says so, and a new node takes in nothing wrong.
fn flip(database: &Database, dice: &mut Dice) {
    database.ask("checkpoint");
    let file = database.ask("select pg_relation_filepath('dayuan_log')");
    let pages: u64 = database.ask("select pg_relation_size('dayuan_log') / 8192").parse().unwrap();
    if pages < 3 {
        return;
    }
    let place = dice.below(pages - 2) * 8192 + 4096 + dice.below(4000);
    let data = database.data();
    database.run("pg_ctl", &["-w", "-m", "fast", "-D", &data, "stop"]);
    database.flip(&file, place);
    database.start();
    let fresh = Installation::with(&settings("fresh", &url(database.port)), "");
    let pulled = fresh.run(&["log", "pull"]);
    let told = String::from_utf8_lossy(&pulled.stderr).into_owned();
    assert!(!pulled.status.success() && told.contains("invalid page"), "the flipped bit was not seen: {told}");
    database.run("pg_ctl", &["-w", "-m", "fast", "-D", &data, "stop"]);
    database.flip(&file, place);
    database.start();
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

#[test]
#[ignore = "takes minutes; see ARCHITECTURE.md"]
fn n9_whatever_fails_at_random_nothing_is_lost() {
    let Some(database) = Database::new().map(Box::new) else { return };
    let port = Arc::new(AtomicU16::new(database.port));
    nothing_is_lost_whatever_fails(Shared::Postgres { database, port });
}

#[cfg(feature = "nats")]
#[test]
#[ignore = "takes minutes; see ARCHITECTURE.md"]
fn n13_nats_whatever_fails_at_random_nothing_is_lost() {
    if let Some(nats) = super::nats::Nats::new(3) {
        nothing_is_lost_whatever_fails(Shared::Nats(nats));
    }
}

fn nothing_is_lost_whatever_fails(shared: Shared) {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let (faults, seed) = (number("DAYUAN_FAULTS", 8), number("DAYUAN_SEED", clock | 1));
    let count = u8::try_from(number("DAYUAN_SOURCES", 12)).unwrap();
    println!("DAYUAN_SEED={seed}");
    let states: Vec<Arc<Mutex<Once>>> = (0..count).map(|_| Arc::new(Mutex::new(Once::refusing(9, REFUSED)))).collect();
    let sites: Vec<_> = states.iter().zip(1..).map(|(state, host)| site(host, ITEMS, Arc::clone(state))).collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let (urls, ways): (Vec<String>, Vec<Vec<Way>>) = NAMES.iter().map(|_| shared.reach()).unzip();
    let of = |(name, url): (&&str, &String)| Installation::with(&settings(name, url), &blocks);
    let nodes: Vec<Installation> = NAMES.iter().zip(&urls).map(of).collect();
    let disk = Disk::at(nodes[2].folder.path().join("store"));
    if disk.is_none() {
        println!("SKIPPED: no disk can be mounted, so none is full");
    }
    let daemons: Vec<Daemon> = nodes.iter().map(|node| node.start()).collect();
    let mut stage = Stage { shared, ways, disk, nodes, daemons, dice: Dice(seed) };
    let asked = || states.iter().map(|state| state.lock().unwrap().asked.len()).sum::<usize>();
    let breaches = || states.iter().map(|state| state.lock().unwrap().breaches).sum::<usize>();
    let mut happened: BTreeMap<&str, usize> = BTreeMap::new();
    let kinds = stage.shared.faults();
    for _ in 0..faults {
        let kind = kinds[usize::try_from(stage.dice.below(8)).unwrap()];
        let broken = breaches();
        stage.fault(kind);
        *happened.entry(kind).or_default() += 1;
        let before = asked();
        let began = Instant::now();
        until(&format!("polling goes on after: {kind}"), || (asked() > before + 2).then_some(()));
        if began.elapsed() > LEASE * 2 {
            println!("{kind} and then {:?} without a poll", began.elapsed());
        }
        if breaches() > broken {
            println!("{kind}: {} polls against Retry-After", breaches() - broken);
        }
    }
    let Stage { shared, disk, nodes, daemons, .. } = stage;
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
    drop((disk, shared));
}
