//! Questions of an admin: why is it not in the feed, how large will it get, what did the reload change.

use super::http::{Reply, Site};
use super::installation::{Installation, feed, source};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn why_an_item_is_in_a_feed_or_not() {
    let site = Site::new(61, |_| {
        Reply::ok(feed(&[("1", "/a/1", "全市供暖通告", 2), ("2", "/a/2", "井陉县召开春季防火会议", 3)]))
    });
    let installation = Installation::new(&source("gov", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 2);
    let why = |address: &str, more: &[&str]| {
        let output = installation.run(&[&["why", address], more].concat());
        (output.status.code(), text(&output.stdout))
    };
    let (end, told) = why(&site.url("/a/1"), &[]);
    assert_eq!(end, Some(0), "{told}");
    for part in ["PUBLISHED", "reported by", "placed in 140300", "in the feed of 140000", "in the feed of 140300"] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    assert!(installation.run(&["withdraw", &site.url("/a/1"), "--reason", "wrong"]).status.success());
    let (_, told) = why(&site.url("/a/1"), &[]);
    assert!(told.starts_with("NOT PUBLISHED\n") && told.contains("wrong"), "{told}");
    let (end, told) = why(&site.url("/a/3"), &[]);
    assert_eq!(end, Some(1));
    for part in ["UNKNOWN", "source gov is ok", "never listed: asked now, it lists 2 items"] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    assert!(why(&site.url("/a/3"), &["--offline"]).1.contains("without --offline"));
    assert!(why("http://127.0.7.99/x", &[]).1.contains("no source lies on"));
    assert_eq!(daemon.stop(), Some(0));
    let (end, told) = why(&site.url("/a/2"), &[]);
    assert_eq!(end, Some(0), "from the store: {told}");
    let disk = text(&installation.run(&["disk"]).stdout);
    for part in ["log: what sources reported", "view:", "in all", "free on this disk", "growth"] {
        assert!(disk.contains(part), "`{part}` is missing in\n{disk}");
    }
}

#[test]
fn a_reload_says_what_its_changes_mean() {
    let site = Site::new(62, |_| Reply::ok(feed(&[("1", "/a/1", "供暖通告", 2)])));
    let list = |id: &str, region: &str, more: &str| source(id, region, &site.url("/feed")) + more;
    let installation = Installation::new(&list("a", "140300", ""));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    let reload = |sources: &str| {
        installation.sources(sources);
        text(&installation.run(&["reload"]).stdout)
    };
    let told = reload(&list("a", "140321", ""));
    assert!(told.contains("~ a: moved from 140300 to 140321") && told.contains("1 item"), "{told}");
    let told = reload(&list("b", "140321", "was = [\"a\"]\n"));
    assert!(told.contains("> a is now b: it goes on where it was, with 1 item"), "{told}");
    let told = reload("");
    assert!(told.contains("- b: not polled any more; its 1 item"), "{told}");
}

#[test]
fn add_proposes_title_and_authority_and_doubts_the_region() {
    let page = "<html><head><title>县内要闻-平定县人民政府</title></head><body><ul class=l>".to_owned()
        + &(1..12)
            .map(|n| {
                format!(
                    "<li><a href=\"/n/{n}.html\">关于第{n}次全县工作会议的通知公告</a><span>2026-11-{:02}</span></li>",
                    n + 1
                )
            })
            .collect::<String>()
        + "</ul></body></html>";
    let site = Site::new(63, move |_| Reply::ok(page.clone()).with("content-type", "text/html; charset=utf-8"));
    let installation = Installation::new("");
    let add = |region: &[&str]| {
        let output = installation.run(&[&["add", &site.url("/xw/")], region].concat());
        (text(&output.stdout), text(&output.stderr))
    };
    let (block, doubts) = add(&["--region", "盂县", "--id", "pd"]);
    for part in
        ["id = \"pd\"", "title = \"平定县人民政府 县内要闻\"", "authority = \"official\"", "region = \"140322\""]
    {
        assert!(block.contains(part), "`{part}` is missing in\n{block}\n{doubts}");
    }
    assert!(doubts.contains("which is 140321 山西省阳泉市平定县; is the region 140322"), "{doubts}");
    let (_, doubts) = add(&["--region", "阳泉市"]);
    assert!(!doubts.contains("calls itself"), "{doubts}");
    let (block, doubts) = add(&[]);
    assert!(block.contains("region = \"140321\"") && doubts.contains("no region was given"), "{block}{doubts}");
}

#[test]
fn the_rules_of_a_source_leave_items_out_and_clean_titles() {
    let site = Site::new(64, |_| {
        Reply::ok(feed(&[
            ("1", "/a/1", "【转载】供暖通告", 2),
            ("2", "/a/2", "供暖公司招聘", 3),
            ("3", "/a/3", "停水通告", 4),
            ("4", "/a/4", "供暖收费标准", 24 * 40),
        ]))
    });
    let rules = "max_age = \"30d\"\ncut = [\"/^【[^】]*】/\"]\n[source.keep]\ntitle = [\"供暖\"]\n[source.drop]\ntitle = [\"招聘\"]\n";
    let installation = Installation::new(&(source("gov", "140300", &site.url("/feed")) + rules));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    assert_eq!(daemon.titles("140300"), ["供暖通告"]);
    let status = daemon.status(&installation, "gov");
    assert_eq!(status["left_out"][0], 3, "{status}");
    let why = |path: &str| text(&installation.run(&["why", &site.url(path)]).stdout);
    assert!(why("/a/2").contains("filtered:") && why("/a/2").contains("[source.drop] title = 招聘"), "{}", why("/a/2"));
    assert!(why("/a/3").contains("nothing of [source.keep]"), "{}", why("/a/3"));
    assert!(why("/a/4").contains("older than max_age"), "{}", why("/a/4"));
    let check = text(&installation.run(&["check", "--online"]).stdout);
    assert!(check.contains("3 left out by its rules"), "{check}");
    // The same feed again changes nothing: the title is compared as it was cleaned.
    assert!(installation.run(&["poll", "gov"]).status.success());
    assert_eq!(daemon.items("140300").len(), 1);
}
