//! Hostile sites, by path. Each case also asserts that the daemon lives, that its memory stays small, and that a good
//! source beside it is read in time.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::house::{House, feed, source, until};
use super::http::{Asked, Reply, Site};

/// The most memory that the daemon may take, in KiB.
const MOST_MEMORY: u64 = 150 * 1024;

/// Polls a site that does evil beside a good one; returns the reason that `status` gives for the evil one.
fn suffer(host: u8, evil: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> String {
    let evil = Site::raw(host, evil);
    let good = Site::new(host + 100, |_| Reply::ok(feed(&[("1", "/a/1", "好消息", 2)])));
    let house =
        House::new(&(source("evil", "140300", &evil.url("/feed")) + &source("good", "140300", &good.url("/feed"))));
    let daemon = house.start();
    daemon.until_items("140300", 1);
    let status = until("the evil one is found out", || {
        let status = daemon.status(&house, "evil");
        (status["health"] == "degraded" || status["health"] == "blocked").then_some(status)
    });
    assert_eq!(daemon.titles("140300"), ["好消息"]);
    assert_eq!(daemon.status(&house, "good")["health"], "ok");
    assert!(daemon.peak() < MOST_MEMORY, "{} KiB", daemon.peak());
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
fn f1_a_body_packed_twice_is_refused() {
    let reason = suffer(41, |_, stream| head(stream, "content-encoding: gzip, gzip\r\ncontent-length: 0\r\n"));
    assert!(reason.contains("gzip") || reason.contains("no content"), "{reason}");
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
fn f4_headers_without_end_are_cut() {
    let reason = suffer(45, |_, stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n"));
        while stream.write_all(b"x-more: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n").is_ok() {}
    });
    assert!(reason.contains("protocol"), "{reason}");
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
    let house = House::new(&blocks);
    let daemon = house.start_with(&[
        ("HTTP_PROXY", &format!("http://127.0.0.1:{port}")),
        ("ALL_PROXY", &format!("http://127.0.0.1:{port}")),
    ]);
    for (at, target) in targets.iter().enumerate() {
        let status = until(target, || {
            Some(daemon.status(&house, &format!("s{at}"))).filter(|status| status["failures"].as_u64() > Some(0))
        });
        let reason = status["reason"].as_str().unwrap();
        let words = ["allow_networks", "not fetched", "redirects to an address"];
        assert!(words.iter().any(|word| reason.contains(word)), "{target}: {reason}");
        assert!(!reason.contains("password@"), "a password is never shown");
    }
    assert!(trap.accept().is_err(), "nobody came to the trap");
}

#[test]
fn f7_what_is_no_feed_never_empties_one() {
    let polls = AtomicUsize::new(0);
    let site = Site::new(47, move |_| match polls.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::ok(feed(&[("1", "/a/1", "题", 2)])),
        1 => Reply::ok("<!DOCTYPE html><html><body>访问过于频繁</body></html>"),
        2 => Reply::ok(""),
        3 => {
            Reply { body: feed(&[("2", "/a/2", "错", 1)]).into_bytes(), ..Reply::status("500 Internal Server Error") }
        }
        4 => Reply::ok([0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0]),
        5 => Reply { body: feed(&[("3", "/a/3", "部分", 1)]).into_bytes(), ..Reply::status("206 Partial Content") },
        _ => Reply::status("304 Not Modified"),
    });
    let house = House::new(&source("a", "140300", &site.url("/feed")));
    let daemon = house.start();
    daemon.until_items("140300", 1);
    for poll in 2..=6 {
        until("the next poll", || {
            drop(house.run(&["poll", "a"]));
            (site.asked().len() >= poll).then_some(())
        });
        assert_eq!(daemon.titles("140300"), ["题"]);
    }
}

#[test]
fn x03_a_feed_nested_too_deep_is_told_and_the_process_lives() {
    let deep = feed(&[("1", "/a/1", "题", 2)]).replace("</item>", &format!("{}</item>", "<x:a>".repeat(1_000_000)));
    let reason = suffer(48, move |_, stream| {
        head(stream, &format!("content-length: {}\r\n", deep.len()));
        drop(stream.write_all(deep.as_bytes()));
    });
    assert!(reason.contains("64 deep"), "{reason}");
}
