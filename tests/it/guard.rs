//! Nobody makes the daemon connect to where it must not: each test runs in a network of its own, where every forbidden
//! address is there and listens, names lead where the test says, and one public address serves a harmless site.

use std::collections::HashMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{Asked, Reply, Site};
use super::installation::{Daemon, Installation, feed, source, until};

/// The one address that is not forbidden; here it lies on the loopback device.
const PUBLIC: &str = "8.8.8.8";
/// Another one, where no site is at the usual port.
const OTHER: &str = "8.8.4.4";
/// The port of everything that listens.
const PORT: u16 = 8080;
const FORBIDDEN: [&str; 17] = [
    "127.0.0.1",
    "10.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "::1",
    "fc00::1",
    "fd00:ec2::254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "::ffff:0:0",
    "fe80::1",
];

/// Goes on in a network of its own. `false` in the process that only waited for that, or where it cannot be.
fn alone(test: &str) -> bool {
    const MARK: &str = "DAYUAN_ALONE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let resolver = folder.path().join("resolv.conf");
    std::fs::write(&resolver, "nameserver 127.0.0.1\noptions timeout:1\n").unwrap();
    let mut script =
        "set -e; mount --make-rprivate /; mount --bind \"$0\" /etc/resolv.conf; ip link set lo up;".to_owned();
    for address in [PUBLIC, OTHER].iter().chain(&FORBIDDEN[1..]) {
        script += &format!(
            " ip addr add {address} dev lo nodad 2>/dev/null || ip addr add {address} dev lo 2>/dev/null || true;"
        );
    }
    script += " exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--net", "--mount", "sh", "-c", &script])
        .arg(&resolver)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", &format!("guard::{test}")])
        .env(MARK, "1")
        .output();
    match output {
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("unshare failed") => {
            println!("SKIPPED: a network of one's own cannot be had here");
        }
        Ok(output) => {
            let told =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success() && told.contains("1 passed"), "{told}");
        }
        Err(error) => println!("SKIPPED: there is no unshare here: {error}"),
    }
    false
}

/// Listens at every forbidden address and counts who comes.
struct Traps(Arc<Mutex<Vec<SocketAddr>>>);

impl Traps {
    fn set(ports: &[u16]) -> Self {
        let caught: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let mut listening = 0;
        for address in FORBIDDEN {
            for port in ports {
                let address: IpAddr = address.parse().unwrap();
                let Ok(listener) = TcpListener::bind((address, *port)) else { continue };
                listening += 1;
                let caught = Arc::clone(&caught);
                std::thread::spawn(move || {
                    for stream in listener.incoming().flatten() {
                        caught.lock().unwrap().push(stream.local_addr().unwrap());
                    }
                });
            }
        }
        assert!(listening >= 12 * ports.len(), "only {listening} traps: the test would show nothing");
        // The traps work.
        drop(TcpStream::connect(("127.0.0.1", ports[0])).unwrap());
        until("a trap snaps", || (caught.lock().unwrap().len() == 1).then_some(()));
        caught.lock().unwrap().clear();
        Self(caught)
    }

    fn are_empty(&self) {
        let caught = self.0.lock().unwrap();
        assert!(caught.is_empty(), "somebody came to {caught:?}");
    }
}

/// A site at the public address.
fn public(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Site {
    let site = Site::at((PUBLIC.parse::<IpAddr>().unwrap(), PORT).into(), answer);
    assert_eq!(site.address.to_string(), format!("{PUBLIC}:{PORT}"));
    site
}

fn good() -> Reply {
    Reply::ok(feed(&[("1", "/a/1", "题", 2)]))
}

/// A daemon that may go nowhere but to public addresses.
fn daemon(sources: &str, environment: &[(&str, &str)]) -> (Installation, Daemon) {
    let installation = Installation::with("[fetch]\ntimeout = \"5s\"\n[poll]\nhost_gap = \"1s\"\n", sources);
    let daemon = installation.start_with(environment);
    (installation, daemon)
}

/// Waits until a source was polled in vain, and returns why.
fn refused(installation: &Installation, daemon: &Daemon, id: &str) -> String {
    let status = until(&format!("{id} was polled"), || {
        Some(daemon.status(installation, id)).filter(|status| status["failures"].as_u64() > Some(0))
    });
    status["reason"].as_str().unwrap().to_owned()
}

/// As a source's own address each is refused with the config; as what a site leads to, when it is followed.
fn all_refused(hosts: &'static [&'static str]) {
    let traps = Traps::set(&[PORT]);
    let _site = public(move |asked| match asked.path.trim_start_matches('/').parse::<usize>() {
        Ok(at) => Reply::status("302 Found").with("location", format!("http://{}:{PORT}/feed", hosts[at])),
        Err(_) => good(),
    });
    let block = |at: usize, url: &str| source(&format!("s{at}"), "140300", url);
    let installation = Installation::new("");
    installation.sources(
        &hosts.iter().enumerate().map(|(at, host)| block(at, &format!("http://{host}:{PORT}/"))).collect::<String>(),
    );
    std::fs::write(installation.config().join("dayuan.toml"), "").unwrap();
    let check = installation.run(&["check"]);
    assert_eq!(check.status.code(), Some(78));
    let told = String::from_utf8_lossy(&check.stderr).into_owned();
    assert_eq!(told.matches("in a private network; allow it").count(), hosts.len(), "{told}");

    let blocks: String = (0..hosts.len()).map(|at| block(at, &format!("http://{PUBLIC}:{PORT}/{at}"))).collect();
    let (installation, daemon) =
        daemon(&(source("good", "140300", &format!("http://{PUBLIC}:{PORT}/feed")) + &blocks), &[]);
    daemon.until_items("140300", 1);
    for (at, host) in hosts.iter().enumerate() {
        let reason = refused(&installation, &daemon, &format!("s{at}"));
        assert!(reason.contains("allow_networks"), "{host}: {reason}");
    }
    assert_eq!(daemon.titles("140300"), ["题"]);
    traps.are_empty();
}

#[test]
fn s1_no_notation_of_a_private_address_gets_through() {
    if alone("s1_no_notation_of_a_private_address_gets_through") {
        all_refused(&[
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "0",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0xA9FEA9FE",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "①②⑦.⓪.⓪.①",
            "127。0。0。1",
        ]);
    }
}

#[test]
fn s2_no_address_of_ipv6_that_means_a_private_one_gets_through() {
    if alone("s2_no_address_of_ipv6_that_means_a_private_one_gets_through") {
        all_refused(&[
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[ff02::1]",
        ]);
    }
}

/// Answers questions for names: for each, the answers by the number of the question, the last one for all further ones.
struct Names(Arc<Mutex<HashMap<String, usize>>>);

impl Names {
    fn serve(table: &'static [(&'static str, &'static [&'static [&'static str]])]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
        let asked: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        let counts = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let question = &buffer[..length];
                let (name, end) = name_of(question);
                let kind = u16::from_be_bytes([question[end], question[end + 1]]);
                let mut answer = question[..end + 4].to_vec();
                let mut answers = Vec::new();
                if let Some((_, rounds)) = table.iter().find(|(known, _)| *known == name) {
                    let is_four = kind == 1;
                    let mut counts = counts.lock().unwrap();
                    let number = counts.entry(format!("{name} {kind}")).or_default();
                    let round = rounds[(*number).min(rounds.len() - 1)];
                    *number += 1;
                    answers.extend(
                        round.iter().map(|text| text.parse::<IpAddr>().unwrap()).filter(|ip| ip.is_ipv4() == is_four),
                    );
                }
                answer[2..4].copy_from_slice(&[0x81, 0x80]);
                answer[6..12].copy_from_slice(&[0, u8::try_from(answers.len()).unwrap(), 0, 0, 0, 0]);
                for address in answers {
                    // A pointer to the name, the kind, IN, no time to live, the address.
                    answer.extend([0xc0, 12]);
                    answer.extend(kind.to_be_bytes());
                    answer.extend([0, 1, 0, 0, 0, 0]);
                    match address {
                        IpAddr::V4(four) => {
                            answer.extend([0, 4]);
                            answer.extend(four.octets());
                        }
                        IpAddr::V6(six) => {
                            answer.extend([0, 16]);
                            answer.extend(six.octets());
                        }
                    }
                }
                drop(socket.send_to(&answer, from));
            }
        });
        Self(asked)
    }

    fn questions(&self, name: &str) -> usize {
        self.0.lock().unwrap().get(&format!("{name} 1")).copied().unwrap_or(0)
    }
}

/// The name in a question (RFC 1035, section 4.1.2), and where it ends.
fn name_of(question: &[u8]) -> (String, usize) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while question[at] != 0 {
        let length = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..at + 1 + length]).to_lowercase());
        at += length + 1;
    }
    (labels.join("."), at + 1)
}

#[test]
fn s3_no_name_of_this_machine_gets_through() {
    if alone("s3_no_name_of_this_machine_gets_through") {
        all_refused(&["localhost", "localhost.", "a.localhost", "LOCALHOST"]);
    }
}

#[test]
fn s3_no_name_leads_to_a_private_address() {
    if !alone("s3_no_name_leads_to_a_private_address") {
        return;
    }
    let _names = Names::serve(&[
        ("ten.example.cn", &[&["10.0.0.1"]]),
        ("six.example.cn", &[&["::1"]]),
        ("both.example.cn", &[&["10.0.0.1", "::1"]]),
        ("mixed.example.cn", &[&["10.0.0.1", PUBLIC]]),
    ]);
    let traps = Traps::set(&[PORT]);
    let _site = public(|_| good());
    let hosts = ["ten.example.cn", "six.example.cn", "both.example.cn"];
    let mut blocks = source("mixed", "140300", &format!("http://mixed.example.cn:{PORT}/feed"));
    for (at, host) in hosts.iter().enumerate() {
        blocks += &source(&format!("s{at}"), "140300", &format!("http://{host}:{PORT}/feed"));
    }
    let (installation, daemon) = daemon(&blocks, &[]);
    for (at, host) in hosts.iter().enumerate() {
        let reason = refused(&installation, &daemon, &format!("s{at}"));
        assert!(reason.contains("allow_networks"), "{host}: {reason}");
    }
    // Of a mixed answer the public address is taken.
    daemon.until_items("140300", 1);
    traps.are_empty();
}

#[test]
fn s4_a_name_that_leads_elsewhere_the_second_time_is_checked_again() {
    if !alone("s4_a_name_that_leads_elsewhere_the_second_time_is_checked_again") {
        return;
    }
    let names = Names::serve(&[
        ("rebind.example.cn", &[&[PUBLIC], &["127.0.0.1"]]),
        ("later.example.cn", &[&[PUBLIC], &[PUBLIC], &["127.0.0.1"]]),
        ("turn.example.cn", &[&[PUBLIC], &["127.0.0.1"], &[PUBLIC], &["10.1.2.3"]]),
    ]);
    let traps = Traps::set(&[PORT]);
    let _site = public(|_| good().with("cache-control", "max-age=0"));
    let ids = ["rebind", "later", "turn"];
    let blocks: String =
        ids.iter().map(|id| source(id, "140300", &format!("http://{id}.example.cn:{PORT}/feed"))).collect();
    let (installation, daemon) = daemon(&blocks, &[]);
    until("every name was asked for, again and again", || {
        for id in ids {
            drop(installation.run(&["poll", id]));
        }
        ids.iter().all(|id| names.questions(&format!("{id}.example.cn")) >= 5).then_some(())
    });
    for id in ids {
        let reason = until("it is refused", || {
            drop(installation.run(&["poll", id]));
            Some(daemon.status(&installation, id)).filter(|status| status["failures"].as_u64() > Some(0))
        });
        assert!(reason["reason"].as_str().unwrap().contains("resolves to a blocked address"), "{reason}");
    }
    traps.are_empty();
}

#[test]
fn p20_a_name_that_also_resolves_to_a_stranger_takes_none_of_the_strangers_turns() {
    if !alone("p20_a_name_that_also_resolves_to_a_stranger_takes_none_of_the_strangers_turns") {
        return;
    }
    const BOTH: &[&[&str]] = &[&[PUBLIC, OTHER]];
    let _names = Names::serve(&[
        ("n0.example.cn", BOTH),
        ("n1.example.cn", BOTH),
        ("n2.example.cn", BOTH),
        ("n3.example.cn", BOTH),
        ("stranger.example.cn", &[&[PUBLIC]]),
    ]);
    let polled = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&polled);
    let _stranger = public(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        good().with("cache-control", "max-age=0")
    });
    let (came, left, released) = <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
    let counts = (Arc::clone(&came), Arc::clone(&left), Arc::clone(&released));
    // The stranger's address refuses this port, so that all four are asked at their own machine, which takes its time.
    let _slow = Site::at((OTHER.parse::<IpAddr>().unwrap(), PORT + 1).into(), move |_| {
        let (came, left, released) = &counts;
        came.fetch_add(1, Ordering::SeqCst);
        let began = Instant::now();
        while !released.load(Ordering::SeqCst) && began.elapsed() < Duration::from_secs(15) {
            std::thread::sleep(Duration::from_millis(5));
        }
        left.fetch_add(1, Ordering::SeqCst);
        good()
    });
    let mut blocks = source("stranger", "140300", &format!("http://stranger.example.cn:{PORT}/feed"));
    for at in 0..4 {
        blocks += &source(&format!("n{at}"), "140300", &format!("http://n{at}.example.cn:{}/feed", PORT + 1));
    }
    let installation = Installation::with("[fetch]\ntimeout = \"30s\"\n[poll]\nhost_gap = \"1s\"\n", &blocks);
    let _daemon = installation.start();
    until("all four are at their own machine", || (came.load(Ordering::SeqCst) == 4).then_some(()));
    let before = polled.load(Ordering::SeqCst);
    until("the stranger is polled", || {
        drop(installation.run(&["poll", "stranger"]));
        (polled.load(Ordering::SeqCst) > before).then_some(())
    });
    assert_eq!(left.load(Ordering::SeqCst), 0, "it had to wait until they were through");
    released.store(true, Ordering::SeqCst);
}

#[test]
fn s5_no_redirect_leads_to_a_forbidden_place() {
    if !alone("s5_no_redirect_leads_to_a_forbidden_place") {
        return;
    }
    let traps = Traps::set(&[PORT]);
    let inside = format!("http://127.0.0.1:{PORT}/");
    let targets = [
        ("301 Moved Permanently", inside.clone()),
        ("302 Found", inside.clone()),
        ("307 Temporary Redirect", inside.clone()),
        ("308 Permanent Redirect", inside.clone()),
        ("302 Found", "http://169.254.169.254:8080/latest/meta-data/".to_owned()),
        ("302 Found", format!("//10.1.2.3:{PORT}/")),
        ("302 Found", "file:///etc/passwd".to_owned()),
        ("302 Found", format!("gopher://{PUBLIC}:{PORT}/")),
        ("302 Found", format!("http://user:secret@{PUBLIC}:{PORT}/good")),
    ];
    let count = targets.len();
    let site = public(move |asked| match asked.path.trim_start_matches('/').parse::<usize>() {
        Ok(at) if at < targets.len() => Reply::status(targets[at].0).with("location", targets[at].1.clone()),
        _ => match asked.path.as_str() {
            "/refresh" => Reply::ok("<html><body>x</body></html>").with("refresh", format!("0; url={inside}")),
            "/meta" => Reply::ok(format!(
                "<html><head><meta http-equiv=\"refresh\" content=\"0; url={inside}\"></head><body></body></html>"
            )),
            "/frame" => Reply::ok(format!("<html><body><iframe src=\"{inside}\"></iframe></body></html>")),
            _ => Reply::ok(String::from_utf8(good().body).unwrap().replace(
                "<channel>",
                &format!(
                    "<channel><atom:link xmlns:atom=\"http://www.w3.org/2005/Atom\" rel=\"self\" href=\"{inside}\"/>"
                ),
            )),
        },
    });
    let mut blocks = source("good", "140300", &site.url("/feed"));
    let ids: Vec<String> =
        (0..count).map(|at| at.to_string()).chain(["refresh", "meta", "frame"].map(str::to_owned)).collect();
    for id in &ids {
        blocks += &source(&format!("s-{id}"), "140300", &site.url(&format!("/{id}")));
    }
    let (installation, daemon) = daemon(&blocks, &[]);
    daemon.until_items("140300", 1);
    for id in &ids {
        let reason = refused(&installation, &daemon, &format!("s-{id}"));
        assert!(!reason.contains("secret"), "{reason}");
        let words = [
            "allow_networks",
            "not allowed",
            "cannot be fetched",
            "no list of items",
            "is empty",
            "no content",
            "not a feed",
            "on another site",
        ];
        assert!(words.iter().any(|word| reason.contains(word)), "{id}: {reason}");
    }
    traps.are_empty();
}

#[test]
fn s6_no_address_inside_a_page_leads_to_a_forbidden_place() {
    if !alone("s6_no_address_inside_a_page_leads_to_a_forbidden_place") {
        return;
    }
    let traps = Traps::set(&[PORT]);
    // What is older than what is kept would not be read at all.
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let day = |ago: i64| dayuan::model::Moment::from_seconds(now - ago * 86_400).day();
    let rows: Vec<String> = FORBIDDEN
        .iter()
        .step_by(2)
        .map(|address| if address.contains(':') { format!("[{address}]") } else { (*address).to_owned() })
        .chain(["2130706433".to_owned(), "localhost".to_owned(), "a.localhost".to_owned()])
        .zip(1..)
        .map(|(host, at)| format!("<li><a href=\"http://{host}:{PORT}/{at}.html\">第{at}号工程施工期间道路封闭的通告</a><span>{}</span></li>", day(at % 28 + 1)))
        .collect();
    let count = rows.len();
    let rows = rows.concat();
    let page = format!("<html><head><meta charset=utf-8><title>要闻</title></head><body><ul>{rows}</ul></body></html>");
    let site = public(move |asked| {
        match asked.path.as_str() {
        "/list/" => Reply::ok(page.clone()),
        "/robots.txt" => Reply::status("404 Not Found"),
        _ => Reply::ok(
            feed(&[("1", "/a/1", "题", 2)]).replace(
                "<description>",
                &format!("<enclosure url=\"http://127.0.0.1:{PORT}/a.mp3\" length=\"1\" type=\"audio/mpeg\"/><comments>http://10.1.2.3:{PORT}/</comments><description>"),
            ).replace("<channel>", &format!("<channel><image><url>http://169.254.169.254:{PORT}/logo.png</url></image>")),
        ),
    }
    });
    let (installation, daemon) =
        daemon(&(source("list", "140300", &site.url("/list/")) + &source("feed", "140302", &site.url("/feed"))), &[]);
    until("the list was read", || {
        Some(daemon.status(&installation, "list"))
            .filter(|status| status["health"] == "ok" && status["polls"].as_u64() > Some(0))
    });
    daemon.until_items("140302", 1);
    let unread = || daemon.log().iter().filter(|line| line.to_string().contains("an article cannot be read")).count();
    until("each article was tried", || (unread() >= count).then_some(()));
    traps.are_empty();
}

#[test]
fn s7_no_proxy_of_the_environment_is_used() {
    if !alone("s7_no_proxy_of_the_environment_is_used") {
        return;
    }
    let traps = Traps::set(&[PORT]);
    let site = public(|_| good());
    let proxy = format!("http://127.0.0.1:{PORT}");
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let environment: Vec<(&str, &str)> = names.iter().map(|name| (*name, proxy.as_str())).collect();
    let (_house, daemon) = daemon(&source("good", "140300", &site.url("/feed")), &environment);
    daemon.until_items("140300", 1);
    traps.are_empty();
}

#[test]
fn s8_no_port_of_another_service_and_no_password_in_an_address() {
    if !alone("s8_no_port_of_another_service_and_no_password_in_an_address") {
        return;
    }
    const SERVICES: [u16; 4] = [22, 25, 6379, 11211];
    let came = Arc::<AtomicUsize>::default();
    for port in SERVICES {
        let (listener, came) = (TcpListener::bind((PUBLIC, port)).unwrap(), Arc::clone(&came));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                came.fetch_add(1, Ordering::SeqCst);
                drop(stream.write_all(b"-ERR\r\n"));
            }
        });
    }
    let site = public(|asked| {
        Reply::status("302 Found").with("location", format!("http://{PUBLIC}:{}/", asked.path.trim_start_matches('/')))
    });
    let blocks: String =
        SERVICES.iter().map(|port| source(&format!("s{port}"), "140300", &site.url(&format!("/{port}")))).collect();
    let (installation, daemon) = daemon(&blocks, &[]);
    for port in SERVICES {
        let reason = refused(&installation, &daemon, &format!("s{port}"));
        assert!(reason.contains(&format!("port {port} of {PUBLIC} is not allowed")), "{reason}");
    }
    assert_eq!(came.load(Ordering::SeqCst), 0);
    installation.sources(&source("a", "140300", &format!("http://user:secret-word@{PUBLIC}/feed")));
    let output = installation.run(&["check"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{told}");
    assert!(told.contains("password"), "{told}");
}

#[test]
fn c3_no_secret_is_ever_logged() {
    if !alone("c3_no_secret_is_ever_logged") {
        return;
    }
    let site = public(|asked| match asked.path.as_str() {
        "/feed" => good(),
        _ => Reply::status("302 Found").with("location", format!("http://user:secret-word@{PUBLIC}:{PORT}/feed")),
    });
    let installation = Installation::with(
        "[fetch]\ntimeout = \"5s\"\n",
        &(source("good", "140300", &site.url("/feed")) + &source("bad", "140300", &site.url("/bad"))),
    );
    let text = std::fs::read_to_string(installation.config().join("dayuan.toml")).unwrap();
    std::fs::write(installation.config().join("dayuan.toml"), text.replace("level = \"debug\"", "level = \"trace\""))
        .unwrap();
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    refused(&installation, &daemon, "bad");
    // At a reload, an address with a password is refused, and not shown.
    installation.sources(&source("a", "140300", &format!("http://user:secret-word@{PUBLIC}/feed")));
    daemon.signal("HUP");
    until("the config is refused", || {
        daemon.log().iter().any(|line| line.to_string().contains("the old one stays")).then_some(())
    });
    let metrics = installation.ask(b"{\"command\":\"metrics\"}\n");
    let log = daemon.log().iter().map(Value::to_string).collect::<String>();
    assert!(
        !log.contains("secret-word"),
        "{}",
        log.split("secret-word").next().unwrap().chars().rev().take(300).collect::<String>()
    );
    assert!(!metrics.contains("secret-word"));
    let page = super::http::get(daemon.address, "/sources").text();
    assert!(page.contains("bad") && !page.contains("secret-word"));
}

#[test]
fn s9_what_is_allowed_for_ones_own_source_is_allowed_for_no_other() {
    if !alone("s9_what_is_allowed_for_ones_own_source_is_allowed_for_no_other") {
        return;
    }
    let own = Site::at(("127.0.0.1".parse::<IpAddr>().unwrap(), PORT).into(), |_| good());
    let secret = Arc::new(Mutex::new(0));
    let count = Arc::clone(&secret);
    let inside = Site::at(("10.1.2.3".parse::<IpAddr>().unwrap(), PORT).into(), move |_| {
        *count.lock().unwrap() += 1;
        good()
    });
    let target = inside.url("/");
    let _site = public(move |asked| match asked.path.as_str() {
        "/redirect" => Reply::status("302 Found").with("location", target.clone()),
        "/frame" => Reply::ok(format!("<html><body><iframe src=\"{target}\"></iframe></body></html>")),
        "/list" => Reply::ok(format!(
            "<html><body><ul>{}</ul></body></html>",
            (0..6)
                .map(|at| format!("<li><a href=\"{target}{at}\">第{at}号关于道路施工的通告</a></li>"))
                .collect::<String>()
        )),
        _ => good(),
    });
    let ids = ["redirect", "frame", "list"];
    let blocks: String =
        ids.iter().map(|id| source(id, "140300", &format!("http://{PUBLIC}:{PORT}/{id}"))).collect::<String>()
            + &source("own", "140300", &own.url("/feed"));
    let settings = "[fetch]\nallow_networks = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"300s\"\nhost_gap = \"1s\"\n";
    let installation = Installation::with(settings, &blocks);
    let daemon = installation.start();
    until("one's own is read", || (daemon.status(&installation, "own")["health"] == "ok").then_some(()));
    for id in ids {
        until("the others were polled", || {
            (daemon.status(&installation, id)["polls"].as_u64() > Some(0)).then_some(())
        });
    }
    assert_eq!(*secret.lock().unwrap(), 0);
}
