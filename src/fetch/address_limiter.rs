//! Limits concurrent requests per IP address, which many sites may share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::Moment;

/// Permits per IP address: many government sites share one platform, and a CDN serves thousands.
const MAX_REQUESTS: usize = 4;
/// Maximum number of hosts that wait for a permit of one address in the order in which they came.
const MAX_WAITING: usize = 1024;
/// A host that has not asked again for so long no longer waits.
const MAX_SILENCE: Duration = Duration::from_secs(10);

/// Limits concurrent access per IP address, which many sites may share.
#[derive(Debug, Default)]
pub(super) struct AddressLimiter {
    places: Mutex<HashMap<IpAddr, Arc<Place>>>,
}

/// An IP address.
#[derive(Debug)]
struct Place {
    permits: Arc<Semaphore>,
    /// The hosts that were refused, each with the time it last asked, in the order in which they came: a slow site must
    /// not keep its neighbours from ever having a turn.
    waiting: Mutex<Vec<(String, Moment)>>,
    /// Whether any host waits.
    is_wanted: Arc<AtomicBool>,
}

impl Default for Place {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(MAX_REQUESTS)), waiting: Mutex::default(), is_wanted: Arc::default() }
    }
}

/// A permit for an IP address; dropping it releases it.
#[derive(Debug)]
pub(super) struct AddressPermit {
    _permit: Option<OwnedSemaphorePermit>,
    address: Option<IpAddr>,
    is_wanted: Arc<AtomicBool>,
}

impl AddressPermit {
    /// A permit for an unknown address.
    fn nowhere() -> Self {
        Self { _permit: None, address: None, is_wanted: Arc::default() }
    }
}

/// Where a poll is: its permit for the IP address that its host is asked at. If the host takes no connection there but at
/// another of its addresses, the poll moves there, so that it takes nobody's turn at an address it does not ask.
#[derive(Debug)]
pub struct PollPlace(Mutex<AddressPermit>);

impl PollPlace {
    pub(super) const fn new(permit: AddressPermit) -> Self {
        Self(Mutex::new(permit))
    }

    /// Returns a flag that is set while others wait for the address.
    pub fn wanted(&self) -> Arc<AtomicBool> {
        Arc::clone(&locked(&self.0).is_wanted)
    }

    pub(super) fn address(&self) -> Option<IpAddr> {
        locked(&self.0).address
    }

    /// Gives the permit back and waits for one at another address.
    pub(super) async fn move_to(&self, address: IpAddr, limiter: &AddressLimiter) {
        if self.address() != Some(address) {
            *locked(&self.0) = AddressPermit::nowhere();
            let permit = limiter.enter(Some(address)).await;
            *locked(&self.0) = permit;
        }
    }
}

impl AddressLimiter {
    /// Takes a permit for the address, if one is free and nobody has waited longer for it. A `host` that is refused asks
    /// again and keeps its place in the row.
    pub(super) fn try_enter(&self, address: IpAddr, host: &str, now: Moment) -> Option<AddressPermit> {
        let place = self.at(address);
        let mut waiting = locked(&place.waiting);
        waiting.retain(|(_, asked)| *asked <= now && now.duration_since(*asked) < MAX_SILENCE);
        let at = waiting.iter().position(|(other, _)| other == host);
        let ahead = at.unwrap_or(waiting.len());
        let permit = (place.permits.available_permits() > ahead)
            .then(|| Arc::clone(&place.permits).try_acquire_owned().ok())
            .flatten();
        match (&permit, at) {
            (Some(_), Some(at)) => drop(waiting.remove(at)),
            (None, Some(at)) => waiting.get_mut(at).into_iter().for_each(|(_, asked)| *asked = now),
            (None, None) if waiting.len() < MAX_WAITING => waiting.push((host.to_owned(), now)),
            _ => {}
        }
        place.is_wanted.store(!waiting.is_empty(), Ordering::Relaxed);
        permit.map(|permit| AddressPermit {
            _permit: Some(permit),
            address: Some(address),
            is_wanted: Arc::clone(&place.is_wanted),
        })
    }

    /// Waits for a permit for the address. An unknown address needs no permit.
    pub(super) async fn enter(&self, address: Option<IpAddr>) -> AddressPermit {
        let Some(at) = address else { return AddressPermit::nowhere() };
        let place = self.at(at);
        // The semaphore is never closed.
        let permit = Arc::clone(&place.permits).acquire_owned().await.ok();
        AddressPermit { _permit: permit, address, is_wanted: Arc::clone(&place.is_wanted) }
    }

    fn at(&self, address: IpAddr) -> Arc<Place> {
        let mut places = locked(&self.places);
        // Drop idle places so that the map stays bounded.
        if places.len() > 1024 {
            places.retain(|_, place| Arc::strong_count(place) > 1 || place.permits.available_permits() < MAX_REQUESTS);
        }
        // Treat `::ffff:192.0.2.1` and `192.0.2.1` as the same machine.
        Arc::clone(places.entry(address.to_canonical()).or_default())
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Moment = Moment::from_seconds(1_678_330_000);

    #[test]
    fn p12_four_are_at_one_address_and_others_are_not_in_their_way() {
        let address_limiter = AddressLimiter::default();
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut inside: Vec<AddressPermit> =
            (0..MAX_REQUESTS).map(|_| address_limiter.try_enter(one, "a.cn", NOON).unwrap()).collect();
        assert!(address_limiter.try_enter(one, "a.cn", NOON).is_none());
        assert!(address_limiter.try_enter(other, "a.cn", NOON).is_some());
        inside.pop();
        assert!(address_limiter.try_enter(one, "a.cn", NOON).is_some());
    }

    #[test]
    fn p19_whoever_waits_longest_at_an_address_is_next() {
        let (limiter, one) = (AddressLimiter::default(), IpAddr::from([192, 0, 2, 1]));
        let mut inside: Vec<_> =
            (0..4).map(|n| limiter.try_enter(one, &format!("slow{n}.cn"), NOON).unwrap()).collect();
        assert!(!inside[0].is_wanted.load(Ordering::Relaxed));
        assert!(limiter.try_enter(one, "a.cn", NOON).is_none());
        assert!(inside[0].is_wanted.load(Ordering::Relaxed), "the others are told that somebody waits");
        let later = NOON.plus_seconds(1);
        assert!(limiter.try_enter(one, "slow9.cn", later).is_none());
        inside.pop();
        assert!(limiter.try_enter(one, "slow9.cn", later).is_none(), "a.cn came first");
        inside.push(limiter.try_enter(one, "a.cn", later).unwrap());
        inside.pop();
        inside.push(limiter.try_enter(one, "slow9.cn", later).unwrap());
        // One that no longer asks keeps nobody waiting.
        assert!(limiter.try_enter(one, "b.cn", later).is_none());
        inside.pop();
        assert!(limiter.try_enter(one, "c.cn", NOON.plus_seconds(20)).is_some());
    }

    #[test]
    fn addresses_that_nobody_is_at_are_forgotten() {
        let address_limiter = AddressLimiter::default();
        let kept = address_limiter.try_enter(IpAddr::from([10, 0, 0, 1]), "a.cn", NOON).unwrap();
        for number in 0..100_000_u32 {
            drop(address_limiter.try_enter(IpAddr::from(number.to_be_bytes()), "a.cn", NOON));
        }
        assert!(address_limiter.places.lock().unwrap().len() <= 1026);
        drop(kept);
    }
}
