//! Places of which each owner gets a few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A few places for each owner of something.
#[derive(Debug)]
pub(super) struct PlacesOf {
    each: usize,
    owners: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl PlacesOf {
    pub(super) fn new(each: usize) -> Self {
        Self { each, owners: Mutex::default() }
    }

    /// Waits for a place of an owner; it is given back when it is dropped. Owners whose places nobody has or waits for are
    /// forgotten.
    pub(super) async fn place(&self, owner: &str) -> Option<OwnedSemaphorePermit> {
        let places = {
            let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever has a place or waits for one holds the semaphore.
            owners.retain(|_, places| Arc::strong_count(places) > 1);
            let places = owners.entry(owner.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.each)));
            Arc::clone(places)
        };
        places.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hub_one_owner_takes_no_places_of_others() {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            let places = PlacesOf::new(2);
            let slow = (places.place("slow.example").await, places.place("slow.example").await);
            let soon = std::time::Duration::from_millis(20);
            assert!(tokio::time::timeout(soon, places.place("slow.example")).await.is_err(), "the third waits");
            assert!(tokio::time::timeout(soon, places.place("quick.example")).await.is_ok(), "others do not");
            drop(slow);
            assert!(tokio::time::timeout(soon, places.place("slow.example")).await.is_ok());
            drop(places.place("other.example").await);
            assert_eq!(places.owners.lock().unwrap().len(), 1, "who has none is forgotten");
        });
    }
}
