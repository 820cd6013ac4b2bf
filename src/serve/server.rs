use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Answer};
use super::cache::Key;
use super::connections::{Connection, Connections, Doing, Wire};
use super::metrics::Metrics;
use super::recent;
use super::renderer::{Rendered, Renderer};
use super::route::{Route, parameter};
use super::site::{Queue, Site, Store};
use crate::model::{Named, RegionId, SourceId};
use crate::write::{self, Format, Language, Page};

/// Limits of a listener: how many connections it has, and how long they may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of connections at one time.
    pub connections: usize,
    /// How long a request may take to arrive, both the first one of a connection and those that follow.
    pub head: Duration,
    /// How long the peer may read nothing of what is sent.
    pub stall: Duration,
    /// How long connections may go on after the stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8192,
            head: Duration::from_secs(9),
            stall: Duration::from_secs(30),
            grace: Duration::from_secs(6),
        }
    }
}

/// Maximum size of the head of a request, in bytes.
const HEAD: usize = 32 * 1024;
/// How much of a response the kernel keeps per connection before it is sent, in bytes (TCP_NOTSENT_LOWAT).
const UNSENT: u32 = 16 * 1024;
/// Interval between two sweeps for connections that are too slow.
const SWEEP: Duration = Duration::from_secs(1);
/// Pause after a failed accept; without it, a lack of descriptors would burn the processor.
const PAUSE: Duration = Duration::from_millis(100);

/// Binds a listener, even if the last run left connections of this port half-closed (SO_REUSEADDR).
///
/// # Errors
/// If the address is in use, or does not belong to this host.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let domain = if address.is_ipv6() { socket2::Domain::IPV6 } else { socket2::Domain::IPV4 };
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Connections inherit this option. Without it, the kernel would keep megabytes for a client that reads nothing; a
    // client that reads gets as much at a time as before.
    socket.set_tcp_notsent_lowat(UNSENT)?;
    // They inherit this one, too. A feed is written in few pieces; waiting for more would only delay it.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    TcpListener::from_std(socket.into())
}

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Full<Bytes>>> + Send;
    /// The metrics that count the responses.
    fn metrics(&self) -> &Metrics;
}

/// Accepts connections until `stop` is cancelled, then lets those that are open finish within the grace period.
pub async fn serve<H: Handler>(listener: TcpListener, handler: Arc<H>, limits: Limits, stop: CancellationToken) {
    let connections = Arc::new(Connections::new(limits.connections));
    let stopping = Arc::new(AtomicBool::new(false));
    let mut sweep = tokio::time::interval(SWEEP);
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
            _ = sweep.tick() => {
                connections.sweep(limits.head, limits.stall);
                continue;
            }
        };
        match accepted {
            Ok((stream, _)) => {
                let (connection, evicted) = connections.admit();
                if evicted {
                    handler.metrics().evict();
                }
                handler.metrics().open(connections.count());
                let (handler, connections, stopping) =
                    (Arc::clone(&handler), Arc::clone(&connections), Arc::clone(&stopping));
                tasks.spawn(async move {
                    answer_all(stream, &handler, &connection, &stopping).await;
                    connections.leave(&connection);
                    handler.metrics().open(connections.count());
                });
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    // Set the flag before cancelling: then a connection that is cancelled knows that it may finish.
    stopping.store(true, Ordering::Release);
    connections.call_all();
    let finish = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, finish).await.is_err() {
        tracing::info!("connections were cut that did not end in time");
    }
}

/// Answers the requests of one stream of any kind until it ends. There is no time limit; that is up to the listener.
pub async fn converse<H: Handler>(stream: impl AsyncRead + AsyncWrite + Unpin, handler: &Arc<H>) {
    let (connection, _) = Connections::new(1).admit();
    answer_all(stream, handler, &connection, &AtomicBool::new(false)).await;
}

async fn answer_all<H: Handler>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    handler: &Arc<H>,
    connection: &Arc<Connection>,
    stopping: &AtomicBool,
) {
    let service = service_fn(|request: Request<Incoming>| async {
        connection.mark(Doing::Answering);
        let response = match refuse(&request) {
            Some(refusal) => refusal,
            None => {
                let has_body = request.headers().contains_key(header::CONTENT_LENGTH);
                let mut response = handler.answer(request).await;
                if has_body {
                    // The body is not read, so what follows it cannot be told from a second request.
                    close(&mut response);
                }
                response
            }
        };
        handler.metrics().answered(response.status());
        connection.mark(Doing::Waiting);
        Ok::<_, Infallible>(response)
    });
    let wire = Wire::new(TokioIo::new(stream), Arc::clone(connection));
    // The sweep closes slow connections; a timer for every request would cost more than the response.
    let conversation = http1::Builder::new().max_buf_size(HEAD).serve_connection(wire, service);
    let mut conversation = pin!(conversation);
    tokio::select! {
        biased;
        // How a connection ends is up to the client, so errors are ignored.
        _ = conversation.as_mut() => {}
        () = connection.evict.cancelled() => {
            if stopping.load(Ordering::Acquire) {
                conversation.as_mut().graceful_shutdown();
                drop(conversation.await);
            }
        }
    }
}

/// Refuses requests that two programs could understand differently (RFC 9112, sections 3.2 and 6.3), and all methods
/// but GET and HEAD.
fn refuse(request: &Request<Incoming>) -> Option<Answer> {
    let headers = request.headers();
    let hosts = headers.get_all(header::HOST).iter().count();
    let has_host = hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11);
    let is_plain =
        !headers.contains_key(header::TRANSFER_ENCODING) && headers.get_all(header::CONTENT_LENGTH).iter().count() <= 1;
    let mut refusal = if !has_host || request.uri().authority().is_some() || !is_plain {
        answer::plain(
            StatusCode::BAD_REQUEST,
            "ambiguous request (Host, request target, Content-Length or Transfer-Encoding)\n",
        )
    } else if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refusal = answer::plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n");
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        refusal
    } else {
        return None;
    };
    close(&mut refusal);
    Some(refusal)
}

fn close(response: &mut Answer) {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// The public site.
impl Handler for (Arc<Site>, Metrics) {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (site, metrics) = self;
        if request.uri().query().is_none()
            && let Some(document) = site.cache.at(request.uri().path())
        {
            return answer::document(&request, &document, false);
        }
        match Route::of(request.uri().path()) {
            Route::Health => answer::plain(StatusCode::OK, "ok\n"),
            Route::Ready if site.is_open() => answer::plain(StatusCode::OK, "ready\n"),
            Route::Ready => answer::busy(5, "the store is being opened\n"),
            Route::Style => style(&request),
            Route::Robots => answer::plain(StatusCode::OK, "User-agent: *\nAllow: /\n"),
            Route::Home => serve_cached(site, metrics, &request, Key::Home(language(site, &request))).await,
            Route::Opml => serve_cached(site, metrics, &request, Key::Opml).await,
            Route::Region(name) => {
                let language = language(site, &request);
                match region(site, name, "") {
                    Ok(region) => serve_cached(site, metrics, &request, Key::Region(region, language)).await,
                    Err(answer) => *answer,
                }
            }
            Route::Feed(name, format) => match feed(site, &request, name, format) {
                Ok(key) => serve_cached(site, metrics, &request, key).await,
                Err(answer) => *answer,
            },
            // The page of a report that joined another story redirects to the page of that story.
            Route::Item(id) if let Some(story) = site.joined(id) => answer::moved(&format!("/items/{story}")),
            Route::Item(id) => {
                let language = language(site, &request);
                let key = recent::Key::Item(id, language);
                let missing =
                    move |renderer: &Renderer<'_>| if renderer.has_had(id) { Failure::Gone } else { Failure::Missing };
                serve_rendered(site, metrics, &request, key, move |renderer| {
                    renderer.item_page(id, language).ok_or_else(|| missing(renderer))
                })
                .await
            }
            Route::Sources => {
                let language = language(site, &request);
                serve_rendered(site, metrics, &request, recent::Key::Sources(language), move |renderer| {
                    renderer.sources(language).map_err(|_told| Failure::Closed)
                })
                .await
            }
            Route::SourcesFeed => {
                serve_rendered(site, metrics, &request, recent::Key::SourcesFeed, |renderer| {
                    renderer.sources_feed().map_err(|_told| Failure::Closed)
                })
                .await
            }
            Route::Nothing => missing(site, &request),
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.1
    }
}

/// Resolves the name of a region in a path; an error is the response that says where the region went.
fn region(site: &Site, name: &str, rest: &str) -> Result<RegionId, Box<Answer>> {
    let published = site.published();
    match published.regions.named(name) {
        Some(Named::Region(region)) => Ok(region.id.clone()),
        Some(Named::Moved(region)) => {
            Err(Box::new(answer::moved(&format!("{}/regions/{}{rest}", published.options.public_url, region.id))))
        }
        Some(Named::Gone) => Err(Box::new(answer::plain(StatusCode::GONE, "this region was removed\n"))),
        None => Err(Box::new(answer::plain(StatusCode::NOT_FOUND, "there is no such region\n"))),
    }
}

/// Resolves the name of a region and the parameter `source` to a feed; an error is the response if there is none.
fn feed(site: &Site, request: &Request<Incoming>, name: &str, format: Format) -> Result<Key, Box<Answer>> {
    let region = region(site, name, &format!("/{}", format.file()))?;
    let Some(source) = parameter(request.uri().query(), "source") else { return Ok(Key::Feed(region, format, None)) };
    let is_known = |id: &SourceId| site.store().is_none_or(|store| store.view.source(id).is_some());
    match SourceId::new(&source).ok().filter(is_known) {
        Some(source) => Ok(Key::Feed(region, format, Some(source))),
        None => Err(Box::new(missing(site, request))),
    }
}

/// Answers from the cache; a document that is missing is rendered once for all requests that wait for it.
async fn serve_cached(site: &Arc<Site>, metrics: &Metrics, request: &Request<Incoming>, key: Key) -> Answer {
    if let Some(document) = site.cache.get(&key) {
        return answer::document(request, &document, key.is_page());
    }
    let place = site.cache.place(&key);
    let made = place
        .get_or_try_init(|| async {
            let wanted = key.clone();
            let renderer = if matches!(key, Key::Feed(_, _, Some(_))) { &site.aside } else { &site.main };
            let draft =
                make(site, renderer, metrics, move |renderer| renderer.make(&wanted).ok_or(Failure::Missing)).await?;
            let (shared, wanted) = (Arc::clone(site), key.clone());
            let document = tokio::task::spawn_blocking(move || {
                let changed = shared.cache.date(&wanted, blake3::hash(&draft.bytes), draft.changed);
                Arc::new(Rendered { changed, ..draft }.finish())
            });
            let document = document.await.map_err(|_panic| Failure::FellOver)?;
            site.cache.finished(&key, &place, &document);
            Ok(document)
        })
        .await;
    match made {
        Ok(document) => answer::document(request, document, key.is_page()),
        Err(failure) => {
            site.cache.abandon(&key);
            failed(site, request, failure)
        }
    }
}

/// Answers with a document that is rendered on request and shared with requests for it at the same time.
async fn serve_rendered(
    site: &Arc<Site>,
    metrics: &Metrics,
    request: &Request<Incoming>,
    key: recent::Key,
    work: impl FnOnce(&Renderer<'_>) -> Result<Rendered, Failure> + Send + 'static,
) -> Answer {
    let is_page = key != recent::Key::SourcesFeed;
    // Taken before rendering, so that a record that arrives meanwhile makes the document stale.
    let seq = site.store().map_or(0, |store| store.view.applied());
    if let Some(document) = site.recent.get(key, seq) {
        return answer::document(request, &document, is_page);
    }
    let finished = match make(site, &site.aside, metrics, work).await {
        Ok(draft) => {
            let shared = Arc::clone(site);
            tokio::task::spawn_blocking(move || {
                let changed = draft.changed.max(shared.cache.floor());
                shared.recent.finish(key, seq, Rendered { changed, ..draft })
            })
            .await
            .map_err(|_panic| Failure::FellOver)
        }
        Err(failure) => Err(failure),
    };
    match finished {
        Ok(document) => answer::document(request, &document, is_page),
        Err(failure) => failed(site, request, failure),
    }
}

/// Why there is no document.
enum Failure {
    /// There is nothing under this name.
    Missing,
    /// What was here was withdrawn by the admin or by its source.
    Gone,
    /// Too many requests are waiting.
    Busy,
    /// The store is not open yet.
    Opening,
    /// The document needs a part of the store that cannot be read for now.
    Closed,
    /// Rendering panicked.
    FellOver,
}

/// Renders a document on a blocking thread, as soon as the queue has a free slot; fails if too many requests wait for
/// one.
async fn make(
    site: &Arc<Site>,
    queue: &Queue,
    metrics: &Metrics,
    work: impl FnOnce(&Renderer<'_>) -> Result<Rendered, Failure> + Send + 'static,
) -> Result<Rendered, Failure> {
    if !site.is_open() {
        return Err(Failure::Opening);
    }
    let _waiting = queue.waiting.try_acquire().map_err(|_full| Failure::Busy)?;
    let working = Arc::clone(&queue.working).acquire_owned().await.map_err(|_closed| Failure::Busy)?;
    metrics.make();
    let site = Arc::clone(site);
    let made = tokio::task::spawn_blocking(move || {
        let _working = working;
        let Store { log, view, poll_states } = site.store().ok_or(Failure::Opening)?;
        let published = site.published();
        let renderer = Renderer { published: &published, log, view, poll_states, is_unreadable: Cell::new(false) };
        let made = work(&renderer)?;
        // A document that lacks something is not served as if it were complete.
        if renderer.is_unreadable.get() { Err(Failure::Closed) } else { Ok(made) }
    });
    made.await.map_err(|_panic| Failure::FellOver)?
}

fn failed(site: &Site, request: &Request<Incoming>, failure: Failure) -> Answer {
    match failure {
        Failure::Missing => missing(site, request),
        Failure::Gone => gone(site, request),
        Failure::Busy => answer::busy(2, "the server is busy; try again in a few seconds\n"),
        Failure::Opening => answer::busy(5, "the store is being opened; try again soon\n"),
        Failure::Closed => answer::busy(60, "this part of the store cannot be read now; the log says why\n"),
        Failure::FellOver => {
            tracing::error!("rendering a document panicked; please report this with the log");
            answer::plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal error: this document could not be rendered; see the log\n",
            )
        }
    }
}

fn missing(site: &Site, request: &Request<Incoming>) -> Answer {
    let (title, detail) = match language(site, request) {
        Language::Chinese => ("没有这个页面", "地址可能写错了，或者这条消息已超过保存期限。"),
        Language::English => ("There is no such page", "The address may be mistyped, or the item is no longer kept."),
    };
    fault(site, request, StatusCode::NOT_FOUND, title, detail)
}

/// Tells readers and caches that a withdrawn item will not come back (RFC 9110, section 15.5.11).
fn gone(site: &Site, request: &Request<Incoming>) -> Answer {
    let (title, detail) = match language(site, request) {
        Language::Chinese => ("这条消息已被撤下", "它不再由本站发布。"),
        Language::English => ("This item was withdrawn", "It is no longer published here."),
    };
    fault(site, request, StatusCode::GONE, title, detail)
}

/// Returns a page that says why there is nothing to read.
fn fault(site: &Site, request: &Request<Incoming>, status: StatusCode, title: &str, detail: &str) -> Answer {
    let published = site.published();
    let page =
        Page { site: &published.options.title, language: language(site, request), zone: &published.options.zone };
    answer::page(status, write::fault(&page, title, detail))
}

/// Returns the language of a page: that of the first tag of Accept-Language, else the site's own.
fn language(site: &Site, request: &Request<Incoming>) -> Language {
    let wish = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let first =
        wish.and_then(|wish| wish.split([',', ';']).next()).map(str::trim).filter(|tag| !tag.is_empty() && *tag != "*");
    match first {
        Some(tag) => Language::of_tag(tag),
        None => Language::of_tag(&site.published().options.language),
    }
}

fn style(request: &Request<Incoming>) -> Answer {
    static STYLE: std::sync::LazyLock<super::document::Document> = std::sync::LazyLock::new(|| {
        // The stylesheet is part of the program and has no date of its own; clients revalidate it by its ETag.
        super::document::Document::new(
            "text/css; charset=utf-8",
            write::stylesheet().as_bytes().to_vec(),
            crate::model::Moment::default(),
        )
    });
    answer::document(request, &STYLE, false)
}
