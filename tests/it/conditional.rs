//! P1 to P4, and what refusals do.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::http::{Reply, Site};
use super::installation::{Installation, feed, source, until};

const ITEM: (&str, &str, &str, i64) = ("1", "/a/1", "题", 2);

#[test]
fn validators_are_sent_back_as_they_came() {
    let odd = "W/\"a,b\\\"  c\"";
    let site = Site::new(20, move |_| Reply::ok(feed(&[ITEM])).with("ETag", odd).with("Last-Modified", "around noon"));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let _daemon = installation.start();
    let asked = until("a second poll", || site.asked().get(1).cloned());
    assert_eq!(asked.headers["if-none-match"], odd);
    assert_eq!(asked.headers["if-modified-since"], "around noon");
    let first = &site.asked()[0];
    assert!(!first.headers.contains_key("if-none-match"));
    assert!(first.headers["user-agent"].starts_with("dayuan/"));
    for never in ["cookie", "referer", "authorization"] {
        assert!(!first.headers.contains_key(never));
    }
    for coding in ["gzip", "br", "zstd"] {
        assert!(first.headers["accept-encoding"].contains(coding));
    }
}

#[test]
fn both_validators_are_replaced_together_also_under_the_same_body() {
    let polls = AtomicUsize::new(0);
    let site = Site::new(21, move |_| {
        let reply = Reply::ok(feed(&[ITEM]));
        match polls.fetch_add(1, Ordering::SeqCst) {
            0 => reply.with("etag", "\"one\"").with("last-modified", "Thu, 09 Mar 2023 02:27:02 GMT"),
            _ => reply.with("etag", "\"two\""),
        }
    });
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let _daemon = installation.start();
    let third = until("a third poll", || site.asked().get(2).cloned());
    assert_eq!(third.headers["if-none-match"], "\"two\"");
    assert!(!third.headers.contains_key("if-modified-since"), "a header that is absent now is forgotten");
}

#[test]
fn a_304_may_bring_a_new_validator() {
    let polls = AtomicUsize::new(0);
    let site = Site::new(22, move |_| match polls.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::ok(feed(&[ITEM])).with("etag", "\"one\""),
        _ => Reply::status("304 Not Modified").with("etag", "\"three\""),
    });
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let _daemon = installation.start();
    let third = until("a third poll", || site.asked().get(2).cloned());
    assert_eq!(third.headers["if-none-match"], "\"three\"");
}

#[test]
fn a_refusal_with_retry_after_is_obeyed_and_told() {
    let site = Site::new(23, |_| Reply::status("503 Service Unavailable").with("retry-after", "7200"));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    let status =
        until("it is told", || Some(daemon.status(&installation, "a")).filter(|status| status["health"] == "degraded"));
    assert!(status["reason"].as_str().unwrap().contains("503"), "{status}");
    let poll = installation.run(&["poll", "a"]);
    assert_eq!(poll.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&poll.stderr).contains("asked us to wait"));
    assert_eq!(installation.run(&["poll", "nobody"]).status.code(), Some(1));
    assert_eq!(site.asked().len(), 1);
}

#[test]
fn what_is_gone_is_believed_only_after_days() {
    let site = Site::new(24, |_| Reply::status("410 Gone"));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    until("it is told", || (daemon.status(&installation, "a")["health"] == "degraded").then_some(()));
    assert!(daemon.status(&installation, "a")["reason"].as_str().unwrap().contains("410 (gone)"));
    assert_eq!(site.asked().len(), 1, "it is asked again, but later");
}

#[test]
fn a_crash_does_not_shorten_the_interval() {
    let site = Site::new(25, |_| Reply::ok(feed(&[ITEM])));
    let settings = "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\n[poll]\nmin_interval = \"1h\"\nhost_gap = \"0s\"\n";
    let installation = Installation::with(settings, &source("a", "140300", &site.url("/feed")));
    for _ in 0..4 {
        let mut daemon = installation.start();
        daemon.until_items("140300", 1);
        daemon.kill();
    }
    assert_eq!(site.asked().len(), 1);
    let daemon = installation.start();
    assert!(installation.run(&["poll", "a"]).status.success());
    until("it is polled because an admin asked", || (site.asked().len() == 2).then_some(()));
    drop(daemon);
}
