//! What sources say to do harm: to readers' browsers, to our own documents, and to each other's items.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::http::{Reply, Site, get};
use super::installation::{Daemon, Installation, feed, source, until};

/// A daemon with one source that may be published in full and gives these documents.
fn full(host: u8, document: String) -> (Installation, Daemon) {
    let site = Site::new(host, move |_| Reply::ok(document.clone()));
    let block = source("evil", "140300", &site.url("/feed")) + "content = \"full\"\nrights_basis = \"test\"\n";
    let installation = Installation::new(&block);
    let daemon = installation.start();
    (installation, daemon)
}

/// Everything that the daemon publishes of a region and its items.
fn published(daemon: &Daemon) -> Vec<(String, String)> {
    let mut paths: Vec<String> =
        ["", "/atom.xml", "/rss.xml", "/feed.json"].iter().map(|rest| format!("/regions/140300{rest}")).collect();
    paths.extend(["/".to_owned(), "/sources".to_owned(), "/sources/atom.xml".to_owned()]);
    for item in daemon.items("140300") {
        paths.push(format!("/items/{}", item["id"].as_str().unwrap().trim_start_matches("urn:uuid:")));
    }
    paths.into_iter().map(|path| (path.clone(), get(daemon.address, &path).text())).collect()
}

/// How many entries a strict parser finds that is not ours: Python's expat. `None` where there is no Python.
fn counted(document: &str, name: &str) -> Option<usize> {
    let program = "import sys, xml.parsers.expat as e\nn = 0\ndef start(name, _):\n    global n\n    n += name == sys.argv[1]\np = e.ParserCreate()\np.StartElementHandler = start\np.Parse(sys.stdin.buffer.read(), True)\nprint(n)";
    let mut child = std::process::Command::new("python3")
        .args(["-c", program, name])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .ok()?;
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), document.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{document}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap())
}

/// All feeds are well-formed, and hold so many items each.
fn well_formed(daemon: &Daemon, items: usize) {
    assert_eq!(daemon.items("140300").len(), items);
    for (file, name) in [("atom.xml", "entry"), ("rss.xml", "item")] {
        let document = get(daemon.address, &format!("/regions/140300/{file}")).text();
        match counted(&document, name) {
            Some(found) => assert_eq!(found, items, "{document}"),
            None => println!("SKIPPED: there is no python3 here"),
        }
    }
}

#[test]
fn h1_pages_made_to_be_slow_cost_their_source_only() {
    let shapes = [
        "<div>".repeat(100_000),
        "<b><i>".repeat(20_000) + &"x</b>".repeat(20_000),
        "<table>".repeat(10_000),
        "<a href=x>".repeat(50_000),
    ];
    let sites: Vec<Site> = shapes
        .into_iter()
        .zip(10..)
        .map(|(shape, host)| Site::new(host, move |_| Reply::ok(format!("<html><body>{shape}"))))
        .collect();
    let good = Site::new(19, |_| Reply::ok(feed(&[("1", "/a/1", "题", 2)])));
    let mut blocks = source("good", "140300", &good.url("/feed"));
    for (at, site) in sites.iter().enumerate() {
        blocks += &(source(&format!("s{at}"), "140300", &site.url("/")) + "as = \"list\"\n");
    }
    let installation = Installation::new(&blocks);
    let daemon = installation.start();
    for at in 0..sites.len() {
        until("it was read", || {
            Some(daemon.status(&installation, &format!("s{at}"))).filter(|status| status["health"] != "new")
        });
    }
    daemon.until_items("140300", 1);
    assert!(daemon.peak() < 250 * 1024, "{} KiB", daemon.peak());
}

#[test]
fn h2_nothing_that_a_source_writes_runs_in_a_browser() {
    let hostile_http = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<a href=\"jAvAsCrIpT:alert(1)\">x</a>",
        "<a href=\"java&amp;#09;script:alert(1)\">x</a>",
        "<a href=\"data:text/html,x\">x</a>",
        "<a href=\"vbscript:x\">x</a>",
        "<svg><set onbegin=alert(1)><animate onend=alert(1)></svg>",
        "<math><annotation-xml encoding=\"text/html\"><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
        "<base href=\"http://evil.example/\">",
        "<form action=\"http://evil.example/\"><button formaction=\"javascript:alert(1)\">x</button></form>",
        "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "<meta http-equiv=refresh content=\"0;url=http://evil.example/\">",
        "<link rel=stylesheet href=\"http://evil.example/\">",
        "<img srcset=\"javascript:alert(1) 1x\">",
        "<p style=\"background:url(javascript:alert(1));width:expression(alert(1))\">x</p>",
        "<object data=x></object><embed src=x>",
    ]
    .concat();
    let escaped = hostile_http.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let document = format!(
        "<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><title>{escaped}</title><item><guid>1</guid><title>{escaped}题</title><link>javascript:alert(1)</link><dc:creator>{escaped}</dc:creator><category>{escaped}</category><description>{escaped}内容</description><comments>javascript:alert(1)</comments></item></channel></rss>"
    );
    let (_house, daemon) = full(20, document);
    daemon.until_items("140300", 1);
    for (path, text) in published(&daemon) {
        // What is escaped twice is text; a reader takes one layer off.
        let once = text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#x27;", "'")
            .replace("&amp;", "&");
        let shown = if path.ends_with("xml") || path.ends_with("json") { &once } else { &text };
        let lower = shown.to_lowercase();
        // The search of the site itself.
        let own = "<form class=\"search\" role=\"search\" action=\"/search\" method=\"get\"><input type=\"search\" name=\"q\" aria-label=\"搜索\" maxlength=\"200\"> <button>搜索</button></form>";
        let lower = lower.replacen(own, "", 1);
        for tag in ["<script", "<iframe", "<svg", "<math", "<base", "<form", "<button", "<object", "<embed", "<style>"]
        {
            assert!(!lower.contains(tag), "{path}: {tag}\n{text}");
        }
        for attribute in [
            " onerror=",
            " onbegin=",
            " srcset=",
            " style=",
            "href=\"javascript:",
            "href=\"data:",
            "href=\"vbscript:",
            "src=\"javascript:",
        ] {
            assert!(!lower.contains(attribute), "{path}: {attribute}\n{text}");
        }
        assert!(!lower.contains("http-equiv=refresh") && !lower.contains("evil.example"), "{path}\n{text}");
    }
    well_formed(&daemon, 1);
}

#[test]
fn h3_no_text_breaks_out_of_its_element() {
    let document = "<rss version=\"2.0\"><channel><title>x</title><item><guid>1</guid><title>A ]]&gt; &lt;script&gt; 题</title><description><![CDATA[]]]]><![CDATA[></description></item><item><title>fake</title></item><!--]]></description></item><item><guid>2</guid><title>--&gt;&lt;!-- &lt;?xml version=\"1.0\"?&gt;</title><description>&lt;?php x ?&gt; --&gt; &lt;!-- ]]&gt; &lt;/item&gt;&lt;/entry&gt;</description></item><item><guid>3</guid><title>三</title><description>&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;</description></item></channel></rss>".to_owned();
    let (_house, daemon) = full(21, document);
    daemon.until_items("140300", 3);
    assert!(!daemon.titles("140300").iter().any(|title| title == "fake"));
    well_formed(&daemon, 3);
    // A description is HTML to its reader: a text that speaks of a tag holds none.
    let document = get(daemon.address, "/regions/140300/rss.xml").text();
    let document = roxmltree::Document::parse(&document).unwrap();
    let descriptions: Vec<&str> =
        document.descendants().filter(|node| node.has_tag_name("description")).filter_map(|node| node.text()).collect();
    assert!(descriptions.contains(&"&lt;script&gt;alert(1)&lt;/script&gt;"), "{descriptions:?}");
}

#[test]
fn h4_characters_that_xml_forbids_are_left_out() {
    let bad: String = (0..0x20_u32)
        .chain(0x7f..0xa0)
        .chain([0xfffe, 0xffff])
        .filter_map(char::from_u32)
        .filter(|c| !"\t\n\r".contains(*c))
        .collect();
    let document = feed(&[("1", "/a/1", "题", 2)]).replace("题", &format!("题&#xD800;&#0;&#x1;&#xFFFF;{bad}目"));
    let (_house, daemon) = full(22, document);
    daemon.until_items("140300", 1);
    well_formed(&daemon, 1);
    assert_eq!(daemon.titles("140300"), ["题目"]);
}

#[test]
fn h5_titles_do_not_turn_writing_around_or_pile_up_marks() {
    let title = format!("公告\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}e{}", "\u{301}".repeat(200));
    let document = feed(&[("1", "/a/1", &title, 2)]);
    let (_house, daemon) = full(23, document);
    daemon.until_items("140300", 1);
    let shown = daemon.titles("140300").remove(0);
    assert!(!shown.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')), "{shown:?}");
    assert!(shown.chars().filter(|c| *c == '\u{301}').count() <= 8, "{shown:?}");
}

#[test]
fn h6_links_are_whole_or_none() {
    let links = [
        "a/1",
        "/a/2",
        "//other.example/3",
        "ht\ttp://host.example/4",
        "\n/a/5\n",
        "http://аррӏе.example/6",
        "mailto:a@b.cn",
        "#top",
    ];
    let items: Vec<(String, &str, String)> =
        links.iter().enumerate().map(|(at, link)| (format!("g{at}"), *link, format!("第{at}条"))).collect();
    let items: Vec<(&str, &str, &str, i64)> =
        items.iter().map(|(guid, link, title)| (guid.as_str(), *link, title.as_str(), 2)).collect();
    let (_house, daemon) = full(24, feed(&items));
    daemon.until_items("140300", links.len());
    for item in daemon.items("140300") {
        let url = item["url"].as_str().unwrap_or("http://none/");
        assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
        assert!(url.is_ascii() && !url.contains(['\t', '\n', ' ']), "{url}");
        assert!(!url.contains("mailto"), "{url}");
    }
    well_formed(&daemon, links.len());
}

#[test]
fn h7_no_page_of_ours_repeats_what_was_asked_or_named() {
    let site = Site::new(25, |_| Reply::status("403 Forbidden"));
    let installation = Installation::new(
        &source("evil", "140300", &site.url("/feed")).replace("evil title", "<script>alert(1)</script>"),
    );
    let daemon = installation.start();
    until("it was polled", || (daemon.status(&installation, "evil")["health"] == "blocked").then_some(()));
    for path in [
        "/<script>alert(1)</script>",
        "/regions/<script>",
        "/items/%3Cscript%3E",
        "/sources",
        "/sources/atom.xml",
        "/?<script>",
    ] {
        let got = get(daemon.address, path);
        assert!(!got.text().contains("<script>"), "{path}: {}", got.text());
        if got.header("content-type").starts_with("text/html") {
            assert!(got.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        }
        // What is no request at all gets a bare refusal.
        if got.status != 400 {
            assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        }
        if got.header("content-type").starts_with("text/html") {
            assert_eq!(got.header("referrer-policy"), "no-referrer", "{path}");
        }
    }
}

#[test]
fn i1_a_source_cannot_touch_anothers_item() {
    let a = Site::new(6, |_| {
        let document = feed(&[("same-guid", "/a/1", "甲的消息", 2), ("twin", "/a/2", "甲的另一条", 3)]);
        Reply::ok(document)
    });
    let (theirs, twin) = (a.url("/a/1"), a.url("/a/2"));
    // The other's guid under a link of its own, the other's link under a guid of its own, and both of it.
    let b = Site::new(7, move |_| {
        Reply::ok(feed(&[
            ("same-guid", "/b/1", "乙的消息", 9),
            ("b-guid", &theirs, "乙说这是甲的", 9),
            ("twin", &twin, "乙改了这一条", 9),
        ]))
    });
    let installation =
        Installation::new(&(source("a", "140300", &a.url("/feed")) + &source("b", "140300", &b.url("/feed"))));
    let daemon = installation.start();
    daemon.until_items("140300", 3);
    until("both were read", || {
        ["a", "b"].iter().all(|id| daemon.status(&installation, id)["polls"].as_u64() > Some(1)).then_some(())
    });
    let mut titles = daemon.titles("140300");
    titles.sort();
    assert_eq!(titles, ["乙的消息", "甲的另一条", "甲的消息"]);
    // What the other says of it is a report of its own, named beside it, but not in its words.
    let items = daemon.items("140300");
    let item = items.iter().find(|item| item["title"] == "甲的另一条").unwrap();
    let related = item["_dayuan"]["related"].to_string();
    assert!(related.contains("b title") && !related.contains("乙改了这一条"), "{item}");
}

#[test]
fn i3_dates_that_cannot_be_are_none_and_nothing_is_pinned_on_top() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = dayuan::model::Moment::from_seconds(i64::try_from(now).unwrap());
    let dates = [
        "9999-12-31".to_owned(),
        "-0001-01-01T00:00:00Z".to_owned(),
        "0000-00-00".to_owned(),
        "9223372036854775808".to_owned(),
        format!("Thu, 31 Feb {} 10:00:00 +0800", now.day().get(..4).unwrap()),
        now.rfc2822().replacen(' ', &format!(" {}", "(".repeat(100_000)), 1),
        format!("{} {}", now.rfc2822(), "(a".repeat(100_000)),
        String::new(),
        "二〇九九年三月九日".to_owned(),
        "99月99日".to_owned(),
    ];
    let mut items = String::new();
    for (at, date) in dates.iter().chain([&now.plus_seconds(20 * 3600).rfc2822()]).enumerate() {
        items += &format!(
            "<item><guid>g{at}</guid><title>第{at}条</title><link>http://a.example/{at}</link><pubDate>{date}</pubDate></item>"
        );
    }
    let document = format!("<rss version=\"2.0\"><channel><title>x</title>{items}</channel></rss>");
    let (_house, daemon) = full(26, document);
    let all = daemon.until_items("140300", dates.len() + 1);
    for item in all {
        let date = dayuan::model::Moment::from_rfc3339(item["date_published"].as_str().unwrap()).unwrap();
        assert!(date <= now.plus_seconds(60), "{item}");
        assert!(date > now.plus_seconds(-400 * 86_400), "{item}");
    }
}

#[test]
fn i4_a_flood_of_one_source_leaves_room_for_others() {
    let polls = AtomicUsize::new(0);
    let loud = Site::new(8, move |_| {
        let poll = polls.fetch_add(1, Ordering::SeqCst);
        let many: Vec<(String, String)> =
            (0..900).map(|n| (format!("p{poll}-{n}"), format!("/a/{poll}/{n}"))).collect();
        let items: Vec<(&str, &str, &str, i64)> =
            many.iter().map(|(guid, link)| (guid.as_str(), link.as_str(), guid.as_str(), 1)).collect();
        Reply::ok(feed(&items))
    });
    let quiet = Site::new(9, |_| Reply::ok(feed(&[("q", "/q", "安静的消息", 30)])));
    let installation = Installation::new(
        &(source("loud", "140300", &loud.url("/feed")) + &source("quiet", "140300", &quiet.url("/feed"))),
    );
    let daemon = installation.start();
    let titles = until("the quiet one is seen", || {
        let titles = daemon.titles("140300");
        (titles.len() == 50 && titles.contains(&"安静的消息".to_owned())).then_some(titles)
    });
    assert_eq!(titles.len(), 50);
    // 500 of one poll, 2,000 of one day.
    until("it gave what is taken of a day, and more", || (loud.asked().len() >= 7).then_some(()));
    let output = installation.run(&["status", "--json"]);
    let first = String::from_utf8(output.stdout).unwrap();
    let daemon_status: serde_json::Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert!(daemon_status["items"].as_u64().unwrap() <= 2001, "{daemon_status}");
    assert!(daemon.log().iter().any(|line| line.to_string().contains("exceeds the daily limit per source")));
}

#[test]
fn i5_one_address_under_two_names_has_two_memories() {
    let answers = AtomicUsize::new(0);
    let document = feed(&[("1", "/a/1", "供暖通告", 2)]).replace("<?xml version=\"1.0\"?>", "");
    let document = encoding_rs::GB18030.encode(&document).0.into_owned();
    let site = Site::new(27, move |_| {
        let number = answers.fetch_add(1, Ordering::SeqCst);
        Reply::ok(document.clone()).with("etag", format!("\"{number}\""))
    });
    let address = site.url("/feed");
    // The same address under another charset and region, and in another spelling.
    let blocks = source("right", "140300", &address)
        + "charset = \"gb18030\"\n"
        + &source("wrong", "140500", &address)
        + "charset = \"windows-1252\"\n"
        + &source("spelt", "140200", &address.replace("/feed", "/./feed"));
    let installation = Installation::new(&blocks);
    let daemon = installation.start();
    until("all were polled some times", || (site.asked().len() >= 9).then_some(()));
    for id in ["right", "wrong", "spelt"] {
        assert_eq!(daemon.status(&installation, id)["health"], "ok", "{id}");
    }
    // Not even when what is remembered was only just read from the disk.
    assert_eq!(daemon.stop(), Some(0));
    let daemon = installation.start();
    let before = site.asked().len();
    until("all were polled again", || (site.asked().len() >= before + 6).then_some(()));
    drop(daemon);
    // What one of them was given, none of the others sends back.
    let mut sent: Vec<String> =
        site.asked().iter().filter_map(|asked| asked.headers.get("if-none-match").cloned()).collect();
    let all = sent.len();
    assert!(all >= 5, "{sent:?}");
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), all, "each validator goes back once: {sent:?}");
}

#[test]
fn i6_a_redirect_to_anothers_address_is_never_remembered() {
    let b = Site::new(28, |_| Reply::ok(feed(&[("1", "/a/1", "乙的消息", 2)])));
    let target = b.url("/feed");
    let a = Site::new(29, move |_| Reply::status("301 Moved Permanently").with("location", target.clone()));
    let settings = format!(
        "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\nports = [{}]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"2s\"\nhost_gap = \"0s\"\n",
        b.address.port()
    );
    let installation = Installation::with(
        &settings,
        &(source("a", "140300", &a.url("/feed")) + &source("b", "140300", &b.url("/feed"))),
    );
    let daemon = installation.start();
    until("it was polled some times", || (a.asked().len() >= 3).then_some(()));
    assert!(daemon.status(&installation, "a")["moved"].is_null(), "{}", daemon.status(&installation, "a"));
    let warned = daemon.log().iter().any(|line| line["level"] == "WARN" && line.to_string().contains("another source"));
    assert!(warned, "the admin is told");
}

#[test]
fn i7_guids_that_change_or_never_do_neither_repeat_nor_lose() {
    let polls = AtomicUsize::new(0);
    let changing = Site::new(30, move |_| {
        let poll = polls.fetch_add(1, Ordering::SeqCst);
        Reply::ok(feed(&[(&format!("new-{poll}"), "/a/1", "同一条", 2)]))
    });
    let flips = AtomicUsize::new(0);
    let flipping = Site::new(31, move |_| {
        let text = if flips.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) { "甲" } else { "乙" };
        Reply::ok(feed(&[("1", "/b/1", "翻来覆去", 2)]).replace("翻来覆去。", text))
    });
    let constant = Site::new(32, |_| {
        Reply::ok(feed(&[("all", "/c/1", "第一条", 2), ("all", "/c/2", "第二条", 3), ("all", "/c/3", "第三条", 4)]))
    });
    let blocks = source("changing", "140300", &changing.url("/feed"))
        + &source("flipping", "140500", &flipping.url("/feed"))
        + &source("constant", "140200", &constant.url("/feed"));
    let installation = Installation::new(&blocks);
    let daemon = installation.start();
    daemon.until_items("140200", 3);
    daemon.until_items("140500", 1);
    let first = daemon.items("140500")[0]["date_modified"].clone();
    until("some polls", || (changing.asked().len() >= 4 && flipping.asked().len() >= 4).then_some(()));
    assert_eq!(daemon.titles("140300"), ["同一条"]);
    assert_eq!(daemon.items("140500")[0]["date_modified"], first, "it is not changed with every poll");
    assert_eq!(daemon.items("140200").len(), 3);
}
