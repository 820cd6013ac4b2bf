//! Several machines on one log, in a real PostgreSQL: what one node reported, all of them have, whatever is killed.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::database::{Database, LEASE, Servers};
use super::http::Site;
use super::installation::{Daemon, Installation, source, until};
use super::once::{Once, nothing_is_lost, site};

/// Items of one listing.
const ITEMS: usize = 3;

/// The node that polls, as a node sees it.
pub(crate) fn holder(installation: &Installation) -> Option<String> {
    let output = installation.run(&["status"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("cluster: "))?;
    if let Some(own) = line.strip_suffix(", which polls") {
        return Some(own.to_owned());
    }
    line.strip_suffix(" polls").and_then(|line| line.split("; ").nth(1)).map(str::to_owned)
}

pub(crate) fn digest(installation: &Installation) -> String {
    let verify = installation.run(&["verify"]);
    let text = String::from_utf8_lossy(&verify.stdout).into_owned();
    assert!(verify.status.success(), "{text}{}", String::from_utf8_lossy(&verify.stderr));
    text
}

#[test]
fn n1_a_log_is_pushed_and_pulled_byte_for_byte() {
    let Some(database) = Database::new() else { return };
    a_log_is_pushed_and_pulled(&database);
    // A bit that flips in the database is seen, and what is behind it is not taken in.
    database.ask("update dayuan_log set line = set_byte(line, 40, get_byte(line, 40) # 1) where seq = 4");
    let third = Installation::with(&database.settings("third"), "");
    let pulled = third.run(&["log", "pull"]);
    let told = told(&pulled);
    assert!(!pulled.status.success() && told.contains("record 4 was not taken in"), "{told}");
}

pub(crate) fn a_log_is_pushed_and_pulled(shared: &dyn Servers) {
    let state = Arc::new(Mutex::new(Once::default()));
    let site = site(30, ITEMS, Arc::clone(&state));
    let old = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = old.start();
    daemon.until_items("140300", 9);
    assert_eq!(daemon.stop(), Some(0));
    std::fs::write(
        old.config().join("dayuan.toml"),
        std::fs::read_to_string(old.config().join("dayuan.toml")).unwrap() + &cluster_only(shared, "old"),
    )
    .unwrap();
    for _ in 0..2 {
        let pushed = old.run(&["log", "push"]);
        assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    }
    let new = Installation::with(&shared.settings("new"), &source("a", "140300", &site.url("/feed")));
    for _ in 0..2 {
        let pulled = new.run(&["log", "pull"]);
        assert!(pulled.status.success(), "{}", String::from_utf8_lossy(&pulled.stderr));
    }
    assert_eq!(segments(&old), segments(&new));
    // Nothing is written to one copy alone.
    let refused = new.run(&["withdraw", "--source", "a", "--reason", "test"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("several machines share the log"), "{told}");
    // Another log is not mixed in.
    let other = Installation::with(&shared.settings("other"), "");
    other.say(&[dayuan::log::Record::Restore {
        item: dayuan::model::ItemId::from_u128(1),
        at: dayuan::model::Moment::from_seconds(1),
    }]);
    let pushed = other.run(&["log", "push"]);
    let told = String::from_utf8_lossy(&pushed.stderr).into_owned();
    assert!(!pushed.status.success() && told.contains("these are two logs"), "{told}");
}

fn cluster_only(shared: &dyn Servers, node: &str) -> String {
    let settings = shared.settings(node);
    settings.split("[fetch]").next().unwrap().to_owned()
}

#[test]
fn n2_whatever_is_killed_nothing_acknowledged_is_lost_and_all_nodes_say_the_same() {
    let Some(database) = Database::new() else { return };
    nothing_acknowledged_is_lost(&database, kills());
}

pub(crate) fn nothing_acknowledged_is_lost(shared: &dyn Servers, kills: usize) {
    let hosts = 31..37;
    let states: Vec<Arc<Mutex<Once>>> = hosts.clone().map(|_| Arc::default()).collect();
    let sites: Vec<Site> =
        states.iter().zip(hosts.clone()).map(|(state, host)| site(host, ITEMS, Arc::clone(state))).collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let names = ["one", "two", "three"];
    let nodes: Vec<Installation> =
        names.iter().map(|name| Installation::with(&shared.settings(name), &blocks)).collect();
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
    for _ in 0..kills {
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
    shared.stop();
    until("a node says so", || {
        let told = String::from_utf8_lossy(&nodes[0].run(&["status"]).stdout).into_owned();
        told.contains("the shared log cannot be reached").then_some(())
    });
    assert!(!daemons[0].items("140300").is_empty());
    std::thread::sleep(LEASE);
    let quiet = asked();
    std::thread::sleep(LEASE);
    assert_eq!(asked(), quiet, "something was polled although nobody has the right to");
    shared.start();
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
        acknowledged = nothing_is_lost(&node.folder.path().join("store"), &states, 31, ITEMS);
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

/// The segments of a log, by name.
fn segments(installation: &Installation) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let folder = installation.folder.path().join("store/log");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    files.sort();
    files.iter().map(|path| (path.file_name().unwrap().to_owned(), std::fs::read(path).unwrap())).collect()
}

fn told(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn n3_what_expired_is_dropped_from_the_database_and_a_node_that_is_behind_is_told() {
    let Some(database) = Database::new() else { return };
    what_expired_is_dropped(&database);
}

pub(crate) fn what_expired_is_dropped(shared: &dyn Servers) {
    use dayuan::cluster::{EngineError, LeaseRow};
    use dayuan::log::{Log, Record};
    use dayuan::model::{ItemId, Moment};
    let node = Installation::with(&shared.settings("one"), "");
    let day = |number: i64| Moment::from_seconds(1_678_330_000 + number * 86_400);
    let gone = |item: u128| Record::Gone { item: ItemId::from_u128(item), at: day(0) };
    let withdrawn =
        Record::Withdraw { item: ItemId::from_u128(1), reason: "test".to_owned(), public_reason: None, at: day(0) };
    let folder = node.folder.path().join("store/log");
    let append = |records: &[Record], at: Moment| {
        let (log, _) = Log::open(&folder).unwrap();
        log.append(records, at).unwrap();
    };
    let run = |installation: &Installation, command: &str| {
        let output = installation.run(&["log", command]);
        assert!(output.status.success(), "{}", told(&output));
    };
    append(&[withdrawn, gone(2)], day(0));
    run(&node, "push");
    let behind = Installation::with(&shared.settings("behind"), "");
    run(&behind, "pull");
    append(&[gone(3)], day(0));
    append(&[gone(4)], day(1));
    append(&[gone(5)], day(2));
    run(&node, "push");

    let connection = dayuan::cluster::Connection { url: shared.url(), password: None };
    let engine = dayuan::cluster::connect(&connection).unwrap();
    let lease = LeaseRow { holder: "one".to_owned(), token: 7, beat: 1 };
    assert!(engine.replace_lease(&engine.lease().unwrap(), &lease).unwrap());
    // Whoever had the right to poll before can neither append nor save any more.
    let (newest, today) = engine.newest().unwrap();
    let late = dayuan::log::encode(&[gone(9)], newest, today).unwrap();
    assert!(matches!(engine.append(&late, Some(6)), Err(EngineError::Displaced)));
    assert!(matches!(engine.put_poll_states(6, &[(b"key".to_vec(), None)]), Err(EngineError::Displaced)));
    assert!(!engine.replace_lease(&LeaseRow::default(), &LeaseRow { token: 9, ..lease.clone() }).unwrap());
    for (dropped, number) in [(2, 0), (1, 1)] {
        append(&[Record::Expire { day: day(number).day(), items: vec![], at: day(2) }], day(2));
        run(&node, "push");
        let (log, _) = Log::open(&folder).unwrap();
        log.drop_day(&day(number).day()).unwrap();
        assert!(dayuan::cluster::drop_expired(&log, &*engine, 6).is_err(), "another one has the lease");
        assert_eq!(dayuan::cluster::drop_expired(&log, &*engine, 7).unwrap(), dropped);
        assert_eq!(dayuan::cluster::drop_expired(&log, &*engine, 7).unwrap(), 0);
        drop(log);
        // Whoever comes new has the same log, byte for byte; whoever goes on does so.
        let fresh = Installation::with(&shared.settings("fresh"), "");
        run(&fresh, "pull");
        assert_eq!(segments(&fresh), segments(&node));
        run(&node, "pull");
        run(&node, "push");
    }
    let refused = behind.run(&["log", "pull"]);
    assert!(
        !refused.status.success() && told(&refused).contains("has expired from the shared one"),
        "{}",
        told(&refused)
    );
}

#[test]
fn n4_a_node_that_serves_shows_how_the_sources_fare() {
    let Some(database) = Database::new() else { return };
    let site = Site::new(30, |_| super::http::Reply::status("500 Internal Server Error"));
    let blocks = source("s0", "140300", &site.url("/feed"));
    let nodes = ["one", "two"].map(|name| Installation::with(&database.settings(name), &blocks));
    let daemons: Vec<Daemon> = nodes.iter().map(Installation::start).collect();
    until("both tell of the failure", || {
        let of = |at: usize| daemons[at].status(&nodes[at], "s0")["failures"].as_u64().unwrap();
        (of(0) > 0 && of(0) == of(1)).then_some(())
    });
}

#[test]
fn n5_a_record_of_a_newer_version_stops_a_node_with_a_sentence_and_it_serves_on() {
    let Some(database) = Database::new() else { return };
    let state = Arc::new(Mutex::new(Once::default()));
    let site = site(30, ITEMS, Arc::clone(&state));
    let node = Installation::with(&database.settings("one"), &source("s0", "140300", &site.url("/feed")));
    let daemon = node.start();
    daemon.until_items("140300", 6);
    daemon.signal("STOP");
    // What it has just sent arrives.
    std::thread::sleep(Duration::from_millis(500));
    let seq: u64 = database.ask("select max(seq) from dayuan_log").parse().unwrap();
    let body = format!("\"seq\":{},\"v\":2,\"kind\":\"report\",\"at\":0}}", seq + 1);
    let line = format!("{{\"crc\":\"{:08x}\",{body}", crc32c::crc32c(body.as_bytes()));
    let hex: String = line.bytes().map(|byte| format!("{byte:02x}")).collect();
    database.ask(&format!(
        "insert into dayuan_log select {}, {seq}, max(day), decode('{hex}', 'hex') from dayuan_log",
        seq + 1
    ));
    daemon.signal("CONT");
    until("it says so", || {
        let told = told(&node.run(&["status"]));
        told.contains("newer").then_some(())
    });
    std::thread::sleep(LEASE);
    let asked = state.lock().unwrap().acknowledged();
    std::thread::sleep(LEASE);
    assert_eq!(state.lock().unwrap().acknowledged(), asked, "something counts that is not in the log");
    assert!(daemon.items("140300").len() >= 6, "it serves on");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn n6_between_machines_the_certificate_of_the_database_must_be_right() {
    let Some(database) = Database::new() else { return };
    let data = PathBuf::from(database.data());
    std::fs::write(data.join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
    let new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for command in [
        format!("req -x509 {new} -days 2 -subj /CN=authority -keyout ca.key -out ca.crt"),
        format!("req {new} -subj /CN=database -keyout server.key -out server.csr"),
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt"
            .to_owned(),
    ] {
        let Ok(made) = std::process::Command::new("openssl").args(command.split(' ')).current_dir(&data).output()
        else {
            println!("SKIPPED: there is no openssl");
            return;
        };
        assert!(made.status.success(), "{}", told(&made));
    }
    let trusted = data.join("ca.crt");
    database.give(&["server.key", "server.crt"]);
    database.ask("alter system set ssl = on");
    database.ask("select pg_reload_conf()");
    let settings = database.settings("one").replace("/dayuan\"", "/dayuan?sslmode=require\"");
    let node = Installation::with(&settings, "");
    let refused = node.run(&["log", "pull"]);
    assert!(!refused.status.success() && told(&refused).contains("certificate"), "{}", told(&refused));
    let certificates = trusted.display().to_string();
    let pulled = node.run_with(&[("SSL_CERT_FILE", &certificates)], &["log", "pull"]);
    assert!(pulled.status.success(), "{}", told(&pulled));
}

#[test]
fn n7_what_a_site_answers_while_a_node_stops_counts() {
    let Some(database) = Database::new() else { return };
    let wait = Arc::new(Mutex::new(false));
    let is_slow = Arc::clone(&wait);
    let site = Site::new(30, move |_| {
        let slow = *is_slow.lock().unwrap();
        if slow {
            std::thread::sleep(LEASE + Duration::from_millis(500));
        }
        let (guid, title) = if slow { ("late", "迟来的通告") } else { ("early", "先来的通告") };
        super::http::Reply::ok(super::installation::feed(&[(guid, "/1", title, 1)]))
    });
    let node = Installation::with(&database.settings("one"), &source("s0", "140300", &site.url("/feed")));
    let daemon = node.start();
    daemon.until_items("140300", 1);
    *wait.lock().unwrap() = true;
    let before = site.asked().len();
    until("it is asked", || (site.asked().len() > before).then_some(()));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(daemon.stop(), Some(0));
    let lines =
        database.ask("select count(*) from dayuan_log where position('\"late\"' in encode(line, 'escape')) > 0");
    assert_ne!(lines, "0", "what was answered is lost");
}

#[test]
fn n8_a_takedown_that_only_the_next_poller_knows_is_carried_out() {
    let Some(database) = Database::new() else { return };
    let state = Arc::new(Mutex::new(Once::default()));
    let site = site(30, ITEMS, Arc::clone(&state));
    let blocks = source("s0", "140300", &site.url("/feed"));
    let names = ["one", "two"];
    let nodes = names.map(|name| Installation::with(&database.settings(name), &blocks));
    let mut daemons: Vec<Daemon> = nodes.iter().map(Installation::start).collect();
    let name = until("a node polls", || holder(&nodes[0]));
    let leader = names.iter().position(|known| *known == name).unwrap();
    let next = 1 - leader;
    daemons[next].until_items("140300", 3);
    let path = nodes[next].config().join("dayuan.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, before + "[[takedown]]\nsource = \"s0\"\nreason = \"test\"\n").unwrap();
    let reloaded = nodes[next].run(&["reload"]);
    assert!(reloaded.status.success(), "{}", told(&reloaded));
    daemons[leader].kill();
    until("nothing of it is shown", || daemons[next].items("140300").is_empty().then_some(()));
}

#[test]
fn n10_a_demo_of_three_nodes_shows_the_same_at_each() {
    if Database::new().is_none() {
        return;
    }
    let mut demo = std::process::Command::new(env!("CARGO_BIN_EXE_dayuan"))
        .args(["demo", "--listen", "127.0.0.1:0", "--for", "60s", "--nodes", "3"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(demo.stdout.take().unwrap())).map_while(Result::ok);
    let told: Vec<String> = lines.take_while(|line| !line.contains("thrown away")).collect();
    let address = |line: &String| line.split("http://").nth(1)?.split('/').next()?.parse::<std::net::SocketAddr>().ok();
    let addresses: HashSet<std::net::SocketAddr> = told.iter().filter_map(address).collect();
    assert_eq!(addresses.len(), 3, "{told:?}");
    let ids = |address: &std::net::SocketAddr| {
        let text = super::http::get(*address, "/regions/140300/feed.json").text();
        let feed: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let items = feed["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["id"].to_string()).collect::<Vec<_>>()
    };
    until("all nodes show the same", || {
        let all: Vec<Vec<String>> = addresses.iter().map(ids).collect();
        (all[0].len() > 3 && all.iter().all(|ids| *ids == all[0])).then_some(())
    });
    assert!(std::process::Command::new("kill").args(["-TERM", &demo.id().to_string()]).status().unwrap().success());
    assert!(until("the demo ends", || demo.try_wait().unwrap()).success());
}

#[test]
fn n11_what_a_site_asked_for_while_the_database_was_away_holds_afterwards() {
    let Some(database) = Database::new() else { return };
    what_a_site_asked_for_holds(Arc::new(database));
}

pub(crate) fn what_a_site_asked_for_holds(servers: Arc<dyn Servers>) {
    const PAUSE: Duration = Duration::from_secs(9);
    // How often the site was asked, when it refused, and whether it was asked too early after that.
    let state = Arc::new(Mutex::new((0, None::<Instant>, false)));
    // The site lives as long as the process; the servers end with the test.
    let (shared, stopping) = (Arc::clone(&state), Arc::downgrade(&servers));
    let site = Site::new(31, move |_| {
        let mut state = shared.lock().unwrap();
        let (asked, refused, is_early) = &mut *state;
        *asked += 1;
        *is_early |= refused.is_some_and(|at| at.elapsed() + Duration::from_millis(50) < PAUSE);
        if *asked == 4 {
            // Nobody but the node that asks can know what it says then.
            stopping.upgrade().unwrap().stop();
            *refused = Some(Instant::now());
            return super::http::Reply::status("429 Too Many Requests")
                .with("retry-after", PAUSE.as_secs().to_string());
        }
        super::http::Reply::ok(super::installation::feed(&[("1", "/1", "一条通告", 1)]))
    });
    let blocks = source("s0", "140300", &site.url("/feed"));
    let nodes = ["one", "two"].map(|name| Installation::with(&servers.settings(name), &blocks));
    let daemons = nodes.each_ref().map(Installation::start);
    let refused = until("it refuses", || state.lock().unwrap().1);
    std::thread::sleep((LEASE + Duration::from_secs(1)).saturating_sub(refused.elapsed()));
    servers.start();
    until("it is asked again", || (state.lock().unwrap().0 > 4).then_some(()));
    assert!(refused.elapsed() >= PAUSE && !state.lock().unwrap().2, "asked after {:?}", refused.elapsed());
    for daemon in daemons {
        assert_eq!(daemon.stop(), Some(0));
    }
}
