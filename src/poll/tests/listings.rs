//! Tests of what an answer makes of a source.

use super::*;

#[test]
fn timeouts_do_not_make_a_poor_page_trusted() {
    run(async {
        let mode = Arc::new(AtomicI64::new(0));
        let which = Arc::clone(&mode);
        let site = Site::new(move |asked| match (asked.path.as_str(), which.load(Ordering::SeqCst)) {
            ("/xw/", 0) => list(1..=20),
            ("/xw/", 1) => Reply::status(500),
            ("/xw/", _) => list(30..=34),
            _ => article("通知公告", "全文。"),
        });
        let mut source = site.source("gov", "/xw/", Kind::List);
        source.reads_articles = false;
        let mut desk = Desk::new(&[source]).await;
        desk.poll().await;
        assert_eq!(desk.reports().len(), 20);
        mode.store(1, Ordering::SeqCst);
        for _ in 0..4 {
            desk.poll().await;
        }
        mode.store(2, Ordering::SeqCst);
        for _ in 0..3 {
            desk.poll().await;
            assert_eq!(desk.reports().len(), 20, "what failed before says nothing of this page");
        }
        desk.poll().await;
        assert_eq!(desk.reports().len(), 25, "{:?}", desk.state("gov").reason);
    });
}

#[test]
fn a_304_to_a_request_without_validators_is_not_believed() {
    run(async {
        let site = Site::new(|asked| match asked.path.as_str() {
            "/old" => Reply::status(302).with("location", "/feed"),
            "/feed" if asked.head.contains("if-none-match") => Reply::status(304),
            "/feed" => feed(1..=3, "").with("etag", "\"1\""),
            _ => Reply::status(304),
        });
        let mut desk = Desk::new(&[site.source("gov", "/old", Kind::Auto)]).await;
        desk.poll().await;
        desk.poll().await;
        assert_eq!(desk.state("gov").health, Health::Ok, "{:?}", desk.state("gov").reason);
        // The validators that are held belong to an address that is not asked any more.
        let mut state = desk.state("gov");
        state.url = Some(Link::parse(&format!("{}/elsewhere", site.origin)).unwrap());
        let id = SourceId::new("gov").unwrap();
        desk.poller.sources.get_mut(&id).unwrap().state = state;
        let strange = Site::new(|_| Reply::status(304));
        let mut other = strange.source("gov", "/x", Kind::Auto);
        other.url = Link::parse(&format!("{}/x", strange.origin)).unwrap();
        desk.poller.sources.get_mut(&id).unwrap().source = Arc::new(other);
        desk.poller.sources.get_mut(&id).unwrap().state.listing.page = None;
        desk.poll().await;
        let state = desk.state("gov");
        assert_eq!(state.health, Health::Degraded);
        assert_eq!(state.reason.unwrap().kind, Trouble::Unasked304);
    });
}

#[test]
fn a_challenge_page_has_no_wishes_about_polling() {
    run(async {
        let mode = Arc::new(AtomicI64::new(0));
        let which = Arc::clone(&mode);
        let site = Site::new(move |_| match which.load(Ordering::SeqCst) {
            0 => feed(1..=3, "<ttl>180</ttl><skipHours><hour>3</hour></skipHours>"),
            _ => Reply::ok(
                "text/html",
                "<html><head><title>Just a moment...</title></head><body><form id=\"challenge-form\" action=\"/cdn-cgi/challenge-platform/x\"></form></body></html>",
            ),
        });
        let mut desk = Desk::new(&[site.source("gov", "/feed", Kind::Auto)]).await;
        desk.poll().await;
        let before = desk.state("gov").listing;
        assert_eq!((before.wait, before.skip_hours), (Duration::from_secs(180 * 60), 1 << 3));
        mode.store(1, Ordering::SeqCst);
        desk.poll().await;
        let state = desk.state("gov");
        assert_ne!(state.health, Health::Ok);
        assert_eq!((state.listing.wait, state.listing.skip_hours), (before.wait, before.skip_hours));
    });
}

#[test]
fn a_redirect_to_another_site_stays_doubtful_whatever_the_document_wants() {
    run(async {
        let site = Site::new(|asked| {
            let to = asked.host().replace("127.0.0.1", "127.0.0.2");
            Reply::status(302).with("location", &format!("http://{to}/feed"))
        });
        let _other = Site::at(&site.origin.replace("127.0.0.1", "127.0.0.2"), |asked| {
            if asked.head.contains("if-none-match") {
                return Reply::status(304);
            }
            feed(1..=3, "<ttl>20160</ttl>").with("etag", "\"1\"")
        });
        let mut desk = Desk::new(&[site.source("gov", "/feed", Kind::Auto)]).await;
        for _ in 0..2 {
            desk.poll().await;
            let doubts = format!("{:?}", desk.state("gov").doubts);
            assert!(doubts.contains("RedirectsElsewhere") && doubts.contains("SeldomWished"), "{doubts}");
        }
    });
}

#[test]
fn a_page_that_the_list_leads_to_may_ask_for_quiet() {
    run(async {
        let site = Site::new(|asked| match asked.path.as_str() {
            "/" => Reply::ok(
                "text/html",
                "<html><body><iframe src=\"/inner\" width=\"100%\" height=\"900\"></iframe></body></html>",
            ),
            _ => Reply::status(429).with("retry-after", "20000"),
        });
        let mut desk = Desk::new(&[site.source("gov", "/", Kind::List)]).await;
        desk.poll().await;
        assert_eq!(site.count("/inner"), 1, "{:?}", desk.state("gov").reason);
        let state = desk.state("gov");
        let wait = state.not_before.seconds() - desk.now.load(Ordering::SeqCst);
        assert!((19_990..=20_000).contains(&wait), "{wait}: {:?}", state.reason);
        assert_eq!(state.busy_hosts.len(), 1);
    });
}

#[test]
fn a_source_that_is_gone_and_asks_for_quiet_gets_it() {
    run(async {
        let site = Site::new(|_| Reply::status(429).with("retry-after", "500000"));
        let mut desk = Desk::new(&[site.source("gov", "/feed", Kind::Auto)]).await;
        desk.control("gov", Control::Gone).await;
        desk.poll().await;
        let state = desk.state("gov");
        let now = desk.now.load(Ordering::SeqCst);
        assert_eq!(state.health, Health::Gone);
        assert!((499_990..=500_000).contains(&(state.not_before.seconds() - now)), "{:?}", state.not_before);
        let host = &desk.poller.hosts.values().next().unwrap().free;
        assert!((499_990..=500_000).contains(&(host.seconds() - now)), "the host is left alone");
    });
}

#[test]
fn further_pages_count_as_fetched() {
    run(async {
        let site = Site::new(|asked| match asked.path.as_str() {
            "/" => Reply::ok(
                "text/html",
                "<html><body><iframe src=\"/inner\" width=\"100%\" height=\"900\"></iframe></body></html>",
            ),
            _ => list(1..=12),
        });
        let mut source = site.source("gov", "/", Kind::List);
        source.reads_articles = false;
        let mut desk = Desk::new(&[source]).await;
        desk.poll().await;
        let mut registry = prometheus_client::registry::Registry::default();
        desk.metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let bytes = text.lines().find_map(|line| line.strip_prefix("dayuan_fetched_bytes_total ")).unwrap();
        assert!(bytes.parse::<usize>().unwrap() > list(1..=12).body.len(), "{bytes}");
    });
}

#[test]
fn a_parser_that_panics_on_a_small_document_costs_one_document() {
    run(async {
        let page =
            crate::model::Page { url: Link::parse("http://a.cn/").unwrap(), content_type: None, body: b"x".to_vec() };
        let source = Site::new(|_| Reply::status(404)).source("gov", "/", Kind::Auto);
        let rules = Arc::new(crate::read::Rules::of(&source));
        let fails =
            |_: &crate::model::Page, _: &crate::read::Rules, _: Moment| -> usize { std::panic::panic_any("a fault") };
        assert_eq!(super::super::parse::parse(fails, page, &rules, Moment::default()).await, None);
    });
}

#[test]
fn what_is_too_much_for_us_is_no_fault_of_the_source() {
    let outcome = super::super::outcome::failed(&fetch::FetchError::Crowded);
    let before = PollState { failures: 1, health: Health::Ok, ..PollState::default() };
    let after = next(&SourceId::new("a").unwrap(), &before, &outcome, Moment::from_seconds(START), PACE);
    assert_eq!((after.failures, after.health), (1, Health::Ok));
}

#[test]
fn a_form_is_posted_again_where_the_redirect_keeps_the_method() {
    run(async {
        for (status, method) in [(307, "POST"), (308, "POST"), (302, "GET"), (303, "GET")] {
            let site = Site::new(move |asked| match asked.path.as_str() {
                "/old" => Reply::status(status).with("location", "/new"),
                _ => feed(1..=3, ""),
            });
            let mut source = site.source("gov", "/old", Kind::Auto);
            source.post = Some("page=1".to_owned());
            let mut desk = Desk::new(&[source]).await;
            desk.poll().await;
            let asked = site.asked.lock().unwrap();
            assert_eq!(asked.iter().find(|asked| asked.path == "/new").unwrap().method, method, "{status}");
        }
    });
}
