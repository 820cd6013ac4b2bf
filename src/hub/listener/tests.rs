//! Tests of our own subscriptions at the hubs of sources.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::fetch::{Guard, Options, install_crypto};

thread_local!(static NOW: Cell<i64> = const { Cell::new(1_678_328_822) });

fn now() -> Moment {
    Moment::from_seconds(NOW.get())
}

struct Fixture {
    store: Arc<Subscriptions>,
    calls: Arc<AtomicUsize>,
    source: SourceId,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Subscriptions::open(&folder.path().join("hub")).unwrap().0);
        Self { store, calls: Arc::default(), source: SourceId::new("gov").unwrap(), _folder: folder }
    }

    fn listener(&self, base: &str) -> Arc<Listener> {
        let guard = Guard { allow: Vec::new(), ports: Vec::new() };
        let timeout = Duration::from_secs(1);
        let options = Options { guard, timeout, max_body: 1 << 20, public_url: None, contact: None };
        let calls = Arc::clone(&self.calls);
        let call = Box::new(move |_: &SourceId| calls.fetch_add(1, Ordering::SeqCst) < usize::MAX);
        let fetcher = Fetcher::new(options).unwrap();
        Arc::new(Listener::new(fetcher, Arc::clone(&self.store), now, base.to_owned(), call).unwrap())
    }

    fn name(&self, listener: &Listener) {
        let hub = Link::parse("https://hub.example/").unwrap();
        listener.named(&self.source, Some((hub, "https://a.example/feed".to_owned())));
    }

    fn token(&self) -> String {
        self.store.all_own().unwrap()[0].callback.rsplit('/').next().unwrap().to_owned()
    }
}

const BASE: &str = "https://b.example/hub/in/";
const QUERY: &str = "hub.mode=subscribe&hub.topic=https://a.example/feed&hub.challenge=x&hub.lease_seconds=1000";

#[test]
fn a_hub_is_relied_on_from_its_first_delivery_until_it_misses_something() {
    let fixture = Fixture::new();
    let listener = fixture.listener(BASE);
    let source = &fixture.source;
    assert!(!listener.covers(source, None), "no hub is known");
    fixture.name(&listener);
    let asked = listener.next().unwrap();
    assert!(next(&listener).is_none(), "asked once");
    let token = fixture.token();
    assert_eq!(listener.confirm(&token, &QUERY.replace("a.example", "c.example")), None);
    assert_eq!(listener.confirm("0", QUERY), None);
    assert_eq!(listener.confirm(&token, QUERY).as_deref(), Some("x"));
    assert!(!listener.covers(source, None), "it has not announced anything yet");
    let save = || tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(listener.save());
    save();
    let secret = asked.secret.unwrap();
    let deliver = |signature: Option<&str>| {
        let mut arrival = listener.expect(&token, signature).unwrap();
        arrival.take(b"<feed/>");
        arrival.end()
    };
    assert!(deliver(None) && deliver(Some("sha256=00")) && deliver(Some("md9=00")));
    assert_eq!(fixture.calls.load(Ordering::SeqCst), 0, "nobody can announce without the secret");
    let right = super::super::signature::sign(secret.as_bytes(), b"<feed/>");
    assert!(deliver(Some(&right)));
    assert!(!deliver(Some(&right)), "at most one a second");
    assert_eq!(fixture.calls.load(Ordering::SeqCst), 1);
    assert!(listener.covers(source, Some(now().plus_seconds(-60))), "what it announced was found");
    NOW.set(NOW.get() + 100);
    listener.lock().of_source.get_mut(source).unwrap().called = None;
    assert!(!listener.covers(source, Some(now().plus_seconds(-50))), "something new came unannounced");
    assert!(deliver(Some(&right)) && listener.covers(source, None), "it announces again");
    NOW.set(NOW.get() + 2000);
    assert!(!listener.covers(source, None), "the lease is over");
}

fn next(listener: &Listener) -> Option<SourceSubscription> {
    listener.look();
    listener.next()
}

#[test]
fn a_clock_that_was_set_back_delays_no_delivery() {
    let fixture = Fixture::new();
    let listener = fixture.listener(BASE);
    fixture.name(&listener);
    let asked = listener.next().unwrap();
    let right = super::super::signature::sign(asked.secret.unwrap().as_bytes(), b"<feed/>");
    let deliver = || {
        let mut arrival = listener.expect(&fixture.token(), Some(&right)).unwrap();
        arrival.take(b"<feed/>");
        arrival.end()
    };
    assert!(deliver());
    NOW.set(NOW.get() - 86_400);
    std::thread::sleep(BETWEEN);
    assert!(deliver());
}

#[test]
fn what_is_confirmed_during_a_flush_is_not_saved_by_it() {
    let fixture = Fixture::new();
    let listener = fixture.listener(BASE);
    fixture.name(&listener);
    listener.next().unwrap();
    let token = fixture.token();
    listener.confirm(&token, QUERY).unwrap();
    let save = || tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(listener.save());
    save();
    let saved = |listener: &Listener| {
        let inner = listener.lock();
        let kept = &inner.of_source[&fixture.source];
        kept.saved == kept.confirmed
    };
    assert!(saved(&listener));
    // As in `save`, whose flush this one does not come in time for.
    let before = listener.lock().of_source[&fixture.source].confirmed;
    listener.confirm(&token, QUERY).unwrap();
    listener.lock().of_source.get_mut(&fixture.source).unwrap().saved = before;
    assert!(!saved(&listener));
    save();
    assert!(saved(&listener));
}

#[test]
fn what_is_forgotten_while_its_hub_is_asked_stays_forgotten() {
    let fixture = Fixture::new();
    let listener = fixture.listener("http://127.0.0.1:9/");
    let hub = Link::parse("http://127.0.0.1:9/").unwrap();
    listener.named(&fixture.source, Some((hub, "https://a.example/feed".to_owned())));
    let own = listener.next().unwrap();
    listener.forget_others(&|_| false);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(listener.ask(own));
    assert_eq!((fixture.store.all_own().unwrap().len(), listener.lock().of_source.len()), (0, 0));
    assert!(listener.lock().by_token.is_empty());
}

#[test]
fn subscriptions_are_renewed_before_they_end_and_only_while_the_source_is_read() {
    let fixture = Fixture::new();
    let listener = fixture.listener(BASE);
    fixture.name(&listener);
    let lease = QUERY.replace("1000", "864000");
    let own = listener.next().unwrap();
    listener.confirm(&fixture.token(), &lease).unwrap();
    listener.asked(&own.source);
    let is_due = |after: i64| {
        NOW.set(NOW.get() + after);
        listener.covers(&fixture.source, None);
        next(&listener).is_some()
    };
    assert!(!is_due(500_000));
    drop(listener);
    let listener = fixture.listener(BASE);
    NOW.set(NOW.get() + 100_000);
    assert!(next(&listener).is_none(), "the source is not read any more");
    listener.covers(&fixture.source, None);
    assert!(next(&listener).is_some());
    assert_eq!(fixture.listener("https://c.example/hub/in/").count(), 0, "another address: asked for anew");
}

#[test]
fn a_source_that_names_no_hub_any_more_is_not_listened_to() {
    let fixture = Fixture::new();
    let listener = fixture.listener(BASE);
    fixture.name(&listener);
    listener.next().unwrap();
    let token = fixture.token();
    listener.named(&fixture.source, None);
    assert!(listener.expect(&token, None).is_none() && fixture.store.all_own().unwrap().is_empty());
}

#[test]
fn a_hub_that_answers_without_end_is_not_heard_without_end() {
    let fixture = Fixture::new();
    let listener = fixture.listener(BASE);
    fixture.name(&listener);
    listener.next().unwrap();
    let token = fixture.token();
    let denied = "hub.mode=denied&hub.topic=https://a.example/feed&hub.reason=x";
    let heard = (0..1000).filter(|n| listener.confirm(&token, if n % 2 == 0 { denied } else { QUERY }).is_some());
    assert_eq!(heard.count(), usize::from(MAX_ANSWERS));
    listener.asked(&fixture.source);
    NOW.set(NOW.get() + 7 * 86_400);
    fixture.name(&listener);
    listener.covers(&fixture.source, None);
    listener.look();
    assert!(listener.next().is_some(), "it is asked again");
    assert_eq!(listener.confirm(&token, QUERY).as_deref(), Some("x"), "and then its answer counts");
}
