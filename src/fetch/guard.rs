//! Which addresses may be contacted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::error::FetchError;
use crate::model::{Host, Link};

/// A network in CIDR notation (RFC 4632): `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Error: the text is not a network.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network; write it like 192.168.0.0/16")]
pub struct NetworkError(String);

impl Network {
    /// Parses `address/prefix`, or a single address.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let fault = || NetworkError(text.to_owned());
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.trim().parse().map_err(|_invalid| fault())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = if prefix.is_empty() { most } else { prefix.trim().parse().map_err(|_invalid| fault())? };
        if prefix > most { Err(fault()) } else { Ok(Self { address, prefix }) }
    }

    /// Returns the address with which the network begins. Another one in its place is probably a mistake in the prefix.
    pub fn first_address(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V4((u32::from(address) & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V6((u128::from(address) & mask).into())
            }
        }
    }

    /// Returns whether the network was written with the address it begins with.
    pub fn is_exact(&self) -> bool {
        self.address == self.first_address()
    }

    /// Returns whether the network holds all addresses of its kind.
    pub const fn is_everything(&self) -> bool {
        self.prefix == 0
    }

    /// Returns whether the network contains the address.
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
    /// Networks that are allowed although they are private.
    pub allow: Vec<Network>,
    /// Ports that are allowed besides 80, 443, 8080 and the port of the source's own address.
    pub ports: Vec<u16>,
}

/// Networks of the IANA IPv4 Special-Purpose Address Registry as of 2026-10, with multicast (RFC 5771) and class E;
/// `true` marks those that are globally reachable. The first match counts, so more specific networks come first.
const SPECIAL_FOUR: [(Ipv4Addr, u8, bool); 19] = [
    (Ipv4Addr::new(192, 0, 0, 9), 32, true),
    (Ipv4Addr::new(192, 0, 0, 10), 32, true),
    (Ipv4Addr::new(0, 0, 0, 0), 8, false),
    (Ipv4Addr::new(10, 0, 0, 0), 8, false),
    (Ipv4Addr::new(100, 64, 0, 0), 10, false),
    (Ipv4Addr::new(127, 0, 0, 0), 8, false),
    (Ipv4Addr::new(169, 254, 0, 0), 16, false),
    (Ipv4Addr::new(172, 16, 0, 0), 12, false),
    (Ipv4Addr::new(192, 0, 0, 0), 24, false),
    (Ipv4Addr::new(192, 0, 2, 0), 24, false),
    // Deprecated (RFC 7526): no legitimate server answers there.
    (Ipv4Addr::new(192, 88, 99, 0), 24, false),
    (Ipv4Addr::new(192, 168, 0, 0), 16, false),
    (Ipv4Addr::new(198, 18, 0, 0), 15, false),
    (Ipv4Addr::new(198, 51, 100, 0), 24, false),
    (Ipv4Addr::new(203, 0, 113, 0), 24, false),
    (Ipv4Addr::new(224, 0, 0, 0), 4, false),
    (Ipv4Addr::new(240, 0, 0, 0), 4, false),
    (Ipv4Addr::new(255, 255, 255, 255), 32, false),
    (Ipv4Addr::new(192, 31, 196, 0), 24, true),
];

/// Networks of the IANA IPv6 Special-Purpose Address Registry within 2000::/3, as of 2026-10; as above, more specific
/// networks come first. Outside 2000::/3 only IPv4-mapped addresses and 64:ff9b::/96 can be reachable; they are judged
/// by the embedded address.
const SPECIAL_SIX: [(Ipv6Addr, u8, bool); 12] = [
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 1), 128, true),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 2), 128, true),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 3), 128, true),
    (Ipv6Addr::new(0x2001, 3, 0, 0, 0, 0, 0, 0), 32, true),
    (Ipv6Addr::new(0x2001, 4, 0x112, 0, 0, 0, 0, 0), 48, true),
    (Ipv6Addr::new(0x2001, 0x20, 0, 0, 0, 0, 0, 0), 28, true),
    (Ipv6Addr::new(0x2001, 0x30, 0, 0, 0, 0, 0, 0), 28, true),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, false),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, false),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, false),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, true),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, false),
];

/// Last labels of names that only private networks have: RFC 6761, RFC 6762, `internal` (ICANN, 2024), and those that
/// RFC 6762, appendix G, found in use.
const PRIVATE_ENDINGS: [&str; 12] = [
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
];

impl Guard {
    /// Checks an address as written: its port, and its host if that is an IP address or a name of this machine.
    /// `own_port` is the port of the source's own address.
    ///
    /// # Errors
    /// [`FetchError::Blocked`] with the reason.
    pub fn check_link(&self, link: &Link, own_port: u16) -> Result<(), FetchError> {
        let port = link.port();
        if !matches!(port, 80 | 443 | 8080) && port != own_port && !self.ports.contains(&port) {
            return Err(FetchError::Blocked(format!(
                "port {port} of {} is not allowed; add it to [fetch] ports",
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

    /// Checks a name that a proxy will resolve: none that means something in a private network alone. Where the guard of
    /// the admin's own networks decides, such names are meant.
    ///
    /// # Errors
    /// [`FetchError::Blocked`] with the reason.
    pub(super) fn check_name(&self, name: &str) -> Result<(), FetchError> {
        let name = name.trim_end_matches('.');
        let last = name.rsplit('.').next().unwrap_or(name);
        let is_private = !name.contains('.') || PRIVATE_ENDINGS.contains(&last) || name.ends_with(".home.arpa");
        if is_private && self.allow.is_empty() { Err(blocked(name)) } else { Ok(()) }
    }

    /// Checks an IP address that a connection would go to.
    ///
    /// # Errors
    /// [`FetchError::Blocked`] with the reason.
    pub fn check_address(&self, address: IpAddr) -> Result<(), FetchError> {
        if self.allows(address) { Ok(()) } else { Err(blocked(&address.to_string())) }
    }

    /// Returns whether the link names an IP address in one of the networks that the admin allowed.
    pub fn names_own(&self, link: &Link) -> bool {
        match link.host() {
            Host::Address(address) => self.is_allowed(address),
            Host::Name(_) => false,
        }
    }

    fn is_allowed(&self, address: IpAddr) -> bool {
        let inner = embedded(address).unwrap_or(address);
        self.allow.iter().any(|network| network.contains(address) || network.contains(inner))
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.is_allowed(address) || is_public(address)
    }
}

fn blocked(host: &str) -> FetchError {
    FetchError::Blocked(format!(
        "{host} is on this machine or in a private network; allow it with [fetch] allow_networks, and name it in the url \
         of the source itself"
    ))
}

/// Returns the IPv4 address embedded by IPv4 mapping (RFC 4291), NAT64 with the well-known prefix (RFC 6052) or 6to4
/// (RFC 3056). Other embeddings are not globally reachable.
fn embedded(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(six) = address else { return None };
    let four = |high: u16, low: u16| Some(IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))));
    match six.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => four(high, low),
        [0x2002, high, low, ..] => four(high, low),
        _ => None,
    }
}

/// Returns whether an address is globally reachable.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => SPECIAL_FOUR
            .iter()
            .find(|(base, prefix, _)| Network { address: (*base).into(), prefix: *prefix }.contains(four.into()))
            .is_none_or(|(.., is_reachable)| *is_reachable),
        IpAddr::V6(six) => match embedded(address) {
            // An embedded address decides. This includes 6to4, although its prefix has no owner.
            Some(inner) => is_public(inner),
            None => {
                six.segments().first().is_some_and(|first| first & 0xe000 == 0x2000)
                    && SPECIAL_SIX
                        .iter()
                        .find(|(base, prefix, _)| {
                            Network { address: (*base).into(), prefix: *prefix }.contains(address)
                        })
                        .is_none_or(|(.., is_reachable)| *is_reachable)
            }
        },
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
            [2002:7f00:1::] [64:ff9b:1:7f00:0:100:808:808] [64:ff9b:1::808:808] [64:ff9b:0:1::808:808] [::8.8.8.8] \
            [::808:808] [2001::1] [2001:10::1] [2001:db8::1] [3fff::1] [5f00::1] [100::1] [fec0::1] [fc00::1] [fd00:ec2::254] [fe80::1] [ff02::1] localhost localhost. a.localhost LOCALHOST";
        for host in hosts.split_whitespace() {
            assert!(!check(&Guard::default(), &format!("http://{host}/")), "{host}");
        }
    }

    #[test]
    fn public_hosts_pass() {
        for host in [
            "8.8.8.8",
            "[2400:3200::1]",
            "[2001:20::1]",
            "[2001:4:112::1]",
            "[2620:4f:8000::1]",
            "192.0.0.9",
            "www.example.gov.cn",
            "[64:ff9b::808:808]",
        ] {
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
    fn a_proxy_is_asked_for_no_name_of_a_private_network() {
        let own = Guard { allow: vec![Network::parse("10.0.0.0/8").unwrap()], ports: vec![] };
        for name in ["intranet", "oa.internal", "a.local.", "nas.lan", "x.home.arpa", "db.localhost"] {
            assert!(Guard::default().check_name(name).is_err() && own.check_name(name).is_ok(), "{name}");
        }
        for name in ["www.a.gov.cn", "local.a.cn", "a.cn."] {
            assert!(Guard::default().check_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn odd_ports_are_refused() {
        for port in [22, 25, 6379, 11211] {
            assert!(!check(&Guard::default(), &format!("http://8.8.8.8:{port}/")));
            assert!(check(&Guard { ports: vec![port], ..Guard::default() }, &format!("http://8.8.8.8:{port}/")));
        }
    }
}
