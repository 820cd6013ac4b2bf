//! Sites without a feed: a list page, its articles, and what becomes of them when the site changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::http::{Reply, Site, get};
use super::installation::{Installation, feed, source, until};

const TITLES: [&str; 12] = [
    "关于南大街封闭施工的通告",
    "平定县冬季供暖问答十则",
    "市图书馆新馆周末延时开放",
    "城区集贸市场改造完成验收",
    "娘子关景区实行淡季票价",
    "我市开展取暖安全入户检查",
    "郊区十二个村接通天然气管道",
    "藏山景区环线公交恢复运行",
    "矿区老厂房改建成社区书屋",
    "中小学冬季作息时间的调整",
    "今冬首批平价蔬菜供应点公布",
    "义井镇新建三处便民停车场",
];

fn page(rows: usize) -> String {
    let row =
        |at: usize| format!("<li><a href=\"/a/{at}.html\">{}</a><span>2026-11-{:02}</span></li>", TITLES[at], 20 - at);
    let rows: String = (0..rows).map(row).collect();
    format!(
        "<html><head><meta charset=utf-8><title>要闻</title></head><body><div class=nav><a href=/x/>新闻中心</a></div><ul>{rows}</ul></body></html>"
    )
}

fn article(path: &str) -> Reply {
    let at: usize = path.trim_start_matches("/a/").trim_end_matches(".html").parse().unwrap();
    let body = format!(
        "<html><head><meta charset=utf-8><title>{0}_要闻</title></head><body><h1>{0}</h1><p>2026-11-{1:02} 08:30 来源：阳泉日报</p>\
         <div class=content><p>第{at}条：{0}。各有关单位要提前做好准备，请沿线居民合理安排出行，服从现场管理。</p>\
         <p>施工和检查期间给大家带来不便，敬请谅解，详情可以拨打市民热线咨询，工作人员会逐一答复。</p></div></body></html>",
        TITLES[at],
        20 - at
    );
    Reply::ok(body)
}

fn list(id: &str, site: &Site) -> String {
    source(id, "140300", &site.url("/list/"))
}

#[test]
fn a_list_without_a_feed_becomes_items_with_their_texts() {
    let site = Site::new(101, |asked| if asked.path == "/list/" { Reply::ok(page(6)) } else { article(&asked.path) });
    let installation = Installation::new(&list("gov", &site));
    let daemon = installation.start();
    let items = daemon.until_items("140300", 6);
    let first = items.iter().find(|item| item["title"] == TITLES[0]).unwrap();
    assert_eq!(first["url"], site.url("/a/0.html"));
    assert_eq!(first["date_published"], "2026-11-20T00:30:00.000Z");
    let page =
        get(daemon.address, &format!("/items/{}", first["id"].as_str().unwrap().trim_start_matches("urn:uuid:")));
    assert!(page.text().contains("各有关单位要提前做好准备"), "{}", page.text());
    until("three polls", || (site.asked().iter().filter(|asked| asked.path == "/list/").count() >= 3).then_some(()));
    let articles = site.asked().iter().filter(|asked| asked.path != "/list/").count();
    assert_eq!(articles, 6, "each article is read once, not at every poll");
}

#[test]
fn a_list_that_becomes_a_challenge_keeps_its_items() {
    let polls = AtomicUsize::new(0);
    let site = Site::new(102, move |asked| match asked.path.as_str() {
        "/list/" if polls.fetch_add(1, Ordering::SeqCst) == 0 => Reply::ok(page(6)),
        "/list/" => Reply::ok(
            "<html><head><title>安全验证</title></head><body><script>document.cookie='a'</script></body></html>",
        ),
        path => article(path),
    });
    let installation = Installation::new(&list("gov", &site));
    let daemon = installation.start();
    daemon.until_items("140300", 6);
    let status = until("the source is blocked", || {
        let status = daemon.status(&installation, "gov");
        (status["health"] == "blocked").then_some(status)
    });
    assert!(status["reason"].as_str().unwrap().contains("captcha"), "{status}");
    assert_eq!(daemon.items("140300").len(), 6);
}

#[test]
fn a_list_that_shrinks_is_told_and_taken_when_it_stays_so() {
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&polls);
    let site = Site::new(103, move |asked| match asked.path.as_str() {
        "/list/" if counted.fetch_add(1, Ordering::SeqCst) == 0 => Reply::ok(page(12)),
        // Another box of the page: two old rows, and one that was never listed.
        "/list/" => Reply::ok(page(2).replace(
            "</ul>",
            "<li><a href=\"/a/11.html?box\">友情提示：请下载本站新版客户端</a><span>2026-11-01</span></li></ul>",
        )),
        "/a/11.html?box" => article("/a/11.html"),
        path => article(path),
    });
    let installation = Installation::new(&list("gov", &site));
    let daemon = installation.start();
    daemon.until_items("140300", 12);
    let status = until("the source is degraded", || {
        let status = daemon.status(&installation, "gov");
        (status["health"] == "degraded").then_some(status)
    });
    assert!(status["reason"].as_str().unwrap().contains("3 rows instead of about 12"), "{status}");
    assert_eq!(daemon.items("140300").len(), 12);
}

#[test]
fn a_page_with_a_frame_leads_to_its_list_and_then_the_list_is_asked() {
    let site = Site::new(104, |asked| match asked.path.as_str() {
        "/list/" => {
            Reply::ok("<html><title>要闻</title><body><iframe src=\"/inner/list.html\"></iframe></body></html>")
                .with("etag", "\"outer\"")
        }
        "/inner/list.html" => Reply::ok(page(5)).with("etag", "\"inner\""),
        path => article(path),
    });
    let installation = Installation::new(&list("gov", &site));
    let daemon = installation.start();
    daemon.until_items("140300", 5);
    let asked = |path: &str| site.asked().iter().filter(|asked| asked.path == path).count();
    until("the list is asked again", || (asked("/inner/list.html") >= 3).then_some(()));
    assert_eq!(asked("/list/"), 1, "the frame around it is not");
    let second = site.asked().into_iter().filter(|asked| asked.path == "/inner/list.html").nth(1).unwrap();
    assert_eq!(second.headers.get("if-none-match").map(String::as_str), Some("\"inner\""), "with its own validators");
    // Another address in the config: nothing that was learned of the old one holds.
    let moved = Site::new(108, |asked| if asked.path == "/new/" { Reply::ok(page(5)) } else { article(&asked.path) });
    installation.sources(&source("gov", "140300", &moved.url("/new/")));
    daemon.signal("HUP");
    until("the new address is asked", || moved.asked().iter().any(|asked| asked.path == "/new/").then_some(()));
}

#[test]
fn a_selector_that_matches_nothing_is_told_by_name() {
    let site = Site::new(105, |_| Reply::ok(page(5)));
    let installation = Installation::new(&(list("gov", &site) + "[source.list]\nitem = \"ul.none li\"\n"));
    let output = installation.run(&["inspect", &site.url("/list/"), "--source", "gov"]);
    let faults = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && faults.contains("`ul.none li` matches nothing"), "{faults}");
    let installation = Installation::new(&(list("gov", &site) + "[source.list]\nitem = \"ul > li:hover\"\n"));
    let output = installation.run(&["check"]);
    let faults = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(78) && faults.contains(":hover") && faults.contains("all.toml:7"), "{faults}");
}

#[test]
fn add_finds_a_list_or_the_feed_of_a_page_and_keeps_comments() {
    let site = Site::new(106, |asked| match asked.path.as_str() {
        "/news/" => Reply::ok(page(6)),
        "/blog/" => Reply::ok(
            "<html><head><title>博客</title><link rel=alternate type=\"application/rss+xml\" href=\"/blog/feed\"></head><body>你好</body></html>",
        ),
        "/blog/feed" => Reply::ok(super::installation::feed(&[("1", "/b/1", "题目一", 2)])),
        "/empty/" => Reply::ok("<html><title>空</title><body>没有内容</body></html>"),
        path => article(path),
    });
    let installation = Installation::new("# keep me\n");
    let (all, added) =
        (installation.config().join("sources/all.toml"), installation.config().join("sources/added.toml"));
    std::fs::write(&added, "# and me\n").unwrap();
    let output = installation.run(&["add", &site.url("/news/"), "--region", "140300", "--write"]);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && out.contains(TITLES[0]) && out.contains("source 阳泉日报"), "{out}{err}");
    let written = std::fs::read_to_string(&added).unwrap();
    assert!(written.starts_with("# and me\n") && written.contains("as = \"list\""), "{written}");
    assert_eq!(std::fs::read_to_string(all).unwrap(), "# keep me\n", "what others wrote is left alone");
    assert!(installation.run(&["check"]).status.success());
    assert_eq!(
        installation.run(&["add", &site.url("/news/"), "--region", "140300"]).status.code(),
        Some(1),
        "it is there already"
    );
    let feed = String::from_utf8(installation.run(&["add", &site.url("/blog/"), "--region", "140300"]).stdout).unwrap();
    assert!(feed.contains("/blog/feed\"") && feed.contains("题目一"), "{feed}");
    let nothing = installation.run(&["add", &site.url("/empty/"), "--region", "140300"]);
    assert!(
        nothing.status.code() == Some(1)
            && String::from_utf8(nothing.stderr).unwrap().contains("nothing to read was found")
    );
    let wrong = installation.run(&["add", &site.url("/blog/"), "--region", "999999", "--write"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&added).unwrap(), written, "a refused one leaves no trace");
}

#[test]
fn a_list_that_answers_to_post_only_and_an_article_of_two_pages() {
    let site = Site::new(107, |asked| match asked.path.as_str() {
        "/list/" if asked.headers.get("content-type").is_some_and(|kind| kind.contains("form-urlencoded")) => {
            Reply::ok(page(4))
        }
        "/list/" => Reply::status("405 Method Not Allowed"),
        "/a/0.html" => Reply::ok(
            String::from_utf8(article("/a/0.html").body)
                .unwrap()
                .replace("</div></body>", "</div><p><a href=\"/a/0_2.html\">下一页</a></p></body>"),
        ),
        "/a/0_2.html" => Reply::ok(
            String::from_utf8(article("/a/0.html").body)
                .unwrap()
                .replace("第0条", "续页")
                .replace("施工和检查期间", "续页所述各项工作进行期间"),
        ),
        path => article(path),
    });
    let installation = Installation::new(&(list("gov", &site) + "post = \"page=1&size=20\"\n"));
    let daemon = installation.start();
    let items = daemon.until_items("140300", 4);
    let first = items.iter().find(|item| item["title"] == TITLES[0]).unwrap();
    let page =
        get(daemon.address, &format!("/items/{}", first["id"].as_str().unwrap().trim_start_matches("urn:uuid:")));
    assert!(page.status == 200);
    assert_eq!(site.asked().iter().filter(|asked| asked.path == "/a/0_2.html").count(), 1, "the second page is read");
    let output = installation.run(&["inspect", &site.url("/a/0.html"), "--as", "article", "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (found["source"].as_str(), found["published"].as_str()),
        (Some("阳泉日报"), Some("2026-11-20T08:30:00+08:00"))
    );
}

#[test]
fn a_site_that_is_busy_is_asked_for_no_more_articles() {
    let site = Site::new(109, |asked| match asked.path.as_str() {
        "/list/" => Reply::ok(page(12)),
        "/a/2.html" => Reply::status("429 Too Many Requests").with("retry-after", "600"),
        path => article(path),
    });
    let installation = Installation::new(&list("gov", &site));
    let daemon = installation.start();
    let items = daemon.until_items("140300", 12);
    assert_eq!(items.len(), 12, "those without a text appear all the same");
    let articles = site.asked().iter().filter(|asked| asked.path != "/list/").count();
    assert_eq!(articles, 3, "the third said no");
}

#[test]
fn p14_what_robots_txt_forbids_is_not_asked() {
    let robots = Reply::ok("User-agent: *\nDisallow: /a/\n");
    let site = Site::with_robots(110, robots, |asked, stream| {
        let reply = if asked.path == "/list/" { Reply::ok(page(4)) } else { article(&asked.path) };
        drop(std::io::Write::write_all(stream, &reply.bytes()));
    });
    let installation = Installation::new(&list("gov", &site));
    let daemon = installation.start();
    let items = daemon.until_items("140300", 4);
    assert!(items.iter().all(|item| item["content_text"] == item["title"]), "{items:?}");
    assert!(site.asked().iter().all(|asked| asked.path == "/list/"), "no article was asked: {:?}", site.asked());
    let closed = Site::with_robots(111, Reply::ok("User-agent: dayuan\nDisallow: /\n"), |_, _| {});
    installation.sources(&format!("{}as = \"list\"\n", list("closed", &closed)));
    daemon.signal("HUP");
    let status = until("the source is blocked", || {
        let status = installation.run(&["status", "--json"]);
        let lines = String::from_utf8(status.stdout).unwrap();
        lines.lines().find(|line| line.contains("\"closed\"") && line.contains("blocked")).map(str::to_owned)
    });
    assert!(status.contains("robots.txt of 127.0.7.111 disallows"), "{status}");
    assert!(closed.asked().is_empty());
}

#[test]
fn p14_a_robots_txt_that_cannot_be_had_means_wait() {
    let site = Site::with_robots(112, Reply::status("503 Service Unavailable"), |_, _| {});
    let installation = Installation::new(&format!("{}as = \"list\"\n", list("gov", &site)));
    let daemon = installation.start();
    let status = until("the source waits", || {
        let status = daemon.status(&installation, "gov");
        (status["health"] == "degraded").then_some(status)
    });
    assert!(status["reason"].as_str().unwrap().contains("cannot fetch robots.txt"), "{status}");
    assert!(site.asked().is_empty());
}

#[test]
fn the_first_import_reads_further_pages_and_later_polls_the_first_only() {
    let rows = |from: usize, to: usize, next: &str| {
        let row = |at: usize| {
            let title = TITLES[at % 12];
            format!(
                "<li><a href=\"/a/{}.html?{at}\">{title}（{at}）</a><span>2026-11-{:02}</span></li>",
                at % 12,
                20 - at / 2
            )
        };
        let rows: String = (from..to).map(row).collect();
        format!("<html><head><meta charset=utf-8><title>要闻</title></head><body><ul>{rows}</ul>{next}</body></html>")
    };
    let site = Site::new(113, move |asked| match asked.path.as_str() {
        "/list/" => Reply::ok(rows(0, 8, "<script>createPageHTML(3, 0, \"index\", \"html\");</script>")),
        "/list/index_1.html" => Reply::ok(rows(8, 16, "<a href=\"index_2.html\">下一页</a>")),
        "/list/index_2.html" => Reply::ok(rows(16, 20, "")),
        path => article(path.split('?').next().unwrap()),
    });
    let installation = Installation::new(&format!("{}articles = false\n", list("gov", &site)));
    let daemon = installation.start();
    daemon.until_items("140300", 20);
    let asked = |path: &str| site.asked().iter().filter(|asked| asked.path == path).count();
    until("three polls", || (asked("/list/") >= 3).then_some(()));
    assert_eq!((asked("/list/index_1.html"), asked("/list/index_2.html")), (1, 1));
}

#[test]
fn a_page_of_hanweb_leads_to_its_records() {
    let records: String = (0..6)
        .map(|at| format!("<record><![CDATA[<li><a href=\"/art/2026/11/{0}/art_1_{at}.html\">{1}</a><span>2026-11-{0}</span></li>]]></record>", 20 - at, TITLES[at]))
        .collect();
    let site = Site::new(114, move |asked| match asked.path.as_str() {
        "/col/col12/index.html" => Reply::ok(
            "<html><head><title>要闻</title></head><body><div id=\"88\"></div><script>$('#88').jpage({ proxyUrl:'/module/web/jpage/dataproxy.jsp', perPage:15, ajaxParam:{ appid:1, webid:3, path:'/', columnid:12, sourceContentType:1, unitid:'88', webname:'示例', permissiontype:0 } });</script></body></html>",
        ),
        path if path.starts_with("/module/web/jpage/dataproxy.jsp?startrecord=1") && path.contains("columnid=12") => {
            Reply::ok(format!("<datastore><recordset>{records}</recordset></datastore>"))
        }
        _ => Reply::status("404 Not Found"),
    });
    let installation = Installation::new(&format!(
        "{}articles = false\n",
        source("gov", "140300", &site.url("/col/col12/index.html"))
    ));
    let daemon = installation.start();
    assert_eq!(daemon.until_items("140300", 6).len(), 6);
}

#[test]
fn what_is_added_below_seven_hundred_items_without_dates_is_seen() {
    let polls = Arc::new(AtomicUsize::new(0));
    let site = Site::new(246, move |_| {
        let count = 700 + polls.fetch_add(1, Ordering::SeqCst).min(1);
        let guids: Vec<String> = (1..=count).map(|at| at.to_string()).collect();
        let titles: Vec<String> = (1..=count).map(|at| format!("关于第{at}号事项的通告")).collect();
        let items: Vec<_> = guids.iter().zip(&titles).map(|(guid, title)| (&**guid, &**guid, &**title, 2)).collect();
        let dated = feed(&items);
        let undated = dated.split("<pubDate>").map(|part| part.split_once("</pubDate>").map_or(part, |(_, rest)| rest));
        Reply::ok(undated.collect::<String>())
    });
    let installation = Installation::new(&source("gov", "140300", &site.url("/feed")));
    let daemon = installation.start();
    let find = |title: &str| daemon.items("140300").iter().any(|item| item["title"] == title).then_some(());
    until("the item below all others is seen", || find("关于第701号事项的通告"));
    let status = daemon.status(&installation, "gov");
    assert!(status["doubt"].as_str().is_some_and(|doubt| doubt.contains("only the newest 500 are read")), "{status}");
}
