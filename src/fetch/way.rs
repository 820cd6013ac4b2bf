//! The ways out: how clients are built, one kind for strangers, one for the admin's own networks, and those that go through
//! the proxies of sources.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, redirect};

use super::error::FetchError;
use super::guard::{Guard, Network};
use super::request::Request;
use super::resolver::Resolver;
use super::unpack::Coding;
use crate::model::{Host, Link, Proxy, Tls};

/// The `Accept` header: feeds before pages.
const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, text/html;q=0.7, */*;q=0.1";

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
    timeout: Duration,
    agent: String,
}

impl Ways {
    pub(super) fn new(guard: Guard, timeout: Duration, agent: &str) -> Result<Self, FetchError> {
        let strangers = Guard { allow: Vec::new(), ..guard.clone() };
        Ok(Self {
            outside: Arc::new(Way::new(strangers, timeout, agent)?),
            inside: Arc::new(Way::new(guard, timeout, agent)?),
            proxied: Mutex::default(),
            timeout,
            agent: agent.to_owned(),
        })
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
            None => (proxy.clone(), request.is_inside, Arc::new(direct.through(proxy, self.timeout, &self.agent)?)),
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
}

/// Clients, guard and resolver for sources with the same access to networks.
#[derive(Debug)]
pub(super) struct Way {
    strict: Client,
    lenient: LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>,
    pub(super) guard: Arc<Guard>,
    /// Resolves the names of the hosts that connections go to.
    resolver: Resolver,
    detour: Option<Detour>,
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
    fn new(guard: Guard, timeout: Duration, agent: &str) -> Result<Self, FetchError> {
        let guard = Arc::new(guard);
        let resolver = Resolver::new(Arc::clone(&guard));
        Self::made(guard, resolver, None, None, timeout, agent)
    }

    /// Returns the way through a proxy to the same networks. Whatever its address is, the admin named it.
    fn through(&self, proxy: &Proxy, timeout: Duration, agent: &str) -> Result<Self, FetchError> {
        let allow = ["0.0.0.0/0", "::/0"].into_iter().filter_map(|all| Network::parse(all).ok()).collect();
        let resolver = Resolver::new(Arc::new(Guard { allow, ports: Vec::new() }));
        let detour = Detour { proxy: proxy.link.clone(), names: self.resolver.clone() };
        Self::made(Arc::clone(&self.guard), resolver, Some(detour), Some(proxy), timeout, agent)
    }

    fn made(
        guard: Arc<Guard>,
        resolver: Resolver,
        detour: Option<Detour>,
        proxy: Option<&Proxy>,
        timeout: Duration,
        agent: &str,
    ) -> Result<Self, FetchError> {
        let (names, agent, proxy) = (resolver.clone(), agent.to_owned(), proxy.cloned());
        let build = move |trust| client(&names, timeout, &agent, proxy.as_ref(), trust);
        // A machine without certificates can still poll what is not encrypted.
        let (strict, distrust) = match build(Trust::System) {
            Ok(strict) => (strict, None),
            Err(error) => {
                let detail = unusable(&error).to_string();
                (build(Trust::None).map_err(|error| unusable(&error))?, Some(detail))
            }
        };
        let fallback = strict.clone();
        let lenient: Box<dyn FnOnce() -> Client + Send> = Box::new(move || build(Trust::All).unwrap_or(fallback));
        Ok(Self { strict, lenient: LazyLock::new(lenient), guard, resolver, detour, distrust })
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

    /// Returns the client that checks certificates as a source wants it.
    pub(super) fn client(&self, tls: Tls) -> &Client {
        match tls {
            Tls::Strict => &self.strict,
            Tls::Lenient => &self.lenient,
        }
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

fn client(
    resolver: &Resolver,
    timeout: Duration,
    agent: &str,
    proxy: Option<&Proxy>,
    trust: Trust,
) -> Result<Client, reqwest::Error> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(Coding::ACCEPTED));
    let builder = Client::builder()
        .user_agent(agent)
        .default_headers(headers)
        .dns_resolver(Arc::new(resolver.clone()))
        .redirect(redirect::Policy::none())
        .referer(false)
        // None but the source's own: those of the environment are not the admin's word for dayuan.
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
    let builder = match proxy {
        None => builder,
        Some(Proxy { link, login }) => {
            let through = reqwest::Proxy::all(link.as_str())?;
            builder.proxy(match login {
                None => through,
                Some(login) => through.basic_auth(&login.user, login.password.reveal()),
            })
        }
    };
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
