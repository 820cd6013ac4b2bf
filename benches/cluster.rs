//! What a shared log costs: `cargo bench --features postgres,nats --bench cluster -- [RECORDS]`. It starts a PostgreSQL of its
//! own, one NATS server and three, and prints reports per second: appended a poll at a time (to this machine's log, and to the
//! shared one), told to a reader that waits, and pushed and pulled as a whole log.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark ends with its first surprise, and prints what it measured"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

#[path = "../tests/it/database.rs"]
#[expect(dead_code, reason = "tests ask more of it")]
mod database;
#[path = "../tests/it/nats.rs"]
#[expect(dead_code, reason = "tests ask more of it")]
mod nats;
#[path = "../tests/it/until.rs"]
mod until;

use dayuan::cluster::{Connection, Engine, EngineError, LeaseRow, connect, pull, push};
use dayuan::log::{Line, Log, Record, encode};
use dayuan::model::{Draft, ItemId, Key, Moment, Precision, Report, SourceId, Stamp};

use database::{Database, Servers};
use nats::Nats;

const START: Moment = Moment::from_seconds(1_790_000_000);
/// Reports of one poll.
const POLL: usize = 30;
/// Polls that are appended one after the other.
const POLLS: usize = 300;
/// What a node takes in after a day away.
const A_DAY: usize = 100_000;

fn connected(url: &str) -> Arc<dyn Engine> {
    connect(&Connection { url: url.to_owned(), password: None }).unwrap()
}

/// A report of about two kilobytes.
fn report(number: usize) -> Record {
    let source = SourceId::new(&format!("s{}", number % 300)).unwrap();
    let at = START.plus_seconds(i64::try_from(number / 100).unwrap());
    let draft = Draft {
        title: format!("关于第{number}号供暖工程有关事项的通告"),
        link: Some(format!("https://s{}.example.cn/{number}.html", number % 300)),
        text: format!("第{number}号。").repeat(12) + &"各有关单位要按照职责分工，认真抓好落实。".repeat(28),
        published: Some(Stamp { at, precision: Precision::Second, offset: 28_800 }),
        ..Draft::default()
    };
    let key = Key::of(None, draft.checked_link().as_ref(), &draft.title, None).unwrap();
    let item = ItemId::of(&source, &key);
    Record::Report(Box::new(Report { item, key, source, seen: at, reader: 1, first_import: false, draft }))
}

fn reports(from: usize, count: usize) -> Vec<Record> {
    (from..from + count).map(report).collect()
}

fn new_log() -> (tempfile::TempDir, Log) {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = Log::open(&folder.path().join("log")).unwrap();
    (folder, log)
}

fn rate(count: usize, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}

/// Appends as a node does: behind what is there, with the token of the lease, then into the own log.
fn append(engine: &dyn Engine, log: &Log, records: &[Record], token: u64) -> Result<(), EngineError> {
    let lines: Vec<Line> = encode(records, log.last_seq(), log.newest_day().max(20_700))?;
    engine.append(&lines, Some(token))?;
    log.mirror(&lines)?;
    Ok(())
}

/// Takes the lease.
fn hold(engine: &dyn Engine) {
    let seen = until::until("the servers answer", || engine.lease().ok());
    assert!(engine.replace_lease(&seen, &LeaseRow { holder: "bench".to_owned(), token: 1, beat: 1 }).unwrap());
}

/// Appends a poll at a time while a reader waits.
fn appended(name: &str, url: &str, polls: &[Vec<Record>]) {
    let (engine, reader, total) = (connected(url), connected(url), POLLS * POLL);
    hold(&*engine);
    let (_folder, shared) = new_log();
    let tail = std::thread::spawn(move || {
        let (_folder, log) = new_log();
        while log.last_seq() < total as u64 {
            if pull(&*reader, &log, &|_| {}).unwrap() == 0 {
                reader.wait(Duration::from_secs(1)).unwrap();
            }
        }
        Instant::now()
    });
    let began = Instant::now();
    polls.iter().for_each(|poll| append(&*engine, &shared, poll, 1).unwrap());
    println!("append, {POLL} a poll: {name} and this machine's log {:.0} reports/s", rate(total, began));
    let ended = Instant::now();
    println!(
        "tail: level {:.1} ms after the last append",
        tail.join().unwrap().saturating_duration_since(ended).as_secs_f64() * 1e3
    );
}

/// Pushes a log of so many records, and pulls it back.
fn moved(url: &str, count: usize) {
    let engine = connected(url);
    hold(&*engine);
    let (_folder, log) = new_log();
    for from in (0..count).step_by(2000) {
        log.append(&reports(from, 2000.min(count - from)), START).unwrap();
    }
    let began = Instant::now();
    assert_eq!(push(&log, &*engine, &|_| {}).unwrap(), count as u64);
    println!("push of {count}: {:.0} records/s", rate(count, began));
    let (_folder, other) = new_log();
    let began = Instant::now();
    assert_eq!(pull(&*engine, &other, &|_| {}).unwrap(), count as u64);
    println!("pull of {count}: {:.0} records/s", rate(count, began));
    assert!(log.lines(0).unwrap().map(Result::unwrap).eq(other.lines(0).unwrap().map(Result::unwrap)), "two logs");
}

fn main() {
    let all = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(1_000_000);
    let polls: Vec<Vec<Record>> = (0..POLLS).map(|poll| reports(poll * POLL, POLL)).collect();
    let (_folder, local) = new_log();
    let began = Instant::now();
    polls.iter().for_each(|poll| drop(local.append(poll, START).unwrap()));
    println!("append, {POLL} a poll: this machine's log {:.0} reports/s", rate(POLL * POLLS, began));
    drop(local);

    type Start = fn() -> Option<Box<dyn Servers>>;
    let engines: [(&str, Start); 3] = [
        ("PostgreSQL", || Some(Box::new(Database::new()?))),
        ("NATS", || Some(Box::new(Nats::new(1)?))),
        ("NATS on three servers", || Some(Box::new(Nats::new(3)?))),
    ];
    for (name, start) in engines {
        if let Some(servers) = start() {
            appended(name, &servers.url(), &polls);
        }
        for count in [A_DAY.min(all), all] {
            if let Some(servers) = start() {
                moved(&servers.url(), count);
            }
        }
    }
}
