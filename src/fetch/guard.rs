use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::error::FetchError;
use crate::model::{Host, Link};

/// A network in CIDR notation (RFC 4632): `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text that is no network.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network; write it like 192.168.0.0/16")]
pub struct NetworkError(String);

impl Network {
    /// Reads `address/prefix`, or one address.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let fault = || NetworkError(text.to_owned());
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.trim().parse().map_err(|_invalid| fault())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = if prefix.is_empty() { most } else { prefix.trim().parse().map_err(|_invalid| fault())? };
        if prefix > most { Err(fault()) } else { Ok(Self { address, prefix }) }
    }

    /// Does it hold the address?
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, true),
            IpAddr::V6(address) => (u128::from(address), false),
        };
        let (own, own_four) = bits(self.address);
        let (other, other_four) = bits(address);
        own_four == other_four && (own ^ other).leading_zeros() >= u32::from(self.prefix)
    }
}

/// Decides where connections may go.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Networks that are allowed though they are private.
    pub allow: Vec<Network>,
    /// Ports that are allowed beside 80, 443 and 8080.
    pub ports: Vec<u16>,
}

/// What nobody outside can be reached at (IANA special-purpose registries, RFC 6890 and its updates).
const SPECIAL_FOUR: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

impl Guard {
    /// Checks an address as it is written: the host where it is an address or a name of this machine, and the port.
    /// `own_port` is the port of the source's own address.
    ///
    /// # Errors
    /// [`FetchError::Blocked`] with the reason.
    pub fn check_link(&self, link: &Link, own_port: u16) -> Result<(), FetchError> {
        let port = link.port();
        if !matches!(port, 80 | 443 | 8080) && port != own_port && !self.ports.contains(&port) {
            return Err(FetchError::Blocked(format!(
                "port {port} of {} is not fetched; allow it with [fetch] ports",
                link.host_text()
            )));
        }
        match link.host() {
            Host::Address(address) => self.check_address(address),
            Host::Name(name) => {
                let name = name.trim_end_matches('.');
                if (name == "localhost" || name.ends_with(".localhost"))
                    && !self.allows(IpAddr::V4(Ipv4Addr::LOCALHOST))
                {
                    return Err(blocked(name));
                }
                Ok(())
            }
        }
    }

    /// Checks an address that a connection would go to.
    ///
    /// # Errors
    /// [`FetchError::Blocked`] with the reason.
    pub fn check_address(&self, address: IpAddr) -> Result<(), FetchError> {
        if self.allows(address) { Ok(()) } else { Err(blocked(&address.to_string())) }
    }

    fn allows(&self, address: IpAddr) -> bool {
        let inner = unwrap(address);
        self.allow.iter().any(|network| network.contains(address) || network.contains(inner))
            || (is_public(inner) && is_public(address))
    }
}

fn blocked(host: &str) -> FetchError {
    FetchError::Blocked(format!(
        "{host} is on this machine or in a private network; allow it with [fetch] allow_networks"
    ))
}

/// The IPv4 address inside an IPv6 one: mapped, compatible, NAT64 (RFC 6052), 6to4 (RFC 3056).
fn unwrap(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let [a, b, c, d, e, f, g, h] = six.segments();
    let four = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match (a, b) {
        (0, 0)
            if c == 0
                && d == 0
                && e == 0
                && (f == 0xffff || f == 0)
                && six != Ipv6Addr::LOCALHOST
                && six != Ipv6Addr::UNSPECIFIED =>
        {
            four(g, h)
        }
        (0x64, 0xff9b) => four(g, h),
        (0x2002, _) => four(b, c),
        _ => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => !SPECIAL_FOUR
            .iter()
            .any(|(base, prefix)| Network { address: (*base).into(), prefix: *prefix }.contains(four.into())),
        IpAddr::V6(six) => {
            let [first, second, ..] = six.segments();
            let is_wrapped = unwrap(address) != address;
            // Only 2000::/3 is given out, and of it not documentation, benchmarking and Teredo.
            let is_global = first & 0xe000 == 0x2000
                && !(first == 0x2001 && (second == 0xdb8 || second < 0x200))
                && first != 0x3fff;
            is_wrapped || is_global
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, text: &str) -> bool {
        let Ok(link) = Link::parse(text) else { return false };
        guard.check_link(&link, 80).is_ok()
    }

    /// S1, S2 and S3 of the fault list.
    #[test]
    fn private_hosts_are_refused_however_they_are_written() {
        let hosts = "127.0.0.1 2130706433 0x7f.1 0177.0.0.1 127.1 0 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 \
            169.254.169.254 0xA9FEA9FE 100.64.0.1 100.100.100.200 192.0.0.192 198.18.0.1 224.0.0.1 255.255.255.255 \
            ①②⑦.⓪.⓪.① 127。0。0。1 [::1] [::] [::ffff:127.0.0.1] [::ffff:a9fe:a9fe] [::127.0.0.1] [64:ff9b::7f00:1] \
            [2002:7f00:1::] [fc00::1] [fd00:ec2::254] [fe80::1] [ff02::1] localhost localhost. a.localhost LOCALHOST";
        for host in hosts.split_whitespace() {
            assert!(!check(&Guard::default(), &format!("http://{host}/")), "{host}");
        }
    }

    #[test]
    fn public_hosts_pass() {
        for host in ["8.8.8.8", "[2400:3200::1]", "www.example.gov.cn", "[64:ff9b::808:808]"] {
            assert!(check(&Guard::default(), &format!("http://{host}/")), "{host}");
        }
    }

    #[test]
    fn what_is_allowed_passes_and_nothing_beside_it() {
        let guard = Guard { allow: vec![Network::parse("127.0.2.0/24").unwrap()], ports: vec![] };
        assert!(check(&guard, "http://127.0.2.9/"));
        assert!(check(&guard, "http://[::ffff:127.0.2.9]/"));
        assert!(!check(&guard, "http://127.0.3.9/") && !check(&guard, "http://localhost/"));
    }

    #[test]
    fn odd_ports_are_refused() {
        for port in [22, 25, 6379, 11211] {
            assert!(!check(&Guard::default(), &format!("http://8.8.8.8:{port}/")));
            assert!(check(&Guard { ports: vec![port], ..Guard::default() }, &format!("http://8.8.8.8:{port}/")));
        }
    }
}
