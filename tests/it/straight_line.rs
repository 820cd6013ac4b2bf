//! One item through the whole house, and what becomes of it there.

use super::http::{Reply, Site, get};
use super::installation::{Installation, feed, source};

#[test]
fn an_item_appears_in_its_region_and_every_one_above() {
    let site = Site::new(1, |_| Reply::ok(feed(&[("1", "/a/1", "供暖通告", 2)])));
    let installation = Installation::new(&source("gov", "140321", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140321", 1);
    for region in ["140321", "140300", "140000"] {
        let items = daemon.items(region);
        assert_eq!(items.len(), 1, "{region}");
        assert_eq!(items[0]["url"], site.url("/a/1"));
        assert_eq!(items[0]["_dayuan"]["source"]["title"], "gov title");
    }
    assert_eq!(daemon.items("140302").len(), 0, "an empty feed is a feed");
    assert_eq!(get(daemon.address, "/regions/110000/atom.xml").status, 404, "not published");
    let id = daemon.items("140000")[0]["id"].as_str().unwrap().to_owned();
    let page = get(daemon.address, &format!("/items/{}", id.trim_start_matches("urn:uuid:")));
    assert!(page.status == 200 && page.text().contains("供暖通告") && page.text().contains("application/atom+xml"));
    let opml = get(daemon.address, "/opml.xml").text();
    assert!(
        opml.contains("/regions/140321/atom.xml")
            && opml.contains("/regions/140000/atom.xml")
            && !opml.contains("140302")
    );
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn one_story_of_two_sources_by_link_is_one_entry() {
    let gov = Site::new(2, |_| Reply::ok(feed(&[("1", "/a/1", "原题", 2), ("2", "/a/2", "别的", 3)])));
    let link = format!("{}?from=paper", gov.url("/a/1"));
    let paper = Site::new(3, move |_| Reply::ok(feed(&[("p", &link, "转载", 1)])));
    let installation = Installation::new(
        &(source("gov", "140300", &gov.url("/feed")) + &source("paper", "140300", &paper.url("/feed"))),
    );
    let daemon = installation.start();
    super::installation::until("the two reports are one story", || {
        let items = daemon.items("140300");
        let story = items.iter().find(|item| item["title"] == "原题")?;
        (items.len() == 2 && story["_dayuan"]["related"][0]["source"] == "paper title").then_some(())
    });
    let filtered = |source: &str| get(daemon.address, &format!("/regions/140300/atom.xml?source={source}"));
    assert_eq!(filtered("paper").text().matches("<entry>").count(), 1);
    assert_eq!(filtered("gov").text().matches("<entry>").count(), 2);
    assert_eq!(filtered("nobody").status, 404);
}

#[test]
fn what_a_restart_keeps() {
    let site = Site::new(4, |request| match request.headers.get("if-none-match") {
        Some(tag) if tag == "\"1\"" => Reply::status("304 Not Modified"),
        _ => Reply::ok(feed(&[("1", "/a/1", "供暖通告", 2)])).with("etag", "\"1\""),
    });
    let installation = Installation::new(&source("gov", "140321", &site.url("/feed")));
    let daemon = installation.start();
    let before = daemon.until_items("140300", 1);
    let etag = get(daemon.address, "/regions/140300/atom.xml").header("last-modified").to_owned();
    assert_eq!(daemon.stop(), Some(0));
    let daemon = installation.start();
    assert_eq!(daemon.items("140300")[0]["id"], before[0]["id"]);
    assert_eq!(daemon.items("140300")[0]["date_modified"], before[0]["date_modified"]);
    assert_eq!(get(daemon.address, "/regions/140300/atom.xml").header("last-modified"), etag);
    let unconditional = site.asked().iter().filter(|asked| !asked.headers.contains_key("if-none-match")).count();
    assert_eq!(unconditional, 1, "the validators outlive a restart");
}

#[test]
fn a_changed_text_moves_updated_and_nothing_else() {
    let texts = std::sync::atomic::AtomicUsize::new(0);
    let site = Site::new(5, move |_| {
        let text = if texts.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 { "旧" } else { "新" };
        Reply::ok(feed(&[("1", "/a/1", "题", 2)]).replace("题。", text))
    });
    let installation = Installation::new(&source("gov", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    super::installation::until("four polls", || (site.asked().len() >= 4).then_some(()));
    // Within an hour of its first report, a change is not told yet: sources touch up what they just put out.
    assert_eq!(daemon.items("140300")[0]["summary"], "旧");
    let log = std::fs::read_dir(installation.folder.path().join("store/log")).unwrap();
    let lines: usize = log
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
        .map(|p| std::fs::read_to_string(p).unwrap().matches("\"kind\":\"report\"").count())
        .sum();
    assert_eq!(lines, 1);
}

#[test]
fn the_topics_of_a_source_are_labels_of_its_items() {
    let site = Site::new(10, |_| Reply::ok(feed(&[("1", "/a/1", "题", 2)])));
    let installation = Installation::new(&(source("gov", "140300", &site.url("/feed")) + "topics = [\"政务\"]\n"));
    let daemon = installation.start();
    assert_eq!(daemon.until_items("140300", 1)[0]["tags"][0], "政务");
}

#[test]
fn a_reprint_with_another_link_is_one_entry_and_a_template_stays_two() {
    let body = |place: &str, day: &str| {
        format!(
            "因供热管网改造，{place}北大街自十二中路口至桥头路段将于3月{day}日22时起临时封闭，请过往车辆绕行南大街或德胜街，公交3路、15路改线运行。\
             施工期间给沿线单位和居民带来不便，敬请谅解。请广大驾驶人提前安排出行路线，服从现场交警和施工人员的指挥，夜间遇到紧急情况可以拨打市民热线反映。"
        )
    };
    let told =
        |link: &str, title: &str, text: &str| feed(&[("x", link, title, 2)]).replace(&format!("{title}。"), text);
    let gov = told("/g/1", "封闭施工通告", &body("平定县", "9"));
    let paper = told("/p/77", "注意绕行", &format!("据平定县人民政府消息：{}（责任编辑：王某）", body("平定县", "9")));
    let other = told("/o/5", "封闭施工通告", &body("盂县", "16"));
    let sites = [
        Site::new(111, move |_| Reply::ok(gov.clone())),
        Site::new(112, move |_| Reply::ok(paper.clone())),
        Site::new(113, move |_| Reply::ok(other.clone())),
    ];
    let installation = Installation::new(&source("gov", "140300", &sites[0].url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    installation.sources(
        &["gov", "paper", "other"]
            .iter()
            .zip(&sites)
            .map(|(id, site)| source(id, "140300", &site.url("/feed")))
            .collect::<String>(),
    );
    daemon.signal("HUP");
    super::installation::until("two stories of three reports", || {
        let items = daemon.items("140300");
        let related: usize = items.iter().map(|item| item["_dayuan"]["related"].as_array().map_or(0, Vec::len)).sum();
        (items.len() == 2 && related == 1).then_some(())
    });
    let first = daemon.items("140300").into_iter().find(|item| item["_dayuan"]["related"][0].is_object()).unwrap();
    assert_eq!(
        (first["title"].as_str(), &first["_dayuan"]["source"]["title"]),
        (Some("封闭施工通告"), &"gov title".into())
    );
    assert_eq!(daemon.items("140321").len(), 1, "each is in its own county");
    assert_eq!(daemon.items("140322").len(), 1);
    assert_eq!(daemon.stop(), Some(0));
    assert!(installation.run(&["verify"]).status.success(), "the log gives the same stories again");
}
