//! Why a fetch failed.

use std::time::Duration;

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The guard or another rule forbids the request.
    #[error("{0}")]
    Blocked(String),
    /// Today's budget of the source is spent.
    #[error("{0}")]
    Spent(String),
    /// A secret that the request needs is not there; which, and what to do.
    #[error("{0}")]
    Secret(String),
    /// The host name does not resolve.
    #[error("the host name {0} cannot be resolved; check the address and DNS")]
    Name(String),
    /// No connection to the host, or it was closed before an answer.
    #[error("cannot connect to {host}: {detail}")]
    Connect {
        /// Returns the host, as a name or an IP address.
        host: String,
        /// What happened, according to the system.
        detail: String,
    },
    /// The TLS connection failed, for example because of the certificate.
    #[error(
        "the encrypted connection to {host} failed: {detail}; where you trust the site, set tls = \"lenient\" for the source"
    )]
    Tls {
        /// Returns the host, as a name or an IP address.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The proxy of the source takes no requests. That says nothing about the site, nor about our own network.
    #[error("the proxy {proxy} of this source does not help: {detail}; look at [source.request] proxy")]
    Proxy {
        /// The proxy, as host and port.
        proxy: String,
        /// What happened.
        detail: String,
    },
    /// The proxy of the source answers, but opens no connection to the site: it cannot, or its rules forbid it. Our own network
    /// is not to blame, and whether the site answers to others is unknown.
    #[error(
        "the proxy {proxy} of this source opened no connection to {host}: it cannot reach it, or its rules refuse it"
    )]
    BeyondProxy {
        /// The proxy, as host and port.
        proxy: String,
        /// The site's host.
        host: String,
    },
    /// The client itself cannot be made.
    #[error("{0}")]
    Client(String),
    /// No complete answer within the time limit.
    #[error("no complete answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// Too many large bodies are being received; that is our own limit.
    #[error("too many large answers came at one time; it is tried again")]
    Crowded,
    /// This machine may not ask sites now.
    #[error("another node polls now")]
    Elsewhere,
    /// The body exceeds the limit, in bytes.
    #[error("the answer is larger than {} KiB, the limit of [fetch] max_body", .0 / 1024)]
    TooLarge(usize),
    /// More redirects than allowed.
    #[error("more than {0} redirects")]
    Redirects(usize),
    /// The answer violates the protocol.
    #[error("invalid HTTP answer from {host}: {detail}")]
    Protocol {
        /// Returns the host, as a name or an IP address.
        host: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl FetchError {
    /// Returns whether it says nothing of the site that may be remembered for all sources: a certificate that one does not
    /// accept may be fine for another, and another one needs no proxy or secret.
    pub const fn is_own(&self) -> bool {
        matches!(
            self,
            Self::Blocked(_)
                | Self::Spent(_)
                | Self::Secret(_)
                | Self::Tls { .. }
                | Self::Proxy { .. }
                | Self::BeyondProxy { .. }
                | Self::Client(_)
                | Self::Crowded
                | Self::Elsewhere
        )
    }

    /// Returns whether nothing answered at all, as when our own network is down.
    pub const fn is_silence(&self) -> bool {
        matches!(self, Self::Name(_) | Self::Connect { .. } | Self::Timeout(_))
    }
}
