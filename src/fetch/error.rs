use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The guard refuses to connect there.
    #[error("{0}")]
    Blocked(String),
    /// The name of the host leads nowhere.
    #[error("the name {0} cannot be resolved")]
    Name(String),
    /// Nobody answers at the address.
    #[error("cannot connect to {host}: {detail}")]
    Connect {
        /// The host.
        host: String,
        /// What the system said.
        detail: String,
    },
    /// The certificate, or the encryption, is broken.
    #[error(
        "the encrypted connection to {host} failed: {detail}; where you trust the site, set tls = \"lenient\" for the source"
    )]
    Tls {
        /// The host.
        host: String,
        /// What is wrong.
        detail: String,
    },
    /// The answer did not come in time.
    #[error("no complete answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The answer is larger than is read.
    #[error("the answer is larger than {} KiB, the limit of [fetch] max_body", .0 / 1024)]
    TooLarge(usize),
    /// Too many redirects.
    #[error("more than {0} redirects")]
    Redirects(usize),
    /// The answer breaks the protocol.
    #[error("the answer of {host} breaks the protocol: {detail}")]
    Protocol {
        /// The host.
        host: String,
        /// What is wrong.
        detail: String,
    },
}

impl FetchError {
    /// Did nothing answer at all, as where one's own network is down?
    pub const fn is_silence(&self) -> bool {
        matches!(self, Self::Name(_) | Self::Connect { .. } | Self::Timeout(_))
    }
}
