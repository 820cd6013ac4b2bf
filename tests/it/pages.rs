//! The pages that readers open in a browser.

use std::collections::BTreeSet;

use dayuan::log::{Record, SourceFacts};
use dayuan::model::{Authority, Draft, ItemId, Key, Moment, Precision, RegionId, Report, SourceId, Stamp, Zone};

use super::http::{Reply, Site, get, request};
use super::installation::{Daemon, Installation, feed, source};

/// A feed of so many items, the oldest first dated the furthest back; titles by number.
fn items(count: usize, title: impl Fn(usize) -> String) -> String {
    let items: Vec<(String, String, String, i64)> =
        (0..count).map(|n| (n.to_string(), format!("/a/{n}"), title(n), i64::try_from(1 + n * 3).unwrap())).collect();
    let items: Vec<_> =
        items.iter().map(|(guid, link, title, age)| (guid.as_str(), link.as_str(), title.as_str(), *age)).collect();
    feed(&items)
}

fn page(daemon: &Daemon, path: &str) -> String {
    let answer = get(daemon.address, path);
    assert_eq!(answer.status, 200, "{path}");
    String::from_utf8(answer.body).unwrap()
}

/// Returns what stands between two marks, each time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

fn stories(page: &str) -> Vec<String> {
    between(page, "<h4><a href=\"", "\"").into_iter().map(str::to_owned).collect()
}

/// Follows the links to older stories to the end; returns the stories of every page.
fn follow(daemon: &Daemon, path: &str) -> Vec<Vec<String>> {
    let mut next = Some(path.to_owned());
    let mut pages = Vec::new();
    while let Some(path) = next {
        let text = page(daemon, &path);
        pages.push(stories(&text));
        next = between(&text, "rel=\"next\" href=\"", "\"").first().map(|link| link.replace("&#38;", "&"));
        assert!(pages.len() < 20, "the pages do not end");
    }
    pages
}

#[test]
fn older_pages_hold_every_story_once() {
    let words = ["桥", "路", "河", "井", "塔", "园", "街", "山", "田", "站", "院"];
    let title = move |n: usize| format!("{}{}工程第{n}号完工", words[n % 11], words[n / 11 % 11]);
    let site = Site::new(160, move |_| Reply::ok(items(120, title)));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    super::installation::until("all are there", || {
        let all: usize = follow(&daemon, "/regions/140300").iter().map(Vec::len).sum();
        (all == 120).then_some(())
    });
    for path in ["/regions/140300", "/", "/sources/a"] {
        let pages = follow(&daemon, path);
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 20], "{path}");
        assert_eq!(pages.iter().flatten().collect::<BTreeSet<_>>().len(), 120, "{path}");
    }
}

#[test]
fn what_gave_way_to_a_flood_is_on_the_older_pages() {
    let flood = Site::new(161, |_| {
        Reply::ok(items(90, |n| format!("洪水般的第{n}条 {}", "甲乙丙丁戊己庚辛壬癸".repeat(n % 7))))
    });
    let quiet = Site::new(162, |_| Reply::ok(items(3, |n| format!("另一家的消息之{n}"))));
    let sources = [source("a", "140300", &flood.url("/feed")), source("b", "140300", &quiet.url("/feed"))];
    let installation = Installation::new(&sources.concat());
    let daemon = installation.start();
    super::installation::until("all are there", || {
        let all: BTreeSet<String> = follow(&daemon, "/regions/140300").into_iter().flatten().collect();
        (all.len() == 93).then_some(())
    });
}

#[test]
fn topics_choose_and_unknown_ones_are_missing() {
    let titles = ["关于三矿路停水通知", "市第一医院开通夜间门诊", "北大街临时封闭", "老年大学合唱团演出"];
    let site = Site::new(163, move |_| Reply::ok(items(4, |n| titles[n].to_owned())));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 4);
    let titles_of = |path: &str| {
        let text = page(&daemon, path);
        let titles = between(&text, "<h4><a href=", "</a>").into_iter().filter_map(|link| link.split('>').nth(1));
        titles.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(titles_of("/regions/140300?topic=utilities"), ["关于三矿路停水通知"]);
    assert_eq!(titles_of("/regions/140300?topic=health"), ["市第一医院开通夜间门诊"]);
    assert_eq!(titles_of("/?topic=transport"), ["北大街临时封闭"]);
    let all = page(&daemon, "/regions/140300");
    assert!(all.contains("href=\"/regions/140300?topic=utilities\""), "{all}");
    for path in ["/regions/140300?topic=nothing", "/?topic=%3Cb%3E", "/regions/140300?before=1", "/sources/nobody"] {
        assert_eq!(get(daemon.address, path).status, 404, "{path}");
    }
    let marked = page(&daemon, "/regions/140300?topic=health");
    assert!(marked.contains("?topic=health\" aria-current=\"page\""), "{marked}");
}

#[test]
fn every_link_keeps_the_path_of_the_site() {
    let site = Site::new(164, |_| Reply::ok(items(60, |n| format!("第{n}条消息"))));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let path = installation.config().join("dayuan.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    let settings = settings.replace("[http]\n", "[http]\npublic_url = \"https://portal.example.cn/news/\"\n");
    std::fs::write(&path, settings).unwrap();
    let daemon = installation.start();
    super::installation::until("all are there", || {
        let all: usize = follow(&daemon, "/news/regions/140300").iter().map(Vec::len).sum();
        (all == 60).then_some(())
    });
    let first = stories(&page(&daemon, "/news/regions/140300")).remove(0);
    for path in ["/news/", "/news", "/news/regions/140300", "/news/sources", "/news/regions", "/news/about", &first] {
        let text = page(&daemon, path);
        let links = between(&text, "href=\"", "\"").into_iter().chain(between(&text, "src=\"", "\""));
        for link in links.filter(|link| link.starts_with('/')) {
            assert!(link.starts_with("/news/"), "{path} leads to {link}");
            let link = link.replace("&#38;", "&");
            assert_eq!(get(daemon.address, &link).status, 200, "{path} leads to {link}");
        }
        // It says to the minute when each source was read.
        if path.ends_with("/sources") {
            continue;
        }
        let stripped = path.strip_prefix("/news").filter(|rest| !rest.is_empty()).unwrap_or("/");
        assert_eq!(page(&daemon, stripped), text, "a proxy that removes the path gets the same as {path}");
    }
    let atom = page(&daemon, "/news/regions/140300/atom.xml");
    assert!(atom.contains("href=\"https://portal.example.cn/news/regions/140300/atom.xml\""), "{atom}");
}

#[test]
fn a_picture_is_linked_and_its_room_is_kept() {
    let body = items(2, |n| format!("第{n}条消息")).replacen(
        "</item>",
        "<enclosure url=\"https://img.example.cn/a.jpg\" type=\"image/jpeg\" length=\"9\"/></item>",
        1,
    );
    let site = Site::new(166, move |_| Reply::ok(body.clone()));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 2);
    let text = page(&daemon, "/regions/140300");
    let pictures = between(&text, "<img ", ">");
    assert_eq!(pictures.len(), 1, "{text}");
    for part in [
        "src=\"https://img.example.cn/a.jpg\"",
        "loading=\"lazy\"",
        "referrerpolicy=\"no-referrer\"",
        "width=",
        "height=",
    ] {
        assert!(pictures[0].contains(part), "{}", pictures[0]);
    }
}

#[test]
fn a_region_without_sources_says_so() {
    let site = Site::new(165, |_| Reply::ok(items(2, |n| format!("第{n}条消息"))));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 2);
    let answer = request(daemon.address, "GET", "/regions/140200", &[("accept-language", "en")]);
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("This region has no source of its own yet"), "{text}");
    let own = request(daemon.address, "GET", "/regions/140300", &[("accept-language", "en")]);
    let text = String::from_utf8(own.body).unwrap();
    assert!(!text.contains("no source of its own") && text.contains("href=\"/sources/a\""), "{text}");
}

#[test]
fn why_a_source_fails_is_said_in_the_language_of_the_page() {
    let site = Site::new(167, |_| Reply::status("404 Not Found"));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    super::installation::until("it failed", || {
        (daemon.status(&installation, "a")["reason"] == "there is nothing at this address (404)").then_some(())
    });
    let said =
        |path: &str, language: &str| request(daemon.address, "GET", path, &[("accept-language", language)]).text();
    super::installation::until("the page says so", || {
        said("/sources", "zh").contains("<p class=\"why\">这个地址上没有内容（404）</p>").then_some(())
    });
    assert!(said("/sources/a", "en").contains("<p class=\"why\">there is nothing at this address (404)</p>"));
}

#[test]
fn a_region_that_is_not_there_has_a_page_that_leads_home() {
    let installation = Installation::new("");
    let daemon = installation.start();
    for (path, language, title) in
        [("/regions/nowhere", "zh", "没有这个页面"), ("/regions/nowhere", "en", "There is no such page")]
    {
        let answer = request(daemon.address, "GET", path, &[("accept-language", language)]);
        assert_eq!(answer.status, 404);
        let text = answer.text();
        assert!(text.contains(&format!("<h1>{title}</h1>")) && text.contains("<a href=\"/\">"), "{text}");
    }
}

#[test]
fn feeds_of_topics_and_of_the_whole_site() {
    let titles = ["关于三矿路停水通知", "市第一医院开通夜间门诊"];
    let city = Site::new(168, move |_| Reply::ok(items(2, |n| titles[n].to_owned())));
    let county =
        Site::new(169, |_| Reply::ok(feed(&[("9", "/a/9", "冠山镇停水通知", 1), ("8", "/a/8", "县图书馆开馆", 2)])));
    let sources = [source("a", "140300", &city.url("/feed")), source("b", "140321", &county.url("/feed"))];
    let installation = Installation::new(&sources.concat());
    let daemon = installation.start();
    daemon.until_items("140300", 4);
    let found = |path: &str| {
        let feed = page(&daemon, path);
        let title = between(&feed, "<title>", "</title>")[0].to_owned();
        (between(&feed, "<entry>", "</entry>").len(), title, feed)
    };
    for (query, count, of) in [
        ("?topic=utilities", 2, "阳泉市 · "),
        ("?topic=utilities&only=1", 1, "阳泉市（本级） · "),
        ("?above=1&topic=utilities", 2, "阳泉市（含上级） · "),
    ] {
        let (number, title, _) = found(&format!("/regions/140300/atom.xml{query}"));
        assert_eq!((number, title.starts_with(of)), (count, true), "{query} {title}");
    }
    let (_, _, feed) = found("/regions/140300/atom.xml?topic=utilities&only=1");
    assert!(feed.contains("/regions/140300/atom.xml?only=1&amp;topic=utilities\""), "{feed}");
    assert_eq!(found("/atom.xml").0, 4);
    assert_eq!(found("/atom.xml?topic=utilities").0, 2);
    assert_eq!(get(daemon.address, "/atom.xml?topic=nothing").status, 404);
    let json: serde_json::Value = serde_json::from_str(&page(&daemon, "/feed.json")).unwrap();
    assert_eq!(json["items"].as_array().unwrap().len(), 4);
    // A search for a topic finds what the pages of the topic show.
    super::installation::until("both are found", || (found("/search.atom?topic=utilities").0 == 2).then_some(()));
    let (number, title, _) = found("/regions/140321/atom.xml?topic=utilities&q=%E5%81%9C%E6%B0%B4");
    assert_eq!((number, title.contains("水电气暖")), (1, true), "{title}");
    assert!(page(&daemon, "/search?topic=utilities").contains("<option value=\"utilities\" selected>"));
    let icon = get(daemon.address, "/favicon.ico");
    assert_eq!((icon.status, icon.header("content-type"), &icon.body[..4]), (200, "image/x-icon", &[0, 0, 1, 0][..]));
}

#[test]
fn i4_a_flood_of_other_things_leaves_the_page_of_a_topic_to_others() {
    let installation = Installation::new("");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = Moment::from_seconds(i64::try_from(now).unwrap());
    let facts = |id: &str, region: &str| {
        Record::Source(SourceFacts {
            id: SourceId::new(id).unwrap(),
            title: id.to_owned(),
            link: format!("https://{id}.example.org/"),
            region: RegionId::new(region).unwrap(),
            authority: Authority::Media,
            zone: Zone::shanghai(),
            rights: None,
            was: Vec::new(),
            alerts_for: Vec::new(),
            at: now,
        })
    };
    let item = |id: &str, title: String, ago: i64| {
        let source = SourceId::new(id).unwrap();
        let key = Key::from_text(title.clone());
        let item = ItemId::of(&source, &key);
        let at = now.plus_seconds(-ago);
        let published = Some(Stamp { at, precision: Precision::Second, offset: 28_800 });
        let draft = Draft { title, published, ..Draft::default() };
        Record::Report(Box::new(Report { item, key, source, seen: now, reader: 1, first_import: false, draft }))
    };
    let mut records = vec![facts("city", "140300"), facts("county", "141127")];
    records.extend((0..3).map(|n| item("city", format!("{n}号小区停水通知"), 9000 + n)));
    let words: Vec<char> = "桥路河井塔园街山田站院林海江湖石".chars().collect();
    let word = |n: usize| words[n % words.len()];
    let name = |n: usize| format!("{}{}{}之{n}", word(n), word(n / 16), word(n / 256));
    records.extend((0..2100).map(|n| item("county", name(n), i64::try_from(n).unwrap())));
    installation.say_at(&records, now);
    let daemon = installation.start();
    for path in ["/regions/140000/atom.xml?topic=utilities", "/atom.xml?topic=utilities"] {
        assert_eq!(page(&daemon, path).matches("<entry>").count(), 3, "{path}");
    }
    assert_eq!(stories(&page(&daemon, "/regions/140000?topic=utilities")).len(), 3);
    super::installation::until("the feed of a search has them", || {
        let got = get(daemon.address, "/search.atom?topic=utilities&region=140000");
        (got.status == 200).then(|| assert_eq!(got.text().matches("<entry>").count(), 3))
    });
}
