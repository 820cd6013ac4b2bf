use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode, redirect};
use tokio::sync::Semaphore;

use super::address_limiter::{AddressLimiter, AddressPermit};
use super::answer::{self, Answer};
use super::error::FetchError;
use super::guard::Guard;
use super::patience::Patience;
use super::resolver::Resolver;
use super::robots::{Permission, RobotsCache};
use super::unpack::Coding;
use crate::model::{Host, Link, Moment, Source, Tls, Validators};

/// Maximum number of redirects that are followed.
const HOPS: usize = 5;
/// Time limit for the response headers to arrive, including connecting.
const HEADERS: Duration = Duration::from_secs(20);
/// How many permits there are for the parts of bodies beyond their beginnings. With 64 requests at once, all bodies
/// together stay below 64 MiB at the default `max_body` of 8 MiB, and a body that comes byte by byte holds no more permits than it is long.
const LARGE_PERMITS: usize = 64;
/// How many bodies are unpacked at the same time.
const UNPACKED_AT_ONCE: usize = 4;
/// The `Accept` header: feeds before pages.
const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, text/html;q=0.7, */*;q=0.1";

/// Options of a [`Fetcher`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides where connections may go.
    pub guard: Guard,
    /// Time limit for one request from beginning to end, redirects included.
    pub timeout: Duration,
    /// Largest body, in bytes, before and after decoding.
    pub max_body: usize,
    /// Address of our own pages, for the `User-Agent`.
    pub public_url: Option<String>,
    /// Contact address, for the `User-Agent`.
    pub contact: Option<String>,
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The address to fetch.
    pub link: &'a Link,
    /// Validators received with the last answer.
    pub validators: &'a Validators,
    /// Address that gave the validators: the requested one, or one that it redirects to. They are sent to no other
    /// address.
    pub given_by: Option<&'a Link>,
    /// Port of the source's own address, which is therefore allowed.
    pub own_port: u16,
    /// Whether connections may go into the networks that an admin allowed; only set for sources whose own address is
    /// there.
    pub is_inside: bool,
    /// Whether robots.txt applies to redirect targets, too; set for everything that is not a feed.
    pub is_page: bool,
    /// Whether redirects must stay on the site of the address.
    pub is_bound: bool,
    /// How certificates are checked.
    pub tls: Tls,
    /// Form to be posted, if the address answers to POST only.
    pub post: Option<&'a str>,
}

/// The validators of a document that was never fetched.
static NO_VALIDATORS: Validators = Validators { etag: None, last_modified: None };

impl<'a> Request<'a> {
    /// Requests the page at `link` for a source, with the rights that the source has: without validators or form, and
    /// free to redirect.
    pub fn page(source: &Source, link: &'a Link) -> Self {
        Self {
            link,
            validators: &NO_VALIDATORS,
            given_by: None,
            own_port: source.url.port(),
            is_inside: source.is_inside,
            is_page: true,
            is_bound: false,
            tls: source.tls,
            post: None,
        }
    }
}

/// The guarded HTTP client that all requests go through.
#[derive(Debug)]
pub struct Fetcher {
    /// For sources outside the admin's own networks; no private network is allowed.
    outside: Way,
    /// For sources inside the admin's own networks.
    inside: Way,
    /// Limits concurrent requests per IP address.
    asking: AddressLimiter,
    /// Limits concurrent polls per IP address.
    visiting: AddressLimiter,
    pub(super) timeout: Duration,
    pub(super) max_body: usize,
    /// Limits how much of bodies beyond their beginnings is held at the same time.
    pub(super) large: Semaphore,
    /// Limits how many bodies are unpacked at the same time.
    pub(super) unpacking: Semaphore,
    pub(super) robots: RobotsCache,
}

/// Clients, guard and resolver for sources with the same access to networks.
#[derive(Debug)]
struct Way {
    strict: Client,
    lenient: LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>,
    guard: Arc<Guard>,
    resolver: Resolver,
}

impl Way {
    fn new(guard: Guard, timeout: Duration, agent: &str) -> Result<Self, FetchError> {
        let guard = Arc::new(guard);
        let resolver = Resolver::new(Arc::clone(&guard));
        let strict = client(&resolver, timeout, agent, Tls::Strict).map_err(|error| unusable(&error))?;
        let (shared, fallback, agent) = (resolver.clone(), strict.clone(), agent.to_owned());
        let lenient: Box<dyn FnOnce() -> Client + Send> =
            Box::new(move || client(&shared, timeout, &agent, Tls::Lenient).unwrap_or(fallback));
        Ok(Self { strict, lenient: LazyLock::new(lenient), guard, resolver })
    }

    /// Returns `None` if the name does not resolve; connecting will then report the error.
    async fn address_of(&self, link: &Link) -> Option<IpAddr> {
        match link.host() {
            Host::Address(address) => Some(address),
            Host::Name(name) => self.resolver.locate(&name).await,
        }
    }
}

/// Installs the TLS implementation for the whole process; to be called once, before the first [`Fetcher`] is made.
pub fn install_crypto() {
    // An error means that a provider is already installed, which is fine.
    drop(rustls::crypto::ring::default_provider().install_default());
}

impl Fetcher {
    /// Creates a fetcher.
    ///
    /// # Errors
    /// If the system's certificates cannot be read, or the contact is not valid in a header.
    pub fn new(options: Options) -> Result<Self, FetchError> {
        let agent = agent(options.public_url.as_deref(), options.contact.as_deref());
        let strangers = Guard { allow: Vec::new(), ..options.guard.clone() };
        Ok(Self {
            outside: Way::new(strangers, options.timeout, &agent)?,
            inside: Way::new(options.guard, options.timeout, &agent)?,
            asking: AddressLimiter::default(),
            visiting: AddressLimiter::default(),
            timeout: options.timeout,
            max_body: options.max_body,
            large: Semaphore::new(LARGE_PERMITS),
            unpacking: Semaphore::new(UNPACKED_AT_ONCE),
            robots: RobotsCache::default(),
        })
    }

    /// Fetches an address, following up to five redirects. `now` is used to evaluate caching headers.
    ///
    /// # Errors
    /// If the guard refuses, nothing answers in time, or the answer is too large or malformed. A status of 400 or more
    /// is an answer, not an error.
    pub async fn get(&self, request: Request<'_>, now: Moment) -> Result<Answer, FetchError> {
        // The time spent waiting for a permit does not count towards the site's timeout.
        let room = self.asking.enter(self.way(request.is_inside).address_of(request.link).await).await;
        let patience = Patience::new(self.timeout);
        tokio::select! {
            answer = self.follow(request, now, room, &patience) => answer,
            () = patience.over() => Err(FetchError::Timeout(self.timeout)),
        }
    }

    /// Takes a permit for a whole poll at the IP address of a link; `None` if four polls are running there already.
    pub async fn reserve(&self, link: &Link, is_inside: bool) -> Option<AddressPermit> {
        match self.way(is_inside).address_of(link).await {
            Some(address) => self.visiting.try_enter(address),
            None => Some(self.visiting.enter(None).await),
        }
    }

    const fn way(&self, is_inside: bool) -> &Way {
        if is_inside { &self.inside } else { &self.outside }
    }

    async fn follow(
        &self,
        request: Request<'_>,
        now: Moment,
        mut room: AddressPermit,
        patience: &Patience,
    ) -> Result<Answer, FetchError> {
        let mut link = request.link.without_fragment();
        let mut moved: Option<Link> = None;
        let mut is_permanent = true;
        let mut downgraded = false;
        let given_by = request.given_by.map(Link::without_fragment);
        let way = self.way(request.is_inside);
        for hop in 0..=HOPS {
            way.guard.check_link(&link, request.own_port)?;
            if hop > 0 && request.is_page {
                drop(room);
                self.permit_hop(&request, &link, now).await?;
                room = self.asking.enter(None).await;
            }
            if hop > 0 {
                // Release the previous address first: never hold one permit while waiting for another.
                drop(room);
                room = self.asking.enter(way.address_of(&link).await).await;
            }
            // Validators are only sent to the address that gave them.
            let conditional =
                if given_by.as_ref() == Some(&link) { request.validators } else { &Validators::default() };
            let post = request.post.filter(|_| hop == 0);
            let response = self.send(way, &link, conditional, request.tls, post).await?;
            let Some(next) = target(&response, &link)? else {
                return self.answer(response, link, moved, downgraded, now, patience).await;
            };
            if request.is_bound && next.registrable_domain() != request.link.registrable_domain() {
                return Err(FetchError::Blocked(format!(
                    "it redirects to {next}, but this source has reached today's limit of other sites"
                )));
            }
            is_permanent &= matches!(response.status(), StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
            downgraded |= link.is_https() && !next.is_https();
            moved = is_permanent.then(|| next.clone());
            link = next;
        }
        Err(FetchError::Redirects(HOPS))
    }

    /// Checks robots.txt for the target of a redirect.
    async fn permit_hop(&self, request: &Request<'_>, link: &Link, now: Moment) -> Result<(), FetchError> {
        let mut permission = self.permission(link, now);
        if permission.is_none() {
            let asked = Request { link, is_page: false, ..*request };
            let said = Box::pin(self.ask_robots(&asked, now)).await?;
            self.learn(link, &said, now);
            permission = self.permission(link, now);
        }
        match permission {
            Some(Permission::Allowed(_)) => Ok(()),
            Some(Permission::Forbidden) => {
                Err(FetchError::Blocked(format!("it redirects to {link}, which robots.txt there disallows")))
            }
            Some(Permission::Unknown) | None => Err(FetchError::Blocked(format!(
                "it redirects to {link}, but the robots.txt there cannot be fetched; it will be tried again"
            ))),
        }
    }

    async fn send(
        &self,
        way: &Way,
        link: &Link,
        validators: &Validators,
        tls: Tls,
        post: Option<&str>,
    ) -> Result<Response, FetchError> {
        let client = match tls {
            Tls::Strict => &way.strict,
            Tls::Lenient => &*way.lenient,
        };
        let mut request = match post {
            Some(form) => client
                .post(link.as_str())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
                .body(form.to_owned()),
            None => client.get(link.as_str()),
        };
        if let Some(etag) = validators.etag.as_deref().and_then(|etag| HeaderValue::from_bytes(etag).ok()) {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(date) = validators.last_modified.as_deref().and_then(|date| HeaderValue::from_bytes(date).ok()) {
            request = request.header(header::IF_MODIFIED_SINCE, date);
        }
        // Interim responses (1xx) alone do not count as an answer.
        let limit = self.timeout.min(HEADERS);
        let sent = tokio::time::timeout(limit, request.send()).await;
        sent.map_err(|_late| FetchError::Timeout(limit))?.map_err(|error| self.explain(&error, link))
    }

    async fn answer(
        &self,
        response: Response,
        url: Link,
        moved: Option<Link>,
        downgraded: bool,
        now: Moment,
        patience: &Patience,
    ) -> Result<Answer, FetchError> {
        let headers = response.headers();
        let mut answer = Answer {
            // A proxy that changes what it passes on answers 203 (RFC 9110, section 15.3.4): a 200 for us.
            status: if response.status() == StatusCode::NON_AUTHORITATIVE_INFORMATION {
                200
            } else {
                response.status().as_u16()
            },
            body: Vec::new(),
            content_type: answer::text(headers, header::CONTENT_TYPE).map(str::to_owned),
            validators: answer::validators(headers),
            fresh: answer::fresh(headers, now),
            retry_after: answer::retry_after(headers, now),
            date: answer::date(headers),
            url,
            moved,
            downgraded,
        };
        if answer.status == 200 {
            answer.body = self.body(response, &answer.url, patience).await?;
        }
        Ok(answer)
    }

    pub(super) fn explain(&self, error: &reqwest::Error, link: &Link) -> FetchError {
        let causes =
            || std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source());
        for cause in causes() {
            match cause.downcast_ref::<FetchError>() {
                Some(FetchError::Blocked(reason)) => return FetchError::Blocked(reason.clone()),
                Some(FetchError::Name(name)) => return FetchError::Name(name.clone()),
                _ => {}
            }
        }
        let host = link.host_text().to_owned();
        // The innermost cause says what happened; the outer ones only say where.
        let detail = causes().last().map(ToString::to_string).unwrap_or_default();
        if error.is_timeout() {
            return FetchError::Timeout(self.timeout);
        }
        if causes().any(|cause| cause.is::<rustls::Error>() || cause.to_string().contains("certificate")) {
            return FetchError::Tls { host, detail };
        }
        if error.is_connect() {
            return FetchError::Connect { host, detail };
        }
        // A server that hangs up before it answers counts as silent, like one that never accepts. Depending on timing
        // this shows up as an incomplete message, a reset, or a request that was never sent. Only a received message
        // can violate the protocol.
        let is_garbled = causes()
            .any(|cause| cause.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_parse() || error.is_user()));
        if error.is_request() && !is_garbled {
            let detail = "it closed the connection without an answer".to_owned();
            return FetchError::Connect { host, detail };
        }
        FetchError::Protocol { host, detail }
    }
}

/// Returns the target of a redirect; `None` if the response is not a redirect.
fn target(response: &Response, from: &Link) -> Result<Option<Link>, FetchError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).map(HeaderValue::as_bytes);
    let Some(location) = location.and_then(|location| std::str::from_utf8(location).ok()) else {
        let detail = "redirect without a usable Location header".to_owned();
        return Err(FetchError::Protocol { host: from.host_text().to_owned(), detail });
    };
    let next = from
        .join(location)
        .map_err(|error| FetchError::Blocked(format!("it redirects to an address that cannot be fetched: {error}")))?;
    Ok(Some(next.without_fragment()))
}

fn client(resolver: &Resolver, timeout: Duration, agent: &str, tls: Tls) -> Result<Client, reqwest::Error> {
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
        // Connections are too short-lived for keep-alive probes, and each setup would cost four system calls.
        .tcp_keepalive(None)
        .tcp_keepalive_interval(None)
        .tcp_keepalive_retries(None)
        // By default a source is polled every 15 minutes at most, so keeping its connection open gains nothing.
        .pool_max_idle_per_host(0);
    match tls {
        Tls::Strict => builder.build(),
        Tls::Lenient => builder.tls_danger_accept_invalid_certs(true).build(),
    }
}

/// Builds the `User-Agent`: `dayuan/VERSION (+public URL; contact)`, the same for every request.
fn agent(public_url: Option<&str>, contact: Option<&str>) -> String {
    let about: Vec<String> =
        public_url.map(|url| format!("+{url}")).into_iter().chain(contact.map(str::to_owned)).collect();
    let name = concat!("dayuan/", env!("CARGO_PKG_VERSION"));
    if about.is_empty() { name.to_owned() } else { format!("{name} ({})", about.join("; ")) }
}

fn unusable(error: &reqwest::Error) -> FetchError {
    let detail = std::iter::successors(std::error::Error::source(error), |error| error.source())
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string);
    FetchError::Tls { host: "any host".to_owned(), detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::Network;

    #[test]
    fn a_connection_closed_at_once_is_silence_however_it_shows() {
        install_crypto();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Link::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                // Sometimes let the request arrive first, so that closing resets the connection.
                if number % 3 == 0 {
                    std::thread::yield_now();
                }
                drop(stream);
            }
        });
        let guard = Guard { allow: vec![Network::parse("127.0.0.0/8").unwrap()], ports: Vec::new() };
        let timeout = Duration::from_secs(20);
        let fetcher = Arc::new(
            Fetcher::new(Options { guard, timeout, max_body: 1 << 20, public_url: None, contact: None }).unwrap(),
        );
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        for _ in 0..150 {
            let asked: Vec<_> = (0..50)
                .map(|_| {
                    let (fetcher, url) = (Arc::clone(&fetcher), url.clone());
                    runtime.spawn(async move {
                        let validators = Validators::default();
                        let request = Request {
                            link: &url,
                            validators: &validators,
                            given_by: None,
                            own_port: url.port(),
                            is_inside: true,
                            is_page: false,
                            is_bound: false,
                            tls: Tls::Strict,
                            post: None,
                        };
                        fetcher.get(request, Moment::default()).await.unwrap_err()
                    })
                })
                .collect();
            for error in asked {
                let error = runtime.block_on(error).unwrap();
                assert!(error.is_silence(), "{error:?}");
            }
        }
    }
}
