//! Tests of the hub at work.

use futures_util::future::BoxFuture;

use super::*;
use crate::fetch::{Guard, Options, install_crypto};
use crate::model::{Link, Subscription};

#[derive(Debug)]
struct NoTopics;

impl Topics for NoTopics {
    fn is_known(&self, _: &str) -> bool {
        true
    }

    fn content<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Found> {
        Box::pin(std::future::ready(Found::Later))
    }

    fn hub_url(&self) -> String {
        String::new()
    }
}

/// The store is reopened as it was before it refused to write.
#[test]
fn hub_who_unsubscribed_while_the_disk_was_full_is_not_subscribed_again() {
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = Subscriptions::open(&folder.path().join("hub")).unwrap();
    let subscription = |host: &str| Subscription {
        topic: "http://a.example/atom.xml".to_owned(),
        callback: Link::parse(&format!("http://{host}.example/in")).unwrap(),
        secret: None,
        until: Moment::from_seconds(300),
        sent: 0,
        failures: 0,
    };
    let [left, stays] = ["left", "stays"].map(subscription);
    store.put(&left).unwrap();
    store.put(&stays).unwrap();
    store.flush().unwrap();
    let options = Options {
        guard: Guard { allow: Vec::new(), ports: Vec::new() },
        timeout: Duration::from_secs(1),
        max_body: 1 << 20,
        public_url: None,
        contact: None,
    };
    let book = Book::new(store.all().unwrap().0);
    store.refuse();
    let store = Arc::new(store);
    let hub = Hub {
        fetcher: Fetcher::new(options).unwrap(),
        topics: Arc::new(NoTopics),
        store: Arc::clone(&store),
        clock: Moment::default,
        is_clock_trusted: Box::new(|| true),
        metrics: Metrics::default(),
        inner: Mutex::new(Inner {
            book,
            rate: Rate::default(),
            waiting: Waiting::default(),
            healed: 0,
            is_unsaved: false,
        }),
        wake: Notify::new(),
        resolving: Semaphore::new(RESOLVING),
        looking_up: PlacesOf::new(RESOLVING_PER_DOMAIN),
        verifying: Semaphore::new(VERIFYING),
        overtime: Semaphore::new(OVERTIME),
    };
    let gone = Wish {
        mode: Mode::Unsubscribe,
        topic: left.topic.clone(),
        callback: left.callback.clone(),
        lease: 0,
        secret: None,
    };
    hub.verified(&gone, true);
    // Whoever else writes to the store may have reopened it before.
    store.heal().unwrap();
    assert_eq!(store.all().unwrap().0.len(), 2, "the store knows nothing of it");
    assert!(hub.make_up(), "there is something to be flushed");
    assert_eq!(store.all().unwrap().0, [stays]);
    assert!(!hub.make_up(), "nothing is written twice");
}
