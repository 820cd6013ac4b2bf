//! Limits how often an address is asked for a verification.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Time between two verifications at one address.
const GAP: Duration = Duration::from_secs(1);
/// How many may come at once after a pause.
const BURST: u32 = 5;
/// Maximum number of addresses that are remembered.
const REMEMBERED: usize = 10_000;

/// Limits how often an address is asked for a verification, since anybody can make us ask anyone. The address counts, not
/// the name, because one may have many names; of IPv6, the network that one subscriber has (/64).
#[derive(Debug, Default)]
pub(super) struct Rate {
    /// When the next verification would be due if there were no bursts.
    next: HashMap<IpAddr, Instant>,
}

impl Rate {
    /// Takes a turn at an address and returns how long to wait for it; `None` if that is more than `most`.
    pub(super) fn turn(&mut self, address: IpAddr, now: Instant, most: Duration) -> Option<Duration> {
        if self.next.len() >= REMEMBERED {
            self.next.retain(|_, next| *next > now);
        }
        let address = network(address);
        if self.next.len() >= REMEMBERED && !self.next.contains_key(&address) {
            return None;
        }
        let next = self.next.get(&address).copied().unwrap_or(now).max(now);
        let wait = next.saturating_duration_since(now).saturating_sub(GAP * (BURST - 1));
        if wait > most {
            return None;
        }
        self.next.insert(address, next + GAP);
        Some(wait)
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & !u128::from(u64::MAX)).into()),
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second_after_a_burst() {
        let mut rate = Rate::default();
        let (now, seconds) = (Instant::now(), Duration::from_secs);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let waits: Vec<_> = (0..8).map(|_| rate.turn(address, now, seconds(2))).collect();
        let [none, one, two] = [0, 1, 2].map(|n| Some(seconds(n)));
        assert_eq!(waits, [none, none, none, none, none, one, two, None]);
        assert_eq!(rate.turn("192.0.2.2".parse().unwrap(), now, seconds(0)), none, "others do not wait");
        assert_eq!(rate.turn(address, now + seconds(60), seconds(0)), none);
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        let turn = |rate: &mut Rate, n: u16| {
            rate.turn(IpAddr::V6(std::net::Ipv6Addr::new(0x2400, 1, 2, 3, 0, 0, 0, n)), now, Duration::ZERO)
        };
        assert_eq!((0..9).filter_map(|n| turn(&mut rate, n)).count(), 5);
    }
}
