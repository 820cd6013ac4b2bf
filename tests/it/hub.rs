//! The hub, as its subscribers see it: the cases of the public WebSub test suite (websub.rocks, hub 100 to 106), and what
//! a subscriber must not be able to do.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::http::{Reply, Site, get, parse, request, say};
use super::installation::{Daemon, Installation, feed, source, until};

/// What a subscriber got.
#[derive(Clone, Debug)]
struct Got {
    method: String,
    path: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
    at: Instant,
}

impl Got {
    fn parameter(&self, name: &str) -> Option<String> {
        let pairs = dayuan::model::form_pairs(self.path.split_once('?')?.1.as_bytes());
        pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// How a subscriber behaves.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Willing,
    /// Answers verifications with something else.
    Unwilling,
    /// Never answers a delivery.
    Dead,
    /// Answers deliveries with 410.
    Gone,
}

struct Subscriber {
    listener: TcpListener,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Subscriber {
    /// Binds an address; a port of 0 takes any.
    fn bind(host: u8, port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 8, host), port)).unwrap();
        Self { listener, got: Arc::default() }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listener.local_addr().unwrap())
    }

    fn start(&self, manner: Manner) {
        let (listener, got) = (self.listener.try_clone().unwrap(), Arc::clone(&self.got));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), got) = (stream, Arc::clone(&got)) else { continue };
                std::thread::spawn(move || answer(stream, manner, &got));
            }
        });
    }

    fn got(&self, method: &str) -> Vec<Got> {
        self.got.lock().unwrap().iter().filter(|got| got.method == method).cloned().collect()
    }

    fn until(&self, method: &str, count: usize) -> Vec<Got> {
        until(&format!("{count} times {method}"), || Some(self.got(method)).filter(|got| got.len() >= count))
    }
}

fn answer(stream: TcpStream, manner: Manner, all: &Mutex<Vec<Got>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let got = Got { method, path, headers, body, at: Instant::now() };
    let challenge = got.parameter("hub.challenge").unwrap_or_default();
    let is_delivery = got.method == "POST";
    all.lock().unwrap().push(got);
    let reply = match (manner, is_delivery) {
        (Manner::Dead, true) => {
            std::thread::sleep(Duration::from_secs(60));
            return None;
        }
        (Manner::Gone, true) => Reply::status("410 Gone"),
        (_, true) => Reply::status("202 Accepted"),
        (Manner::Unwilling, false) => Reply::ok(format!("{challenge}x")),
        (_, false) => Reply::ok(challenge),
    };
    reader.get_mut().write_all(&reply.bytes()).ok()
}

/// A daemon with a hub whose source says more with every step.
struct House {
    installation: Installation,
    steps: Arc<AtomicUsize>,
    _site: Site,
}

impl House {
    fn new(host: u8, port: u16) -> Self {
        let steps = Arc::new(AtomicUsize::new(1));
        let shown = Arc::clone(&steps);
        let site = Site::new(host, move |_| {
            let items: Vec<_> = (0..shown.load(Ordering::SeqCst))
                .map(|n| (n.to_string(), format!("/a/{n}"), format!("第{n}条：关于供暖的通告")))
                .collect();
            let items: Vec<_> =
                items.iter().map(|(id, link, title)| (id.as_str(), link.as_str(), title.as_str(), 2)).collect();
            Reply::ok(feed(&items))
        });
        let settings = format!(
            "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\nports = [{port}]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"1s\"\nhost_gap = \"0s\"\n[hub]\nenabled = true\nallow_networks = [\"127.0.8.0/24\"]\n"
        );
        let installation = Installation::with(&settings, &source("gov", "140300", &site.url("/feed")));
        // A hub's address must outlive a restart.
        let own = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let path = installation.config().join("dayuan.toml");
        let text = std::fs::read_to_string(&path).unwrap().replace("127.0.0.1:0", &own.to_string());
        std::fs::write(path, text).unwrap();
        Self { installation, steps, _site: site }
    }

    fn start(&self) -> Daemon {
        let daemon = self.installation.start();
        daemon.until_items("140300", 1);
        daemon
    }

    fn step(&self) {
        self.steps.fetch_add(1, Ordering::SeqCst);
    }
}

fn post(daemon: &Daemon, content_type: &str, body: &str) -> u16 {
    let text = format!(
        "POST /hub HTTP/1.1\r\nhost: {}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        daemon.address,
        body.len()
    );
    parse(&say(daemon.address, text.as_bytes())).status
}

fn topic(daemon: &Daemon, file: &str) -> String {
    format!("http://{}/regions/140300/{file}", daemon.address)
}

fn ask(daemon: &Daemon, mode: &str, topic: &str, callback: &str, more: &str) -> u16 {
    let escape = |text: &str| text.replace('%', "%25").replace('&', "%26").replace('=', "%3D").replace('+', "%2B");
    let body = format!("hub.mode={mode}&hub.topic={}&hub.callback={}{more}", escape(topic), escape(callback));
    post(daemon, "application/x-www-form-urlencoded", &body)
}

fn subscriptions(house: &House) -> u64 {
    let output = house.installation.run(&["status", "--json"]);
    let line = String::from_utf8(output.stdout).unwrap().lines().next().unwrap().to_owned();
    serde_json::from_str::<serde_json::Value>(&line).unwrap()["hub"][0].as_u64().unwrap()
}

fn until_subscriptions(house: &House, count: u64) {
    until(&format!("{count} subscriptions"), || (subscriptions(house) == count).then_some(()));
}

#[test]
fn websub_100_to_106_from_discovery_to_delivery() {
    let subscriber = Subscriber::bind(1, 0);
    subscriber.start(Manner::Willing);
    let house = House::new(200, subscriber.port());
    let daemon = house.start();
    let hub = format!("http://{}/hub", daemon.address);
    for (number, file) in ["atom.xml", "rss.xml", "feed.json"].into_iter().enumerate() {
        let topic = topic(&daemon, file);
        let found = get(daemon.address, &format!("/regions/140300/{file}"));
        assert_eq!(found.header("link"), format!("<{hub}>; rel=\"hub\", <{topic}>; rel=\"self\""));
        assert!(found.text().contains(&hub), "{file}");
        let more = match file {
            // 102: parameters that the hub does not know are ignored.
            "rss.xml" => "&foo=bar&hub.secret=geheim",
            _ => "&hub.lease_seconds=3600",
        };
        assert_eq!(ask(&daemon, "subscribe", &topic, &subscriber.url(&format!("/in?of={file}&n=1")), more), 202);
        let asked = subscriber.until("GET", number + 1).pop().unwrap();
        assert!(asked.path.starts_with(&format!("/in?of={file}&n=1&")), "the query is kept: {}", asked.path);
        assert_eq!(asked.parameter("hub.mode").unwrap(), "subscribe");
        assert_eq!(asked.parameter("hub.topic").unwrap(), topic);
        assert_eq!(asked.parameter("hub.challenge").unwrap().len(), 48);
        assert_eq!(asked.parameter("hub.lease_seconds").unwrap(), if file == "rss.xml" { "864000" } else { "3600" });
        until_subscriptions(&house, number as u64 + 1);
    }
    house.step();
    let sent = subscriber.until("POST", 3);
    for file in ["atom.xml", "rss.xml", "feed.json"] {
        let got = sent.iter().find(|got| got.parameter("of").as_deref() == Some(file)).unwrap();
        let found = get(daemon.address, &format!("/regions/140300/{file}"));
        assert_eq!(got.body, found.body, "{file}: the feed as everybody gets it");
        assert_eq!(got.headers["content-type"], found.header("content-type"));
        assert_eq!(got.headers["link"], found.header("link"));
        let signature = got.headers.get("x-hub-signature").map(|text| text.strip_prefix("sha256=").unwrap());
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"geheim");
        let expected: String =
            ring::hmac::sign(&key, &got.body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(signature, (file == "rss.xml").then_some(expected.as_str()), "{file}: 100, 101");
    }
    let other = get(daemon.address, "/regions/140300/atom.xml?source=gov");
    assert!(other.header("link").is_empty() && !other.text().contains(&hub), "no topic, no hub");
}

#[test]
fn websub_103_and_104_subscribing_again_renews_and_unsubscribing_ends() {
    let subscriber = Subscriber::bind(2, 0);
    subscriber.start(Manner::Willing);
    let house = House::new(201, subscriber.port());
    let daemon = house.start();
    let (topic, callback) = (topic(&daemon, "atom.xml"), subscriber.url("/in"));
    assert_eq!(ask(&daemon, "subscribe", &topic, &callback, ""), 202);
    until_subscriptions(&house, 1);
    assert_eq!(ask(&daemon, "subscribe", &topic, &callback, "&hub.secret=neu"), 202);
    subscriber.until("GET", 2);
    house.step();
    let sent = subscriber.until("POST", 1);
    assert!(sent[0].headers.contains_key("x-hub-signature"), "the new secret counts");
    assert_eq!(subscriptions(&house), 1, "still one subscription");
    assert_eq!(ask(&daemon, "unsubscribe", &topic, &callback, ""), 202);
    let asked = subscriber.until("GET", 3).pop().unwrap();
    assert_eq!(asked.parameter("hub.mode").unwrap(), "unsubscribe");
    until_subscriptions(&house, 0);
    let before = subscriber.got("POST").len();
    house.step();
    daemon.until_items("140300", 3);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(subscriber.got("POST").len(), before, "nothing comes after the end");
}

#[test]
fn t1_no_subscriber_is_sent_what_was_withdrawn() {
    let subscriber = Subscriber::bind(8, 0);
    subscriber.start(Manner::Willing);
    let house = House::new(203, subscriber.port());
    let daemon = house.start();
    for file in ["atom.xml", "rss.xml", "feed.json"] {
        assert_eq!(ask(&daemon, "subscribe", &topic(&daemon, file), &subscriber.url(&format!("/{file}")), ""), 202);
    }
    until_subscriptions(&house, 3);
    house.step();
    let shows = |got: &Got| String::from_utf8_lossy(&got.body).contains("第1条");
    until("all are sent it", || (subscriber.got("POST").iter().filter(|got| shows(got)).count() == 3).then_some(()));
    let items = daemon.items("140300");
    let item = items.iter().find(|item| item["title"].as_str().unwrap().starts_with("第1条")).unwrap();
    let run = house.installation.run(&["withdraw", item["id"].as_str().unwrap(), "--reason", "x"]);
    assert!(run.status.success());
    let before = subscriber.got("POST").len();
    house.step();
    until("all are sent the next one", || {
        let sent = subscriber.got("POST").split_off(before);
        let has_next = |got: &&Got| String::from_utf8_lossy(&got.body).contains("第2条");
        (sent.iter().filter(has_next).count() == 3).then(|| assert!(!sent.iter().any(shows)))
    });
}

#[test]
fn whoever_does_not_agree_or_asks_nonsense_gets_nothing() {
    let subscriber = Subscriber::bind(3, 0);
    subscriber.start(Manner::Unwilling);
    let house = House::new(202, subscriber.port());
    let daemon = house.start();
    let (known, callback) = (topic(&daemon, "atom.xml"), subscriber.url("/in"));
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post(&daemon, form, ""), 400);
    assert_eq!(post(&daemon, form, "hub.mode=publish&hub.topic=x&hub.callback=http://127.0.8.3/"), 400);
    assert_eq!(post(&daemon, "application/json", "{}"), 415);
    assert_eq!(post(&daemon, form, &"x".repeat(20_000)), 413);
    assert_eq!(ask(&daemon, "subscribe", &known, &callback, &format!("&hub.secret={}", "s".repeat(200))), 400);
    assert_eq!(request(daemon.address, "POST", "/", &[]).status, 405);
    assert_eq!(get(daemon.address, "/hub").status, 404);
    for unknown in ["http://other.example/feed", &known.replace("140300", "yangquan"), &format!("{known}?source=gov")] {
        let before = subscriber.got("GET").len();
        assert_eq!(ask(&daemon, "subscribe", unknown, &callback, ""), 202);
        let told = subscriber.until("GET", before + 1).pop().unwrap();
        assert_eq!(told.parameter("hub.mode").unwrap(), "denied", "{unknown}");
        assert!(told.parameter("hub.reason").is_some() && told.parameter("hub.challenge").is_none());
    }
    let before = subscriber.got("GET").len();
    assert_eq!(ask(&daemon, "subscribe", &known, &callback, ""), 202);
    subscriber.until("GET", before + 1);
    house.step();
    daemon.until_items("140300", 2);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!((subscriptions(&house), subscriber.got("POST").len()), (0, 0), "a wrong challenge confirms nothing");
}

#[test]
fn hub_a_callback_in_a_private_network_is_refused_and_never_called() {
    let subscriber = Subscriber::bind(4, 0);
    let reached = Arc::new(AtomicBool::new(false));
    let port = subscriber.port();
    // In the networks of the sources, but not in those of subscribers.
    let inner = TcpListener::bind((Ipv4Addr::new(127, 0, 7, 203), port)).unwrap();
    let flag = Arc::clone(&reached);
    std::thread::spawn(move || inner.incoming().for_each(|_| flag.store(true, Ordering::SeqCst)));
    let house = House::new(204, port);
    let daemon = house.start();
    let topic = topic(&daemon, "atom.xml");
    for callback in [
        format!("http://127.0.7.203:{port}/"),
        format!("http://2130708427:{port}/"),
        format!("http://[::ffff:127.0.7.203]:{port}/"),
        "http://localhost/".to_owned(),
        "http://169.254.169.254/latest/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://8.8.8.8:22/".to_owned(),
    ] {
        assert_eq!(ask(&daemon, "subscribe", &topic, &callback, ""), 400, "{callback}");
    }
    std::thread::sleep(Duration::from_millis(500));
    assert!(!reached.load(Ordering::SeqCst));
}

#[test]
fn hub_nobody_can_make_it_flood_an_address_with_verifications() {
    let subscriber = Subscriber::bind(5, 0);
    subscriber.start(Manner::Willing);
    let house = House::new(205, subscriber.port());
    let daemon = house.start();
    let topic = topic(&daemon, "atom.xml");
    let began = Instant::now();
    let statuses: Vec<u16> =
        (0..80).map(|n| ask(&daemon, "subscribe", &topic, &subscriber.url(&format!("/{n}")), "")).collect();
    assert!(statuses.contains(&202) && statuses.contains(&503), "{statuses:?}");
    std::thread::sleep(Duration::from_secs(3).saturating_sub(began.elapsed()));
    let (asked, seconds) = (subscriber.got("GET").len(), began.elapsed().as_secs() as usize);
    assert!(asked <= 6 + seconds, "{asked} verifications in {seconds} s");
}

#[test]
fn hub_a_restart_keeps_subscriptions_and_410_ends_one() {
    let subscriber = Subscriber::bind(6, 0);
    subscriber.start(Manner::Willing);
    let leaver = Subscriber::bind(7, subscriber.port());
    leaver.start(Manner::Gone);
    let house = House::new(206, subscriber.port());
    let mut daemon = house.start();
    let topic = topic(&daemon, "atom.xml");
    assert_eq!(ask(&daemon, "subscribe", &topic, &subscriber.url("/in"), "&hub.secret=s"), 202);
    assert_eq!(ask(&daemon, "subscribe", &topic, &leaver.url("/in"), ""), 202);
    until_subscriptions(&house, 2);
    std::thread::sleep(Duration::from_secs(1));
    daemon.kill();
    house.step();
    let daemon = house.start();
    daemon.until_items("140300", 2);
    let sent = until("what came meanwhile is sent", || {
        subscriber.got("POST").into_iter().find(|got| String::from_utf8_lossy(&got.body).contains("第1条"))
    });
    assert!(sent.headers.contains_key("x-hub-signature"), "the secret was kept");
    until_subscriptions(&house, 1);
    assert_eq!(leaver.got("POST").len(), 1);
}

/// A hundred of a thousand subscribers never answer; the others have a new item within seconds.
#[test]
fn hub_dead_subscribers_delay_nobody() {
    const HOSTS: u8 = 100;
    const EACH: usize = 10;
    let first = Subscriber::bind(100, 0);
    let port = first.port();
    let mut all = vec![first];
    all.extend((1..HOSTS).map(|n| Subscriber::bind(100 + n, port)));
    for (number, subscriber) in all.iter().enumerate() {
        subscriber.start(if number % 10 == 0 { Manner::Dead } else { Manner::Willing });
    }
    let house = House::new(207, port);
    let daemon = house.start();
    let topic = topic(&daemon, "atom.xml");
    for n in 0..EACH {
        for subscriber in &all {
            assert_eq!(ask(&daemon, "subscribe", &topic, &subscriber.url(&format!("/{n}")), "&hub.secret=s"), 202);
        }
    }
    until_subscriptions(&house, 1000);
    house.step();
    let began = until("the item is here", || (daemon.items("140300").len() == 2).then(Instant::now));
    let healthy = || all.iter().enumerate().filter(|(number, _)| number % 10 != 0).map(|(_, subscriber)| subscriber);
    until("every healthy subscriber has it", || {
        healthy().all(|subscriber| subscriber.got("POST").len() >= EACH).then_some(())
    });
    let last = healthy().flat_map(|subscriber| subscriber.got("POST")).map(|got| got.at).max().unwrap();
    let took = last.saturating_duration_since(began);
    println!("the last of 900 healthy subscribers had it {} ms after it was in the feed", took.as_millis());
    // Well below the time limit of a delivery, which they would wait for if the dead ones held all places.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// One dayuan reads the feed of another: it subscribes at its hub, and is not polled for an hour otherwise.
#[test]
fn websub_a_source_that_names_a_hub_is_polled_when_the_hub_delivers() {
    let port = TcpListener::bind("127.0.8.220:0").unwrap().local_addr().unwrap().port();
    let house = House::new(208, port);
    let publisher = house.start();
    let settings = format!(
        "[fetch]\nallow_networks = [\"127.0.0.0/24\"]\nports = [{}]\n[poll]\nmin_interval = \"1h\"\nmax_interval = \"6h\"\nhost_gap = \"0s\"\n[hub]\nsubscribe = true\nallow_networks = [\"127.0.0.0/24\"]\n",
        publisher.address.port()
    );
    let reader = Installation::with(&settings, &source("yq", "140300", &topic(&publisher, "atom.xml")));
    let path = reader.config().join("dayuan.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("127.0.0.1:0", &format!("127.0.8.220:{port}"));
    std::fs::write(&path, text).unwrap();
    let mut daemon = reader.start();
    daemon.until_items("140300", 1);
    until_subscriptions(&house, 1);
    for count in 2..=3 {
        house.step();
        daemon.until_items("140300", count);
    }
    daemon.kill();
    let daemon = reader.start();
    until_subscriptions(&house, 1);
    house.step();
    daemon.until_items("140300", 4);
    assert_eq!(subscriptions(&house), 1, "the restarted one goes on with the same callback");
    let unknown = format!("/hub/in/{}", "0".repeat(48));
    assert_eq!(request(daemon.address, "POST", &unknown, &[("content-length", "0")]).status, 410);
    let sent = |method: &str, more: &str| {
        let head = format!("{method} {unknown} HTTP/1.1\r\nhost: {}\r\n{more}", daemon.address);
        let reply = parse(&say(daemon.address, format!("{head}\r\n\r\n2\r\nab\r\n0\r\n\r\n").as_bytes()));
        assert_eq!(reply.header("connection"), "close", "what follows is never taken for a request");
        reply.status
    };
    assert_eq!(sent("POST", "transfer-encoding: chunked"), 410, "a hub need not know the length");
    assert_eq!(
        sent("POST", "content-length: 2\r\ntransfer-encoding: chunked"),
        410,
        "a length beside it does not count"
    );
    assert_eq!(sent("POST", "transfer-encoding: chunked\r\ntransfer-encoding: chunked"), 400);
    assert_eq!(sent("POST", "transfer-encoding: gzip, chunked"), 400);
    assert_eq!(sent("GET", "transfer-encoding: chunked"), 400);
    assert_eq!(get(daemon.address, &format!("{unknown}?hub.mode=subscribe&hub.topic=x&hub.challenge=y")).status, 404);
    assert_eq!(request(daemon.address, "POST", "/hub", &[("content-length", "0")]).status, 405, "no hub of its own");
}
