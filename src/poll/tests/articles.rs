//! Tests of polls that read the pages of articles.

use super::*;

fn sitemap(host: &str, numbers: impl Iterator<Item = usize>) -> Reply {
    let urls: String = numbers
        .map(|n| format!("<url><loc>http://{host}/n/{n}.html</loc><lastmod>2025-12-20</lastmod></url>"))
        .collect();
    Reply::ok(
        "application/xml",
        format!("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">{urls}</urlset>"),
    )
}

fn number(asked: &Asked) -> usize {
    asked.path.trim_start_matches("/n/").trim_end_matches(".html").parse().unwrap()
}

fn titled(n: usize) -> Reply {
    article(&format!("关于第{n}批事项的通知公告"), &format!("第{n}批事项的全文如下。"))
}

#[test]
fn a_page_of_a_sitemap_that_cannot_be_read_now_is_read_later() {
    run(async {
        let down = Arc::new(AtomicI64::new(1));
        let is_down = Arc::clone(&down);
        let site = Site::new(move |asked| match asked.path.as_str() {
            "/map.xml" => sitemap(asked.host(), 1..=90),
            _ if number(asked) == 7 && is_down.load(Ordering::SeqCst) == 1 => Reply::status(500),
            "/n/8.html" if is_down.load(Ordering::SeqCst) == 1 => Reply::status(404),
            _ => titled(number(asked)),
        });
        let mut desk = Desk::new(&[site.source("map", "/map.xml", Kind::Sitemap)]).await;
        for _ in 0..3 {
            desk.poll().await;
        }
        assert_eq!(desk.reports().len(), 88, "all but the two that cannot be read");
        down.store(0, Ordering::SeqCst);
        desk.pass(HOUR);
        for _ in 0..3 {
            desk.poll().await;
        }
        assert_eq!(desk.reports().len(), 90);
        assert!(desk.reports().iter().all(|(title, text)| !title.is_empty() && !text.is_empty()));
    });
}

#[test]
fn pages_that_cannot_be_read_keep_no_other_from_being_read() {
    run(async {
        let site = Site::new(move |asked| match asked.path.as_str() {
            "/map.xml" => sitemap(asked.host(), 1..=100),
            _ if number(asked) <= 70 => Reply::status(if number(asked).is_multiple_of(2) { 404 } else { 500 }),
            _ => titled(number(asked)),
        });
        let mut desk = Desk::new(&[site.source("map", "/map.xml", Kind::Sitemap)]).await;
        for _ in 0..6 {
            desk.poll().await;
        }
        assert_eq!(desk.reports().len(), 30);
        let before = site.asked.lock().unwrap().len();
        desk.poll().await;
        let again = site.asked.lock().unwrap().len() - before;
        assert!(again <= 1 + 20, "{again} requests for pages that cannot be read");
    });
}

#[test]
fn a_failed_commit_changes_nothing_of_what_is_read_again() {
    run(async {
        let state = Arc::new(AtomicI64::new(200));
        let status = Arc::clone(&state);
        let site = Site::new(move |asked| match asked.path.as_str() {
            "/xw/" => list(1..=9),
            "/n/3.html" if status.load(Ordering::SeqCst) != 200 => Reply::status(410),
            _ => titled(number(asked)),
        });
        let mut desk = Desk::new(&[site.source("gov", "/xw/", Kind::List)]).await;
        desk.poll().await;
        let source = SourceId::new("gov").unwrap();
        assert_eq!((desk.reports().len(), desk.poll_states.revisits(&source).unwrap().len()), (9, 9));
        state.store(410, Ordering::SeqCst);
        desk.pass(2 * HOUR);
        desk.poll().await;
        desk.pass(2 * HOUR);
        // The log cannot be written while it is found gone for good.
        break_log(&desk);
        let before = desk.poll_states.revisits(&source).unwrap();
        desk.poll().await;
        assert_eq!(desk.poll_states.revisits(&source).unwrap(), before);
        mend_log(&desk);
        for _ in 0..4 {
            desk.poll().await;
        }
        let gone = desk.records().iter().filter(|record| matches!(record, Record::Gone { .. })).count();
        assert_eq!(gone, 1, "it is taken out once the log can be written");
    });
}

#[test]
fn a_correction_beyond_the_daily_quota_is_taken_in_the_day_after() {
    run(async {
        let version = Arc::new(AtomicI64::new(1));
        let which = Arc::clone(&version);
        let site = Site::new(move |asked| match asked.path.as_str() {
            "/xw/" => list(1..=9),
            _ => {
                let text = format!("第{}批的开始时间是{}时。", number(asked), which.load(Ordering::SeqCst));
                article(&format!("关于第{}批事项的通知公告", number(asked)), &text)
            }
        });
        let limits = Limits { keep: Duration::from_secs(3650 * 86_400), reports: 9, bytes: 20 << 20 };
        let mut desk = Desk::with(&[site.source("gov", "/xw/", Kind::List)], limits).await;
        desk.poll().await;
        version.store(2, Ordering::SeqCst);
        desk.pass(HOUR);
        for _ in 0..6 {
            desk.poll().await;
        }
        assert_eq!((desk.reports().len(), site.count("/n/1.html")), (9, 1), "what cannot be taken is not asked for");
        desk.pass(24 * HOUR);
        for _ in 0..3 {
            desk.poll().await;
        }
        assert_eq!(desk.reports().len(), 18);
    });
}

#[test]
fn an_articles_retry_after_outlives_a_restart() {
    run(async {
        let site = Site::new(move |asked| match asked.path.as_str() {
            "/xw/" => list(1..=9),
            "/n/4.html" => Reply::status(503).with("retry-after", "36000"),
            _ => titled(number(asked)),
        });
        let mut desk = Desk::new(&[site.source("gov", "/xw/", Kind::List)]).await;
        desk.poll().await;
        let asked = desk.now.load(Ordering::SeqCst);
        let [(_, until)] = &*desk.state("gov").busy_hosts else { panic!("{:?}", desk.state("gov").busy_hosts) };
        assert!((36_000 - 30..=36_000).contains(&(until.seconds() - asked)));
        let context = (*desk.poller.context).clone();
        let options = Options { concurrency: 4, pace: PACE, host_gap: Duration::from_secs(1) };
        desk.poller = Poller::new(context, options, Arc::new(Heartbeat::default()));
        desk.poller.load(vec![Arc::new(site.source("gov", "/xw/", Kind::List))]).await.unwrap();
        let before = site.asked.lock().unwrap().len();
        desk.pass(9 * HOUR);
        desk.poller.step().await;
        assert_eq!(site.asked.lock().unwrap().len(), before, "the host is left alone");
        desk.pass(2 * HOUR);
        desk.poller.step().await;
        assert!(site.asked.lock().unwrap().len() > before);
    });
}

/// Each article redirects over ever new hosts, and none of them ends in a page.
#[test]
fn redirects_of_articles_count_against_the_hosts_of_a_day() {
    run(async {
        let hops = Site::at("http://0.0.0.0:0", |asked| {
            let port = asked.host().rsplit(':').next().unwrap();
            let host: usize = asked.host().split(['.', ':']).nth(3).unwrap().parse().unwrap();
            let next = format!("http://127.0.{}.{}:{port}{}", 1 + number(asked), host + 1, asked.path);
            Reply::status(302).with("location", &next)
        });
        let port = hops.origin.rsplit(':').next().unwrap().to_owned();
        let own = format!("127.0.0.1:{port}");
        let to = port.clone();
        let site = Site::new(move |asked| match asked.path.as_str() {
            "/list" => list(1..=40),
            _ => {
                let next = format!("http://127.0.{}.1:{to}{}", 1 + number(asked), asked.path);
                Reply::status(302).with("location", &next)
            }
        });
        let mut desk = Desk::opened(&[site.source("gov", "/list", Kind::List)], port.parse().unwrap()).await;
        for _ in 0..3 {
            desk.poll().await;
        }
        let asked = hops.asked.lock().unwrap();
        let hosts: std::collections::HashSet<&str> =
            asked.iter().map(Asked::host).filter(|host| *host != own).collect();
        assert_eq!(hosts.len(), 20, "{} requests", asked.len());
    });
}

#[test]
fn a_feed_that_moves_to_another_site_heeds_its_robots_txt() {
    run(async {
        let other = Site::at("http://127.0.3.1:0", |_| feed(1..=3, ""));
        let port: u16 = other.origin.rsplit(':').next().unwrap().parse().unwrap();
        let to = format!("{}/feed", other.origin);
        let site = Site::new(move |_| Reply::status(302).with("location", &to));
        let mut desk = Desk::opened(&[site.source("gov", "/feed", Kind::Auto)], port).await;
        desk.poll().await;
        let asked: Vec<String> = other.asked.lock().unwrap().iter().map(|asked| asked.path.clone()).collect();
        assert_eq!(asked, ["/robots.txt", "/feed"]);
        assert_eq!(desk.reports().len(), 3);
    });
}
