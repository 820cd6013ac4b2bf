//! What an admin takes down is gone from everything at once, and stays so whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use super::http::{Reply, Site, get, request};
use super::installation::{Daemon, Installation, feed, source, until};

const STORY: &str = "阳泉市今天举行新闻发布会，介绍全市今冬供热的准备情况。全市供热面积比去年增加三百二十万平方米，六家供热企业的设备已经检修完毕，储煤二十一万吨，十一月一日零时起正式供热，明年三月三十一日结束。供热期间室内温度不得低于十八摄氏度，市民可以拨打服务热线反映问题，企业应当在两小时内上门查看。";

/// Two sources of one city: one story is told by both, one by each alone.
fn sites(host: u8) -> (Site, Site) {
    let told = |items: &[(&str, &str, &str, i64)]| {
        feed(items).replacen("今冬十一月一日起供热。</description>", &format!("{STORY}</description>"), 1)
    };
    let first = told(&[("g1", "/a/1", "今冬十一月一日起供热", 2), ("g2", "/a/2", "甲站自己的消息", 3)]);
    let second = told(&[("h1", "/b/1", "今冬十一月一日起供热", 2), ("h2", "/b/2", "乙站自己的消息", 4)]);
    (Site::new(host, move |_| Reply::ok(first.clone())), Site::new(host + 1, move |_| Reply::ok(second.clone())))
}

fn start(host: u8) -> (Site, Site, Installation, Daemon) {
    let (first, second) = sites(host);
    let list = source("jia", "140300", &first.url("/feed")) + &source("yi", "140300", &second.url("/feed"));
    let installation = Installation::new(&list);
    let daemon = installation.start();
    until("all three stories", || (daemon.titles("140300").len() == 3).then_some(()));
    until("the story of both", || {
        let both = daemon.items("140300").into_iter().find(|item| item["title"].as_str().unwrap().contains("供热"))?;
        (both["_dayuan"]["related"].as_array().unwrap().len() == 1).then_some(())
    });
    (first, second, installation, daemon)
}

fn id(daemon: &Daemon, title: &str) -> String {
    let items = daemon.items("140300");
    let item = items.iter().find(|item| item["title"].as_str().unwrap().contains(title)).unwrap();
    item["id"].as_str().unwrap().trim_start_matches("urn:uuid:").to_owned()
}

fn sources_of(daemon: &Daemon) -> Vec<String> {
    let items = daemon.items("140300");
    items.iter().map(|item| item["_dayuan"]["source"]["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn t1_a_source_is_withdrawn_before_the_command_returns_and_stories_of_others_live_on() {
    let (first, _second, installation, daemon) = start(140);
    let (own, both) = (id(&daemon, "甲站"), id(&daemon, "供热"));
    let before = get(daemon.address, "/regions/140300/atom.xml");
    let run =
        installation.run(&["withdraw", "--source", "jia", "--reason", "法院", "--public-reason", "应法院要求撤下"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    // No waiting: the command has returned.
    assert_eq!(sources_of(&daemon), ["yi", "yi"]);
    let after = get(daemon.address, "/regions/140300/atom.xml");
    assert_ne!(before.header("etag"), after.header("etag"));
    let text = after.text();
    assert!(text.contains(&format!("<at:deleted-entry ref=\"urn:uuid:{own}\" when=\"")), "{text}");
    assert!(!text.contains(&format!("deleted-entry ref=\"urn:uuid:{both}")), "{text}");
    assert!(!text.contains(&first.url("/a/")) && !text.contains("甲站"), "{text}");
    assert_eq!(id(&daemon, "供热"), both, "the story keeps its id");
    for path in ["/", "/regions/140300", "/regions/140300/rss.xml", "/opml.xml"] {
        assert!(!get(daemon.address, path).text().contains("甲站自己"), "{path}");
    }
    let page = get(daemon.address, &format!("/items/{own}"));
    assert_eq!(page.status, 410);
    assert!(page.text().contains("应法院要求撤下") && !page.text().contains("法院</"), "{}", page.text());
    assert!(!get(daemon.address, &format!("/items/{both}")).text().contains(&first.url("/a/1")));
    // It is fetched again, and the view is made anew.
    let polls = first.asked().len();
    assert!(installation.run(&["poll", "jia"]).status.success());
    until("it is fetched again", || (first.asked().len() > polls).then_some(()));
    assert_eq!(sources_of(&daemon), ["yi", "yi"]);
    assert_eq!(daemon.stop(), Some(0));
    assert!(installation.run(&["verify"]).status.success());
    assert!(installation.run(&["rebuild"]).status.success());
    let daemon = installation.start();
    until("it is served again", || (daemon.titles("140300").len() == 2).then_some(()));
    assert!(get(daemon.address, "/regions/140300/atom.xml").text().contains("at:deleted-entry"));
    assert!(!installation.run(&["withdraw", "--source", "nobody", "--reason", "x"]).status.success());
    assert!(!installation.run(&["withdraw", "--source", "jia", "--reason", "x"]).status.success(), "once is enough");
    assert!(installation.run(&["restore-item", "--source", "jia"]).status.success());
    assert_eq!(daemon.titles("140300").len(), 3);
    assert!(!get(daemon.address, "/regions/140300/atom.xml").text().contains("at:deleted-entry"));
}

#[test]
fn t2_a_takedown_of_the_config_holds_when_the_reload_returns_and_after_a_restore() {
    let (first, _second, installation, daemon) = start(142);
    let path = installation.config().join("dayuan.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    let prefix = first.url("/a/");
    std::fs::write(&path, format!("{settings}\n[[takedown]]\nprefix = \"{prefix}\"\nreason = \"他人的权利\"\n"))
        .unwrap();
    let own = id(&daemon, "甲站");
    let run = installation.run(&["reload"]);
    assert!(run.status.success());
    let told = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(told.contains("2 items"), "{told}");
    assert_eq!(sources_of(&daemon), ["yi", "yi"]);
    let page = get(daemon.address, &format!("/items/{own}"));
    assert!(page.status == 410 && !page.text().contains("他人的权利"), "{}", page.text());
    let archive = installation.folder.path().join("archive");
    let archive = archive.to_str().unwrap();
    assert!(installation.run(&["backup", archive]).status.success());
    assert_eq!(daemon.stop(), Some(0));
    std::fs::remove_dir_all(installation.folder.path().join("store")).unwrap();
    assert!(installation.run(&["restore", archive]).status.success());
    let daemon = installation.start();
    until("the sources are read anew", || (daemon.titles("140300").len() >= 2).then_some(()));
    assert_eq!(sources_of(&daemon), ["yi", "yi"]);
    std::fs::write(&path, settings).unwrap();
    assert!(installation.run(&["reload"]).status.success());
    assert_eq!(daemon.titles("140300").len(), 3, "what is no longer taken down is published again");
    assert_eq!(daemon.stop(), Some(0));
    assert!(installation.run(&["verify"]).status.success());
}

#[test]
fn t3_check_tells_of_takedowns_that_cover_nothing_or_everything() {
    let installation = Installation::new(&source("jia", "140300", "https://www.a.gov.cn/news/"));
    let path = installation.config().join("dayuan.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    let check = |more: &str| {
        std::fs::write(&path, format!("{settings}\n[[takedown]]\n{more}\n")).unwrap();
        let run = installation.run(&["check"]);
        (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
    };
    let (code, told) = check("host = \"b.cn\"\nreason = \"x\"");
    assert!(code == Some(0) && told.contains("covers no source"), "{told}");
    let (code, told) = check("host = \"a.gov.cn\"\nreason = \"x\"");
    assert!(code == Some(0) && told.contains("covers every source"), "{told}");
    for wrong in [
        "host = \"a.cn\"",
        "reason = \"x\"",
        "host = \"a.cn/x\"\nreason = \"x\"",
        "host = \"a.cn\"\nsource = \"jia\"\nreason = \"x\"",
    ] {
        let (code, told) = check(wrong);
        assert_eq!(code, Some(78), "{wrong}: {told}");
    }
}

/// What is only in the withdrawn item: its title, its address, and how a search of it would show it.
const MARKS: [&str; 3] = ["夜班公交", "/a/night-bus", "<mark>夜班</mark>"];

/// Where readers begin: the rest is linked from there.
const BEGINNINGS: [&str; 10] = [
    "/",
    "/atom.xml",
    "/rss.xml",
    "/feed.json",
    "/opml.xml",
    "/search?q=%E5%A4%9C%E7%8F%AD&sort=relevance",
    "/search.atom?q=%E5%A4%9C%E7%8F%AD",
    "/search.rss?q=%E5%A4%9C%E7%8F%AD",
    "/search.json?q=%E5%A4%9C%E7%8F%AD",
    "/regions/140300/feed.json?q=%E5%A4%9C%E7%8F%AD",
];

/// The paths of this site that a document leads to.
fn led_to(text: &str, own: &str) -> BTreeSet<String> {
    let text = text.replace("&amp;", "&").replace("&#38;", "&").replace("\\/", "/");
    let addresses = text.split(['"', '\'', '<', '>', ' ']).filter_map(|word| match word.strip_prefix(own) {
        Some(path) => Some(if path.is_empty() { "/" } else { path }),
        None => Some(word).filter(|word| word.starts_with('/') && !word.starts_with("//") && word.len() > 1),
    });
    addresses.map(|path| path.split('#').next().unwrap_or("").to_owned()).collect()
}

/// Follows every link from where readers begin and from these paths; returns those that show the item, each with its validator.
fn showing(daemon: &Daemon, also: impl IntoIterator<Item = String>) -> (BTreeMap<String, String>, usize) {
    let own = format!("http://{}", daemon.address);
    let mut ahead: Vec<String> = BEGINNINGS.iter().map(|path| (*path).to_owned()).chain(also).collect();
    let (mut seen, mut found) = (BTreeSet::new(), BTreeMap::new());
    while let Some(path) = ahead.pop() {
        if !seen.insert(path.clone()) || path.starts_with("/a/") || path.starts_with("/b/") {
            continue;
        }
        assert!(seen.len() < 2000, "there is no end of links");
        let got = get(daemon.address, &path);
        let text = got.text();
        if MARKS.iter().any(|mark| text.contains(mark)) {
            found.insert(path.clone(), got.header("etag").to_owned());
        }
        // What a search for other words finds says nothing new.
        if got.status == 200 && !path.contains("before=") {
            ahead.extend(led_to(&text, &own));
        }
    }
    (found, seen.len())
}

#[test]
fn t1_no_path_shows_what_was_withdrawn_whatever_happens_after() {
    let items = [("g1", "/a/night-bus", "市区夜班公交改线", 2), ("g2", "/a/2", "甲站自己的消息", 3)];
    let first = Site::new(148, move |_| Reply::ok(feed(&items)));
    let second = Site::new(149, |_| Reply::ok(feed(&[("h1", "/b/1", "乙站自己的消息", 4)])));
    let list = source("jia", "140300", &first.url("/feed")) + &source("yi", "140300", &second.url("/feed"));
    let installation = Installation::new(&list);
    let daemon = installation.start();
    daemon.until_items("140300", 3);
    let item = format!("/items/{}", id(&daemon, "夜班"));
    until("it is found", || (get(daemon.address, BEGINNINGS[8]).text().contains(MARKS[0])).then_some(()));
    let (before, walked) = showing(&daemon, []);
    let places = [
        "/",
        "/regions/140300",
        "/regions/140000/atom.xml",
        "/regions/140300/rss.xml",
        "/regions/140300/feed.json",
        "/regions/140300?topic=transport",
        "/sources/jia",
        &item,
    ];
    for place in places.iter().chain(BEGINNINGS.iter().filter(|path| !path.contains("opml"))) {
        assert!(before.contains_key(*place), "{place} of {walked} in {before:#?}");
    }
    assert!(before.keys().any(|path| path.contains("/archive/")), "{before:#?}");
    let urn = item.trim_start_matches("/items/");
    assert!(installation.run(&["withdraw", urn, "--reason", "夜班公交"]).status.success());
    for (path, etag) in &before {
        let got = request(daemon.address, "GET", path, &[("if-none-match", etag)]);
        assert!(got.status != 304 || etag.is_empty(), "{path} is still what a reader has of it");
    }
    let is_gone = |daemon: &Daemon, when: &str| {
        let (found, now) = showing(daemon, before.keys().cloned());
        assert!(found.is_empty(), "{when}: {found:#?}");
        assert!(now * 2 > walked, "{when}: only {now} of {walked} paths");
        assert_eq!(get(daemon.address, &item).status, 410, "{when}");
    };
    is_gone(&daemon, "when the command returned");
    let polls = first.asked().len();
    assert!(installation.run(&["poll", "jia"]).status.success());
    until("it is fetched again", || (first.asked().len() > polls).then_some(()));
    is_gone(&daemon, "after it was fetched again");
    assert_eq!(daemon.stop(), Some(0));
    let daemon = installation.start();
    is_gone(&daemon, "after a restart");
    assert_eq!(daemon.stop(), Some(0));
    assert!(installation.run(&["rebuild"]).status.success());
    let daemon = installation.start();
    is_gone(&daemon, "after a rebuild");
    let archive = installation.folder.path().join("archive");
    assert!(installation.run(&["backup", archive.to_str().unwrap()]).status.success());
    assert_eq!(daemon.stop(), Some(0));
    std::fs::remove_dir_all(installation.folder.path().join("store")).unwrap();
    assert!(installation.run(&["restore", archive.to_str().unwrap()]).status.success());
    let daemon = installation.start();
    daemon.until_items("140300", 2);
    until("the sources are read anew", || (first.asked().len() > polls + 1).then_some(()));
    is_gone(&daemon, "after a restore");
}
