//! What a source's own pages, its redirects and the sites they lead to can do to others: nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::http::{Reply, Site, get, request};
use super::installation::{Installation, feed, source, until};

/// A house whose sources may lead to other ports than their own.
fn installation(sites: &[&Site], sources: &str) -> Installation {
    let ports: Vec<String> = sites.iter().map(|site| site.address.port().to_string()).collect();
    let settings = format!(
        "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\ntimeout = \"5s\"\nports = [{}]\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"2s\"\nhost_gap = \"0s\"\n",
        ports.join(", ")
    );
    Installation::with(&settings, sources)
}

fn rows(site: &str, count: usize) -> String {
    let today = dayuan::daemon::now().day();
    let row = |at: usize| {
        format!("<li><a href=\"{site}/a/{at}.html\">第{at}号关于道路施工的通告</a><span>{today}</span></li>")
    };
    format!("<html><body><ul class=\"list\">{}</ul></body></html>", (1..=count).map(row).collect::<String>())
}

#[test]
fn i16_a_page_that_leads_to_another_site_needs_the_admins_word() {
    let other = Site::new(210, |_| Reply::ok(rows("", 6)));
    let target = other.url("/list/");
    let page =
        format!("<html><head><meta http-equiv=\"refresh\" content=\"0; url={target}\"></head><body></body></html>");
    let site = Site::new(211, move |_| Reply::ok(page.clone()));
    let block = source("a", "140300", &site.url("/")) + "articles = false\n";
    let installation = installation(&[&other], &block);
    let daemon = installation.start();
    let reason = until("it is refused", || daemon.status(&installation, "a")["reason"].as_str().map(str::to_owned));
    assert!(reason.contains("on another site") && reason.contains("leads_to = [\"127.0.7.210\"]"), "{reason}");
    assert!(daemon.items("140300").is_empty() && other.asked().is_empty());
    installation.sources(&(block + "leads_to = [\"127.0.7.210\"]\n"));
    assert!(installation.run(&["reload"]).status.success());
    drop(installation.run(&["poll", "a"]));
    assert_eq!(daemon.until_items("140300", 6).len(), 6);
}

#[test]
fn i17_a_redirect_to_a_strangers_410_is_a_failure_and_no_end() {
    let stranger = Site::new(212, |_| Reply::status("410 Gone"));
    let target = stranger.url("/");
    let site = Site::new(213, move |_| Reply::status("302 Found").with("location", target.clone()));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    until("it is asked again and again", || (site.asked().len() >= 4).then_some(()));
    assert_eq!(daemon.status(&installation, "a")["health"], "degraded");
}

#[test]
fn i18_what_an_article_of_a_stranger_says_keeps_no_host_from_being_polled() {
    let busy = Arc::new(AtomicBool::new(true));
    let says = Arc::clone(&busy);
    let victim = Site::new(214, move |asked| match asked.path.as_str() {
        "/feed" => Reply::ok(feed(&[("1", "/a/1", "本站消息", 2)])),
        _ if says.load(Ordering::SeqCst) => Reply::status("503 Service Unavailable").with("retry-after", "604800"),
        _ => Reply::ok("<html><body><p>x</p></body></html>"),
    });
    let lead = rows(victim.url("").trim_end_matches('/'), 6);
    let attacker = Site::new(215, move |_| Reply::ok(lead.clone()));
    let installation = installation(
        &[&victim],
        &(source("attacker", "140300", &attacker.url("/list/")) + &source("victim", "140300", &victim.url("/feed"))),
    );
    let daemon = installation.start();
    until("the article was asked", || victim.asked().iter().any(|asked| asked.path.starts_with("/a/")).then_some(()));
    let polls = || victim.asked().iter().filter(|asked| asked.path == "/feed").count();
    let before = polls();
    until("the victim is polled all the same", || (polls() > before + 2).then_some(()));
    assert_eq!(daemon.status(&installation, "victim")["health"], "ok");
    let articles = victim.asked().iter().filter(|asked| asked.path.starts_with("/a/")).count();
    assert_eq!(articles, 1, "the attacker's own articles are not asked there any more");
}

#[test]
fn p14_robots_are_obeyed_where_a_page_leads() {
    let site = Site::with_robots(216, Reply::ok("User-agent: *\nDisallow: /inner/\n"), |asked, stream| {
        let reply = match asked.path.as_str() {
            "/" => Reply::ok("<html><body><iframe src=\"/inner/list.html\" width=\"800\"></iframe></body></html>"),
            _ => Reply::ok(rows("", 6)),
        };
        drop(std::io::Write::write_all(stream, &reply.bytes()));
    });
    let installation = Installation::new(&(source("a", "140300", &site.url("/")) + "as = \"list\"\n"));
    let daemon = installation.start();
    let reason = until("it is refused", || daemon.status(&installation, "a")["reason"].as_str().map(str::to_owned));
    assert!(reason.contains("robots.txt of 127.0.7.") && reason.contains("disallows"), "{reason}");
    assert!(site.asked().iter().all(|asked| asked.path == "/"));
}

#[test]
fn x07_what_a_site_says_steers_no_terminal_and_is_short() {
    let hostile_http = format!("http://a.cn/{}\u{9b}31m\u{202e}", "x".repeat(3000));
    let site = Site::new(217, move |_| Reply::status("302 Found").with("location", hostile_http.clone()));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    let reason = until("it is told", || daemon.status(&installation, "a")["reason"].as_str().map(str::to_owned));
    assert!(reason.chars().count() <= 501, "{}", reason.len());
    for shown in [
        String::from_utf8_lossy(&installation.run(&["status"]).stdout).into_owned(),
        String::from_utf8_lossy(&installation.run(&["check", "--online"]).stdout).into_owned(),
        get(daemon.address, "/sources").text(),
    ] {
        assert!(!shown.chars().any(|c| matches!(c, '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}')), "{shown}");
    }
}

#[test]
fn p6_a_hint_without_sense_is_capped_and_told() {
    let document = feed(&[("1", "/a/1", "题", 2)]).replace("<channel>", "<channel><ttl>1000000000000</ttl>");
    let site = Site::new(218, move |_| Reply::ok(document.clone()));
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    let status =
        until("it is told", || Some(daemon.status(&installation, "a")).filter(|status| !status["doubt"].is_null()));
    assert!(status["doubt"].as_str().unwrap().contains("it is polled daily"), "{status}");
    assert!(!status["due"].is_null(), "{status}");
}

#[test]
fn v9_after_a_permission_is_withdrawn_no_reader_keeps_the_full_text() {
    let site = Site::new(219, |_| Reply::ok(feed(&[("1", "/a/1", "题", 2)])));
    let plain = source("a", "140300", &site.url("/feed"));
    let installation = Installation::new(&(plain.clone() + "content = \"full\"\nrights_basis = \"书面许可\"\n"));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    let paths = ["/regions/140300/atom.xml", "/regions/140300/atom.xml?source=a"];
    let dates: Vec<String> =
        paths.iter().map(|path| get(daemon.address, path).header("last-modified").to_owned()).collect();
    installation.sources(&plain);
    assert!(installation.run(&["reload"]).status.success());
    for (path, date) in paths.iter().zip(&dates) {
        let again = request(daemon.address, "GET", path, &[("if-modified-since", date)]);
        assert_eq!(again.status, 200, "{path}");
    }
}

#[test]
fn v10_a_story_that_everybody_tells_names_some_of_them_and_a_feed_has_an_end() {
    let text = "因供热管网改造，北大街自十二中路口至桥头路段将于3月9日22时起临时封闭，请过往车辆绕行南大街或德胜街，公交3路、15路改线运行。施工期间给沿线单位和居民带来不便，敬请谅解。请广大驾驶人提前安排出行路线。";
    let sites: Vec<Site> = (220..250)
        .map(|host| {
            let link = format!("/a/{host}");
            let document = feed(&[("1", &link, "施工通告", 2)]).replace("施工通告。", text);
            Site::new(host, move |_| Reply::ok(document.clone()))
        })
        .collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let installation = Installation::new(&blocks);
    let daemon = installation.start();
    let related = until("all have told it", || {
        let items = daemon.items("140300");
        let related = items.first()?["_dayuan"]["related"].as_array()?.len();
        (items.len() == 1 && related >= 20).then_some(related)
    });
    assert_eq!(related, 20);
}

#[test]
fn i19_a_list_that_leads_to_ever_new_hosts_makes_us_ask_few_of_them() {
    let asked = Arc::new(AtomicUsize::new(0));
    let others: Vec<Site> = (100..140)
        .map(|host| {
            let asked = Arc::clone(&asked);
            Site::new(host, move |_| {
                asked.fetch_add(1, Ordering::SeqCst);
                Reply::ok("<html><body><p>x</p></body></html>")
            })
        })
        .collect();
    let today = dayuan::daemon::now().day();
    let row = |site: &Site| {
        format!("<li><a href=\"{}\">关于道路施工的通告之{}</a><span>{today}</span></li>", site.url("/a"), site.address)
    };
    let list = format!("<html><body><ul>{}</ul></body></html>", others.iter().map(row).collect::<String>());
    let site = Site::new(209, move |_| Reply::ok(list.clone()));
    let installation =
        installation(&others.iter().collect::<Vec<_>>(), &(source("a", "140300", &site.url("/")) + "as = \"list\"\n"));
    let daemon = installation.start();
    until("it is polled again", || (site.asked().len() >= 3).then_some(()));
    until("some are asked", || (asked.load(Ordering::SeqCst) >= 20).then_some(()));
    assert!(asked.load(Ordering::SeqCst) <= 20, "{}", asked.load(Ordering::SeqCst));
    drop(daemon);
}
