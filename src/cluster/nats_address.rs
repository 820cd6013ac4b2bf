//! The address of NATS servers.

use std::net::IpAddr;

/// Most servers that an address names.
const MAX_SERVERS: usize = 16;
/// Longest name of a log, in bytes.
const MAX_NAME: usize = 32;

/// Where the servers are, and which log of theirs: `nats://[USER@]HOST[:PORT][,HOST…][/NAME][?tls=disable]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsAddress {
    /// The user; without one, the secret is a token.
    pub user: Option<String>,
    /// The servers, each with its port.
    pub servers: Vec<String>,
    /// The name of the log, with which its streams begin.
    pub name: String,
    /// Whether to insist on TLS and a right certificate.
    pub is_encrypted: bool,
}

impl NatsAddress {
    /// Reads an address; `None` if it is none.
    pub fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("nats://")?;
        let (rest, option) = rest.split_once('?').map_or((rest, None), |(rest, option)| (rest, Some(option)));
        let (rest, name) = rest.split_once('/').unwrap_or((rest, "dayuan"));
        let (user, hosts) = rest.rsplit_once('@').map_or((None, rest), |(user, hosts)| (Some(user), hosts));
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_name) || user == Some("") {
            return None;
        }
        let servers: Vec<String> = hosts.split(',').map(server).collect::<Option<_>>()?;
        let is_encrypted = match option {
            // Within a machine nobody listens.
            None => !servers.iter().all(|server| is_here(server)),
            Some("tls=require") => true,
            Some("tls=disable") => false,
            Some(_) => return None,
        };
        let is_right = servers.len() <= MAX_SERVERS;
        is_right.then(|| Self { user: user.map(str::to_owned), servers, name: name.to_owned(), is_encrypted })
    }

    /// Returns how many servers keep each record: an odd number, of which most must be there.
    pub fn replicas(&self) -> usize {
        match self.servers.len() {
            0..3 => 1,
            3 | 4 => 3,
            _ => 5,
        }
    }
}

/// Returns a server with its port.
fn server(text: &str) -> Option<String> {
    let text = if text.ends_with(']') || !text.contains(':') { format!("{text}:4222") } else { text.to_owned() };
    let (host, port) = text.rsplit_once(':')?;
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(six) => six.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)),
    };
    (is_host && port.parse::<u16>().is_ok_and(|port| port > 0)).then_some(text)
}

/// Returns whether a server is on this machine.
fn is_here(server: &str) -> bool {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::NatsAddress;

    #[test]
    fn an_address_names_servers_and_a_log() {
        let address = NatsAddress::parse("nats://dayuan@a.example.org,b.example.org:4333,[::1]/news").unwrap();
        assert_eq!(address.user.as_deref(), Some("dayuan"));
        assert_eq!(address.servers, ["a.example.org:4222", "b.example.org:4333", "[::1]:4222"]);
        assert_eq!((address.name.as_str(), address.is_encrypted, address.replicas()), ("news", true, 3));
        let here = NatsAddress::parse("nats://127.0.0.1:4222").unwrap();
        assert_eq!((here.name.as_str(), here.is_encrypted, here.replicas()), ("dayuan", false, 1));
        assert!(NatsAddress::parse("nats://127.0.0.1/x?tls=require").unwrap().is_encrypted);
        assert!(!NatsAddress::parse("nats://mq.example.org?tls=disable").unwrap().is_encrypted);
        for wrong in
            ["nats://", "nats://a,", "nats://a:0", "nats://a/b.c", "nats://a/", "nats://@a", "nats://a?x=1", "tls://a"]
        {
            assert_eq!(NatsAddress::parse(wrong), None, "{wrong}");
        }
    }
}
