//! Who is subscribed to what, what was sent, and what is to be sent next. Pure: takes the present moment for leases, and for
//! what is tried again the time that passes whatever the clock says.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::content::{Content, Found};
use super::options::{BACKOFF, FAST, FAST_PER_HOST, MAX_BACKOFF, MAX_PER_HOST, MAX_SUBSCRIPTIONS, SLOW, SLOW_PER_HOST};
use super::queue::Queue;
use super::wish::Wish;
use crate::model::{Link, Moment, Subscription};

/// Wait before a feed that could not be made is tried again.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Book {
    topics: HashMap<String, Topic>,
    members: HashMap<u64, Member>,
    /// Members by topic and callback.
    ids: HashMap<(String, Link), u64>,
    /// Number of subscriptions per callback host.
    hosts: HashMap<String, usize>,
    next_id: u64,
    lanes: [Queue; 2],
    /// What is tried again, and when.
    again: BTreeSet<(Instant, Again)>,
    /// The topics among them.
    unmade: HashSet<String>,
    /// Topics whose feed may have changed.
    stale: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Topic {
    members: BTreeSet<u64>,
    /// The feed, while somebody is to be sent it.
    content: Option<Arc<Content>>,
    /// Hash of the newest feed; 0 if none was made yet.
    hash: u64,
    /// Number of members that wait for it or are being sent it.
    pending: usize,
}

#[derive(Debug)]
struct Member {
    subscription: Subscription,
    is_pending: bool,
    /// Whether it waits after a failure.
    backs_off: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Again {
    Member(u64),
    Topic(String),
}

/// The queue that a delivery comes from: subscribers that failed last have one of their own, so that the others do not wait
/// for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Fast,
    Slow,
}

/// A feed on its way to a subscriber.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) id: u64,
    pub(super) lane: Lane,
    pub(super) topic: String,
    pub(super) callback: Link,
    pub(super) secret: Option<Vec<u8>>,
    pub(super) content: Arc<Content>,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Taken,
    Failed,
    /// The subscriber answered 410: it wants nothing any more.
    Gone,
}

/// What has changed in a subscription, to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Put(Subscription),
    Remove(String, Link),
}

impl Book {
    /// Opens a book with these subscriptions; what they missed meanwhile is sent.
    pub(super) fn new(subscriptions: Vec<Subscription>) -> Self {
        let mut book = Self {
            topics: HashMap::new(),
            members: HashMap::new(),
            ids: HashMap::new(),
            hosts: HashMap::new(),
            next_id: 0,
            lanes: [Queue::new(FAST, FAST_PER_HOST), Queue::new(SLOW, SLOW_PER_HOST)],
            again: BTreeSet::new(),
            unmade: HashSet::new(),
            stale: BTreeSet::new(),
        };
        for subscription in subscriptions {
            book.stale.insert(subscription.topic.clone());
            book.enter(subscription);
        }
        book
    }

    pub(super) fn count(&self) -> usize {
        self.members.len()
    }

    /// Returns how many subscriptions failed last.
    pub(super) fn failing(&self) -> usize {
        self.members.values().filter(|member| member.subscription.failures > 0).count()
    }

    /// Returns whether another subscription has room, or renews one that exists.
    pub(super) fn has_room(&self, topic: &str, callback: &Link) -> bool {
        let of_host = self.hosts.get(callback.host_text()).copied().unwrap_or(0);
        self.ids.contains_key(&(topic.to_owned(), callback.clone()))
            || (self.members.len() < MAX_SUBSCRIPTIONS && of_host < MAX_PER_HOST)
    }

    /// Enters a verified subscription, or renews the one with the same topic and callback. `None` if there is no room.
    pub(super) fn subscribe(&mut self, wish: &Wish, now: Moment) -> Option<Change> {
        if !self.has_room(&wish.topic, &wish.callback) {
            return None;
        }
        let (secret, until) = (wish.secret.clone(), now.plus_seconds(wish.lease));
        let known = self.ids.get(&(wish.topic.clone(), wish.callback.clone()));
        if let Some(member) = known.and_then(|id| self.members.get_mut(id)) {
            member.subscription.secret = secret;
            member.subscription.until = until;
            return Some(Change::Put(member.subscription.clone()));
        }
        let sent = self.topics.get(&wish.topic).map_or(0, |topic| topic.hash);
        let (topic, callback) = (wish.topic.clone(), wish.callback.clone());
        let subscription = Subscription { topic, callback, secret, until, sent, failures: 0 };
        self.enter(subscription.clone());
        Some(Change::Put(subscription))
    }

    fn enter(&mut self, subscription: Subscription) {
        let id = self.next_id;
        self.next_id += 1;
        self.topics.entry(subscription.topic.clone()).or_default().members.insert(id);
        *self.hosts.entry(subscription.callback.host_text().to_owned()).or_default() += 1;
        self.ids.insert((subscription.topic.clone(), subscription.callback.clone()), id);
        self.members.insert(id, Member { subscription, is_pending: false, backs_off: false });
    }

    /// Ends a subscription.
    pub(super) fn unsubscribe(&mut self, topic: &str, callback: &Link) -> Option<Change> {
        let id = *self.ids.get(&(topic.to_owned(), callback.clone()))?;
        self.remove(id)
    }

    fn remove(&mut self, id: u64) -> Option<Change> {
        let Subscription { topic, callback, .. } = {
            let member = self.members.remove(&id)?;
            if member.is_pending {
                self.settle(&member.subscription.topic);
            }
            member.subscription
        };
        if let Some(count) = self.hosts.get_mut(callback.host_text()) {
            *count -= 1;
            if *count == 0 {
                self.hosts.remove(callback.host_text());
            }
        }
        if let Some(of_topic) = self.topics.get_mut(&topic) {
            of_topic.members.remove(&id);
            if of_topic.members.is_empty() {
                self.topics.remove(&topic);
                self.stale.remove(&topic);
            }
        }
        self.ids.remove(&(topic.clone(), callback.clone()));
        Some(Change::Remove(topic, callback))
    }

    /// Removes the subscriptions whose lease is over.
    pub(super) fn expire(&mut self, now: Moment) -> Vec<Change> {
        let over = |(id, member): (&u64, &Member)| (member.subscription.until <= now).then_some(*id);
        let ids: Vec<u64> = self.members.iter().filter_map(over).collect();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Returns all subscriptions.
    pub(super) fn all(&self) -> impl Iterator<Item = &Subscription> {
        self.members.values().map(|member| &member.subscription)
    }

    /// Notes that the feeds under these URLs may have changed.
    pub(super) fn touch(&mut self, topics: impl Iterator<Item = String>) {
        self.stale.extend(topics.filter(|topic| self.topics.contains_key(topic)));
    }

    /// Notes that every feed may have changed, or be no more.
    pub(super) fn touch_all(&mut self) {
        self.stale.extend(self.topics.keys().cloned());
    }

    /// Returns a topic whose feed is to be made.
    pub(super) fn next_stale(&mut self) -> Option<String> {
        self.stale.pop_first()
    }

    /// Takes in the feed of a topic, and lets everybody wait for it who has another. Returns the subscriptions that ended
    /// because there is no such feed any more.
    pub(super) fn found(&mut self, name: &str, found: Found, now: Instant) -> Vec<Change> {
        let Some(topic) = self.topics.get_mut(name) else { return Vec::new() };
        match found {
            Found::Later => {
                if self.unmade.insert(name.to_owned()) {
                    self.again.insert((now + AGAIN, Again::Topic(name.to_owned())));
                }
                Vec::new()
            }
            Found::Nothing => {
                let ids: Vec<u64> = topic.members.iter().copied().collect();
                ids.into_iter().filter_map(|id| self.remove(id)).collect()
            }
            Found::Content(content) => {
                topic.hash = content.hash;
                topic.content = Some(Arc::new(content));
                let ids: Vec<u64> = topic.members.iter().copied().collect();
                ids.into_iter().for_each(|id| self.send(id));
                self.clear(name);
                Vec::new()
            }
        }
    }

    /// Queues a member that has other bytes than the newest ones.
    fn send(&mut self, id: u64) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let Some(topic) = self.topics.get_mut(&member.subscription.topic) else { return };
        if member.is_pending || member.backs_off || member.subscription.sent == topic.hash {
            return;
        }
        member.is_pending = true;
        topic.pending += 1;
        let [fast, slow] = &mut self.lanes;
        let queue = if member.subscription.failures == 0 { fast } else { slow };
        queue.push(member.subscription.callback.host_text(), id);
    }

    /// Takes the next delivery.
    pub(super) fn next_delivery(&mut self) -> Option<Delivery> {
        for lane in [Lane::Fast, Lane::Slow] {
            while let Some((id, host)) = self.lane(lane).pop() {
                if let Some(delivery) = self.delivery(id, lane) {
                    return Some(delivery);
                }
                // It ended while it waited.
                self.lane(lane).release();
                self.lane(lane).leave(&host);
            }
        }
        None
    }

    fn delivery(&self, id: u64, lane: Lane) -> Option<Delivery> {
        let subscription = &self.members.get(&id)?.subscription;
        let content = Arc::clone(self.topics.get(&subscription.topic)?.content.as_ref()?);
        Some(Delivery {
            id,
            lane,
            topic: subscription.topic.clone(),
            callback: subscription.callback.clone(),
            secret: subscription.secret.clone(),
            content,
        })
    }

    const fn lane(&mut self, lane: Lane) -> &mut Queue {
        let [fast, slow] = &mut self.lanes;
        match lane {
            Lane::Fast => fast,
            Lane::Slow => slow,
        }
    }

    /// Gives the place of a delivery to another one, because it ended or takes long.
    pub(super) fn release(&mut self, lane: Lane) {
        self.lane(lane).release();
    }

    /// Takes in how a delivery ended.
    pub(super) fn delivered(&mut self, delivery: &Delivery, outcome: Outcome, now: Instant) -> Option<Change> {
        self.lane(delivery.lane).leave(delivery.callback.host_text());
        if outcome == Outcome::Gone {
            return self.remove(delivery.id);
        }
        let member = self.members.get_mut(&delivery.id)?;
        member.is_pending = false;
        let subscription = &mut member.subscription;
        if outcome == Outcome::Taken {
            subscription.sent = delivery.content.hash;
            subscription.failures = 0;
        } else {
            subscription.failures = subscription.failures.saturating_add(1);
            member.backs_off = true;
            self.again.insert((now + backoff(subscription.failures), Again::Member(delivery.id)));
        }
        let change = Change::Put(subscription.clone());
        // Meanwhile the feed may have changed once more.
        self.send(delivery.id);
        self.settle(&delivery.topic);
        Some(change)
    }

    /// Notes that one member less waits for a topic's feed.
    fn settle(&mut self, name: &str) {
        if let Some(topic) = self.topics.get_mut(name) {
            topic.pending = topic.pending.saturating_sub(1);
        }
        self.clear(name);
    }

    /// Lets go of a feed that nobody waits for.
    fn clear(&mut self, name: &str) {
        if let Some(topic) = self.topics.get_mut(name)
            && topic.pending == 0
        {
            topic.content = None;
        }
    }

    /// Begins what is to be tried again by now, and returns when the next trial is due.
    pub(super) fn try_again(&mut self, now: Instant) -> Option<Instant> {
        while let Some((at, _)) = self.again.first() {
            if *at > now {
                return Some(*at);
            }
            match self.again.pop_first() {
                Some((_, Again::Topic(topic))) => {
                    self.unmade.remove(&topic);
                    self.touch(std::iter::once(topic));
                }
                Some((_, Again::Member(id))) => {
                    if let Some(member) = self.members.get_mut(&id) {
                        member.backs_off = false;
                        self.stale.insert(member.subscription.topic.clone());
                    }
                }
                None => {}
            }
        }
        None
    }
}

/// Returns how long to wait after so many failures.
fn backoff(failures: u32) -> Duration {
    BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::wish::Mode;

    const TOPIC: &str = "http://a.example/regions/1/atom.xml";

    fn wish(host: u32) -> Wish {
        let callback = Link::parse(&format!("http://h{host}.example/in")).unwrap();
        Wish { mode: Mode::Subscribe, topic: TOPIC.to_owned(), callback, lease: 300, secret: None }
    }

    fn content(hash: u64) -> Found {
        Found::Content(Content { media_type: String::new(), bytes: bytes::Bytes::new(), hash })
    }

    fn at(seconds: i64) -> Moment {
        Moment::from_seconds(seconds)
    }

    thread_local!(static BEGAN: Instant = Instant::now());

    /// Seconds that have passed.
    fn passed(seconds: u64) -> Instant {
        BEGAN.with(|began| *began + Duration::from_secs(seconds))
    }

    fn change(book: &mut Book, hash: u64, now: Instant) -> Vec<Delivery> {
        book.touch(std::iter::once(TOPIC.to_owned()));
        assert_eq!(book.next_stale().as_deref(), Some(TOPIC));
        assert!(book.found(TOPIC, content(hash), now).is_empty());
        std::iter::from_fn(|| book.next_delivery()).collect()
    }

    #[test]
    fn whoever_lags_gets_the_newest_feed_and_none_between() {
        let mut book = Book::new(Vec::new());
        book.subscribe(&wish(1), at(0)).unwrap();
        let first = change(&mut book, 1, passed(0)).remove(0);
        assert!(change(&mut book, 2, passed(1)).is_empty(), "it is being sent one");
        assert!(change(&mut book, 3, passed(2)).is_empty());
        book.release(first.lane);
        book.delivered(&first, Outcome::Taken, passed(3)).unwrap();
        let second = book.next_delivery().unwrap();
        assert_eq!(second.content.hash, 3);
        book.release(second.lane);
        book.delivered(&second, Outcome::Taken, passed(3)).unwrap();
        assert!(book.next_delivery().is_none());
        assert!(book.topics[TOPIC].content.is_none(), "nothing is kept for nobody");
        assert!(change(&mut book, 3, passed(4)).is_empty(), "the same bytes are not sent twice");
    }

    #[test]
    fn a_failure_backs_off_and_its_retry_has_a_lane_of_its_own() {
        let mut book = Book::new(Vec::new());
        book.subscribe(&wish(1), at(0)).unwrap();
        let first = change(&mut book, 1, passed(0)).remove(0);
        book.release(first.lane);
        book.delivered(&first, Outcome::Failed, passed(0)).unwrap();
        assert!(change(&mut book, 2, passed(1)).is_empty(), "it backs off");
        assert_eq!(book.try_again(passed(1)), Some(passed(10)));
        assert_eq!(book.try_again(passed(10)), None);
        let name = book.next_stale().unwrap();
        book.found(&name, content(2), passed(10));
        let again = book.next_delivery().unwrap();
        assert_eq!((again.lane, again.content.hash), (Lane::Slow, 2));
        assert_eq!((backoff(1), backoff(2), backoff(99)), (BACKOFF, BACKOFF * 2, MAX_BACKOFF));
        assert_eq!(book.failing(), 1);
        book.release(again.lane);
        book.delivered(&again, Outcome::Gone, passed(11)).unwrap();
        assert_eq!((book.count(), book.topics.len(), book.hosts.len()), (0, 0, 0));
    }

    #[test]
    fn a_lease_ends_unless_it_is_renewed() {
        let mut book = Book::new(Vec::new());
        book.subscribe(&wish(1), at(0)).unwrap();
        book.subscribe(&wish(2), at(0)).unwrap();
        book.subscribe(&Wish { lease: 900, ..wish(1) }, at(100)).unwrap();
        assert_eq!(book.count(), 2, "the same topic and callback is the same subscription");
        assert_eq!(book.expire(at(300)), [Change::Remove(TOPIC.to_owned(), wish(2).callback)]);
        assert_eq!(book.expire(at(1000)).len(), 1);
    }

    #[test]
    fn no_host_takes_all_the_room() {
        let mut book = Book::new(Vec::new());
        let numbered = |n: usize| {
            let callback = Link::parse(&format!("http://one.example/{n}")).unwrap();
            Wish { callback, ..wish(1) }
        };
        (0..MAX_PER_HOST).for_each(|n| drop(book.subscribe(&numbered(n), at(0)).unwrap()));
        assert!(book.subscribe(&numbered(MAX_PER_HOST), at(0)).is_none());
        assert!(book.subscribe(&numbered(0), at(0)).is_some(), "renewing is always possible");
        assert!(book.subscribe(&wish(2), at(0)).is_some());
    }

    #[test]
    fn a_feed_that_is_no_more_ends_its_subscriptions() {
        let mut book = Book::new(Vec::new());
        book.subscribe(&wish(1), at(0)).unwrap();
        assert_eq!(book.found(TOPIC, Found::Nothing, passed(0)).len(), 1);
        assert_eq!(book.count(), 0);
    }

    #[test]
    fn a_feed_that_cannot_be_made_is_tried_once_a_second_however_often_it_is_touched() {
        let mut book = Book::new(Vec::new());
        book.subscribe(&wish(1), at(0)).unwrap();
        for n in 0..100 {
            book.touch(std::iter::once(TOPIC.to_owned()));
            let name = book.next_stale().unwrap();
            book.found(&name, Found::Later, passed(0) + Duration::from_millis(n));
        }
        assert_eq!(book.again.len(), 1);
        assert_eq!(book.try_again(passed(1)), None);
        assert_eq!(book.next_stale().as_deref(), Some(TOPIC));
    }
}
