//! The ways out: how clients are built, one kind for strangers and one for the admin's own networks.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, redirect};

use super::error::FetchError;
use super::guard::Guard;
use super::resolver::Resolver;
use super::unpack::Coding;
use crate::model::{Host, Link, Tls};

/// The `Accept` header: feeds before pages.
const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, text/html;q=0.7, */*;q=0.1";

/// Clients, guard and resolver for sources with the same access to networks.
#[derive(Debug)]
pub(super) struct Way {
    strict: Client,
    lenient: LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>,
    pub(super) guard: Arc<Guard>,
    resolver: Resolver,
    /// Why no certificate can be checked, if so.
    pub(super) distrust: Option<String>,
}

/// Whose certificates a client believes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Those that the system's authorities vouch for.
    System,
    /// Anybody's.
    All,
    /// Nobody's: the system has no authorities.
    None,
}

impl Way {
    pub(super) fn new(guard: Guard, timeout: Duration, agent: &str) -> Result<Self, FetchError> {
        let guard = Arc::new(guard);
        let resolver = Resolver::new(Arc::clone(&guard));
        // A machine without certificates can still poll what is not encrypted.
        let (strict, distrust) = match client(&resolver, timeout, agent, Trust::System) {
            Ok(strict) => (strict, None),
            Err(error) => {
                let detail = unusable(&error).to_string();
                (client(&resolver, timeout, agent, Trust::None).map_err(|error| unusable(&error))?, Some(detail))
            }
        };
        let (shared, fallback, agent) = (resolver.clone(), strict.clone(), agent.to_owned());
        let lenient: Box<dyn FnOnce() -> Client + Send> =
            Box::new(move || client(&shared, timeout, &agent, Trust::All).unwrap_or(fallback));
        Ok(Self { strict, lenient: LazyLock::new(lenient), guard, resolver, distrust })
    }

    /// Returns the client that checks certificates as a source wants it.
    pub(super) fn client(&self, tls: Tls) -> &Client {
        match tls {
            Tls::Strict => &self.strict,
            Tls::Lenient => &self.lenient,
        }
    }

    /// Returns the address that the host is asked at.
    ///
    /// # Errors
    /// If its name does not resolve, or only to addresses that the guard refuses.
    pub(super) async fn locate(&self, link: &Link) -> Result<IpAddr, FetchError> {
        match link.host() {
            Host::Address(address) => Ok(address),
            Host::Name(name) => self.resolver.locate(&name).await,
        }
    }

    /// Returns another address of the host in the place of one that takes no connection.
    pub(super) async fn pass_over(&self, link: &Link, failed: IpAddr) -> Option<IpAddr> {
        match link.host() {
            Host::Address(_) => None,
            Host::Name(name) => self.resolver.pass_over(&name, failed).await,
        }
    }
}

fn client(resolver: &Resolver, timeout: Duration, agent: &str, trust: Trust) -> Result<Client, reqwest::Error> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(Coding::ACCEPTED));
    let builder = Client::builder()
        .user_agent(agent)
        .default_headers(headers)
        .dns_resolver(Arc::new(resolver.clone()))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        .read_timeout(timeout.min(Duration::from_secs(15)))
        // Connections are too short-lived for keep-alive probes, our own limits end them, and each setting is a system call.
        .tcp_keepalive(None)
        .tcp_keepalive_interval(None)
        .tcp_keepalive_retries(None)
        .tcp_user_timeout(None)
        // By default a source is polled every 15 minutes at most, so keeping its connection open gains nothing.
        .pool_max_idle_per_host(0);
    match trust {
        Trust::System => builder.build(),
        Trust::All => builder.tls_danger_accept_invalid_certs(true).build(),
        Trust::None => {
            let nobody = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty());
            builder.tls_backend_preconfigured(nobody.with_no_client_auth()).build()
        }
    }
}

/// Builds the `User-Agent`: `dayuan/VERSION (+public URL; contact)`, the same for every request.
pub(super) fn agent(public_url: Option<&str>, contact: Option<&str>) -> String {
    let about: Vec<String> =
        public_url.map(|url| format!("+{url}")).into_iter().chain(contact.map(str::to_owned)).collect();
    let name = concat!("dayuan/", env!("CARGO_PKG_VERSION"));
    if about.is_empty() { name.to_owned() } else { format!("{name} ({})", about.join("; ")) }
}

fn unusable(error: &reqwest::Error) -> FetchError {
    let detail = std::iter::successors(std::error::Error::source(error), |error| error.source())
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string);
    FetchError::Client(detail)
}
