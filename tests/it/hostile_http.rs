//! Hostile sites, by path. Each case also asserts that the daemon lives, that its memory stays small, and that a good
//! source beside it is read in time.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::http::{Asked, Reply, Site, get};
use super::installation::{Installation, feed, source, until};

/// The most memory that the daemon may take, in KiB.
const MAX_MEMORY: u64 = 150 * 1024;

/// Polls a site that does evil beside a good one; returns the reason that `status` gives for the evil one.
fn suffer(host: u8, hostile: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> String {
    let hostile = Site::raw(host, hostile);
    let good = Site::new(host + 100, |_| Reply::ok(feed(&[("1", "/a/1", "好消息", 2)])));
    let installation = Installation::new(
        &(source("evil", "140300", &hostile.url("/feed")) + &source("good", "140300", &good.url("/feed"))),
    );
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    let status = until("the evil one is found out", || {
        let status = daemon.status(&installation, "evil");
        (status["health"] == "degraded" || status["health"] == "blocked").then_some(status)
    });
    assert_eq!(daemon.titles("140300"), ["好消息"]);
    assert_eq!(daemon.status(&installation, "good")["health"], "ok");
    assert!(daemon.peak() < MAX_MEMORY, "{} KiB", daemon.peak());
    assert!(
        daemon.log().iter().any(|line| line["fields"]["source"] == "evil" && line["level"] == "WARN"),
        "one log line"
    );
    assert_eq!(daemon.stop(), Some(0));
    status["reason"].as_str().unwrap().to_owned()
}

fn head(stream: &mut TcpStream, more: &str) {
    drop(stream.write_all(format!("HTTP/1.1 200 OK\r\n{more}\r\n").as_bytes()));
}

#[test]
fn f1_a_bomb_of_zeros_is_cut() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..512 {
        bomb.write_all(&zeros).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let reason = suffer(40, move |_, stream| {
        head(stream, &format!("content-encoding: gzip\r\ncontent-length: {}\r\n", bomb.len()));
        drop(stream.write_all(&bomb));
    });
    assert!(reason.contains("8192 KiB"), "{reason}");
}

#[test]
fn f1_no_coding_lets_a_bomb_through() {
    let zeros = vec![0; 1 << 20];
    let write = |out: &mut dyn Write| (0..300).for_each(|_| out.write_all(&zeros).unwrap());
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    write(&mut deflate);
    let mut br = Vec::new();
    write(&mut brotli::CompressorWriter::new(&mut br, 65536, 5, 22));
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).unwrap();
    write(&mut zstd);
    let bombs = [("deflate", deflate.finish().unwrap()), ("br", br), ("zstd", zstd.finish().unwrap())];
    for ((coding, bomb), host) in bombs.into_iter().zip(49..) {
        let reason = suffer(host, move |_, stream| {
            head(stream, &format!("content-encoding: {coding}\r\ncontent-length: {}\r\n", bomb.len()));
            drop(stream.write_all(&bomb));
        });
        assert!(reason.contains("8192 KiB"), "{coding}: {reason}");
    }
}

#[test]
fn f1_a_body_packed_twice_is_refused() {
    let body = feed(&[("1", "/a/1", "题", 2)]);
    let reason = suffer(41, move |_, stream| {
        head(stream, &format!("content-encoding: gzip, gzip\r\ncontent-length: {}\r\n", body.len()));
        drop(stream.write_all(body.as_bytes()));
    });
    assert!(reason.contains("Content-Encoding `gzip, gzip`"), "{reason}");
}

#[test]
fn f2_a_body_without_end_is_cut() {
    let reason = suffer(42, |_, stream| {
        head(stream, "");
        while stream.write_all(&[b'x'; 65536]).is_ok() {}
    });
    assert!(reason.contains("larger than 8192 KiB"), "{reason}");
}

#[test]
fn f2_a_length_that_lies_allocates_nothing() {
    let reason = suffer(43, |_, stream| head(stream, "content-length: 9223372036854775807\r\n"));
    assert!(!reason.is_empty());
}

#[test]
fn f3_a_drip_ends_with_the_time() {
    let reason = suffer(44, |_, stream| {
        head(stream, "content-length: 1000000\r\n");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
    });
    assert!(reason.contains("within 5 s"), "{reason}");
}

#[test]
fn f3_silence_at_any_moment_ends_with_the_time() {
    let after_the_head = suffer(52, |_, stream| {
        head(stream, "content-length: 1000\r\n");
        std::thread::sleep(std::time::Duration::from_secs(20));
    });
    assert!(after_the_head.contains("within 5 s"), "{after_the_head}");
    let after_the_connection = suffer(53, |_, _| std::thread::sleep(std::time::Duration::from_secs(20)));
    assert!(after_the_connection.contains("within 5 s"), "{after_the_connection}");
    // A greeting of TLS that is never answered.
    let silent = TcpListener::bind("127.0.7.54:0").unwrap();
    let address = silent.local_addr().unwrap();
    let held = std::thread::spawn(move || silent.incoming().take(2).flatten().collect::<Vec<TcpStream>>());
    let installation = Installation::new(&source("evil", "140300", &format!("https://{address}/")));
    let daemon = installation.start();
    let status = until("it is found out", || {
        Some(daemon.status(&installation, "evil")).filter(|status| status["failures"].as_u64() > Some(0))
    });
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.contains("within 5 s") || reason.contains("timed out"), "{reason}");
    drop(daemon);
    drop(TcpStream::connect(address));
    drop(TcpStream::connect(address));
    drop(held.join());
}

#[test]
fn f4_many_headers_a_large_one_and_hints_without_end_are_cut() {
    let many = suffer(55, |_, stream| {
        let headers: String = (0..150).map(|number| format!("x-{number}: y\r\n")).collect();
        head(stream, &headers);
    });
    assert!(many.contains("invalid HTTP answer"), "{many}");
    let large = suffer(56, |_, stream| head(stream, &format!("x: {}\r\n", "y".repeat(1 << 20))));
    assert!(large.contains("invalid HTTP answer"), "{large}");
    let hints = suffer(57, |_, stream| {
        while stream.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
    assert!(hints.contains("within 5 s") || hints.contains("invalid HTTP answer"), "{hints}");
}

#[test]
fn f4_headers_without_end_are_cut() {
    let reason = suffer(45, |_, stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n"));
        while stream.write_all(b"x-more: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n").is_ok() {}
    });
    assert!(reason.contains("invalid HTTP answer"), "{reason}");
}

#[test]
fn f5_a_redirect_in_a_circle_ends_after_five() {
    let hops = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&hops);
    let reason = suffer(46, move |request, stream| {
        count.fetch_add(1, Ordering::SeqCst);
        let next = format!("{}x", request.path);
        drop(stream.write_all(format!("HTTP/1.1 302 Found\r\nlocation: {next}\r\nset-cookie: a=b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes()));
    });
    assert!(reason.contains("more than 5 redirects"), "{reason}");
    assert_eq!(hops.load(Ordering::SeqCst) % 6, 0, "six requests a poll");
}

#[test]
fn f5_no_cookie_and_no_credential_goes_along_to_another_host() {
    let told = Arc::<std::sync::Mutex<Vec<Asked>>>::default();
    let heard = Arc::clone(&told);
    let other = Site::new(58, move |asked| {
        heard.lock().unwrap().push(asked.clone());
        Reply::ok(feed(&[("1", "/a/1", "题", 2)])).with("set-cookie", "b=2").with("etag", "\"theirs\"")
    });
    let target = other.url("/feed");
    let first = Site::new(59, move |_| {
        Reply::status("302 Found")
            .with("location", target.clone())
            .with("set-cookie", "a=1; path=/")
            .with("etag", "\"mine\"")
    });
    let settings = format!(
        "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\nports = [{}]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"2s\"\nhost_gap = \"0s\"\n",
        other.address.port()
    );
    let installation = Installation::with(&settings, &source("a", "140300", &first.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    until("some more polls", || (told.lock().unwrap().len() >= 3).then_some(()));
    for asked in told.lock().unwrap().iter().chain(&first.asked()) {
        for name in ["cookie", "authorization", "referer"] {
            assert!(!asked.headers.contains_key(name), "{name}: {asked:?}");
        }
        assert_ne!(asked.headers.get("if-none-match").map(String::as_str), Some("\"mine\""));
    }
    // What one gave is shown to nobody else, and to that one it is.
    assert!(first.asked().iter().all(|asked| !asked.headers.contains_key("if-none-match")));
    let last = told.lock().unwrap().last().cloned().unwrap();
    assert_eq!(last.headers.get("if-none-match").map(String::as_str), Some("\"theirs\""));
}

#[test]
fn f6_a_second_answer_in_the_first_is_nobodys() {
    let hostile = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL";
    let body = feed(&[("1", "/a/1", "真的", 2)]);
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let heads = [
        format!("transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n{chunked}{hostile}"),
        format!("content-length: {}\r\n\r\n{body}{hostile}", body.len()),
        format!("content-length: 5\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
    ];
    let sites: Vec<Site> = heads
        .iter()
        .zip(220..)
        .map(|(rest, host)| {
            let answer = format!("HTTP/1.1 200 OK\r\n{rest}");
            Site::raw(host, move |_, stream| drop(stream.write_all(answer.as_bytes())))
        })
        .collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let installation = Installation::new(&blocks);
    let daemon = installation.start();
    until("all were polled some times", || sites.iter().all(|site| site.asked().len() >= 3).then_some(()));
    // The last one is refused: two lengths are none.
    assert_eq!(daemon.status(&installation, "s0")["health"], "ok");
    assert_eq!(daemon.status(&installation, "s1")["health"], "ok");
    assert_eq!(daemon.status(&installation, "s2")["health"], "degraded");
    assert!(daemon.titles("140300").iter().all(|title| title == "真的"));
    assert!(!daemon.log().iter().any(|line| line.to_string().contains("EVIL")));
}

#[test]
fn f8_a_retry_after_of_an_age_is_a_week_and_one_of_the_past_is_none() {
    let answers: [&'static str; 4] =
        ["999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "-5", "Thu, 01 Jan 1970 00:00:00 GMT"];
    let sites: Vec<Site> = answers
        .iter()
        .zip(230..)
        .map(|(answer, host)| {
            let answer = *answer;
            Site::new(host, move |_| Reply::status("503 Service Unavailable").with("retry-after", answer))
        })
        .collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let installation = Installation::new(&blocks);
    let daemon = installation.start();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (at, answer) in answers.iter().enumerate() {
        let status = until(answer, || {
            Some(daemon.status(&installation, &format!("s{at}"))).filter(|status| status["failures"].as_u64() > Some(0))
        });
        let due = dayuan::model::Moment::from_rfc3339(status["due"].as_str().unwrap()).unwrap().seconds();
        let wait = due - i64::try_from(now).unwrap();
        let day = 86_400;
        let fits = if at < 2 { (7 * day - 60..=8 * day).contains(&wait) } else { wait < 2 * 3600 };
        assert!(fits, "{answer}: {wait} s");
    }
}

#[test]
fn s5_redirects_into_forbidden_places_connect_to_nobody() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let port = trap.local_addr().unwrap().port();
    let targets = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("//127.0.0.1:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.7.1/".to_owned(),
        "http://user:password@127.0.7.1/".to_owned(),
        "http://127.0.7.1:25/".to_owned(),
    ];
    let sites: Vec<Site> = targets
        .iter()
        .zip(200..)
        .map(|(target, host)| {
            let target = target.clone();
            Site::new(host, move |_| Reply::status("301 Moved Permanently").with("location", target.clone()))
        })
        .collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let installation = Installation::new(&blocks);
    let daemon = installation.start_with(&[
        ("HTTP_PROXY", &format!("http://127.0.0.1:{port}")),
        ("ALL_PROXY", &format!("http://127.0.0.1:{port}")),
    ]);
    for (at, target) in targets.iter().enumerate() {
        let status = until(target, || {
            Some(daemon.status(&installation, &format!("s{at}"))).filter(|status| status["failures"].as_u64() > Some(0))
        });
        let reason = status["reason"].as_str().unwrap();
        let words = ["allow_networks", "not allowed", "redirects to an address"];
        assert!(words.iter().any(|word| reason.contains(word)), "{target}: {reason}");
        assert!(!reason.contains("password@"), "a password is never shown");
    }
    assert!(trap.accept().is_err(), "nobody came to the trap");
}

#[test]
fn f7_what_is_no_feed_never_empties_one() {
    let polls = AtomicUsize::new(0);
    let site = Site::new(47, move |_| match polls.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::ok(feed(&[("1", "/a/1", "题", 2)])).with("ETag", "\"a\""),
        1 => Reply::ok("<!DOCTYPE html><html><body>访问过于频繁</body></html>"),
        2 => Reply::ok(""),
        3 => {
            Reply { body: feed(&[("2", "/a/2", "错", 1)]).into_bytes(), ..Reply::status("500 Internal Server Error") }
        }
        4 => Reply::ok([0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0]),
        5 => Reply { body: feed(&[("3", "/a/3", "部分", 1)]).into_bytes(), ..Reply::status("206 Partial Content") },
        _ => Reply::status("304 Not Modified"),
    });
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    for poll in 2..=7 {
        until("the next poll", || {
            drop(installation.run(&["poll", "a"]));
            (site.asked().len() >= poll).then_some(())
        });
        assert_eq!(daemon.titles("140300"), ["题"]);
    }
    let told = || daemon.log().iter().filter(|line| line["fields"]["message"] == "poll failed").count();
    until("each of the five is told", || (told() == 5).then_some(()));
    until("what is unchanged is well", || (daemon.status(&installation, "a")["health"] == "ok").then_some(()));
    assert_eq!(daemon.titles("140300"), ["题"]);
}

#[test]
fn x03_a_feed_nested_too_deep_is_told_and_the_process_lives() {
    let deep = feed(&[("1", "/a/1", "题", 2)]).replace("</item>", &format!("{}</item>", "<x:a>".repeat(1_000_000)));
    let reason = suffer(48, move |_, stream| {
        head(stream, &format!("content-length: {}\r\n", deep.len()));
        drop(stream.write_all(deep.as_bytes()));
    });
    assert!(reason.contains("64 levels deep"), "{reason}");
}

/// Serves a document once and for all; returns what the daemon made of it.
fn read(host: u8, document: Vec<u8>) -> (Installation, super::installation::Daemon, serde_json::Value) {
    let site = Site::raw(host, move |_, stream| {
        head(stream, &format!("content-length: {}\r\nconnection: close\r\n", document.len()));
        drop(stream.write_all(&document));
    });
    let installation = Installation::new(&source("evil", "140300", &site.url("/feed")));
    let daemon = installation.start();
    let status = until("it was polled", || {
        Some(daemon.status(&installation, "evil")).filter(|status| status["health"] != "new")
    });
    assert!(daemon.peak() < MAX_MEMORY, "{} KiB", daemon.peak());
    (installation, daemon, status)
}

#[test]
fn x01_no_entity_is_expanded_or_read_from_a_file() {
    let laughs: String =
        (1..10).map(|level| format!("<!ENTITY a{level} \"{}\">", format!("&a{};", level - 1).repeat(10))).collect();
    let document = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE rss [<!ENTITY a0 \"lol\">{laughs}<!ENTITY x SYSTEM \"file:///etc/passwd\"><!ENTITY % p SYSTEM \"http://127.0.0.1/\">%p;]><rss version=\"2.0\"><channel><title>x</title><item><guid>1</guid><title>题&a9;&x;目</title><link>http://a.example/1</link></item></channel></rss>"
    );
    let (_house, daemon, _) = read(240, document.into_bytes());
    let text = get(daemon.address, "/regions/140300/atom.xml").text();
    assert!(!text.contains("root:") && !text.contains("lollol") && !text.contains("&amp;x;"), "{text}");
    assert_eq!(daemon.titles("140300"), ["题目"]);
    // A DTD of ten megabytes is too large, or is passed over.
    let document = format!(
        "<!DOCTYPE rss [{}]><rss version=\"2.0\"><channel><title>x</title></channel></rss>",
        "<!ENTITY a \"b\">".repeat(700_000)
    );
    let (_house, daemon, status) = read(241, document.into_bytes());
    assert_eq!(status["health"], "degraded", "{status}");
    assert_eq!(get(daemon.address, "/healthz").status, 200);
}

#[test]
fn x02_attributes_without_end_cost_nothing() {
    let attributes: String = (0..80_000).map(|number| format!(" a{number}=\"b\"")).collect();
    let names: String = (0..80_000).map(|number| format!(" xmlns:n{number}=\"http://a/{number}\"")).collect();
    for (more, host) in [(attributes, 242), (names, 243)] {
        let document = feed(&[("1", "/a/1", "题", 2)]).replace("<rss ", &format!("<rss{more} "));
        let (_house, daemon, _) = read(host, document.into_bytes());
        assert_eq!(get(daemon.address, "/healthz").status, 200);
    }
}

#[test]
fn x04_texts_and_labels_without_end_are_cut() {
    let long = "字".repeat(1 << 19);
    let labels: String = (0..100_000).map(|number| format!("<category>标签{number}</category>")).collect();
    let document =
        feed(&[("1", "/a/1", "题", 2)]).replace("<title>题</title>", &format!("<title>{long}</title>{labels}"));
    let (_house, daemon, status) = read(244, document.into_bytes());
    assert_eq!(status["health"], "ok", "{status}");
    let item = daemon.until_items("140300", 1).remove(0);
    assert!(item["title"].as_str().unwrap().chars().count() <= 512);
    assert!(item["tags"].as_array().is_none_or(|tags| tags.len() <= 32));
    assert!(get(daemon.address, "/regions/140300/atom.xml").body.len() < 64 * 1024);
}

#[test]
fn x05_a_feed_cut_off_anywhere_costs_its_source_only() {
    let whole = feed(&[("1", "/a/1", "题", 2), ("2", "/a/2", "另一题", 3)]).into_bytes();
    let polls = AtomicUsize::new(0);
    let step = whole.len() / 12;
    let site = Site::new(245, move |_| {
        let poll = polls.fetch_add(1, Ordering::SeqCst);
        Reply::ok(whole[..(poll * step).min(whole.len())].to_vec())
    });
    let installation = Installation::new(&source("evil", "140300", &site.url("/feed")));
    let daemon = installation.start();
    until("it was cut off everywhere", || {
        drop(installation.run(&["poll", "evil"]));
        (site.asked().len() >= 14).then_some(())
    });
    daemon.until_items("140300", 2);
    let mut titles = daemon.titles("140300");
    titles.sort();
    assert_eq!(titles, ["另一题", "题"]);
}

#[test]
fn x06_charsets_that_lie_never_publish_mojibake() {
    let text = feed(&[("1", "/a/1", "阳泉市供暖通告", 2)]).replace("<?xml version=\"1.0\"?>", "");
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let marked = if mark { format!("\u{feff}{text}") } else { text.clone() };
        marked.encode_utf16().flat_map(bytes).collect()
    };
    let gbk = |head: &str| [head.as_bytes(), &encoding_rs::GB18030.encode(&text).0].concat();
    let good = [
        utf16(u16::to_le_bytes, true),
        utf16(u16::to_be_bytes, true),
        gbk("<?xml version=\"1.0\" encoding=\"gb2312\"?>"),
        gbk("<?xml version=\"1.0\" encoding=\"utf-8\"?>"),
        format!("<?xml version=\"1.0\" encoding=\"gbk\"?>{text}").into_bytes(),
        format!("\u{feff}<?xml version=\"1.0\" encoding=\"gbk\"?>{text}").into_bytes(),
        format!("<?xml version=\"1.0\" encoding=\"x\"?>{text}").into_bytes(),
    ];
    let sites: Vec<Site> =
        good.into_iter().zip(160..).map(|(bytes, host)| Site::new(host, move |_| Reply::ok(bytes.clone()))).collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let installation = Installation::new(&blocks);
    let daemon = installation.start();
    for at in 0..sites.len() {
        until(&format!("s{at} was read"), || {
            (daemon.status(&installation, &format!("s{at}"))["health"] == "ok").then_some(())
        });
    }
    let titles = daemon.titles("140300");
    assert!(!titles.is_empty() && titles.iter().all(|title| title == "阳泉市供暖通告"), "{titles:?}");
    // What is said to be UTF-8 and is none of any kind.
    let spoilt = [text.as_bytes(), &[0x81, 0xff].repeat(200)].concat();
    let site = Site::new(90, move |_| Reply::ok(spoilt.clone()));
    let installation = Installation::new(&(source("evil", "140300", &site.url("/feed")) + "charset = \"utf-8\"\n"));
    let daemon = installation.start();
    let status = until("it is found out", || {
        Some(daemon.status(&installation, "evil")).filter(|status| status["failures"].as_u64() > Some(0))
    });
    assert!(status["reason"].as_str().unwrap().contains("charset"), "{status}");
    assert!(daemon.items("140300").is_empty());
}
