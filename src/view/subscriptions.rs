//! The store of the hub's subscriptions.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::engine::{Engine, has_room};
use super::error::ViewError;
use super::poll_states::PollStates;
use super::record::{self, SourceSubscriptionRecord, SubscriptionRecord};
use crate::model::{Link, Moment, SourceId, SourceSubscription, Subscription};

/// Prefix of the keys of our own subscriptions, which are longer than the others.
const OWN: &[u8] = b"our own subscription at a hub of/";
/// End of their range.
const OWN_END: &[u8] = b"our own subscription at a hub of0";

/// The subscriptions of the hub, and our own at the hubs of sources. They are derived from nothing and cannot be made anew,
/// so they have a store of their own, which neither a rebuild of the view nor the loss of the poll states touches.
#[derive(Debug)]
pub struct Subscriptions {
    engine: Engine,
    /// How often it was reopened.
    healed: AtomicU64,
}

impl Subscriptions {
    /// Opens the store, and returns whether its contents were lost: a directory that cannot be read is set aside.
    ///
    /// # Errors
    /// Returns an error if no store can be created either.
    pub fn open(path: &Path) -> Result<(Self, bool), ViewError> {
        match Engine::open(path) {
            Ok(engine) => Ok((Self::over(engine), false)),
            Err(_full) if !has_room(path) => Ok((Self::over(Engine::closed(path)), false)),
            Err(error) if path.exists() => {
                PollStates::set_aside(path)?;
                Engine::open(path).map(|engine| (Self::over(engine), true)).map_err(|_again| error)
            }
            Err(error) => Err(error),
        }
    }

    const fn over(engine: Engine) -> Self {
        Self { engine, healed: AtomicU64::new(0) }
    }

    /// Returns all subscriptions, and how many records are damaged.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub fn all(&self) -> Result<(Vec<Subscription>, usize), ViewError> {
        let (mut all, mut damaged) = (Vec::new(), 0);
        for pair in self.engine.all() {
            let (key, value) = pair?;
            if key.starts_with(OWN) {
                continue;
            }
            match record::decode::<SubscriptionRecord>(&value).and_then(subscription) {
                Some(subscription) => all.push(subscription),
                None => damaged += 1,
            }
        }
        Ok((all, damaged))
    }

    /// Saves a subscription in place of that with the same topic and callback.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn put(&self, subscription: &Subscription) -> Result<(), ViewError> {
        self.engine.put(&key(&subscription.topic, &subscription.callback), encoded(subscription))
    }

    /// Saves these subscriptions and removes all others: what could not be written before is made up for, removals
    /// included.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read or written.
    pub fn keep_only<'s>(&self, all: impl Iterator<Item = &'s Subscription>) -> Result<(), ViewError> {
        let kept: HashMap<Vec<u8>, Vec<u8>> = all
            .map(|subscription| (key(&subscription.topic, &subscription.callback).to_vec(), encoded(subscription)))
            .collect();
        let mut changes = Vec::new();
        for pair in self.engine.all() {
            let (key, _) = pair?;
            if !key.starts_with(OWN) && !kept.contains_key(key.as_ref()) {
                changes.push((key.to_vec(), None));
            }
        }
        changes.extend(kept.into_iter().map(|(key, record)| (key, Some(record))));
        self.engine.write(changes)
    }

    /// Removes a subscription.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn remove(&self, topic: &str, callback: &Link) -> Result<(), ViewError> {
        self.engine.write(vec![(key(topic, callback).to_vec(), None)])
    }

    /// Returns our own subscriptions. One whose record is damaged is left out: it is asked for anew.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub fn all_own(&self) -> Result<Vec<SourceSubscription>, ViewError> {
        let mut all = Vec::new();
        for pair in self.engine.within(OWN..OWN_END) {
            all.extend(record::decode::<SourceSubscriptionRecord>(&pair?.1).and_then(source_subscription));
        }
        Ok(all)
    }

    /// Saves our own subscription in place of that for the same source.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn put_own(&self, own: &SourceSubscription) -> Result<(), ViewError> {
        let record = SourceSubscriptionRecord {
            source: own.source.as_str().to_owned(),
            hub: own.hub.as_str().to_owned(),
            topic: own.topic.clone(),
            callback: own.callback.clone(),
            secret: own.secret.clone(),
            asked: own.asked.millis(),
            until: own.until.millis(),
            pushed: own.pushed.map(Moment::millis),
        };
        self.engine.put(&own_key(&own.source), record::encode(&record))
    }

    /// Removes our own subscription for a source.
    ///
    /// # Errors
    /// Returns an error if the store cannot be written.
    pub fn remove_own(&self, source: &SourceId) -> Result<(), ViewError> {
        self.engine.write(vec![(own_key(source), None)])
    }

    /// Makes it refuse to write until it is reopened, as after a full disk.
    #[cfg(test)]
    pub(crate) fn refuse(&mut self) {
        let path = self.engine.path().to_owned();
        self.engine = Engine::closed(&path);
    }

    /// Reopens the store if it refused to write, and returns how often it was reopened. Whoever has records in it writes them
    /// anew if that is more often than last time: the most recent writes may be missing, whoever reopened it.
    ///
    /// # Errors
    /// Returns an error if the store still cannot be opened.
    pub fn heal(&self) -> Result<u64, ViewError> {
        if self.engine.is_broken() {
            self.engine.heal()?;
            self.healed.fetch_add(1, Ordering::AcqRel);
        }
        Ok(self.healed.load(Ordering::Acquire))
    }

    /// Flushes everything to the operating system.
    ///
    /// # Errors
    /// Returns an error if the store could not be written.
    pub fn flush(&self) -> Result<(), ViewError> {
        self.engine.flush()
    }
}

fn encoded(subscription: &Subscription) -> Vec<u8> {
    record::encode(&SubscriptionRecord {
        topic: subscription.topic.clone(),
        callback: subscription.callback.as_str().to_owned(),
        secret: subscription.secret.clone(),
        until: subscription.until.millis(),
        sent: subscription.sent,
        failures: subscription.failures,
    })
}

fn subscription(record: SubscriptionRecord) -> Option<Subscription> {
    Some(Subscription {
        topic: record.topic,
        callback: Link::parse(&record.callback).ok()?,
        secret: record.secret,
        until: Moment::from_millis(record.until),
        sent: record.sent,
        failures: record.failures,
    })
}

fn source_subscription(record: SourceSubscriptionRecord) -> Option<SourceSubscription> {
    Some(SourceSubscription {
        source: SourceId::new(&record.source).ok()?,
        hub: Link::parse(&record.hub).ok()?,
        topic: record.topic,
        callback: record.callback,
        secret: record.secret,
        asked: Moment::from_millis(record.asked),
        until: Moment::from_millis(record.until),
        pushed: record.pushed.map(Moment::from_millis),
    })
}

fn own_key(source: &SourceId) -> Vec<u8> {
    [OWN, source.as_str().as_bytes()].concat()
}

fn key(topic: &str, callback: &Link) -> [u8; 32] {
    *blake3::hash(format!("{topic}\n{callback}").as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_outlives_the_process_and_is_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut subscription = Subscription {
            topic: "http://a.example/regions/1/atom.xml".to_owned(),
            callback: Link::parse("https://b.example/in?x=1").unwrap(),
            secret: Some(b"s".to_vec()),
            until: Moment::from_seconds(9),
            sent: 7,
            failures: 1,
        };
        {
            let (store, lost) = Subscriptions::open(&folder.path().join("hub")).unwrap();
            assert!(!lost);
            store.put(&subscription).unwrap();
            subscription.sent = 8;
            store.put(&subscription).unwrap();
            store.flush().unwrap();
        }
        let (store, _) = Subscriptions::open(&folder.path().join("hub")).unwrap();
        assert_eq!(store.all().unwrap(), (vec![subscription.clone()], 0));
        store.engine.put(b"x", vec![1, 2, 3]).unwrap();
        assert_eq!(store.all().unwrap().1, 1, "a damaged record costs itself only");
        store.remove(&subscription.topic, &subscription.callback).unwrap();
        assert!(store.all().unwrap().0.is_empty());
    }

    #[test]
    fn what_was_removed_while_the_store_refused_to_write_does_not_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub");
        let of = |topic: &str| Subscription {
            topic: topic.to_owned(),
            callback: Link::parse("https://b.example/in").unwrap(),
            secret: None,
            until: Moment::from_seconds(9),
            sent: 0,
            failures: 0,
        };
        {
            let (store, _) = Subscriptions::open(&path).unwrap();
            store.put(&of("left")).unwrap();
            store.flush().unwrap();
        }
        let store = Subscriptions::over(Engine::closed(&path));
        assert!(store.remove("left", &of("left").callback).is_err() && store.put(&of("new")).is_err());
        assert_eq!(store.heal().unwrap(), 1);
        assert_eq!(store.all().unwrap().0, [of("left")], "the store knows nothing of it");
        store.keep_only([of("new")].iter()).unwrap();
        assert_eq!(store.all().unwrap().0, [of("new")]);
    }

    #[test]
    fn own_subscriptions_are_kept_beside_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Subscriptions::open(&folder.path().join("hub")).unwrap();
        let own = |id: &str| SourceSubscription {
            source: SourceId::new(id).unwrap(),
            hub: Link::parse("https://hub.example/").unwrap(),
            topic: "https://a.example/feed".to_owned(),
            callback: "https://b.example/hub/in/1".to_owned(),
            secret: Some("s".to_owned()),
            asked: Moment::from_seconds(5),
            until: Moment::from_seconds(9),
            pushed: None,
        };
        for id in ["a", "zz-9", "a"] {
            store.put_own(&own(id)).unwrap();
        }
        assert_eq!(store.all_own().unwrap(), [own("a"), own("zz-9")]);
        assert_eq!(store.all().unwrap(), (Vec::new(), 0), "they are nobody else's");
        store.remove_own(&own("a").source).unwrap();
        store.keep_only([].into_iter()).unwrap();
        assert_eq!(store.all_own().unwrap(), [own("zz-9")]);
    }
}
