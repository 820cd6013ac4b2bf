use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits per IP address: many government sites share one platform, and a CDN serves thousands.
const MAX_REQUESTS: usize = 4;

/// Limits concurrent access per IP address, which many sites may share.
#[derive(Debug, Default)]
pub(super) struct AddressLimiter {
    places: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

/// A permit for an IP address; dropping it releases it.
#[derive(Debug)]
pub struct AddressPermit {
    _permit: Option<OwnedSemaphorePermit>,
}

impl AddressLimiter {
    /// Takes a permit for the address, if one is free.
    pub(super) fn try_enter(&self, address: IpAddr) -> Option<AddressPermit> {
        self.at(address).try_acquire_owned().ok().map(|permit| AddressPermit { _permit: Some(permit) })
    }

    /// Waits for a permit for the address. An unknown address needs no permit.
    pub(super) async fn enter(&self, address: Option<IpAddr>) -> AddressPermit {
        let Some(address) = address else { return AddressPermit { _permit: None } };
        // The semaphore is never closed.
        AddressPermit { _permit: self.at(address).acquire_owned().await.ok() }
    }

    fn at(&self, address: IpAddr) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        // Drop idle semaphores so that the map stays bounded.
        if places.len() > 1024 {
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        // Treat `::ffff:192.0.2.1` and `192.0.2.1` as the same machine.
        Arc::clone(places.entry(address.to_canonical()).or_insert_with(|| Arc::new(Semaphore::new(MAX_REQUESTS))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p12_four_are_at_one_address_and_others_are_not_in_their_way() {
        let address_limiter = AddressLimiter::default();
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut inside: Vec<AddressPermit> =
            (0..MAX_REQUESTS).map(|_| address_limiter.try_enter(one).unwrap()).collect();
        assert!(address_limiter.try_enter(one).is_none());
        assert!(address_limiter.try_enter(other).is_some());
        inside.pop();
        assert!(address_limiter.try_enter(one).is_some());
    }

    #[test]
    fn addresses_that_nobody_is_at_are_forgotten() {
        let address_limiter = AddressLimiter::default();
        let kept = address_limiter.try_enter(IpAddr::from([10, 0, 0, 1])).unwrap();
        for number in 0..100_000_u32 {
            drop(address_limiter.try_enter(IpAddr::from(number.to_be_bytes())));
        }
        assert!(address_limiter.places.lock().unwrap().len() <= 1026);
        drop(kept);
    }
}
