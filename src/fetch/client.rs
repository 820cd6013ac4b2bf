use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode, redirect};
use tokio::sync::Semaphore;

use super::answer::{self, Answer};
use super::crowd::{Crowd, Room};
use super::error::FetchError;
use super::guard::Guard;
use super::resolver::Resolver;
use super::robots::{Permission, RobotsCache};
use super::unpack::{Coding, UnpackError};
use crate::model::{Host, Link, Moment, Tls, Validators, one_line};

/// The most redirects that are followed.
const HOPS: usize = 5;
/// How long an answer may take to begin, connecting included.
const HEADERS: Duration = Duration::from_secs(20);
/// What of a body is read without asking for room, in bytes. With 64 at once this and the large ones stay below 64 MiB.
const SMALL: usize = 512 * 1024;
/// Packed bodies up to this size are unpacked at once, in bytes.
const INLINE: usize = 16 * 1024;
/// How many bodies may be larger than that at one time.
const LARGE_AT_ONCE: usize = 4;
/// How many bodies are unpacked at one time.
const UNPACKED_AT_ONCE: usize = 4;
/// What we would like to get, feeds before pages.
const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, text/html;q=0.7, */*;q=0.1";

/// How to go out.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where connections may go.
    pub guard: Guard,
    /// How long one request may take from beginning to end.
    pub timeout: Duration,
    /// The largest body, in bytes after decoding.
    pub max_body: usize,
    /// Who we are: the address of our own pages.
    pub public_url: Option<String>,
    /// Who we are: whom to write to.
    pub contact: Option<String>,
}

/// What to ask for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where.
    pub link: &'a Link,
    /// What was given with the last answer.
    pub validators: &'a Validators,
    /// Who gave it: the address itself, or one that it redirects to. Nobody else is shown it.
    pub given_by: Option<&'a Link>,
    /// The port that is allowed because the source's own address has it.
    pub own_port: u16,
    /// May the way lead into the networks that an admin allowed? Only that of a source whose own address lies there.
    pub is_inside: bool,
    /// Does robots.txt count, wherever redirects lead? For everything that is no feed.
    pub is_page: bool,
    /// Must redirects stay on the site of the address?
    pub is_bound: bool,
    /// How certificates are judged.
    pub tls: Tls,
    /// A form to be posted, where the address answers to POST only.
    pub post: Option<&'a str>,
}

/// The way out.
#[derive(Debug)]
pub struct Fetcher {
    /// For everybody.
    outside: Way,
    /// For the sources that lie in one's own networks.
    inside: Way,
    /// Who is at which address with a request.
    asking: Crowd,
    /// Who is at which address with all that a poll asks.
    visiting: Crowd,
    timeout: Duration,
    max_body: usize,
    large: Semaphore,
    /// Places for unpacking.
    unpacking: Semaphore,
    pub(super) robots: RobotsCache,
}

/// The clients of those who may go to the same places.
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

    /// `None` where a name leads nowhere; the connection will say so.
    async fn address_of(&self, link: &Link) -> Option<IpAddr> {
        match link.host() {
            Host::Address(address) => Some(address),
            Host::Name(name) => self.resolver.locate(&name).await,
        }
    }
}

/// Chooses the implementation of TLS for the whole process; to be called once, before the first [`Fetcher`] is made.
pub fn install_crypto() {
    // A second call finds it installed already, which is all that is wanted.
    drop(rustls::crypto::ring::default_provider().install_default());
}

impl Fetcher {
    /// Makes the way out.
    ///
    /// # Errors
    /// Where the system's certificates cannot be read, or the contact cannot stand in a header.
    pub fn new(options: Options) -> Result<Self, FetchError> {
        let agent = agent(options.public_url.as_deref(), options.contact.as_deref());
        let strangers = Guard { allow: Vec::new(), ..options.guard.clone() };
        Ok(Self {
            outside: Way::new(strangers, options.timeout, &agent)?,
            inside: Way::new(options.guard, options.timeout, &agent)?,
            asking: Crowd::default(),
            visiting: Crowd::default(),
            timeout: options.timeout,
            max_body: options.max_body,
            large: Semaphore::new(LARGE_AT_ONCE),
            unpacking: Semaphore::new(UNPACKED_AT_ONCE),
            robots: RobotsCache::default(),
        })
    }

    /// Gets what is at an address, following up to five redirects. `now` is the present moment, for the hints of
    /// caching.
    ///
    /// # Errors
    /// Where the guard refuses, nothing answers in time, or the answer is too large or broken. A status of 400 and more
    /// is an answer, not an error.
    pub async fn get(&self, request: Request<'_>, now: Moment) -> Result<Answer, FetchError> {
        // What a site may take does not begin before it is asked.
        let room = self.asking.enter(self.way(request.is_inside).address_of(request.link).await).await;
        tokio::time::timeout(self.timeout, self.follow(request, now, room))
            .await
            .unwrap_or(Err(FetchError::Timeout(self.timeout)))
    }

    /// A place at the address that a link leads to, for all that a poll asks there; `None` where four are there already.
    pub async fn visit(&self, link: &Link, is_inside: bool) -> Option<Room> {
        match self.way(is_inside).address_of(link).await {
            Some(address) => self.visiting.try_enter(address),
            None => Some(self.visiting.enter(None).await),
        }
    }

    const fn way(&self, is_inside: bool) -> &Way {
        if is_inside { &self.inside } else { &self.outside }
    }

    async fn follow(&self, request: Request<'_>, now: Moment, mut room: Room) -> Result<Answer, FetchError> {
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
                // The place at the last address is given back first: nobody waits for a place and holds one.
                drop(room);
                room = self.asking.enter(way.address_of(&link).await).await;
            }
            // Validators belong to the address that gave them.
            let conditional =
                if given_by.as_ref() == Some(&link) { request.validators } else { &Validators::default() };
            let post = request.post.filter(|_| hop == 0);
            let response = self.send(way, &link, conditional, request.tls, post).await?;
            let Some(next) = target(&response, &link)? else {
                return self.answer(response, link, moved, downgraded, now).await;
            };
            if request.is_bound && next.registrable_domain() != request.link.registrable_domain() {
                return Err(FetchError::Blocked(format!(
                    "it redirects to {next}, and the source has led to enough other sites today"
                )));
            }
            is_permanent &= matches!(response.status(), StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
            downgraded |= link.is_https() && !next.is_https();
            moved = is_permanent.then(|| next.clone());
            link = next;
        }
        Err(FetchError::Redirects(HOPS))
    }

    /// Whether a page may be asked that a redirect leads to.
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
                Err(FetchError::Blocked(format!("it redirects to {link}, which robots.txt forbids programs to read")))
            }
            Some(Permission::Unknown) | None => {
                Err(FetchError::Blocked(format!("it redirects to {link}; the robots.txt there cannot be had")))
            }
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
        // What says nothing but "wait" (1xx) says nothing at all.
        let patience = self.timeout.min(HEADERS);
        let sent = tokio::time::timeout(patience, request.send()).await;
        sent.map_err(|_late| FetchError::Timeout(patience))?.map_err(|error| self.explain(&error, link))
    }

    async fn answer(
        &self,
        response: Response,
        url: Link,
        moved: Option<Link>,
        downgraded: bool,
        now: Moment,
    ) -> Result<Answer, FetchError> {
        let headers = response.headers();
        let mut answer = Answer {
            status: response.status().as_u16(),
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
        if response.status() == StatusCode::OK {
            answer.body = self.body(response, &answer.url).await?;
        }
        Ok(answer)
    }

    /// Reads a body in pieces; its length is never believed beforehand. What is packed is unpacked here, so that what comes
    /// in is bounded as well as what comes out of it.
    async fn body(&self, mut response: Response, link: &Link) -> Result<Vec<u8>, FetchError> {
        let broken = |detail: String| FetchError::Protocol { host: link.host_text().to_owned(), detail };
        let coding = answer::text(response.headers(), header::CONTENT_ENCODING).unwrap_or("");
        let coding = Coding::named(coding)
            .ok_or_else(|| broken(format!("its content is packed as `{}`, which cannot be read", one_line(coding))))?;
        let mut body = Vec::new();
        let mut room = None;
        while let Some(piece) = response.chunk().await.map_err(|error| self.explain(&error, link))? {
            if body.len() + piece.len() > self.max_body {
                return Err(FetchError::TooLarge(self.max_body));
            }
            if body.len() + piece.len() > SMALL && room.is_none() {
                room = self.large.acquire().await.ok();
            }
            body.extend_from_slice(&piece);
        }
        let most = self.max_body;
        // Nobody is waited for here but those who unpack: a site that sends slowly holds none of these places.
        let unpacking = if coding == Coding::Plain { None } else { self.unpacking.acquire().await.ok() };
        let unpacked = match coding {
            Coding::Plain => return Ok(body),
            _ if body.len() <= INLINE => coding.unpack(&body, most),
            _ => tokio::task::spawn_blocking(move || coding.unpack(&body, most))
                .await
                .map_err(|_panic| broken("its content cannot be unpacked".to_owned()))?,
        };
        drop((room, unpacking));
        unpacked.map_err(|error| match error {
            UnpackError::TooLarge => FetchError::TooLarge(most),
            UnpackError::Broken(detail) => broken(format!("its content cannot be unpacked: {detail}")),
        })
    }

    fn explain(&self, error: &reqwest::Error, link: &Link) -> FetchError {
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
        // The last cause says what happened; those above it only where.
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
        // Whoever hangs up before an answer is as silent as who never picks up. How that shows depends on who is faster:
        // a message cut short, a reset, a request that was never sent. Only what was said can break the protocol.
        let is_garbled = causes()
            .any(|cause| cause.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_parse() || error.is_user()));
        if error.is_request() && !is_garbled {
            let detail = "it closed the connection without an answer".to_owned();
            return FetchError::Connect { host, detail };
        }
        FetchError::Protocol { host, detail }
    }
}

/// Where a redirect leads; `None` where the answer is none.
fn target(response: &Response, from: &Link) -> Result<Option<Link>, FetchError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).map(HeaderValue::as_bytes);
    let Some(location) = location.and_then(|location| std::str::from_utf8(location).ok()) else {
        let detail = "it redirects to nowhere".to_owned();
        return Err(FetchError::Protocol { host: from.host_text().to_owned(), detail });
    };
    let next = from
        .join(location)
        .map_err(|error| FetchError::Blocked(format!("it redirects to an address that is not fetched: {error}")))?;
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
        // Connections do not live long enough for keep-alive probes; setting them up is four calls of the system each.
        .tcp_keepalive(None)
        .tcp_keepalive_interval(None)
        .tcp_keepalive_retries(None)
        // A source is asked every quarter of an hour at most; nothing is gained by holding its connection.
        .pool_max_idle_per_host(0);
    match tls {
        Tls::Strict => builder.build(),
        Tls::Lenient => builder.tls_danger_accept_invalid_certs(true).build(),
    }
}

/// `dayuan/VERSION (+public URL; contact)`, the same for every request.
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
                // Now and then the request comes first, and the closing resets it.
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
