//! Tests of the poll loop: pauses, networks that are down, clocks.

use super::*;

#[test]
fn a_source_that_was_paused_during_its_poll_counts_once_and_stays_paused() {
    run(async {
        let site = Site::new(|_| feed(1..=3, ""));
        let source = site.source("gov", "/feed", Kind::Auto);
        let mut desk = Desk::new(&[source]).await;
        let id = SourceId::new("gov").unwrap();
        for _ in 0..7 {
            desk.control("gov", Control::Resumed).await;
            desk.poller.control(&id);
            desk.pass(HOUR);
            desk.poller.start_due();
            desk.control("gov", Control::Paused).await;
            desk.poller.control(&id);
            let done = desk.poller.turns.join_next_with_id().await.unwrap();
            desk.poller.finish(done);
        }
        assert_eq!(desk.gauge(), HashMap::from([("paused".to_owned(), 1)]));
        let asked = site.asked.lock().unwrap().len();
        desk.pass(24 * HOUR);
        desk.poller.step().await;
        assert_eq!(site.asked.lock().unwrap().len(), asked);
    });
}

#[test]
fn a_paused_source_is_not_polled_after_our_network_was_down() {
    run(async {
        // Nobody listens there.
        let closed: Vec<Source> = (0..4)
            .map(|n| {
                let listener = TcpListener::bind(format!("127.0.0.{}:0", 11 + n)).unwrap();
                let origin = format!("http://{}", listener.local_addr().unwrap());
                let site = Site { origin, asked: Arc::default() };
                site.source(&format!("s{n}"), "/feed", Kind::Auto)
            })
            .collect();
        let mut desk = Desk::new(&closed[..3]).await;
        let ids: Vec<SourceId> = closed.iter().map(|source| source.id.clone()).collect();
        desk.pass(1);
        desk.poller.start_due();
        desk.control("s0", Control::Paused).await;
        desk.poller.control(&ids[0]);
        while let Some(done) = desk.poller.turns.join_next_with_id().await {
            desk.poller.finish(done);
        }
        assert_eq!(desk.poller.sources[&ids[0]].state.health, Health::Paused);
        assert_eq!(desk.gauge().get("paused"), Some(&1));
        desk.pass(24 * HOUR);
        desk.poller.start_due();
        assert!(desk.poller.running.values().all(|running| running.source != ids[0]));
        while let Some(done) = desk.poller.turns.join_next_with_id().await {
            desk.poller.finish(done);
        }
    });
}

#[test]
fn a_machine_that_was_suspended_has_no_other_clock() {
    thread_local!(static UP: std::cell::Cell<u64> = const { std::cell::Cell::new(1000) });
    run(async {
        let site = Site::new(|_| feed(1..=3, ""));
        let mut desk = Desk::new(&[site.source("gov", "/feed", Kind::Auto)]).await;
        desk.poll().await;
        let id = SourceId::new("gov").unwrap();
        desk.poller = desk.poller.with_uptime(|| Duration::from_secs(UP.get()));
        desk.poller.compare_clock();
        let planned = |desk: &Desk| desk.poller.sources[&id].planned;
        let before = planned(&desk);
        // Suspended for eight hours: the poll is overdue.
        desk.pass(8 * HOUR);
        UP.set(1000 + 8 * 3600);
        desk.poller.compare_clock();
        assert_eq!(planned(&desk), before);
        // Set back by a year: what was asked yesterday was not asked next year.
        desk.pass(-365 * 24 * HOUR);
        desk.poller.compare_clock();
        assert_eq!(planned(&desk), before.plus_seconds(-365 * 86_400));
        let now = Moment::from_seconds(desk.now.load(Ordering::SeqCst));
        let state = &desk.poller.sources[&id].state;
        assert!(state.asked.unwrap() <= now && state.succeeded.unwrap() <= now && state.last_new.unwrap() <= now);
    });
}
