//! How a guest behaves where many sites share one address, and what an admin is told of how sources fare.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dayuan::log::{Control, Record};
use dayuan::model::{Moment, SourceId};

use super::http::{Reply, Site, get};
use super::installation::{Installation, feed, source, until};

#[test]
fn p12_at_most_four_requests_are_at_one_address_at_a_time() {
    // Nine sources lead to one address: two by its notations, seven by redirects.
    let (inside, most, all) =
        (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let counts = (Arc::clone(&inside), Arc::clone(&most), Arc::clone(&all));
    let site = Site::raw(61, move |asked, stream| {
        let (inside, most, all) = &counts;
        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(150));
        inside.fetch_sub(1, Ordering::SeqCst);
        all.fetch_add(1, Ordering::SeqCst);
        let title = format!("第{}号通告", asked.path.trim_start_matches('/'));
        let reply = Reply::ok(feed(&[(&asked.path, &asked.path, &title, 2)]));
        drop(std::io::Write::write_all(stream, &reply.bytes()));
    });
    let port = site.address.port();
    // Two hosts for all who look at names only.
    let hosts = ["127.0.7.61", "[::ffff:127.0.7.61]"];
    let beside: Vec<Site> =
        (0..3).map(|at| Site::new(62 + at, |_| Reply::ok(feed(&[("1", "/a/1", "别处", 2)])))).collect();
    let mut blocks: String = hosts
        .iter()
        .enumerate()
        .map(|(at, host)| source(&format!("h{at}"), "140300", &format!("http://{host}:{port}/{at}")))
        .collect();
    // Redirects bring more guests.
    let leading: Vec<Site> = (0..7)
        .map(|at| {
            Site::new(70 + at, move |_| {
                Reply::status("302 Found").with("location", format!("http://127.0.7.61:{port}/{}", at + 2))
            })
        })
        .collect();
    for (at, site) in leading.iter().enumerate() {
        blocks += &source(&format!("l{at}"), "140300", &site.url("/feed"));
    }
    for (at, site) in beside.iter().enumerate() {
        blocks += &source(&format!("b{at}"), "140300", &site.url("/feed"));
    }
    let installation = Installation::with(
        &format!(
            "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\nports = [{port}]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"2s\"\nhost_gap = \"0s\"\n"
        ),
        &blocks,
    );
    let daemon = installation.start();
    until("all were asked some times", || (all.load(Ordering::SeqCst) >= 36).then_some(()));
    let most = most.load(Ordering::SeqCst);
    assert!((3..=4).contains(&most), "{most} at one time");
    for at in 0..3 {
        assert_eq!(daemon.status(&installation, &format!("b{at}"))["health"], "ok", "others were not in the way");
    }
}

#[test]
fn how_every_source_fares_is_a_page_and_a_feed() {
    let good = Site::new(80, |_| Reply::ok(feed(&[("1", "/a/1", "题", 2)])));
    let refusing = Site::new(87, |_| Reply::status("403 Forbidden"));
    let gone = Site::new(88, |_| Reply::status("410 Gone"));
    let blocks = [
        source("good", "140300", &good.url("/feed")),
        source("refusing", "140300", &refusing.url("/feed")).replace("refusing title", "<b>refusing</b>"),
        source("gone", "140300", &gone.url("/feed")),
    ];
    let installation = Installation::new(&blocks.concat());
    installation.say(&[Record::Control {
        source: SourceId::new("gone").unwrap(),
        state: Control::Gone,
        at: Moment::from_seconds(1_678_330_000),
    }]);
    let daemon = installation.start();
    let fares = |id: &str, health: &str| {
        until(health, || (daemon.status(&installation, id)["health"] == health).then_some(()));
    };
    fares("good", "ok");
    fares("refusing", "blocked");
    fares("gone", "gone");
    let page = get(daemon.address, "/sources");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let text = page.text();
    for part in ["来源状况", "good title", "正常", "被对方拒绝", "网站拒绝访问（403）", "已永久关闭", "id=\"refusing\""]
    {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    assert!(!text.contains("<b>refusing"), "names are escaped");
    assert!(text.find("refusing").unwrap() < text.find("good title").unwrap(), "those that are ill come first");
    let feed = get(daemon.address, "/sources/atom.xml");
    assert_eq!(feed.header("content-type"), "application/atom+xml; charset=utf-8");
    let told = feed.text();
    assert_eq!(told.matches("<entry>").count(), 2, "{told}");
    assert!(told.contains("网站拒绝访问（403）") && !told.contains("good title"));
    let again =
        super::http::request(daemon.address, "GET", "/sources/atom.xml", &[("if-none-match", feed.header("etag"))]);
    assert_eq!(again.status, 304, "it is the same as long as nobody falls ill or gets well");
    let metrics = installation.ask(b"{\"command\":\"metrics\"}\n").replace("\\\"", "\"");
    for line in
        ["dayuan_sources{health=\"ok\"} 1", "dayuan_sources{health=\"blocked\"} 1", "dayuan_sources{health=\"gone\"} 1"]
    {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
}

/// What the hostile sites of the next test do, by path.
fn hostile(path: &str, stream: &mut std::net::TcpStream) {
    use std::io::Write;
    let mut say = |text: &[u8]| stream.write_all(text).is_ok();
    let close = "connection: close\r\n\r\n";
    match path.trim_start_matches('/') {
        "silence" => std::thread::sleep(Duration::from_secs(60)),
        "drip" => {
            say(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
            while say(b"x") {
                std::thread::sleep(Duration::from_millis(500));
            }
        }
        "headers" => {
            say(b"HTTP/1.1 200 OK\r\n");
            while say(b"x-more: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n") {}
        }
        "circle" => {
            say(format!("HTTP/1.1 302 Found\r\nlocation: /circle\r\ncontent-length: 0\r\n{close}").as_bytes());
        }
        "deep" => {
            let body = format!("<rss><channel>{}", "<x:a>".repeat(100_000));
            say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{close}{body}", body.len()).as_bytes());
        }
        // The dearest of the shapes that tests/linear.rs doubles; a debug build takes ten times as long for them.
        "links" | "entities" | "elements" | "labels" => {
            let size = if cfg!(debug_assertions) { 1 } else { 10 };
            let body = match path.trim_start_matches('/') {
                "links" => format!("<html><body>{}", "<a href=\"/a\"><div>".repeat(size * 6000)),
                "labels" => format!("<html><body><h1>标题在这里</h1>{}", "来源：（记者".repeat(size * 5000)),
                "elements" => "<a/>".repeat(size * 25_000),
                _ => {
                    let entity = "x".repeat(256);
                    format!(
                        "<!DOCTYPE r [<!ENTITY a \"{entity}\">]><rss><channel><item><guid>{}",
                        "&a;".repeat(size * 30_000)
                    )
                }
            };
            say(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{close}{body}", body.len()).as_bytes());
        }
        // As fast as a line of ten megabits.
        "hints" => {
            while say(&b"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000)) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        "fault" => {
            say(format!("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n{close}").as_bytes());
        }
        // It hangs up.
        _ => {}
    }
}

#[test]
fn hostile_sources_do_not_keep_healthy_ones_waiting() {
    use std::io::Read;
    use std::net::{IpAddr, TcpListener};
    use std::sync::Mutex;
    use std::time::Instant;
    // Those who hold a slot for long are most of them.
    const KINDS: [&str; 20] = [
        "silence", "drip", "links", "silence", "circle", "drip", "deep", "silence", "fault", "drip", "headers",
        "silence", "nothing", "drip", "entities", "silence", "elements", "drip", "hints", "labels",
    ];
    let set = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u32>().ok());
    let count = set("DAYUAN_HOSTILE").unwrap_or(120);
    let healthy = set("DAYUAN_HEALTHY").unwrap_or_else(|| count.div_ceil(10).max(20));
    // One listener for all of them: each source has an address of its own.
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let polls: Arc<Mutex<std::collections::HashMap<IpAddr, Vec<Instant>>>> = Arc::default();
    let seen = Arc::clone(&polls);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap_or(0);
                let text = String::from_utf8_lossy(&head[..length]).into_owned();
                let path = text.split(' ').nth(1).unwrap_or("").to_owned();
                if path == "/good" {
                    let address = stream.local_addr().unwrap().ip();
                    seen.lock().unwrap().entry(address).or_default().push(Instant::now());
                    let reply = Reply::ok(feed(&[("1", "/a/1", "题", 2)]));
                    drop(std::io::Write::write_all(&mut stream, &reply.bytes()));
                } else {
                    hostile(&path, &mut stream);
                }
            });
        }
    });
    let address = |block: u8, number: u32| {
        let [_, _, high, low] = number.to_be_bytes();
        format!("127.{block}.{high}.{}:{port}", low.max(1))
    };
    let mut blocks = String::new();
    for number in 0..healthy {
        blocks += &source(&format!("good{number}"), "140300", &format!("http://{}/good", address(21, number + 1)));
    }
    for number in 0..count {
        let kind = KINDS[usize::try_from(number).unwrap() % KINDS.len()];
        blocks +=
            &source(&format!("evil{number}"), "140300", &format!("http://{}/{kind}", address(22, number * 2 + 1)));
    }
    // The hostile ones are several times as many as there are slots.
    let slots = count.div_ceil(8).min(64);
    let installation = Installation::with(
        &format!(
            "[fetch]\nallow_networks = [\"127.0.0.0/8\"]\ntimeout = \"5s\"\nconcurrency = {slots}\n[poll]\nmin_interval = \"2s\"\nmax_interval = \"4s\"\nhost_gap = \"0s\"\n"
        ),
        &blocks,
    );
    let daemon = installation.start();
    // Once everyone was asked, the healthy ones are asked in their time, whatever the others do.
    let all = usize::try_from(healthy).unwrap();
    let patience = Instant::now();
    while polls.lock().unwrap().values().filter(|times| times.len() >= 2).count() < all {
        assert!(patience.elapsed() < Duration::from_secs(300), "the first round does not end");
        std::thread::sleep(Duration::from_millis(100));
    }
    let from = Instant::now();
    let mut slowest = Duration::ZERO;
    while from.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(100));
        let asked = Instant::now();
        assert_eq!(get(daemon.address, "/healthz").status, 200);
        slowest = asked.elapsed().max(slowest);
    }
    let until = Instant::now();
    let mut longest = Duration::ZERO;
    for times in polls.lock().unwrap().values() {
        let inside: Vec<Instant> =
            [from].into_iter().chain(times.iter().copied().filter(|at| *at > from)).chain([until]).collect();
        longest = inside.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap().max(longest);
    }
    println!(
        "{count} hostile and {healthy} healthy sources: at most {longest:?} between two polls of a healthy one, {slowest:?} for /healthz"
    );
    // Four seconds and a tenth are their interval; the rest is for a machine that is busy with the hostile ones itself.
    assert!(longest < Duration::from_secs(8), "{longest:?} between two polls of a healthy source");
    assert!(daemon.peak() < 400 * 1024, "{} KiB", daemon.peak());
    assert_eq!(daemon.stop(), Some(0));
}
