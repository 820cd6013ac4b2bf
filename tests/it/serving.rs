//! What readers, and those who only pretend to be some, get.

use std::io::Read;

use super::http::{Reply, Site, get, parse, request, say};
use super::installation::{Daemon, Installation, feed, source};

fn daemon(host: u8) -> (Installation, Daemon) {
    let items: Vec<(String, String, String)> =
        (0..20).map(|n| (n.to_string(), format!("/a/{n}"), format!("第{n}条消息 & <b>粗</b>"))).collect();
    let body = {
        let items: Vec<(&str, &str, &str, i64)> =
            items.iter().map(|(guid, link, title)| (guid.as_str(), link.as_str(), title.as_str(), 2)).collect();
        feed(&items)
    };
    let site = Site::new(host, move |_| Reply::ok(body.clone()));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 20);
    (installation, daemon)
}

#[test]
fn conditions_codings_and_head() {
    let (_house, daemon) = daemon(60);
    for path in [
        "/regions/140300/atom.xml",
        "/regions/140300/rss.xml",
        "/regions/140300/feed.json",
        "/regions/140300",
        "/",
        "/opml.xml",
    ] {
        let plain = get(daemon.address, path);
        assert_eq!(plain.status, 200, "{path}");
        assert_eq!(get(daemon.address, path).body, plain.body, "{path}: the same bytes");
        let etag = plain.header("etag").to_owned();
        assert_eq!(request(daemon.address, "GET", path, &[("if-none-match", &etag)]).status, 304, "{path}");
        assert_eq!(
            request(daemon.address, "GET", path, &[("if-modified-since", plain.header("last-modified"))]).status,
            304,
            "{path}"
        );
        let head = request(daemon.address, "HEAD", path, &[]);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), plain.body.len().to_string(), "{path}");
        let packed = request(daemon.address, "GET", path, &[("accept-encoding", "gzip")]);
        if packed.header("content-encoding") == "gzip" {
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, plain.body, "{path}");
            assert_ne!(packed.header("etag"), etag, "{path}");
        }
    }
}

#[test]
fn v3_ambiguous_requests_get_one_refusal_and_the_end() {
    let (_house, daemon) = daemon(61);
    let host = daemon.address.to_string();
    let long = format!("GET /{} HTTP/1.1\r\nhost: {host}\r\n\r\n", "x".repeat(65536));
    let cases = [
        format!(
            "GET / HTTP/1.1\r\nhost: {host}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n"
        ),
        format!("GET / HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked, identity\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: {host}\r\ncontent-length: +5\r\n\r\nhello"),
        format!("GET / HTTP/1.1\r\nhost: {host}\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
        format!("GET http://evil/ HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: {host}\r\nhost: evil\r\n\r\n"),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        format!("GET /\0 HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        long,
    ];
    for case in cases {
        let answer = say(daemon.address, case.as_bytes());
        let shown = case.chars().take(80).collect::<String>();
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{shown}: {text}");
        let status = parse(&answer).status;
        assert!([400, 414, 431].contains(&status), "{shown}: {status}");
    }
    assert_eq!(get(daemon.address, "/healthz").status, 200);
}

#[test]
fn v4_links_come_from_the_config_only() {
    let (_house, daemon) = daemon(62);
    let headers =
        [("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https"), ("forwarded", "host=evil.example")];
    for path in ["/", "/regions/140300", "/regions/140300/atom.xml", "/regions/yq"] {
        let answer = request(daemon.address, "GET", path, &headers);
        assert!(!answer.text().contains("evil") && !answer.header("location").contains("evil"), "{path}");
    }
    let lying = say(
        daemon.address,
        b"GET /regions/140300/atom.xml HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n",
    );
    assert!(!parse(&lying).text().contains("evil"));
}

#[test]
fn v5_paths_that_lead_nowhere_cost_nothing() {
    let (installation, daemon) = daemon(63);
    let before = daemon.peak();
    let made = || {
        let metrics = installation.ask(b"{\"command\":\"metrics\"}\n");
        let count = metrics.split("dayuan_documents_made_total ").nth(1).unwrap();
        count.chars().take_while(char::is_ascii_digit).collect::<String>()
    };
    let made_before = made();
    for path in [
        "/../../etc/passwd",
        "/%2e%2e%2fetc/passwd",
        "/%00",
        "/..%5c",
        "/regions/../admin",
        "/%c0%af",
        "/metrics",
        "/<script>alert(1)</script>",
    ] {
        let got = get(daemon.address, path);
        assert!(got.status == 404 || got.status == 400, "{path}: {}", got.status);
        assert!(!got.text().contains("<script>"), "{path}");
    }
    let missing = get(daemon.address, "/nothing");
    assert!(missing.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(
        (missing.header("x-content-type-options"), missing.header("referrer-policy")),
        ("nosniff", "no-referrer")
    );
    for number in 0..3000 {
        assert_eq!(get(daemon.address, &format!("/regions/nowhere-{number}/atom.xml")).status, 404);
    }
    assert!(daemon.peak() < before + 8 * 1024, "{} KiB more", daemon.peak() - before);
    assert_eq!(made(), made_before, "nothing was put together for them");
}

#[test]
fn v6_unknown_keys_of_a_query_are_nothing() {
    let (_house, daemon) = daemon(64);
    let plain = get(daemon.address, "/regions/140300/atom.xml");
    for number in 0..100 {
        let got = get(daemon.address, &format!("/regions/140300/atom.xml?x={number}"));
        assert_eq!((got.status, got.header("etag")), (200, plain.header("etag")));
    }
    assert_eq!(plain.header("vary"), "accept-encoding, sec-fetch-dest");
}

#[test]
fn slugs_and_former_slugs_lead_to_the_region() {
    let (_house, daemon) = daemon(65);
    for name in ["yangquan", "yq"] {
        let got = get(daemon.address, &format!("/regions/{name}/atom.xml"));
        assert_eq!(got.status, 301);
        assert!(got.header("location").ends_with("/regions/140300/atom.xml"), "{}", got.header("location"));
    }
}

#[test]
fn only_get_and_head_are_answered() {
    let (_house, daemon) = daemon(66);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let got = request(daemon.address, method, "/regions/140300/atom.xml", &[]);
        assert_eq!((got.status, got.header("allow")), (405, "GET, HEAD"), "{method}");
    }
}

#[test]
fn v1_who_says_nothing_is_closed_within_ten_seconds_while_others_are_answered() {
    use std::io::Write;
    let (_house, daemon) = daemon(67);
    let began = std::time::Instant::now();
    let mut silent: Vec<std::net::TcpStream> =
        (0..400).map(|_| std::net::TcpStream::connect(daemon.address).unwrap()).collect();
    // Half of them drip a header.
    for stream in silent.iter_mut().step_by(2) {
        stream.write_all(b"GET / HTTP/1.1\r\nho").unwrap();
    }
    let mut slowest = std::time::Duration::ZERO;
    for stream in &mut silent {
        stream.set_read_timeout(Some(std::time::Duration::from_millis(1))).unwrap();
    }
    super::installation::until("all of them are closed", || {
        let asked = std::time::Instant::now();
        assert_eq!(get(daemon.address, "/regions/140300/atom.xml").status, 200);
        slowest = slowest.max(asked.elapsed());
        for stream in silent.iter_mut().step_by(2) {
            drop(stream.write_all(b"x"));
        }
        silent.retain_mut(|stream| !matches!(stream.read(&mut [0; 64]), Ok(0)) && stream.peer_addr().is_ok());
        silent.is_empty().then_some(())
    });
    let took = began.elapsed();
    assert!(took.as_secs() >= 8 && took.as_secs() <= 12, "{took:?}");
}

#[test]
fn v3_behind_nginx_there_is_one_answer_to_one_request() {
    use std::process::{Command, Stdio};
    let (installation, daemon) = daemon(68);
    let folder = installation.folder.path();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let front = listener.local_addr().unwrap();
    drop(listener);
    let config = format!(
        "daemon off; master_process off; pid {0}/nginx.pid; error_log {0}/nginx.log; events {{}} http {{ access_log off; client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; server {{ listen {front}; location / {{ proxy_pass http://{1}; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }} }}",
        folder.display(),
        daemon.address
    );
    std::fs::write(folder.join("nginx.conf"), config).unwrap();
    let started = ["nginx", "/usr/sbin/nginx"].iter().find_map(|name| {
        Command::new(name).arg("-c").arg(folder.join("nginx.conf")).stderr(Stdio::null()).spawn().ok()
    });
    let Some(mut nginx) = started else {
        println!("SKIPPED: there is no nginx here");
        return;
    };
    super::installation::until("nginx answers", || std::net::TcpStream::connect(front).is_ok().then_some(()));
    let smuggled = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let cases = [
        format!(
            "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n{smuggled}",
            smuggled.len() + 5
        ),
        format!(
            "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{smuggled}",
            smuggled.len()
        ),
        "GET / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\nconnection: close\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n folded: z\r\nconnection: close\r\n\r\n".to_owned(),
    ];
    for case in cases {
        let answer = String::from_utf8_lossy(&say(front, case.as_bytes())).into_owned();
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{case:?}: {answer}");
        assert!(!answer.ends_with("ok\n"), "{case:?}: {answer}");
    }
    assert_eq!(get(front, "/regions/140300/atom.xml").status, 200);
    drop(nginx.kill());
    drop(nginx.wait());
}

#[test]
fn v6_no_header_of_a_request_makes_more_kinds_of_a_document_than_there_are_codings() {
    let (_house, daemon) = daemon(69);
    let path = "/regions/140300/atom.xml";
    let plain = get(daemon.address, path);
    let mut kinds = std::collections::HashSet::new();
    for coding in ["gzip", "br", "gzip, br", "deflate", "zstd", "identity", "gzip;q=0", "*", "x, y, z", "GZIP"] {
        let got = request(daemon.address, "GET", path, &[("accept-encoding", coding)]);
        assert_eq!(got.status, 200, "{coding}");
        kinds.insert((got.header("content-encoding").to_owned(), got.header("etag").to_owned()));
    }
    // Plain, gzip, brotli and zstd.
    assert!(kinds.len() <= 4, "{kinds:?}");
    let tags = vec!["\"x\""; 10_000].join(", ");
    let got = request(daemon.address, "GET", path, &[("if-none-match", &tags)]);
    assert!([200, 431].contains(&got.status), "{}", got.status);
    let huge = format!("\"{}\"", "x".repeat(1 << 20));
    let got =
        say(daemon.address, format!("GET {path} HTTP/1.1\r\nhost: a\r\nif-none-match: {huge}\r\n\r\n").as_bytes());
    assert!(got.is_empty() || [400, 431].contains(&parse(&got).status));
    let ranges = format!("bytes={}", vec!["0-0"; 1000].join(","));
    let got = request(daemon.address, "GET", path, &[("range", &ranges)]);
    assert!(got.status == 200 && got.body == plain.body || got.status == 206 && got.body.len() <= plain.body.len());
}

#[test]
fn v8_a_stop_with_a_thousand_open_connections_is_over_in_ten_seconds() {
    use std::io::Write;
    let (_house, daemon) = daemon(33);
    let mut open: Vec<std::net::TcpStream> =
        (0..1000).map(|_| std::net::TcpStream::connect(daemon.address).unwrap()).collect();
    for stream in open.iter_mut().step_by(2) {
        stream.write_all(b"GET /regions/140300/atom.xml HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    }
    let began = std::time::Instant::now();
    assert_eq!(daemon.stop(), Some(0));
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[test]
fn v2_readers_that_take_nothing_cost_little_and_are_in_nobodys_way() {
    use std::io::Write;
    // A feed of some size, so that nobody's system holds all of it.
    let text = "字".repeat(20_000);
    let items: Vec<(String, String)> = (0..40).map(|n| (format!("第{n}条"), format!("/a/{n}"))).collect();
    let items: Vec<(&str, &str, &str, i64)> =
        items.iter().map(|(title, link)| (title.as_str(), link.as_str(), title.as_str(), 2)).collect();
    let document = feed(&items).replace("。</description>", &format!("{text}</description>"));
    let site = Site::new(34, move |_| Reply::ok(document.clone()));
    let block = source("a", "140300", &site.url("/feed")) + "content = \"full\"\nrights_basis = \"test\"\n";
    let installation = Installation::new(&block);
    let daemon = installation.start();
    daemon.until_items("140300", 40);
    let whole = get(daemon.address, "/regions/140300/atom.xml").body.len();
    assert!(whole > 2_000_000, "{whole}");
    let before = daemon.peak();
    let slow: Vec<std::net::TcpStream> = (0..400)
        .map(|_| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            socket.connect(&daemon.address.into()).unwrap();
            let mut stream = std::net::TcpStream::from(socket);
            stream.write_all(b"GET /regions/140300/atom.xml HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
            stream
        })
        .collect();
    for _ in 0..50 {
        assert_eq!(get(daemon.address, "/regions/140302/atom.xml").status, 200);
    }
    assert_eq!(get(daemon.address, "/regions/140300/atom.xml").body.len(), whole);
    // The bytes are shared: 400 copies would be 900 MB.
    let more = daemon.peak() - before;
    assert!(more < 400 * 64, "{more} KiB for 400 readers");
    drop(slow);
}
