//! Search: what a reader finds on the pages and in the feeds of a running daemon, and what no accident changes.
//!
//! `DAYUAN_KILLS` sets the number of kills; a few by default.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;

use super::http::{Reply, Site, get};
use super::installation::{Daemon, Installation, feed, source, until};

/// The titles of the JSON feed of a search.
fn found(daemon: &Daemon, query: &str) -> Option<Vec<String>> {
    let got = get(daemon.address, &format!("/search.json?{query}"));
    // While the index is made, there is no feed.
    if got.status == 503 {
        return None;
    }
    assert_eq!(got.status, 200, "{}", got.text());
    let feed: Value = serde_json::from_slice(&got.body).unwrap();
    Some(feed["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect())
}

fn until_found(daemon: &Daemon, query: &str, count: usize) -> Vec<String> {
    until(&format!("{count} results of {query}"), || found(daemon, query).filter(|titles| titles.len() == count))
}

/// A feed of these titles, or of the last 400 of them: a document is read up to 500 items.
fn site(host: u8, titles: &[&str]) -> (Site, Arc<Mutex<Vec<String>>>) {
    let titles: Arc<Mutex<Vec<String>>> =
        Arc::new(Mutex::new(titles.iter().map(|title| (*title).to_owned()).collect()));
    let shared = Arc::clone(&titles);
    let site = Site::new(host, move |_| {
        let titles = shared.lock().unwrap();
        let links: Vec<String> = (0..titles.len()).map(|number| format!("/{number}")).collect();
        let listed = titles.iter().zip(&links).skip(titles.len().saturating_sub(400));
        let items: Vec<_> = listed.map(|(title, link)| (title.as_str(), link.as_str(), title.as_str(), 1)).collect();
        Reply::ok(feed(&items))
    });
    (site, titles)
}

// 阳泉, 创卫 and 停水, percent-encoded.
const YANGQUAN: &str = "q=%E9%98%B3%E6%B3%89";
const CHUANGWEI: &str = "q=%E5%88%9B%E5%8D%AB";
const TINGSHUI: &str = "q=%E5%81%9C%E6%B0%B4";

#[test]
fn q6_what_was_polled_is_found_and_what_is_withdrawn_is_gone_at_once() {
    let (site, titles) = site(171, &["阳泉市召开创卫工作会议", "冠山镇停水通知", "太原地铁开通运营"]);
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    assert_eq!(until_found(&daemon, YANGQUAN, 1), ["阳泉市召开创卫工作会议"]);
    assert_eq!(until_found(&daemon, CHUANGWEI, 1), ["阳泉市召开创卫工作会议"]);
    assert_eq!(until_found(&daemon, "q=yangquan", 1), ["阳泉市召开创卫工作会议"]);
    assert_eq!(until_found(&daemon, &format!("{TINGSHUI}&region=140000&source=a"), 1), ["冠山镇停水通知"]);
    until_found(&daemon, &format!("{TINGSHUI}&region=140100"), 0);
    let filtered = get(daemon.address, &format!("/regions/140300/feed.json?{TINGSHUI}"));
    assert_eq!(serde_json::from_slice::<Value>(&filtered.body).unwrap()["items"].as_array().unwrap().len(), 1);

    // A new item is found soon after it is in the feed of its region.
    titles.lock().unwrap().push("漾泉大街停水检修".to_owned());
    daemon.until_items("140300", 4);
    let began = Instant::now();
    until_found(&daemon, TINGSHUI, 2);
    assert!(began.elapsed().as_millis() < 1000, "{:?}", began.elapsed());

    // The page needs no script, marks what was found and is none for search engines.
    let page = get(daemon.address, &format!("/search?{CHUANGWEI}")).text();
    for part in
        ["<mark>创卫</mark>", "name=\"robots\" content=\"noindex\"", "rel=\"search\"", "value=\"创卫\"", "<form"]
    {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
    assert!(get(daemon.address, "/search?q=%3Cscript%3E").text().contains("&#60;script&#62;"));
    assert!(get(daemon.address, "/search?q=gibtesnicht").text().contains("没有找到"));
    for path in ["/search?q=a&region=nowhere", "/search?q=a&source=nobody", "/search.atom?q=a&topic=nothing"] {
        assert_eq!(get(daemon.address, path).status, 404, "{path}");
    }
    let description = get(daemon.address, "/opensearch.xml").text();
    roxmltree::Document::parse(&description).unwrap();
    for path in ["/search.atom", "/search.rss", "/search.xml"] {
        let feed = get(daemon.address, &format!("{path}?{TINGSHUI}"));
        let (text, tag) = (feed.text(), feed.header("etag").to_owned());
        roxmltree::Document::parse(&text).unwrap();
        assert!(text.contains("漾泉大街停水检修") && !text.contains("太原"), "{path}: {text}");
        assert!(tag.starts_with('"'), "{path}");
    }

    let output = installation.run(&["find", "停水", "--region", "140300"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && told.lines().count() == 2, "{told}");
    let id = told.lines().find(|line| line.contains("冠山镇")).unwrap().split(' ').next().unwrap();
    assert!(installation.run(&["withdraw", id, "--reason", "a test"]).status.success());
    assert_eq!(found(&daemon, TINGSHUI).unwrap(), ["漾泉大街停水检修"], "at once");
    assert!(!get(daemon.address, &format!("/search?{TINGSHUI}")).text().contains("冠山镇"));
    let told = String::from_utf8(installation.run(&["find", "停水"]).stdout).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn q7_a_site_may_have_no_search() {
    let (site, _) = site(172, &["阳泉"]);
    let installation = Installation::with(
        "[search]\nenabled = false\n[fetch]\nallow_networks = [\"127.0.7.0/24\"]\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"2s\"\nhost_gap = \"0s\"\n",
        &source("a", "140300", &site.url("/feed")),
    );
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    assert_eq!(get(daemon.address, &format!("/search?{YANGQUAN}")).status, 404);
    assert_eq!(get(daemon.address, "/opensearch.xml").status, 404);
    assert!(!get(daemon.address, "/").text().contains("<form"));
    assert!(!installation.folder.path().join("store/search").exists());
    assert!(!installation.run(&["find", "阳泉"]).status.success());
}

#[test]
fn q8_no_kill_and_no_flipped_bit_of_the_index_loses_an_item() {
    let kills: usize = std::env::var("DAYUAN_KILLS").ok().and_then(|number| number.parse().ok()).unwrap_or(8);
    let (site, titles) = site(173, &["第0号停水通知"]);
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let folder = installation.folder.path().join("store/search");
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut roll = |sides: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 8).unwrap() % sides
    };
    // What the view had before the kill; what is polled after the start may take a second.
    let mut known = 0;
    for kill in 1..=kills {
        let files: Vec<_> =
            std::fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        if !files.is_empty() && kill % 2 == 0 {
            let path = &files[roll(files.len())];
            let mut bytes = std::fs::read(path).unwrap();
            let bit = roll(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(path, bytes).unwrap();
        }
        let mut daemon = installation.start();
        // Everything that the view had can be found as soon as there is a feed.
        let all = until("there is a feed", || found(&daemon, &format!("{TINGSHUI}&page=")));
        assert!(all.len() >= known.min(50), "{} of {known} after kill {kill}", all.len());
        let new = roll(40) + 1;
        for _ in 0..new {
            let mut titles = titles.lock().unwrap();
            let title = format!("第{}号停水通知", titles.len());
            titles.push(title);
        }
        std::thread::sleep(std::time::Duration::from_millis(u64::try_from(roll(1200)).unwrap()));
        known = daemon.items("140300").len();
        daemon.kill();
    }
    let daemon = installation.start();
    let count = titles.lock().unwrap().len();
    daemon.until_items("140300", count.min(50));
    for number in 0..count {
        let query = format!("q=%22%E7%AC%AC{number}%E5%8F%B7%22");
        until_found(&daemon, &query, 1);
    }
}
