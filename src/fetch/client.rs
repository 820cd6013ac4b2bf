//! Requests pages: redirects, time limits and limits of size.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{self, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::sync::Semaphore;

use super::address_limiter::{AddressLimiter, AddressPermit, PollPlace};
use super::answer::{self, Answer};
use super::budget::Budget;
use super::credentials::Credentials;
use super::error::FetchError;
use super::gate::Gate;
use super::guard::Guard;
use super::line::Line;
use super::link_header;
use super::patience::Patience;
use super::request::{NO_VALIDATORS, Request};
use super::robots::{Permission, RobotsCache, RobotsStore};
use super::way::{Way, Ways, agent};
use crate::model::{Link, Moment, Source, Tls, Validators};

/// Maximum number of redirects that are followed.
const HOPS: usize = 5;
/// Time limit for the response headers to arrive, including connecting.
const HEADERS: Duration = Duration::from_secs(20);
/// Maximum number of addresses of one host that a request tries.
const ADDRESSES: usize = 3;
/// How many permits there are for the parts of bodies beyond their beginnings. With 64 requests at once, all bodies
/// together stay below 64 MiB at the default `max_body` of 8 MiB, and a body that comes byte by byte holds no more permits
/// than it is long.
const LARGE_PERMITS: usize = 64;
/// How many bodies are unpacked at the same time.
const UNPACKED_AT_ONCE: usize = 4;

/// An address that is asked, and the permit for it.
#[derive(Debug)]
struct Stand {
    address: IpAddr,
    room: AddressPermit,
}

/// How a request came to its answer.
#[derive(Debug)]
struct Passed<'a> {
    url: Link,
    moved: Option<Link>,
    downgraded: bool,
    is_conditional: bool,
    budget: Option<&'a dyn Budget>,
}

/// What came back: the head of a response, and the line that its body comes over.
pub(super) struct Received {
    pub(super) response: Response,
    pub(super) line: Line,
}

/// What is sent to a host, whichever of its addresses takes it.
#[derive(Clone, Copy, Debug)]
struct Sending<'a> {
    way: &'a Way,
    link: &'a Link,
    credentials: &'a Credentials<'a>,
    validators: &'a Validators,
    tls: Tls,
    post: Option<&'a str>,
    place: Option<&'a PollPlace>,
    budget: Option<&'a dyn Budget>,
}

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

/// The guarded HTTP client that all requests go through.
#[derive(Debug)]
pub struct Fetcher {
    pub(super) ways: Ways,
    /// Address of our own pages, for the `User-Agent`.
    public_url: Option<String>,
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
    /// What sites allow.
    pub(super) robots: RobotsCache,
    /// Where that is kept across restarts.
    pub(super) robots_store: Option<Arc<dyn RobotsStore>>,
    /// Whether requests may be sent at all.
    gate: Gate,
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
    /// If the contact is not valid in a header.
    pub fn new(options: Options) -> Result<Self, FetchError> {
        let agent = agent(options.public_url.as_deref(), options.contact.as_deref());
        Ok(Self {
            ways: Ways::new(options.guard, options.timeout, &agent),
            public_url: options.public_url,
            asking: AddressLimiter::default(),
            visiting: AddressLimiter::default(),
            timeout: options.timeout,
            max_body: options.max_body,
            large: Semaphore::new(LARGE_PERMITS),
            unpacking: Semaphore::new(UNPACKED_AT_ONCE),
            robots: RobotsCache::default(),
            robots_store: None,
            gate: Gate::default(),
        })
    }

    /// Returns why no encrypted site can be read: the system has no certificates. `None` if it has some.
    pub fn distrust(&self) -> Option<String> {
        let detail = self.ways.distrust()?;
        Some(format!(
            "no https source can be read, as this machine has no CA certificates ({detail}); install them (Debian: ca-certificates) and restart dayuan"
        ))
    }

    /// Keeps the robots.txt of sites in a store, so that a restart does not ask for them again.
    #[must_use]
    pub fn keeping_robots(self, store: Arc<dyn RobotsStore>) -> Self {
        Self { robots_store: Some(store), ..self }
    }

    /// Sends requests only while the gate is open.
    #[must_use]
    pub fn behind(self, gate: Gate) -> Self {
        Self { gate, ..self }
    }

    /// Fetches an address, following up to five redirects. `now` is used to evaluate caching headers.
    ///
    /// # Errors
    /// If the guard refuses, nothing answers in time, or the answer is too large or malformed. A status of 400 or more
    /// is an answer, not an error.
    pub async fn get(&self, request: Request<'_>, now: Moment) -> Result<Answer, FetchError> {
        if let Some(missing) = request.options().and_then(|options| options.missing.as_ref()) {
            return Err(FetchError::Secret(missing.clone()));
        }
        let way = self.ways.of(&request)?;
        way.check(request.link, request.own_port).await?;
        let address = match request.place.and_then(PollPlace::address) {
            Some(address) => address,
            None => way.locate(request.link).await?,
        };
        // The time spent waiting for a permit does not count towards the site's timeout.
        let stand = Stand { address, room: self.asking.enter(Some(address)).await };
        let patience = Patience::new(self.timeout);
        tokio::select! {
            answer = self.follow(request, &way, now, stand, &patience) => answer,
            () = patience.over() => Err(FetchError::Timeout(self.timeout)),
        }
    }

    /// Takes a permit for a whole poll of a source at the IP address of a link; `None` if four polls are running there
    /// already, or others have waited longer.
    pub async fn reserve(&self, source: &Source, link: &Link, now: Moment) -> Option<PollPlace> {
        let located = match self.ways.of(&Request::page(source, link)) {
            Ok(way) => way.locate(link).await,
            Err(error) => Err(error),
        };
        let permit = match located {
            Ok(address) => self.visiting.try_enter(address, link.host_text(), now)?,
            // The request will tell why.
            Err(_) => self.visiting.enter(None).await,
        };
        Some(PollPlace::new(permit))
    }

    async fn follow(
        &self,
        request: Request<'_>,
        way: &Way,
        now: Moment,
        mut stand: Stand,
        patience: &Patience,
    ) -> Result<Answer, FetchError> {
        let mut link = request.link.without_fragment();
        let mut moved: Option<Link> = None;
        let mut is_permanent = true;
        let mut downgraded = false;
        let mut post = request.post;
        let given_by = request.given_by.map(Link::without_fragment);
        let mut credentials = Credentials::of(&request);
        for hop in 0..=HOPS {
            credentials.lead_to(&link);
            if hop > 0 {
                way.check(&link, request.own_port).await?;
                // Release the previous address first: never hold one permit while waiting for another.
                drop(stand);
                if request.needs_permission(&link) {
                    self.permit_hop(&request, &link, now).await?;
                }
                let address = way.locate(&link).await?;
                stand = Stand { address, room: patience.stopped(self.asking.enter(Some(address))).await };
            }
            // Validators are only sent to the address that gave them.
            let conditional = if given_by.as_ref() == Some(&link) { request.validators } else { &NO_VALIDATORS };
            let sending = Sending {
                way,
                link: &link,
                credentials: &credentials,
                validators: conditional,
                tls: request.tls,
                post,
                place: request.place.filter(|_| hop == 0),
                budget: request.budget,
            };
            if let Some(budget) = request.budget {
                budget.take(&link, now).map_err(FetchError::Spent)?;
            }
            let received = self.reach(&sending, &mut stand, patience).await?;
            let response = &received.response;
            if let Some(proxy) = way.proxy().filter(|_| response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED)
            {
                return Err(FetchError::Proxy { proxy, detail: "it wants a user and a password (407)".to_owned() });
            }
            let Some(next) = target(response, &link)? else {
                let is_conditional = *conditional != NO_VALIDATORS;
                let way = Passed { url: link, moved, downgraded, is_conditional, budget: request.budget };
                return self.answer(received, way, now, patience).await;
            };
            // 307 and 308 keep the method (RFC 9110, sections 15.4.8 and 15.4.9); after the others, everybody asks by GET.
            post = post.filter(|_| matches!(response.status().as_u16(), 307 | 308));
            is_permanent &= matches!(response.status(), StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
            downgraded |= link.is_https() && !next.is_https();
            moved = is_permanent.then(|| next.clone());
            link = next;
        }
        Err(FetchError::Redirects(HOPS))
    }

    /// Checks robots.txt for the target of a redirect.
    async fn permit_hop(&self, request: &Request<'_>, link: &Link, now: Moment) -> Result<(), FetchError> {
        match self.permission(&Request { link, place: None, ..*request }, now).await? {
            Permission::Allowed { .. } => Ok(()),
            Permission::Forbidden => {
                Err(FetchError::Blocked(format!("it redirects to {link}, which robots.txt there disallows")))
            }
            Permission::Unknown => Err(FetchError::Blocked(format!(
                "it redirects to {link}, but the robots.txt there cannot be fetched; it will be tried again"
            ))),
        }
    }

    /// Sends a request to one address of a host after the other, until one takes the connection. Each is asked with a
    /// permit of its own: a permit counts where the connection goes.
    async fn reach(
        &self,
        sending: &Sending<'_>,
        stand: &mut Stand,
        patience: &Patience,
    ) -> Result<Received, FetchError> {
        let mut tried = vec![stand.address];
        while tried.len() < ADDRESSES {
            let (error, is_unreached) = match self.send(sending, stand.address).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            if !is_unreached {
                return Err(error);
            }
            let next = sending.way.pass_over(sending.link, stand.address).await;
            let Some(next) = next.filter(|next| !tried.contains(next)) else { return Err(error) };
            tried.push(next);
            *stand = Stand { address: next, room: self.asking.enter(None).await };
            // Others may be there before us.
            let move_on = async {
                if let Some(place) = sending.place {
                    place.move_to(next, &self.visiting).await;
                }
                self.asking.enter(Some(next)).await
            };
            stand.room = patience.stopped(move_on).await;
        }
        self.send(sending, stand.address).await.map_err(|(error, _)| error)
    }

    /// Sends a request once, to one address. An error says, too, whether there was no connection at all.
    async fn send(&self, sending: &Sending<'_>, address: IpAddr) -> Result<Received, (FetchError, bool)> {
        if !self.gate.is_open() {
            return Err((FetchError::Elsewhere, false));
        }
        // Interim responses (1xx) alone do not count as an answer.
        let limit = self.timeout.min(HEADERS);
        let work = async {
            let Sending { way, link, tls, .. } = *sending;
            let opened = way.open(link, address, tls, wire_limit(self.max_body)).await;
            let mut line = opened.map_err(|error| {
                let is_unreached = !matches!(error, FetchError::Client(_));
                (error, is_unreached)
            })?;
            let sent = line.send(self.request(sending, &line)).await;
            if let (Some(budget), Some(received)) = (sending.budget, line.received()) {
                budget.receive(link, received);
            }
            match sent {
                Ok(response) => Ok(Received { response, line }),
                Err(error) => {
                    let explained = line.explain(&error, link, way.proxy(), self.timeout);
                    let is_unreached = error.is_connect() && !matches!(explained, FetchError::Tls { .. });
                    Err((explained, is_unreached))
                }
            }
        };
        tokio::time::timeout(limit, work).await.map_err(|_late| (FetchError::Timeout(limit), false))?
    }

    fn request(&self, sending: &Sending<'_>, line: &Line) -> RequestBuilder {
        let Sending { link, validators, post, .. } = *sending;
        let client = line.client();
        let mut request = match post {
            Some(form) => client
                .post(link.url().clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
                .body(form.to_owned()),
            None => client.get(link.url().clone()),
        };
        request = sending.credentials.add(request, self.public_url.as_deref());
        if let Some(etag) = validators.etag.as_deref().and_then(|etag| HeaderValue::from_bytes(etag).ok()) {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(date) = validators.last_modified.as_deref().and_then(|date| HeaderValue::from_bytes(date).ok()) {
            request = request.header(header::IF_MODIFIED_SINCE, date);
        }
        request
    }

    async fn answer(
        &self,
        received: Received,
        passed: Passed<'_>,
        now: Moment,
        patience: &Patience,
    ) -> Result<Answer, FetchError> {
        let response = &received.response;
        let headers = response.headers();
        let Passed { url, moved, downgraded, is_conditional, budget } = passed;
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
            hub: link_header::hub(headers),
            url,
            moved,
            downgraded,
            is_conditional,
        };
        if answer.status == 200 {
            answer.body = self.body(received, &answer.url, budget, patience).await?;
        }
        Ok(answer)
    }
}

/// Returns how many bytes are taken from the wire for a body of at most `most` bytes: as many again for what frames it, and for
/// the head and TLS what no honest site needs.
pub(super) const fn wire_limit(most: usize) -> usize {
    2 * most + (1 << 20)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::Network;

    /// A permit is ours to give, so the site must not pay for the wait.
    #[test]
    fn a_permit_for_a_redirect_costs_the_site_no_time() {
        use std::io::{Read, Write};
        install_crypto();
        let (first, second) = ("127.0.0.11:0", "127.0.0.12:0");
        let [first, second] = [first, second].map(|address| std::net::TcpListener::bind(address).unwrap());
        let [from, to] = [&first, &second].map(|listener| listener.local_addr().unwrap());
        let answers = [
            (first, format!("HTTP/1.1 302 Found\r\nlocation: http://{to}/\r\ncontent-length: 0\r\n\r\n")),
            (second, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned()),
        ];
        for (listener, answer) in answers {
            std::thread::spawn(move || {
                for mut stream in listener.incoming().flatten() {
                    let _head = stream.read(&mut [0; 1024]).unwrap();
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            });
        }
        let guard = Guard { allow: vec![Network::parse("127.0.0.0/8").unwrap()], ports: vec![from.port(), to.port()] };
        let timeout = Duration::from_secs(1);
        let options = Options { guard, timeout, max_body: 1 << 20, public_url: None, contact: None };
        let fetcher = Fetcher::new(options).unwrap();
        let url = Link::parse(&format!("http://{from}/")).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let answer = runtime.block_on(async {
            let mut permits = Vec::new();
            for _ in 0..4 {
                permits.push(fetcher.asking.enter(Some(to.ip())).await);
            }
            let others = async {
                tokio::time::sleep(2 * timeout).await;
                drop(permits);
            };
            let request = Request { is_inside: true, own_port: from.port(), ..Request::to(&url) };
            tokio::join!(fetcher.get(request, Moment::default()), others).0
        });
        assert_eq!(answer.unwrap().body, b"ok");
    }

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
                        let request = Request { is_inside: true, ..Request::to(&url) };
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
