//! The ways out: how clients are built, one kind for strangers, one for the admin's own networks, and those that go through
//! the proxies of sources.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, redirect};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use super::error::FetchError;
use super::guard::{Guard, Network};
use super::line::Line;
use super::relay::Relay;
use super::request::Request;
use super::resolver::Resolver;
use super::unpack::Coding;
use crate::model::{Host, Link, Proxy, Tls};

/// The `Accept` header: feeds before pages.
const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, text/html;q=0.7, */*;q=0.1";

/// Time limit for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Number of proxies whose clients are kept.
const PROXIES: usize = 16;

/// All ways out.
#[derive(Debug)]
pub(super) struct Ways {
    /// For sources outside the admin's own networks; no private network is allowed.
    pub(super) outside: Arc<Way>,
    /// For sources inside the admin's own networks.
    pub(super) inside: Arc<Way>,
    /// Through the proxies that were used last, the newest first, each for sources inside or outside.
    proxied: Mutex<Vec<(Proxy, bool, Arc<Way>)>>,
}

impl Ways {
    pub(super) fn new(guard: Guard, timeout: Duration, agent: &str) -> Self {
        let make = ClientMaker::new(agent.to_owned(), timeout);
        let strangers = Guard { allow: Vec::new(), ..guard.clone() };
        Self {
            outside: Arc::new(Way::new(strangers, make.clone())),
            inside: Arc::new(Way::new(guard, make)),
            proxied: Mutex::default(),
        }
    }

    /// Returns why no certificate can be checked, if so.
    pub(super) fn distrust(&self) -> Option<&str> {
        self.outside.make.distrust.as_deref()
    }

    /// Returns the way that a request takes.
    ///
    /// # Errors
    /// If it goes through a proxy for which no client can be made.
    pub(super) fn of(&self, request: &Request<'_>) -> Result<Arc<Way>, FetchError> {
        let direct = if request.is_inside { &self.inside } else { &self.outside };
        let Some(proxy) = request.options().and_then(|options| options.proxy.as_ref()) else {
            return Ok(Arc::clone(direct));
        };
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        let known = proxied.iter().position(|(known, inside, _)| known == proxy && *inside == request.is_inside);
        let kept = match known {
            Some(at) => proxied.remove(at),
            None => (proxy.clone(), request.is_inside, Arc::new(direct.through(proxy)?)),
        };
        let way = Arc::clone(&kept.2);
        proxied.insert(0, kept);
        proxied.truncate(PROXIES);
        Ok(way)
    }
}

/// The proxy of a way.
#[derive(Debug)]
struct Detour {
    proxy: Link,
    /// Resolves the names of sites, which the proxy does otherwise.
    names: Resolver,
    strict: Client,
    lenient: Client,
}

/// Guard, resolver and certificates for sources with the same access to networks.
#[derive(Debug)]
pub(super) struct Way {
    make: ClientMaker,
    pub(super) guard: Arc<Guard>,
    /// Resolves the names of the hosts that connections go to.
    resolver: Resolver,
    detour: Option<Detour>,
}

impl Way {
    fn new(guard: Guard, make: ClientMaker) -> Self {
        let guard = Arc::new(guard);
        let resolver = Resolver::new(Arc::clone(&guard));
        Self { make, guard, resolver, detour: None }
    }

    /// Returns the way through a proxy to the same networks. Whatever its address is, the admin named it.
    fn through(&self, proxy: &Proxy) -> Result<Self, FetchError> {
        let allow = ["0.0.0.0/0", "::/0"].into_iter().filter_map(|all| Network::parse(all).ok()).collect();
        let resolver = Resolver::new(Arc::new(Guard { allow, ports: Vec::new() }));
        let client = |tls| {
            let through = reqwest::Proxy::all(proxy.link.as_str())?;
            let through = match &proxy.login {
                None => through,
                Some(login) => through.basic_auth(&login.user, login.password.reveal()),
            };
            self.make.builder(tls).dns_resolver(Arc::new(resolver.clone())).proxy(through).build()
        };
        let [strict, lenient] = [client(Tls::Strict), client(Tls::Lenient)];
        let detour = Detour {
            proxy: proxy.link.clone(),
            names: self.resolver.clone(),
            strict: strict.map_err(|error| unusable(&error))?,
            lenient: lenient.map_err(|error| unusable(&error))?,
        };
        Ok(Self { make: self.make.clone(), guard: Arc::clone(&self.guard), resolver, detour: Some(detour) })
    }

    /// Checks the address of a request: as it is written, and behind a proxy, which resolves names itself, by what it
    /// resolves to here, if it does.
    ///
    /// # Errors
    /// [`FetchError::Blocked`] with the reason.
    pub(super) async fn check(&self, link: &Link, own_port: u16) -> Result<(), FetchError> {
        self.guard.check_link(link, own_port)?;
        let (Some(detour), Host::Name(name)) = (&self.detour, link.host()) else { return Ok(()) };
        self.guard.check_name(&name)?;
        match detour.names.locate(&name).await {
            Err(error @ FetchError::Blocked(_)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns the host and port of the way's proxy.
    pub(super) fn proxy(&self) -> Option<String> {
        let proxy = &self.detour.as_ref()?.proxy;
        Some(format!("{}:{}", proxy.host_text(), proxy.port()))
    }

    /// Returns the host that connections for an address go to.
    fn next_host(&self, link: &Link) -> Host {
        self.detour.as_ref().map_or(link, |detour| &detour.proxy).host()
    }

    /// Opens a line for one request to a site, at an address that [`Way::locate`] returned, or that is asked in its place. No
    /// more than `most` bytes are taken from it.
    ///
    /// # Errors
    /// If no connection is taken there.
    pub(super) async fn open(&self, link: &Link, address: IpAddr, tls: Tls, most: usize) -> Result<Line, FetchError> {
        if let Some(detour) = &self.detour {
            let client = match tls {
                Tls::Strict => &detour.strict,
                Tls::Lenient => &detour.lenient,
            };
            return Ok(Line::through_proxy(client.clone(), address));
        }
        let patience = self.make.timeout.min(CONNECT);
        let relay = tokio::time::timeout(patience, Relay::open(SocketAddr::new(address, link.port()), most))
            .await
            .map_err(|_late| FetchError::Timeout(patience))?
            .map_err(|error| FetchError::Connect { host: link.host_text().to_owned(), detail: error.to_string() })?;
        let client = self.make.builder(tls).unix_socket(relay.socket()).build().map_err(|error| unusable(&error))?;
        Ok(Line::direct(client, relay))
    }

    /// Returns the address that the host, or the proxy before it, is asked at.
    ///
    /// # Errors
    /// If its name does not resolve, or only to addresses that the guard refuses.
    pub(super) async fn locate(&self, link: &Link) -> Result<IpAddr, FetchError> {
        match self.next_host(link) {
            Host::Address(address) => Ok(address),
            Host::Name(name) => self.resolver.locate(&name).await,
        }
    }

    /// Returns another address of the host in the place of one that takes no connection.
    pub(super) async fn pass_over(&self, link: &Link, failed: IpAddr) -> Option<IpAddr> {
        match self.next_host(link) {
            Host::Address(_) => None,
            Host::Name(name) => self.resolver.pass_over(&name, failed).await,
        }
    }
}

/// What all clients have in common.
#[derive(Clone, Debug)]
pub(super) struct ClientMaker {
    agent: String,
    timeout: Duration,
    /// Believes the certificates that the system's authorities vouch for; none if there are no authorities.
    strict: ClientConfig,
    /// Why no certificate can be checked, if so.
    distrust: Option<String>,
}

impl ClientMaker {
    pub(super) fn new(agent: String, timeout: Duration) -> Self {
        // A machine without certificates can still poll what is not encrypted.
        let (config, distrust) = match ClientConfig::builder().with_platform_verifier() {
            Ok(trusting) => (trusting, None),
            Err(error) => {
                (ClientConfig::builder().with_root_certificates(RootCertStore::empty()), Some(error.to_string()))
            }
        };
        let mut strict = config.with_no_client_auth();
        strict.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { agent, timeout, strict, distrust }
    }

    fn builder(&self, tls: Tls) -> ClientBuilder {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(Coding::ACCEPTED));
        let builder = Client::builder()
            .user_agent(&self.agent)
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .referer(false)
            // None but the source's own: those of the environment are not the admin's word for dayuan.
            .no_proxy()
            .connect_timeout(self.timeout.min(CONNECT))
            .read_timeout(self.timeout.min(Duration::from_secs(15)))
            // Connections are too short-lived for keep-alive probes, our own limits end them, and each setting is a system
            // call.
            .tcp_keepalive(None)
            .tcp_keepalive_interval(None)
            .tcp_keepalive_retries(None)
            .tcp_user_timeout(None)
            // By default a source is polled every 15 minutes at most, so keeping its connection open gains nothing.
            .pool_max_idle_per_host(0)
            // Each connection is for one request.
            .http1_only();
        match tls {
            Tls::Strict => builder.tls_backend_preconfigured(self.strict.clone()),
            Tls::Lenient => builder.tls_danger_accept_invalid_certs(true),
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
