//! Questions of an admin: why is it not in the feed, how large will it get, what did the reload change.

use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::http::{Reply, Site};
use super::installation::{Daemon, Installation, feed, source, until};

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
fn a_feed_does_not_get_the_name_of_a_medium_that_it_gives_itself() {
    let site = Site::new(65, |_| {
        Reply::ok(feed(&[("1", "/a/1", "供暖通告", 2)]).replacen("<title>", "<title>新華社 要闻</title><title>", 1))
    });
    let installation = Installation::new("");
    let output = installation.run(&["add", &site.url("/f"), "--region", "阳泉市", "--write"]);
    let (block, doubts) = (text(&output.stdout), text(&output.stderr));
    assert!(block.contains("title = \"127.0.7.65\"") && !block.contains("新華社"), "{block}{doubts}");
    assert!(doubts.contains("doubt: it calls itself 新华社, whose site is news.cn"), "{doubts}");
    let output = installation.run(&["add", &site.url("/g"), "--region", "阳泉市", "--title", "新华社"]);
    assert!(text(&output.stdout).contains("title = \"新华社\""), "the admin may say so");
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

/// A document that has not changed answers for the rules by which it was read, and for no others.
#[test]
fn rules_that_change_apply_to_a_document_that_does_not() {
    let site = Site::new(69, |asked| match asked.headers.get("if-none-match") {
        Some(_) => Reply::status("304 Not Modified"),
        None => {
            let items = [("1", "/a/1", "供暖通告", 2), ("2", "/a/2", "供暖公司招聘", 3)];
            Reply::ok(feed(&items)).with("etag", "\"1\"")
        }
    });
    let rules = "[source.drop]\ntitle = [\"招聘\"]\n";
    let installation = Installation::new(&(source("gov", "140300", &site.url("/feed")) + rules));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    poll(&installation, &daemon, "gov");
    let conditional = || site.asked().iter().filter(|asked| asked.headers.contains_key("if-none-match")).count();
    assert_eq!((daemon.titles("140300").len(), conditional()), (1, 1));
    installation.sources(&source("gov", "140300", &site.url("/feed")));
    let told = text(&installation.run(&["reload"]).stdout);
    assert!(told.contains("rules about items, from the next poll on"), "{told}");
    poll(&installation, &daemon, "gov");
    daemon.until_items("140300", 2);
    poll(&installation, &daemon, "gov");
    assert_eq!(conditional(), 2, "the same rules need no new answer");
}

/// What a feed holds ends where its bytes do, too.
#[test]
fn why_tells_of_a_feed_that_is_full() {
    let site = Site::new(70, |_| {
        let items: Vec<(String, String, String)> =
            (1..=20).map(|n| (n.to_string(), format!("/a/{n}"), format!("第{n}号{}通告", SUBJECTS[n % 8]))).collect();
        let items: Vec<(&str, &str, &str, i64)> =
            items.iter().zip(2..).map(|((id, path, title), age)| (&**id, &**path, &**title, age)).collect();
        let long = format!("<![CDATA[<p title=\"{}\">a</p>]]></description>", "x".repeat(240_000));
        Reply::ok(feed(&items).replace("</description>", &long))
    });
    let full = "content = \"full\"\nrights_basis = \"ours\"\n";
    let installation = Installation::new(&(source("gov", "140300", &site.url("/feed")) + full));
    let daemon = installation.start();
    let why = |path: &str| text(&installation.run(&["why", &site.url(path)]).stdout);
    until("all are known", || daemon.status(&installation, "gov")["succeeded"].is_string().then_some(()));
    let told = why("/a/20");
    assert!(told.contains("cut from the feed of 140300: newer stories fill the 4 MiB"), "{told}");
    assert!(told.starts_with("IN NO FEED"), "{told}");
}

/// Polls a source, and waits until that is done.
fn poll(installation: &Installation, daemon: &Daemon, id: &str) {
    let polls = || daemon.status(installation, id)["polls"].as_u64().unwrap();
    let before = polls();
    assert!(installation.run(&["poll", id]).status.success());
    until("it is polled", || (polls() > before).then_some(()));
}

/// What eight notices are about.
const SUBJECTS: [&str; 8] = [
    "供暖收费",
    "城区道路封闭施工",
    "中小学招生报名",
    "停水检修",
    "公交线路调整",
    "老旧小区改造",
    "森林防火",
    "职工医保缴费",
];

/// The page of a notice about a subject, in a column.
fn notice(subject: &str, column: &str) -> Reply {
    let title = format!("关于{subject}有关事项的通知");
    let text = format!(
        "为做好{subject}工作，现将{subject}的时间、范围和要求公布如下，请广大市民相互转告。{subject}办公室负责解释。"
    );
    let page = format!(
        "<html><head><title>{title}</title><meta name=ColumnName content={column}></head><body><h1>{title}</h1><div>发布时间：2026-11-02</div><div id=zoom><p>{text}</p><p>{}</p></div></body></html>",
        subject.repeat(30)
    );
    Reply::ok(page).with("content-type", "text/html; charset=utf-8")
}

/// What a page says decides, so a page that cannot be read lets nothing in; and one that was refused is read once.
#[test]
fn rules_about_pages_wait_for_the_page_and_read_it_once() {
    let is_up = Arc::new(AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let site = Site::new(67, move |asked| match asked.path.as_str() {
        "/xw/" => {
            let rows = (1..=8).map(|n| {
                format!(
                    "<li><a href=\"/n/{n}.html\">关于第{n}批事项的通知公告</a><span>2026-11-{:02}</span></li>",
                    n + 1
                )
            });
            let list = rows.collect::<String>();
            let page = format!("<html><body><ul>{list}</ul></body></html>");
            Reply::ok(page).with("content-type", "text/html; charset=utf-8")
        }
        "/n/3.html" if !up.load(Ordering::SeqCst) => Reply::status("500 Internal Server Error"),
        path => {
            let number: usize = path.trim_start_matches("/n/").trim_end_matches(".html").parse().unwrap();
            notice(SUBJECTS[number - 1], if matches!(number, 2 | 3) { "招聘" } else { "通知" })
        }
    });
    let rules = "[source.drop]\ncategory = [\"招聘\"]\n";
    let installation = Installation::new(&(source("gov", "140300", &site.url("/xw/")) + rules));
    let daemon = installation.start();
    daemon.until_items("140300", 6);
    is_up.store(true, Ordering::SeqCst);
    poll(&installation, &daemon, "gov");
    poll(&installation, &daemon, "gov");
    assert_eq!(daemon.items("140300").len(), 6, "neither 2 nor 3");
    assert_eq!(daemon.status(&installation, "gov")["left_out"][0], 2);
    let asked = |path: &str| site.asked.lock().unwrap().iter().filter(|asked| asked.path == path).count();
    assert_eq!((asked("/n/2.html"), asked("/n/3.html")), (1, 2));
    // Other rules judge anew.
    installation.sources(&source("gov", "140300", &site.url("/xw/")));
    assert!(installation.run(&["reload"]).status.success());
    poll(&installation, &daemon, "gov");
    daemon.until_items("140300", 8);
}

#[test]
fn titles_of_a_sitemap_come_with_its_pages() {
    let site = Site::new(68, |asked| match asked.path.as_str() {
        "/map.xml" => {
            let urls = ["/n/1.html", "/n/2.html", "/n/3.html"].map(|path| {
                format!("<url><loc>http://{}{path}</loc><lastmod>2026-11-20</lastmod></url>", asked.headers["host"])
            });
            let page =
                format!("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">{}</urlset>", urls.concat());
            Reply::ok(page).with("content-type", "application/xml")
        }
        "/n/1.html" => notice("供暖收费", "通知"),
        "/n/2.html" => notice("供暖管道检修", "通知"),
        _ => notice("停水检修", "通知"),
    });
    let rules = "as = \"sitemap\"\n[source.keep]\ntitle = [\"供暖\"]\n";
    let installation = Installation::new(&(source("gov", "140300", &site.url("/map.xml")) + rules));
    let daemon = installation.start();
    daemon.until_items("140300", 2);
}

/// A daemon that cannot answer now is no daemon that knows nothing.
#[test]
fn why_passes_on_what_the_daemon_says() {
    let installation = Installation::new("");
    let socket = std::os::unix::net::UnixListener::bind(installation.folder.path().join("dayuan.sock")).unwrap();
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
        stream.write_all(b"{\"ok\":false,\"lines\":[\"the store is being opened; ask again soon\"]}\n").unwrap();
    });
    let output = installation.run(&["why", "http://127.0.7.99/x"]);
    answers.join().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("the store is being opened") && output.stdout.is_empty(), "{output:?}");
}
