//! The feed of how the sources fared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::http::{Reply, Site, get};
use super::installation::{Installation, feed, source, until};

#[test]
fn a_source_that_falls_ill_and_recovers_is_told_once_each_across_restarts() {
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    let site = Site::new(206, move |_| {
        if down.load(Ordering::SeqCst) {
            Reply::status("403 Forbidden")
        } else {
            Reply::ok(feed(&[("1", "/a/1", "题", 2)]))
        }
    });
    let installation = Installation::new(&source("office", "140300", &site.url("/feed")));
    let daemon = installation.start();
    let told = |address| get(address, "/sources/digest.xml").text();
    let ill = until("it is told that the source is ill", || {
        Some(told(daemon.address)).filter(|text| text.matches("<entry>").count() == 1)
    });
    assert!(ill.contains("网站拒绝访问（403）") && ill.contains("office title"), "{ill}");
    assert!(get(daemon.address, "/sources").text().contains("/sources/digest.xml"));
    assert_eq!(daemon.stop(), Some(0));
    let daemon = installation.start();
    until("the old entry is still there", || {
        // The port is another one, and with it the links.
        let id = |text: &str| {
            text.split("<entry>")
                .nth(1)
                .and_then(|entry| entry.split("urn:uuid:").nth(1))
                .map(|id| id.chars().take(36).collect::<String>())
        };
        let now = told(daemon.address);
        (id(&now).is_some() && id(&now) == id(&ill)).then_some(())
    });
    is_down.store(false, Ordering::SeqCst);
    assert!(installation.run(&["poll", "office"]).status.success());
    let both = until("it is told that the source is well", || {
        Some(told(daemon.address)).filter(|text| text.matches("<entry>").count() == 2)
    });
    assert!(both.find("恢复").unwrap() < both.find("（403）").unwrap(), "the newest first: {both}");
    let again = get(daemon.address, "/sources/digest.xml");
    assert_eq!(again.text(), both, "the same bytes");
}
