//! A hasher for tables whose keys are hashes that outsiders can influence.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

/// A hasher for keys that are hashes already. Using them unchanged would let an attacker fill one bucket with texts
/// whose hashes end alike, so each is multiplied by a secret, random number.
#[derive(Clone, Copy, Debug, Default)]
pub struct SecretHasher(u64);

static SECRET: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0_u8) | 1);

fn spread(hash: u64) -> u64 {
    let product = u128::from(hash) * u128::from(*SECRET);
    let [high, low] = [product >> 64, product & u128::from(u64::MAX)].map(|half| u64::try_from(half).unwrap_or(0));
    high ^ low
}

impl Hasher for SecretHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = spread(xxh3_64(bytes));
    }

    fn write_u32(&mut self, hash: u32) {
        self.0 = spread(u64::from(hash));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = spread(hash);
    }
}
